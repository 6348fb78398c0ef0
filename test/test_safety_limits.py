# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The checks of commands against limits: fail closed, on copies."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_bridge.errors import LimitError
from rl_bridge.safety.limits import (
    braking_bounds,
    check_command,
    checked_shape,
    outside_range,
    slew,
)
from rl_bridge.types import Limits, RobotDescription, forward_commands

ROBOT = RobotDescription(
    name='two_link',
    joints=('shoulder', 'elbow'),
    state_topic='joint_states',
    state_max_age_s=0.1,
    commands={'velocity': forward_commands('velocity', 'commands', 0.0, joints=2)},
    limits=Limits(
        position_lower=np.array([-1.0, -2.0]),
        position_upper=np.array([1.0, 3.0]),
        velocity=np.array([0.5, 1.0]),
        acceleration=np.array([2.0, 4.0]),
    ),
    standstill_speed=0.02,
    standstill_within_s=0.5,
)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def test_a_command_at_its_limits_passes() -> None:
    np.testing.assert_array_equal(check_command([0.5, -1.0], ROBOT, 'velocity'), [0.5, -1.0])
    np.testing.assert_array_equal(check_command([-1.0, 3.0], ROBOT, 'position'), [-1.0, 3.0])


def test_what_was_checked_is_a_copy() -> None:
    values = np.array([0.1, 0.2])
    checked = check_command(values, ROBOT, 'velocity')
    values[:] = 99.0
    np.testing.assert_array_equal(checked, [0.1, 0.2])


def test_the_refusal_names_joint_value_limit_and_fix() -> None:
    with pytest.raises(LimitError) as refused:
        check_command([0.1, -1.25], ROBOT, 'velocity')
    assert str(refused.value) == (
        'the velocity -1.25 of joint 1 (elbow) lies outside its limits [-1, 1]; '
        'command a value inside them'
    )
    with pytest.raises(LimitError, match=r'position 3.5 of joint 1 \(elbow\).*\[-2, 3\]'):
        check_command([0.0, 3.5], ROBOT, 'position')


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(LimitError, match=r'of joint 1 \(elbow\) is not finite'):
        check_command([0.0, value], ROBOT, 'velocity')


@pytest.mark.parametrize('values', [[], [0.0], [0.0, 0.0, 0.0], [[0.0, 0.0]], 0.0])
def test_another_shape_than_one_value_per_joint_is_refused(values: list[float]) -> None:
    with pytest.raises(LimitError, match='does not fit two_link; give one value for each'):
        check_command(values, ROBOT, 'velocity')


@pytest.mark.parametrize('values', [[0.0, 'fast'], [0.0, None, [1]], [10**400, 0.0]])
def test_what_is_no_number_is_refused(values: list[object]) -> None:
    with pytest.raises(LimitError, match='is not a list of 2 numbers'):
        check_command(values, ROBOT, 'velocity')  # type: ignore[arg-type]


def test_an_unknown_interface_is_refused() -> None:
    with pytest.raises(LimitError, match="no command interface 'torque'"):
        check_command([0.0, 0.0], ROBOT, 'torque')


def test_efforts_are_checked_against_limits_of_their_own() -> None:
    with pytest.raises(LimitError, match='two_link has no effort limits'):
        check_command([0.0, 0.0], ROBOT, 'effort')
    robot = replace(ROBOT, limits=replace(ROBOT.limits, effort=np.array([10.0, 5.0])))
    np.testing.assert_array_equal(check_command([-10.0, 5.0], robot, 'effort'), [-10.0, 5.0])
    with pytest.raises(LimitError, match=r'effort 5.5 of joint 1 \(elbow\).*\[-5, 5\]'):
        check_command([0.0, 5.5], robot, 'effort')
    with pytest.raises(LimitError, match='not finite'):
        check_command([0.0, math.nan], robot, 'effort')


@given(st.lists(ANY_FLOAT, max_size=4), st.sampled_from(['velocity', 'position']))
def test_nothing_passes_that_is_not_inside_the_limits(values: list[float], kind: str) -> None:
    try:
        checked = check_command(array('d', values), ROBOT, kind)
    except LimitError:
        return
    limits = ROBOT.limits
    lower, upper = -limits.velocity, limits.velocity
    if kind == 'position':
        lower, upper = limits.position_lower, limits.position_upper
    assert checked.dtype == np.float64
    assert all(low <= value <= up for low, value, up in zip(lower, checked, upper, strict=True))


def test_a_state_of_any_finite_size_has_a_good_shape() -> None:
    np.testing.assert_array_equal(checked_shape([1e300, -7.0], ROBOT), [1e300, -7.0])


def test_slewing_reaches_the_target_exactly_and_never_passes_it() -> None:
    previous, target = np.array([0.0, 0.0]), np.array([0.3, -0.1])
    np.testing.assert_allclose(slew(previous, target, np.array([0.1, 0.1])), [0.1, -0.1])
    np.testing.assert_array_equal(slew(previous, target, np.array([1.0, 1.0])), target)
    np.testing.assert_array_equal(slew(previous, target, np.array([0.0, 0.0])), previous)


FINITE = st.floats(-10, 10)


@given(FINITE, FINITE, st.floats(0, 5))
def test_slewing_keeps_to_its_step_and_stays_between(a: float, b: float, step: float) -> None:
    moved = float(slew(np.array([a]), np.array([b]), np.array([step]))[0])
    assert abs(moved - a) <= step + 1e-12
    assert min(a, b) <= moved <= max(a, b)


@given(
    st.floats(-1.0, 1.0), st.floats(-1, 1), st.floats(0.0, 0.1), st.sampled_from([0.001, 0.005])
)
def test_a_joint_that_keeps_to_the_braking_bounds_stays_in_its_range(
    position: float, wish: float, reaction_s: float, period_s: float
) -> None:
    for _ in range(500):
        state = np.array([position, 0.0])
        lower, upper = braking_bounds(state, ROBOT, reaction_s=reaction_s + period_s)
        position += period_s * float(np.clip(wish, lower[0], upper[0]))
        assert -1.0 <= position <= 1.0


def test_braking_takes_no_more_than_the_acceleration_limit() -> None:
    position, period_s, speeds = np.array([0.5, 0.0]), 0.005, [0.5]
    for _ in range(600):
        _, upper = braking_bounds(position, ROBOT, reaction_s=0.02)
        speeds.append(min(0.5, float(upper[0])))
        position[0] += period_s * speeds[-1]
    assert position[0] == pytest.approx(1.0, abs=1e-3)
    assert max(-np.diff(speeds)) <= 2.0 * period_s


def test_outside_its_range_a_joint_may_only_come_back() -> None:
    lower, upper = braking_bounds(np.array([1.5, -2.5]), ROBOT, reaction_s=0.01)
    assert upper[0] == 0.0
    assert lower[0] < -1.0
    assert lower[1] == 0.0
    assert upper[1] > 1.0


def test_a_joint_outside_its_range_is_found() -> None:
    assert outside_range(np.array([1.0, 3.0]), ROBOT, tolerance=0.0) is None
    assert outside_range(np.array([1.005, 3.0]), ROBOT, tolerance=0.01) is None
    assert outside_range(np.array([0.0, -2.02]), ROBOT, tolerance=0.01) == 1
    assert outside_range(np.array([math.nan, 0.0]), ROBOT, tolerance=0.01) == 0
