# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What most tasks of one's own have in common; the protocol ``Task`` asks for no base class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.tasks.reward_weights import RewardWeights
from rl_bridge.types import FloatArray, RobotState


class BaseTask:
    """
    A task that begins where the robot is, never ends by itself, and has weighted reward terms.

    What is left to say: ``action_space`` and ``observation_space`` (set them in the constructor),
    ``command``, ``observe`` and ``terms``; ``reset`` and ``terminated`` where they differ.

    :param interface: the command interface of the task.
    :param period_s: the control period, s.
    :param weights: of every reward term by its name.
    :param changed: weights that differ from those, for tasks with weights of their own.
    :param schedules: of weights, see ``RewardWeights``.
    :raises ConfigError: a weight is not finite or too large, or of no term.
    """

    def __init__(
        self,
        *,
        interface: str,
        period_s: float,
        weights: Mapping[str, float],
        changed: Mapping[str, float] | None = None,
        schedules: Mapping[str, Any] | None = None,
    ) -> None:
        self.interface = interface
        self.period_s = period_s
        self._weights = RewardWeights(weights)
        for name, value in (changed or {}).items():
            self._weights.set(name, value)
        self._weights.add_schedules(schedules)

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of every reward term by its name."""
        return self._weights

    def set_weight(self, name: str, value: float) -> None:
        """
        Change one weight; the next step uses it. Callable from any thread.

        :raises ConfigError: there is no such term, or the value is not finite or too large.
        """
        self._weights.set(name, value)

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        """
        Begin where the robot is; it takes no options.

        :raises ConfigError: there is an option.
        """
        if options:
            name = type(self).__name__
            raise ConfigError(f'{name} has no reset options, not {", ".join(sorted(options))}.')
        return None

    def begin(self, state: RobotState) -> None:
        """Do nothing."""

    def terms(self, action: Any, state: RobotState) -> dict[str, float]:
        """Return the raw value of every reward term."""
        raise NotImplementedError(f'{type(self).__name__} has to define terms()')

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """Return the weighted sum of the terms, and the terms."""
        terms = self.terms(action, state)
        return self._weights.total(terms), terms

    def terminated(self, state: RobotState) -> bool:
        """Return false: the episode ends with its time."""
        return False

    def info(self, state: RobotState) -> dict[str, Any]:
        """Return nothing further."""
        return {}

    def episode_info(self) -> dict[str, Any]:
        """Return nothing further."""
        return {}
