# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Message and service types that a robot file names, and their fields."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from rl_bridge.errors import ConfigError


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

    :param path: 'data', or 'status.mode' for a field of a nested message.
    :raises ConfigError: there is no such field.
    """
    value = message
    for name in path.split('.'):
        if name not in _fields(value):
            raise ConfigError(
                f'{type(message).__name__} has no field {path!r}; '
                f'{type(value).__name__} has {", ".join(_fields(value)) or "none"}'
            )
        value = getattr(value, name)
    return value


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


def _fields(message: Any) -> list[str]:
    try:
        return list(message.get_fields_and_field_types())
    except AttributeError:
        return []
