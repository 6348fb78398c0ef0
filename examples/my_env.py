# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A Gymnasium environment of your own, to be hosted by a bridge: keep a room at 20 degrees.

Nothing in it knows of ROS or of rl_bridge. docs/tutorial_env.md explains the rest.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

WANTED, OUTSIDE = 20.0, 5.0  # degrees Celsius
LEAK, HEATING = 0.02, 1.0  # of the difference to outside, and degrees, each per step


class MyEnv(gymnasium.Env[Any, Any]):
    """Heat (1) or do not (0); an observation is the temperature."""

    def __init__(self) -> None:
        self.action_space = gymnasium.spaces.Discrete(2)
        self.observation_space = gymnasium.spaces.Box(-50.0, 50.0, (1,), np.float32)
        self._degrees = WANTED

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._degrees = self.np_random.uniform(10.0, 30.0)
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._degrees += HEATING * int(action) - LEAK * (self._degrees - OUTSIDE)
        return self._observation(), -abs(self._degrees - WANTED), False, False, {}

    def _observation(self) -> Any:
        return np.array([self._degrees], dtype=np.float32)


gymnasium.register(id='MyRoom-v0', entry_point=MyEnv, max_episode_steps=200)
