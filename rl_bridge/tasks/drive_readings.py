# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the drive task takes from a base's sensors, and what it asks of its file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.types import FloatArray, RobotDescription, RobotState, Sensor, StopReason


def sector_directions(count: int, *, begins_rad: float = -math.pi) -> FloatArray:
    """
    Return the middle direction of each sector of a scan all round, rad, 0 straight ahead.

    :param begins_rad: direction of the first ray.
    """
    return begins_rad + (np.arange(count) + 0.5) * math.tau / count


def newest(state: RobotState, name: str, size: int) -> FloatArray:
    """Return a sensor's newest reading, whatever its history."""
    try:
        values = state.sensors[name].values
    except KeyError:
        raise RobotNotReady(
            f'The robot measures no {name!r}, which the drive task needs: add it to the sensors '
            f'of its file.',
            StopReason.STATE_INVALID,
        ) from None
    newest: FloatArray = np.asarray(values, dtype=np.float64).reshape(-1, size)[-1]
    return newest


def base_pose(state: RobotState) -> FloatArray:
    """Return x and y in m and the heading in rad from an odometry reading."""
    x, y, _, qx, qy, qz, qw = newest(state, 'pose', 13)[:7]
    heading = math.atan2(2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qy * qy + qz * qz))
    return np.array([x, y, heading])


def goal_points(points: Any) -> FloatArray:
    try:
        array = np.array(points, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array) or not np.isfinite(array).all():
        raise ConfigError(f'A goal is x and y in m, two finite numbers, not {points!r:.80}.')
    return array


def checked_scan(description: RobotDescription, interface: str) -> Sensor:
    """Return the sensor ``scan`` of a robot that can do this task."""
    if interface != 'velocity':
        raise ConfigError(f"The interface of the drive task is 'velocity', not {interface!r}.")
    name = description.name
    if len(description.joints) != 2:
        raise ConfigError(
            f'The drive task needs a base with two axes, linear and angular; {name} has '
            f'{len(description.joints)}.'
        )
    shapes = {'pose': (13,), 'scan': None, 'bumper': (1,)}
    for sensor, shape in shapes.items():
        if sensor not in description.sensors:
            if sensor == 'bumper':
                continue
            raise ConfigError(
                f'The drive task needs the sensor {sensor!r}, which {name} does not have: add it '
                f'to its file.'
            )
        found = description.sensors[sensor].shape
        if (shape or (found[0],)) != found:
            raise ConfigError(
                f'The sensor {sensor!r} of {name} has the shape {list(found)}; the drive task '
                f'needs {"a list of sectors" if shape is None else list(shape)}.'
            )
    return description.sensors['scan']
