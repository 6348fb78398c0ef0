# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The stop states: severity only rises, and there is one way down for each."""

from __future__ import annotations

import threading

import pytest

from rl_bridge.safety.stop_state import IDLE, RUNNING, StopLatch
from rl_bridge.types import Stop, StopReason, StopState

STOPS = [StopState.HOLD, StopState.STOPPED, StopState.FAULT, StopState.ESTOP]


def latch_in(state: StopState) -> StopLatch:
    latch = StopLatch(RUNNING)
    if state != StopState.RUNNING:
        assert latch.raise_to(state, StopReason.HALT_REQUESTED, 'because')
    return latch


def test_it_starts_held_without_an_episode() -> None:
    assert StopLatch().current == IDLE == Stop(1, 1, 'no episode is running')
    assert not StopLatch().running


@pytest.mark.parametrize('before', list(StopState))
@pytest.mark.parametrize('to', STOPS)
def test_severity_only_rises(before: StopState, to: StopState) -> None:
    latch = latch_in(before)
    was = latch.current
    changed = latch.raise_to(to, StopReason.STATE_STALE, 'too old')
    assert changed == (to > before)
    assert latch.current == (Stop(to, StopReason.STATE_STALE, 'too old') if changed else was)


@pytest.mark.parametrize(
    ('before', 'after'),
    [
        (StopState.RUNNING, StopState.RUNNING),
        (StopState.HOLD, StopState.RUNNING),
        (StopState.STOPPED, StopState.STOPPED),
        (StopState.FAULT, StopState.FAULT),
        (StopState.ESTOP, StopState.ESTOP),
    ],
)
def test_resuming_leaves_a_hold_and_nothing_else(before: StopState, after: StopState) -> None:
    latch = latch_in(before)
    assert latch.resume() == (after == StopState.RUNNING)
    assert latch.current.state == after


@pytest.mark.parametrize(
    ('before', 'after'),
    [
        (StopState.RUNNING, StopState.RUNNING),
        (StopState.HOLD, StopState.RUNNING),
        (StopState.STOPPED, StopState.RUNNING),
        (StopState.FAULT, StopState.FAULT),
        (StopState.ESTOP, StopState.ESTOP),
    ],
)
def test_beginning_leaves_hold_and_stopped(before: StopState, after: StopState) -> None:
    latch = latch_in(before)
    assert latch.begin() == (after == StopState.RUNNING)
    assert latch.current.state == after


@pytest.mark.parametrize('before', list(StopState))
def test_recovering_leads_from_fault_and_estop_to_stopped_only(before: StopState) -> None:
    latch = latch_in(before)
    severe = before >= StopState.FAULT
    assert latch.recover() == severe
    assert latch.current.state == (StopState.STOPPED if severe else before)
    if severe:
        assert latch.current.reason == StopReason.HALT_REQUESTED
        assert 'because' in latch.current.message


def test_running_is_not_a_stop() -> None:
    with pytest.raises(ValueError, match='RUNNING is not a stop'):
        StopLatch().raise_to(StopState.RUNNING, StopReason.NONE, '')


def test_of_two_threads_that_stop_at_once_exactly_one_changes_the_state() -> None:
    for _ in range(50):
        latch, barrier = StopLatch(RUNNING), threading.Barrier(4)
        changed: list[bool] = []

        def stop(latch: StopLatch, barrier: threading.Barrier, changed: list[bool]) -> None:
            barrier.wait()
            changed.append(latch.raise_to(StopState.STOPPED, StopReason.HALT_REQUESTED, ''))

        threads = [threading.Thread(target=stop, args=(latch, barrier, changed)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(changed) == [False, False, False, True]
