# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Where an arm may be in a task: a box for its tool, a range for each joint."""

from __future__ import annotations

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import DhChain
from rl_bridge.tasks.reach_setup import ReachSetup
from rl_bridge.types import FloatArray

DRAWS = 10_000


class Workspace:
    """
    The box and the joint ranges of a setup.

    :param setup: the place.
    :param chain: kinematics of the arm.
    :param approach_s: time constant of an approach to a border, s.
    """

    def __init__(self, setup: ReachSetup, chain: DhChain, *, approach_s: float) -> None:
        self._setup = setup
        self._chain = chain
        self._approach_s = approach_s
        self._actuated = np.array(setup.actuated)

    def contains(self, point: FloatArray, *, margin_m: float = 0.0) -> bool:
        """
        Return whether a point lies in the box, at least a margin away from its border.

        :param point: in the base frame, shape (3,), m.
        """
        lower, upper = self._setup.box_lower + margin_m, self._setup.box_upper - margin_m
        return bool((point >= lower).all() and (point <= upper).all())

    def bounded(self, velocity: FloatArray, position: FloatArray) -> FloatArray:
        """
        Slow a joint velocity down so that the arm ends at a border instead of crossing it.

        A velocity damper: the speed towards a border is at most the distance to it over a time
        constant (B. Faverjon, P. Tournassoud, A local based approach for path planning of
        manipulators with a high number of degrees of freedom, ICRA 1987). From outside, only the
        way back is open.

        :param velocity: of all joints, shape (joints,), rad/s.
        :param position: of all joints, shape (joints,), rad.
        :return: of all joints, shape (joints,), rad/s.
        """
        setup = self._setup
        bounded = velocity.copy()
        angles = position[self._actuated]
        bounded[self._actuated] = np.clip(
            velocity[self._actuated],
            np.minimum((setup.range_lower - angles) / self._approach_s, 0.0),
            np.maximum((setup.range_upper - angles) / self._approach_s, 0.0),
        )
        tool = self._chain.forward(position)[:3, 3]
        speed = self._chain.jacobian(position)[:3] @ bounded
        room = np.where(speed > 0.0, setup.box_upper - tool, tool - setup.box_lower)
        allowed = np.maximum(room, 0.0) / self._approach_s
        # All joints by one factor: the tool keeps its direction.
        too_fast = np.abs(speed) > allowed
        if too_fast.any():
            bounded *= float((allowed[too_fast] / np.abs(speed[too_fast])).min())
        return bounded

    def draw(self, rng: np.random.Generator, *, travel_rad: float, margin_m: float) -> FloatArray:
        """
        Draw a point of the box that is reached when no joint travels farther than ``travel_rad``.

        Drawn as SenseAct does: joint angles uniformly until the tool lies in the box.

        :return: in the base frame, shape (3,), m.
        :raises ConfigError: none is found.
        """
        setup = self._setup
        start = setup.reference[self._actuated]
        low = np.maximum(setup.range_lower, start - travel_rad)
        high = np.minimum(setup.range_upper, start + travel_rad)
        angles = setup.reference.copy()
        for _ in range(DRAWS):
            angles[self._actuated] = rng.uniform(low, high)
            point = self._chain.forward(angles)[:3, 3]
            if self.contains(point, margin_m=margin_m):
                return point
        raise ConfigError(
            'No target was found inside the box within reach of the reference position: enlarge '
            'the box of the setup or move its reference position.'
        )
