# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The fake robot: joints that follow the closed form, and stops as the guard's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from rl_bridge.errors import LimitError, RobotNotReady, RobotStopped
from rl_bridge.robots.fake_robot import FakeRobot
from rl_bridge.robots.robot import PlaceableRobot, Robot
from rl_bridge.types import Reading, StopReason, StopState

MS = 1_000_000


class Clock:
    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def begun(**options: Any) -> FakeRobot:
    robot = FakeRobot(**options)
    robot.begin(timeout_s=1.0)
    return robot


def test_it_is_a_robot_that_cannot_be_put_somewhere() -> None:
    robot: Robot = FakeRobot()
    assert not isinstance(robot, PlaceableRobot)


@pytest.mark.parametrize('steps', [1, 7])
def test_joints_follow_a_velocity_with_a_first_order_lag(steps: int) -> None:
    robot = begun(lag_s=0.1)
    robot.command(np.array([0.5, 0.0]), authority_s=1.0)
    for _ in range(steps):  # solved exactly: the steps do not matter
        robot.advance(0.2 / steps)
    state = robot.state()
    assert state.velocity == pytest.approx([0.5 * (1 - math.exp(-2)), 0.0])
    assert state.position == pytest.approx([0.5 * (0.2 - 0.1 * (1 - math.exp(-2))), 0.0])
    assert state.stamp_ns == pytest.approx(200 * MS, abs=10)


def test_joints_approach_a_position_with_a_first_order_lag() -> None:
    robot = begun(interface='position', lag_s=0.1, position=[1.0, 1.0])
    robot.command(np.array([2.0, 1.0]), authority_s=1.0)
    robot.advance(0.1)
    state = robot.state()
    assert state.position == pytest.approx([2.0 - math.exp(-1), 1.0])
    assert state.velocity == pytest.approx([math.exp(-1) / 0.1, 0.0])


@pytest.mark.parametrize('interface', ['velocity', 'position'])
def test_motion_ends_where_the_authority_ends(interface: str) -> None:
    clock = Clock()
    robot = begun(interface=interface, lock_step=False, clock_ns=clock)
    clock.now_ns = 100 * MS
    robot.command(np.array([0.5, 0.5]), authority_s=0.15)
    clock.now_ns = 250 * MS
    assert robot.stop().state == StopState.RUNNING
    moved = robot.state().position
    clock.now_ns = 251 * MS
    assert robot.stop().state == StopState.HOLD
    assert robot.stop().reason == StopReason.AUTHORITY_EXPIRED
    clock.now_ns = 5_000 * MS
    state = robot.state()
    assert np.abs(state.velocity).max() < 1e-9
    assert np.abs(state.position - moved).max() < 0.5 * 0.03 + 0.001
    robot.command(np.array([0.5, 0.5]), authority_s=0.15)  # resumes
    assert robot.stop().state == StopState.RUNNING


def test_nothing_moves_before_a_begin_and_after_a_halt() -> None:
    robot = FakeRobot()
    robot.halt(reason=StopReason.HALT_REQUESTED, message='enough')
    with pytest.raises(RobotStopped, match='enough') as caught:
        robot.command(np.zeros(2), authority_s=0.1)
    assert caught.value.reason == StopReason.HALT_REQUESTED
    assert robot.commands == []
    robot.begin(timeout_s=1.0)
    robot.command(np.zeros(2), authority_s=0.1)
    assert robot.begins == 1


def test_a_halt_between_announcing_and_beginning_is_not_cleared() -> None:
    robot = FakeRobot()
    robot.note(epoch=1, episode=1, step=0)
    robot.halt(reason=StopReason.HALT_REQUESTED, message='just in time')
    with pytest.raises(RobotStopped, match='just in time'):
        robot.begin(timeout_s=1.0)
    robot.note(epoch=1, episode=2, step=0)
    robot.begin(timeout_s=1.0)


def test_a_fault_needs_recover_and_begin() -> None:
    robot = begun()
    robot.stop_with(StopState.FAULT, StopReason.NO_STANDSTILL)
    with pytest.raises(RobotStopped):
        robot.begin(timeout_s=1.0)
    robot.recover()
    assert robot.stop().state == StopState.STOPPED
    robot.begin(timeout_s=1.0)
    assert robot.stop().state == StopState.RUNNING


def test_a_command_outside_the_limits_is_refused() -> None:
    robot = begun()
    for wrong in ([1.5, 0.0], [math.nan, 0.0], [0.0]):
        with pytest.raises(LimitError):
            robot.command(np.array(wrong), authority_s=0.1)
    assert robot.commands == []


def test_what_reached_the_robot_is_kept_with_what_it_belonged_to() -> None:
    robot = begun()
    robot.note(epoch=5, episode=2, step=9)
    robot.command(np.array([0.25, 0.0]), authority_s=0.15)
    (noted,) = robot.commands
    assert noted.values.tolist() == [0.25, 0.0]
    assert (noted.epoch, noted.episode, noted.step, noted.authority_s) == (5, 2, 9, 0.15)
    robot.hold(reason=StopReason.IDLE, message='pause')
    assert robot.holds == [(StopReason.IDLE, 'pause')]


def test_stale_and_silent_are_refusals() -> None:
    robot = FakeRobot()
    robot.stale = True
    with pytest.raises(RobotNotReady):
        robot.connect(timeout_s=1.0)
    with pytest.raises(RobotNotReady):
        robot.state()
    robot.silent = True
    with pytest.raises(RobotNotReady):
        robot.begin(timeout_s=1.0)


def test_a_stuck_robot_does_not_move() -> None:
    robot = begun()
    robot.stuck = True
    robot.command(np.array([0.5, 0.5]), authority_s=1.0)
    robot.advance(1.0)
    assert robot.state().position.tolist() == [0.0, 0.0]
    assert robot.state().velocity.tolist() == [0.0, 0.0]


def test_an_effort_ends_in_a_speed_and_without_one_the_robot_comes_to_rest() -> None:
    robot = FakeRobot(interface='effort')
    robot.begin(timeout_s=1.0)
    robot.command(np.array([0.5, -0.5]), authority_s=0.15)
    robot.advance(1.0)
    np.testing.assert_allclose(robot.state().velocity, [0.5, -0.5], atol=1e-9)
    robot.hold(reason=StopReason.IDLE, message='')
    robot.advance(1.0)
    np.testing.assert_allclose(robot.state().velocity, 0.0, atol=1e-9)
    with pytest.raises(LimitError, match=r'effort 1\.5 of joint 0'):
        robot.command(np.array([1.5, 0.0]), authority_s=0.15)


def test_its_state_has_the_sensors_that_a_test_gave_it() -> None:
    robot = FakeRobot()
    reading = Reading(np.array([1.0, 2.0]), 5)
    robot.sensors['scan'] = reading
    state = robot.state()
    assert state.sensors == {'scan': reading}
    robot.sensors.clear()
    assert state.sensors == {'scan': reading}, 'a state that was taken stays as it is'
