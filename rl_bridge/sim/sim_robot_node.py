# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The node ``sim_robot``: a simulated UR5e with the topics of the real one's driver, ur_robot_driver.

Whatever commands it cannot tell it from the real arm, and there is no way around its controllers:
it cannot be reset, paused or moved by anything but commands.

    joint_states                          out  sensor_msgs/JointState, in the driver's order
    forward_velocity_controller/commands  in   std_msgs/Float64MultiArray, rad/s
    forward_position_controller/commands  in   std_msgs/Float64MultiArray, rad
    robot_running                         out  std_msgs/Bool: false while its own stop is pressed
    ~/press_stop                          srv  std_srvs/SetBool: press (true) or release that stop

While it is pressed the arm brakes and ignores every command, as a protective stop does; released,
it rests until the next command.

Differences from the driver: both controllers are active at once and the last command counts;
effort is in Nm, not in ampere; a malformed command brings the arm to rest, where the driver goes
on with the command before it.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import rclpy
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64MultiArray
from std_srvs.srv import SetBool

from rl_bridge.dds_profile import use_profile
from rl_bridge.errors import ConfigError, LimitError, RlBridgeError
from rl_bridge.safety.realtime import run_first
from rl_bridge.sim.arm import UR5E_JOINTS, UR5E_READY, SimulatedArm
from rl_bridge.sim.gap import Gap
from rl_bridge.topic_qos import NEWEST
from rl_bridge.types import FloatArray

# The order in which ur_robot_driver's joint_state_broadcaster publishes on Humble and Jazzy, which
# is not that of the controllers: clients have to go by name.
BROADCAST_JOINTS = (*UR5E_JOINTS[1:], UR5E_JOINTS[0])

_ORDER = [UR5E_JOINTS.index(name) for name in BROADCAST_JOINTS]
_LONGEST_WAIT_S = 0.05  # so that a signal is seen soon at any state_rate
_STATUS_PERIOD_S = 0.1
_LARGEST_DELAY_S = 0.1  # the simulation catches up this much; what is more is left out


