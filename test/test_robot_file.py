# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The robot file's reader: strict, and every refusal names file, key, value and fix."""

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
from rl_bridge.types import SecondStage, StateChecks, StopStatus

GOOD: dict[str, Any] = {
    'name': 'two_link',
    'joints': ['shoulder', 'elbow'],
    'state': {'topic': 'joint_states', 'max_age': 0.1},
    'commands': {
        'velocity': {'topic': 'velocity_controller/commands', 'timeout': 0.2},
        'position': {'topic': '/position_controller/commands', 'timeout': 0},
    },
    'limits': {
        'position': {'lower': [-1, -2.0], 'upper': [1, 2.0]},
        'velocity': [1.0, 2.0],
        'acceleration': [3.0, 4.0],
    },
    'standstill': {'speed': 0.02, 'within': 0.5},
    'dh': [[0.1, 0.0, 0.2, 0.0], [0.3, 1.5, 0.0, 0.0]],
}
OPTIONAL: dict[str, Any] = {
    'state': {
        'topic': 'joint_states', 'max_age': 0.1, 'frozen_within': 0.4, 'jump': 0.05,
        'position_tolerance': 0.01, 'velocity_tolerance': 0.2,
    },
    'stop_status': {
        'topic': 'safety/mode', 'type': 'my_msgs/msg/Mode', 'field': 'status.mode',
        'running': [1, 2], 'max_age': 0,
    },
    'halt': {
        'velocity': {'profile': 'ramp'},
        'second_stage': {
            'service': 'stop', 'type': 'my_msgs/srv/Stop', 'request': {'hard': True},
            'after': 0.5,
        },
    },
    'workspace': {'lower': [-1, -1, 0], 'upper': [1, 1, 1.5]},
}  # fmt: skip
FULL = {**GOOD, **OPTIONAL}
MISSING = object()


def changed(key: str, value: object) -> dict[str, Any]:
    """A good file with one value replaced, or taken out with MISSING."""
    content = copy.deepcopy(FULL)
    *parents, last = key.split('.')
    place = content
    for parent in parents:
        place = place[parent]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return content


def write(folder: Path, content: object) -> Path:
    file = folder / 'robot.yaml'
    file.write_text(yaml.safe_dump(content), encoding='utf-8')
    return file


def test_a_complete_file_is_read_in_full(tmp_path: Path) -> None:
    robot = load_robot(write(tmp_path, GOOD))
    assert robot.name == 'two_link'
    assert robot.joints == ('shoulder', 'elbow')
    assert (robot.state_topic, robot.state_max_age_s) == ('joint_states', 0.1)
    assert robot.commands['velocity'].outputs[0].topic == 'velocity_controller/commands'
    assert robot.commands['velocity'].timeout_s == 0.2
    assert robot.commands['position'].outputs[0].topic == '/position_controller/commands'
    assert robot.commands['position'].timeout_s == 0.0
    assert robot.commands['position'].kind == 'position'
    np.testing.assert_array_equal(robot.limits.position_lower, [-1.0, -2.0])
    np.testing.assert_array_equal(robot.limits.position_upper, [1.0, 2.0])
    np.testing.assert_array_equal(robot.limits.velocity, [1.0, 2.0])
    np.testing.assert_array_equal(robot.limits.acceleration, [3.0, 4.0])
    assert (robot.standstill_speed, robot.standstill_within_s) == (0.02, 0.5)
    assert robot.dh is not None
    assert robot.dh.shape == (2, 4)


def test_what_may_be_left_out_has_defaults_that_are_no_limits(tmp_path: Path) -> None:
    robot = load_robot(write(tmp_path, GOOD))
    assert robot.state_checks.frozen_within_s == pytest.approx(0.3), 'three times max_age'
    assert robot.state_checks.jump is None
    assert robot.stop_status is None
    assert robot.halt == {'velocity': 'zero', 'position': 'hold', 'effort': 'zero'}
    assert robot.second_stage is None
    assert robot.workspace is None


