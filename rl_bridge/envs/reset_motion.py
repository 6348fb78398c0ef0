# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The motion to where an episode begins: a straight line in joint space, at a modest speed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.types import FloatArray, Limits


@dataclass(frozen=True, slots=True)
class ResetSettings:
    """
    How the robot moves to where an episode begins.

    :param speed: of the fastest joint, rad/s; never more than the robot's limit.
    :param acceleration: of the fastest joint, rad/s^2; never more than the robot's limit.
    :param timeout_s: after this the motion is given up.
    :param tolerance: how near every joint has to come, rad.
    :param largest_lag: how far a joint may stay behind before the motion is given up, rad.
    :param gain: 1/s, of the correction of what a joint lags behind, for velocity commands.
    :raises ConfigError: a value is not finite or not above 0.
    """

    speed: float = 0.8
    acceleration: float = 1.5
    timeout_s: float = 30.0
    tolerance: float = 0.005
    largest_lag: float = 0.3
    gain: float = 4.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise ConfigError(f'{name} of the reset motion is {value!r}; it must be above 0.')


class JointLine:
    """
    A straight line in joint space with a trapezoidal speed; all joints start and end at once.

    L. Biagiotti, C. Melchiorri, Trajectory Planning for Automatic Machines and Robots, 2008,
    section 3.2.

    :param start: shape (joints,), rad.
    :param end: shape (joints,), rad.
    :param limits: of the robot.
    """

    def __init__(
        self, start: FloatArray, end: FloatArray, *, limits: Limits, settings: ResetSettings
    ) -> None:
        self._start = start.copy()
        self._way = end - start
        way = np.maximum(np.abs(self._way), 1e-9)
        # Along the line, as shares of the way per second (and second squared).
        self._rate = float((np.minimum(limits.velocity, settings.speed) / way).min())
        self._growth = float((np.minimum(limits.acceleration, settings.acceleration) / way).min())
        ramp_s = self._rate / self._growth
        if self._rate * ramp_s > 1.0:  # too short a way to get to full speed
            ramp_s = math.sqrt(1.0 / self._growth)
            self._rate = self._growth * ramp_s
        self._ramp_s = ramp_s
        self.duration_s = 1.0 / self._rate + ramp_s

    def at(self, time_s: float) -> tuple[FloatArray, FloatArray]:
        """Return position (rad) and velocity (rad/s) of all joints at a time after the start."""
        left_s = self.duration_s - time_s
        if left_s <= 0.0:
            return self._start + self._way, np.zeros_like(self._way)
        if time_s < self._ramp_s:
            share, rate = 0.5 * self._growth * time_s**2, self._growth * time_s
        elif left_s < self._ramp_s:
            share, rate = 1.0 - 0.5 * self._growth * left_s**2, self._growth * left_s
        else:
            share, rate = self._rate * (time_s - 0.5 * self._ramp_s), self._rate
        return self._start + share * self._way, rate * self._way
