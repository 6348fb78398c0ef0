# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The pole on a cart of Barto, Sutton and Anderson."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

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

INTEGRATORS = ('rk4', 'semi-implicit', 'euler')
SENSOR_RANGE = 20.0  # m/s and rad/s: about twice of what the default pole reaches


@dataclass(frozen=True)
class CartPole:
    """
    Cart and pole; the defaults are those of Barto, Sutton and Anderson (1983), friction aside.

    :param gravity: m/s^2.
    :param cart_kg: mass of the cart, kg.
    :param pole_kg: mass of the pole, kg.
    :param half_length_m: from the pivot to the pole's centre of mass, m.
    :param force_n: of a push, N.
    :param cart_friction: coefficient of the cart's friction on its track, N; the paper's 0.0005.
    :param pole_friction: of the pole at its pivot, N m s; the paper's 0.000002.
    :raises ConfigError: a value is not a finite number above 0 (friction: at least 0).
    """

    gravity: float = 9.8
    cart_kg: float = 1.0
    pole_kg: float = 0.1
    half_length_m: float = 0.5
    force_n: float = 10.0
    cart_friction: float = 0.0
    pole_friction: float = 0.0

    def __post_init__(self) -> None:
        require_positive(
            gravity=self.gravity, cart_kg=self.cart_kg, pole_kg=self.pole_kg,
            half_length_m=self.half_length_m, force_n=self.force_n)
        require_not_negative(
            cart_friction=self.cart_friction, pole_friction=self.pole_friction)

    def acceleration(self, state: FloatArray, force: float) -> tuple[float, float]:
        """
        Return x'' (m/s^2) and theta'' (rad/s^2).

        :param state: x (m), x' (m/s), theta (rad, 0 upright), theta' (rad/s).
        :param force: on the cart, N.
        """
        _, speed, angle, rate = (float(value) for value in state)
        cos, sin = math.cos(angle), math.sin(angle)
        total = self.cart_kg + self.pole_kg
        moment = self.pole_kg * self.half_length_m
        drag = self.cart_friction * float(np.sign(speed))
        push = (force + moment * (rate * rate) * sin - drag) / total
        turn = (
            self.gravity * sin - cos * push - self.pole_friction * rate / moment
        ) / (self.half_length_m * (4.0 / 3.0 - self.pole_kg * (cos * cos) / total))
        return push - moment * turn * cos / total, turn

    def energy(self, state: FloatArray) -> float:
        """Return kinetic and potential energy, J; constant without force and friction."""
        _, speed, angle, rate = (float(value) for value in state)
        moment = self.pole_kg * self.half_length_m
        kinetic = (
            0.5 * (self.cart_kg + self.pole_kg) * speed**2
            + moment * speed * rate * math.cos(angle)
            + 0.5 * 4.0 / 3.0 * moment * self.half_length_m * rate**2
        )
        return kinetic + moment * self.gravity * math.cos(angle)

    def advance(
        self, state: FloatArray, force: float, step_s: float, integrator: str
    ) -> FloatArray:
        """Return the state one step later under a constant force (N)."""
        if integrator == 'rk4':

            def rate(at: FloatArray) -> FloatArray:
                push, turn = self.acceleration(at, force)
                return np.array([at[1], push, at[3], turn])

            return runge_kutta_4(rate, state, step_s)
        push, turn = self.acceleration(state, force)
        faster = np.array([state[1] + step_s * push, state[3] + step_s * turn])
        used = faster if integrator == 'semi-implicit' else state[[1, 3]]
        return np.array([
            state[0] + step_s * used[0], faster[0], state[2] + step_s * used[1], faster[1],
        ])  # fmt: skip


