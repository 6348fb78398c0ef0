# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A simulated arm's topics, those that its robot file names: what a real arm's driver has.

Whatever commands it cannot tell it from the real arm, and there is no way around its controllers:
it cannot be reset, paused or moved by anything but commands. With ``ur5e.yaml``:

    joint_states                          out  sensor_msgs/JointState, in the driver's order
    forward_velocity_controller/commands  in   std_msgs/Float64MultiArray, rad/s
    forward_position_controller/commands  in   std_msgs/Float64MultiArray, rad
    robot_running                         out  std_msgs/Bool: false while its own stop is pressed
    ~/press_stop                          srv  std_srvs/SetBool: press (true) or release that stop

Any other robot file has its own outputs, types, time-outs and stop status. While the stop is
pressed the arm brakes and ignores every command, as a protective stop does; released, it rests
until the next command.

Differences from a driver: all controllers are active at once and a joint follows the last command
to it; effort is in Nm; a malformed command brings the arm to rest, where a driver may go on with
the command before it.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from rl_bridge.errors import ConfigError, LimitError, WireError
from rl_bridge.robot_description import JOINT_STATE
from rl_bridge.safety.named_types import fill, load_type, read_field
from rl_bridge.safety.realtime import run_first
from rl_bridge.sim.arm import SimulatedArm
from rl_bridge.sim.arm_model import UR5E_JOINTS, arm_model
from rl_bridge.sim.command_reader import CommandReader
from rl_bridge.sim.driver_parameters_node import DriverParameters
from rl_bridge.sim.gap import StateChannel
from rl_bridge.topic_qos import LATCHED, NEWEST
from rl_bridge.types import CommandOutput, RobotDescription, StopStatus

_LONGEST_WAIT_S = 0.05  # so that a signal is seen soon at any state_rate
_STATUS_PERIOD_S = 0.1
_LARGEST_DELAY_S = 0.1  # the simulation catches up this much; what is more is left out

Send = Callable[[list[float], float], None]


class SimArmDriver:
    """
    A simulated arm's topics and its time.

    :param node: whose parameters and relative topics they are.
    :param robot: with ``dh``.
    :raises ConfigError: a parameter is malformed or out of range, or the robot file asks for what
        a simulated arm does not have.
    """

    def __init__(self, node: Node, robot: RobotDescription) -> None:
        self._node = node
        if robot.state_type != JOINT_STATE:
            raise ConfigError(
                f'a simulated arm publishes {JOINT_STATE}, not {robot.state_type}; change the '
                'state of its robot file'
            )
        given = DriverParameters(node)
        self._period_s = 1.0 / given.number(
            'state_rate', 125.0, 'Joint states per second.', least=1, most=500, unit=' Hz'
        )
        self._arm = _arm(robot, given)
        self._priority = int(
            given.number(
                'realtime_priority',
                30.0,
                'SCHED_FIFO priority, where allowed: it stands for hardware; 0 = only nice -20.',
            )
        )
        self._refused = False
        self._order = _broadcast_order(robot)
        self._states = node.create_publisher(JointState, robot.state_topic, 10)
        gap = self._arm.gap
        self._channel = StateChannel[JointState](gap) if gap.delays else None
        for kind, interface in robot.commands.items():
            for output in interface.outputs:
                reader = CommandReader(output, robot.joints)
                receive = self._receiver(output.topic, reader, self._sender(kind, output))
                node.create_subscription(reader.kind, output.topic, receive, NEWEST)
        self._pressed = False
        self._status = None if robot.stop_status is None else _Status(node, robot.stop_status)
        node.create_service(SetBool, '~/press_stop', self._press)
        self._simulated_until = time.monotonic()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self.ended = False

    def run(self) -> None:
        """Simulate in real time and publish, until ``ended`` is set."""
        name = self._arm.model.name
        self._node.get_logger().info(
            f'the simulated {name} is running; {run_first(self._priority)}'
        )
        due = time.monotonic()
        while not self.ended:
            now = time.monotonic()
            if self._channel is not None:
                for message in self._channel.arrived(now_s=now):
                    self._states.publish(message)
            if now < due:
                self._executor.spin_once(timeout_sec=self._wait_s(due, now))
                continue
            self._advance(now)
            self._publish(now)
            if self._status is not None:
                self._status.tell_if_due(now, pressed=self._pressed)
            # Absolute times: one late state delays none of those after it.
            due += self._period_s * max(1.0, math.ceil((now - due) / self._period_s))

    def close(self) -> None:
        """Answer nothing any more; idempotent."""
        self._executor.shutdown()

    def _wait_s(self, due: float, now: float) -> float:
        if self._channel is not None:
            due = min(due, self._channel.next_due_s())
        return min(max(due - now, 0.0), _LONGEST_WAIT_S)

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

    def _publish(self, now: float) -> None:
        position, velocity, effort = self._arm.state()
        message = JointState(name=[self._arm.model.joints[i] for i in self._order])
        message.header.frame_id = 'base_link'
        # When it was measured, however late it arrives.
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.position = array('d', position[self._order].tobytes())
        message.velocity = array('d', velocity[self._order].tobytes())
        message.effort = array('d', effort[self._order].tobytes())
        if self._channel is None:
            self._states.publish(message)
        else:
            self._channel.send(message, now_s=now)

    def _press(self, request: SetBool.Request, answer: SetBool.Response) -> SetBool.Response:
        self._advance(max(time.monotonic(), self._simulated_until))
        self._pressed = bool(request.data)
        self._arm.halt()
        if self._status is not None:
            self._status.tell(time.monotonic(), pressed=self._pressed)
        answer.success = True
        answer.message = 'the stop is pressed' if self._pressed else 'the stop is released'
        self._node.get_logger().warning(answer.message)
        return answer

    def _sender(self, kind: str, output: CommandOutput) -> Send:
        arm, joints = self._arm, output.joints
        if kind == 'velocity':
            return lambda values, _: arm.command_velocity(values, joints=joints)
        if kind == 'effort':
            return lambda values, _: arm.command_effort(values, joints=joints)
        return lambda values, within_s: arm.command_position(
            values, joints=joints, within_s=within_s
        )

    def _receiver(self, topic: str, reader: CommandReader, send: Send) -> Callable[[Any], None]:
        def receive(message: Any) -> None:
            # The command counts from now on, not from the last published state on.
            self._advance(max(time.monotonic(), self._simulated_until))
            if self._pressed:
                return
            try:
                send(*reader.read(message))
            except (LimitError, WireError) as error:
                self._arm.halt()
                if not self._refused:
                    self._node.get_logger().error(f'{topic}: {error} The arm comes to rest.')
                self._refused = True
            else:
                if self._refused:
                    self._node.get_logger().info(f'{topic}: commands are valid again')
                self._refused = False

        return receive


