# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a bridge believes of the guard, moment by moment."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rl_bridge.errors import RobotStopped
from rl_bridge.robots.guard_view import GuardView
from rl_bridge.types import Stop, StopReason, StopState

MS = 1_000_000


def status(
    bridge_id: str = 'ours',
    sequence: int = 0,
    state: int = StopState.RUNNING,
    message: str = '',
    reason: int = StopReason.NONE,
) -> Any:
    stop = Stop(state, reason, message)
    return SimpleNamespace(bridge_id=bridge_id, sequence=sequence, stop=stop)


def view() -> GuardView:
    return GuardView('ours', topic='/guard/status')


@pytest.mark.fault(
    what='the guard falls silent',
    seen_by='bridge: guard/status',
    within='500 ms',
    state='STOPPED, GUARD_SILENT',
    client='truncated, stop_reason; then BridgeStopped',
    side='guard',
)
def test_a_guard_that_was_never_heard_or_not_for_long_is_stopped() -> None:
    guard = view()
    assert guard.stop(0).reason == StopReason.GUARD_SILENT
    guard.hear(status(), 0)
    assert guard.stop(500 * MS).state == StopState.RUNNING
    assert guard.stop(501 * MS) == Stop(
        StopState.STOPPED,
        StopReason.GUARD_SILENT,
        'nothing was heard from the guard on /guard/status for 0.5 s; is rl_bridge_guard running?',
    )


def test_a_begin_is_confirmed_by_its_own_sequence_alone() -> None:
    guard = view()
    guard.hear(status(sequence=5), 90 * MS)
    guard.ask()
    assert not guard.confirmed(5, asked_ns=100 * MS)  # heard before it was asked
    guard.hear(status(sequence=4), 101 * MS)
    assert not guard.confirmed(5, asked_ns=100 * MS)
    guard.hear(status(bridge_id='other', sequence=5), 102 * MS)
    assert not guard.confirmed(5, asked_ns=100 * MS)
    guard.hear(status(sequence=5), 103 * MS)
    assert guard.confirmed(5, asked_ns=100 * MS)


def test_a_fault_counts_once_the_guard_had_time_to_answer() -> None:
    guard = view()
    guard.hear(status(sequence=4, state=StopState.FAULT, message='broken'), 110 * MS)
    assert not guard.confirmed(5, asked_ns=100 * MS)
    guard.hear(status(sequence=4, state=StopState.FAULT, message='broken'), 201 * MS)
    with pytest.raises(RobotStopped, match='broken'):
        guard.confirmed(5, asked_ns=100 * MS)


def test_an_old_stop_does_not_refuse_a_begin_but_a_new_one_does() -> None:
    guard = view()
    guard.hear(status(sequence=4, state=StopState.STOPPED), 300 * MS)
    assert not guard.confirmed(5, asked_ns=100 * MS)
    guard.hear(status(sequence=5, state=StopState.STOPPED, message='again'), 310 * MS)
    with pytest.raises(RobotStopped, match='again'):
        guard.confirmed(5, asked_ns=100 * MS)


@pytest.mark.parametrize('state', [StopState.HOLD, StopState.STOPPED])
def test_a_guard_that_does_not_see_the_robot_yet_has_confirmed_nothing(state: StopState) -> None:
    guard = view()
    blind = status(sequence=5, state=state, reason=StopReason.STATE_STALE, message='no state')
    guard.hear(blind, 110 * MS)
    assert not guard.confirmed(5, asked_ns=100 * MS)
    why = guard.why_not_confirmed(110 * MS, waited_s=2.0)
    assert '(no state): do guard and driver' in str(why) and why.reason == StopReason.STATE_STALE
    guard.hear(status(sequence=6), 120 * MS)
    assert guard.confirmed(6, asked_ns=100 * MS)


@pytest.mark.fault(
    what='the guard was restarted',
    seen_by='bridge: guard/status',
    within='with its first status',
    state='STOPPED, GUARD_SILENT',
    client='truncated, stop_reason; a reset goes on',
    side='guard',
)
@pytest.mark.parametrize(
    ('bridge_id', 'reason'), [('', StopReason.GUARD_SILENT), ('other', StopReason.TAKEOVER)]
)
def test_a_guard_that_forgot_this_bridge_is_stopped_until_the_next_begin(
    bridge_id: str, reason: StopReason
) -> None:
    guard = view()
    guard.hear(status(bridge_id=bridge_id, state=StopState.HOLD), 0)
    assert guard.stop(0).state == StopState.HOLD  # nothing was confirmed yet
    guard.hear(status(sequence=1), 1)
    assert guard.confirmed(1, asked_ns=0)
    guard.hear(status(bridge_id=bridge_id, state=StopState.HOLD), 2)
    assert (guard.stop(2).state, guard.stop(2).reason) == (StopState.STOPPED, reason)
    guard.ask()
    assert guard.stop(2).state == StopState.HOLD


def test_why_a_begin_was_not_confirmed_names_the_likely_cause() -> None:
    guard = view()
    for bridge_id, reason, words in (
        (None, StopReason.GUARD_SILENT, 'nothing was heard'),
        ('other', StopReason.NOT_ALONE, 'the bridge other after 2 s'),
        ('', StopReason.GUARD_SILENT, 'within 2 s; its log'),
    ):
        if bridge_id is not None:
            guard.hear(status(bridge_id=bridge_id), 0)
        why = guard.why_not_confirmed(0, waited_s=2.0)
        assert words in str(why) and why.reason == reason
