# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Where the reach tasks take place on a UR5e.

The numbers are SenseAct's ``UR5_default`` (2 joints) and ``UR5_6dof`` (6 joints) of
``senseact/devices/ur/ur_setups.py`` (A. R. Mahmood et al., Benchmarking Reinforcement Learning
Algorithms on Real-World Robots, CoRL 2018). SenseAct's base frame is turned by half a turn about z
from the one of Universal Robots' DH table, which is used here: x and y change their sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.types import FloatArray


@dataclass(frozen=True, slots=True)
class ReachSetup:
    """
    The place of a reach task; arrays are in the robot file's joint order, SI units.

    :param actuated: indices of the joints that move; the others are held.
    :param axes: coordinates of the tool (0 = x, 1 = y, 2 = z) that count for the distance.
    :param box_lower: lower corner of the box the tool stays in, base frame, shape (3,), m.
    :param box_upper: upper corner of it, shape (3,), m.
    :param range_lower: lowest angles of the actuated joints in this task, rad.
    :param range_upper: highest angles of the actuated joints in this task, rad.
    :param reference: joint positions an episode begins at, shape (joints,), rad.
    """

    actuated: tuple[int, ...]
    axes: tuple[int, ...]
    box_lower: FloatArray
    box_upper: FloatArray
    range_lower: FloatArray
    range_upper: FloatArray
    reference: FloatArray


def _constant(*values: float) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def _degrees(*values: float) -> FloatArray:
    return _constant(*(math.radians(value) for value in values))


UR5E_REACH_2 = ReachSetup(
    actuated=(1, 2),
    axes=(1, 2),
    box_lower=_constant(-0.2, -0.4, 0.5),
    box_upper=_constant(0.2, 0.3, 1.0),
    range_lower=_degrees(-180.0, -120.0),
    range_upper=_degrees(-60.0, 130.0),
    reference=_constant(1.58724391, -2.4, 1.5, -0.71790582, 1.63685572, 1.00910473),
)

UR5E_REACH_6 = ReachSetup(
    actuated=(0, 1, 2, 3, 4, 5),
    axes=(0, 1, 2),
    box_lower=_constant(-0.2, -0.4, 0.5),
    box_upper=_constant(0.3, 0.6, 1.0),
    range_lower=_degrees(30.0, -180.0, -120.0, -120.0, 30.0, 0.0),
    range_upper=_degrees(150.0, 0.0, 130.0, 30.0, 150.0, 180.0),
    reference=_constant(1.58724391, -2.6, 1.6, -0.71790582, 1.63685572, 1.00910473),
)


def ur5e_reach_setup(joints: int) -> ReachSetup:
    """
    Return the place of the 2-joint or 6-joint reach task.

    :raises ConfigError: there is no form with that many joints.
    """
    setups = {2: UR5E_REACH_2, 6: UR5E_REACH_6}
    if joints not in setups:
        raise ConfigError(f'The reach task has a form with 2 and one with 6 joints, not {joints}.')
    return setups[joints]
