# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A team of carts as one environment with a joint space, for one bridge."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import ConfigError
from rl_bridge.textbook import canvas
from rl_bridge.textbook.cart_team import CartTeam
from rl_bridge.textbook.planar_cart import PlanarCart
from rl_bridge.textbook.textbook_env import Step, TextbookEnv, require_positive


class MultiCartJoint(TextbookEnv):
    """
    Several carts to their targets without a collision, steered by one policy.

    Dynamics as ``PlanarCart``, rules as ``CartTeam``. Observation: the carts' own (x, y, x', y',
    target x, y) one after the other, float32 of shape (6 n,). Action: their forces' shares, -1 to
    1, shape (2 n,). Reward: the mean of the carts'. ``truncated`` comes from the team and not
    from a TimeLimit, because the cost of a collision depends on the steps that are left.

    :param carts: how many, at least 2.
    :param radius_m: of a cart.
    :param max_steps: after which an episode is truncated.
    :param cart: keyword arguments of ``cart.Cart`` that differ from its defaults.
    :param step_s: the control period, s.
    :param render_mode: None, 'rgb_array' or 'human'.
    :raises ConfigError: a value cannot be used; the sentence names it.
    """

    def __init__(
        self,
        *,
        carts: int = 3,
        radius_m: float = 0.08,
        max_steps: int = 200,
        cart: dict[str, float] | None = None,
        step_s: float = 0.1,
        render_mode: str | None = None,
    ) -> None:
        require_positive(step_s=step_s)
        super().__init__(render_mode=render_mode, fps=1.0 / step_s)
        self.team = local_team(
            carts, cart=cart, step_s=step_s, radius_m=radius_m, max_steps=max_steps)
        one = self.team.cart_space
        self.observation_space = spaces.Box(
            np.tile(one.low, carts), np.tile(one.high, carts), dtype=np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2 * carts,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw starts and targets that lie apart."""
        super().reset(seed=seed)
        # The team draws by this environment's generator: one seed, one stream.
        infos = self.team.reset(seed=int(self.np_random.integers(2**31)))
        self._begun()
        return self.team.seen.ravel().copy(), _joint(infos)

    def step(self, action: Any) -> Step:
        """Push every cart for one control period."""
        self._require_episode()
        done = self.team.step(list(self._share(action).reshape(-1, 2)))
        self._stepped(terminated=done.terminated or done.truncated)
        reward = sum(done.rewards) / len(done.rewards)
        return (
            self.team.seen.ravel().copy(), reward, done.terminated, done.truncated,
            _joint(done.infos))

    def draw(self) -> canvas.Canvas:
        """Return a drawing of all carts and targets."""
        return self.team.draw()

    def close(self) -> None:
        """Close the carts and the window; idempotent."""
        self.team.close()
        super().close()


def local_team(
    carts: int, *, cart: dict[str, float] | None, step_s: float, radius_m: float, max_steps: int,
    own_share: float = 0.5,
) -> CartTeam:  # fmt: skip
    """
    Return a team of carts in this process.

    :raises ConfigError: a value cannot be used.
    """
    if isinstance(carts, bool) or not isinstance(carts, int):
        raise ConfigError(f'carts is {carts!r}; a whole number of at least 2 is needed.')
    return CartTeam(
        [PlanarCart(cart=cart, step_s=step_s) for _ in range(carts)],
        radius_m=radius_m, max_steps=max_steps, own_share=own_share)


def _joint(infos: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        'distances': [info['distance'] for info in infos],
        'collided': [info['collided'] for info in infos],
    }
