# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the guard makes of measured states, of the robot's own stop, and of company."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rl_bridge.events import StopEvent
from rl_bridge.safety.guard_core import GuardCore
from rl_bridge.safety.guard_state import GuardCommand, Refusal, RobotStop, Tick
from rl_bridge.types import (
    CommandKind,
    FloatArray,
    Limits,
    RobotDescription,
    SecondStage,
    StateChecks,
    StopReason,
    StopState,
    StopStatus,
    Workspace,
    forward_commands,
)

MS = 1_000_000
PERIOD = 5 * MS
#: Two links of 1 m and 0.5 m that turn about parallel axes: the tool is at x = 1.5 m first.
PLANAR = np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]])
ROBOT = RobotDescription(
    name='two_link',
    joints=('shoulder', 'elbow'),
    state_topic='joint_states',
    state_max_age_s=0.1,
    commands={
        'velocity': forward_commands('velocity', 'velocity/commands', 0.0, joints=2),
        'position': forward_commands('position', 'position/commands', 0.0, joints=2),
    },
    limits=Limits(
        position_lower=np.array([-1.0, -2.0]),
        position_upper=np.array([1.0, 2.0]),
        velocity=np.array([0.5, 1.0]),
        acceleration=np.array([2.0, 4.0]),
    ),
    standstill_speed=0.02,
    standstill_within_s=0.5,
    dh=PLANAR,
    state_checks=StateChecks(
        frozen_within_s=0.2, jump=0.03, position_tolerance=0.05, velocity_tolerance=0.5
    ),
)
STOP_STATUS = StopStatus('running', 'std_msgs/msg/Bool', 'data', (True,), 0.3)
WITH_STATUS = replace(ROBOT, stop_status=STOP_STATUS)


