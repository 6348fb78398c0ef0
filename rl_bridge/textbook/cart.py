# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A cart with viscous friction between walls, advanced exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rl_bridge.textbook.textbook_env import require_not_negative, require_positive
from rl_bridge.types import FloatArray


@dataclass(frozen=True)
class Cart:
    """
    m v' = F - b v on each axis, between walls at ± ``wall_m``.

    While the force is constant this has a closed form, so no integrator is needed; with
    T = m / b and v_end = F / b:

        v(h) = v_end + (v - v_end) exp(-h / T)
        x(h) = x + v_end h + (v - v_end) T (1 - exp(-h / T))

    A wall takes the speed (an inelastic hit): clipping the position alone, as textbook code does,
    leaves a cart that stands at the wall and reports that it moves.

    :param mass_kg: m.
    :param friction: b, N s/m.
    :param force_n: the largest force, N.
    :param wall_m: distance of the walls from the middle, m.
    :raises ConfigError: a value is not a finite number above 0 (friction: at least 0).
    """

    mass_kg: float = 1.0
    friction: float = 0.5
    force_n: float = 1.0
    wall_m: float = 1.0

    def __post_init__(self) -> None:
        require_positive(mass_kg=self.mass_kg, force_n=self.force_n, wall_m=self.wall_m)
        require_not_negative(friction=self.friction)

    @property
    def top_speed(self) -> float:
        """
        Return a speed that is never exceeded from rest, m/s.

        The lower of the terminal speed F / b, and of what the force gives without friction from
        wall to wall, sqrt(2 F / m · 2 wall).
        """
        free = math.sqrt(4.0 * self.force_n * self.wall_m / self.mass_kg)
        return min(self.force_n / self.friction, free) if self.friction > 0 else free

    def advance(
        self, position: FloatArray, velocity: FloatArray, force: FloatArray, step_s: float
    ) -> tuple[FloatArray, FloatArray]:
        """
        Return position (m) and velocity (m/s) after a step under a constant force.

        :param position: m, any shape; velocity and force (N) likewise.
        :param step_s: s.
        """
        if self.friction > 0.0:
            time_s = self.mass_kg / self.friction
            end = force / self.friction
            fallen = -math.expm1(-step_s / time_s)  # 1 - exp(-h / T), exact for small h too
            moved = position + end * step_s + (velocity - end) * time_s * fallen
            faster = velocity + (end - velocity) * fallen
        else:
            gain = force / self.mass_kg
            moved = position + velocity * step_s + 0.5 * gain * step_s**2
            faster = velocity + gain * step_s
        hit = np.abs(moved) >= self.wall_m
        return np.clip(moved, -self.wall_m, self.wall_m), np.where(hit, 0.0, faster)
