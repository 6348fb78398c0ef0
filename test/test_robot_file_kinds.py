# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Robot files of other robots than an arm with joint states: outputs, fields, sensors, effort."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rl_bridge.errors import ConfigError
from rl_bridge.robot_file import load_robot
from rl_bridge.types import CommandOutput, RobotDescription, Sensor, StateFields

FLOAT = 'std_msgs/msg/Float64'
ARRAY = 'std_msgs/msg/Float64MultiArray'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
TWIST = 'geometry_msgs/msg/Twist'
ODOMETRY = 'nav_msgs/msg/Odometry'
BASE: dict[str, Any] = {
    'name': 'base',
    'joints': ['linear', 'angular'],
    'state': {
        'topic': 'odom',
        'type': ODOMETRY,
        'velocity': ['twist.twist.linear.x', 'twist.twist.angular.z'],
        'max_age': 0.1,
    },
    'commands': {
        'velocity': {
            'topic': 'cmd_vel', 'type': 'geometry_msgs/msg/TwistStamped', 'timeout': 0.5,
            'frame_id': 'base_link',
        }
    },
    'limits': {'position': 'unlimited', 'velocity': [0.5, 1.0], 'acceleration': [1.0, 2.0]},
    'standstill': {'speed': 0.02, 'within': 1.0},
}  # fmt: skip
ARM: dict[str, Any] = {
    'name': 'arm',
    'joints': ['j1', 'j2', 'gripper'],
    'state': {'topic': 'joint_states', 'max_age': 0.1},
    'commands': {
        'position': {
            'timeout': 0.0,
            'outputs': [
                {'topic': 'arm/commands', 'joints': ['j2', 'j1']},
                {'topic': 'hand', 'type': FLOAT, 'fields': ['data'], 'joints': ['gripper']},
            ],
        },
        'effort': {'topic': 'effort/commands', 'timeout': 0.1},
    },
    'limits': {
        'position': {'lower': [-1, -1, 0], 'upper': [1, 1, 0.1]},
        'velocity': [1.0, 1.0, 0.1],
        'acceleration': [3.0, 3.0, 1.0],
        'effort': [10.0, 5.0, 2.0],
    },
    'standstill': {'speed': 0.02, 'within': 1.0},
}


def load(folder: Path, base: dict[str, Any], changes: dict[str, object]) -> RobotDescription:
    """Load a robot file with the changes of some keys; a change to None takes the key out."""
    content = copy.deepcopy(base)
    for key, value in changes.items():
        *parents, last = key.split('.')
        place = content
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    file = folder / 'robot.yaml'
    file.write_text(yaml.safe_dump(content), encoding='utf-8')
    return load_robot(file)


def test_a_base_is_read_in_full(tmp_path: Path) -> None:
    robot = load(tmp_path, BASE, {})
    assert robot.commands['velocity'].outputs == (
        CommandOutput(
            'cmd_vel', (0, 1), 'geometry_msgs/msg/TwistStamped',
            ('twist.linear.x', 'twist.angular.z'), 'base_link',
        ),
    )  # fmt: skip
    assert robot.state_type == ODOMETRY
    velocity = ('twist.twist.linear.x', 'twist.twist.angular.z')
    assert robot.state_fields == StateFields((), velocity)
    assert not robot.measures_position
    assert (robot.limits.position_upper == 1e9).all()
    assert (robot.limits.position_lower == -1e9).all()


def test_an_arm_with_two_outputs_is_read_in_full(tmp_path: Path) -> None:
    robot = load(tmp_path, ARM, {})
    position = robot.commands['position']
    assert position.outputs == (
        CommandOutput('arm/commands', (1, 0)),
        CommandOutput('hand', (2,), FLOAT, ('data',)),
    )
    assert robot.commands['effort'].timeout_s == 0.1
    assert robot.limits.effort is not None
    np.testing.assert_array_equal(robot.limits.effort, [10.0, 5.0, 2.0])
    assert (robot.state_fields, robot.measures_position) == (None, True)
    assert (robot.sensors, robot.simulation) == ({}, {})


