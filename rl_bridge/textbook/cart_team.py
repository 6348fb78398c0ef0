# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Several carts that share a square, each an environment of its own: here or behind a bridge."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.textbook import canvas
from rl_bridge.textbook.planar_cart import EFFORT_COST, drawing
from rl_bridge.textbook.textbook_env import require_positive, symmetric, within

Env = gymnasium.Env[Any, Any]
T = TypeVar('T')

TOLERANCE_M = 0.05
TOLERANCE_SPEED = 0.1  # m/s
APART = 3.0  # radii between the middles of two carts' starts, and of two targets
TRIES = 10_000
OWN = 6  # numbers of a PlanarCart's observation


@dataclass(frozen=True)
class TeamStep:
    """
    What came of one step of all carts; lists have one entry a cart.

    :param collided: who touches another one.
    :param terminated: the carts collided, or all stand at their targets.
    :param truncated: the time is up, or a cart's own episode was ended (its bridge halted it).
    """

    rewards: list[float]
    collided: list[bool]
    terminated: bool
    truncated: bool
    infos: list[dict[str, Any]]


class CartTeam:
    """
    Bring all carts to their targets without a collision.

    The setting of R. Lowe et al., Multi-agent actor-critic for mixed cooperative-competitive
    environments (MADDPG), 2017, with a target for each cart. Carts are discs. They move straight
    within a step, and it is this path that must stay free: who looks at the ends of a step only,
    as textbook code does, lets fast carts pass through each other. A collision ends the
    episode, because real carts are broken then; it costs whom it concerns as much as the rest of
    the episode could at worst, so that it is never worth while.

    A cart's reward is that of its own environment (``PlanarCart``), mixed with the team's mean:
    ``own_share`` of it is its own.

    :param carts: environments with the spaces and reset options of ``PlanarCart``; they become
        the team's and are closed with it.
    :param radius_m: of a cart.
    :param max_steps: after which an episode is truncated.
    :param own_share: 0 (only the team's mean counts) to 1 (only the own reward).
    :param at_once: step all carts at the same time, in threads: those that keep real time wait
        for their periods together then and not one after the other.
    :raises ConfigError: a value cannot be used, or the carts' spaces are not a PlanarCart's.
    """

    def __init__(
        self,
        carts: Sequence[Env],
        *,
        radius_m: float = 0.08,
        max_steps: int = 200,
        own_share: float = 0.5,
        at_once: bool = False,
    ) -> None:
        require_positive(radius_m=radius_m, max_steps=max_steps)
        if not 0.0 <= own_share <= 1.0:
            raise ConfigError(f'own_share is {own_share}; 0 to 1 is needed.')
        if len(carts) < 2:
            raise ConfigError(f'a team of {len(carts)} cart(s) is none; at least 2 are needed.')
        self.carts = list(carts)
        self.cart_space = _space_of(self.carts)
        self.wall_m = float(self.cart_space.high[0])
        if len(carts) * (APART * radius_m) ** 2 > 0.5 * (1.6 * self.wall_m) ** 2:
            raise ConfigError(
                f'{len(carts)} carts of radius {radius_m} m do not fit between walls at '
                f'± {self.wall_m:g} m with room to start; use fewer or smaller ones.')
        self._radius_m, self._max_steps, self._own_share = radius_m, int(max_steps), own_share
        fast, far = [float(self.cart_space.high[2])] * 2, [2 * self.wall_m] * 2
        room = [self.wall_m] * 2
        self.observation_spaces = [
            symmetric(*fast, *room, *far, *(far * (len(carts) - 1))) for _ in carts
        ]
        self._rng: np.random.Generator = seeding.np_random(None)[0]
        self.seen: NDArray[np.float32] = np.zeros((len(carts), OWN), np.float32)
        self._steps = 0
        self.running = False
        self._threads = ThreadPoolExecutor(len(carts)) if at_once else None

    def reset(self, *, seed: int | None = None) -> list[dict[str, Any]]:
        """
        Draw starts and targets that lie apart, and begin an episode of every cart.

        :return: one info a cart.
        :raises Exception: whatever a cart raises; the others have begun, none moves.
        """
        self.running = False
        if seed is not None:
            self._rng = seeding.np_random(seed)[0]
        starts, targets = self._places(), self._places()
        seeds = self._rng.integers(2**31, size=len(self.carts))

        def begin(i: int) -> tuple[Any, dict[str, Any]]:
            options = {'position': starts[i].tolist(), 'target': targets[i].tolist()}
            return self.carts[i].reset(seed=int(seeds[i]), options=options)

        answers = self._each(begin)
        self.seen = np.array([answer[0] for answer in answers], dtype=np.float32)
        self._steps = 0
        self.running = True
        return [{**answer[1], 'collided': False} for answer in answers]

    def step(self, actions: Sequence[Any]) -> TeamStep:
        """
        Make one step of every cart.

        :param actions: one a cart, of its action space.
        :raises ResetNeeded: no episode is running.
        :raises Exception: whatever a cart raises, after all have answered; the episode is over.
        """
        if not self.running:
            raise gymnasium.error.ResetNeeded('No episode is running: call reset first.')
        self.running = False  # unless every cart answers
        before = self.seen[:, :2].astype(np.float64)
        answers = self._each(lambda i: self.carts[i].step(actions[i]))
        self.seen = np.array([answer[0] for answer in answers], dtype=np.float32)
        self._steps += 1
        now = self.seen.astype(np.float64)
        distances = np.linalg.norm(now[:, :2] - now[:, 4:], axis=1)
        speeds = np.linalg.norm(now[:, 2:4], axis=1)
        collided = self._collided(before, now[:, :2])
        arrived = bool((distances <= TOLERANCE_M).all() and (speeds <= TOLERANCE_SPEED).all())
        left = self._max_steps - self._steps
        worst = (left + 1) * (2 * math.sqrt(2) * self.wall_m + 2 * EFFORT_COST)
        own = [
            float(answer[1]) - worst * hit for answer, hit in zip(answers, collided, strict=True)
        ]
        mean = sum(own) / len(own)
        terminated = arrived or any(collided)
        truncated = left <= 0 or any(answer[2] or answer[3] for answer in answers)
        self.running = not (terminated or truncated)
        return TeamStep(
            rewards=[self._own_share * r + (1 - self._own_share) * mean for r in own],
            collided=collided,
            terminated=terminated,
            truncated=truncated,
            infos=[
                {**answer[4], 'distance': float(distances[i]), 'collided': collided[i]}
                for i, answer in enumerate(answers)
            ],
        )

    def observation(self, i: int) -> Any:
        """Return what cart i sees: its velocity and place, its target and the others from it."""
        mine = self.seen[i].astype(np.float64)
        others = [
            self.seen[j, :2].astype(np.float64) - mine[:2]
            for j in range(len(self.carts))
            if j != i
        ]
        return within(
            self.observation_spaces[i],
            np.concatenate([mine[2:4], mine[:2], mine[4:] - mine[:2], *others]))

    def draw(self) -> canvas.Canvas:
        """Return a drawing of all carts and targets."""
        return drawing(self.seen, wall_m=self.wall_m, radius_m=self._radius_m)

    def close(self) -> None:
        """Close every cart's environment, whatever one of them raises; idempotent."""
        self.running = False
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
        carts, self.carts = self.carts, []
        close_all(carts)

    def _each(self, do: Callable[[int], T]) -> list[T]:
        """Do something with each cart; let all finish before the first error is raised."""
        numbers = range(len(self.carts))
        if self._threads is None:
            return [do(i) for i in numbers]
        waiting = [self._threads.submit(do, i) for i in numbers]
        errors = [error for error in (one.exception() for one in waiting) if error is not None]
        if errors:
            raise errors[0]
        return [one.result() for one in waiting]

    def _places(self) -> NDArray[np.float64]:
        """Return one place a cart, all apart from each other and from the walls."""
        apart, reach = APART * self._radius_m, 0.8 * self.wall_m
        found: list[NDArray[np.float64]] = []
        for _ in range(TRIES):
            place = self._rng.uniform(-reach, reach, size=2)
            if all(np.linalg.norm(place - other) >= apart for other in found):
                found.append(place)
                if len(found) == len(self.carts):
                    return np.array(found)
        raise ConfigError(
            f'no room was found for {len(self.carts)} carts of radius {self._radius_m} m; use '
            'fewer or smaller ones.')

    def _collided(self, before: NDArray[np.float64], after: NDArray[np.float64]) -> list[bool]:
        hit = [False] * len(self.carts)
        for i in range(len(hit)):
            for j in range(i):
                near = closest(before[i] - before[j], after[i] - after[j])
                if near <= 2 * self._radius_m:
                    hit[i] = hit[j] = True
        return hit


def closest(start: NDArray[np.float64], end: NDArray[np.float64]) -> float:
    """Return how near a point that goes straight from start to end comes to the origin."""
    along = end - start
    length = float(along @ along)
    part = min(max(-float(start @ along) / length, 0.0), 1.0) if length > 0.0 else 0.0
    return float(np.linalg.norm(start + part * along))


def close_all(envs: Sequence[Env]) -> None:
    """Close environments, all of them even if some raise; raise the first error then."""
    errors: list[BaseException] = []
    for env in envs:
        try:
            env.close()
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _space_of(carts: Sequence[Env]) -> spaces.Box:
    first = carts[0].observation_space
    for i, cart in enumerate(carts):
        seen, action = cart.observation_space, cart.action_space
        fits = isinstance(seen, spaces.Box) and seen.shape == (OWN,) and action.shape == (2,)
        if not fits or seen != first:
            raise ConfigError(
                f'cart {i} has the spaces {seen} and {action}; each cart of a team needs those of '
                'PlanarCart-v0, and all need the same.')
    assert isinstance(first, spaces.Box)
    return first
