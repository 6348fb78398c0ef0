# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Messages for controllers of any kind: filled as the robot file says, or refused at the start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('trajectory_msgs.msg', reason='needs ROS 2')

from rl_bridge.errors import ConfigError
from rl_bridge.robot_file import load_robot
from rl_bridge.safety.command_messages import CommandMessage
from rl_bridge.safety.joint_map import state_reader
from rl_bridge.types import CommandOutput

JOINTS = ('a', 'b', 'c')
VALUES = np.array([1.0, 2.0, 3.0])
STAMP_NS = 5_000_000_007
ARRAY = 'std_msgs/msg/Float64MultiArray'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
STAMPED = 'geometry_msgs/msg/TwistStamped'


def test_an_array_has_the_joints_of_its_output_in_the_order_it_takes_them() -> None:
    every = CommandMessage(CommandOutput('t', (0, 1, 2)), JOINTS)
    assert every.fill(VALUES).data.tolist() == [1.0, 2.0, 3.0]
    some = CommandMessage(CommandOutput('t', (2, 0)), JOINTS)
    assert some.fill(VALUES).data.tolist() == [3.0, 1.0]
    assert not some.stamped


def test_a_stamped_twist_has_frame_stamp_and_values() -> None:
    fields = ('twist.linear.x', 'twist.angular.z')
    command = CommandMessage(CommandOutput('t', (0, 2), STAMPED, fields, 'base_link'), JOINTS)
    assert command.stamped
    message = command.fill(VALUES, STAMP_NS)
    assert (message.twist.linear.x, message.twist.angular.z) == (1.0, 3.0)
    assert (message.twist.linear.y, message.twist.angular.x) == (0.0, 0.0)
    assert message.header.frame_id == 'base_link'
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (5, 7)
    assert command.fill(-VALUES, STAMP_NS).twist.linear.x == -1.0


def test_a_trajectory_has_one_point_that_begins_when_it_arrives() -> None:
    output = CommandOutput('t', (1, 2), TRAJECTORY, arrive_within_s=1.25)
    command = CommandMessage(output, JOINTS)
    assert not command.stamped, 'a stamp could lie in the past when the controller reads it'
    message = command.fill(VALUES)
    assert message.joint_names == ['b', 'c']
    (point,) = message.points
    assert point.positions.tolist() == [2.0, 3.0]
    assert (point.time_from_start.sec, point.time_from_start.nanosec) == (1, 250_000_000)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (0, 0)


def test_fields_may_be_elements_of_arrays_which_get_as_long_as_needed() -> None:
    output = CommandOutput('t', (0, 1), 'sensor_msgs/msg/Joy', ('axes[3]', 'axes[1]'))
    message = CommandMessage(output, JOINTS).fill(VALUES)
    assert message.axes.tolist() == [0.0, 2.0, 0.0, 1.0]
    fixed = CommandOutput('t', (0,), 'geometry_msgs/msg/PoseWithCovariance', ('covariance[7]',))
    message = CommandMessage(fixed, JOINTS).fill(VALUES)
    assert message.covariance[7] == 1.0
    assert len(message.covariance) == 36


@pytest.mark.parametrize(
    ('output', 'says'),
    [
        (CommandOutput('t', (0,), 'no_msgs/msg/Grip', ('x',)), 'no_msgs/msg/Grip, which is not'),
        (CommandOutput('t', (0,), STAMPED, ('twist.speed',)), "has no field 'twist.speed'"),
        (
            CommandOutput('t', (0,), 'std_msgs/msg/Int32', ('data',)),
            'which is int32; only a float',
        ),
        (CommandOutput('t', (0,), STAMPED, ('twist.linear',)), 'which is geometry_msgs/Vector3'),
        (CommandOutput('t', (0,), ARRAY, frame_id='base'), 'Float64MultiArray has no header'),
        (
            CommandOutput('t', (0,), TRAJECTORY + 'Point', ('positions',)),
            'to positions of .* which is sequence<double>',
        ),
    ],
)
def test_what_the_controller_could_not_be_told_is_refused(
    output: CommandOutput, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        CommandMessage(output, JOINTS)


def test_lists_of_messages_are_not_filled() -> None:
    output = CommandOutput('t', (0,), 'geometry_msgs/msg/PoseArray', ('poses[0].position.x',))
    with pytest.raises(ConfigError, match=r"no 'poses\[0\].position': there are 0 values"):
        CommandMessage(output, JOINTS)


SHIPPED = sorted(
    file.name
    for file in (Path(__file__).resolve().parent.parent / 'config').glob('*.yaml')
    if not file.stem.endswith('_env')
)


@pytest.mark.parametrize('name', SHIPPED)
def test_the_guard_can_read_and_command_every_shipped_robot(name: str) -> None:
    robot = load_robot(name)
    assert state_reader(robot)
    half = (robot.limits.position_lower + robot.limits.position_upper) / 2.0
    for interface in robot.commands.values():
        for output in interface.outputs:
            message = CommandMessage(output, robot.joints)
            assert isinstance(message.fill(half), message.kind)
