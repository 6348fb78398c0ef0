# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reads what a robot file says of further sensors: where they are heard, and of which shape."""

from __future__ import annotations

import math

from rl_bridge.types import Sensor
from rl_bridge.yaml_section import Section

#: How many numbers a reading of these types has (see ``robots/readings.py``), and their range.
_FIXED: dict[str, tuple[int, tuple[float, float] | None]] = {
    'nav_msgs/msg/Odometry': (13, (-math.inf, math.inf)),
    'geometry_msgs/msg/PoseStamped': (7, (-math.inf, math.inf)),
    'geometry_msgs/msg/TwistStamped': (6, (-math.inf, math.inf)),
    'geometry_msgs/msg/WrenchStamped': (6, (-math.inf, math.inf)),
    'sensor_msgs/msg/Imu': (10, (-math.inf, math.inf)),
    'sensor_msgs/msg/Range': (1, None),
    'std_msgs/msg/Bool': (1, (0.0, 1.0)),
}
_SIZED = ('sensor_msgs/msg/LaserScan', 'std_msgs/msg/Float64MultiArray')
_PICTURES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
_CHANNELS = (1, 3)
_KEYS = ('size', 'shape', 'fields', 'lower', 'upper', 'history')


def read_sensors(section: Section) -> dict[str, Sensor]:
    """
    Read the further sensors.

    :param section: 'sensors' of the file.
    :raises ConfigError: naming the file, the key, its value and the fix.
    """
    sensors = {}
    for name in section.keys:
        if not isinstance(name, str) or not name.isidentifier():
            raise section.fault(name, 'has no usable name; use letters, digits and _')
        sensors[name] = _sensor(name, section.section(name))
    return sensors


def _sensor(name: str, section: Section) -> Sensor:
    section.only('topic', 'type', 'max_age', optional=_KEYS)
    type_name = section.type_name('type', 'msg')
    picture = type_name in _PICTURES
    fields: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None
    if picture:
        shape, bounds = _picture_shape(section), (0.0, 255.0)
        _refuse(section, ('size', 'fields', 'lower', 'upper'), f'is not for {type_name}')
    elif section.has('fields'):
        fields = section.paths('fields')
        shape = (len(fields),)
        _refuse(section, ('size', 'shape'), 'follows from fields')
    elif type_name in _FIXED:
        count, bounds = _FIXED[type_name]
        shape = (count,)
        _refuse(section, ('size', 'shape'), f'is fixed for {type_name}, {count}')
    elif type_name in _SIZED:
        _refuse(section, ('shape',), f'is not for {type_name}, give its size')
        if not section.has('size'):
            raise section.fault('type', 'needs size too: how many numbers a reading has')
        shape = (section.whole('size', least=1),)
    else:
        raise section.fault(
            'type', 'needs fields too: where in it the numbers stand, [level] for example'
        )
    lower, upper = _bounds(section, bounds)
    return Sensor(
        name=name,
        topic=section.topic('topic'),
        type=type_name,
        shape=shape,
        max_age_s=section.number('max_age', above=0.0),
        lower=lower,
        upper=upper,
        fields=fields,
        dtype='uint8' if picture else 'float64',
        history=section.whole('history', least=1) if section.has('history') else 1,
    )


def _picture_shape(section: Section) -> tuple[int, ...]:
    if not section.has('shape'):
        raise section.fault('type', 'needs shape too: [height, width, channels], 3 for colours')
    shape = section.sizes('shape')
    if len(shape) != 3 or shape[2] not in _CHANNELS:
        raise section.fault('shape', 'must be [height, width, channels] with 1 or 3 channels')
    return shape


def _bounds(section: Section, default: tuple[float, float] | None) -> tuple[float, float]:
    """Read the smallest and the largest value; without a default there must be both."""
    if default is None:
        for key in ('lower', 'upper'):
            if not section.has(key):
                raise section.fault('type', f'needs {key} too: the range of its values')
    lower, upper = default or (math.nan, math.nan)
    lower = section.number('lower') if section.has('lower') else lower
    upper = section.number('upper') if section.has('upper') else upper
    if not lower < upper:
        key = 'lower' if section.has('lower') else 'upper'
        raise section.fault(key, f'does not fit: lower {lower:g} must be below upper {upper:g}')
    return lower, upper


def _refuse(section: Section, keys: tuple[str, ...], why: str) -> None:
    for key in keys:
        if section.has(key):
            raise section.fault(key, f'{why}; take it out')
