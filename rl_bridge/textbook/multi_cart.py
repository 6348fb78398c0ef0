# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A team of carts as PettingZoo's ParallelEnv, its carts here or each behind a bridge of its own.

    env = parallel_env(carts=3)
    env = remote_parallel_env(bridges=['/cart_0/robot_env', '/cart_1/robot_env'])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from rl_bridge.errors import ConfigError
from rl_bridge.textbook.cart_team import CartTeam, close_all
from rl_bridge.textbook.multi_cart_joint import local_team
from rl_bridge.textbook.textbook_env import require_positive

try:
    from pettingzoo import ParallelEnv
except ImportError as missing:
    raise ImportError(
        'MultiCart needs PettingZoo: install rl_bridge[multi], or use MultiCartJoint-v0.'
    ) from missing

RENDER_MODES = ['rgb_array']


class MultiCart(ParallelEnv[str, Any, Any]):
    """
    Several carts to their targets without a collision, a policy each.

    Rules and rewards as ``CartTeam``. Agents: 'cart_0', 'cart_1', ... Observation of each: its
    velocity (2), its place (2), its target from there (2) and each other cart from there (2),
    float32. Action of each: F / F_max of both axes, -1 to 1. All agents begin and end together.
    ``state`` is every cart's own observation, for a central critic as MADDPG's.

    :param team: its carts; it becomes this environment's and is closed with it.
    :param step_s: the control period, for pictures.
    :param render_mode: None or 'rgb_array'.
    :raises ConfigError: there is no such render mode.
    """

    def __init__(
        self, team: CartTeam, *, step_s: float = 0.1, render_mode: str | None = None
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise ConfigError(f"render_mode is {render_mode!r}; use None or 'rgb_array'.")
        self.metadata = {
            'name': 'multi_cart_v0',
            'render_modes': RENDER_MODES,
            'render_fps': max(1, round(1 / step_s)),
            'is_parallelizable': True,
        }
        self.render_mode = render_mode
        self._team = team
        self.possible_agents = [f'cart_{i}' for i in range(len(team.carts))]
        self.agents: list[str] = []
        self.observation_spaces = dict(
            zip(self.possible_agents, team.observation_spaces, strict=True))
        self.action_spaces = {
            name: spaces.Box(-1.0, 1.0, (2,), np.float32) for name in self.possible_agents
        }

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's observation space, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's action space, always the same object."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode of every cart; no options are known."""
        self.agents = []
        infos = self._team.reset(seed=seed)
        self.agents = list(self.possible_agents)
        return self._observations(), self._named(infos)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool],
        dict[str, dict[str, Any]],
    ]:  # fmt: skip
        """
        Make one step of every cart.

        :raises ResetNeeded: no episode is running.
        :raises KeyError: an agent's action is missing; nothing moved.
        """
        chosen = [actions[name] for name in self.agents]
        ended, self.agents = self.agents, []  # unless every cart answers
        done = self._team.step(chosen)
        if self._team.running:
            self.agents = ended
        return (
            self._observations(),
            self._named(done.rewards),
            dict.fromkeys(self.possible_agents, done.terminated),
            dict.fromkeys(self.possible_agents, done.truncated),
            self._named(done.infos),
        )

    def state(self) -> Any:
        """Return every cart's x, y, x', y', target x, y, one after the other."""
        return self._team.seen.ravel().copy()

    def render(self) -> Any:
        """Return a picture, uint8 of shape (height, width, 3); None without a render mode."""
        return None if self.render_mode is None else self._team.draw().picture()

    def close(self) -> None:
        """Close every cart, and so release the bridges; idempotent."""
        self.agents = []
        self._team.close()

    def _observations(self) -> dict[str, Any]:
        return self._named([self._team.observation(i) for i in range(len(self.possible_agents))])

    def _named(self, values: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self.possible_agents, values, strict=True))


def parallel_env(
    *,
    carts: int = 3,
    radius_m: float = 0.08,
    max_steps: int = 200,
    own_share: float = 0.5,
    cart: dict[str, float] | None = None,
    step_s: float = 0.1,
    render_mode: str | None = None,
) -> MultiCart:
    """
    Make a team of carts in this process.

    :param carts: how many, at least 2.
    :param radius_m: of a cart.
    :param max_steps: after which an episode is truncated.
    :param own_share: of the own reward in an agent's; the rest is the team's mean.
    :param cart: keyword arguments of ``cart.Cart`` that differ from its defaults.
    :param step_s: the control period, s.
    :param render_mode: None or 'rgb_array'.
    :raises ConfigError: a value cannot be used; the sentence names it.
    """
    team = local_team(
        carts, cart=cart, step_s=step_s, radius_m=radius_m, max_steps=max_steps,
        own_share=own_share)
    return MultiCart(team, step_s=step_s, render_mode=render_mode)


def remote_parallel_env(
    *,
    bridges: Sequence[Any],
    radius_m: float = 0.08,
    max_steps: int = 200,
    own_share: float = 0.5,
    render_mode: str | None = None,
    **client: Any,
) -> MultiCart:
    """
    Make a team of carts each behind its own bridge; every bridge hosts ``PlanarCart-v0`` or its
    like, without a time limit.

    The carts are stepped at the same time. If one of them cannot go on, all have ended their
    step before its error is raised, and none is commanded again: their guards bring them to rest
    when their motion authority ends.

    :param bridges: names of the bridges; or transports, which stay the caller's to close.
    :param radius_m: of a cart.
    :param max_steps: after which an episode is truncated.
    :param own_share: of the own reward in an agent's; the rest is the team's mean.
    :param render_mode: None or 'rgb_array'; drawn here.
    :param client: keyword arguments of ``RemoteRobotEnv`` for every cart, ``timeout_s=`` say.
    :raises BridgeError: a bridge cannot be reached; the others are released.
    :raises ConfigError: a value cannot be used; the sentence names it.
    """
    require_positive(radius_m=radius_m, max_steps=max_steps)
    if isinstance(bridges, str):
        raise ConfigError(f'bridges is {bridges!r}; a list of names is needed, one for each cart.')
    carts: list[gymnasium.Env[Any, Any]] = []
    try:
        for bridge in bridges:
            key = 'bridge' if isinstance(bridge, str) else 'transport'
            carts.append(gymnasium.make('rl_bridge:RemoteRobot-v0', **{key: bridge}, **client))
        team = CartTeam(
            carts, radius_m=radius_m, max_steps=max_steps, own_share=own_share, at_once=True)
        return MultiCart(team, render_mode=render_mode)
    except BaseException:
        close_all(carts)
        raise
