# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The simulated base behind the topics of ros2_control's diff_drive_controller and a laser's driver.

Whatever drives it cannot tell it from a real one. The topics are those of the robot file; with
``config/diff_drive.yaml``:

    diff_drive_controller/cmd_vel   in   geometry_msgs/TwistStamped (or Twist)
    diff_drive_controller/odom      out  nav_msgs/Odometry, 50 Hz
    scan                            out  sensor_msgs/LaserScan, 15 Hz
    bumper                          out  std_msgs/Bool, where the robot file names it
    ~/carry_back                    srv  std_srvs/Trigger: a person carries the base to its start

``~/carry_back`` is for people and tests between episodes. No bridge and no task calls it: with a
real base nobody could answer.

Differences from a real base: odometry tells the truth but for the noise that the parameters ask
for, and is set back with a base that is carried back; a malformed command brings the base to rest.
"""

from __future__ import annotations

import math
import time
from array import array
from typing import Any

import numpy as np
from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.safety.realtime import run_first
from rl_bridge.sim.base import LASER_RANGE, SimulatedBase
from rl_bridge.sim.base_readings import (
    ANGLE_INCREMENT,
    ANGLE_MIN,
    BOOL,
    LASER_SCAN,
    ODOMETRY,
    check_base,
)
from rl_bridge.sim.driver_parameters_node import DriverParameters
from rl_bridge.sim.gap import StateChannel
from rl_bridge.sim.in_process_base import OBSTACLES
from rl_bridge.sim.room import furnished
from rl_bridge.topic_qos import NEWEST
from rl_bridge.types import RobotDescription

_LONGEST_WAIT_S = 0.05  # so that a signal is seen soon at any rate
_LARGEST_DELAY_S = 0.1  # the simulation catches up this much; what is more is left out
_COMMANDS = {'geometry_msgs/msg/Twist': Twist, 'geometry_msgs/msg/TwistStamped': TwistStamped}
_FIELDS = ('linear.x', 'angular.z')
_REALTIME = 'SCHED_FIFO priority, where allowed: it stands for hardware; 0 = only nice -20.'


class SimBaseDriver:
    """
    The simulated base's topics and its time.

    :param node: whose parameters and relative topics they are.
    :param description: the base; its robot file names topics, types and limits.
    :raises ConfigError: a parameter is malformed or out of range, or it describes no such base.
    """

    def __init__(self, node: Node, description: RobotDescription) -> None:
        self._node = node
        check_base(description)
        given = DriverParameters(node)
        rates = {'state_rate': 50.0, 'scan_rate': 15.0}
        self._period_s = {
            name: 1.0 / given.number(name, rate, 'Hz, 1 to 500.', least=1, most=500, unit=' Hz')
            for name, rate in rates.items()
        }
        self._base = _base(given, description)
        self._channel: StateChannel[tuple[Any, Any]] = StateChannel(self._base.gap)
        self._priority = int(given.number('realtime_priority', 30.0, _REALTIME))
        self._refused = False
        self._odometry, self._scan, self._bumper = _publishers(node, description)
        output = description.commands['velocity'].outputs[0]
        self._command_topic = output.topic
        node.create_subscription(_COMMANDS[output.type], output.topic, self._take, NEWEST)
        node.create_service(Trigger, '~/carry_back', self._carry_back)
        self._simulated_until = time.monotonic()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self.ended = False

    def run(self) -> None:
        """Simulate in real time and publish, until ``ended`` is set."""
        self._node.get_logger().info(f'the simulated base is running; {run_first(self._priority)}')
        measures = {'state_rate': self._measure_motion, 'scan_rate': self._measure_scan}
        due = dict.fromkeys(measures, time.monotonic())
        while not self.ended:
            now = time.monotonic()
            wake = min(*due.values(), self._channel.next_due_s())
            if now < wake:
                self._executor.spin_once(timeout_sec=min(wake - now, _LONGEST_WAIT_S))
                continue
            self._advance(now)
            for name, measure in measures.items():
                if now >= due[name]:
                    measure(now)
                    # Absolute times: one that is late delays none of those after it.
                    period_s = self._period_s[name]
                    due[name] += period_s * max(1.0, math.ceil((now - due[name]) / period_s))
            for publisher, message in self._channel.arrived(now_s=now):
                publisher.publish(message)

    def close(self) -> None:
        """Answer nothing any more; idempotent."""
        self._executor.shutdown()

    def _advance(self, now: float) -> None:
        delay = now - self._simulated_until
        longest = self._period_s['state_rate'] + _LARGEST_DELAY_S
        if delay > longest:
            self._node.get_logger().warning(
                f'the simulation fell {delay:.3f} s behind real time and leaves most of it out',
                throttle_duration_sec=5.0,
            )
            delay = longest
        self._simulated_until = now
        self._base.advance(delay)

    def _measure_motion(self, now: float) -> None:
        (x, y, heading), (forwards, turning) = self._base.measured_pose(), self._base.velocity()
        message = Odometry()
        self._stamp(message, 'odom')
        message.child_frame_id = 'base_link'
        place, turn = message.pose.pose.position, message.pose.pose.orientation
        place.x, place.y = float(x), float(y)
        turn.z, turn.w = math.sin(heading / 2), math.cos(heading / 2)
        message.twist.twist.linear.x = float(forwards)
        message.twist.twist.angular.z = float(turning)
        self._channel.send((self._odometry, message), now_s=now)
        if self._bumper is not None:
            self._bumper.publish(Bool(data=self._base.in_contact))

    def _measure_scan(self, now: float) -> None:
        if self._scan is None:
            return
        message = LaserScan(
            angle_min=ANGLE_MIN,
            angle_max=ANGLE_MIN + ANGLE_INCREMENT * (len(self._base.ray_angles) - 1),
            angle_increment=ANGLE_INCREMENT,
            scan_time=self._period_s['scan_rate'],
            range_min=LASER_RANGE[0],
            range_max=LASER_RANGE[1],
        )
        self._stamp(message, 'base_link')
        message.ranges = array('f', self._base.scan().astype(np.float32).tobytes())
        self._channel.send((self._scan, message), now_s=now)

    def _stamp(self, message: Any, frame_id: str) -> None:
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = frame_id

    def _take(self, message: Any) -> None:
        # The command counts from now on, not from the last published state on.
        self._advance(max(time.monotonic(), self._simulated_until))
        twist = message.twist if isinstance(message, TwistStamped) else message
        log = self._node.get_logger()
        try:
            self._base.command([twist.linear.x, twist.angular.z])
        except LimitError as error:
            self._base.halt()
            if not self._refused:
                log.error(f'{self._command_topic}: {error} The base comes to rest.')
            self._refused = True
        else:
            if self._refused:
                log.info(f'{self._command_topic}: commands are valid again')
            self._refused = False

    def _carry_back(self, _: Trigger.Request, answer: Trigger.Response) -> Trigger.Response:
        self._advance(max(time.monotonic(), self._simulated_until))
        answer.success = self._base.at_rest
        answer.message = 'the base is moving; nobody lifts it'
        if answer.success:
            self._base.carry_back()
            self._channel.clear()
            answer.message = 'the base stands where it started'
            self._node.get_logger().warning(f'a person carried it: {answer.message}')
        return answer


def _base(given: DriverParameters, description: RobotDescription) -> SimulatedBase:
    limits = description.limits
    return SimulatedBase(
        obstacles=furnished(
            count=given.whole('obstacles', OBSTACLES, 'How many cylinders stand in the room.'),
            seed=given.whole('room', 0, 'Seed of where they stand.'),
        ),
        pose=given.numbers('initial_pose', [0.0, 0.0, 0.0], 'x and y in m, heading in rad.'),
        command_timeout_s=description.commands['velocity'].timeout_s,
        speed=limits.velocity,
        acceleration=limits.acceleration,
        range_noise=given.number('range_noise', 0.0, "Standard deviation of the laser's rays, m."),
        gap=given.gap(),
    )


def _publishers(node: Node, description: RobotDescription) -> tuple[Any, Any, Any]:
    """
    Return the publishers of odometry, scan and bumper; None for what the file does not name.

    :raises ConfigError: the state or the commands are of types that a simulated base has not.
    """
    name, outputs = description.name, description.commands['velocity'].outputs
    if description.state_type != ODOMETRY:
        raise ConfigError(
            f'A simulated base publishes its state as {ODOMETRY}, not as {description.state_type}.'
        )
    output = outputs[0]
    fields = tuple(path.removeprefix('twist.') for path in output.fields)
    usual = output.type in _COMMANDS and output.joints == (0, 1) and fields == _FIELDS
    if len(outputs) != 1 or not usual:
        raise ConfigError(
            f'A simulated base takes its velocities as {" and ".join(_FIELDS)} of one topic of '
            f'the type {" or ".join(_COMMANDS)}; correct the commands of {name}.'
        )
    topics = {sensor.type: sensor.topic for sensor in description.sensors.values()}
    scan = bumper = None
    if LASER_SCAN in topics:
        scan = node.create_publisher(LaserScan, topics[LASER_SCAN], qos_profile_sensor_data)
    if BOOL in topics:
        bumper = node.create_publisher(Bool, topics[BOOL], NEWEST)
    return node.create_publisher(Odometry, description.state_topic, 10), scan, bumper