def test_a_trajectory_and_a_free_section_for_a_simulator_are_read(tmp_path: Path) -> None:
    output = {'topic': 't', 'type': TRAJECTORY, 'arrive_within': 0.1, 'timeout': 0}
    changes = {'commands.position': output, 'simulation': {'radii': [0.1], 'anything': 1}}
    robot = load(tmp_path, ARM, changes)
    expected = CommandOutput('t', (0, 1, 2), TRAJECTORY, arrive_within_s=0.1)
    assert robot.commands['position'].outputs == (expected,)
    assert robot.simulation == {'radii': [0.1], 'anything': 1}


def test_measured_positions_may_stand_anywhere_in_a_message(tmp_path: Path) -> None:
    state = {
        'topic': 's', 'type': 'my_msgs/msg/State', 'max_age': 0.1,
        'position': ['q[0]', 'q[1]', 'hand.width'], 'velocity': ['v[0]', 'v[1]', 'hand.speed'],
        'effort': ['t[0]', 't[1]', 'hand.force'],
    }  # fmt: skip
    robot = load(tmp_path, ARM, {'state': state})
    assert robot.measures_position
    assert robot.state_fields is not None
    assert robot.state_fields.position == ('q[0]', 'q[1]', 'hand.width')
    assert robot.state_fields.effort == ('t[0]', 't[1]', 'hand.force')


POSITION, OUTPUTS = 'commands.position', 'commands.position.outputs'
VELOCITY = 'commands.velocity'