def test_what_may_be_left_out_is_read_in_full(tmp_path: Path) -> None:
    robot = load_robot(write(tmp_path, FULL))
    assert robot.state_checks == StateChecks(0.4, 0.05, 0.01, 0.2)
    assert robot.stop_status == StopStatus(
        'safety/mode', 'my_msgs/msg/Mode', 'status.mode', (1, 2), 0.0
    )
    assert robot.halt == {'velocity': 'ramp', 'position': 'hold', 'effort': 'zero'}
    assert robot.second_stage == SecondStage('stop', 'my_msgs/srv/Stop', {'hard': True}, 0.5)
    assert robot.workspace is not None
    np.testing.assert_array_equal(robot.workspace.lower, [-1.0, -1.0, 0.0])
    np.testing.assert_array_equal(robot.workspace.upper, [1.0, 1.0, 1.5])


def test_a_workspace_without_the_kinematic_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'workspace = .* needs dh too'):
        load_robot(write(tmp_path, changed('dh', MISSING)))


def test_what_was_read_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    robot = load_robot(write(tmp_path, GOOD))
    with pytest.raises(ValueError, match='read-only'):
        robot.limits.velocity[0] = 100.0


def test_the_kinematic_table_may_be_left_out(tmp_path: Path) -> None:
    content = {key: value for key, value in GOOD.items() if key != 'dh'}
    assert load_robot(write(tmp_path, content)).dh is None


def test_one_command_interface_is_enough(tmp_path: Path) -> None:
    robot = load_robot(write(tmp_path, changed('commands.position', MISSING)))
    assert list(robot.commands) == ['velocity']


KEYS = [
    'name', 'joints', 'state', 'state.topic', 'state.max_age', 'commands',
    'commands.velocity.topic', 'commands.velocity.timeout', 'limits', 'limits.position',
    'limits.position.lower', 'limits.position.upper', 'limits.velocity', 'limits.acceleration',
    'standstill', 'standstill.speed', 'standstill.within',
    'stop_status.topic', 'stop_status.type', 'stop_status.field', 'stop_status.running',
    'stop_status.max_age', 'halt.velocity.profile', 'halt.second_stage.service',
    'halt.second_stage.type', 'halt.second_stage.after', 'workspace.lower', 'workspace.upper',
]  # fmt: skip


@pytest.mark.parametrize('key', KEYS)
def test_a_missing_key_is_named_because_nothing_has_a_default(key: str, tmp_path: Path) -> None:
    file = write(tmp_path, changed(key, MISSING))
    with pytest.raises(ConfigError) as refused:
        load_robot(file)
    assert f'{file}: {key} is missing; add it' in str(refused.value)


@pytest.mark.parametrize(
    'key', ['speed_limit', 'state.rate', 'commands.torque', 'commands.velocity.rate',
            'limits.jerk', 'limits.position.middle', 'standstill.force', 'stop_status.rate',
            'halt.torque', 'halt.velocity.rate', 'halt.second_stage.count', 'workspace.radius']
)  # fmt: skip
def test_an_unknown_key_is_named_with_the_known_ones(key: str, tmp_path: Path) -> None:
    file = write(tmp_path, changed(key, 7))
    with pytest.raises(ConfigError) as refused:
        load_robot(file)
    assert f'{file}: {key} = 7 is unknown; use ' in str(refused.value)


