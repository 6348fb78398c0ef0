# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a bridge puts on record of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridge_rig import CountingEnv, Rig, RobotRig

from rl_bridge.events import StopEvent
from rl_bridge.stop_events import StopEvents
from rl_bridge.types import StatusCode, StopReason, StopState


@pytest.fixture
def robots() -> Iterator[RobotRig]:
    rig = RobotRig()
    yield rig
    rig.close()


def recorded(rig: Rig) -> tuple[list[StopEvent], StopEvents]:
    events: list[StopEvent] = []
    return events, StopEvents(events.append, rig.bridge)


def test_a_halt_is_recorded_once_with_what_the_bridge_was_doing(robots: RobotRig) -> None:
    events, _ = recorded(robots)
    session = robots.begin()
    robots.step(1, session)
    for message in ('first', 'second'):
        robots.bridge.halt(reason=StopReason.HALT_REQUESTED, message=message)
    (event,) = events
    assert (event.count, event.kind, event.message) == (1, 'stop', 'first')
    assert (event.before, event.state) == (StopState.RUNNING, StopState.STOPPED)
    assert event.reason == StopReason.HALT_REQUESTED
    now = robots.bridge.session
    assert (event.epoch, event.episode, event.step) == (now.epoch, now.episode, 1)
    assert event.bridge_id == robots.bridge.bridge_id
    assert event.detected_ns > 0


def test_an_environment_without_a_robot_has_its_halts_recorded_too() -> None:
    rig = Rig(CountingEnv())
    events, _ = recorded(rig)
    try:
        rig.begin()
        rig.bridge.halt(reason=StopReason.HALT_REQUESTED, message='enough')
        rig.begin()
        rig.bridge.shut(reason=StopReason.DEACTIVATED, message='deactivated')
    finally:
        rig.close()
    assert [(event.count, event.reason, event.episode) for event in events] == [
        (1, StopReason.HALT_REQUESTED, 1), (2, StopReason.DEACTIVATED, 2)]


def test_a_takeover_is_recorded_although_its_reset_clears_it_at_once(robots: RobotRig) -> None:
    events, _ = recorded(robots)
    robots.begin()
    robots.begin('bob', takeover=True)
    assert robots.bridge.stop().state == StopState.HOLD
    (event,) = events
    assert event.reason == StopReason.TAKEOVER
    assert 'bob took the lease over from ann' in event.message


def test_a_recovery_is_recorded_with_the_fault_it_ended(robots: RobotRig) -> None:
    events, _ = recorded(robots)
    robots.begin()
    robots.robot.stop_with(StopState.FAULT, StopReason.NO_STANDSTILL, 'it does not stop')
    assert robots.bridge.recover().code == StatusCode.OK
    (event,) = events
    assert (event.kind, event.before, event.state) == (
        'recovery', StopState.FAULT, StopState.STOPPED)
    assert event.reason == StopReason.NO_STANDSTILL


def test_a_guard_that_falls_silent_is_recorded_once_until_it_is_heard_again(
    robots: RobotRig,
) -> None:
    events, watch = recorded(robots)
    session = robots.begin()
    watch.look()
    assert events == []
    robots.robot.stop_with(StopState.STOPPED, StopReason.GUARD_SILENT, 'nothing was heard')
    watch.look()
    watch.look()
    assert robots.step(1, session).truncated  # and its own halt for that is no second event
    watch.look()
    (event,) = events
    assert (event.reason, event.message) == (StopReason.GUARD_SILENT, 'nothing was heard')
    robots.begin()
    watch.look()
    robots.robot.stop_with(StopState.STOPPED, StopReason.GUARD_SILENT, 'again')
    watch.look()
    assert [event.message for event in events] == ['nothing was heard', 'again']


def test_what_the_guard_decides_is_on_its_own_record(robots: RobotRig) -> None:
    events, watch = recorded(robots)
    robots.begin()
    robots.robot.stop_with(StopState.STOPPED, StopReason.STATE_INVALID, 'not finite')
    watch.look()
    assert events == []
