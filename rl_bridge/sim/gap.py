# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""How a simulated robot may differ from its model and from what is measured, all from one seed."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from rl_bridge.errors import ConfigError

State = TypeVar('State')


@dataclass(frozen=True)
class Gap:
    """
    The gap between simulation and reality, as far as it is simulated; with no value it is none.

    :param position_noise: standard deviation of the measured positions, rad.
    :param velocity_noise: standard deviation of the measured velocities, rad/s.
    :param state_latency_s: how late every state arrives.
    :param state_jitter_s: how much later it may arrive, evenly drawn; the order is kept.
    :param dropped_states: the part of the states that never arrive, 0 to below 1.
    :param friction_spread: by which part of it a joint's friction may differ, evenly drawn for
        every joint at every reset; below 1.
    :param mass_spread: by which part of it a link's mass and inertia may differ, likewise. The
        arm's own controller does not know.
    :param seed: of everything that is drawn.
    :raises ConfigError: a value is negative, not finite or too large.
    """

    position_noise: float = 0.0
    velocity_noise: float = 0.0
    state_latency_s: float = 0.0
    state_jitter_s: float = 0.0
    dropped_states: float = 0.0
    friction_spread: float = 0.0
    mass_spread: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            'position_noise', 'velocity_noise', 'state_latency_s', 'state_jitter_s',
            'dropped_states', 'friction_spread', 'mass_spread',
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ConfigError(f'{name} must be finite and not negative, not {value!r}.')
        for name in ('dropped_states', 'friction_spread', 'mass_spread'):
            if getattr(self, name) >= 1.0:
                raise ConfigError(f'{name} must be below 1, not {getattr(self, name)!r}.')
        if isinstance(self.seed, bool) or int(self.seed) != self.seed or self.seed < 0:
            raise ConfigError(f'seed must be a whole number and not negative, not {self.seed!r}.')

    @property
    def delays(self) -> bool:
        """Whether states arrive late or not at all."""
        return bool(self.state_latency_s or self.state_jitter_s or self.dropped_states)

    @property
    def varies(self) -> bool:
        """Whether the arm differs from its model."""
        return bool(self.friction_spread or self.mass_spread)


class StateChannel(Generic[State]):
    """
    The way of the states from the robot to whoever reads them: late, jittered, with losses.

    Its draws are its own, so that they do not depend on how much noise was drawn before.
    """

    def __init__(self, gap: Gap) -> None:
        self._gap = gap
        self._random = np.random.default_rng([gap.seed, 1])
        self._under_way: deque[tuple[float, State]] = deque()

    def clear(self) -> None:
        """Forget what is under way."""
        self._under_way.clear()

    def send(self, state: State, *, now_s: float) -> None:
        """Send a state off, or lose it."""
        lost, later = self._random.random(2)
        if lost < self._gap.dropped_states:
            return
        due = now_s + self._gap.state_latency_s + later * self._gap.state_jitter_s
        if self._under_way:
            due = max(due, self._under_way[-1][0])
        self._under_way.append((due, state))

    def next_due_s(self) -> float:
        """Return when the next state arrives; inf while none is under way."""
        return self._under_way[0][0] if self._under_way else math.inf

    def arrived(self, *, now_s: float) -> list[State]:
        """Return the states that have arrived since the last call, the oldest first."""
        states = []
        # A nanosecond's grace: times are sums of periods.
        while self._under_way and self._under_way[0][0] <= now_s + 1e-9:
            states.append(self._under_way.popleft()[1])
        return states
