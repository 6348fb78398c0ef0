# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Environments whose spaces are as awkward as Gymnasium allows, hosted by the end-to-end tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

LETTERS = 'abcdefgh'


class Sampling(gymnasium.Env[Any, Any]):
    """Observations drawn from the observation space, seeded as everything is."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        return self.observation(), {'mask': np.array([1, 0], np.int8)}

    def observation(self) -> Any:
        return self.observation_space.sample()


class DictImageText(Sampling):
    """A Dict with an image, text and numbers of many types; the action is a Dict too."""

    observation_space = spaces.Dict(
        {
            'camera': spaces.Box(0, 255, (12, 16, 3), np.uint8),
            'label': spaces.Text(max_length=12, min_length=1, charset=LETTERS),
            'half': spaces.Box(-1, 1, (2, 2), np.float16),
            'counts': spaces.Box(-(2**62), 2**62, (3,), np.int64),
            'flags': spaces.MultiBinary((2, 3)),
            'unbounded': spaces.Box(-np.inf, np.inf, (), np.float64),
        }
    )
    action_space = spaces.Dict(
        {
            'mode': spaces.Discrete(3, start=-1),
            'push': spaces.Box(-1, 1, (2,), np.float32),
            'word': spaces.Text(max_length=12, min_length=1, charset=LETTERS),
        }
    )

    def observation(self) -> Any:
        observation = self.observation_space.sample()
        # Before Gymnasium 1.4 a Text samples in the order of a set, another one in every process.
        letters = self.np_random.choice(list(LETTERS), size=self.np_random.integers(1, 12))
        return {**observation, 'label': ''.join(letters)}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation = self.observation()
        reward = float(action['push'].sum() + action['mode'] + len(action['word']))
        over = bool(self.np_random.random() < 0.02)
        return observation, reward, over, False, {'letters': action['word'], 'pair': (1, 2.5)}


class NestedTuple(Sampling):
    """Tuples in Tuples, with a sequence and a choice inside."""

    observation_space = spaces.Tuple(
        (
            spaces.Discrete(5, start=10),
            spaces.Tuple(
                (
                    spaces.MultiDiscrete([3, 4]),
                    spaces.Box(-2, 2, (2,), np.float64),
                    spaces.Sequence(spaces.Box(0, 9, (1,), np.int32)),
                )
            ),
            spaces.OneOf((spaces.Discrete(2), spaces.Box(0, 1, (2,), np.float32))),
        )
    )
    action_space = spaces.Tuple((spaces.Discrete(4), spaces.MultiBinary(3)))

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        over = bool(self.np_random.random() < 0.02)
        return self.observation(), float(action[0] + action[1].sum()), False, over, {}


class Patient(gymnasium.Env[int, int]):
    """
    Its step with action 1 lasts until the file named ``gate`` is there.

    Once it is inside, there is one named ``gate.inside``.
    """

    observation_space = spaces.Discrete(2)
    action_space = spaces.Discrete(3)

    def __init__(self, gate: str) -> None:
        self._gate = Path(gate)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        if action == 2:
            raise ValueError('this action always fails')
        if action == 1:
            self._gate.with_suffix('.inside').touch()
        while action == 1 and not self._gate.exists():
            time.sleep(0.01)
        return 1, 0.0, False, False, {}


gymnasium.register('Patient-v0', entry_point=Patient)
gymnasium.register('DictImageText-v0', entry_point=DictImageText)
gymnasium.register('NestedTuple-v0', entry_point=NestedTuple)
