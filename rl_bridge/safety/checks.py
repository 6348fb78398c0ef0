# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The guard's checks, run at every update: each reads its memory and finds at most one cause.

A new check is a function of the same form, added to ``CHECKS``, or to ``STATE_CHECKS`` in
``state_checks`` where it judges the measured state.
"""

from __future__ import annotations

from collections.abc import Callable

from rl_bridge.safety.guard_state import Finding, GuardMemory, to_ns
from rl_bridge.types import StopReason, StopState

Check = Callable[[GuardMemory, int], 'Finding | None']


def bridge_silent(memory: GuardMemory, now_ns: int) -> Finding | None:
    """The bridge's tick must come: without it HOLD at once, STOPPED a little later."""
    silent = now_ns - memory.tick_ns
    if silent <= to_ns(memory.config.bridge_hold_s):
        return None
    stopped = silent > to_ns(memory.config.bridge_stop_s)
    return Finding(
        StopState.STOPPED if stopped else StopState.HOLD,
        StopReason.BRIDGE_SILENT,
        f'the bridge {memory.bridge_id} has not ticked for {silent / 1e6:.0f} ms',
    )


def state_stale(memory: GuardMemory, now_ns: int) -> Finding | None:
    """The measured state must be fresh: a stale one means HOLD at once, STOPPED a little later."""
    measured = memory.measured
    stamp_ns = memory.bound_ns if measured is None else measured.stamp_ns
    age, most = now_ns - stamp_ns, to_ns(memory.robot.state_max_age_s)
    if measured is not None and age <= most:
        return None
    stopped = age > most + to_ns(memory.config.state_stop_s)
    topic = memory.robot.state_topic
    message = f'no measured state has come on {topic} yet'
    if measured is not None:
        message = (
            f'the measured state on {topic} is {age / 1e6:.0f} ms old, '
            f'its limit is {most / 1e6:.0f} ms'
        )
    return Finding(
        StopState.STOPPED if stopped else StopState.HOLD, StopReason.STATE_STALE, message
    )


def authority_expired(memory: GuardMemory, now_ns: int) -> Finding | None:
    """Motion ends when no command renews it in time."""
    if not memory.latch.running or now_ns <= memory.deadline_ns:
        return None
    return Finding(
        StopState.HOLD,
        StopReason.AUTHORITY_EXPIRED,
        'no command came within the motion authority',
    )


def no_standstill(memory: GuardMemory, now_ns: int) -> Finding | None:
    """After a stop the robot must be measured at rest in time."""
    record = memory.record
    if memory.latch.running or record.verified:
        return None
    if now_ns - record.detected_ns <= to_ns(memory.robot.standstill_within_s):
        return None
    measured = memory.fresh(now_ns)
    seen = 'its state is not known'
    if measured is not None:
        seen = f'its fastest joint moves at {measured.max_speed:.3g}'
    return Finding(
        StopState.FAULT,
        StopReason.NO_STANDSTILL,
        f'the robot was not at rest {memory.robot.standstill_within_s:g} s after a stop: {seen}; '
        'make the cell safe, then recover',
    )


def robot_stopped(memory: GuardMemory, now_ns: int) -> Finding | None:
    """The robot's own stop must be reported as released: silence counts as pressed."""
    status = memory.robot.stop_status
    if status is None:
        return None
    heard, state = memory.robot_stop, StopState.ESTOP
    if heard is not None and not heard.running:
        what = f'{status.topic} tells {heard.shown}'
    elif heard is not None:
        # What comes on change only is as old as the last sight of its publisher.
        most = to_ns(status.max_age_s or memory.config.publisher_gone_s)
        age = now_ns - heard.stamp_ns
        if age <= most:
            return None
        what = f'{status.topic} has been silent for {age / 1e6:.0f} ms, which counts as stopped'
    elif memory.measured is None:
        return None  # nothing at all is heard of the robot, which is another check's
    else:
        since_ns = max(memory.bound_ns, memory.first_state_ns)
        if now_ns - since_ns <= to_ns(memory.config.state_stop_s):
            state = StopState.HOLD
        what = (
            f'nothing was heard on {status.topic}, which counts as stopped; name the topic of '
            'your robot under stop_status in its file'
        )
    return Finding(state, StopReason.ROBOT_STOPPED, f"the robot's own stop: {what}")


def not_alone(memory: GuardMemory, now_ns: int) -> Finding | None:
    """Nobody else may act on the robot."""
    if not memory.company:
        return None
    return Finding(StopState.FAULT, StopReason.NOT_ALONE, memory.company)


def uncommanded_motion(memory: GuardMemory, now_ns: int) -> Finding | None:
    """
    A robot that was at rest, or that nobody has commanded yet, must not move.

    Where somebody else commands it, that is another check's.
    """
    if not memory.moving_since_ns or memory.latch.running or not memory.record.verified:
        return None
    measured = memory.fresh(now_ns)
    if measured is None or memory.company:
        return None
    if measured.stamp_ns - memory.moving_since_ns < to_ns(memory.config.moving_for_s):
        return None
    return Finding(
        StopState.STOPPED,
        StopReason.UNCOMMANDED_MOTION,
        f'the robot moves at {measured.max_speed:.3g} though nothing is commanded',
    )


CHECKS: tuple[Check, ...] = (
    robot_stopped,
    not_alone,
    bridge_silent,
    state_stale,
    authority_expired,
    no_standstill,
)
#: What a guard looks at that no bridge has begun with.
UNBOUND_CHECKS: tuple[Check, ...] = (no_standstill,)
