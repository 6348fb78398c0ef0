# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Types and fields that a robot file names: found, filled, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip('std_msgs.msg', reason='needs ROS 2')

from rl_bridge.errors import ConfigError, WireError
from rl_bridge.safety.named_types import (
    Numbers,
    field_type,
    fill,
    has_header,
    load_type,
    read_field,
)


def test_an_installed_type_is_found_by_its_name() -> None:
    from std_msgs.msg import Bool
    from std_srvs.srv import Trigger

    assert load_type('std_msgs/msg/Bool') is Bool
    assert load_type('std_srvs/srv/Trigger') is Trigger


@pytest.mark.parametrize('name', ['no_such_msgs/msg/X', 'std_msgs/srv/X', 'std_msgs/msg/X'])
def test_a_type_that_is_not_installed_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f'the type {name}, which is not installed here'):
        load_type(name)


def test_a_field_of_a_nested_message_is_read() -> None:
    header = load_type('std_msgs/msg/Header')()
    header.stamp.sec = 7
    assert read_field(header, 'stamp.sec') == 7


@pytest.mark.parametrize(
    ('path', 'says'),
    [
        ('mode', "Header has no field 'mode'; Header has stamp, frame_id"),
        ('stamp.day', "Header has no field 'stamp.day'; Time has sec, nanosec"),
        ('stamp.sec.x', "Header has no field 'stamp.sec.x'; int has none"),
    ],
)
def test_a_field_that_does_not_exist_is_named(path: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_field(load_type('std_msgs/msg/Header')(), path)


def test_fields_are_filled_nested_ones_and_whole_numbers_too() -> None:
    pose = fill(
        load_type('geometry_msgs/msg/PoseStamped')(),
        {'header': {'frame_id': 'base'}, 'pose': {'position': {'x': 1, 'y': 0.5}}},
    )
    assert (pose.header.frame_id, pose.pose.position.x, pose.pose.position.y) == ('base', 1.0, 0.5)


@pytest.mark.parametrize(
    ('kind', 'values', 'says'),
    [
        ('std_msgs/msg/Bool', {'data': 'yes'}, "Bool.data does not take 'yes'"),
        ('std_msgs/msg/UInt8', {'data': 300}, 'UInt8.data does not take 300'),
        ('std_msgs/msg/Header', {'stamp': 1}, 'Header.stamp does not take 1'),
        ('std_msgs/msg/Header', {'stamp': {'day': 1}}, "Time has no field 'day'"),
    ],
)
def test_a_value_that_does_not_fit_is_named(kind: str, values: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        fill(load_type(kind)(), values)


def test_one_of_many_values_is_read() -> None:
    message = load_type('trajectory_msgs/msg/JointTrajectory')()
    message.points = [load_type('trajectory_msgs/msg/JointTrajectoryPoint')()]
    message.points[0].positions = [1.0, 2.5]
    assert read_field(message, 'points[0].positions[1]') == 2.5
    with pytest.raises(ConfigError, match=r"no 'points\[0\].positions\[2\]': there are 2 values"):
        read_field(message, 'points[0].positions[2]')
    with pytest.raises(ConfigError, match=r"no 'header\[0\]': there are no values"):
        read_field(message, 'header[0]')


@pytest.mark.parametrize(
    ('kind', 'path', 'found'),
    [
        ('nav_msgs/msg/Odometry', 'twist.twist.linear.x', 'double'),
        ('nav_msgs/msg/Odometry', 'pose.covariance[35]', 'double'),
        ('nav_msgs/msg/Odometry', 'pose.pose', 'geometry_msgs/Pose'),
        ('sensor_msgs/msg/LaserScan', 'ranges[1000]', 'float'),
        ('sensor_msgs/msg/JointState', 'name[0]', 'string'),
        ('trajectory_msgs/msg/JointTrajectory', 'points[3].positions[1]', 'double'),
        ('std_msgs/msg/Bool', 'data', 'boolean'),
    ],
)
def test_the_type_of_a_field_is_known_without_a_message(kind: str, path: str, found: str) -> None:
    assert field_type(load_type(kind), path) == found


@pytest.mark.parametrize(
    ('kind', 'path', 'says'),
    [
        ('nav_msgs/msg/Odometry', 'twist.linear.x', 'geometry_msgs/TwistWithCovariance has twist'),
        ('nav_msgs/msg/Odometry', 'speed', "Odometry has no field 'speed'; Odometry has header"),
        ('nav_msgs/msg/Odometry', 'pose.covariance[36]', 'there are 36 values'),
        ('nav_msgs/msg/Odometry', 'pose[0]', 'there are no values'),
        ('std_msgs/msg/Float64', 'data.x', 'double has none'),
        ('trajectory_msgs/msg/JointTrajectory', 'points.positions', 'has none'),
    ],
)
def test_a_path_that_leads_nowhere_is_named(kind: str, path: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        field_type(load_type(kind), path)


def test_numbers_are_read_from_fields_of_any_message() -> None:
    message = load_type('nav_msgs/msg/Odometry')()
    message.twist.twist.linear.x = 0.5
    message.pose.covariance[7] = 2.0
    numbers = Numbers('nav_msgs/msg/Odometry', ['twist.twist.linear.x', 'pose.covariance[7]'])
    assert numbers.read(message) == [0.5, 2.0]


def test_a_list_that_is_too_short_is_named_with_what_is_missing() -> None:
    numbers = Numbers('std_msgs/msg/Float64MultiArray', ['data[0]', 'data[2]'])
    message = load_type('std_msgs/msg/Float64MultiArray')()
    message.data = [1.0, 2.0]
    with pytest.raises(WireError, match=r'has no data\[2\]: its list is too short'):
        numbers.read(message)
    message.data = [1.0, 2.0, 3.0]
    assert numbers.read(message) == [1.0, 3.0]


@pytest.mark.parametrize(
    ('kind', 'path', 'says'),
    [
        ('std_msgs/msg/String', 'data', 'data of std_msgs/msg/String, which is string and no'),
        ('nav_msgs/msg/Odometry', 'pose.pose', 'which is geometry_msgs/Pose and no number'),
        ('std_msgs/msg/Float64MultiArray', 'data', 'which is sequence<double> and no number'),
        ('no_msgs/msg/State', 'q', 'the type no_msgs/msg/State, which is not installed here'),
    ],
)
def test_what_is_no_number_is_refused_before_a_message_comes(
    kind: str, path: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        Numbers(kind, [path])


def test_it_is_known_which_types_have_a_header() -> None:
    assert has_header(load_type('nav_msgs/msg/Odometry'))
    assert not has_header(load_type('geometry_msgs/msg/Twist'))