class SimArmDriver:
    """
    The simulated arm's topics and its time.

    :param node: whose parameters and relative topics they are.
    :raises ConfigError: a parameter is malformed or out of range.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        rate = self._number('state_rate', 125.0, 'Joint states per second, 1 to 500.')
        if not 1.0 <= rate <= 500.0:
            raise ConfigError(f'state_rate must be 1 to 500 Hz, not {rate:g}.')
        self._period_s = 1.0 / rate
        self._arm = SimulatedArm(
            position=self._numbers('initial_position', UR5E_READY, 'Joint angles at first, rad.'),
            command_timeout_s=self._number(
                'command_timeout',
                0.0,
                'Seconds after which an old velocity command ends; 0 = never, as in ros2_control.',
            ),
            position_jump=self._number(
                'position_jump',
                0.04,
                'Farthest a position command may lie from the last one, rad; 0 = anywhere.',
            ),
            gap=Gap(
                position_noise=self._number('position_noise', 0.0, 'Standard deviation, rad.'),
                velocity_noise=self._number('velocity_noise', 0.0, 'Standard deviation, rad/s.'),
                seed=int(self._number('seed', 0.0, 'Seed of the noise, a whole number.')),
            ),
        )
        self._priority = int(
            self._number(
                'realtime_priority',
                30.0,
                'SCHED_FIFO priority, where allowed: it stands for hardware; 0 = only nice -20.',
            )
        )
        self._refused = False
        self._message = JointState(name=list(BROADCAST_JOINTS))
        self._message.header.frame_id = 'base_link'
        self._states = node.create_publisher(JointState, 'joint_states', 10)
        for kind, command in (
            ('velocity', self._arm.command_velocity),
            ('position', self._arm.command_position),
        ):
            topic = f'forward_{kind}_controller/commands'
            receive = self._receiver(topic, command)
            node.create_subscription(Float64MultiArray, topic, receive, NEWEST)
        self._pressed = False
        self._told_at = 0.0
        self._running = node.create_publisher(Bool, 'robot_running', NEWEST)
        node.create_service(SetBool, '~/press_stop', self._press)
        self._simulated_until = time.monotonic()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self.ended = False

    def run(self) -> None:
        """Simulate in real time and publish, until ``ended`` is set."""
        self._node.get_logger().info(f'the simulated UR5e is running; {run_first(self._priority)}')
        due = time.monotonic()
        while not self.ended:
            now = time.monotonic()
            if now < due:
                self._executor.spin_once(timeout_sec=min(due - now, _LONGEST_WAIT_S))
                continue
            self._advance(now)
            self._publish()
            if now - self._told_at >= _STATUS_PERIOD_S:
                self._tell()
            # Absolute times: one late state delays none of those after it.
            due += self._period_s * max(1.0, math.ceil((now - due) / self._period_s))

    def close(self) -> None:
        """Answer nothing any more; idempotent."""
        self._executor.shutdown()

    def _advance(self, now: float) -> None:
        delay = now - self._simulated_until
        if delay > self._period_s + _LARGEST_DELAY_S:
            self._node.get_logger().warning(
                f'the simulation fell {delay:.3f} s behind real time and leaves most of it out',
                throttle_duration_sec=5.0,
            )
            delay = self._period_s + _LARGEST_DELAY_S
        self._simulated_until = now
        self._arm.advance(delay)

    def _publish(self) -> None:
        position, velocity, effort = self._arm.state()
        message = self._message
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.position = array('d', position[_ORDER].tobytes())
        message.velocity = array('d', velocity[_ORDER].tobytes())
        message.effort = array('d', effort[_ORDER].tobytes())
        self._states.publish(message)

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        self._running.publish(Bool(data=not self._pressed))

    def _press(self, request: SetBool.Request, answer: SetBool.Response) -> SetBool.Response:
        self._advance(max(time.monotonic(), self._simulated_until))
        self._pressed = bool(request.data)
        self._arm.halt()
        self._tell()
        answer.success = True
        answer.message = 'the stop is pressed' if self._pressed else 'the stop is released'
        self._node.get_logger().warning(answer.message)
        return answer

    def _receiver(
        self, topic: str, command: Callable[[FloatArray], None]
    ) -> Callable[[Float64MultiArray], None]:
        def receive(message: Float64MultiArray) -> None:
            # The command counts from now on, not from the last published state on.
            self._advance(max(time.monotonic(), self._simulated_until))
            if self._pressed:
                return
            try:
                command(message.data)
            except LimitError as error:
                self._arm.halt()
                if not self._refused:
                    self._node.get_logger().error(f'{topic}: {error} The arm comes to rest.')
                self._refused = True
            else:
                if self._refused:
                    self._node.get_logger().info(f'{topic}: commands are valid again')
                self._refused = False

        return receive

    def _number(self, name: str, default: float, description: str) -> float:
        value = self._parameter(name, default, description)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f'{name} must be a number, not {value!r}.')
        return float(value)

    def _numbers(self, name: str, default: Sequence[float], description: str) -> list[float]:
        value = self._parameter(name, list(default), description)
        try:
            return [float(number) for number in value]
        except (TypeError, ValueError):
            raise ConfigError(f'{name} must be a list of numbers, not {value!r}.') from None

    def _parameter(self, name: str, default: Any, description: str) -> Any:
        # Dynamic, so that a whole number written without its point is a number too.
        descriptor = ParameterDescriptor(
            description=description, dynamic_typing=True, read_only=True
        )
        return self._node.declare_parameter(name, default, descriptor).value


def main(args: Sequence[str] | None = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line arguments; those of the process by default.
    :return: the exit code: 0 after a signal, 1 if it cannot start.
    """
    drivers: list[SimArmDriver] = []
    asked: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        asked.append(number)
        for driver in drivers:
            driver.ended = True

    # Our own handlers: rclpy's would shut ROS down under the running loop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    use_profile()
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('sim_robot')
    try:
        driver = SimArmDriver(node)
        drivers.append(driver)
        driver.ended = bool(asked)
        try:
            driver.run()
        finally:
            driver.close()
    except (RlBridgeError, ParameterException) as error:
        print(f'sim_robot cannot start: {error}', file=sys.stderr)
        return 1
    finally:
        # A second signal does nothing while the process ends in order.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
