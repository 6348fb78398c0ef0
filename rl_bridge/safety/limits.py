# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Checks of commands against a robot's limits: pure, on copies, fail closed.

Every comparison is written so that NaN fails it; ``np.clip`` and ``np.maximum`` pass NaN on and
are used only on values that were checked before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rl_bridge.errors import LimitError
from rl_bridge.types import FloatArray, RobotDescription

#: rad or m. How far outside its position range a joint may be measured and still be commanded in
#: the position interface: the step back to the limit is then too small to matter.
SEED_TOLERANCE = 0.01


def check_command(
    values: Sequence[float] | FloatArray, robot: RobotDescription, kind: str
) -> FloatArray:
    """
    Check one command: finite, one value per joint, inside the limits.

    :param values: rad/s (m/s) for 'velocity', rad (m) for 'position', Nm (N) for 'effort', in the
        file's joint order.
    :param kind: 'velocity', 'position' or 'effort'.
    :returns: a fresh float64 copy, shape (joints,): what was checked, whatever ``values`` becomes.
    :raises LimitError: naming the joint, its value and the limit.
    """
    checked = checked_shape(values, robot)
    if kind == 'velocity':
        upper = robot.limits.velocity
        lower = -upper
    elif kind == 'position':
        lower, upper = robot.limits.position_lower, robot.limits.position_upper
    elif kind == 'effort' and robot.limits.effort is not None:
        upper = robot.limits.effort
        lower = -upper
    elif kind == 'effort':
        raise LimitError(f'{robot.name} has no effort limits; add them to its robot file')
    else:
        raise LimitError(
            f"there is no command interface {kind!r}; use 'velocity', 'position' or 'effort'"
        )
    inside = (checked >= lower) & (checked <= upper)
    if not inside.all():
        i = int(np.argmin(inside))
        raise LimitError(
            f'the {kind} {checked[i]:g} of joint {i} ({robot.joints[i]}) lies outside its limits '
            f'[{lower[i]:g}, {upper[i]:g}]; command a value inside them'
        )
    return checked


def checked_shape(values: Sequence[float] | FloatArray, robot: RobotDescription) -> FloatArray:
    """
    Check that there is one finite value per joint.

    :returns: a fresh float64 copy, shape (joints,).
    :raises LimitError: naming the joint and its value, or the two counts.
    """
    try:
        checked = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as fault:
        raise LimitError(
            f'{values!r:.80} is not a list of {len(robot.joints)} numbers: {fault}'
        ) from fault
    if checked.shape != (len(robot.joints),):
        raise LimitError(
            f'shape {checked.shape} does not fit {robot.name}; give one value for each of its '
            f'{len(robot.joints)} joints'
        )
    finite = np.isfinite(checked)
    if not finite.all():
        i = int(np.argmin(finite))
        raise LimitError(
            f'the value {checked[i]:g} of joint {i} ({robot.joints[i]}) is not finite'
        )
    return checked


def is_usable(values: Sequence[float] | FloatArray, robot: RobotDescription) -> bool:
    """Whether there is one finite value per joint."""
    try:
        checked_shape(values, robot)
    except LimitError:
        return False
    return True


def slew(previous: FloatArray, target: FloatArray, step: FloatArray) -> FloatArray:
    """
    Move from ``previous`` towards ``target`` by at most ``step`` in each joint.

    :param previous: shape (joints,), finite.
    :param target: shape (joints,), finite.
    :param step: shape (joints,), not negative: rate limit times elapsed time.
    :returns: fresh, shape (joints,). It is ``target`` exactly where that is within reach.
    """
    reachable = np.abs(target - previous) <= step
    return np.where(reachable, target, previous + np.copysign(step, target - previous))


def braking_bounds(
    position: FloatArray, robot: RobotDescription, *, reaction_s: float
) -> tuple[FloatArray, FloatArray]:
    """
    Velocities at which a joint can still be braked to rest before its position limit.

    A joint at speed v travels v t during the reaction time t and v^2 / (2 a) while it brakes with
    a. Set equal to the distance d left and solved for v: v = sqrt((a t)^2 + 2 a d) - a t. At or
    beyond a limit d is 0, so that only the way back is open.

    :param position: measured, shape (joints,), finite.
    :param reaction_s: time in s between the measurement and the first effect of a braking command.
    :returns: lower bounds (<= 0) and upper bounds (>= 0), each of shape (joints,).
    """
    limits, a = robot.limits, robot.limits.acceleration
    delay = a * reaction_s
    square = delay * delay
    below = np.maximum(position - limits.position_lower, 0.0)
    above = np.maximum(limits.position_upper - position, 0.0)
    return delay - np.sqrt(square + 2.0 * a * below), np.sqrt(square + 2.0 * a * above) - delay


def outside_range(
    position: FloatArray, robot: RobotDescription, *, tolerance: float
) -> int | None:
    """Return the first joint further than ``tolerance`` outside its range, None for none."""
    limits = robot.limits
    inside = (position >= limits.position_lower - tolerance) & (
        position <= limits.position_upper + tolerance
    )
    return None if inside.all() else int(np.argmin(inside))
