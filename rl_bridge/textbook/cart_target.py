# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A cart on a rail that is to stop at a target."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.textbook import canvas
from rl_bridge.textbook.cart import Cart
from rl_bridge.textbook.textbook_env import (
    Step,
    TextbookEnv,
    require_not_negative,
    require_positive,
    symmetric,
    within,
)
from rl_bridge.types import FloatArray

EFFORT_COST = 0.01


class CartTarget(TextbookEnv):
    """
    Push a cart to a target and stop it there; three actions.

    m x'' = F - b x', solved exactly over each step (``cart.Cart``: m = 1 kg, b = 0.5 N s/m,
    |F| <= 1 N, walls at ± 1 m). Source: Newton's second law with viscous friction.

    Observation: position (m), velocity (m/s), target (m), float32. Action: 0 push left, 1 coast,
    2 push right, with the full force. Reward: -|x - target| / 1 m - 0.01 (F / F_max)^2. The
    episode terminates when the cart is within 0.02 m of the target at less than 0.05 m/s; the
    rewards are negative, so arriving early is worth it.

    What textbook code often gets wrong, and this does not:

    - noise added to the state itself, or success judged from the noisy observation. Here
      ``observation_noise`` touches what is observed, and nothing else;
    - success when the cart rushes through the target. Here it must stop there;
    - success returned as if the time were up, or the other way round. Here success is
      ``terminated``, and the time limit (TimeLimit, 200 steps) is ``truncated``;
    - a wall that clips the position and leaves the velocity;
    - bounds that the noise exceeds. Here a noisy value saturates at the bound, as a sensor's does.

    :param target: m; None draws one within ± 0.8 of the walls for each episode.
    :param observation_noise: standard deviations of position (m) and velocity (m/s).
    :param cart: keyword arguments of ``cart.Cart`` that differ from its defaults.
    :param step_s: the control period, s.
    :param render_mode: None, 'rgb_array' or 'human'.
    :raises ConfigError: a value cannot be used; the sentence names it.
    """

    TOLERANCE_M = 0.02
    TOLERANCE_SPEED = 0.05  # m/s

    def __init__(
        self,
        *,
        target: float | None = None,
        observation_noise: tuple[float, float] = (0.0, 0.0),
        cart: dict[str, float] | None = None,
        step_s: float = 0.05,
        render_mode: str | None = None,
    ) -> None:
        require_positive(step_s=step_s)
        super().__init__(render_mode=render_mode, fps=1.0 / step_s)
        if np.shape(observation_noise) != (2,):
            raise ConfigError(
                f'observation_noise is {observation_noise!r}; two standard deviations are needed, '
                'of position (m) and velocity (m/s).'
            )
        for i, name in enumerate(('position', 'velocity')):
            require_not_negative(**{f'observation_noise of the {name}': observation_noise[i]})
        try:
            self.cart = Cart(**(cart or {}))
        except TypeError as error:
            raise ConfigError(f'cart is {cart!r}: {error}.') from error
        wall = self.cart.wall_m
        if target is not None and not abs(target) <= wall:
            raise ConfigError(f'target is {target!r}; it must lie between the walls, ± {wall} m.')
        self._fixed_target = target
        self._noise = np.array(observation_noise, dtype=np.float64)
        self._step_s = float(step_s)
        # What is measured may lie beyond what is true; the noise gets three deviations of room.
        room = 3.0 * self._noise
        self.observation_space = symmetric(
            wall + room[0], self.cart.top_speed + room[1], wall)
        self.action_space: spaces.Space[Any] = self._actions()
        self.state: FloatArray = np.zeros(2)  # position, velocity: the truth
        self.target = 0.0 if target is None else float(target)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """
        Put the cart at rest at a random place within ± 0.8 of the walls.

        :param options: 'position' and 'target' (m) take the place of what is drawn.
        :raises LimitError: an option does not lie between the walls.
        """
        super().reset(seed=seed)
        wall = self.cart.wall_m
        drawn = self.np_random.uniform(-0.8 * wall, 0.8 * wall, size=2)
        position = self._option(options, 'position', float(drawn[0]))
        target = float(drawn[1]) if self._fixed_target is None else self._fixed_target
        self.target = self._option(options, 'target', target)
        self.state = np.array([position, 0.0])
        self._begun()
        return self._observation(), {'distance': abs(position - self.target)}

    def step(self, action: Any) -> Step:
        """Push for one control period."""
        self._require_episode()
        share = self._push(action)
        position, velocity = self.cart.advance(
            self.state[:1], self.state[1:], np.array([share * self.cart.force_n]), self._step_s)
        self.state = np.concatenate([position, velocity])
        distance = abs(float(position[0]) - self.target)
        terminated = (
            distance <= self.TOLERANCE_M and abs(float(velocity[0])) <= self.TOLERANCE_SPEED)
        reward = -distance - EFFORT_COST * share**2
        self._stepped(terminated=terminated)
        return self._observation(), reward, terminated, False, {'distance': distance}

    def draw(self) -> canvas.Canvas:
        """Return a drawing: the rail, the cart (blue) and its target (orange)."""
        wall = self.cart.wall_m
        drawing = canvas.Canvas(span=1.1 * wall, width=480, height=200)
        scale = 1.1 * wall / 200 * 480 / (2.4 * wall)  # the rail fills the width
        drawing.line((-scale * wall, 0), (scale * wall, 0), thickness=0.02 * wall,
                     colour=canvas.GREY)
        for side in (-1, 1):
            drawing.box((side * scale * 1.1 * wall, 0), width=0.04 * wall, height=0.3 * wall,
                        colour=canvas.INK)
        drawing.disc((scale * self.target, 0), radius=0.05 * wall, colour=canvas.ORANGE)
        drawing.box((scale * float(self.state[0]), 0.09 * wall), width=0.18 * wall,
                    height=0.1 * wall, colour=canvas.BLUE)
        return drawing

    def _actions(self) -> spaces.Space[Any]:
        return spaces.Discrete(3)

    def _push(self, action: Any) -> float:
        """Return the share of the largest force that an action asks for, -1 to 1."""
        return float(self._choice(action) - 1)

    def _observation(self) -> Any:
        measured = self.state + self._noise * self.np_random.standard_normal(2)
        return within(self.observation_space, [*measured, self.target])

    def _option(self, options: dict[str, Any] | None, name: str, otherwise: float) -> float:
        value = (options or {}).get(name, otherwise)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float('nan')
        if not abs(number) <= self.cart.wall_m:
            raise LimitError(
                f'option {name!r} is {value!r}; it must lie between the walls, '
                f'± {self.cart.wall_m} m.'
            )
        return number


class CartTargetContinuous(CartTarget):
    """
    As ``CartTarget``, with the force itself as action.

    Action: F / F_max, -1 to 1, float32 of shape (1,). Anything beyond is refused and not clipped:
    clipped silently it would not be what the learner believes it did.
    """

    def _actions(self) -> spaces.Space[Any]:
        return spaces.Box(-1.0, 1.0, (1,), np.float32)

    def _push(self, action: Any) -> float:
        return float(self._share(action)[0])
