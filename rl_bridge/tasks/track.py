# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Follow a moving target with the tool of an arm.

After SenseAct's tracker (``senseact/envs/dxl/dxl_tracker_env.py``: a joint that follows a moving
target), in Cartesian space. The target moves by one control period in every step, whatever the
clock says: it waits while nobody steps, and a local run and one over the bridge see the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.tasks.reach import SPEED_MAX, ReachTask
from rl_bridge.tasks.target_path import PathMaker
from rl_bridge.types import FloatArray, RobotDescription, RobotState

LARGEST_SPEED_M_S = 4.0  # bound of the observed velocity of the target


class TrackTask(ReachTask):
    """
    Keep the tool at a point that moves on a closed smooth path, drawn from the seed.

    An observation is that of ``ReachTask`` with the target's velocity behind the vector to it, in
    m/s along the setup's axes: how it moves in the step that comes. Reward terms as there.

    :param description: the robot; needs a DH table.
    :param path: 'circle', 'lissajous' (a figure of eight) or 'random' (smooth).
    :param size_m: radius of the circle, half the width of the figure.
    :param lap_s: time of a lap, s.
    :param options: of ``ReachTask``, without ``target`` and ``orientation``.
    :raises ConfigError: a value cannot be used with this robot.
    """

    def __init__(
        self,
        description: RobotDescription,
        *,
        path: str = 'random',
        size_m: float = 0.05,
        lap_s: float = 8.0,
        speed_max: float = SPEED_MAX,
        **options: Any,
    ) -> None:
        for name in ('target', 'orientation'):
            if name in options:
                raise ConfigError(f'The track task has no {name}: its target moves on a path.')
        super().__init__(description, speed_max=speed_max, **options)
        self._kind = path
        self._maker = PathMaker(
            self._workspace,
            self._chain,
            speed_max=speed_max,
            kind=path,
            size_m=size_m,
            lap_s=lap_s,
        )
        self._path = self._maker.draw(np.random.default_rng(0), self.setup.reference)
        self._steps = 0

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        """
        Draw a path that begins at the tool and return where the episode begins.

        :raises ConfigError: there are options, or no path can be followed.
        """
        if options:
            raise ConfigError(
                f'The track task has no reset option {sorted(options)[0]!r}; its environment has '
                f"'in_place'."
            )
        start = self._start(rng, state)
        self._path = self._maker.draw(rng, start)
        self._place(0)
        return None if self._reset == 'none' else start.copy()

    def begin(self, state: RobotState) -> None:
        """Begin the path."""
        super().begin(state)
        self._place(0)

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """Turn an action into a command, and let the target go on by one period."""
        command = super().command(action, state)
        self._place(self._steps + 1)
        return command

    def episode_info(self) -> dict[str, Any]:
        """Return the kind of the path and where it begins."""
        return {'path': self._kind, 'target_m': self._target.tolist()}

    def _place(self, steps: int) -> None:
        self._steps = steps
        self._target = self._path.at(steps * self.period_s)

    def _goal(self, state: RobotState) -> tuple[FloatArray, ...]:
        ahead = self._path.at((self._steps + 1) * self.period_s)
        return self._offset(state), (ahead - self._target)[self._axes] / self.period_s

    def _goal_bounds(self) -> list[float]:
        return super()._goal_bounds() + [LARGEST_SPEED_M_S] * len(self._axes)