class BalancingPole(TextbookEnv):
    """
    Keep a pole upright on a cart by pushing the cart left or right; two actions, as DQN needs.

    With M = m_c + m_p and l half the pole's length:

        theta'' = (g sin(theta) - cos(theta) (F + m_p l theta'^2 sin(theta) - mu_c sgn(x')) / M
                   - mu_p theta' / (m_p l)) / (l (4/3 - m_p cos(theta)^2 / M))
        x''     = (F + m_p l (theta'^2 sin(theta) - theta'' cos(theta)) - mu_c sgn(x')) / M

    Source: A. G. Barto, R. S. Sutton and C. W. Anderson, Neuronlike adaptive elements that can
    solve difficult learning control problems, IEEE Trans. SMC 13 (5), 1983, appendix. Friction is
    off by default, as in Sutton's pole.c. R. V. Florian (Correct equations for the dynamics of the
    cart-pole system, 2005, 2007) names two mistakes of the paper: its g is negative, here it is
    positive; and its friction of the cart leaves out the force between cart and track, as this
    one does, which is the paper's where ``cart_friction`` is set.

    Observation: x (m), x' (m/s), theta (rad), theta' (rad/s), float32. Action: 0 pushes left with
    10 N, 1 right. Reward: 1 for each step after which the pole still stands. The episode
    terminates when |theta| exceeds 12 degrees or |x| 2.4 m.

    What textbook code often gets wrong, and this does not:

    - explicit Euler at 20 ms, which adds energy to a swinging pole; RK4 here. ``integrator``
      gives 'euler' for comparison, which then is CartPole-v1 of Gymnasium to the last bit, and
      'semi-implicit';
    - the step with which the pole falls is rewarded like the others, so that a policy learns
      nothing from an episode of one step. Here it earns 0;
    - 200 or 500 steps survived returned as ``done``: the learner takes the best states for
      worthless ones. Here that is TimeLimit's ``truncated`` (500 steps of 20 ms, 10 s);
    - an observation space bounded by the limits themselves, outside of which the last
      observation of a fall lies. Here it is twice as wide, and speeds saturate at 20 m/s, rad/s.

    :param pole: keyword arguments of ``CartPole`` that differ from its defaults.
    :param angle_limit: rad.
    :param track_limit: m.
    :param step_s: the control period, s.
    :param integrator: 'rk4', 'semi-implicit' or 'euler'.
    :param render_mode: None, 'rgb_array' or 'human'.
    :raises ConfigError: a value cannot be used; the sentence names it.
    """

    def __init__(
        self,
        *,
        pole: dict[str, float] | None = None,
        angle_limit: float = 12 * math.pi / 180,
        track_limit: float = 2.4,
        step_s: float = 0.02,
        integrator: str = 'rk4',
        render_mode: str | None = None,
    ) -> None:
        require_positive(angle_limit=angle_limit, track_limit=track_limit, step_s=step_s)
        super().__init__(render_mode=render_mode, fps=1.0 / step_s)
        if integrator not in INTEGRATORS:
            raise ConfigError(f'integrator is {integrator!r}; use one of {list(INTEGRATORS)}.')
        if angle_limit > math.pi / 2:
            raise ConfigError(
                f'angle_limit is {angle_limit} rad; beyond pi/2 the pole lies below the cart.')
        try:
            self.pole = CartPole(**(pole or {}))
        except TypeError as error:
            raise ConfigError(f'pole is {pole!r}: {error}.') from error
        self._angle_limit, self._track_limit = float(angle_limit), float(track_limit)
        self._step_s, self._integrator = float(step_s), integrator
        self.observation_space = symmetric(
            2 * track_limit, SENSOR_RANGE, 2 * angle_limit, SENSOR_RANGE)
        self.action_space = spaces.Discrete(2)
        self.state: FloatArray = np.zeros(4)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Put cart and pole nearly upright: each number uniform within ± 0.05."""
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-0.05, 0.05, size=4)
        self._begun()
        return within(self.observation_space, self.state), {}

    def step(self, action: Any) -> Step:
        """Push for one control period."""
        self._require_episode()
        force = self.pole.force_n * (2 * self._choice(action) - 1)
        self.state = self.pole.advance(self.state, force, self._step_s, self._integrator)
        terminated = bool(
            abs(self.state[0]) > self._track_limit or abs(self.state[2]) > self._angle_limit)
        self._stepped(terminated=terminated)
        observation = within(self.observation_space, self.state)
        return observation, 0.0 if terminated else 1.0, terminated, False, {}

    def draw(self) -> canvas.Canvas:
        """Return a drawing of track, cart and pole."""
        x, angle = float(self.state[0]), float(self.state[2])
        length = 2 * self.pole.half_length_m
        drawing = canvas.Canvas(
            centre=(0, 0.35 * length), span=1.4 * self._track_limit, width=600, height=400)
        wide = self._track_limit
        drawing.line((-wide, 0), (wide, 0), thickness=0.03, colour=canvas.GREY)
        drawing.box((x, 0), width=0.5, height=0.25, colour=canvas.BLUE)
        tip = (x + length * math.sin(angle), length * math.cos(angle))
        drawing.line((x, 0), tip, thickness=0.08, colour=canvas.ORANGE)
        drawing.disc((x, 0), radius=0.05, colour=canvas.INK)
        return drawing
