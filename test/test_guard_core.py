# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard without ROS, rule by rule, on a clock of its own."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np
import pytest

from rl_bridge.errors import ConfigError
from rl_bridge.safety.guard_core import GuardCore
from rl_bridge.safety.guard_state import GuardCommand, GuardConfig, Refusal, Tick
from rl_bridge.types import (
    CommandKind,
    FloatArray,
    Limits,
    RobotDescription,
    Stop,
    StopReason,
    StopState,
    forward_commands,
)

MS = 1_000_000
PERIOD = 5 * MS
AUTHORITY = 150 * MS

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
)


class Rig:
    """A guard with a clock, a robot that can be set and a bridge that ticks until told not to."""

    def __init__(self, kind: str = 'velocity', robot: RobotDescription = ROBOT) -> None:
        self.core = GuardCore(robot, kind, guard_id='guard')
        self.now = 10_000 * MS
        self.position = [0.0, 0.0]
        self.velocity = [0.0, 0.0]
        self.ticking = True
        self.measuring = True
        self.sequence = 0
        self.count = 0
        self.published: list[FloatArray] = []

    def send(
        self,
        kind: CommandKind,
        values: Sequence[float] = (),
        *,
        epoch: int = 1,
        bridge: str = 'bridge',
        sequence: int | None = None,
        authority: int = AUTHORITY,
        stamp: int | None = None,
        reason: int = 0,
        message: str = '',
    ) -> Refusal | None:
        self.sequence += 1
        return self.core.on_command(
            GuardCommand(
                kind=kind,
                bridge_id=bridge,
                epoch=epoch,
                sequence=self.sequence if sequence is None else sequence,
                command=array('d', values),
                authority_ns=authority if kind == CommandKind.MOVE else 0,
                stamp_ns=self.now if stamp is None else stamp,
                reason=reason,
                message=message,
            ),
            self.now,
        )

    def begin(self, **options: object) -> Refusal | None:
        return self.send(CommandKind.BEGIN, **options)  # type: ignore[arg-type]

    def move(self, *values: float, **options: object) -> Refusal | None:
        return self.send(CommandKind.MOVE, values, **options)  # type: ignore[arg-type]

    def measure(self) -> None:
        self.core.on_state(np.array(self.position), np.array(self.velocity), self.now)

    def run(self, ms: int) -> list[FloatArray]:
        """Let time pass; returns what was published meanwhile."""
        published = []
        for _ in range(ms // 5):
            self.now += PERIOD
            if self.ticking:
                self.count += 1
                self.core.on_tick(Tick('bridge', self.count), self.now)
            if self.measuring:
                self.measure()
            output = self.core.update(self.now).output
            if output is not None:
                published.append(output)
        self.published += published
        return published

    @property
    def state(self) -> StopState:
        return StopState(self.core.stop.state)

    @property
    def reason(self) -> StopReason:
        return StopReason(self.core.stop.reason)

    @property
    def output(self) -> list[float]:
        return list(self.core.status(self.now).output)


def moving(kind: str = 'velocity', at: Sequence[float] = (0.0, 0.0)) -> Rig:
    """A rig whose robot moves at its commanded speed."""
    rig = Rig(kind)
    rig.position = list(at)
    rig.run(20)
    assert rig.begin() is None
    assert rig.move(0.4, -0.4) is None
    rig.velocity = [0.4, -0.4]
    rig.run(100)
    assert rig.state == StopState.RUNNING
    return rig


def accepted(refusal: Refusal | None) -> bool:
    return refusal is None


def cause(refusal: Refusal | None) -> str:
    assert refusal is not None
    return refusal.cause


def test_an_interface_that_the_robot_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no command interface 'effort'.*position, velocity"):
        GuardCore(ROBOT, 'effort')


def test_before_the_first_begin_it_holds_and_publishes_nothing() -> None:
    rig = Rig()
    assert cause(rig.move(0.1, 0.1)) == 'bridge'
    assert rig.run(1000) == []
    assert (rig.state, rig.reason) == (StopState.HOLD, StopReason.IDLE)
    assert rig.core.at_rest


def test_begin_and_move_slew_to_the_target_at_the_acceleration_limit() -> None:
    rig = Rig()
    rig.run(20)
    assert accepted(rig.begin())
    np.testing.assert_array_equal(rig.run(5), [[0.0, 0.0]])
    assert accepted(rig.move(0.4, -0.4))
    first, second = rig.run(10)
    np.testing.assert_allclose(first, [0.01, -0.02])
    np.testing.assert_allclose(second, [0.02, -0.04])
    rig.run(100)
    rig.move(0.4, -0.4)
    rig.run(100)
    assert rig.output == [0.4, -0.4]


def test_in_the_position_interface_it_slews_at_the_velocity_limit_from_the_measured_position() -> (
    None
):
    rig = Rig('position')
    rig.position = [0.3, 0.3]
    rig.run(20)
    assert accepted(rig.begin())
    np.testing.assert_array_equal(rig.run(5), [[0.3, 0.3]])
    assert accepted(rig.move(0.8, -0.8))
    np.testing.assert_allclose(rig.run(5), [[0.3025, 0.295]])


def test_an_unchanged_output_is_repeated_for_controllers_with_a_time_out() -> None:
    rig = moving()
    rig.run(50)
    rig.move(0.4, -0.4)
    rig.run(100)
    repeated = rig.run(40)
    assert 1 <= len(repeated) <= 3
    np.testing.assert_array_equal(repeated[0], [0.4, -0.4])


def test_a_controllers_short_time_out_shortens_the_repetition() -> None:
    commands = {'velocity': forward_commands('velocity', 'velocity/commands', 0.015, joints=2)}
    robot = RobotDescription(
        name='fast', joints=ROBOT.joints, state_topic='s', state_max_age_s=0.1, commands=commands,
        limits=ROBOT.limits, standstill_speed=0.02, standstill_within_s=0.5,
    )  # fmt: skip
    rig = Rig('velocity', robot)
    rig.run(20)
    rig.begin()
    assert len(rig.run(100)) == 20


def test_motion_ends_with_the_authority_and_the_next_move_resumes() -> None:
    rig = moving()
    assert accepted(rig.move(0.4, -0.4))
    rig.run(150)
    assert rig.state == StopState.RUNNING
    stopping = rig.run(5)
    assert (rig.state, rig.reason) == (StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
    np.testing.assert_array_equal(stopping, [[0.0, 0.0]])
    assert accepted(rig.move(0.4, -0.4))
    np.testing.assert_allclose(rig.run(5), [[0.01, -0.02]])
    assert rig.state == StopState.RUNNING


def test_the_time_a_command_was_under_way_counts_as_used_authority() -> None:
    rig = moving()
    assert accepted(rig.move(0.1, 0.1, stamp=rig.now - 100 * MS))
    rig.run(50)
    assert rig.state == StopState.RUNNING
    rig.run(5)
    assert rig.reason == StopReason.AUTHORITY_EXPIRED


def test_a_begin_without_moves_holds_again_and_the_first_move_resumes() -> None:
    rig = Rig()
    rig.run(20)
    rig.begin()
    rig.run(10)
    assert rig.state == StopState.RUNNING
    rig.run(2000)
    assert (rig.state, rig.reason) == (StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
    assert rig.core.at_rest
    assert accepted(rig.move(0.1, 0.1))


@pytest.mark.parametrize('kind', ['velocity', 'position'])
@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_a_command_that_is_not_finite_stops_and_nothing_of_it_is_published(
    kind: str, value: float
) -> None:
    rig = moving(kind, at=(0.2, 0.2))
    assert cause(rig.move(0.1, value)) == 'value'
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.COMMAND_INVALID)
    expected = [0.0, 0.0] if kind == 'velocity' else [0.2, 0.2]
    assert [list(output) for output in rig.run(20)] == [expected] * 4
    assert cause(rig.move(0.1, 0.1)) == 'stopped'


@pytest.mark.parametrize('values', [[], [0.1], [0.1, 0.1, 0.1]])
def test_a_command_of_another_shape_stops(values: list[float]) -> None:
    rig = moving()
    assert cause(rig.move(*values)) == 'value'
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.COMMAND_INVALID)


def test_a_command_outside_the_limits_stops_and_names_the_joint() -> None:
    rig = moving()
    assert cause(rig.move(0.1, 1.01)) == 'value'
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 'velocity 1.01 of joint 1 (elbow)' in rig.core.stop.message


def test_a_second_bridge_is_refused_while_the_first_is_alive_and_taken_when_it_is_dead() -> None:
    rig = moving()
    assert cause(rig.begin(bridge='other', epoch=2)) == 'bridge'
    assert cause(rig.move(0.1, 0.1, bridge='other', epoch=2)) == 'bridge'
    assert cause(rig.send(CommandKind.HALT, bridge='other', epoch=2)) == 'bridge'
    assert rig.state == StopState.RUNNING
    rig.ticking = False
    rig.velocity = [0.0, 0.0]
    rig.run(495)
    assert cause(rig.begin(bridge='other', epoch=2)) == 'bridge'
    rig.run(20)
    assert accepted(rig.begin(bridge='other', epoch=2, sequence=1))
    assert rig.core.status(rig.now).bridge_id == 'other'
    rig.sequence = 1
    assert accepted(rig.move(0.1, 0.1, bridge='other', epoch=2))
    assert cause(rig.move(0.1, 0.1, epoch=2)) == 'bridge'


def test_a_dead_bridges_old_begin_cannot_come_back() -> None:
    rig = moving()
    rig.ticking = False
    rig.velocity = [0.0, 0.0]
    rig.run(600)
    assert accepted(rig.begin(bridge='other', epoch=5))
    rig.run(600)
    assert cause(rig.begin(epoch=1)) == 'epoch'


def test_a_command_without_a_bridge_id_is_refused() -> None:
    assert cause(Rig().begin(bridge='')) == 'bridge'


def test_an_older_epoch_is_refused() -> None:
    rig = moving()
    assert accepted(rig.begin(epoch=2))
    assert accepted(rig.move(0.1, 0.1, epoch=2))
    for kind in CommandKind:
        assert cause(rig.send(kind, [0.1, 0.1], epoch=1)) == 'epoch'


def test_a_halt_of_a_newer_epoch_fences_the_older_one() -> None:
    rig = moving()
    assert accepted(rig.send(CommandKind.HOLD, epoch=2, reason=StopReason.TAKEOVER))
    assert rig.reason == StopReason.TAKEOVER
    assert cause(rig.move(0.1, 0.1, epoch=1)) == 'epoch'
    assert cause(rig.move(0.1, 0.1, epoch=2)) == 'begin'
    assert accepted(rig.begin(epoch=2))
    assert accepted(rig.move(0.1, 0.1, epoch=2))


def test_a_move_of_an_epoch_that_has_not_begun_is_refused() -> None:
    rig = moving()
    assert cause(rig.move(0.1, 0.1, epoch=2)) == 'begin'
    assert accepted(rig.move(0.1, 0.1, epoch=1))


def test_a_replayed_sequence_is_refused() -> None:
    rig = moving()
    assert accepted(rig.move(0.3, -0.1, sequence=100))
    assert cause(rig.move(0.2, 0.2, sequence=100)) == 'sequence'
    assert cause(rig.move(0.2, 0.2, sequence=99)) == 'sequence'
    assert cause(rig.send(CommandKind.BEGIN, sequence=1)) == 'sequence'
    assert rig.core.rejected == 3
    rig.run(100)
    assert rig.output == [0.3, -0.1]


@pytest.mark.parametrize('authority', [0, -1, 2_000 * MS + 1])
def test_an_authority_outside_its_range_is_refused(authority: int) -> None:
    rig = moving()
    assert cause(rig.move(0.1, 0.1, authority=authority)) == 'authority'


def test_a_move_that_was_under_way_too_long_is_refused_without_a_stop() -> None:
    rig = moving()
    assert cause(rig.move(0.1, 0.1, stamp=rig.now - AUTHORITY - 1)) == 'age'
    assert rig.state == StopState.RUNNING


def test_a_stamp_of_another_hosts_clock_is_refused() -> None:
    rig = moving()
    refusal = rig.move(0.1, 0.1, stamp=rig.now + 50 * MS)
    assert cause(refusal) == 'age'
    assert 'one host' in str(refusal)


def test_a_move_without_a_stamp_counts_from_its_arrival() -> None:
    rig = moving()
    assert accepted(rig.move(0.1, 0.1, stamp=0))
    rig.run(150)
    assert rig.state == StopState.RUNNING


def test_an_unknown_kind_is_refused() -> None:
    rig = moving()
    assert cause(rig.send(9)) == 'kind'  # type: ignore[arg-type]


@pytest.mark.parametrize('kind', ['velocity', 'position'])
def test_a_halt_is_latched_until_begin_and_stops_at_once(kind: str) -> None:
    rig = moving(kind, at=(0.1, 0.2))
    assert accepted(rig.send(CommandKind.HALT, reason=StopReason.CLIENT_CLOSED, message='bye'))
    assert rig.core.stop == Stop(StopState.STOPPED, StopReason.CLIENT_CLOSED, 'bye')
    expected = [0.0, 0.0] if kind == 'velocity' else [0.1, 0.2]
    assert list(rig.run(5)[0]) == expected
    assert cause(rig.move(0.1, 0.1)) == 'stopped'
    assert accepted(rig.begin())
    assert accepted(rig.move(0.1, 0.1))


@pytest.mark.parametrize(
    ('kind', 'given', 'reported'),
    [
        (CommandKind.HOLD, 0, StopReason.IDLE),
        (CommandKind.HALT, 0, StopReason.HALT_REQUESTED),
        (CommandKind.HALT, 200, StopReason.HALT_REQUESTED),
        (CommandKind.HALT, StopReason.LEASE_EXPIRED, StopReason.LEASE_EXPIRED),
    ],
)
def test_a_halt_always_has_a_reason(kind: CommandKind, given: int, reported: StopReason) -> None:
    rig = moving()
    assert accepted(rig.send(kind, reason=given))
    assert rig.reason == reported


def test_a_silent_bridge_is_held_and_then_stopped() -> None:
    rig = moving()
    rig.ticking = False
    rig.move(0.4, -0.4, authority=2_000 * MS)
    rig.run(60)
    assert rig.state == StopState.RUNNING
    assert list(rig.run(5)[0]) == [0.0, 0.0]
    assert (rig.state, rig.reason) == (StopState.HOLD, StopReason.BRIDGE_SILENT)
    assert cause(rig.move(0.1, 0.1)) == 'check'
    rig.velocity = [0.0, 0.0]
    rig.run(435)
    assert rig.state == StopState.HOLD
    rig.run(5)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.BRIDGE_SILENT)


