# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reads a robot's YAML file, strictly: nothing is guessed and no limit has a default."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.types import CommandInterface, FloatArray, Limits, RobotDescription

COMMAND_KINDS = ('velocity', 'position')
DH_COLUMNS = 4

_SOURCE_CONFIG = Path(__file__).resolve().parent.parent / 'config'


def load_robot(path: str | Path) -> RobotDescription:
    """
    Read and check a robot file.

    :param path: the file. A bare name ('ur5e.yaml') that is not a file in the working directory
        is also looked up in the installed ``share/rl_bridge/config`` and in the source tree.
    :raises ConfigError: naming the file, the key, its value and the fix.
    """
    file = _find(Path(path))
    return _description(_Section(str(file), '', _read(file)))


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


def _read(file: Path) -> object:
    try:
        import yaml
    except ImportError as missing:
        raise ConfigError(
            f'{file} cannot be read without PyYAML; install rl_bridge[node] or python3-yaml'
        ) from missing

    class Loader(yaml.SafeLoader):
        """Refuses a key that stands twice; PyYAML alone silently takes the last one."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[Hashable] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if isinstance(key, Hashable) and key in seen:
                    line = key_node.start_mark.line + 1
                    raise ConfigError(
                        f'{file}: the key {key!r} stands twice (line {line}); remove one'
                    )
                if isinstance(key, Hashable):
                    seen.add(key)
            return dict(super().construct_mapping(node, deep))

    try:
        return yaml.load(file.read_text(encoding='utf-8'), Loader)
    except yaml.YAMLError as fault:
        text = ' '.join(str(fault).split())
        raise ConfigError(f'{file} is not valid YAML: {text}; correct it there') from fault
    except (OSError, UnicodeDecodeError, RecursionError) as fault:
        raise ConfigError(f'{file} cannot be read as UTF-8 text: {fault}; correct it') from fault


class _Section:
    """
    One mapping of the file, with its place for the error sentences.

    :param file: name of the file.
    :param path: where the mapping stands, 'limits.position' for example; empty for the whole file.
    :param value: what stands there.
    """

    def __init__(self, file: str, path: str, value: object) -> None:
        self.file = file
        self.path = path
        if not isinstance(value, Mapping):
            raise self._error(path or 'the file', value, 'must be a mapping of keys to values')
        self._values: dict[object, object] = dict(value)

    def only(self, *keys: str, optional: tuple[str, ...] = ()) -> None:
        """Refuse unknown keys, then missing ones."""
        allowed = (*keys, *optional)
        for key in self._values:
            if key not in allowed:
                raise self._error(
                    self._at(key), self._values[key], f'is unknown; use {_names(allowed)}'
                )
        for key in keys:
            if key not in self._values:
                raise ConfigError(
                    f'{self.file}: {self._at(key)} is missing; add it, there is no default'
                )

    def section(self, key: str) -> _Section:
        return _Section(self.file, self._at(key), self._values[key])

    def has(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> object:
        return self._values.get(key)

    def text(self, key: str) -> str:
        value = self._values[key]
        if not isinstance(value, str) or not value.strip():
            raise self._error(self._at(key), value, 'must be a text that is not empty')
        return value

    def topic(self, key: str) -> str:
        value = self.text(key)
        parts = value.removeprefix('/').split('/')
        if any(not part.isidentifier() or not part.isascii() for part in parts):
            raise self._error(
                self._at(key),
                value,
                "is no topic name; use letters, digits, '_' and '/', 'joint_states' for example",
            )
        return value

    def number(self, key: str, *, above: float | None = None, least: float | None = None) -> float:
        return self._number(self._at(key), self._values[key], above=above, least=least)

    def numbers(self, key: str, count: int, *, above: float | None = None) -> FloatArray:
        """
        :param count: how many there must be.
        :returns: shape (count,), read-only.
        """
        values = self._list(self._at(key), self._values[key], count)
        read = [
            self._number(f'{self._at(key)}[{i}]', value, above=above)
            for i, value in enumerate(values)
        ]
        return _frozen(np.array(read, dtype=np.float64))

    def table(self, key: str, rows: int, columns: int) -> FloatArray:
        """
        :returns: shape (rows, columns), read-only.
        """
        place = self._at(key)
        read = []
        for i, row in enumerate(self._list(place, self._values[key], rows)):
            values = self._list(f'{place}[{i}]', row, columns)
            read.append(
                [self._number(f'{place}[{i}][{j}]', value) for j, value in enumerate(values)]
            )
        return _frozen(np.array(read, dtype=np.float64))

    def names(self, key: str) -> tuple[str, ...]:
        place, values = self._at(key), self._values[key]
        if not isinstance(values, list) or not values:
            raise self._error(place, values, 'must be a list with at least one joint name')
        for i, value in enumerate(values):
            if not isinstance(value, str) or not value.strip():
                raise self._error(f'{place}[{i}]', value, 'must be the name of a joint')
            if value in values[:i]:
                raise self._error(f'{place}[{i}]', value, 'stands twice; name each joint once')
        return tuple(values)

    def _at(self, key: object) -> str:
        return f'{self.path}.{key}' if self.path else str(key)

    def _list(self, place: str, value: object, count: int) -> list[object]:
        if not isinstance(value, list):
            raise self._error(place, value, f'must be a list of {count} values')
        if len(value) != count:
            raise self._error(place, value, f'has {len(value)} values; give {count}')
        return value

    def _number(
        self, place: str, value: object, *, above: float | None = None, least: float | None = None
    ) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            hint = '; YAML reads 1e-3 as text, write 1.0e-3' if isinstance(value, str) else ''
            raise self._error(place, value, f'must be a number{hint}')
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._error(place, value, 'must be finite')
        if above is not None and not number > above:
            raise self._error(place, value, f'must be greater than {above:g}')
        if least is not None and not number >= least:
            raise self._error(place, value, f'must be at least {least:g}')
        return number

    def _error(self, place: str, value: object, what: str) -> ConfigError:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:77] + '...'
        return ConfigError(f'{self.file}: {place} = {shown} {what}')


def _names(keys: tuple[str, ...]) -> str:
    return ', '.join(keys)


def _frozen(values: FloatArray) -> FloatArray:
    values.flags.writeable = False
    return values


def _description(top: _Section) -> RobotDescription:
    top.only('name', 'joints', 'state', 'commands', 'limits', 'standstill', optional=('dh',))
    joints = top.names('joints')
    state = top.section('state')
    state.only('topic', 'max_age')
    standstill = top.section('standstill')
    standstill.only('speed', 'within')
    return RobotDescription(
        name=top.text('name'),
        joints=joints,
        state_topic=state.topic('topic'),
        state_max_age_s=state.number('max_age', above=0.0),
        commands=_commands(top.section('commands')),
        limits=_limits(top.section('limits'), len(joints)),
        standstill_speed=standstill.number('speed', above=0.0),
        standstill_within_s=standstill.number('within', above=0.0),
        dh=None if top.get('dh') is None else top.table('dh', len(joints), DH_COLUMNS),
    )


def _commands(section: _Section) -> dict[str, CommandInterface]:
    section.only(optional=COMMAND_KINDS)
    if not any(section.has(kind) for kind in COMMAND_KINDS):
        raise ConfigError(
            f'{section.file}: {section.path} is empty; name at least one of '
            f'{_names(COMMAND_KINDS)}'
        )
    commands = {}
    for kind in COMMAND_KINDS:
        if section.has(kind):
            entry = section.section(kind)
            entry.only('topic', 'timeout')
            commands[kind] = CommandInterface(
                kind=kind, topic=entry.topic('topic'), timeout_s=entry.number('timeout', least=0.0)
            )
    return commands


def _limits(section: _Section, joints: int) -> Limits:
    section.only('position', 'velocity', 'acceleration')
    position = section.section('position')
    position.only('lower', 'upper')
    lower, upper = position.numbers('lower', joints), position.numbers('upper', joints)
    for i in range(joints):
        if not lower[i] < upper[i]:
            raise ConfigError(
                f'{section.file}: {position.path}.lower[{i}] = {lower[i]:g} must be smaller than '
                f'{position.path}.upper[{i}] = {upper[i]:g}; correct one of them'
            )
    return Limits(
        position_lower=lower,
        position_upper=upper,
        velocity=section.numbers('velocity', joints, above=0.0),
        acceleration=section.numbers('acceleration', joints, above=0.0),
    )
