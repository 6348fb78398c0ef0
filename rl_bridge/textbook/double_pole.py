# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The physics of two poles on a cart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rl_bridge.textbook.runge_kutta import runge_kutta_4
from rl_bridge.textbook.textbook_env import require_positive
from rl_bridge.types import FloatArray

STATES = 6  # x, theta1, theta2, and their rates
TICK_S = 0.005  # of the physics


@dataclass(frozen=True)
class DoublePole:
    """
    A cart with two uniform poles, one on top of the other.

    Angles are from upright, both against the vertical (not against each other). Without friction:

        M(q) q'' + C(q, q') q' + g(q) = [F, 0, 0]
        M = [[d1, d2 c1, d3 c2], [d2 c1, d4, d5 c12], [d3 c2, d5 c12, d6]]
        C q' = [-d2 s1 w1^2 - d3 s2 w2^2,  d5 s12 w2^2,  -d5 s12 w1^2]
        g = [0, -f1 s1, -f2 s2]

    with c12 = cos(theta1 - theta2), r = l/2 and I = m l^2 / 12 of each pole, d1 = M + m1 + m2,
    d2 = m1 r1 + m2 l1, d3 = m2 r2, d4 = m1 r1^2 + m2 l1^2 + I1, d5 = m2 l1 r2,
    d6 = m2 r2^2 + I2, f1 = d2 g, f2 = d3 g. Source: A. Bogdanov, Optimal control of a double
    inverted pendulum on a cart, OHSU technical report CSE-04-006, 2004.

    :param cart_kg: M.
    :param poles_kg: m1, m2.
    :param poles_m: l1, l2.
    :param gravity: m/s^2.
    :raises ConfigError: a value is not a finite number above 0.
    """

    cart_kg: float = 1.0
    poles_kg: tuple[float, float] = (0.2, 0.2)
    poles_m: tuple[float, float] = (0.6, 0.6)
    gravity: float = 9.81

    def __post_init__(self) -> None:
        (first, second), (long, longer) = self.poles_kg, self.poles_m
        require_positive(cart_kg=self.cart_kg, gravity=self.gravity)
        require_positive(poles_kg=first)
        require_positive(poles_kg=second)
        require_positive(poles_m=long)
        require_positive(poles_m=longer)

    @property
    def height_m(self) -> float:
        """Return how high the tip is above the cart when both poles stand."""
        return sum(self.poles_m)

    def tip(self, state: FloatArray) -> tuple[float, float]:
        """Return x and height of the upper pole's tip, m."""
        x, first, second = (float(value) for value in state[:3])
        (l1, l2) = self.poles_m
        return (
            x + l1 * math.sin(first) + l2 * math.sin(second),
            l1 * math.cos(first) + l2 * math.cos(second),
        )

    def advance(self, state: FloatArray, force: float, step_s: float = TICK_S) -> FloatArray:
        """Return the state one step of RK4 later under a constant force (N)."""
        return runge_kutta_4(lambda at: self._rate(at, force), state, step_s)

    def energy(self, state: FloatArray) -> float:
        """Return kinetic and potential energy, J; constant without force."""
        rates = state[3:]
        _, f1, f2 = self._mass_and_weights(state)
        high = f1 * math.cos(float(state[1])) + f2 * math.cos(float(state[2]))
        return float(0.5 * rates @ self._mass_and_weights(state)[0] @ rates) + high

    def _rate(self, state: FloatArray, force: float) -> FloatArray:
        mass, f1, f2 = self._mass_and_weights(state)
        first, second = float(state[1]), float(state[2])
        w1, w2 = float(state[4]), float(state[5])
        d2, d3 = f1 / self.gravity, f2 / self.gravity
        d5 = d3 * self.poles_m[0]
        s1, s2, s12 = math.sin(first), math.sin(second), math.sin(first - second)
        acting = np.array([
            force + d2 * s1 * w1 * w1 + d3 * s2 * w2 * w2,
            f1 * s1 - d5 * s12 * w2 * w2,
            f2 * s2 + d5 * s12 * w1 * w1,
        ])  # fmt: skip
        return np.concatenate([state[3:], np.linalg.solve(mass, acting)])

    def _mass_and_weights(self, state: FloatArray) -> tuple[FloatArray, float, float]:
        (m1, m2), (l1, l2) = self.poles_kg, self.poles_m
        d2, d3 = (0.5 * m1 + m2) * l1, 0.5 * m2 * l2
        d4, d5, d6 = (m1 / 3 + m2) * l1**2, 0.5 * m2 * l1 * l2, m2 * l2**2 / 3
        first, second = float(state[1]), float(state[2])
        c1, c2, c12 = math.cos(first), math.cos(second), math.cos(first - second)
        mass = np.array([
            [self.cart_kg + m1 + m2, d2 * c1, d3 * c2],
            [d2 * c1, d4, d5 * c12],
            [d3 * c2, d5 * c12, d6],
        ])  # fmt: skip
        return mass, d2 * self.gravity, d3 * self.gravity


class LockStepPoles:
    """
    The physics in this process: it moves when it is told to, as far as it is told.

    :param poles: what moves.
    :param ticks: of ``TICK_S`` in a control period.
    """

    def __init__(self, poles: DoublePole, *, ticks: int) -> None:
        self._poles = poles
        self._ticks = ticks
        self._state: FloatArray = np.zeros(STATES)

    def reset(self, state: FloatArray) -> None:
        """Begin at a state."""
        self._state = np.array(state, dtype=np.float64)

    def advance(self, force: float) -> tuple[FloatArray, dict[str, float]]:
        """Return the state one control period later, and nothing to say about time."""
        for _ in range(self._ticks):
            self._state = self._poles.advance(self._state, force)
        return self._state, {}

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
