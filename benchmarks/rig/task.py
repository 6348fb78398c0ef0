# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the rig's bridge hosts: joint velocities, passed on as they are; it freezes on demand."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from benchmarks.rig.panel import Panel
from rl_bridge.errors import ConfigError
from rl_bridge.tasks.task import RewardWeights
from rl_bridge.types import FloatArray, RobotDescription, RobotState

LARGEST = 10.0

#: The panel of this process; None = nothing freezes.
panel: Panel | None = None


class DriveTask:
    """
    Drive the joints; an observation holds positions and velocities, float64.

    :param description: the robot.
    :param interface: 'velocity'.
    :param period_s: the control period, s.
    :raises ConfigError: the interface is another.
    """

    def __init__(self, description: RobotDescription, *, interface: str, period_s: float) -> None:
        if interface != 'velocity':
            raise ConfigError(f'DriveTask commands velocities, not {interface!r}.')
        self.interface = interface
        self.period_s = period_s
        most = description.limits.velocity
        self.action_space = spaces.Box(-most, most, dtype=np.float64)
        self.observation_space = spaces.Box(-LARGEST, LARGEST, (2 * len(most),), np.float64)
        self.weights: Mapping[str, float] = RewardWeights({})

    def set_weight(self, name: str, value: float) -> None:
        """There is none to set."""
        raise ConfigError(f'There is no reward term {name!r}.')

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        return None

    def begin(self, state: RobotState) -> None:
        """Nothing to remember."""

    def command(self, action: Any, state: RobotState) -> FloatArray:
        _freeze_if_asked(place=0)
        values: FloatArray = np.array(action, dtype=np.float64)
        return values

    def observe(self, state: RobotState) -> Any:
        _freeze_if_asked(place=1)
        return np.clip(np.concatenate([state.position, state.velocity]), -LARGEST, LARGEST)

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        return 0.0, {}

    def terminated(self, state: RobotState) -> bool:
        return False

    def info(self, state: RobotState) -> dict[str, Any]:
        return {}

    def episode_info(self) -> dict[str, Any]:
        return {}


def _freeze_if_asked(*, place: int) -> None:
    if panel is not None and panel.freeze_ms and panel.freeze_in == place:
        micros, panel.freeze_ms = panel.freeze_ms * 1000, 0
        # PyDLL keeps the interpreter lock during the call, as a C extension does that forgets to
        # let go of it: no thread of this process runs Python meanwhile.
        usleep = ctypes.PyDLL(None).usleep
        panel.frozen_ns = time.monotonic_ns()
        usleep(micros)