def test_a_bridge_that_ticks_again_in_time_goes_on() -> None:
    rig = moving()
    rig.ticking = False
    rig.run(100)
    assert rig.state == StopState.HOLD
    rig.ticking = True
    rig.run(5)
    assert accepted(rig.move(0.1, 0.1))
    assert rig.state == StopState.RUNNING


def test_repeated_and_foreign_ticks_are_no_sign_of_life() -> None:
    rig = moving()
    rig.ticking = False
    rig.move(0.4, -0.4, authority=2_000 * MS)
    for _ in range(14):
        rig.core.on_tick(Tick('bridge', rig.count), rig.now)
        rig.core.on_tick(Tick('other', 10_000), rig.now)
        rig.run(5)
    assert rig.reason == StopReason.BRIDGE_SILENT


def test_a_stale_state_is_held_and_then_stopped() -> None:
    rig = moving()
    rig.measuring = False
    rig.move(0.4, -0.4, authority=2_000 * MS)
    rig.run(100)
    assert rig.state == StopState.RUNNING
    assert list(rig.run(5)[0]) == [0.0, 0.0]
    assert (rig.state, rig.reason) == (StopState.HOLD, StopReason.STATE_STALE)
    assert 'joint_states is 105 ms old, its limit is 100 ms' in rig.core.stop.message
    refusal = rig.move(0.1, 0.1)
    assert cause(refusal) == 'check'
    rig.run(500)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.STATE_STALE)


