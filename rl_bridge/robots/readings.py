# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What a sensor's message says, as one array: pure, of whatever has the message's fields.

docs/robots.md lists what each type gives. A value that is not finite or lies outside the sensor's
bounds is never passed on; a laser and a ranger alone are clipped to them, because for these a
reading beyond a bound has a meaning (REP 117).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.robots.images import compressed_picture, raw_picture, refusal, require_pillow
from rl_bridge.safety.named_types import NUMBER_TYPES, field_type, read_field
from rl_bridge.types import FloatArray, Sensor

Values = NDArray[Any]


def decode(sensor: Sensor, message: Any) -> Values:
    """
    Return what a message says.

    :param message: anything with the fields of the sensor's type.
    :returns: of the sensor's shape and dtype, read-only.
    :raises RobotNotReady: it must not be used (STATE_INVALID); the sentence names the sensor, its
        topic, the value and the limit.
    :raises ConfigError: the type has no way of its own and no fields are named, or Pillow is
        missing.
    """
    if not sensor.fields and sensor.type in _PICTURES:
        return _PICTURES[sensor.type](sensor, message)
    values = np.array(_way(sensor)(sensor, message), dtype=np.float64)
    if values.size != int(np.prod(sensor.shape)):
        raise refusal(
            sensor,
            f'sends {values.size} values, but its shape in the robot file is '
            f'{list(sensor.shape)}: correct one of them.',
        )
    _check_bounds(sensor, values)
    values = values.reshape(sensor.shape).astype(sensor.dtype, copy=False)
    values.flags.writeable = False
    return values


def check_type(sensor: Sensor, kind: Any) -> None:
    """
    Check before the first message that a sensor's type can be read.

    :param kind: the message's class.
    :raises ConfigError: it cannot; the sentence names the field or the module that is missing.
    """
    if not sensor.fields and sensor.type == COMPRESSED:
        require_pillow(sensor)
    elif not sensor.fields and sensor.type not in _PICTURES:
        _way(sensor)
    for path in sensor.fields:
        found = field_type(kind, path)
        if found not in (*NUMBER_TYPES, 'boolean'):
            raise ConfigError(
                f'the sensor {sensor.name} names {path} of {sensor.type}, which is {found} and no '
                f'number; name a field of it'
            )


def header_ns(message: Any) -> int:
    """Return the stamp of a message's header in ns, of whatever clock; 0 = none."""
    header = getattr(message, 'header', None)
    if header is None:
        return 0
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)


def _check_bounds(sensor: Sensor, values: FloatArray) -> None:
    flat = values.reshape(-1)
    wrong = ~(np.isfinite(flat) & (flat >= sensor.lower) & (flat <= sensor.upper))
    if not wrong.any():
        return
    index = int(wrong.argmax())
    what = sensor.fields[index] if sensor.fields else f'value {index}'
    if not np.isfinite(flat[index]):
        raise refusal(sensor, f'measures {what} = {flat[index]}, which is no number to act on.')
    raise refusal(
        sensor,
        f'measures {what} = {flat[index]:.6g}, outside of [{sensor.lower:g}, {sensor.upper:g}]: '
        f'correct its lower and upper in the robot file, or the sensor.',
    )


# -- the ways of the types ---------------------------------------------------------------------


def _way(sensor: Sensor) -> Callable[[Sensor, Any], Sequence[float] | FloatArray]:
    if sensor.fields:
        return _fields
    try:
        return _WAYS[sensor.type]
    except KeyError:
        raise ConfigError(
            f'the sensor {sensor.name} is of the type {sensor.type}, of which it is not known '
            f'what to take: name its `fields`'
        ) from None


def _fields(sensor: Sensor, message: Any) -> list[float]:
    values = []
    for path in sensor.fields:
        try:
            values.append(float(read_field(message, path)))
        except ConfigError as fault:  # of a list, which is shorter than the path says
            raise refusal(sensor, f'has no {path} in its message: {fault}') from fault
    return values


