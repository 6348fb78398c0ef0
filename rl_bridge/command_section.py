# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reads what a robot file says of commands: which kinds, on which topics, in which messages."""

from __future__ import annotations

from rl_bridge.errors import ConfigError
from rl_bridge.robot_description import KINDS, NUMBERS, TRAJECTORY
from rl_bridge.types import CommandInterface, CommandOutput
from rl_bridge.yaml_section import Section

#: Where a base with two axes, the way ahead and the turn, takes its velocities.
_TWIST = {
    'geometry_msgs/msg/Twist': ('linear.x', 'angular.z'),
    'geometry_msgs/msg/TwistStamped': ('twist.linear.x', 'twist.angular.z'),
}
_OUTPUT = ('type', 'fields', 'frame_id', 'arrive_within')


def read_commands(section: Section, joints: tuple[str, ...]) -> dict[str, CommandInterface]:
    """
    Read the command interfaces.

    :param section: 'commands' of the file.
    :param joints: of the robot, which the outputs of each interface must take once each.
    :raises ConfigError: naming the file, the key, its value and the fix.
    """
    section.only(optional=KINDS)
    if not section.keys:
        raise ConfigError(
            f'{section.file}: {section.path} is empty; name at least one of {", ".join(KINDS)}'
        )
    return {
        kind: _interface(kind, section.section(kind), joints)
        for kind in KINDS
        if section.has(kind)
    }


def _interface(kind: str, section: Section, joints: tuple[str, ...]) -> CommandInterface:
    if section.has('outputs'):
        section.only('outputs', 'timeout')
        parts = section.sections('outputs')
        for part in parts:
            part.only('topic', 'joints', optional=_OUTPUT)
        taken = [_indices(part, joints) for part in parts]
        _once(section, parts, taken, joints)
    else:
        section.only('topic', 'timeout', optional=_OUTPUT)
        parts, taken = [section], [tuple(range(len(joints)))]
    return CommandInterface(
        kind,
        tuple(_output(kind, part, own) for part, own in zip(parts, taken, strict=True)),
        section.number('timeout', least=0.0),
    )


def _indices(section: Section, joints: tuple[str, ...]) -> tuple[int, ...]:
    names = section.names('joints')
    for name in names:
        if name not in joints:
            raise section.fault(
                'joints', f'names {name}, which is no joint of this robot: {", ".join(joints)}'
            )
    return tuple(joints.index(name) for name in names)


def _once(
    section: Section,
    parts: list[Section],
    taken: list[tuple[int, ...]],
    joints: tuple[str, ...],
) -> None:
    """Refuse a joint that two outputs take, or none, and a topic that stands twice."""
    topics: set[str] = set()
    seen: set[int] = set()
    for part, own in zip(parts, taken, strict=True):
        topic = part.topic('topic')
        if topic in topics:
            raise part.fault('topic', 'stands twice; give each output a topic of its own')
        topics.add(topic)
        for joint in own:
            if joint in seen:
                raise part.fault(
                    'joints',
                    f'names {joints[joint]}, which another output takes already; each joint '
                    'goes to one',
                )
            seen.add(joint)
    missing = [joint for i, joint in enumerate(joints) if i not in seen]
    if missing:
        raise section.fault(
            'outputs', f'leaves out {", ".join(missing)}; add each joint to one of them'
        )


def _output(kind: str, section: Section, joints: tuple[int, ...]) -> CommandOutput:
    type_name = section.type_name('type', 'msg') if section.has('type') else NUMBERS
    arrive_within_s = 0.0
    if type_name == TRAJECTORY:
        if kind != 'position':
            raise section.fault('type', f'carries positions; {kind} needs another type')
        if not section.has('arrive_within'):
            raise section.fault(
                'type', 'needs arrive_within too, in s: when its only point is to be reached'
            )
        arrive_within_s = section.number('arrive_within', above=0.0)
    elif section.has('arrive_within'):
        raise section.fault('arrive_within', f'belongs to {TRAJECTORY} only; take it out')
    return CommandOutput(
        topic=section.topic('topic'),
        joints=joints,
        type=type_name,
        fields=_fields(section, type_name, len(joints)),
        frame_id=section.text('frame_id') if section.has('frame_id') else '',
        arrive_within_s=arrive_within_s,
    )


def _fields(section: Section, type_name: str, joints: int) -> tuple[str, ...]:
    if type_name in (NUMBERS, TRAJECTORY):
        if section.has('fields'):
            raise section.fault(
                'fields', f'is not for {type_name}, which takes the joints in order; take it out'
            )
        return ()
    if section.has('fields'):
        return section.paths('fields', joints)
    default = _TWIST.get(type_name, ())
    if len(default) != joints:
        raise section.fault(
            'type', f'needs fields too: where in it each of the {joints} joints has its value'
        )
    return default