def test_a_stop_with_a_stale_state_holds_the_last_commanded_position() -> None:
    rig = moving('position')
    rig.position = [0.9, 0.9]
    rig.measuring = False
    last = rig.output
    rig.move(0.8, -0.8, authority=2_000 * MS)
    rig.run(100)
    assert rig.output != last
    held = rig.output
    rig.run(20)
    assert rig.reason == StopReason.STATE_STALE
    assert rig.output == held


def test_begin_without_any_state_says_so_and_never_moves() -> None:
    rig = Rig('position')
    rig.measuring = False
    assert accepted(rig.begin())
    assert rig.run(5) == []
    assert (rig.state, rig.reason) == (StopState.HOLD, StopReason.STATE_STALE)
    assert 'no measured state has come on joint_states yet' in rig.core.stop.message
    assert cause(rig.move(0.1, 0.1)) == 'check'
    rig.run(700)
    assert rig.state == StopState.STOPPED
    rig.run(2000)
    assert rig.state == StopState.STOPPED
    assert rig.published == []


@pytest.mark.fault(
    what='joint state not finite',
    seen_by='guard',
    within='when it arrives',
    state='STOPPED, STATE_INVALID',
    client='truncated with the last good observation, stop_reason',
    side='robot',
)
@pytest.mark.parametrize('bad', [[math.nan, 0.0], [math.inf, 0.0], [0.0]])
@pytest.mark.parametrize('field', ['position', 'velocity'])
def test_a_state_that_cannot_be_used_stops(field: str, bad: list[float]) -> None:
    rig = moving()
    setattr(rig, field, bad)
    rig.run(5)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.STATE_INVALID)


