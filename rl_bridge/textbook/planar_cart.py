# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""One cart in a plane: what each bridge of a team of carts hosts."""

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
    require_positive,
    symmetric,
    within,
)
from rl_bridge.types import FloatArray

EFFORT_COST = 0.01


class PlanarCart(TextbookEnv):
    """
    Push a cart in a square to a target; it alone, other carts are the team's matter.

    On each axis m x'' = F - b x', solved exactly (``cart.Cart``).

    Observation: x, y (m), x', y' (m/s), target x, y (m), float32. Action: F / F_max of each axis,
    -1 to 1, float32 of shape (2,). Reward: -|position - target| / 1 m - 0.01 |action|^2. The
    episode never ends by itself: a team (``cart_team.CartTeam``) knows when it is over, and a
    wrapper TimeLimit may be added.

    :param cart: keyword arguments of ``cart.Cart`` that differ from its defaults.
    :param step_s: the control period, s.
    :param render_mode: None, 'rgb_array' or 'human'.
    :raises ConfigError: a value cannot be used; the sentence names it.
    """

    def __init__(
        self,
        *,
        cart: dict[str, float] | None = None,
        step_s: float = 0.1,
        render_mode: str | None = None,
    ) -> None:
        require_positive(step_s=step_s)
        super().__init__(render_mode=render_mode, fps=1.0 / step_s)
        try:
            self.cart = Cart(**(cart or {}))
        except TypeError as error:
            raise ConfigError(f'cart is {cart!r}: {error}.') from error
        self._step_s = float(step_s)
        wall, fast = self.cart.wall_m, self.cart.top_speed
        self.observation_space = symmetric(wall, wall, fast, fast, wall, wall)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.position: FloatArray = np.zeros(2)
        self.velocity: FloatArray = np.zeros(2)
        self.target: FloatArray = np.zeros(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """
        Put the cart at rest at a random place, and draw a target, both within ± 0.8 of the walls.

        :param options: 'position' and 'target' (x, y, m) take the place of what is drawn.
        :raises LimitError: an option does not lie between the walls.
        """
        super().reset(seed=seed)
        drawn = self.np_random.uniform(-0.8, 0.8, size=(2, 2)) * self.cart.wall_m
        self.position = self._option(options, 'position', drawn[0])
        self.target = self._option(options, 'target', drawn[1])
        self.velocity = np.zeros(2)
        self._begun()
        return self._observation(), {'distance': self._distance()}

    def step(self, action: Any) -> Step:
        """Push for one control period."""
        self._require_episode()
        share = self._share(action)
        self.position, self.velocity = self.cart.advance(
            self.position, self.velocity, share * self.cart.force_n, self._step_s)
        distance = self._distance()
        reward = -distance - EFFORT_COST * float(share @ share)
        self._stepped(terminated=False)
        return self._observation(), reward, False, False, {'distance': distance}

    def draw(self) -> canvas.Canvas:
        """Return a drawing of the square, the cart and its target."""
        return drawing([self._observation()], wall_m=self.cart.wall_m, radius_m=0.08)

    def _distance(self) -> float:
        return float(np.linalg.norm(self.position - self.target))

    def _observation(self) -> Any:
        return within(self.observation_space, [*self.position, *self.velocity, *self.target])

    def _option(
        self, options: dict[str, Any] | None, name: str, otherwise: FloatArray
    ) -> FloatArray:
        value = (options or {}).get(name, otherwise)
        try:
            point = np.array(value, dtype=np.float64)
        except (TypeError, ValueError):
            point = np.full(2, np.nan)
        if point.shape != (2,) or not (np.abs(point) <= self.cart.wall_m).all():
            raise LimitError(
                f'option {name!r} is {value!r}; it must be two numbers between the walls, '
                f'± {self.cart.wall_m} m.'
            )
        return point


def drawing(observations: Any, *, wall_m: float, radius_m: float) -> canvas.Canvas:
    """
    Return a drawing of carts and their targets, a colour each.

    :param observations: of ``PlanarCart``, one a cart.
    :param wall_m: distance of the walls from the middle, m.
    :param radius_m: of a cart, m.
    """
    drawn = canvas.Canvas(span=2.3 * wall_m)
    side = 2 * wall_m
    drawn.box((0, 0), width=side + 0.04, height=side + 0.04, colour=canvas.GREY)
    drawn.box((0, 0), width=side, height=side, colour=(1.0, 1.0, 1.0))
    for i, seen in enumerate(observations):
        colour = canvas.COLOURS[i % len(canvas.COLOURS)]
        for reach in ((radius_m, 0.0), (0.0, radius_m)):
            start, end = np.subtract(seen[4:6], reach), np.add(seen[4:6], reach)
            drawn.line(start, end, thickness=0.02 * wall_m, colour=colour)
    for i, seen in enumerate(observations):
        colour = canvas.COLOURS[i % len(canvas.COLOURS)]
        drawn.disc(seen[:2], radius=radius_m, colour=colour)
    return drawn
