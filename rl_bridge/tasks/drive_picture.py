# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A base seen from above with what it knows: goal and laser. Numpy alone, real base or not."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.types import FloatArray

Image = NDArray[np.uint8]
_Floats = NDArray[np.float32]

_LARGEST = 2048  # pixels
_GRID = 0.5  # m
_UNSEEN = (0.80, 0.83, 0.86)
_SEEN = (0.97, 0.98, 0.99)
_LINE = (0.88, 0.90, 0.92)
_HIT = (0.30, 0.34, 0.40)
_GOAL = (0.95, 0.35, 0.15)
_BASE = (0.24, 0.52, 0.76)
_FRONT = (1.0, 1.0, 1.0)


def draw_drive(
    pose: FloatArray,
    *,
    goal: FloatArray,
    ranges: FloatArray,
    directions: FloatArray,
    largest_range: float,
    radius: float,
    arrived: float,
    reach: float,
    width: int,
    height: int,
) -> Image:
    """
    Draw a base from above, the odometry's x to the right and y up.

    :param pose: x and y in m, heading in rad.
    :param goal: x and y in m.
    :param ranges: nearest reading of each sector, m.
    :param directions: middle of each sector in the base's frame, evenly all round, rad.
    :param largest_range: of the laser, m; a sector with that has seen nothing.
    :param radius: of the chassis, m.
    :param arrived: radius of the goal, m.
    :param reach: how far from the origin the picture shows at least, m.
    :return: uint8, shape (height, width, 3), RGB.
    :raises ConfigError: the size is not 16 to 2048 pixels.
    """
    for name, size in (('width', width), ('height', height)):
        if not 16 <= size <= _LARGEST:
            raise ConfigError(f'{name} must be 16 to {_LARGEST} pixels, not {size}.')
    pixel = 2.0 * reach / min(width, height)  # m
    across = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) * np.float32(pixel)
    up = (height / 2 - np.arange(height, dtype=np.float32) - 0.5) * np.float32(pixel)
    x, y = np.meshgrid(across, up)
    to_base = np.hypot(x - pose[0], y - pose[1])

    picture = np.empty((height, width, 3), dtype=np.float32)
    picture[:] = _UNSEEN
    angle = np.arctan2(y - pose[1], x - pose[0]) - np.float32(pose[2])
    count = len(ranges)
    begin = directions[0] - math.pi / count
    sector = np.floor((angle - begin) / (math.tau / count)).astype(int) % count
    _paint(picture, to_base - ranges.astype(np.float32)[sector], _SEEN, pixel)
    grid = np.abs(np.stack([x, y]) / _GRID - np.round(np.stack([x, y]) / _GRID)).min(axis=0)
    _paint(picture, grid * _GRID - 0.5 * pixel, _LINE, pixel)
    for distance, direction in zip(ranges, directions + pose[2], strict=True):
        if distance < largest_range:
            hit = (
                pose[0] + distance * math.cos(direction),
                pose[1] + distance * math.sin(direction),
            )
            _paint(picture, np.hypot(x - hit[0], y - hit[1]) - 2.5 * pixel, _HIT, pixel)
    _paint(picture, np.hypot(x - goal[0], y - goal[1]) - arrived, _GOAL, pixel)
    _paint(picture, to_base - radius, _BASE, pixel)
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    ahead = cos * (x - pose[0]) + sin * (y - pose[1])
    aside = cos * (y - pose[1]) - sin * (x - pose[0])
    front = np.maximum(np.abs(aside) - 0.15 * radius, np.abs(ahead - 0.5 * radius) - 0.4 * radius)
    _paint(picture, front, _FRONT, pixel)
    image: Image = np.clip(picture * 255.0 + 0.5, 0, 255).astype(np.uint8)
    return image


def _paint(
    picture: _Floats,
    outside: NDArray[np.floating],
    colour: tuple[float, float, float],
    pixel: float,
) -> None:
    """Colour where a signed distance (m) is below 0, with an edge one pixel wide."""
    cover = np.clip(0.5 - outside / pixel, 0.0, 1.0).astype(np.float32)
    where = cover > 0.0
    share = cover[where][:, None]
    picture[where] += share * (np.array(colour, dtype=np.float32) - picture[where])