class _Status:
    """Tells of the arm's own stop, in the way that its robot file describes."""

    def __init__(self, node: Node, status: StopStatus) -> None:
        self._running, self._stopped = status.running[0], _other_value(status)
        path = status.field.split('.')
        kind = load_type(status.type)
        read_field(kind(), status.field)
        self._message = kind()
        owner = read_field(self._message, '.'.join(path[:-1])) if path[1:] else self._message
        for value in (self._stopped, self._running):
            fill(owner, {path[-1]: value})
        self._set = partial(setattr, owner, path[-1])
        qos = NEWEST if status.max_age_s else LATCHED
        self._publisher = node.create_publisher(kind, status.topic, qos)
        self._period_s = min(_STATUS_PERIOD_S, (status.max_age_s or math.inf) / 3)
        self._told_at = 0.0

    def tell_if_due(self, now: float, *, pressed: bool) -> None:
        if now - self._told_at >= self._period_s:
            self.tell(now, pressed=pressed)

    def tell(self, now: float, *, pressed: bool) -> None:
        self._told_at = now
        self._set(self._stopped if pressed else self._running)
        self._publisher.publish(self._message)


def _other_value(status: StopStatus) -> bool | int | str:
    """Return a value that means that the robot is stopped."""
    kind = type(status.running[0])
    candidates: dict[type, Sequence[bool | int | str]] = {
        bool: (False, True),
        str: ('stopped', 'pressed'),
        int: range(128),  # what an int8 holds
    }
    for value in candidates[kind]:
        if value not in status.running:
            return value
    raise ConfigError(
        f'every value of {status.field} that a simulated arm knows is in stop_status.running; '
        'leave one out of it'
    )


def _broadcast_order(robot: RobotDescription) -> list[int]:
    """
    Return the order of the joints in ``joint_states``.

    The UR5e's is that of its driver's joint_state_broadcaster on Humble and Jazzy, which is not
    that of the controllers: clients have to go by name.
    """
    order = list(range(len(robot.joints)))
    return [*order[1:], 0] if robot.joints == UR5E_JOINTS else order


def _arm(robot: RobotDescription, given: DriverParameters) -> SimulatedArm:
    number, model = given.number, arm_model(robot)
    timeouts = {kind: interface.timeout_s for kind, interface in robot.commands.items()}
    return SimulatedArm(
        model=model,
        position=given.numbers(
            'initial_position', model.ready.tolist(), 'Joint angles at first, rad.'
        ),
        command_timeout_s=number(
            'command_timeout',
            timeouts.get('velocity', 0.0),
            'Seconds after which an old velocity command ends; 0 = never, as in ros2_control. '
            'As the robot file says.',
        ),
        effort_timeout_s=timeouts.get('effort', 0.0),
        position_jump=number(
            'position_jump',
            model.position_jump,
            'Farthest a position command may lie from the last one, rad; 0 = anywhere.',
        ),
        gap=given.gap(),
    )