@pytest.mark.parametrize(
    ('key', 'value', 'place', 'says'),
    [
        ('name', '', 'name', 'text that is not empty'),
        ('name', 5, 'name', 'text that is not empty'),
        ('joints', [], 'joints', 'at least one joint'),
        ('joints', 'shoulder', 'joints', 'at least one joint'),
        ('joints', ['a', 3], 'joints[1]', 'the name of a joint'),
        ('joints', ['a', 'a'], 'joints[1]', 'stands twice'),
        ('state', [1], 'state', 'must be a mapping'),
        ('state.topic', 'joint states', 'state.topic', 'no topic name'),
        ('state.topic', '', 'state.topic', 'not empty'),
        ('state.topic', 'a//b', 'state.topic', 'no topic name'),
        ('state.topic', 'gelenk/zustände', 'state.topic', 'no topic name'),
        ('state.max_age', 0, 'state.max_age', 'greater than 0'),
        ('state.max_age', '1e-3', 'state.max_age', 'YAML reads 1e-3 as text'),
        ('commands', None, 'commands', 'must be a mapping'),
        ('commands.velocity.timeout', -0.1, 'commands.velocity.timeout', 'at least 0'),
        ('commands.velocity.timeout', True, 'commands.velocity.timeout', 'must be a number'),
        ('limits.velocity', [1.0], 'limits.velocity', 'has 1 values; give 2'),
        ('limits.velocity', 1.0, 'limits.velocity', 'must be a list of 2 values'),
        ('limits.velocity', [1.0, 0.0], 'limits.velocity[1]', 'greater than 0'),
        ('limits.velocity', [-1.0, 1.0], 'limits.velocity[0]', 'greater than 0'),
        ('limits.velocity', [1.0, math.nan], 'limits.velocity[1]', 'must be finite'),
        ('limits.velocity', [10**400, 1.0], 'limits.velocity[0]', 'must be finite'),
        ('limits.acceleration', [math.inf, 1.0], 'limits.acceleration[0]', 'must be finite'),
        ('limits.acceleration', [None, 1.0], 'limits.acceleration[0]', 'must be a number'),
        ('limits.position.lower', [-1.0, 2.0], 'limits.position.lower[1]', 'must be smaller'),
        ('limits.position.upper', [-1.5, 2.0], 'limits.position.lower[0]', 'must be smaller'),
        ('standstill.speed', 0.0, 'standstill.speed', 'greater than 0'),
        ('standstill.within', -1, 'standstill.within', 'greater than 0'),
        ('state.frozen_within', 0.05, 'state.frozen_within', 'at least max_age, 0.1'),
        ('state.jump', 0, 'state.jump', 'greater than 0'),
        ('state.position_tolerance', -1, 'state.position_tolerance', 'greater than 0'),
        ('state.velocity_tolerance', 'x', 'state.velocity_tolerance', 'must be a number'),
        ('stop_status', True, 'stop_status', 'must be a mapping'),
        ('stop_status.type', 'std_msgs/Bool', 'stop_status.type', 'package/msg/Name'),
        ('stop_status.type', 'std_msgs/srv/Bool', 'stop_status.type', 'package/msg/Name'),
        ('stop_status.field', 'data[0]', 'stop_status.field', 'is no field'),
        ('stop_status.running', [], 'stop_status.running', 'at least one value'),
        ('stop_status.running', True, 'stop_status.running', 'at least one value'),
        ('stop_status.running', [1.5], 'stop_status.running[0]', 'true, false, a whole number'),
        ('stop_status.max_age', -1, 'stop_status.max_age', 'at least 0'),
        ('halt.velocity.profile', 'hold', 'halt.velocity.profile', 'use zero, ramp'),
        ('halt.position', {'profile': 'zero'}, 'halt.position.profile', 'use hold, ramp'),
        ('halt.second_stage.service', 'a b', 'halt.second_stage.service', 'no topic name'),
        ('halt.second_stage.type', 'x/msg/Y', 'halt.second_stage.type', 'package/srv/Name'),
        ('halt.second_stage.request', [1], 'halt.second_stage.request', 'a mapping of field'),
        ('halt.second_stage.after', 0, 'halt.second_stage.after', 'greater than 0'),
        ('workspace.lower', [0, 0], 'workspace.lower', 'has 2 values; give 3'),
        ('workspace.upper', [1, 1, -1], 'workspace.lower[2]', 'must be smaller'),
        ('dh', [[0.1, 0.0, 0.2, 0.0]], 'dh', 'has 1 values; give 2'),
        ('dh', [[0.1, 0.0, 0.2, 0.0], [1, 2, 3]], 'dh[1]', 'has 3 values; give 4'),
        ('dh', [[0.1, 0.0, 0.2, 0.0], [1, 2, 3, 'x']], 'dh[1][3]', 'must be a number'),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    key: str, value: object, place: str, says: str, tmp_path: Path
) -> None:
    file = write(tmp_path, changed(key, value))
    with pytest.raises(ConfigError) as refused:
        load_robot(file)
    assert f'{file}: {place} = ' in str(refused.value)
    assert says in str(refused.value)


def test_a_robot_that_takes_no_commands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='commands is empty; name at least one of velocity'):
        load_robot(write(tmp_path, changed('commands', {})))


