# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""From the cause of a stop to a robot that is measured at rest, and what is recorded of it."""

from __future__ import annotations

from rl_bridge.safety.checks import Check, uncommanded_motion
from rl_bridge.safety.guard_state import GuardMemory, Measured, StopRecord, to_ns
from rl_bridge.safety.motion import Motion
from rl_bridge.safety.state_checks import note_output
from rl_bridge.safety.stop_book import StopBook
from rl_bridge.types import FloatArray, Stop, StopReason, StopState


class Stopping:
    """
    Stops the robot and follows it until standstill.

    :param memory: its latch and its stop record are written here.
    :param motion: what is published.
    """

    def __init__(self, memory: GuardMemory, motion: Motion) -> None:
        self.book = StopBook(memory)
        self.changed = True
        self._memory = memory
        self._motion = motion
        self._acting = False
        self._published_ns = 0

    def halt(self, state: StopState, reason: StopReason, message: str, now_ns: int) -> None:
        """Stop with at least this severity; the next update publishes the stop output."""
        memory = self._memory
        was_running, before = memory.latch.running, memory.latch.current.state
        if not memory.latch.raise_to(state, reason, message):
            return
        if was_running:
            memory.record = StopRecord(detected_ns=now_ns, verified=not memory.moved)
        self.book.stopped(before, memory.latch.current, now_ns)
        if memory.bridge_id or self._acting:  # otherwise nothing is ever published
            self._motion.stop(
                now_ns,
                keep=was_running or not memory.record.verified,
                was_running=was_running,
                at_once=state == StopState.ESTOP,
            )

    def run(self, checks: tuple[Check, ...], now_ns: int) -> None:
        """Stop for what these checks find."""
        for check in checks:
            finding = check(self._memory, now_ns)
            if finding is not None:
                self.halt(finding.state, finding.reason, finding.message, now_ns)

    def recover(self, checks: tuple[Check, ...], now_ns: int) -> None:
        """Leave FAULT or ESTOP, unless their cause lasts."""
        for check in checks:
            finding = check(self._memory, now_ns)
            if finding is not None and finding.state >= StopState.FAULT:
                return
        before = self._memory.latch.current
        if self._memory.latch.recover():
            self.book.happened('recovery', before.state, self._memory.latch.current, now_ns)

    def look_for_motion(self, now_ns: int) -> None:
        """
        Bring a robot to rest that moves without a command.

        The guard before may have died in mid-motion, and many controllers keep the last velocity.
        """
        memory = self._memory
        finding = uncommanded_motion(memory, now_ns)
        if finding is None:
            return
        memory.record = StopRecord(detected_ns=now_ns, verified=False)
        self._acting = True
        before = self._memory.latch.current
        self.halt(finding.state, finding.reason, finding.message, now_ns)
        if memory.latch.current is before:  # stopped as severely already: tell it all the same
            told = Stop(before.state, finding.reason, finding.message)
            self.book.stopped(before.state, told, now_ns)
            self._motion.seed(now_ns, keep=True)
            self.changed = True

    def published(self, output: FloatArray, now_ns: int) -> None:
        """Take note of what is published now."""
        memory, record = self._memory, self._memory.record
        note_output(memory, output, now_ns - self._published_ns, now_ns)
        self._published_ns = now_ns
        if not memory.latch.running:
            memory.travel = 0.0
            if record.commanded_ns == 0:
                record.commanded_ns = now_ns
            self.book.commanded(now_ns)

    def watch_standstill(self, measured: Measured) -> None:
        """Look whether the robot has come to rest."""
        memory, record = self._memory, self._memory.record
        if memory.latch.running or record.verified or not record.commanded_ns:
            return
        if not measured.max_speed <= memory.robot.standstill_speed:
            record.slow_since_ns = 0
        elif not record.slow_since_ns:
            record.slow_since_ns = measured.stamp_ns
        elif measured.stamp_ns - record.slow_since_ns >= to_ns(memory.config.standstill_for_s):
            record.standstill_ns = record.slow_since_ns
            record.verified = self.changed = True
            memory.moved = self._acting = False
            self.book.rested(record.standstill_ns)

    def second_stage_due(self, now_ns: int) -> bool:
        """Return whether the robot takes so long to come to rest that more is to be done."""
        stage, record = self._memory.robot.second_stage, self._memory.record
        if stage is None or record.verified or record.second_stage_ns:
            return False
        return not self._memory.latch.running and (
            now_ns - record.detected_ns > to_ns(stage.after_s)
        )

    def second_stage(self, outcome: str, now_ns: int) -> None:
        """Take note that the second stage was called."""
        self._memory.record.second_stage_ns = now_ns
        stop = self._memory.latch.current
        self.book.happened(
            'second stage', stop.state, Stop(stop.state, stop.reason, outcome), now_ns
        )