class Rig:
    """A guard with a robot that obeys, and everything that may go wrong with it."""

    def __init__(self, robot: RobotDescription = ROBOT, kind: str = 'velocity') -> None:
        self.core = GuardCore(robot, kind, guard_id='guard')
        self.kind = kind
        self.now = 10_000 * MS
        self.position, self.velocity = np.zeros(2), np.zeros(2)
        self.header_ns = 0
        self.obeying = self.ticking = self.measuring = True
        self.stamping = False
        self.target: list[float] | None = None
        self.sequence = self.count = 0
        self.published: list[FloatArray] = []
        self.events: dict[int, StopEvent] = {}
        self.second_stages = 0
        self.wrong: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]] | None = None

    def send(self, kind: CommandKind, values: list[float] | None = None) -> Refusal | None:
        self.sequence += 1
        return self.core.on_command(
            GuardCommand(
                kind=kind,
                bridge_id='bridge',
                epoch=1,
                episode=2,
                step=self.sequence,
                sequence=self.sequence,
                command=array('d', values or []),
                authority_ns=150 * MS if kind == CommandKind.MOVE else 0,
                stamp_ns=self.now,
            ),
            self.now,
        )

    def measure(self) -> None:
        position, velocity = self.position, self.velocity
        if self.wrong is not None:
            position, velocity = self.wrong(position, velocity)
        self.core.on_state(position, velocity, self.now, header_ns=self.header_ns)

    def run(self, ms: int) -> None:
        for _ in range(ms // 5):
            self.now += PERIOD
            if self.ticking:
                self.count += 1
                self.core.on_tick(Tick('bridge', self.count), self.now)
            if self.stamping:
                self.header_ns = self.now
            if self.measuring:
                self.measure()
            if self.target is not None and self.count % 8 == 0:
                self.send(CommandKind.MOVE, self.target)
            decision = self.core.update(self.now)
            self.second_stages += decision.second_stage
            if decision.output is not None:
                self.published.append(decision.output)
                if self.obeying and self.kind == 'velocity':
                    self.velocity = decision.output.copy()
                elif self.obeying:
                    self.position = decision.output.copy()
            if self.kind == 'velocity':
                self.position = self.position + self.velocity * 0.005
            self.events.update({event.count: event for event in self.core.take_events()})

    def drive(self, *target: float) -> None:
        self.run(20)
        assert self.send(CommandKind.BEGIN) is None
        self.target = list(target)
        self.run(150)
        assert self.state == StopState.RUNNING, self.core.stop

    @property
    def state(self) -> StopState:
        return StopState(self.core.stop.state)

    @property
    def reason(self) -> StopReason:
        return StopReason(self.core.stop.reason)

    @property
    def says(self) -> str:
        return self.core.stop.message


def moving(*target: float, robot: RobotDescription = ROBOT, kind: str = 'velocity') -> Rig:
    rig = Rig(robot, kind)
    rig.drive(*target)
    return rig


def drift(*each: float) -> Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Positions that are measured farther away with every state."""
    shift = np.zeros(2)

    def measured(position: FloatArray, velocity: FloatArray) -> tuple[FloatArray, FloatArray]:
        nonlocal shift
        shift = shift + each
        return position + shift, velocity

    return measured


# -- frozen ------------------------------------------------------------------------------------


@pytest.mark.fault(what='joint states frozen')
@pytest.mark.parametrize('kind', ['velocity', 'position'])
def test_values_that_never_change_while_the_robot_is_commanded_to_move_stop(kind: str) -> None:
    rig = moving(0.2, 0.4, kind=kind)
    rig.target = [-0.5, -0.5]  # far enough to be under way for a while
    rig.run(50)
    held = rig.position.copy()
    rig.wrong = lambda position, velocity: (held, np.array([0.2, 0.4]))
    rig.run(200)
    assert rig.state == StopState.RUNNING
    rig.run(30)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.STATE_FROZEN)
    assert 'the measured state on joint_states has not changed for 2' in rig.says


@pytest.mark.fault(what='joint states frozen')
def test_a_stamp_that_never_changes_while_the_robot_is_commanded_to_move_stops() -> None:
    rig = Rig()
    rig.stamping = True
    rig.drive(0.2, 0.4)
    rig.run(300)
    assert rig.state == StopState.RUNNING
    rig.stamping = False
    rig.run(250)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.STATE_FROZEN)
    assert 'the stamp on joint_states' in rig.says


def test_a_driver_that_sets_no_stamps_is_none_that_freezes() -> None:
    rig = moving(0.1, 0.2)
    rig.run(1000)
    assert rig.state == StopState.RUNNING


@pytest.mark.parametrize('kind', ['velocity', 'position'])
def test_a_robot_that_is_commanded_to_rest_may_measure_the_same_for_ever(kind: str) -> None:
    rig = moving(0.0, 0.0, kind=kind)
    rig.run(3000)
    assert rig.state == StopState.RUNNING
    rig.target = [0.2, 0.2]
    rig.run(1000)
    assert rig.state == StopState.RUNNING, 'the long rest does not count'


def test_a_robot_with_a_dead_time_is_not_frozen() -> None:
    rig = moving(0.0, 0.0)
    rig.run(1000)
    rig.obeying, rig.velocity = False, np.zeros(2)
    rig.target = [0.4, 0.4]
    rig.run(150)
    rig.obeying = True
    rig.run(1000)
    assert rig.state == StopState.RUNNING


# -- jump, limits, speed -----------------------------------------------------------------------


@pytest.mark.fault(what='joint states jump')
def test_a_position_that_jumps_stops_and_names_the_joint() -> None:
    rig = moving(0.2, 0.2)
    rig.wrong = drift(0.0, 0.1)
    rig.run(5)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.STATE_JUMP)
    assert rig.says.startswith('elbow is measured 0.1')


def test_a_position_that_is_not_believed_is_not_held_either() -> None:
    rig = moving(0.2, 0.2, kind='position')
    rig.run(500)
    before = rig.published[-1]
    rig.obeying, rig.wrong = False, drift(0.0, 0.9)
    rig.run(5)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.STATE_JUMP)
    assert rig.published[-1].tolist() == before.tolist()


@pytest.mark.parametrize('kind', [CommandKind.BEGIN, CommandKind.MOVE])
def test_no_motion_starts_from_a_position_that_is_not_believed(kind: CommandKind) -> None:
    rig = moving(0.2, 0.2, kind='position')
    rig.run(500)
    rig.target = None
    rig.run(500)
    assert rig.state == StopState.HOLD
    rig.obeying = False
    rig.position = rig.position + np.array([0.0, 0.9])
    rig.measure()
    refusal = rig.send(kind, [0.2, 0.2])
    assert refusal is not None
    assert 'jumped' in refusal.message
    rig.run(5)
    assert rig.send(kind, [0.2, 0.2]) is None  # the robot was put there: the next state fits


def test_states_that_come_in_a_burst_do_not_jump() -> None:
    robot = replace(ROBOT, state_checks=StateChecks())  # its own tolerance: what max_age allows
    rig = moving(0.5, 1.0, robot=robot)
    rig.measuring = False
    rig.run(80)
    rig.measuring = True
    for _ in range(3):  # the one that was late, and others at the same moment
        rig.position = rig.position + 0.005 * rig.velocity
        rig.measure()
    rig.run(100)
    assert rig.state == StopState.RUNNING


def test_a_robot_that_is_moved_by_hand_between_episodes_does_not_jump() -> None:
    rig = moving(0.0, 0.0)
    rig.target = None
    rig.run(500)
    rig.position = np.array([0.8, -0.8])
    rig.run(20)
    assert rig.state == StopState.HOLD
    rig.target = [0.1, 0.1]
    rig.run(200)
    assert rig.state == StopState.RUNNING


@pytest.mark.fault(
    what='measured position outside its limits',
    seen_by='guard',
    within='when it arrives',
    state='STOPPED, LIMIT_EXCEEDED',
    client='truncated, stop_reason',
    side='robot',
)
def test_a_joint_that_is_measured_outside_its_range_stops() -> None:
    rig = moving(0.2, 0.2)
    rig.wrong = drift(0.005, 0.0)
    rig.run(1200)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 'shoulder is measured at 1.0' in rig.says
    assert 'outside its limits [-1, 1] by more than 0.05' in rig.says


def test_a_robot_that_begins_outside_its_range_may_come_back_and_not_go_out_again() -> None:
    rig = Rig()
    rig.position = np.array([1.3, 0.0])
    rig.drive(-0.4, 0.0)
    rig.run(300)
    assert rig.state == StopState.RUNNING
    assert rig.position[0] < 1.2
    rig.wrong = drift(0.006, 0.0)
    rig.run(100)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)


@pytest.mark.fault(
    what='robot moves faster than its velocity limit',
    seen_by='guard',
    within='the second such state',
    state='STOPPED, LIMIT_EXCEEDED',
    client='truncated, stop_reason',
    side='robot',
)
def test_a_robot_that_is_measured_too_fast_twice_stops() -> None:
    rig = moving(0.2, 0.2)
    rig.wrong = lambda position, velocity: (position, np.array([0.0, 1.6]))
    rig.run(5)
    assert rig.state == StopState.RUNNING, 'a single one may be noise'
    rig.run(5)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 'elbow is measured at a velocity of 1.6, its limit is 1' in rig.says


# -- workspace ---------------------------------------------------------------------------------

BOX = replace(ROBOT, workspace=Workspace(np.array([-2.0, -0.2, -1.0]), np.array([2.0, 0.2, 1.0])))


@pytest.mark.fault(
    what='tool about to leave the workspace',
    seen_by='guard: forward kinematics of state and command',
    within='before it leaves, where it can still be braked',
    state='STOPPED, LIMIT_EXCEEDED',
    client='truncated, stop_reason',
    side='client',
)
def test_the_tool_comes_to_rest_before_it_leaves_the_workspace() -> None:
    rig = moving(0.3, 0.0, robot=BOX)
    rig.run(1000)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 'the tool would come to rest at (1.4' in rig.says
    height = float(1.5 * np.sin(rig.position[0]))
    assert 0.15 < height < 0.2


@pytest.mark.fault(
    what='tool outside the workspace',
    seen_by='guard: forward kinematics of the state',
    within='when the state arrives',
    state='STOPPED, LIMIT_EXCEEDED',
    client='truncated, stop_reason',
    side='robot',
)
def test_a_tool_that_is_measured_outside_the_workspace_stops() -> None:
    rig = moving(0.0, 0.0, robot=BOX)
    rig.wrong = drift(0.003, 0.0)
    rig.run(600)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 'the tool is measured at (' in rig.says


def test_a_tool_that_begins_outside_the_workspace_may_only_come_back_in() -> None:
    rig = Rig(BOX)
    rig.position = np.array([0.3, 0.0])
    rig.drive(-0.3, 0.0)
    rig.run(300)
    assert rig.state == StopState.RUNNING
    rig.target = [0.3, 0.0]
    rig.run(300)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)


def test_in_the_position_interface_the_tool_may_not_be_sent_out_of_the_workspace() -> None:
    rig = moving(0.0, 0.0, robot=BOX, kind='position')
    rig.target = [0.5, 0.0]
    rig.run(1000)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 1.5 * np.sin(rig.position[0]) < 0.21


# -- the robot's own stop, company, uncommanded motion ------------------------------------------


def guarded(robot: RobotDescription = WITH_STATUS) -> Rig:
    rig = Rig(robot)
    rig.core.on_robot_stop(RobotStop(True, 'data = True', rig.now))
    rig.drive(0.2, 0.2)
    return rig


def test_silence_of_the_robots_own_stop_counts_as_pressed() -> None:
    rig = guarded()
    rig.run(125)
    assert rig.state == StopState.RUNNING
    rig.run(10)
    assert (rig.state, rig.reason) == (StopState.ESTOP, StopReason.ROBOT_STOPPED)
    assert 'running has been silent for 3' in rig.says


def test_recover_while_it_is_pressed_changes_nothing() -> None:
    rig = guarded()
    rig.core.on_robot_stop(RobotStop(False, 'data = False', rig.now))
    rig.run(5)
    assert rig.state == StopState.ESTOP
    rig.send(CommandKind.RECOVER)
    assert rig.state == StopState.ESTOP
    rig.core.on_robot_stop(RobotStop(True, 'data = True', rig.now))
    rig.send(CommandKind.RECOVER)
    assert rig.state == StopState.STOPPED


def test_a_robot_whose_stop_was_never_told_is_held_first_and_then_stopped() -> None:
    rig = Rig(WITH_STATUS)
    rig.run(20)
    rig.send(CommandKind.BEGIN)
    rig.target = [0.2, 0.2]
    rig.run(300)
    assert (rig.state, rig.reason) == (StopState.HOLD, StopReason.ROBOT_STOPPED)
    rig.run(300)
    assert (rig.state, rig.reason) == (StopState.ESTOP, StopReason.ROBOT_STOPPED)
    assert not any(output.any() for output in rig.published)


def test_a_robot_of_which_nothing_is_heard_at_all_is_not_taken_for_stopped() -> None:
    rig = Rig(WITH_STATUS)
    rig.measuring = False
    rig.send(CommandKind.BEGIN)
    rig.run(3000)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.STATE_STALE)


def test_company_is_a_fault_for_as_long_as_it_stays() -> None:
    rig = moving(0.2, 0.2)
    rig.core.on_company('somebody else publishes')
    rig.run(5)
    assert (rig.state, rig.reason) == (StopState.FAULT, StopReason.NOT_ALONE)
    rig.target = None
    rig.run(300)
    rig.send(CommandKind.RECOVER)
    assert rig.state == StopState.FAULT
    rig.core.on_company('')
    rig.send(CommandKind.RECOVER)
    assert rig.state == StopState.STOPPED


def test_motion_before_any_begin_is_ended() -> None:
    rig = Rig()
    rig.velocity = np.array([0.2, 0.0])
    rig.run(100)
    assert rig.published == []
    rig.run(300)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.UNCOMMANDED_MOTION)
    assert rig.published
    assert not any(output.any() for output in rig.published)
    assert rig.core.at_rest
    published = len(rig.published)
    rig.run(300)
    assert len(rig.published) == published, 'and then nothing more'


def test_motion_that_somebody_else_commands_is_left_to_them() -> None:
    rig = Rig()
    rig.core.on_company('another node commands the robot')
    rig.velocity = np.array([0.2, 0.0])
    rig.run(500)
    assert rig.published == []
    assert rig.state == StopState.HOLD


def test_motion_that_does_not_end_becomes_a_fault_before_any_begin_too() -> None:
    rig = Rig()
    rig.obeying, rig.velocity = False, np.array([0.2, 0.0])
    rig.run(1000)
    assert (rig.state, rig.reason) == (StopState.FAULT, StopReason.NO_STANDSTILL)


def test_in_the_position_interface_it_is_held_where_it_is_measured() -> None:
    rig = Rig(kind='position')
    rig.obeying, rig.velocity = False, np.array([0.2, 0.0])
    rig.position = np.array([0.3, 0.4])
    rig.run(150)
    assert rig.reason == StopReason.UNCOMMANDED_MOTION
    np.testing.assert_array_equal(rig.published[-1], [0.3, 0.4])


def test_a_stopped_robot_that_moves_again_is_told_and_commanded_to_rest_again() -> None:
    rig = moving(0.2, 0.2)
    rig.target = None
    rig.send(CommandKind.HALT)
    rig.run(300)
    assert rig.core.at_rest
    published = len(rig.published)
    rig.velocity = np.array([0.0, 0.1])
    rig.obeying = False
    rig.run(150)
    assert rig.state == StopState.STOPPED
    assert len(rig.published) > published
    assert [event.reason for event in rig.events.values()][-1] == StopReason.UNCOMMANDED_MOTION
    rig.run(600)
    assert (rig.state, rig.reason) == (StopState.FAULT, StopReason.NO_STANDSTILL)


# -- how it stops, and what is recorded ----------------------------------------------------------

RAMP = replace(ROBOT, halt={'velocity': 'ramp', 'position': 'ramp'})


def test_a_ramp_goes_on_through_severer_stops_and_ends_at_rest() -> None:
    rig = moving(0.4, 0.8, robot=RAMP)
    rig.run(200)
    rig.target = None
    rig.send(CommandKind.HOLD)
    rig.run(50)
    rig.send(CommandKind.HALT)
    rig.run(300)
    speeds = np.array([output[0] for output in rig.published])
    falls = speeds[:-1] - speeds[1:]
    assert falls.max() <= 2.0 * 0.005 + 1e-9
    np.testing.assert_array_equal(rig.published[-1], [0.0, 0.0])
    assert rig.core.at_rest


def test_an_estop_does_not_wait_for_a_ramp() -> None:
    rig = guarded(replace(RAMP, stop_status=STOP_STATUS))
    rig.core.on_robot_stop(RobotStop(False, 'data = False', rig.now))
    rig.run(5)
    np.testing.assert_array_equal(rig.published[-1], [0.0, 0.0])


def test_a_move_in_a_ramp_goes_on_from_there() -> None:
    rig = moving(0.4, 0.4, robot=RAMP)
    rig.run(100)
    rig.target = None
    rig.send(CommandKind.HOLD)
    rig.run(50)
    slow = rig.published[-1][0]
    assert 0.2 < slow < 0.4
    rig.send(CommandKind.MOVE, [0.4, 0.4])
    rig.run(5)
    assert rig.state == StopState.RUNNING
    assert slow < rig.published[-1][0] <= slow + 2.0 * 0.005 + 1e-9


def test_in_the_position_interface_a_ramp_goes_on_along_its_way() -> None:
    rig = moving(0.0, 0.0, robot=RAMP, kind='position')
    rig.target = [0.8, 0.8]
    rig.run(200)
    rig.target = None
    rig.send(CommandKind.HALT)
    at = rig.published[-1]
    rig.run(5)
    assert rig.published[-1][0] > at[0]
    rig.run(600)
    # v^2 / (2 a): 0.5^2 / 4 and 1^2 / 8.
    np.testing.assert_allclose(rig.published[-1] - at, [0.0625, 0.125], atol=0.005)
    assert rig.core.at_rest


def test_the_second_stage_is_asked_for_until_it_was_called_and_only_in_motion() -> None:
    robot = replace(
        ROBOT, second_stage=SecondStage('disable', 'std_srvs/srv/Trigger', {}, after_s=0.2)
    )
    rig = moving(0.3, 0.3, robot=robot)
    rig.obeying, rig.target = False, None
    rig.send(CommandKind.HALT)
    rig.run(200)
    assert rig.second_stages == 0
    rig.run(10)
    assert rig.second_stages == 2
    rig.core.on_second_stage('disable was called', rig.now)
    rig.run(100)
    assert rig.second_stages == 2
    assert [event.kind for event in rig.events.values()][-1] == 'second stage'
    rig.obeying, rig.velocity = True, np.zeros(2)
    rig.run(300)
    rig.send(CommandKind.RECOVER)
    rig.send(CommandKind.BEGIN)
    rig.run(50)
    rig.send(CommandKind.HALT)
    rig.run(1000)
    assert rig.second_stages == 2, 'nothing moved'


def test_a_stop_is_recorded_from_its_detection_to_standstill() -> None:
    rig = moving(0.2, -0.2)
    rig.target = None
    rig.send(CommandKind.HALT)
    detected = rig.now
    (event,) = rig.core.take_events()
    assert (event.kind, event.before, event.state) == ('stop', 0, StopState.STOPPED)
    assert (event.reason, event.epoch, event.episode) == (StopReason.HALT_REQUESTED, 1, 2)
    assert (event.bridge_id, event.sequence) == ('bridge', rig.sequence - 1)
    assert list(event.command) == [0.2, -0.2]
    assert event.command_ns < detected
    assert list(event.output) == [0.2, -0.2]
    assert event.max_speed == pytest.approx(0.2)
    assert list(event.position) == pytest.approx(rig.position.tolist(), abs=0.002)
    assert (event.detected_ns, event.commanded_ns, event.standstill_ns) == (detected, 0, 0)
    rig.run(5)
    assert rig.events[1].commanded_ns == rig.now
    assert rig.events[1].standstill_ns == 0
    rig.run(300)
    assert rig.events[1].standstill_ns > rig.events[1].commanded_ns
    assert list(rig.events) == [1]


def test_a_severer_stop_is_recorded_beside_the_first_and_both_are_completed() -> None:
    rig = moving(0.2, 0.2)
    rig.target, rig.ticking = None, False
    rig.obeying = False
    rig.run(600)
    rig.obeying, rig.velocity = True, np.zeros(2)
    rig.run(300)
    reasons = [StopReason(event.reason).name for event in rig.events.values()]
    assert reasons == ['BRIDGE_SILENT', 'BRIDGE_SILENT', 'NO_STANDSTILL']
    states = [event.state for event in rig.events.values()]
    assert states == [StopState.HOLD, StopState.STOPPED, StopState.FAULT]
    assert all(event.standstill_ns >= event.detected_ns > 0 for event in rig.events.values())


def test_a_recovery_is_recorded_and_the_end_of_an_episode_is_not() -> None:
    rig = moving(0.2, 0.2)
    rig.target = None
    rig.send(CommandKind.HOLD)  # as at the end of an episode: IDLE
    rig.run(300)
    assert rig.events == {}
    rig.core.on_company('somebody')
    rig.run(5)
    rig.core.on_company('')
    rig.send(CommandKind.RECOVER)
    rig.run(5)
    assert [event.kind for event in rig.events.values()] == ['stop', 'recovery']
    assert rig.events[2].before == StopState.FAULT
    assert rig.events[2].state == StopState.STOPPED


def test_a_stop_that_is_resumed_before_standstill_stays_open_in_the_record() -> None:
    rig = moving(0.2, 0.2)
    rig.send(CommandKind.HALT)
    rig.obeying = False
    rig.run(30)
    rig.send(CommandKind.BEGIN)
    rig.obeying = True
    rig.run(300)
    assert rig.events[1].commanded_ns
    assert rig.events[1].standstill_ns == 0
