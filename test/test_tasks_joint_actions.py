# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Kinds of actions against values worked out by hand, their smoothing, and what stops them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_bridge.errors import ConfigError
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.tasks.joint_actions import KINDS, ActionSettings, JointActions
from rl_bridge.tasks.workspace import JointRanges
from rl_bridge.types import RobotState

ROBOT = fake_description(3)
PERIOD_S = 0.04
PERIOD_NS = 40_000_000
SPEED = 0.5
ACCELERATION = 2.0
EVERY = [(interface, kind) for interface, kinds in KINDS.items() for kind in kinds]


def state(position: Any = 0.0, velocity: Any = 0.0, stamp_ns: int = 0) -> RobotState:
    zeros = np.zeros(3)
    return RobotState(zeros + position, zeros + velocity, zeros, stamp_ns)


def made(interface: str, kind: str | None = None, **smoothing: Any) -> JointActions:
    """Actions of the joints 0 and 2, whose ranges are from -1 to 1 and from 0 to 2."""
    ranges = JointRanges((0, 2), np.array([-1.0, 0.0]), np.array([1.0, 2.0]), approach_s=0.3)
    return JointActions(
        interface=interface,
        actuated=(0, 2),
        range_lower=ranges.lower,
        range_upper=ranges.upper,
        limits=ROBOT.limits,
        speed=SPEED,
        acceleration=ACCELERATION,
        period_s=PERIOD_S,
        bound=ranges.bounded,
        settings=ActionSettings(kind=kind, **smoothing),
    )


def begun(interface: str, kind: str | None = None, **smoothing: Any) -> JointActions:
    actions = made(interface, kind, **smoothing)
    actions.begin(state([0.0, 0.4, 1.0]))
    return actions


HERE = state([0.0, 0.4, 1.0])


def test_a_velocity_value_is_the_command_of_the_actuated_joints() -> None:
    command = begun('velocity').command([0.5, -0.25], HERE)
    assert command.tolist() == [0.5, 0.0, -0.25]


def test_a_first_derivative_changes_the_last_speed_by_acceleration_times_period() -> None:
    actions = begun('velocity', 'first')
    assert actions.space.high == pytest.approx([ACCELERATION] * 2)
    once = actions.command([2.0, -1.0], HERE)
    assert once == pytest.approx([0.08, 0.0, -0.04])
    twice = actions.command([2.0, 0.0], state(HERE.position, [0.08, 0.0, -0.04]))
    assert twice == pytest.approx([0.16, 0.0, -0.04])


def test_a_first_derivative_never_asks_for_more_than_the_highest_speed() -> None:
    actions = begun('velocity', 'first')
    measured = HERE
    for _ in range(40):
        command = actions.command([2.0, -2.0], measured)
        measured = state(HERE.position, command)
    assert command == pytest.approx([SPEED, 0.0, -SPEED])


def test_a_speed_that_the_robot_does_not_follow_is_brought_back_near_the_measured_one() -> None:
    actions = begun('velocity', 'first')
    for _ in range(40):
        command = actions.command([2.0, 0.0], HERE)  # it does not move
    assert command[0] == pytest.approx(ACCELERATION * (PERIOD_S + 0.1) + ACCELERATION * PERIOD_S)


def test_a_border_takes_the_speed_away_that_a_first_derivative_counts_on() -> None:
    actions = begun('velocity', 'first')
    edge = state([1.0, 0.4, 1.0], [0.3, 0.0, 0.0])
    assert actions.command([2.0, 0.0], edge)[0] == 0.0
    # From there the first way back is immediate: nothing was wound up beyond the window.
    assert actions.command([-2.0, 0.0], state([1.0, 0.4, 1.0]))[0] < 0.0


def test_absolute_positions_are_approached_at_the_highest_speed() -> None:
    actions = begun('position', 'value')
    assert actions.space.low.tolist() == [-1.0, 0.0]
    assert actions.space.high.tolist() == [1.0, 2.0]
    command = actions.command([1.0, 1.01], HERE)
    assert command == pytest.approx([SPEED * PERIOD_S, 0.4, 1.01])
    assert actions.share == pytest.approx([1.0, 0.01])


def test_before_the_first_action_an_absolute_one_is_where_the_joints_are() -> None:
    actions = made('position', 'value')
    actions.begin(state([0.5, 0.4, 5.0]))  # the last one outside its range
    assert actions.share.tolist() == [0.5, 1.0]


