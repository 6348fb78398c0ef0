# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Targets as a person gives them: a point inside the box, a rotation as a quaternion."""

from __future__ import annotations

from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.tasks.workspace import Workspace
from rl_bridge.types import FloatArray

UNIT_TOLERANCE = 1e-3


def given_point(target: Any, workspace: Workspace, *, what: str) -> FloatArray:
    """
    Return a point in the base frame, shape (3,), m.

    :param what: what it is called: 'reset option target_m'.
    :raises ConfigError: it is malformed or outside the box.
    """
    point = _numbers(target)
    if point.shape != (3,) or not np.isfinite(point).all() or not workspace.contains(point):
        raise ConfigError(
            f'The {what} is {target!r}; it must be three numbers in m inside the box from '
            f'{workspace.setup.box_lower.tolist()} to {workspace.setup.box_upper.tolist()}.'
        )
    return point


def given_rotation(quaternion: Any) -> FloatArray:
    """
    Return the rotation matrix of a unit quaternion (x, y, z, w), shape (3, 3).

    :raises ConfigError: it is malformed, or its length is not 1.
    """
    values = _numbers(quaternion)
    if values.shape != (4,) or not abs(float(np.linalg.norm(values)) - 1.0) <= UNIT_TOLERANCE:
        raise ConfigError(
            f'The reset option target_quaternion is {quaternion!r}; it must be four numbers '
            f'x, y, z, w whose squares add up to 1.'
        )
    x, y, z, w = values / np.linalg.norm(values)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _numbers(given: Any) -> FloatArray:
    try:
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        return np.array(np.nan)
