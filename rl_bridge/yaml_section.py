# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reads YAML strictly: every refusal names the file, the key, its value and the fix."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.types import FloatArray

#: 'twist.linear.x', 'data[0]' or 'joints[2].angle'.
_NAME = r'[A-Za-z][A-Za-z0-9_]*(?:\[\d{1,6}\])?'
PATH = re.compile(rf'{_NAME}(?:\.{_NAME})*')


def read_yaml(file: Path) -> object:
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


class Section:
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

    def fault(self, key: object, what: str) -> ConfigError:
        """Return the error that names a value of this mapping."""
        return self._error(self._at(key), self._values[key], what)

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

    def section(self, key: str) -> Section:
        return Section(self.file, self._at(key), self._values[key])

    def sections(self, key: str) -> list[Section]:
        """Read a list of mappings, at least one."""
        place, values = self._at(key), self._values[key]
        if not isinstance(values, list) or not values:
            raise self._error(place, values, 'must be a list with at least one mapping')
        return [Section(self.file, f'{place}[{i}]', value) for i, value in enumerate(values)]

    @property
    def keys(self) -> tuple[object, ...]:
        return tuple(self._values)

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

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self._values[key]
        if value not in allowed:
            raise self._error(self._at(key), value, f'is unknown; use {_names(allowed)}')
        return str(value)

    def type_name(self, key: str, folder: str) -> str:
        """Read the name of a ROS type, such as 'std_msgs/msg/Bool'; ``folder`` is its middle."""
        value = self.text(key)
        parts = value.split('/')
        if len(parts) != 3 or parts[1] != folder or not all(map(str.isidentifier, parts)):
            raise self._error(
                self._at(key), value, f'is no type name; write it as package/{folder}/Name'
            )
        return value

    def values(self, key: str) -> tuple[bool | int | str, ...]:
        place, values = self._at(key), self._values[key]
        if not isinstance(values, list) or not values:
            raise self._error(place, values, 'must be a list with at least one value')
        for i, value in enumerate(values):
            if not isinstance(value, (bool, int, str)):
                raise self._error(
                    f'{place}[{i}]', value, 'must be true, false, a whole number or a text'
                )
        return tuple(values)

    def mapping(self, key: str) -> dict[str, object]:
        value = self._values[key]
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise self._error(self._at(key), value, 'must be a mapping of field names to values')
        return dict(value)

    def number(self, key: str, *, above: float | None = None, least: float | None = None) -> float:
        return self._number(self._at(key), self._values[key], above=above, least=least)

    def whole(self, key: str, *, least: int) -> int:
        return self._whole(self._at(key), self._values[key], least=least)

    def sizes(self, key: str) -> tuple[int, ...]:
        """Read a list of whole numbers, each at least 1."""
        place, values = self._at(key), self._values[key]
        if not isinstance(values, list) or not values:
            raise self._error(place, values, 'must be a list of whole numbers')
        return tuple(self._whole(f'{place}[{i}]', x, least=1) for i, x in enumerate(values))

    def paths(self, key: str, count: int | None = None) -> tuple[str, ...]:
        """
        Read the places of numbers in a message, each once.

        :param count: how many there must be; None = any, at least one.
        """
        place, values = self._at(key), self._values[key]
        if not isinstance(values, list) or not values:
            raise self._error(place, values, "must be a list of field paths, ['data'] for example")
        for i, value in enumerate(self._list(place, values, count or len(values))):
            if not isinstance(value, str) or not PATH.fullmatch(value):
                raise self._error(
                    f'{place}[{i}]',
                    value,
                    "is no field path; write 'twist.linear.x' or 'data[0]' for example",
                )
            if value in values[:i]:
                raise self._error(f'{place}[{i}]', value, 'stands twice; name each field once')
        return tuple(values)

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

    def ordered(self, lower: str, upper: str, count: int) -> tuple[FloatArray, FloatArray]:
        """Read two lists of ``count`` numbers, each of the first smaller than of the second."""
        low, high = self.numbers(lower, count), self.numbers(upper, count)
        for i in range(count):
            if not low[i] < high[i]:
                raise ConfigError(
                    f'{self.file}: {self._at(lower)}[{i}] = {low[i]:g} must be smaller than '
                    f'{self._at(upper)}[{i}] = {high[i]:g}; correct one of them'
                )
        return low, high

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

    def _whole(self, place: str, value: object, *, least: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._error(place, value, 'must be a whole number')
        if value < least:
            raise self._error(place, value, f'must be at least {least}')
        return value

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
