# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A task of your own, for any robot: bring all joints to angles drawn from the seed.

A task says what actions and observations are and how well the robot did; it does no input or
output. It is pure NumPy, so it is tested without a robot. ``rl_bridge/tasks/task.py`` explains
every method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import ConfigError
from rl_bridge.tasks.base_task import BaseTask
from rl_bridge.types import FloatArray, RobotDescription, RobotState

LARGEST = 10.0  # of an observation; what is beyond is cut off
APPROACH_S = 0.5  # the last command towards a joint's limit is slowed down over this time


class MyTask(BaseTask):
    """
    Reach joint angles, with velocity commands.

    Actions are in [-1, 1] per joint, times its velocity limit. An observation holds positions
    and velocities over their limits and the way that is left, all float32.

    :param description: the robot.
    :param interface: 'velocity'; nothing else is made here.
    :param period_s: the control period, s.
    :param tolerance: rad; all joints nearer than this is a success and ends the episode.
    :raises ConfigError: the interface is another.
    """

    def __init__(
        self,
        description: RobotDescription,
        *,
        interface: str,
        period_s: float,
        tolerance: float = 0.05,
    ) -> None:
        if interface != 'velocity':
            raise ConfigError(f'MyTask commands velocities, not {interface!r}.')
        super().__init__(
            interface=interface, period_s=period_s, weights={'distance': 1.0, 'effort': 0.1}
        )
        limits = description.limits
        self._lower, self._upper = limits.position_lower, limits.position_upper
        self._speed = limits.velocity
        self._tolerance = tolerance
        self._goal = (self._lower + self._upper) / 2
        joints = len(description.joints)
        self.action_space = spaces.Box(-1.0, 1.0, (joints,), np.float32)
        self.observation_space = spaces.Box(-LARGEST, LARGEST, (3 * joints,), np.float32)

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        super().reset(rng=rng, state=state, options=options)
        middle, quarter = (self._lower + self._upper) / 2, (self._upper - self._lower) / 4
        self._goal = rng.uniform(middle - quarter, middle + quarter)
        return middle  # the robot goes there first; None would begin where it is

    def command(self, action: Any, state: RobotState) -> FloatArray:
        wanted = np.asarray(action, dtype=np.float64) * self._speed
        # Slow down before a limit. The guard does so too, but a task knows it is coming.
        return np.clip(
            wanted,
            np.minimum((self._lower - state.position) / APPROACH_S, 0.0),
            np.maximum((self._upper - state.position) / APPROACH_S, 0.0),
        )

    def observe(self, state: RobotState) -> Any:
        parts = (state.position, state.velocity / self._speed, self._goal - state.position)
        return np.concatenate(parts).astype(np.float32).clip(-LARGEST, LARGEST)

    def terms(self, action: Any, state: RobotState) -> dict[str, float]:
        return {
            'distance': -float(np.abs(self._goal - state.position).max()),
            'effort': -float(np.square(np.asarray(action, dtype=np.float64)).mean()),
        }

    def terminated(self, state: RobotState) -> bool:
        return bool((np.abs(self._goal - state.position) < self._tolerance).all())

    def info(self, state: RobotState) -> dict[str, Any]:
        return {'is_success': self.terminated(state)}

    def episode_info(self) -> dict[str, Any]:
        return {'goal_rad': self._goal.tolist()}
