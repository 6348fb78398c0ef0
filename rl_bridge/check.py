# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""``rl_bridge check``: a robot file, and the robot that it describes, before anything moves."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from rl_bridge.robot_description import UNLIMITED
from rl_bridge.robot_file import load_robot
from rl_bridge.types import FloatArray, RobotDescription, Sensor

if TYPE_CHECKING:
    from rich.table import Table

    from rl_bridge.check_node import Heard

WIDTH = 130  # where the tables do not go to a terminal
MS = 1e3


def check(path: str, *, live: bool = False, seconds: float = 3.0, namespace: str = '') -> int:
    """
    Check a robot file, print what it describes, and listen to the robot if wanted.

    :param path: the file, or the name of a shipped one.
    :param live: listen to the robot too; needs ROS 2.
    :param seconds: for how long.
    :param namespace: of the robot's driver.
    :returns: the exit code: 1 with one sentence on stderr for each problem.
    :raises ConfigError: the file cannot be used.
    """
    from rich.console import Console

    from rl_bridge.check_types import ros_is_here, type_problems

    robot = load_robot(path)
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    console.print(joint_table(robot))
    console.print(topic_table(robot))
    notes: list[str] = []
    problems: list[str] = []
    if ros_is_here():
        problems = type_problems(robot)
    else:
        notes = ['there is no ROS 2 here, so no message type was looked at; source it first.']
    if live and not problems:
        from rl_bridge.check_node import listen

        console.print(f'Listening for {seconds:g} s; nothing is sent.\n')
        heard = listen(robot, namespace=namespace, seconds=seconds)
        console.print(stream_table(heard))
        console.print(command_table(heard))
        print(f'guard: {", ".join(heard.guards) or "none"}')
        print(f'bridge: {", ".join(heard.bridges) or "none"}')
        problems, notes = heard.problems, heard.notes
    for note in notes:
        print(f'note: {note}')
    sys.stdout.flush()
    for problem in problems:
        print(f'rl_bridge: {problem}', file=sys.stderr)
    if not problems:
        print(f'{path}: no problem found.')
    return 1 if problems else 0


def joint_table(robot: RobotDescription) -> Table:
    """Return the joints with their limits."""
    table = _table(f'{robot.name}: {len(robot.joints)} joints')
    for name in ('joint', 'lower', 'upper', 'velocity', 'acceleration', 'effort'):
        table.add_column(name, justify='left' if name == 'joint' else 'right')
    limits = robot.limits
    effort = np.full(len(robot.joints), np.nan) if limits.effort is None else limits.effort
    columns = (
        limits.position_lower,
        limits.position_upper,
        limits.velocity,
        limits.acceleration,
        effort,
    )
    for i, joint in enumerate(robot.joints):
        table.add_row(joint, *(_limit(column, i) for column in columns))
    return table


def topic_table(robot: RobotDescription) -> Table:
    """Return the topics with their types, and what is read from or written to them."""
    table = _table('topics, relative to the namespace')
    for name in ('what', 'topic', 'type', 'of it', 'limit'):
        table.add_column(name, overflow='fold')
    state = robot.state_fields
    table.add_row(
        'state',
        robot.state_topic,
        robot.state_type,
        'by name' if state is None else _words(state.position, state.velocity, state.effort),
        f'max_age {robot.state_max_age_s:g} s',
    )
    for name, sensor in robot.sensors.items():
        shape = ' x '.join(map(str, sensor.shape))
        of_it = _words(sensor.fields) or f'{shape} {sensor.dtype}'
        if sensor.history > 1:
            of_it += f', the last {sensor.history}'
        table.add_row(
            f'sensor {name}', sensor.topic, sensor.type, of_it,
            f'max_age {sensor.max_age_s:g} s{_bounds(sensor)}')  # fmt: skip
    for kind, interface in robot.commands.items():
        for output in interface.outputs:
            every = len(output.joints) == len(robot.joints)
            joints = 'all joints' if every else _words(robot.joints[i] for i in output.joints)
            if output.fields:
                joints += f', in {_words(output.fields)}'
            limit = f'time-out {interface.timeout_s:g} s' if interface.timeout_s else 'no time-out'
            table.add_row(f'{kind} commands', output.topic, output.type, joints, limit)
    status = robot.stop_status
    if status is not None:
        running = ' or '.join(map(str, status.running))
        age = f'max_age {status.max_age_s:g} s' if status.max_age_s else 'on change'
        table.add_row(
            'stop status', status.topic, status.type, f'{status.field} = {running} to move', age
        )
    stage = robot.second_stage
    if stage is not None:
        table.add_row('halt, second stage', stage.service, stage.type, '', f'{stage.after_s:g} s')
    return table


def stream_table(heard: Heard) -> Table:
    """Return what was measured of the streams."""
    table = _table(
        'heard',
        caption='ms: longest time without a message and its limit; spread of the time between two '
        "(standard deviation); median age by the header's stamp, as far as both clocks agree",
    )
    for name in ('what', 'topic'):
        table.add_column(name, overflow='fold')
    for name in ('Hz', 'longest', 'max_age', 'jitter', 'by header'):
        table.add_column(name, justify='right')
    for one in heard.streams:
        stream, timing = one.stream, one.timing
        limit = f'{stream.max_age_s * MS:.0f}' if stream.max_age_s else '-'
        if timing is None:
            table.add_row(stream.what, stream.topic, 'nothing', '-', limit, '-', '-')
            continue
        age = '-' if timing.header_age is None else f'{timing.header_age * MS:.1f}'
        table.add_row(
            stream.what, stream.topic, f'{timing.rate_hz:.1f}', f'{timing.longest * MS:.1f}',
            limit, f'{timing.jitter * MS:.1f}', age)  # fmt: skip
    return table


def command_table(heard: Heard) -> Table:
    """Return who is at the ends of the command topics."""
    table = _table('command topics')
    for name in ('kind', 'topic', 'published by', 'listened to by'):
        table.add_column(name, overflow='fold')
    for output in heard.outputs:
        table.add_row(
            output.kind,
            output.topic,
            ', '.join(end.node for end in output.publishers) or 'nobody',
            ', '.join(end.node for end in output.subscribers) or 'nobody',
        )
    return table


def _table(title: str, *, caption: str | None = None) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=title,
        title_justify='left',
        caption=caption,
        caption_justify='left',
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
    )


def _bounds(sensor: Sensor) -> str:
    if sensor.dtype == 'uint8' or np.isinf([sensor.lower, sensor.upper]).all():
        return ''
    return f', {sensor.lower:g} to {sensor.upper:g}'


def _words(*several: Iterable[str]) -> str:
    return ' '.join(word for words in several for word in words)


def _limit(values: FloatArray, i: int) -> str:
    if np.isnan(values[i]):
        return '-'
    return 'unlimited' if abs(values[i]) >= UNLIMITED else f'{values[i]:.4g}'
