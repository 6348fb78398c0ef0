# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Keeps what is to be recorded of stops and recoveries, from their detection to standstill."""

from __future__ import annotations

from dataclasses import replace

from rl_bridge.events import StopEvent
from rl_bridge.safety.guard_state import GuardMemory
from rl_bridge.types import Stop, StopReason, StopState


class StopBook:
    """
    The events of one guard.

    A HOLD between two episodes is no event: nothing went wrong.

    :param memory: read for what the robot and its bridge were doing; never written.
    """

    def __init__(self, memory: GuardMemory) -> None:
        self.count = 0
        self._memory = memory
        self._open: list[StopEvent] = []
        self._news: dict[int, StopEvent] = {}

    def stopped(self, before: int, stop: Stop, now_ns: int) -> None:
        """Take note of a stop, or of a severer one."""
        if (stop.state, stop.reason) != (StopState.HOLD, StopReason.IDLE):
            self._open.append(self._note('stop', before, stop, now_ns))

    def happened(self, kind: str, before: int, stop: Stop, now_ns: int) -> None:
        """Take note of anything else, which is complete at once."""
        self._note(kind, before, stop, now_ns)

    def commanded(self, now_ns: int) -> None:
        """The stop output is published now."""
        if any(not event.commanded_ns for event in self._open):
            self._open = [
                event if event.commanded_ns else self._changed(event, commanded_ns=now_ns)
                for event in self._open
            ]
        if self._memory.record.verified:
            self.closed()

    def rested(self, standstill_ns: int) -> None:
        """Standstill was measured."""
        for event in self._open:
            self._changed(event, standstill_ns=max(standstill_ns, event.detected_ns))
        self.closed()

    def closed(self) -> None:
        """Nothing more will be known of what is open."""
        self._open = []

    def take(self) -> list[StopEvent]:
        """Return events that are new or of which more is known, and forget about that."""
        if not self._news:
            return []
        news, self._news = list(self._news.values()), {}
        return news

    def _note(self, kind: str, before: int, stop: Stop, now_ns: int) -> StopEvent:
        memory, measured = self._memory, self._memory.measured
        self.count += 1
        event = StopEvent(
            count=self.count,
            kind=kind,
            before=before,
            state=stop.state,
            reason=stop.reason,
            message=stop.message,
            bridge_id=memory.bridge_id,
            epoch=memory.epoch,
            episode=memory.episode,
            step=memory.step,
            sequence=memory.sequence,
            command=memory.command,
            command_ns=memory.command_ns,
            output=() if memory.output is None else memory.output.tolist(),
            position=() if measured is None else measured.position.tolist(),
            max_speed=0.0 if measured is None else measured.max_speed,
            state_ns=0 if measured is None else measured.stamp_ns,
            detected_ns=now_ns,
        )
        self._news[event.count] = event
        return event

    def _changed(self, event: StopEvent, **changes: int) -> StopEvent:
        changed = replace(event, **changes)  # type: ignore[arg-type]
        self._news[event.count] = changed
        return changed