def test_before_a_bridge_is_bound_a_bad_state_changes_nothing() -> None:
    rig = Rig()
    rig.position = [math.nan, 0.0]
    rig.run(5)
    assert rig.reason == StopReason.IDLE


@pytest.mark.parametrize('kind', ['velocity', 'position'])
def test_the_stop_output_is_repeated_until_standstill_is_verified(kind: str) -> None:
    rig = moving(kind)
    rig.send(CommandKind.HALT)
    halted = rig.now
    assert len(rig.run(100)) == 20
    rig.velocity = [0.0, 0.01]
    slow_from = rig.now + PERIOD
    assert len(rig.run(100)) == 20
    assert not rig.core.at_rest
    rig.run(5)
    assert rig.core.at_rest
    assert rig.run(500) == []
    status = rig.core.status(rig.now)
    assert status.standstill
    assert status.detected_ns == halted
    assert status.commanded_ns == halted + PERIOD
    assert status.standstill_ns == slow_from
    assert rig.state == StopState.STOPPED


def test_a_robot_that_speeds_up_again_is_not_at_standstill() -> None:
    rig = moving()
    rig.send(CommandKind.HALT)
    for _ in range(4):
        rig.velocity = [0.0, 0.0]
        rig.run(90)
        rig.velocity = [0.0, 0.1]
        rig.run(5)
    assert not rig.core.at_rest
    assert rig.core.status(rig.now).standstill_ns == 0


