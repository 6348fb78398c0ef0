# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A task that moves two joints as it is told and observes where they are; its bugs on demand."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from rl_bridge.tasks.task import RewardWeights
from rl_bridge.types import FloatArray, RobotDescription, RobotState


class Sway:
    """
    Velocities in, positions out.

    The reset option ``to`` names where to begin; the options ``raises`` and ``blocks_s`` let the
    next step raise, or hold Python's lock for that many seconds.
    """

    interface = 'velocity'

    def __init__(
        self, description: RobotDescription, *, interface: str, period_s: float, **_: Any
    ) -> None:
        self.period_s = period_s
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float64)
        self.observation_space = spaces.Box(-10.0, 10.0, (2,), np.float64)
        self.weights = RewardWeights({'still': 1.0})
        self._raises = False
        self._blocks_s = 0

    def set_weight(self, name: str, value: float) -> None:
        self.weights.set(name, value)

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        self._raises = bool(options.get('raises'))
        self._blocks_s = int(options.get('blocks_s', 0))
        return np.full(2, float(options['to'])) if 'to' in options else None

    def begin(self, state: RobotState) -> None:
        pass

    def command(self, action: Any, state: RobotState) -> FloatArray:
        return np.asarray(action, np.float64)

    def observe(self, state: RobotState) -> Any:
        return state.position.copy()

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        if self._raises:
            raise ValueError('this reward always fails')
        if self._blocks_s:
            ctypes.PyDLL(None).usleep(self._blocks_s * 1_000_000)
        return -1.0, {'still': -1.0}

    def terminated(self, state: RobotState) -> bool:
        return False

    def info(self, state: RobotState) -> dict[str, Any]:
        return {'where': state.position.copy()}

    def episode_info(self) -> dict[str, Any]:
        return {}