def _vector(vector: Any) -> tuple[float, float, float]:
    return vector.x, vector.y, vector.z


def _pose(pose: Any) -> tuple[float, ...]:
    turn = pose.orientation
    return (*_vector(pose.position), turn.x, turn.y, turn.z, turn.w)


def _twist(twist: Any) -> tuple[float, ...]:
    return (*_vector(twist.linear), *_vector(twist.angular))


def _odometry(_: Sensor, message: Any) -> tuple[float, ...]:
    return (*_pose(message.pose.pose), *_twist(message.twist.twist))


def _pose_stamped(_: Sensor, message: Any) -> tuple[float, ...]:
    return _pose(message.pose)


def _twist_stamped(_: Sensor, message: Any) -> tuple[float, ...]:
    return _twist(message.twist)


def _wrench_stamped(_: Sensor, message: Any) -> tuple[float, ...]:
    return (*_vector(message.wrench.force), *_vector(message.wrench.torque))


def _imu(sensor: Sensor, message: Any) -> tuple[float, ...]:
    for part in ('orientation', 'angular_velocity', 'linear_acceleration'):
        # sensor_msgs/Imu: "If you have no estimate for one of the data elements, set element 0 of
        # the associated covariance matrix to -1".
        if getattr(message, f'{part}_covariance')[0] == -1.0:
            raise refusal(
                sensor,
                f'says that it does not measure its {part} ({part}_covariance[0] = -1): name the '
                f'`fields` that it measures.',
            )
    turn = message.orientation
    return (
        *(turn.x, turn.y, turn.z, turn.w),
        *_vector(message.angular_velocity),
        *_vector(message.linear_acceleration),
    )


def _nearest_of_sectors(sensor: Sensor, message: Any) -> FloatArray:
    """
    Return the nearest of the rays of each sector, the first sector at ``angle_min``.

    REP 117: +inf = nothing in range, -inf = too near to measure, NaN = erroneous. What is not
    known counts as near.
    """
    rays, sectors = len(message.ranges), int(np.prod(sensor.shape))
    if rays < sectors:
        raise refusal(
            sensor,
            f'sends {rays} rays, which cannot fill {sectors} sectors: make its size in the robot '
            f'file smaller.',
        )
    ranges = _clipped(sensor, np.asarray(message.ranges, dtype=np.float64))
    nearest: FloatArray = np.minimum.reduceat(ranges, np.arange(sectors) * rays // sectors)
    return nearest


def _range(sensor: Sensor, message: Any) -> FloatArray:
    return _clipped(sensor, np.array([message.range], dtype=np.float64))


def _clipped(sensor: Sensor, ranges: FloatArray) -> FloatArray:
    known = np.where(np.isnan(ranges), sensor.lower, ranges)
    return np.clip(known, sensor.lower, sensor.upper)


def _data(_: Sensor, message: Any) -> Sequence[float]:
    data: Sequence[float] = message.data
    return data


def _flag(_: Sensor, message: Any) -> tuple[float]:
    return (float(message.data),)


COMPRESSED = 'sensor_msgs/msg/CompressedImage'
_PICTURES = {'sensor_msgs/msg/Image': raw_picture, COMPRESSED: compressed_picture}
_WAYS: dict[str, Callable[[Sensor, Any], Sequence[float] | FloatArray]] = {
    'geometry_msgs/msg/PoseStamped': _pose_stamped,
    'geometry_msgs/msg/TwistStamped': _twist_stamped,
    'geometry_msgs/msg/WrenchStamped': _wrench_stamped,
    'nav_msgs/msg/Odometry': _odometry,
    'sensor_msgs/msg/Imu': _imu,
    'sensor_msgs/msg/LaserScan': _nearest_of_sectors,
    'sensor_msgs/msg/Range': _range,
    'std_msgs/msg/Bool': _flag,
    'std_msgs/msg/Float64MultiArray': _data,
}
#: Types that need no `fields`.
OWN_WAYS = frozenset((*_PICTURES, *_WAYS))