def test_a_first_derivative_of_positions_counts_from_what_is_measured() -> None:
    actions = begun('position', 'first')
    assert actions.space.high == pytest.approx([SPEED] * 2)
    for _ in range(3):
        command = actions.command([0.5, -0.25], HERE)
        assert command == pytest.approx([0.02, 0.4, 0.99])


def test_increments_count_from_the_last_command() -> None:
    actions = begun('position')
    actions.command([0.02, -0.01], HERE)
    assert actions.command([0.02, -0.01], HERE) == pytest.approx([0.04, 0.4, 0.98])


@pytest.mark.parametrize(('interface', 'kind'), EVERY)
def test_after_a_pause_nothing_of_the_motion_before_is_resumed(interface: str, kind: str) -> None:
    actions = begun(interface, kind, smooth_s=0.5)
    high = actions.space.high
    for number in range(10):
        actions.command(high, state(HERE.position, stamp_ns=number * PERIOD_NS))
    there = state([0.1, 0.3, 0.9], stamp_ns=60_000_000_000)
    still = np.zeros(2) if kind != 'value' or interface == 'velocity' else there.position[[0, 2]]
    command = actions.command(still, there)
    expected = np.zeros(3) if interface == 'velocity' else there.position
    assert command == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(('interface', 'kind'), EVERY)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_whatever_the_actions_are_speed_ranges_and_shares_are_kept(
    interface: str, kind: str, data: Any
) -> None:
    actions = begun(interface, kind)
    measured = HERE
    low, high = actions.space.low, actions.space.high
    for number in range(30):
        share = data.draw(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2))
        action = (low + np.array(share) * (high - low)).astype(np.float32)
        command = actions.command(action, measured)
        assert np.isfinite(command).all()
        assert (np.abs(actions.share) <= 1.0 + 1e-6).all()
        speed = command
        if interface == 'position':
            speed = (command - measured.position) / PERIOD_S
        assert (np.abs(speed) <= SPEED + 1e-6).all()
        position = measured.position + speed * PERIOD_S
        assert -1.0 - 1e-9 <= position[0] <= 1.0 + 1e-9
        assert -1e-9 <= position[2] <= 2.0 + 1e-9
        assert position[1] == pytest.approx(0.4)
        measured = state(position, speed, (number + 1) * PERIOD_NS)


def test_a_low_pass_covers_63_percent_of_a_step_in_its_time_constant() -> None:
    actions = begun('velocity', smooth_s=0.2)
    found = [actions.command([0.5, 0.0], HERE)[0] for _ in range(5)]
    assert found[0] == pytest.approx(0.5 * (1.0 - math.exp(-0.2)))
    assert found[4] == pytest.approx(0.5 * (1.0 - math.exp(-1.0)))
    assert actions.share[0] == pytest.approx(found[4] / 0.5)


def test_a_moving_average_takes_as_many_steps_as_it_says() -> None:
    actions = begun('velocity', smooth_steps=4)
    found = [actions.command([0.4, 0.0], HERE)[0] for _ in range(5)]
    assert found == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])


def test_smoothed_absolute_positions_begin_where_the_joints_are() -> None:
    actions = begun('position', 'value', smooth_steps=2)
    actions.command([0.01, 1.0], HERE)
    assert actions.share == pytest.approx([0.005, 0.0])


@pytest.mark.parametrize(
    ('smoothing', 'sentence'),
    [
        ({'smooth_s': -0.1}, 'smooth_s'),
        ({'smooth_s': math.nan}, 'smooth_s'),
        ({'smooth_s': 11.0}, 'smooth_s'),
        ({'smooth_steps': 0}, 'smooth_steps'),
        ({'smooth_steps': 1.5}, 'smooth_steps'),
        ({'smooth_steps': 101}, 'smooth_steps'),
        ({'smooth_s': 0.1, 'smooth_steps': 2}, 'not by both'),
    ],
)
def test_a_smoothing_that_cannot_be_is_refused(smoothing: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ActionSettings(**smoothing)


@pytest.mark.parametrize(
    ('interface', 'kind', 'sentence'),
    [
        ('effort', None, "not 'effort'"),
        ('velocity', 'increment', "'value', 'first'"),
        ('position', 'second', "'increment', 'value', 'first'"),
    ],
)
def test_a_kind_that_an_interface_has_not_is_refused(
    interface: str, kind: str | None, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        made(interface, kind)