def test_a_robot_that_does_not_come_to_rest_is_a_fault_until_recover_and_begin() -> None:
    rig = moving()
    rig.send(CommandKind.HALT, message='test')
    rig.run(500)
    assert rig.state == StopState.STOPPED
    rig.run(5)
    assert (rig.state, rig.reason) == (StopState.FAULT, StopReason.NO_STANDSTILL)
    assert 'its fastest joint moves at 0.4' in rig.core.stop.message
    assert cause(rig.begin()) == 'stopped'
    assert accepted(rig.send(CommandKind.RECOVER))
    rig.run(5)
    assert rig.state == StopState.FAULT, 'it still moves'
    rig.velocity = [0.0, 0.0]
    rig.run(200)
    assert rig.state == StopState.FAULT, 'latched'
    assert accepted(rig.send(CommandKind.RECOVER))
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.NO_STANDSTILL)
    assert cause(rig.move(0.1, 0.1)) == 'stopped'
    assert accepted(rig.begin())
    assert rig.state == StopState.RUNNING


def test_a_fault_outlives_its_bridge_and_the_next_bridge_can_recover_it() -> None:
    rig = moving()
    rig.ticking = False
    rig.run(700)
    assert rig.state == StopState.FAULT
    rig.velocity = [0.0, 0.0]
    rig.run(200)
    assert cause(rig.begin(bridge='other', epoch=2)) == 'stopped'
    assert accepted(rig.send(CommandKind.RECOVER, bridge='other', epoch=2))
    assert cause(rig.move(0.1, 0.1, bridge='other', epoch=2)) == 'begin'
    assert accepted(rig.begin(bridge='other', epoch=2))
    assert accepted(rig.move(0.1, 0.1, bridge='other', epoch=2))


