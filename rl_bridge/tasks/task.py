# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A task as an environment sees it: SenseAct calls this the environment half of a robot task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from rl_bridge.tasks.reward_weights import RewardWeights as RewardWeights
from rl_bridge.types import FloatArray, RobotState


class Task(Protocol):
    """
    What the robot is to do, and how well it did.

    The order of the calls: ``reset``, the reset motion, ``begin``, then in every step ``command``
    before the control period and ``observe``, ``reward``, ``terminated`` and ``info`` after it.
    A task holds no clock and does no input or output; a state it is given is finite. A task may
    also have ``picture(state, *, width, height)``: a drawing of its own, uint8 of shape (height,
    width, 3), where the one of an arm does not do.
    """

    interface: str  # 'velocity' or 'position'

    @property
    def action_space(self) -> spaces.Space[Any]:
        """What actions are."""

    @property
    def observation_space(self) -> spaces.Space[Any]:
        """What observations are."""

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of every reward term by its name."""

    def set_weight(self, name: str, value: float) -> None:
        """
        Change one weight; the next step uses it. Callable from any thread.

        :raises ConfigError: there is no such term, or the value is not finite or too large.
        """

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        """
        Choose the next episode.

        :param rng: the only source of randomness.
        :param state: where the robot is now.
        :param options: of Gymnasium's ``reset``, without those of the environment.
        :return: joint positions to begin at, shape (joints,); None = where the robot is.
        :raises ConfigError: an option is unknown or cannot be fulfilled.
        :raises RobotNotReady: a person has to do something first: the sentence says what.
        """

    def begin(self, state: RobotState) -> None:
        """Begin the episode chosen by ``reset``; ``state`` is measured at rest."""

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """
        Turn an action inside the action space into a command for all joints.

        :return: shape (joints,), rad/s for 'velocity', rad for 'position'.
        """

    def observe(self, state: RobotState) -> Any:
        """Return a fresh observation inside the observation space."""

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """Return the weighted reward and the raw value of every term."""

    def terminated(self, state: RobotState) -> bool:
        """Return whether the task itself is over; a stop or a time limit never is."""

    def info(self, state: RobotState) -> dict[str, Any]:
        """Return what else there is to tell about a step."""

    def episode_info(self) -> dict[str, Any]:
        """Return what is fixed for the episode, told once at its reset."""
