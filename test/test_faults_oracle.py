# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Each invariant of the oracle holds on a good recording and fails on a bad one."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.rig import oracle
from benchmarks.rig.oracle import (
    CommandRecord,
    EventRecord,
    OutputRecord,
    Recording,
    SpeedRecord,
    StatusRecord,
)
from rl_bridge.types import CommandKind, StopReason, StopState

MS = 1_000_000
LIMITS = {'lower': (-1.0, -1.0), 'upper': (1.0, 1.0)}
AUTHORITY_NS = 150 * MS


def move(at_ms: int, step: int, **changes: object) -> CommandRecord:
    command = CommandRecord(
        arrived_ns=at_ms * MS,
        kind=CommandKind.MOVE,
        bridge_id='bridge',
        epoch=7,
        step=step,
        sequence=at_ms,
        values=(0.5, 0.5),
        authority_ns=AUTHORITY_NS,
        stamp_ns=at_ms * MS,
    )
    return dataclasses.replace(command, **changes)


def output(at_ms: int, *values: float) -> OutputRecord:
    return OutputRecord(at_ms * MS, values or (0.5, 0.5))


def status(at_ms: int, state: StopState = StopState.RUNNING, **changes: object) -> StatusRecord:
    record = StatusRecord(
        arrived_ns=at_ms * MS, stamp_ns=at_ms * MS, guard_id='guard', epoch=7, state=state
    )
    return dataclasses.replace(record, **changes)


@pytest.fixture
def good() -> Recording:
    """Two steps, then nobody steps: HOLD after 150 ms, at rest 30 ms later."""
    held = {'detected_ns': 1200 * MS, 'reason': StopReason.AUTHORITY_EXPIRED}
    return Recording(
        commands=[move(1000, 1), move(1040, 2)],
        outputs=[output(1001), output(1041), output(1100), output(1191, 0.0, 0.0)],
        statuses=[
            status(1001),
            status(1191, StopState.HOLD, **held),
            status(1320, StopState.HOLD, standstill_ns=1220 * MS, **held),
        ],
        speeds=[SpeedRecord(at * MS, 0.5 if at < 1200 else 0.0) for at in range(1000, 1320, 8)],
    )


def test_a_good_recording_has_no_violation(good: Recording) -> None:
    assert oracle.violations(good, **LIMITS) == []


def test_a_recording_of_nothing_has_no_violation() -> None:
    assert oracle.violations(Recording(), **LIMITS) == []


def test_a_step_that_is_applied_twice_is_found(good: Recording) -> None:
    good.commands.append(move(1080, 2))
    assert 'step 2 of epoch 7 was applied twice' in oracle.violations(good, **LIMITS)[0]


def test_a_step_that_a_second_bridge_repeats_is_found() -> None:
    again = move(1040, 1, bridge_id='second')
    assert len(oracle.each_step_once([move(1000, 1), again])) == 1


def test_a_step_of_another_epoch_and_the_motion_of_a_reset_are_no_repetition() -> None:
    commands = [move(0, 1), move(1, 1, epoch=8), move(2, 0), move(3, 0)]
    assert oracle.each_step_once(commands) == []


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [({'epoch': 6}, 'a command of epoch 6 after one of 7'), ({'sequence': 1}, 'sequence 1 after')],
)
def test_a_bridge_that_falls_back_is_found(changes: dict[str, int], sentence: str) -> None:
    found = oracle.no_old_epoch([move(1000, 1), move(1040, 2, **changes)])
    assert len(found) == 1
    assert sentence in found[0]


def test_an_old_bridge_may_speak_but_not_be_accepted() -> None:
    commands = [move(1000, 1, bridge_id='old', epoch=6), move(1010, 1), move(1020, 2)]
    late = move(1030, 2, bridge_id='old', epoch=6)
    assert oracle.no_old_epoch([*commands, late], [status(1011), status(1031)]) == []
    found = oracle.no_old_epoch([*commands, late], [status(1011), status(1031, epoch=6)])
    assert found == ['the guard accepted a command of epoch 6 after one of 7']


def test_motion_after_the_end_of_the_authority_is_found(good: Recording) -> None:
    good.outputs.insert(3, output(1190 + 26))
    good.outputs.pop()
    found = oracle.none_older_than_authority(good.commands, good.outputs)
    assert len(found) == 1
    assert '26.0 ms after the last authority had ended' in found[0]


