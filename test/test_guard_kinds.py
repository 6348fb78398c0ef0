# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard's rules for efforts, and for robots that measure no positions; on its own clock."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace

import numpy as np
import pytest

from rl_bridge.robot_description import UNLIMITED
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.safety.guard_core import GuardCore
from rl_bridge.safety.guard_state import GuardCommand, Refusal, Tick
from rl_bridge.types import (
    CommandKind,
    FloatArray,
    Limits,
    RobotDescription,
    StateFields,
    StopReason,
    StopState,
    Workspace,
)

MS = 1_000_000
ARM = replace(
    fake_description(),
    limits=Limits(
        position_lower=np.array([-1.0, -1.0]),
        position_upper=np.array([1.0, 1.0]),
        velocity=np.array([1.0, 1.0]),
        acceleration=np.array([2.0, 2.0]),
        effort=np.array([10.0, 5.0]),
    ),
)
BASE = replace(
    ARM,
    joints=('linear', 'angular'),
    limits=replace(
        ARM.limits,
        position_lower=np.full(2, -UNLIMITED),
        position_upper=np.full(2, UNLIMITED),
    ),
    state_type='nav_msgs/msg/Odometry',
    state_fields=StateFields((), ('twist.twist.linear.x', 'twist.twist.angular.z')),
)


