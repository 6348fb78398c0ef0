# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The room of a simulated base: four walls, and cylinders that stand where a seed says."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rl_bridge.errors import ConfigError

HALF_SIDE = 3.2  # m from the middle of the room to each wall
# In which the cylinders stand: round the start of the base, and clear of the walls, so that there
# is a way past on both sides. tasks/drive.py draws its goals outside of it.
CLEAR_MIDDLE = 0.8  # m from the middle, which is where the base starts
FURNISHED = 1.8  # m from the middle along either axis
RADII = (0.1, 0.2)  # m, smallest and largest
GAP = 0.8  # m between two cylinders: twice a base's width
MOST = 8
_TRIES = 10_000


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A cylinder on the floor, with its centre in the room's frame; m."""

    x: float
    y: float
    radius: float


def furnished(*, count: int, seed: int) -> tuple[Obstacle, ...]:
    """
    Place cylinders at random.

    :param count: how many, 0 to ``MOST``.
    :param seed: of their places and sizes; the same one gives the same room for ever.
    :raises ConfigError: so many do not fit, or the seed is negative.
    """
    if not 0 <= count <= MOST:
        raise ConfigError(f'obstacles must be 0 to {MOST}, more do not fit, not {count}.')
    if seed < 0:
        raise ConfigError(f'The seed of the obstacles must not be negative, it is {seed}.')
    random = np.random.default_rng(seed)
    placed: list[Obstacle] = []
    for _ in range(_TRIES):
        if len(placed) == count:
            return tuple(placed)
        radius = float(random.uniform(*RADII))
        x, y = random.uniform(radius - FURNISHED, FURNISHED - radius, 2).tolist()
        clear = math.hypot(x, y) - radius >= CLEAR_MIDDLE
        if clear and all(
            math.hypot(x - other.x, y - other.y) >= radius + other.radius + GAP for other in placed
        ):
            placed.append(Obstacle(x, y, radius))
        elif not placed or random.random() < 0.005:
            placed.clear()  # the first ones may stand so that no further one fits
    raise ConfigError(f'No place was found for {count} obstacles with the seed {seed}.')
