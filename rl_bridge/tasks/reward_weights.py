# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Weights of reward terms: set while they are used, or moved by a schedule."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rl_bridge.errors import ConfigError

LARGEST_WEIGHT = 1e6
LONGEST_SCHEDULE = 10**12  # episodes or steps


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    A weight that moves on a straight line from one value to another and stays there.

    The first episode (or step) has the first value; after ``over`` of them it is the last one.

    :param first: the weight it begins with.
    :param last: the weight it ends with.
    :param over: how many episodes or steps that takes.
    :param counted: 'episodes' or 'steps'.
    """

    first: float
    last: float
    over: int
    counted: str

    def at(self, passed: int) -> float:
        """Return the weight after some episodes or steps; exact at both ends."""
        if passed >= self.over:
            return self.last
        return self.first + (self.last - self.first) * (passed / self.over)


class RewardWeights(Mapping[str, float]):
    """
    Named weights of a reward, changeable from any thread while it is used.

    Whoever runs the episodes tells ``begin_episode`` and ``count_step``; ``RobotEnv`` does so for
    every task whose ``weights`` are of this class.

    :param weights: one weight per term; the names stay as they are.
    :param schedules: by the term: ``{'from': 0.0, 'to': 1.0, 'over_episodes': 100}``, or
        ``over_steps``. A weight that is set by hand ends its schedule.
    :raises ConfigError: a weight is not finite or too large, or a schedule is malformed.
    """

    def __init__(
        self, weights: Mapping[str, float], schedules: Mapping[str, Any] | None = None
    ) -> None:
        self._lock = threading.Lock()  # a weight set by hand is not undone by a schedule
        self._weights: dict[str, float] = {}
        for name, value in weights.items():
            self._weights[name] = _checked(name, value)
        self._schedules: dict[str, Schedule] = {}
        self._passed = {'episodes': 0, 'steps': 0}
        self.add_schedules(schedules)

    def __getitem__(self, name: str) -> float:
        return self._weights[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)

    @property
    def scheduled(self) -> tuple[str, ...]:
        """The terms whose weights a schedule moves at present."""
        return tuple(self._schedules)

    def set(self, name: str, value: float) -> None:
        """
        Change one weight and end its schedule if it has one.

        :raises ConfigError: there is no such term, or the value is not finite or too large.
        """
        self._require(name)
        checked = _checked(name, value)
        with self._lock:
            self._schedules.pop(name, None)
            self._weights[name] = checked

    def add_schedules(self, schedules: Mapping[str, Any] | None) -> None:
        """
        Give weights schedules, which begin with the first episode.

        :raises ConfigError: there is no such term, or a schedule is malformed.
        """
        if schedules is not None and not isinstance(schedules, Mapping):
            raise ConfigError(
                f'The schedules are {schedules!r}; they must be a mapping: '
                f'{{precision: {{from: 0.0, to: 1.0, over_episodes: 100}}}}.'
            )
        read = {name: _schedule(name, given) for name, given in (schedules or {}).items()}
        for name in read:
            self._require(name)
        with self._lock:
            self._schedules.update(read)
            self._move()

    def begin_episode(self) -> None:
        """Say that an episode begins: its weights hold from now on."""
        with self._lock:
            self._move()
            self._passed['episodes'] += 1

    def count_step(self) -> None:
        """Say that a step was rewarded."""
        with self._lock:
            self._passed['steps'] += 1
            if self._schedules:
                self._move(counted='steps')

    def total(self, terms: Mapping[str, float]) -> float:
        """Return the weighted sum of raw terms; every term must have a weight."""
        return sum(self._weights[name] * value for name, value in terms.items())

    def _move(self, counted: str = '') -> None:
        for name, schedule in self._schedules.items():
            if counted in ('', schedule.counted):
                self._weights[name] = schedule.at(self._passed[schedule.counted])

    def _require(self, name: str) -> None:
        if name not in self._weights:
            known = ', '.join(self._weights)
            raise ConfigError(f'There is no reward term {name!r}; the terms are {known}.')


def _checked(name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or abs(number) > LARGEST_WEIGHT:
        raise ConfigError(
            f'The weight of {name!r} is {value!r}; it must be a finite number between '
            f'-{LARGEST_WEIGHT:g} and {LARGEST_WEIGHT:g}.'
        )
    return number


def _schedule(name: str, given: Any) -> Schedule:
    keys = set(given) if isinstance(given, Mapping) else set()
    over = keys - {'from', 'to'}
    if not keys >= {'from', 'to'} or over not in ({'over_episodes'}, {'over_steps'}):
        raise ConfigError(
            f'The schedule of {name!r} is {given!r}; it must be {{from: 0.0, to: 1.0, '
            f'over_episodes: 100}}, or with over_steps.'
        )
    key = over.pop()
    count = given[key]
    whole = isinstance(count, int) and not isinstance(count, bool)
    if not (whole and 1 <= count <= LONGEST_SCHEDULE):
        raise ConfigError(
            f'{key} of the schedule of {name!r} is {count!r}; it must be a whole number from 1 to '
            f'{LONGEST_SCHEDULE:g}.'
        )
    first, last = _checked(name, given['from']), _checked(name, given['to'])
    return Schedule(first, last, count, key.removeprefix('over_'))
