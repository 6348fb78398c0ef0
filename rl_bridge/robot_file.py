# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reads a robot's YAML file, strictly: nothing is guessed and no limit has a default."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rl_bridge.command_section import read_commands
from rl_bridge.errors import ConfigError
from rl_bridge.robot_description import HALT_PROFILES, JOINT_STATE, KINDS, UNLIMITED
from rl_bridge.sensor_section import read_sensors
from rl_bridge.types import (
    Limits,
    RobotDescription,
    SecondStage,
    StateChecks,
    StateFields,
    StopStatus,
    Workspace,
)
from rl_bridge.yaml_section import Section, read_yaml

PROFILES = {'velocity': ('zero', 'ramp'), 'position': ('hold', 'ramp'), 'effort': ('zero',)}
UNLIMITED_WORD = 'unlimited'
DH_COLUMNS = 4
_FIELDS = ('position', 'velocity', 'effort')
_STATE = ('type', *_FIELDS)
_CHECKS = ('frozen_within', 'jump', 'position_tolerance', 'velocity_tolerance')

_SOURCE_CONFIG = Path(__file__).resolve().parent.parent / 'config'


def load_robot(path: str | Path) -> RobotDescription:
    """
    Read and check a robot file.

    :param path: the file. A bare name ('ur5e.yaml') that is not a file in the working directory
        is also looked up in the installed ``share/rl_bridge/config`` and in the source tree.
    :raises ConfigError: naming the file, the key, its value and the fix.
    """
    file = _find(Path(path))
    return _description(Section(str(file), '', read_yaml(file)))


def _find(path: Path) -> Path:
    path = path.expanduser()
    candidates = [path]
    if path.name == str(path):
        candidates += [folder / path.name for folder in _config_folders()]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = ', '.join(str(candidate) for candidate in candidates)
    raise ConfigError(
        f'there is no robot file {str(path)!r}: looked for {looked}; name an existing file'
    )


def _config_folders() -> list[Path]:
    folders = []
    try:
        from ament_index_python.packages import get_package_share_directory

        folders.append(Path(get_package_share_directory('rl_bridge')) / 'config')
    except (ImportError, LookupError, OSError, ValueError):
        pass  # no ROS here, or this package is not installed: the source tree is left
    return [*folders, _SOURCE_CONFIG]


def _description(top: Section) -> RobotDescription:
    top.only(
        'name',
        'joints',
        'state',
        'commands',
        'limits',
        'standstill',
        optional=('sensors', 'dh', 'stop_status', 'halt', 'workspace', 'simulation'),
    )
    joints = top.names('joints')
    state = top.section('state')
    state.only('topic', 'max_age', optional=(*_STATE, *_CHECKS))
    standstill = top.section('standstill')
    standstill.only('speed', 'within')
    dh = None if top.get('dh') is None else top.table('dh', len(joints), DH_COLUMNS)
    if dh is None and top.has('workspace'):
        raise top.fault('workspace', 'needs dh too, to know where the tool is; add it')
    halt = _halt(top.section('halt')) if top.has('halt') else HALT_PROFILES
    commands = read_commands(top.section('commands'), joints)
    robot = RobotDescription(
        name=top.text('name'),
        joints=joints,
        state_topic=state.topic('topic'),
        state_max_age_s=state.number('max_age', above=0.0),
        commands=commands,
        limits=_limits(top.section('limits'), len(joints), effort='effort' in commands),
        standstill_speed=standstill.number('speed', above=0.0),
        standstill_within_s=standstill.number('within', above=0.0),
        dh=dh,
        state_checks=_state_checks(state),
        stop_status=_stop_status(top.section('stop_status')) if top.has('stop_status') else None,
        halt=dict(halt),
        second_stage=_second_stage(top),
        workspace=_workspace(top.section('workspace')) if top.has('workspace') else None,
        state_type=_state_type(state),
        state_fields=_state_fields(state, len(joints)),
        sensors=read_sensors(top.section('sensors')) if top.has('sensors') else {},
        simulation=top.mapping('simulation') if top.has('simulation') else {},
    )
    if not robot.measures_position:
        _fits_without_positions(top)
    return robot


def _state_type(section: Section) -> str:
    return section.type_name('type', 'msg') if section.has('type') else JOINT_STATE


