# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a bridge puts on record: its own halts, recoveries it was asked for, a guard it lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rl_bridge.bridge import Bridge
from rl_bridge.events import StopEvent
from rl_bridge.types import Stop, StopReason, StopState


class StopEvents:
    """
    The events of one bridge; what the guard decides by itself is on the guard's own record.

    :param write: takes each event; must not wait.
    :param bridge: whose stops they are.
    """

    def __init__(self, write: Callable[[StopEvent], object], bridge: Bridge) -> None:
        self._write = write
        self._bridge = bridge
        self._count = 0
        self._lock = threading.Lock()
        self._lost = False
        bridge.stage.on_stop = self.record

    def record(self, kind: str, before: Stop, after: Stop) -> None:
        """Record a stop or a recovery of the bridge's own."""
        if kind == 'stop' and after.reason == StopReason.GUARD_SILENT and self._lost:
            return  # the bridge's answer to what is on record already
        session = self._bridge.session
        with self._lock:
            self._count += 1
            event = StopEvent(
                count=self._count,
                kind=kind,
                before=before.state,
                state=after.state,
                reason=after.reason,
                message=after.message,
                bridge_id=self._bridge.bridge_id,
                epoch=session.epoch,
                episode=session.episode,
                step=session.step,
                detected_ns=time.monotonic_ns(),
            )
            self._write(event)

    def look(self) -> None:
        """Record that the guard fell silent; to be called every few ten milliseconds."""
        stop = self._bridge.stop()
        lost = stop.state >= StopState.STOPPED and stop.reason == StopReason.GUARD_SILENT
        if lost and not self._lost:
            self.record('stop', Stop(StopState.RUNNING), stop)
        self._lost = lost
