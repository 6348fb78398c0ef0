# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""JointState messages in whatever order and company the driver sends them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from rl_bridge.errors import ConfigError, WireError
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.safety.joint_map import FieldMap, JointMap, state_reader
from rl_bridge.types import RobotDescription, StateFields


@dataclass
class JointState:
    """The fields of a sensor_msgs/JointState that are read."""

    name: list[str]
    position: array[float] = field(default_factory=lambda: array('d'))
    velocity: array[float] = field(default_factory=lambda: array('d'))


def state(**joints: float) -> JointState:
    """A message in which each joint's velocity is ten times its position."""
    position = array('d', joints.values())
    return JointState(list(joints), position, array('d', [10 * value for value in position]))


def test_values_are_brought_into_the_robot_files_order() -> None:
    joints = JointMap(('shoulder', 'elbow'))
    for _ in range(2):  # found the first time, remembered the second
        read = joints.read(state(elbow=2.0, finger=9.0, shoulder=1.0))
        assert read is not None
        np.testing.assert_array_equal(read[0], [1.0, 2.0])
        np.testing.assert_array_equal(read[1], [10.0, 20.0])


def test_a_driver_that_changes_its_order_is_followed() -> None:
    joints = JointMap(('shoulder', 'elbow'))
    for message in (state(shoulder=1.0, elbow=2.0), state(elbow=2.0, shoulder=1.0)) * 2:
        read = joints.read(message)
        assert read is not None
        np.testing.assert_array_equal(read[0], [1.0, 2.0])


def test_a_message_about_other_joints_is_not_the_robots() -> None:
    joints = JointMap(('shoulder', 'elbow'))
    for _ in range(2):
        assert joints.read(JointState(['finger'])) is None
        assert joints.read(state(shoulder=1.0, elbow=2.0)) is not None


def test_an_empty_message_is_not_the_robots() -> None:
    joints = JointMap(('shoulder', 'elbow'))
    assert joints.read(JointState([])) is None
    assert joints.read(JointState([])) is None


def test_a_missing_joint_is_named_each_time() -> None:
    joints = JointMap(('shoulder', 'elbow', 'wrist'))
    for _ in range(2):
        with pytest.raises(WireError, match='lacks elbow, wrist; it names shoulder, finger'):
            joints.read(state(shoulder=1.0, finger=2.0))


def test_a_joint_that_stands_twice_is_named_each_time() -> None:
    joints = JointMap(('shoulder', 'elbow'))
    twice = JointState(
        ['shoulder', 'elbow', 'elbow'], array('d', [1, 2, 3]), array('d', [1, 2, 3])
    )
    for _ in range(2):
        with pytest.raises(WireError, match='names elbow twice'):
            joints.read(twice)


@pytest.mark.parametrize('field_name', ['position', 'velocity'])
@pytest.mark.parametrize('values', [[], [1.0], [1.0, 2.0, 3.0]])
def test_a_field_without_one_value_per_name_is_named(field_name: str, values: list[float]) -> None:
    message = state(shoulder=1.0, elbow=2.0)
    setattr(message, field_name, array('d', values))
    with pytest.raises(WireError, match=f'has {len(values)} values of {field_name} for 2 joints'):
        JointMap(('shoulder', 'elbow')).read(message)


def test_an_empty_message_after_a_broken_one_is_not_the_robots() -> None:
    joints = JointMap(('shoulder', 'elbow'))
    assert joints.read(state(shoulder=1.0, elbow=2.0)) is not None
    with pytest.raises(WireError):
        joints.read(state(shoulder=1.0))
    assert joints.read(JointState([])) is None


def described(kind: str, fields: StateFields) -> RobotDescription:
    return replace(fake_description(), state_type=kind, state_fields=fields)


def test_a_robot_with_joint_states_is_read_by_their_names() -> None:
    assert isinstance(state_reader(fake_description()), JointMap)


def test_a_base_is_read_from_its_odometry_and_has_no_positions() -> None:
    odometry = pytest.importorskip('nav_msgs.msg', reason='needs ROS 2').Odometry()
    odometry.twist.twist.linear.x, odometry.twist.twist.angular.z = 0.5, -1.0
    fields = StateFields((), ('twist.twist.linear.x', 'twist.twist.angular.z'))
    read = state_reader(described('nav_msgs/msg/Odometry', fields)).read(odometry)
    assert read is not None
    np.testing.assert_array_equal(read[0], [0.0, 0.0])
    np.testing.assert_array_equal(read[1], [0.5, -1.0])


def test_positions_and_velocities_are_read_from_an_array() -> None:
    kind = pytest.importorskip('std_msgs.msg', reason='needs ROS 2').Float64MultiArray
    fields = StateFields(('data[0]', 'data[1]'), ('data[2]', 'data[3]'))
    reader = FieldMap(described('std_msgs/msg/Float64MultiArray', fields))
    position, velocity = reader.read(kind(data=[1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(position, [1.0, 2.0])
    np.testing.assert_array_equal(velocity, [3.0, 4.0])
    with pytest.raises(WireError, match=r'has no data\[2\], data\[3\]'):
        reader.read(kind(data=[1.0, 2.0]))


def test_a_state_without_the_named_fields_is_refused_at_the_start() -> None:
    pytest.importorskip('nav_msgs.msg', reason='needs ROS 2')
    with pytest.raises(ConfigError, match="no field 'speed'"):
        state_reader(described('nav_msgs/msg/Odometry', StateFields((), ('speed', 'turn'))))