@pytest.mark.parametrize(
    ('base', 'changes', 'says'),
    [
        (ARM, {'limits.effort': None}, 'limits.effort is missing; add it'),
        (ARM, {'limits.effort': [1, 2]}, 'limits.effort = [1, 2] has 2 values; give 3'),
        (ARM, {'limits.effort': [1, 2, 0]}, 'limits.effort[2] = 0 must be greater than 0'),
        (ARM, {'limits.position': 'free'}, "limits.position = 'free' must be a mapping"),
        (ARM, {OUTPUTS: []}, f'{OUTPUTS} = [] must be a list with at least one mapping'),
        (ARM, {f'{OUTPUTS}.0.joints': ['j1']}, 'leaves out j2'),
        (ARM, {f'{OUTPUTS}.0.joints': ['j1', 'j2', 'gripper']}, 'names gripper, which another'),
        (ARM, {f'{OUTPUTS}.0.joints': ['j1', 'j9']}, 'names j9, which is no joint of this robot'),
        (ARM, {f'{OUTPUTS}.0.joints': ['j1', 'j1']}, "joints[1] = 'j1' stands twice"),
        (ARM, {f'{OUTPUTS}.1.topic': 'arm/commands'}, 'outputs[1].topic = '),
        (ARM, {f'{OUTPUTS}.1.topic': None}, 'outputs[1].topic is missing'),
        (ARM, {f'{OUTPUTS}.1.joints': None}, 'outputs[1].joints is missing'),
        (ARM, {f'{OUTPUTS}.1.fields': None}, 'needs fields too: where in it each of the 1'),
        (ARM, {f'{OUTPUTS}.1.fields': ['a', 'b']}, "fields = ['a', 'b'] has 2 values; give 1"),
        (ARM, {f'{OUTPUTS}.1.fields': 'data'}, "fields = 'data' must be a list of field paths"),
        (ARM, {f'{OUTPUTS}.1.fields': ['a..b']}, "fields[0] = 'a..b' is no field path"),
        (ARM, {f'{OUTPUTS}.1.fields': ['a[x]']}, "fields[0] = 'a[x]' is no field path"),
        (ARM, {f'{OUTPUTS}.1.type': 'Float64'}, 'is no type name; write it as package/msg/Name'),
        (ARM, {f'{OUTPUTS}.0.fields': ['data[0]', 'data[1]']}, f'is not for {ARRAY}'),
        (ARM, {f'{OUTPUTS}.0.rate': 5}, 'outputs[0].rate = 5 is unknown'),
        (ARM, {f'{POSITION}.topic': 'x'}, f"{POSITION}.topic = 'x' is unknown"),
        (ARM, {f'{OUTPUTS}.0.type': TRAJECTORY}, 'needs arrive_within too'),
        (ARM, {f'{OUTPUTS}.0.arrive_within': 0.1}, f'belongs to {TRAJECTORY} only'),
        (ARM, {'commands.effort.type': TRAJECTORY}, 'carries positions; effort needs another'),
        (ARM, {'halt': {'effort': {'profile': 'hold'}}}, "profile = 'hold' is unknown; use zero"),
        (ARM, {'state.velocity': ['a', 'b', 'c']}, 'is not for sensor_msgs/msg/JointState'),
        (ARM, {'simulation': [1]}, 'simulation = [1] must be a mapping'),
        (BASE, {f'{VELOCITY}.fields': ['x', 'x']}, "fields[1] = 'x' stands twice"),
        (BASE, {f'{VELOCITY}.frame_id': ''}, "frame_id = '' must be a text"),
        (BASE, {'joints': ['a']}, 'where in it each of the 1 joints has its value'),
        (BASE, {'state.velocity': None}, "state.type = 'nav_msgs/msg/Odometry' needs velocity"),
        (BASE, {'state.velocity': ['x']}, "state.velocity = ['x'] has 1 values; give 2"),
        (BASE, {'state.effort': ['x']}, "state.effort = ['x'] has 1 values; give 2"),
        (
            BASE, {'limits.position': {'lower': [-1, -1], 'upper': [1, 1]}},
            'needs positions, and state has no fields for them; add position there, or write '
            'position: unlimited',
        ),
        (BASE, {'commands.position': {'topic': 'x', 'timeout': 0}}, 'commands.position = '),
        (BASE, {'state.jump': 0.1}, 'state.jump = 0.1 needs positions'),
        (BASE, {'dh': [[0, 0, 0, 0]] * 2}, 'needs positions'),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named(
    base: dict[str, Any], changes: dict[str, object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, base, changes)
    assert says in str(refused.value)
    assert str(tmp_path / 'robot.yaml') in str(refused.value)


def test_a_twist_for_three_joints_needs_its_fields(tmp_path: Path) -> None:
    output = {'topic': 'cmd_vel', 'type': TWIST, 'timeout': 0.5}
    with pytest.raises(ConfigError, match='where in it each of the 3 joints has its value'):
        load(tmp_path, ARM, {'commands.velocity': output})
    output['fields'] = ['linear.x', 'linear.y', 'angular.z']  # type: ignore[assignment]
    robot = load(tmp_path, ARM, {'commands.velocity': output})
    assert robot.commands['velocity'].outputs[0].fields == ('linear.x', 'linear.y', 'angular.z')


SCAN: dict[str, object] = {
    'topic': 'scan', 'type': 'sensor_msgs/msg/LaserScan', 'max_age': 0.3, 'size': 36,
    'lower': 0.05, 'upper': 8.0,
}  # fmt: skip
CAMERA: dict[str, object] = {
    'topic': 'image', 'type': 'sensor_msgs/msg/Image', 'max_age': 0.2, 'shape': [48, 64, 3],
}  # fmt: skip
POSE: dict[str, object] = {'topic': 'odom', 'type': ODOMETRY, 'max_age': 0.2}
TANK: dict[str, object] = {
    'topic': 'tank', 'type': 'my_msgs/msg/Level', 'fields': ['level', 'heat[0]'], 'max_age': 1,
    'lower': 0, 'upper': 100.0, 'history': 3,
}  # fmt: skip


def test_sensors_are_read_in_full(tmp_path: Path) -> None:
    bumper = {'topic': 'bumper', 'type': 'std_msgs/msg/Bool', 'max_age': 0.1}
    sensors = {'scan': SCAN, 'camera': CAMERA, 'pose': POSE, 'tank': TANK, 'bumper': bumper}
    read = load(tmp_path, BASE, {'sensors': sensors}).sensors
    inf = math.inf
    assert read == {
        'scan': Sensor('scan', 'scan', 'sensor_msgs/msg/LaserScan', (36,), 0.3, 0.05, 8.0),
        'camera': Sensor(
            'camera', 'image', 'sensor_msgs/msg/Image', (48, 64, 3), 0.2, 0, 255, dtype='uint8'
        ),
        'pose': Sensor('pose', 'odom', ODOMETRY, (13,), 0.2, -inf, inf),
        'tank': Sensor(
            'tank', 'tank', 'my_msgs/msg/Level', (2,), 1.0, 0, 100, ('level', 'heat[0]'),
            history=3,
        ),
        'bumper': Sensor('bumper', 'bumper', 'std_msgs/msg/Bool', (1,), 0.1, 0.0, 1.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ('sensor', 'changes', 'says'),
    [
        (SCAN, {'size': None}, 'needs size too'),
        (SCAN, {'size': 0}, 'sensors.it.size = 0 must be at least 1'),
        (SCAN, {'size': 3.5}, 'sensors.it.size = 3.5 must be a whole number'),
        (SCAN, {'shape': [36]}, 'is not for sensor_msgs/msg/LaserScan, give its size'),
        (SCAN, {'lower': None}, 'needs lower too: the range of its values'),
        (SCAN, {'upper': None}, 'needs upper too'),
        (SCAN, {'lower': 9.0}, 'lower 9 must be below upper 8'),
        (SCAN, {'upper': math.inf}, 'must be finite'),
        (SCAN, {'max_age': None}, 'sensors.it.max_age is missing'),
        (SCAN, {'topic': None}, 'sensors.it.topic is missing'),
        (SCAN, {'type': None}, 'sensors.it.type is missing'),
        (SCAN, {'rate': 5}, 'sensors.it.rate = 5 is unknown'),
        (SCAN, {'history': 0}, 'sensors.it.history = 0 must be at least 1'),
        (SCAN, {'history': True}, 'sensors.it.history = True must be a whole number'),
        (CAMERA, {'shape': None}, 'needs shape too: [height, width, channels]'),
        (CAMERA, {'shape': [48, 64]}, 'with 1 or 3 channels'),
        (CAMERA, {'shape': [48, 64, 2]}, 'with 1 or 3 channels'),
        (CAMERA, {'shape': [0, 64, 3]}, 'sensors.it.shape[0] = 0 must be at least 1'),
        (CAMERA, {'shape': 48}, 'must be a list of whole numbers'),
        (CAMERA, {'upper': 1.0}, 'is not for sensor_msgs/msg/Image'),
        (POSE, {'size': 12}, 'is fixed for nav_msgs/msg/Odometry, 13'),
        (TANK, {'fields': None}, 'needs fields too: where in it the numbers stand'),
        (TANK, {'fields': []}, 'must be a list of field paths'),
        (TANK, {'size': 2}, 'follows from fields'),
        (TANK, {'upper': None}, 'needs upper too'),
        (POSE, {'type': 'sensor_msgs/msg/JointState'}, 'needs fields too'),
    ],
)
def test_a_sensor_that_cannot_be_used_is_named(
    sensor: dict[str, object], changes: dict[str, object], says: str, tmp_path: Path
) -> None:
    content = {key: value for key, value in {**sensor, **changes}.items() if value is not None}
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, BASE, {'sensors': {'it': content}})
    assert says in str(refused.value)
    assert 'sensors.it' in str(refused.value)


@pytest.mark.parametrize('name', ['two words', 3])
def test_a_sensor_needs_a_usable_name(name: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='has no usable name'):
        load(tmp_path, BASE, {'sensors': {name: POSE}})
