# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A controller that solves the drive task from its observations alone, for demos and tests."""

from __future__ import annotations

import math

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.tasks.drive import RADIUS
from rl_bridge.tasks.drive_readings import sector_directions
from rl_bridge.types import FloatArray

LOOK_AHEAD = 1.2  # m: what is farther away does not matter yet
SPARE = 0.12  # m left on both sides of the chassis where it drives
LEAST_SPARE = 0.05  # m; nearer to something it only turns
DIRECTIONS = 72  # that it chooses from
STRAIGHTNESS = 0.35  # rad of a turn weigh as much as this many rad away from the goal
BLOCKED = 4.0  # rad: weight of a way that is blocked at once
BRAKING = 0.5  # m/s^2, half of what the base can do
DELAY_S = 0.2  # between a measurement and its effect
TURN_GAIN = 2.5  # 1/s
NARROW = 0.6  # rad; a direction farther aside than this is turned to at rest


class DriveController:
    """
    Drives a base to its goal and past what the laser sees.

    It needs no map, no simulator and no memory: of 72 directions it takes the one that costs least
    (after I. Ulrich, J. Borenstein, VFH+, IEEE International Conference on Robotics and
    Automation, 1998). A direction costs by how far it leads away from the goal, by how far it is
    from straight ahead, and by how soon a lane of the chassis' width is blocked in it. It turns to
    it, and drives no faster than it can brake within the lane ahead.

    :param action_space: of the task.
    :param radius_m: of the base round its laser.
    :param scan_begins_rad: direction of the scan's first ray.
    :raises ConfigError: the action space is not that of a drive task.
    """

    def __init__(
        self,
        action_space: spaces.Space[NDArray[np.float32]],
        *,
        radius_m: float = RADIUS,
        scan_begins_rad: float = -math.pi,
    ) -> None:
        if not isinstance(action_space, spaces.Box) or action_space.shape != (2,):
            raise ConfigError(f'{action_space} is not the action space of a drive task.')
        self._bound = action_space.high.astype(np.float64)
        self._radius_m = radius_m
        self._scan_begins_rad = scan_begins_rad
        self._candidates = np.linspace(-math.pi, math.pi, DIRECTIONS, endpoint=False)

    def __call__(self, observation: ArrayLike) -> NDArray[np.float32]:
        """
        Return the action for an observation.

        :param observation: of the task, shape (6 + sectors,).
        :raises LimitError: the observation has another shape or is not finite.
        """
        values = np.asarray(observation, dtype=np.float64)
        if values.ndim != 1 or len(values) < 10 or not np.isfinite(values).all():
            raise LimitError(
                f'An observation of the drive task is a list of finite numbers, six and then the '
                f'sectors of the laser, not {values!r:.80}.'
            )
        goal, ranges = values[:2], values[6:]
        middle = sector_directions(len(ranges), begins_rad=self._scan_begins_rad)
        points = ranges[:, None] * np.stack([np.cos(middle), np.sin(middle)], axis=1)
        way = float(np.linalg.norm(goal))
        direction = self._direction(points, goal, min(way, LOOK_AHEAD))
        turn = TURN_GAIN * direction
        speed = 0.0
        if abs(direction) < NARROW:
            free = float(self._free(points, np.zeros(1), spare=LEAST_SPARE)[0])
            left = min(free - LEAST_SPARE, way)
            speed = self._speed(left) * (1.0 - abs(direction) / NARROW)
        action = np.array([speed, turn]).clip(-self._bound, self._bound)
        return action.astype(np.float32)

    def _speed(self, free_m: float) -> float:
        """Return the speed from which the base can brake within a way, and after a delay."""
        delayed = BRAKING * DELAY_S
        return math.sqrt(delayed**2 + 2.0 * BRAKING * max(free_m, 0.0)) - delayed

    def _direction(self, points: FloatArray, goal: FloatArray, look_m: float) -> float:
        """Return the direction to drive in, rad."""
        bearing = math.atan2(goal[1], goal[0])
        aside = np.abs(np.remainder(self._candidates - bearing + math.pi, math.tau) - math.pi)
        free = self._free(points, self._candidates, spare=SPARE).clip(0.0, look_m)
        blocked = BLOCKED * (1.0 - free / look_m)
        cost = aside + STRAIGHTNESS * np.abs(self._candidates) + blocked
        best = int(cost.argmin())
        chosen = float(self._candidates[best])
        # Between two candidates lies the goal itself, once nothing is in its way.
        return bearing if aside[best] <= math.pi / DIRECTIONS else chosen

    def _free(self, points: FloatArray, directions: FloatArray, *, spare: float) -> FloatArray:
        """
        Return how far the chassis can go in each direction, m.

        :param points: that the laser sees, shape (sectors, 2).
        :param spare: m on both sides of the chassis.
        """
        cos, sin = np.cos(directions)[:, None], np.sin(directions)[:, None]
        along = points[:, 0] * cos + points[:, 1] * sin
        beside = np.abs(points[:, 1] * cos - points[:, 0] * sin)
        half = self._radius_m + spare
        inside = (beside < half) & (along > 0.0)
        reached = along - np.sqrt(np.maximum(half**2 - beside**2, 0.0))
        free: FloatArray = np.where(inside, reached, math.inf).min(axis=1)
        return free
