# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A planar arm of two links, moved by torques."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.textbook import canvas
from rl_bridge.textbook.runge_kutta import runge_kutta_4
from rl_bridge.textbook.textbook_env import (
    Step,
    TextbookEnv,
    require_not_negative,
    require_positive,
    symmetric,
    within,
)
from rl_bridge.types import FloatArray

SUBSTEPS = 4  # of RK4 in a control period
SENSOR_RANGE = 20.0  # rad/s
EFFORT_COST = 0.01


@dataclass(frozen=True)
class TwoLinks:
    """
    Two uniform rods in a vertical plane; q1 from the horizontal, q2 from the first link, rad.

    :param lengths: l1, l2, m.
    :param masses: m1, m2, kg.
    :param friction: viscous, of each joint, N m s/rad.
    :param gravity: m/s^2; 0 for an arm in a horizontal plane.
    :raises ConfigError: a value cannot be used.
    """

    lengths: tuple[float, float] = (1.0, 1.0)
    masses: tuple[float, float] = (1.0, 1.0)
    friction: float = 0.5
    gravity: float = 9.81

    def __post_init__(self) -> None:
        for name in ('lengths', 'masses'):
            values = getattr(self, name)
            if np.shape(values) != (2,):
                raise ConfigError(f'{name} is {values!r}; two numbers are needed.')
            for value in values:
                require_positive(**{name: value})
        require_not_negative(friction=self.friction, gravity=self.gravity)

    def mass_matrix(self, angles: FloatArray) -> FloatArray:
        """Return M(q), shape (2, 2), kg m^2."""
        inertia, coupling, outer = self._moments()
        mixed = outer + coupling * math.cos(float(angles[1]))
        return np.array([
            [inertia + outer + 2 * coupling * math.cos(float(angles[1])), mixed], [mixed, outer],
        ])  # fmt: skip

    def bias(self, angles: FloatArray, rates: FloatArray) -> FloatArray:
        """Return C(q, q') q' + g(q), shape (2,), N m."""
        _, coupling, _ = self._moments()
        bend = coupling * math.sin(float(angles[1]))
        first, second = float(rates[0]), float(rates[1])
        (l1, l2), (m1, m2) = self.lengths, self.masses
        inner = (0.5 * m1 + m2) * l1 * self.gravity * math.cos(float(angles[0]))
        outer = 0.5 * m2 * l2 * self.gravity * math.cos(float(angles[0] + angles[1]))
        return np.array([
            -bend * (2 * first * second + second**2) + inner + outer,
            bend * first**2 + outer,
        ])  # fmt: skip

    def acceleration(
        self, angles: FloatArray, rates: FloatArray, torques: FloatArray
    ) -> FloatArray:
        """Return q'' of M(q) q'' + C(q, q') q' + g(q) + b q' = tau, shape (2,), rad/s^2."""
        (a, b), (_, d) = self.mass_matrix(angles)
        first, second = torques - self.bias(angles, rates) - self.friction * rates
        scaled = np.array([d * first - b * second, a * second - b * first])
        found: FloatArray = scaled / (a * d - b * b)
        return found

    def energy(self, angles: FloatArray, rates: FloatArray) -> float:
        """Return kinetic and potential energy, J."""
        (l1, l2), (m1, m2) = self.lengths, self.masses
        high = (0.5 * m1 + m2) * l1 * math.sin(float(angles[0]))
        high += 0.5 * m2 * l2 * math.sin(float(angles[0] + angles[1]))
        return float(0.5 * rates @ self.mass_matrix(angles) @ rates) + self.gravity * high

    def advance(
        self, angles: FloatArray, rates: FloatArray, torques: FloatArray, step_s: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return q and q' one step of RK4 later under constant torques."""

        def rate(at: FloatArray) -> FloatArray:
            return np.concatenate([at[2:], self.acceleration(at[:2], at[2:], torques)])

        following = runge_kutta_4(rate, np.concatenate([angles, rates]), step_s)
        return following[:2], following[2:]

    def points(self, angles: FloatArray) -> NDArray[np.float64]:
        """Return shoulder, elbow and tip, shape (3, 2), m."""
        first, both = float(angles[0]), float(angles[0] + angles[1])
        elbow = self.lengths[0] * np.array([math.cos(first), math.sin(first)])
        tip = elbow + self.lengths[1] * np.array([math.cos(both), math.sin(both)])
        return np.array([np.zeros(2), elbow, tip])

    def _moments(self) -> tuple[float, float, float]:
        """Return the three constants of M(q) for uniform rods, of which I = m l^2 / 12."""
        (l1, l2), (m1, m2) = self.lengths, self.masses
        return (m1 / 3 + m2) * l1**2, 0.5 * m2 * l1 * l2, m2 * l2**2 / 3


class TwoLinkArm(TextbookEnv):
    """
    Bring the tip of a two-link arm to the target (1, 1) by torques, and stop it there.

    M(q) q'' + C(q, q') q' + g(q) + b q' = tau, with the constants of uniform rods,
    a = (m1/3 + m2) l1^2, h = m2 l1 l2 / 2, d = m2 l2^2 / 3:

        M = [[a + d + 2 h cos q2,  d + h cos q2], [d + h cos q2,  d]]
        C q' = [-h sin q2 (2 q1' q2' + q2'^2),  h sin q2 q1'^2]
        g = [(m1/2 + m2) l1 g cos q1 + m2 l2 g/2 cos(q1 + q2),  m2 l2 g/2 cos(q1 + q2)]

    Source: M. W. Spong, S. Hutchinson and M. Vidyasagar, Robot Modeling and Control, chapter
    "Dynamics", planar elbow manipulator. Integrated by RK4, four steps in a control period.

    Observation: cos q1, sin q1, cos q2, sin q2, q1', q2' (rad/s), target - tip (x, y, m), float32.
    Action: torques as shares of ``torques``, -1 to 1, float32 of shape (2,). Reward:
    -|target - tip| / 1 m - 0.01 |action|^2. The episode terminates when the tip is within 0.05 m
    of the target and both joints turn slower than 0.2 rad/s.

    What textbook code often gets wrong, and this does not:

    - the angle itself as observation: it jumps at ± pi, or grows without bound. Here its cosine
      and sine;
    - the arm as two unconnected double integrators, or M(q) without the Coriolis terms, so that
      a free arm gains energy. Here the whole equations: the energy stays (see the test);
    - explicit Euler;
    - torques that cannot hold the arm. The default ones can in every pose (19.6 and 4.9 N m);
    - success that is passed at full speed, or returned as the end of time. Here it terminates
      at rest only, and TimeLimit truncates after 250 steps of 20 ms, 5 s.

    :param target: x, y, m.
    :param torques: the largest torque of each joint, N m.
    :param links: keyword arguments of ``TwoLinks`` that differ from its defaults.
    :param step_s: the control period, s.
    :param render_mode: None, 'rgb_array' or 'human'.
    :raises ConfigError: a value cannot be used, or the target is out of reach.
    """

    TOLERANCE_M = 0.05
    TOLERANCE_SPEED = 0.2  # rad/s

    def __init__(
        self,
        *,
        target: Sequence[float] = (1.0, 1.0),
        torques: Sequence[float] = (40.0, 15.0),
        links: dict[str, Any] | None = None,
        step_s: float = 0.02,
        render_mode: str | None = None,
    ) -> None:
        require_positive(step_s=step_s)
        super().__init__(render_mode=render_mode, fps=1.0 / step_s)
        if np.shape(torques) != (2,):
            raise ConfigError(f'torques is {torques!r}; two numbers in N m are needed.')
        for torque in torques:
            require_positive(torques=torque)
        try:
            self.links = TwoLinks(**(links or {}))
        except TypeError as error:
            raise ConfigError(f'links is {links!r}: {error}.') from error
        self.target = _reachable(target, self.links.lengths)
        self._torques = np.array(torques, dtype=np.float64)
        self._step_s = float(step_s)
        far = 2.0 * sum(self.links.lengths)
        self.observation_space = symmetric(1, 1, 1, 1, SENSOR_RANGE, SENSOR_RANGE, far, far)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.angles: FloatArray = np.zeros(2)
        self.rates: FloatArray = np.zeros(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Let the arm hang at rest, each angle up to 0.1 rad off."""
        super().reset(seed=seed)
        self.angles = np.array([-math.pi / 2, 0.0]) + self.np_random.uniform(-0.1, 0.1, size=2)
        self.rates = np.zeros(2)
        self._begun()
        return self._observation(), {'distance': self._distance()}

    def step(self, action: Any) -> Step:
        """Apply torques for one control period."""
        self._require_episode()
        share = self._share(action)
        for _ in range(SUBSTEPS):
            self.angles, self.rates = self.links.advance(
                self.angles, self.rates, share * self._torques, self._step_s / SUBSTEPS)
        distance = self._distance()
        slow = float(np.abs(self.rates).max()) <= self.TOLERANCE_SPEED
        terminated = distance <= self.TOLERANCE_M and slow
        self._stepped(terminated=terminated)
        reward = -distance - EFFORT_COST * float(share @ share)
        return self._observation(), reward, terminated, False, {'distance': distance}

    def draw(self) -> canvas.Canvas:
        """Return a drawing of the arm (blue) and its target (orange)."""
        points = self.links.points(self.angles)
        reach = sum(self.links.lengths)
        drawing = canvas.Canvas(span=2.2 * reach)
        drawing.disc(self.target, radius=0.05 * reach, colour=canvas.ORANGE)
        for start, end in pairwise(points):
            drawing.line(start, end, thickness=0.05 * reach, colour=canvas.BLUE)
            drawing.disc(start, radius=0.035 * reach, colour=canvas.INK)
        drawing.disc(points[-1], radius=0.02 * reach, colour=canvas.INK)
        return drawing

    def _distance(self) -> float:
        return float(np.linalg.norm(self.target - self.links.points(self.angles)[-1]))

    def _observation(self) -> Any:
        cos, sin = np.cos(self.angles), np.sin(self.angles)
        away = self.target - self.links.points(self.angles)[-1]
        return within(
            self.observation_space, [cos[0], sin[0], cos[1], sin[1], *self.rates, *away])


def _reachable(target: Sequence[float], lengths: tuple[float, float]) -> FloatArray:
    point = np.asarray(target, dtype=np.float64)
    if point.shape != (2,) or not np.isfinite(point).all():
        raise ConfigError(f'target is {target!r}; two finite numbers in m are needed.')
    distance = float(np.linalg.norm(point))
    nearest, farthest = abs(lengths[0] - lengths[1]), sum(lengths)
    if not nearest <= distance <= farthest:
        raise ConfigError(
            f'target {target!r} is {distance:.3f} m away; the arm reaches {nearest:.3f} to '
            f'{farthest:.3f} m.'
        )
    return point