def test_a_command_that_was_under_way_for_too_long_gives_no_authority() -> None:
    late = move(1400, 2, stamp_ns=1100 * MS)
    found = oracle.none_older_than_authority([move(1000, 1), late], [output(1401)])
    assert len(found) == 1


def test_motion_without_any_command_is_found() -> None:
    found = oracle.none_older_than_authority([move(2000, 1)], [output(1000)])
    assert found == ['the controller was told to move without any MOVE: (0.5, 0.5)']


@pytest.mark.parametrize('value', [math.nan, math.inf, 1.01, -1.01])
def test_a_value_that_is_not_finite_or_outside_is_found(good: Recording, value: float) -> None:
    good.outputs[0] = output(1001, 0.5, value)
    found = oracle.violations(good, **LIMITS)
    assert len(found) == 1
    assert 'joint 1 was told' in found[0]


def test_an_output_of_another_length_is_found() -> None:
    found = oracle.all_finite_and_inside([output(0, 0.5)], **LIMITS)
    assert found == ['an output has 1 values, not 2']


@pytest.mark.parametrize('state', [StopState.HOLD, StopState.STOPPED, StopState.FAULT])
def test_motion_in_a_stop_state_is_found(good: Recording, state: StopState) -> None:
    statuses = [dataclasses.replace(s, state=state) if s.state else s for s in good.statuses]
    good.outputs.append(output(1195))
    found = oracle.none_in_a_stop_state(good.outputs, statuses)
    assert len(found) == 1
    assert f'4.0 ms into {state.name}' in found[0]


def test_a_stop_without_a_stop_output_is_found(good: Recording) -> None:
    good.outputs[-1] = output(1191 + 26)
    assert len(oracle.none_in_a_stop_state(good.outputs, good.statuses)) == 1


def test_an_output_that_was_under_way_when_the_stop_came_is_none(good: Recording) -> None:
    good.outputs.insert(-1, output(1191))
    assert oracle.none_in_a_stop_state(good.outputs, good.statuses) == []


def test_motion_after_the_next_running_is_none_in_a_stop_state(good: Recording) -> None:
    good.statuses.append(status(1400))
    good.outputs.append(output(1400))
    assert oracle.none_in_a_stop_state(good.outputs, good.statuses) == []


def test_a_robot_that_drifts_in_hold_is_found(good: Recording) -> None:
    good.speeds.append(SpeedRecord(1300 * MS, 0.001))
    found = oracle.violations(good, **LIMITS)
    assert found == ['the robot moved at 0.001 in HOLD after its standstill']


def test_a_robot_whose_speed_is_not_known_is_not_at_rest(good: Recording) -> None:
    good.speeds.append(SpeedRecord(1300 * MS, math.nan))
    assert len(oracle.at_rest_in_a_stop_state(good.speeds, good.statuses)) == 1


def test_a_stop_that_is_not_in_the_log_is_found(good: Recording) -> None:
    told = oracle.told_stops(good.statuses)
    event = EventRecord(StopState.HOLD, StopReason.AUTHORITY_EXPIRED, 1190 * MS)
    assert len(told) == 1, 'it was told twice'
    assert oracle.every_stop_recorded(told, [event]) == []
    late = dataclasses.replace(event, detected_ns=1192 * MS)
    other = dataclasses.replace(event, reason=StopReason.BRIDGE_SILENT)
    for events in ([], [late], [other]):
        found = oracle.every_stop_recorded(told, events)
        assert len(found) == 1
        assert 'HOLD, AUTHORITY_EXPIRED' in found[0]


def test_a_severer_stop_is_one_more_and_rest_between_episodes_is_none() -> None:
    idle = {'reason': StopReason.IDLE}
    statuses = [
        status(0),
        status(1, StopState.HOLD, **idle),
        status(2, StopState.STOPPED, reason=StopReason.BRIDGE_SILENT),
        status(3, StopState.FAULT, reason=StopReason.NO_STANDSTILL),
        status(4, StopState.STOPPED, reason=StopReason.NO_STANDSTILL),  # recovered
        status(5),
    ]
    assert [stop.state for stop in oracle.told_stops(statuses)] == [
        StopState.STOPPED,
        StopState.FAULT,
    ]
