# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A lock-step environment that notes every step it really makes; what a bridge hosts in tests.

The action is the step's number, which the client alone gives and the environment alone writes
down, past everything in between: a number twice in the journal is a step made twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

LARGEST = float(2**52)
Numbers = NDArray[np.float64]


class Numbered(gymnasium.Env[Numbers, Numbers]):
    """
    Its observation is the number of the step made, and how many have been made.

    :param journal: path of a file to which each number is appended as 8 bytes.
    """

    action_space = spaces.Box(0.0, LARGEST, (1,), np.float64)
    observation_space = spaces.Box(0.0, LARGEST, (2,), np.float64)

    def __init__(self, journal: str) -> None:
        self._journal = Path(journal).open('ab', buffering=0)  # noqa: SIM115  (closed by close)
        self._made = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Numbers, dict[str, Any]]:
        """Note nothing."""
        super().reset(seed=seed)
        return np.array([0.0, float(self._made)]), {}

    def step(self, action: Numbers) -> tuple[Numbers, float, bool, bool, dict[str, Any]]:
        """Note the number."""
        self._made += 1
        self._journal.write(np.asarray(action, np.float64).tobytes())
        return np.array([float(action[0]), float(self._made)]), 0.0, False, False, {}

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def journal_of(path: Path) -> NDArray[np.int64]:
    """Return the numbers of the steps made, in order."""
    return np.fromfile(path, np.float64).astype(np.int64)


gymnasium.register('Numbered-v0', entry_point=f'{__name__}:Numbered')
