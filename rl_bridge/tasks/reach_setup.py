# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Where the tasks of an arm's tool take place: ready setups, and any other from a mapping.

The numbers of the UR5e are SenseAct's ``UR5_default`` (2 joints) and ``UR5_6dof`` (6 joints) of
``senseact/devices/ur/ur_setups.py`` (A. R. Mahmood et al., Benchmarking Reinforcement Learning
Algorithms on Real-World Robots, CoRL 2018). SenseAct's base frame is turned by half a turn about z
from the one of Universal Robots' DH table, which is used here: x and y change their sign.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.types import FloatArray, RobotDescription


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
    :param fixed_target: a point of the box to reach, shape (3,), m; None = there is no such one.
    :param success_m: nearer to the target than this is a success, m.
    :param success_rad: with orientation, the angle must be smaller than this besides, rad.
    """

    actuated: tuple[int, ...]
    axes: tuple[int, ...]
    box_lower: FloatArray
    box_upper: FloatArray
    range_lower: FloatArray
    range_upper: FloatArray
    reference: FloatArray
    fixed_target: FloatArray | None = None
    success_m: float = 0.02
    success_rad: float = 0.1


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


# The reach to a point of robot_gym and gym-gazebo: the tool of a SCARA of three modules is brought
# to the centre of a letter, the O (R. Kojcev, N. Etxezarreta, A. Hernandez, V. Mayoral, Evaluation
# of deep reinforcement learning methods for modular robots, 2018), as config/scara.yaml has it.
# Box, ranges and reference are ours.
SCARA_REACH = ReachSetup(
    actuated=(0, 1, 2),
    axes=(0, 1),
    box_lower=_constant(0.15, -0.6, 0.3),
    box_upper=_constant(0.6, 0.1, 0.45),
    range_lower=_constant(-1.2, -0.5, -1.0),
    range_upper=_constant(1.8, 2.2, 2.2),
    reference=_constant(0.3, 0.8, 0.6),
    fixed_target=_constant(0.3638683, -0.2192634, 0.3746),
    success_m=0.005,
)

# The same with six modules, as config/modular6.yaml has them. The point, too, is ours: the frame
# of gym-gazebo2's is not that of the robot file.
MODULAR6_REACH = ReachSetup(
    actuated=(0, 1, 2, 3, 4, 5),
    axes=(0, 1, 2),
    box_lower=_constant(-0.4, -0.75, 0.1),
    box_upper=_constant(0.4, -0.25, 0.7),
    range_lower=_constant(-1.2, -0.9, -0.2, -1.2, 0.1, -1.2),
    range_upper=_constant(1.2, 1.5, 2.2, 1.2, 2.3, 1.2),
    reference=_constant(0.0, 0.3, 1.0, 0.0, 1.3, 0.0),
    fixed_target=_constant(0.15, -0.5, 0.4),
    success_m=0.005,
)

SETUPS = {
    'ur5e_2': UR5E_REACH_2,
    'ur5e_6': UR5E_REACH_6,
    'scara': SCARA_REACH,
    'modular6': MODULAR6_REACH,
}
AXES = {'x': 0, 'y': 1, 'z': 2}
KEYS = frozenset(
    {
        'box',
        'reference',
        'joints',
        'axes',
        'range',
        'fixed_target',
        'success_m',
        'success_rad',
    }
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


def reach_setup(given: Any, description: RobotDescription) -> ReachSetup:
    """
    Return a setup as a person names or writes it.

    :param given: a ``ReachSetup``, the name of one in ``SETUPS``, or a mapping with ``box`` and
        ``reference`` and, if they are to be others than all, ``joints`` (names), ``axes``
        ('xy'), ``range``; ``box`` and ``range`` are two lists, the lower and the upper corner.
    :param description: the robot; its limits are the ranges that are not given.
    :raises ConfigError: there is no such setup, or the mapping is malformed.
    """
    if isinstance(given, ReachSetup):
        return given
    if isinstance(given, str):
        if given not in SETUPS:
            known = ', '.join(map(repr, SETUPS))
            raise ConfigError(f'There is no setup {given!r}; there is {known}, or write your own.')
        return SETUPS[given]
    if not isinstance(given, Mapping):
        raise ConfigError(f'A setup is a name or a mapping, not {given!r}.')
    wrong = sorted(set(given) - KEYS) or sorted({'box', 'reference'} - set(given))
    if wrong:
        raise ConfigError(
            f'The setup needs box and reference and knows {", ".join(sorted(KEYS))}; look at '
            f'{wrong[0]!r}.'
        )
    actuated = _actuated(given.get('joints'), description)
    lower, upper = (
        limit[list(actuated)]
        for limit in (description.limits.position_lower, description.limits.position_upper)
    )
    if 'range' in given:
        lower, upper = _pair('range', given['range'], len(actuated))
    box_lower, box_upper = _pair('box', given['box'], 3)
    fixed = given.get('fixed_target')
    return ReachSetup(
        actuated=actuated,
        axes=_axes(given.get('axes', 'xyz')),
        box_lower=box_lower,
        box_upper=box_upper,
        range_lower=lower,
        range_upper=upper,
        reference=_numbers('reference', given['reference'], len(description.joints)),
        fixed_target=None if fixed is None else _numbers('fixed_target', fixed, 3),
        success_m=_above_zero('success_m', given.get('success_m', 0.02)),
        success_rad=_above_zero('success_rad', given.get('success_rad', 0.1)),
    )


def check_setup(
    setup: ReachSetup, description: RobotDescription, *, period_s: float, speed_max: float
) -> None:
    """
    Check that a setup fits a robot.

    :param period_s: the control period, s.
    :param speed_max: of every joint, rad/s.
    :raises ConfigError: it does not.
    """
    if not (math.isfinite(period_s) and period_s > 0.0):
        raise ConfigError(f'The control period must be above 0 s, not {period_s!r}.')
    if description.dh is None:
        raise ConfigError(
            f'The reach task needs the DH table of {description.name}: add dh to its file.'
        )
    joints = len(description.joints)
    if joints != len(setup.reference) or max(setup.actuated) >= joints:
        raise ConfigError(
            f'The reach task is set up for {len(setup.reference)} joints, {description.name} has '
            f'{joints}: choose another setup.'
        )
    actuated = list(setup.actuated)
    slowest = float(description.limits.velocity[actuated].min())
    if not 0.0 < speed_max <= slowest:
        raise ConfigError(
            f'speed_max is {speed_max!r} rad/s; it must be above 0 and at most {slowest:g} rad/s, '
            f"the robot's velocity limit."
        )
    lower, upper = description.limits.position_lower, description.limits.position_upper
    inside = (setup.reference >= lower).all() and (setup.reference <= upper).all()
    inside = inside and (setup.range_lower >= lower[actuated]).all()
    if not (inside and (setup.range_upper <= upper[actuated]).all()):
        raise ConfigError(
            f'The joint ranges of the reach task exceed the position limits of '
            f'{description.name}: narrow the setup or widen the limits.'
        )


def _actuated(names: Any, description: RobotDescription) -> tuple[int, ...]:
    if names is None:
        return tuple(range(len(description.joints)))
    known = list(description.joints)
    if not isinstance(names, list | tuple) or not names or len(set(names)) < len(names):
        raise ConfigError(f'joints of the setup is {names!r}; it must be a list of names.')
    for name in names:
        if name not in known:
            raise ConfigError(
                f'joints of the setup names {name!r}; {description.name} has {", ".join(known)}.'
            )
    return tuple(sorted(known.index(name) for name in names))


def _axes(given: Any) -> tuple[int, ...]:
    letters = list(given) if isinstance(given, str) else []
    if not letters or len(set(letters)) < len(letters) or not set(letters) <= set(AXES):
        raise ConfigError(f"axes of the setup is {given!r}; it must be some of 'xyz'.")
    return tuple(sorted(AXES[letter] for letter in letters))


def _numbers(name: str, given: Any, count: int) -> FloatArray:
    try:
        array = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.shape != (count,) or not np.isfinite(array).all():
        raise ConfigError(f'{name} of the setup is {given!r}; it must be {count} finite numbers.')
    return array


def _pair(name: str, given: Any, count: int) -> tuple[FloatArray, FloatArray]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise ConfigError(f'{name} of the setup is {given!r}; it must be a list of two lists.')
    lower, upper = (_numbers(name, corner, count) for corner in given)
    if not (lower < upper).all():
        raise ConfigError(
            f'{name} of the setup is {given!r}; each number of the first list must be below that '
            f'of the second.'
        )
    return lower, upper


def _above_zero(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0.0 < given < math.inf:
        raise ConfigError(f'{name} of the setup is {given!r}; it must be a number above 0.')
    return float(given)
