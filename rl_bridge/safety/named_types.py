# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Message and service types that a robot file names, and their fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from operator import attrgetter
from typing import Any

from rl_bridge.errors import ConfigError, WireError

REAL_TYPES = ('double', 'float')
NUMBER_TYPES = (
    *REAL_TYPES, 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64',
)  # fmt: skip


def load_type(name: str) -> Any:
    """
    Return the class of an installed message or service.

    :param name: 'std_msgs/msg/Bool' for example.
    :raises ConfigError: it is not installed.
    """
    package, folder, kind = name.split('/')
    try:
        return getattr(import_module(f'{package}.{folder}'), kind)
    except (ImportError, AttributeError) as missing:
        raise ConfigError(
            f'the robot file names the type {name}, which is not installed here: {missing}; '
            f'install {package}, or name another type'
        ) from missing


def read_field(message: Any, path: str) -> Any:
    """
    Return what stands in a field.

    :param path: 'data', 'status.mode' for a field of a nested message, 'data[2]' for one of many.
    :raises ConfigError: there is no such field.
    """
    value = message
    for step in _steps(path):
        if isinstance(step, int):
            try:
                value = value[step]
            except (TypeError, IndexError) as fault:
                count = len(value) if hasattr(value, '__len__') else 'no'
                raise ConfigError(
                    f'{type(message).__name__} has no {path!r}: there are {count} values'
                ) from fault
        elif step not in _fields(value):
            raise ConfigError(
                f'{type(message).__name__} has no field {path!r}; '
                f'{type(value).__name__} has {", ".join(_fields(value)) or "none"}'
            )
        else:
            value = getattr(value, step)
    return value


class Numbers:
    """
    Reads numbers from messages of one type, fast, because their places are checked before.

    :param type_name: of the messages.
    :param paths: as ``read_field`` takes them.
    :raises ConfigError: the type is not installed, or a path leads to no number.
    """

    def __init__(self, type_name: str, paths: Sequence[str]) -> None:
        kind = load_type(type_name)
        for path in paths:
            found = field_type(kind, path)
            if found not in NUMBER_TYPES:
                raise ConfigError(
                    f'the robot file names {path} of {type_name}, which is {found} and no number; '
                    'name a field of it'
                )
        self._type_name = type_name
        self._places = [(path, _getter(path)) for path in paths]

    def read(self, message: Any) -> list[float]:
        """
        Read them, not checked for being finite.

        :raises WireError: a list in the message is too short.
        """
        try:
            return [float(get(message)) for _, get in self._places]
        except IndexError as fault:
            missing = [path for path, get in self._places if not _has(get, message)]
            raise WireError(
                f'a message of type {self._type_name} has no {", ".join(missing)}: its list is '
                'too short; correct the fields in the robot file, or the driver'
            ) from fault


def field_type(kind: Any, path: str) -> str:
    """
    Return how ROS names the type of a field, 'double' for example.

    :param kind: a message's class.
    :param path: as ``read_field`` takes it; how long a list becomes is not known here.
    :raises ConfigError: there is no such field.
    """
    found = ''
    for step in _steps(path):
        if isinstance(step, int):
            found, most = _element(found)
            if not found or (most is not None and step >= most):
                count = 'no' if not found else most
                raise ConfigError(f'{kind.__name__} has no {path!r}: there are {count} values')
            continue
        inner = kind
        if found:  # a message, or else a number, a text or a list
            message = '/' in found and not _element(found)[0]
            inner = load_type(found.replace('/', '/msg/')) if message else None
        fields = {} if inner is None else inner.get_fields_and_field_types()
        if step not in fields:
            raise ConfigError(
                f'{kind.__name__} has no field {path!r}; {found or kind.__name__} has '
                f'{", ".join(fields) or "none"}'
            )
        found = fields[step]
    return found


def has_header(kind: Any) -> bool:
    """Whether messages of a class carry a std_msgs/Header."""
    fields: Mapping[str, str] = kind.get_fields_and_field_types()
    return fields.get('header') == 'std_msgs/Header'


def fill(message: Any, values: Mapping[str, object]) -> Any:
    """
    Set fields of a message, those of nested messages from mappings.

    :returns: the message.
    :raises ConfigError: a field does not exist or does not take the value.
    """
    if hasattr(message, '_check_fields'):
        message._check_fields = True  # generated code looks at types only where it is told to
    for name, value in values.items():
        inner = read_field(message, name)
        try:
            if isinstance(value, Mapping):
                fill(inner, value)
            elif isinstance(inner, float) and type(value) is int:
                setattr(message, name, float(value))
            else:
                setattr(message, name, value)
        except (AssertionError, TypeError, ValueError, OverflowError) as fault:
            text = ' '.join(str(fault).split())
            raise ConfigError(
                f'{type(message).__name__}.{name} does not take {value!r}: {text}'
            ) from fault
    return message


def _steps(path: str) -> list[str | int]:
    """Split 'a.b[2].c' into 'a', 'b', 2, 'c'."""
    steps: list[str | int] = []
    for part in path.split('.'):
        name, _, index = part.partition('[')
        steps.append(name)
        if index:
            steps.append(int(index.rstrip(']')))
    return steps


def _element(found: str) -> tuple[str, int | None]:
    """What a list consists of, and how many at most; nothing for what is no list."""
    if found.startswith('sequence<'):
        inner, _, most = found[len('sequence<') : -1].partition(', ')
        return inner, int(most) if most else None
    if found.endswith(']'):
        inner, _, count = found[:-1].rpartition('[')
        return inner, int(count)
    return '', None


def _getter(path: str) -> Callable[[Any], Any]:
    if '[' not in path:
        return attrgetter(path)
    steps = _steps(path)

    def get(message: Any) -> Any:
        for step in steps:
            message = message[step] if isinstance(step, int) else getattr(message, step)
        return message

    return get


def _has(get: Callable[[Any], Any], message: Any) -> bool:
    try:
        get(message)
    except IndexError:
        return False
    return True


def _fields(message: Any) -> list[str]:
    try:
        return list(message.get_fields_and_field_types())
    except AttributeError:
        return []