def _state_fields(section: Section, joints: int) -> StateFields | None:
    given = [key for key in _FIELDS if section.has(key)]
    if _state_type(section) == JOINT_STATE:
        if given:
            raise section.fault(
                given[0], f'is not for {JOINT_STATE}, which names its joints; take it out'
            )
        return None
    if not section.has('velocity'):
        raise section.fault(
            'type',
            'needs velocity too: where in it the velocity of each joint stands, because '
            'standstill is verified with it',
        )
    return StateFields(
        **{key: section.paths(key, joints) if key in given else () for key in _FIELDS}
    )


def _fits_without_positions(top: Section) -> None:
    """Refuse what needs positions where none are measured."""
    why = 'needs positions, and state has no fields for them; add position there'
    if top.get('limits') and top.section('limits').get('position') != UNLIMITED_WORD:
        raise top.section('limits').fault(
            'position', f'{why}, or write position: {UNLIMITED_WORD}'
        )
    if top.section('commands').has('position'):
        raise top.section('commands').fault('position', why)
    for key in ('workspace', 'dh'):
        if top.has(key):
            raise top.fault(key, why)
    for key in ('jump', 'position_tolerance'):
        if top.section('state').has(key):
            raise top.section('state').fault(key, why)


def _state_checks(state: Section) -> StateChecks:
    default = StateChecks()
    max_age = state.number('max_age', above=0.0)

    def number(key: str, otherwise: float) -> float:
        return state.number(key, above=0.0) if state.has(key) else otherwise

    frozen_within = number('frozen_within', 3 * max_age)
    if frozen_within < max_age:
        raise state.fault('frozen_within', f'must be at least max_age, {max_age:g}')
    return StateChecks(
        frozen_within_s=frozen_within,
        jump=state.number('jump', above=0.0) if state.has('jump') else None,
        position_tolerance=number('position_tolerance', default.position_tolerance),
        velocity_tolerance=number('velocity_tolerance', default.velocity_tolerance),
    )


def _stop_status(section: Section) -> StopStatus:
    section.only('topic', 'type', 'field', 'running', 'max_age')
    field = section.text('field')
    if not all(map(str.isidentifier, field.split('.'))):
        raise section.fault('field', "is no field; write its name, 'data' for example")
    return StopStatus(
        topic=section.topic('topic'),
        type=section.type_name('type', 'msg'),
        field=field,
        running=section.values('running'),
        max_age_s=section.number('max_age', least=0.0),
    )


def _halt(section: Section) -> dict[str, str]:
    section.only(optional=(*KINDS, 'second_stage'))
    profiles = dict(HALT_PROFILES)
    for kind in KINDS:
        if section.has(kind):
            entry = section.section(kind)
            entry.only('profile')
            profiles[kind] = entry.choice('profile', PROFILES[kind])
    return profiles


def _second_stage(top: Section) -> SecondStage | None:
    if not top.has('halt') or not top.section('halt').has('second_stage'):
        return None
    section = top.section('halt').section('second_stage')
    section.only('service', 'type', 'after', optional=('request',))
    return SecondStage(
        service=section.topic('service'),
        type=section.type_name('type', 'srv'),
        request=section.mapping('request') if section.has('request') else {},
        after_s=section.number('after', above=0.0),
    )


def _workspace(section: Section) -> Workspace:
    section.only('lower', 'upper')
    lower, upper = section.ordered('lower', 'upper', 3)
    return Workspace(lower, upper)


def _limits(section: Section, joints: int, *, effort: bool) -> Limits:
    """
    Read the limits.

    :param effort: whether the robot takes effort commands, and so needs a limit of them.
    """
    needed = ('position', 'velocity', 'acceleration')
    section.only(*needed, *(['effort'] if effort else []), optional=('effort',))
    if section.get('position') == UNLIMITED_WORD:
        upper = np.full(joints, UNLIMITED)
        upper.flags.writeable = False
        lower = -upper
        lower.flags.writeable = False
    else:
        position = section.section('position')
        position.only('lower', 'upper')
        lower, upper = position.ordered('lower', 'upper', joints)
    return Limits(
        position_lower=lower,
        position_upper=upper,
        velocity=section.numbers('velocity', joints, above=0.0),
        acceleration=section.numbers('acceleration', joints, above=0.0),
        effort=section.numbers('effort', joints, above=0.0) if section.has('effort') else None,
    )