def test_a_moving_robot_whose_state_is_lost_is_a_fault() -> None:
    rig = moving()
    rig.measuring = False
    rig.run(1000)
    assert (rig.state, rig.reason) == (StopState.FAULT, StopReason.NO_STANDSTILL)
    assert 'its state is not known' in rig.core.stop.message


def test_a_robot_at_rest_whose_state_is_lost_is_stopped_without_a_fault() -> None:
    rig = moving()
    rig.send(CommandKind.HOLD)
    rig.velocity = [0.0, 0.0]
    rig.run(200)
    assert rig.core.at_rest
    rig.measuring = False
    rig.run(3000)
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.STATE_STALE)


def test_a_joint_is_braked_before_its_position_limit_without_a_stop() -> None:
    rig = Rig()
    rig.position = [0.8, 0.0]
    rig.run(20)
    rig.begin()
    for _ in range(600):
        assert accepted(rig.move(0.5, 0.0))
        rig.run(5)
        rig.velocity = rig.output
        rig.position = [p + v * 0.005 for p, v in zip(rig.position, rig.velocity, strict=True)]
        assert rig.position[0] <= 1.0
    assert rig.position[0] == pytest.approx(1.0, abs=0.01)
    assert rig.output[0] == pytest.approx(0.0, abs=0.01)
    assert rig.state == StopState.RUNNING
    assert rig.core.status(rig.now).limited > 0
    assert accepted(rig.move(-0.5, 0.0))
    rig.run(100)
    assert rig.output[0] < -0.1, 'the way back is open'