class Rig:
    """A guard whose bridge ticks and repeats its target, and whose robot is as the test says."""

    def __init__(
        self, robot: RobotDescription, kind: str, *, at: tuple[float, float] = (0.4, -0.3)
    ) -> None:
        self.core = GuardCore(robot, kind)
        self.kind = kind
        self.now = 10_000 * MS
        # Not zero: where the robot is must never be taken for what it is commanded.
        self.position = np.array(at if robot.measures_position else (0.0, 0.0))
        self.velocity = np.zeros(2)
        self.stamping: int | None = None  # None = no stamps; else the driver's stamp
        self.obeying = True
        self.target: list[float] | None = None
        self.published: list[FloatArray] = []
        self._count = 0
        self.run(20)
        assert self.send(CommandKind.BEGIN) is None
        self.run(20)

    def send(self, kind: CommandKind, *values: float) -> Refusal | None:
        self._count += 1
        command = GuardCommand(
            kind=kind,
            bridge_id='bridge',
            epoch=1,
            sequence=self._count,
            command=array('d', values),
            authority_ns=150 * MS if kind == CommandKind.MOVE else 0,
            stamp_ns=self.now,
        )
        return self.core.on_command(command, self.now)

    def run(self, ms: int) -> list[list[float]]:
        """Let time pass; returns what was published meanwhile."""
        published: list[list[float]] = []
        for _ in range(ms // 5):
            self.now += 5 * MS
            self._count += 1
            self.core.on_tick(Tick('bridge', self._count), self.now)
            header_ns = self.stamping or 0
            self.core.on_state(self.position, self.velocity, self.now, header_ns=header_ns)
            if self.target is not None:
                self.send(CommandKind.MOVE, *self.target)
            output = self.core.update(self.now).output
            if output is not None:
                published.append(output.tolist())
                if self.obeying and self.kind == 'velocity':
                    self.velocity = output.copy()
        return published

    @property
    def stop(self) -> tuple[StopState, StopReason]:
        return StopState(self.core.stop.state), StopReason(self.core.stop.reason)


RUNNING = (StopState.RUNNING, StopReason.NONE)


def test_an_effort_begins_with_none_and_is_published_at_once_as_it_is() -> None:
    rig = Rig(ARM, 'effort')
    assert rig.core.status(rig.now).output.tolist() == [0.0, 0.0]
    rig.target = [10.0, -5.0]
    assert rig.run(5) == [[10.0, -5.0]]
    assert rig.stop == RUNNING
    assert [10.0, -5.0] in rig.run(40), 'an unchanged effort is repeated'


@pytest.mark.parametrize('values', [(10.1, 0.0), (0.0, -5.1), (math.nan, 0.0)])
def test_an_effort_outside_its_limit_stops_and_is_never_published(
    values: tuple[float, float],
) -> None:
    rig = Rig(ARM, 'effort')
    rig.target = [1.0, 1.0]
    rig.run(20)
    rig.target = None
    refusal = rig.send(CommandKind.MOVE, *values)
    assert refusal is not None
    assert refusal.cause == 'value'
    assert rig.run(20)[0] == [0.0, 0.0]
    assert rig.stop[0] == StopState.STOPPED


@pytest.mark.parametrize('kind', [CommandKind.HOLD, CommandKind.HALT])
def test_a_stop_takes_every_effort_away_at_once_and_repeats_that(kind: CommandKind) -> None:
    rig = Rig(ARM, 'effort')
    rig.target = [8.0, 2.0]
    rig.velocity = np.array([0.3, 0.1])
    rig.run(50)
    rig.target = None
    rig.send(kind)
    published = rig.run(50)
    assert published == [[0.0, 0.0]] * 10, 'until the robot is measured at rest'


def test_an_effort_ends_with_its_authority() -> None:
    rig = Rig(ARM, 'effort')
    rig.target = [3.0, 3.0]
    rig.run(50)
    rig.target = None
    published = rig.run(200)
    assert rig.stop == (StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
    assert published[-1] == [0.0, 0.0]
    assert rig.send(CommandKind.MOVE, 2.0, 2.0) is None
    assert rig.run(5) == [[2.0, 2.0]], 'the next command resumes'


def test_a_robot_that_an_effort_does_not_move_is_not_frozen() -> None:
    rig = Rig(ARM, 'effort')
    rig.target = [3.0, 3.0]  # gravity holds against it
    rig.run(2000)
    assert rig.stop == RUNNING


@pytest.mark.parametrize(('robot', 'kind'), [(ARM, 'effort'), (BASE, 'velocity')])
def test_a_driver_that_repeats_one_stamp_is_frozen_whatever_it_measures(
    robot: RobotDescription, kind: str
) -> None:
    rig = Rig(robot, kind)
    rig.target = [0.5, 0.5]
    rig.stamping = 7
    rig.run(500)
    assert rig.stop == (StopState.STOPPED, StopReason.STATE_FROZEN)
    assert 'the stamp on joint_states has not changed' in rig.core.stop.message


def test_a_robot_under_effort_that_is_too_fast_or_out_of_its_range_is_stopped() -> None:
    rig = Rig(ARM, 'effort')
    rig.target = [3.0, 3.0]
    rig.run(20)
    rig.velocity = np.array([2.0, 0.0])
    rig.run(20)
    assert rig.stop == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    rig = Rig(ARM, 'effort')
    rig.target = [3.0, 3.0]
    for position in np.linspace(0.4, 1.1, 40):
        rig.position = np.array([position, -0.3])
        rig.run(10)
    assert rig.stop == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 'is measured at' in rig.core.stop.message


def test_under_effort_the_workspace_is_kept_by_how_the_robot_moves() -> None:
    # One metre of link about a vertical axis: at rest the tool is at x = 2 m.
    planar = replace(
        ARM,
        dh=np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]),
        workspace=Workspace(np.array([-3.0, -0.2, -1.0]), np.array([3.0, 0.2, 1.0])),
    )
    rig = Rig(planar, 'effort', at=(0.0, 0.0))
    rig.target = [3.0, 0.0]
    rig.run(50)
    assert rig.stop == RUNNING, 'an effort of 3 is no velocity of 3'
    rig.velocity = np.array([0.8, 0.0])
    rig.run(10)
    assert rig.stop == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 'would come to rest' in rig.core.stop.message


def test_a_base_is_slewed_like_any_joint_and_may_measure_the_same_speed_for_ever() -> None:
    rig = Rig(BASE, 'velocity')
    rig.target = [0.5, -1.0]
    steps = np.diff(np.array([[0.0, 0.0], *rig.run(3000)]), axis=0)
    assert np.abs(steps).max() <= 2.0 * 0.01 + 1e-9, 'the acceleration limit, two updates at most'
    assert rig.velocity.tolist() == [0.5, -1.0]
    assert rig.stop == RUNNING
    rig.target = None
    rig.run(200)
    assert rig.stop == (StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
    assert rig.velocity.tolist() == [0.0, 0.0]
    rig.run(300)
    assert rig.core.at_rest, 'standstill is verified from the measured speed'


def test_a_base_that_does_not_come_to_rest_is_a_fault() -> None:
    rig = Rig(BASE, 'velocity')
    rig.target = [0.5, 0.0]
    rig.run(500)
    rig.obeying = False
    rig.send(CommandKind.HALT)
    rig.target = None
    rig.run(1200)
    assert rig.stop == (StopState.FAULT, StopReason.NO_STANDSTILL)