def test_a_very_long_value_is_shortened_in_the_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_robot(write(tmp_path, changed('limits.velocity', list(range(1, 500)))))
    assert len(str(refused.value)) < 300 + len(str(tmp_path))
    assert '... has 499 values; give 2' in str(refused.value)


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the file = \['a'\] must be a mapping"):
        load_robot(write(tmp_path, ['a']))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / 'robot.yaml'
    file.touch()
    with pytest.raises(ConfigError, match='the file = None must be a mapping'):
        load_robot(file)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    file.write_text(file.read_text() + '\nname: another\n')
    with pytest.raises(ConfigError, match=r"the key 'name' stands twice \(line \d+\); remove one"):
        load_robot(file)


def test_broken_yaml_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / 'robot.yaml'
    file.write_text('name: [1, 2\njoints: }')
    with pytest.raises(ConfigError, match=r'is not valid YAML: .*line 2') as refused:
        load_robot(file)
    assert str(file) in str(refused.value)
    assert '\n' not in str(refused.value)


def test_yaml_that_makes_python_objects_is_refused(tmp_path: Path) -> None:
    file = tmp_path / 'robot.yaml'
    file.write_text('name: !!python/object/apply:os.getcwd []')
    with pytest.raises(ConfigError, match='is not valid YAML'):
        load_robot(file)


@pytest.mark.parametrize('content', ['? [a, b]\n: 1\n', '? {a: 1}\n: 1\n'])
def test_a_key_that_is_no_name_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / 'robot.yaml'
    file.write_text(content)
    with pytest.raises(ConfigError):
        load_robot(file)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / 'robot.yaml'
    file.write_bytes(b'name: \xff\xfe')
    with pytest.raises(ConfigError, match='cannot be read as UTF-8 text'):
        load_robot(file)


def test_a_file_that_is_not_there_is_named_with_the_places_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_robot('no_such_robot.yaml')
    assert "there is no robot file 'no_such_robot.yaml'" in str(refused.value)
    assert 'config/no_such_robot.yaml' in str(refused.value)
    with pytest.raises(ConfigError, match='looked for'):
        load_robot(tmp_path / 'absent.yaml')


def test_the_ur5e_is_found_by_its_bare_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    robot = load_robot('ur5e.yaml')
    assert robot.name == 'ur5e'
    assert robot.joints[0] == 'shoulder_pan_joint'
    assert len(robot.joints) == 6
    assert sorted(robot.commands) == ['position', 'velocity']


def test_the_ur5e_stays_inside_what_its_maker_publishes() -> None:
    robot = load_robot('ur5e.yaml')
    # Universal_Robots_ROS2_Description, config/ur5e/joint_limits.yaml: 180 degrees/s, and 360
    # degrees (elbow 180) to both sides.
    assert (robot.limits.velocity <= math.pi).all()
    hardware = np.radians([360, 360, 180, 360, 360, 360])
    assert (robot.limits.position_upper <= hardware).all()
    assert (robot.limits.position_lower >= -hardware).all()
    assert robot.dh is not None
    np.testing.assert_allclose(robot.dh[:, 0], [0, -0.425, -0.3922, 0, 0, 0])
    np.testing.assert_allclose(robot.dh[:, 2], [0.1625, 0, 0, 0.1333, 0.0997, 0.0996])


def test_a_file_in_the_working_directory_goes_before_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'ur5e.yaml').write_text(yaml.safe_dump(GOOD))
    monkeypatch.chdir(tmp_path)
    assert load_robot('ur5e.yaml').name == 'two_link'