def test_in_the_position_interface_a_robot_outside_its_range_is_not_pulled_back() -> None:
    rig = Rig('position')
    rig.position = [1.2, 0.0]
    rig.run(20)
    assert accepted(rig.begin())
    assert (rig.state, rig.reason) == (StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert 'shoulder is measured at 1.2' in rig.core.stop.message
    assert cause(rig.move(0.9, 0.0)) == 'stopped'


def test_a_begin_on_a_stale_state_does_not_go_back_to_an_old_position() -> None:
    rig = moving('position')
    rig.velocity = [0.0, 0.0]
    rig.send(CommandKind.HALT)
    rig.run(200)
    rig.measuring = False
    rig.run(300)
    rig.published.clear()
    assert accepted(rig.begin())
    assert (rig.state, rig.reason) == (StopState.HOLD, StopReason.STATE_STALE)
    rig.position = [0.7, 0.7]
    rig.measure()
    rig.measuring = True
    rig.run(20)
    assert accepted(rig.move(0.7, 0.7))
    rig.run(20)
    assert rig.published
    assert all(list(output) == [0.7, 0.7] for output in rig.published)


def test_a_late_update_does_not_turn_into_one_large_step() -> None:
    rig = moving()
    before = rig.output
    rig.now += 90 * MS
    rig.measure()
    rig.core.on_tick(Tick('bridge', rig.count + 1), rig.now)
    rig.count += 1
    rig.move(-0.5, 0.5)
    output = rig.core.update(rig.now).output
    assert output is not None
    np.testing.assert_allclose(output - before, [-0.02, 0.04])


def test_begin_during_motion_publishes_rest_first() -> None:
    rig = moving()
    assert accepted(rig.begin())
    assert list(rig.run(5)[0]) == [0.0, 0.0]


def test_after_a_hold_the_old_target_is_forgotten() -> None:
    rig = moving('position')
    rig.position, rig.velocity = [0.05, -0.05], [0.0, 0.0]
    rig.run(300)
    assert rig.state == StopState.HOLD
    rig.position = [-0.5, 0.5]
    rig.run(300)
    rig.measure()
    assert accepted(rig.move(-0.5, 0.5))
    for output in rig.run(50):
        np.testing.assert_array_equal(output, [-0.5, 0.5])


def test_a_target_that_was_never_reached_counts_as_limited_once() -> None:
    rig = Rig()
    rig.run(20)
    rig.begin()
    rig.move(0.5, 0.0)
    rig.run(20)
    rig.move(0.5, 0.0)
    rig.run(20)
    assert rig.core.status(rig.now).limited == 1


def test_the_status_tells_everything_and_changes_are_announced_once() -> None:
    rig = Rig()
    assert rig.core.update(rig.now).changed
    assert not rig.core.update(rig.now).changed
    rig.measure()
    rig.begin()
    assert rig.core.update(rig.now).changed
    assert not rig.core.update(rig.now).changed
    rig.move(0.1, 0.1)
    status = rig.core.status(rig.now)
    assert (status.guard_id, status.bridge_id) == ('guard', 'bridge')
    assert (status.epoch, status.sequence) == (1, 2)
    assert status.stop.state == StopState.RUNNING
    assert list(status.output) == [0.0, 0.0]
    assert status.stamp_ns == rig.now
    rig.velocity = [0.3, -0.4]
    rig.measure()
    assert rig.core.status(rig.now).max_speed == 0.4
    assert not rig.core.status(rig.now).standstill


def test_a_begin_of_the_same_state_is_confirmed_by_its_sequence() -> None:
    rig = moving()
    rig.core.update(rig.now)
    assert accepted(rig.begin())
    assert rig.core.update(rig.now).changed
    assert rig.core.status(rig.now).sequence == rig.sequence


def test_a_published_value_is_a_copy() -> None:
    rig = moving()
    output = rig.run(20)[-1]
    output[:] = 99.0
    rig.send(CommandKind.HOLD)
    assert list(rig.run(5)[0]) == [0.0, 0.0]


def test_further_checks_can_be_added() -> None:
    from rl_bridge.safety.checks import CHECKS, Finding
    from rl_bridge.safety.guard_state import GuardMemory

    def pressed(memory: GuardMemory, now_ns: int) -> Finding | None:
        return Finding(StopState.ESTOP, StopReason.ROBOT_STOPPED, 'pressed')

    core = GuardCore(ROBOT, 'velocity', checks=(*CHECKS, pressed), config=GuardConfig())
    rig = Rig()
    rig.core = core
    rig.run(20)
    rig.begin()
    rig.run(5)
    assert rig.state == StopState.ESTOP
    rig.send(CommandKind.RECOVER)
    rig.run(5)
    assert rig.state == StopState.ESTOP, 'still pressed'
