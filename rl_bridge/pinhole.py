# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A camera that stands still beside the robot: where points appear in its picture, and back.

The pinhole model without distortion (R. Hartley, A. Zisserman, Multiple View Geometry, 2004,
section 6.1): a real camera's picture has to be rectified first. The camera is level: its rows are
horizontal. Pixel (0, 0) is the centre of the first one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from rl_bridge.errors import ConfigError
from rl_bridge.types import FloatArray

# Beside the UR5e, nearly square to the plane in which the tool of the 2-joint reach task moves.
EYE_M = (-1.85, -0.45, 0.80)
LOOK_AT_M = (0.0, -0.05, 0.42)
FOCAL = 1.1  # picture heights
LARGEST = 2048  # pixels; more would take seconds and gigabytes
NEAREST_M = 0.05


class Pinhole:
    """
    A level camera.

    :param width: of its picture, pixels.
    :param height: of its picture, pixels.
    :param eye_m: where it is in the base frame, shape (3,), m.
    :param look_at_m: the point in the middle of its picture, shape (3,), m.
    :param focal: focal length over the height of the picture.
    :raises ConfigError: a value is malformed, or it looks straight up or down.
    """

    def __init__(
        self,
        *,
        width: int,
        height: int,
        eye_m: ArrayLike = EYE_M,
        look_at_m: ArrayLike = LOOK_AT_M,
        focal: float = FOCAL,
    ) -> None:
        for name, size in (('width', width), ('height', height)):
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)):
                raise ConfigError(f'{name} must be a whole number of pixels, not {size!r}.')
            if not 16 <= size <= LARGEST:
                raise ConfigError(f'{name} must be 16 to {LARGEST} pixels, not {size}.')
        self.width, self.height = int(width), int(height)
        self.eye_m = _point('eye_m', eye_m)
        forward = _point('look_at_m', look_at_m) - self.eye_m
        if isinstance(focal, bool) or not isinstance(focal, (int, float)):
            raise ConfigError(f'focal must be a number of picture heights, not {focal!r}.')
        if not 0.1 <= focal <= 100.0:
            raise ConfigError(f'focal must be 0.1 to 100 picture heights, not {focal!r}.')
        self.focal_px = float(focal) * self.height
        right = np.cross(forward, [0.0, 0.0, 1.0])
        if np.linalg.norm(right) < 1e-3 * max(1.0, float(np.linalg.norm(forward))):
            raise ConfigError(
                f'A camera at {self.eye_m.tolist()} that looks at {look_at_m!r} looks straight up '
                f'or down, or nowhere: move eye_m or look_at_m to the side.'
            )
        forward /= np.linalg.norm(forward)
        right /= np.linalg.norm(right)
        #: Rows right, down, forward: turns the base frame into the camera's, shape (3, 3).
        self.view: FloatArray = np.stack([right, np.cross(forward, right), forward])
        #: Column and row of the picture's middle.
        self.middle: FloatArray = np.array([(self.width - 1) / 2.0, (self.height - 1) / 2.0])

    def seen(self, points_m: ArrayLike) -> FloatArray:
        """
        Return where points appear.

        :param points_m: in the base frame, shape (..., 3), m.
        :return: column and row in pixels and the depth in m, shape (..., 3); column and row are
            NaN for what is less than ``NEAREST_M`` in front of the camera.
        """
        local: FloatArray = (np.asarray(points_m, dtype=np.float64) - self.eye_m) @ self.view.T
        depth = local[..., 2:]
        with np.errstate(divide='ignore', invalid='ignore'):
            place = local[..., :2] / np.where(depth >= NEAREST_M, depth, np.nan) * self.focal_px
        local[..., :2] = place + self.middle
        return local

    def ray(self, column: float, row: float) -> FloatArray:
        """
        Return the direction in which a place of the picture looks.

        :return: in the base frame, shape (3,), not of unit length: its part along the view is 1.
        """
        across, down = (np.array([column, row]) - self.middle) / self.focal_px
        direction: FloatArray = np.array([across, down, 1.0]) @ self.view
        return direction


def pinhole(width: int, height: int, view: Mapping[str, object] | None) -> Pinhole:
    """
    Make a camera of what a person wrote about it.

    :param view: any of ``eye_m``, ``look_at_m`` and ``focal``; None or empty = the defaults.
    :raises ConfigError: it is malformed, or has another key.
    """
    given = {} if view is None else view
    known = ('eye_m', 'look_at_m', 'focal')
    if not isinstance(given, Mapping) or set(given) - set(known):
        raise ConfigError(
            f'The view of a camera is {view!r}; it must be a mapping with any of '
            f'{", ".join(known)}.'
        )
    values: dict[str, object] = dict(given)
    return Pinhole(width=width, height=height, **values)  # type: ignore[arg-type]


def _point(name: str, value: ArrayLike) -> FloatArray:
    try:
        point = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        point = np.array(np.nan)
    if point.shape != (3,) or not np.isfinite(point).all() or np.abs(point).max() > 1e3:
        raise ConfigError(f'{name} is {value!r}; it must be three numbers in m, at most 1000.')
    return point
