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


class JointRanges:
    """
    A range for each of some joints.

    :param actuated: their indices.
    :param lower: lowest angles, rad.
    :param upper: highest angles, rad.
    :param approach_s: time constant of an approach to a border, s.
    """

    def __init__(
        self,
        actuated: tuple[int, ...],
        lower: FloatArray,
        upper: FloatArray,
        *,
        approach_s: float,
    ) -> None:
        self._actuated = np.array(actuated)
        self.lower, self.upper = lower, upper
        self._approach_s = approach_s

    def bounded(self, velocity: FloatArray, position: FloatArray) -> FloatArray:
        """
        Slow a joint velocity down so that a joint ends at its border instead of crossing it.

        :param velocity: of all joints, shape (joints,), rad/s.
        :param position: of all joints, shape (joints,), rad.
        :return: of all joints, shape (joints,), rad/s.
        """
        bounded = velocity.copy()
        angles = position[self._actuated]
        bounded[self._actuated] = np.clip(
            velocity[self._actuated],
            np.minimum((self.lower - angles) / self._approach_s, 0.0),
            np.maximum((self.upper - angles) / self._approach_s, 0.0),
        )
        return bounded


class Workspace:
    """
    The box and the joint ranges of a setup.

    :param setup: the place.
    :param chain: kinematics of the arm.
    :param approach_s: time constant of an approach to a border, s.
    """

    def __init__(self, setup: ReachSetup, chain: DhChain, *, approach_s: float) -> None:
        self.setup = setup
        self._chain = chain
        self._approach_s = approach_s
        self._actuated = np.array(setup.actuated)
        self._ranges = JointRanges(
            setup.actuated, setup.range_lower, setup.range_upper, approach_s=approach_s
        )

    def contains(self, point: FloatArray, *, margin_m: float = 0.0) -> bool:
        """
        Return whether a point lies in the box, at least a margin away from its border.

        :param point: in the base frame, shape (3,), m.
        """
        lower, upper = self.setup.box_lower + margin_m, self.setup.box_upper - margin_m
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
        setup = self.setup
        bounded = self._ranges.bounded(velocity, position)
        tool = self._chain.forward(position)[:3, 3]
        speed = self._chain.jacobian(position)[:3] @ bounded
        room = np.where(speed > 0.0, setup.box_upper - tool, tool - setup.box_lower)
        allowed = np.maximum(room, 0.0) / self._approach_s
        # All joints by one factor: the tool keeps its direction.
        too_fast = np.abs(speed) > allowed
        if too_fast.any():
            bounded *= float((allowed[too_fast] / np.abs(speed[too_fast])).min())
        return bounded

    def draw(
        self,
        rng: np.random.Generator,
        *,
        start: FloatArray,
        travel_rad: float,
        margin_m: float,
    ) -> FloatArray:
        """
        Draw joint positions whose tool lies in the box, reached without any joint travelling far.

        Drawn as SenseAct does: joint angles uniformly until the tool lies in the box.

        :param start: where the joints are, shape (joints,), rad; those that are not actuated stay.
        :param travel_rad: how far an actuated joint travels at most.
        :param margin_m: between the tool and the border of the box.
        :return: shape (joints,), rad.
        :raises ConfigError: none are found.
        """
        setup = self.setup
        here = start[self._actuated].clip(setup.range_lower, setup.range_upper)
        low = np.maximum(setup.range_lower, here - travel_rad)
        high = np.minimum(setup.range_upper, here + travel_rad)
        angles = start.copy()
        for _ in range(DRAWS):
            angles[self._actuated] = rng.uniform(low, high)
            if self.contains(self._chain.forward(angles)[:3, 3], margin_m=margin_m):
                return angles
        raise ConfigError(
            'No target was found inside the box within reach of where an episode begins: enlarge '
            'the box of the setup or move its reference position.'
        )
