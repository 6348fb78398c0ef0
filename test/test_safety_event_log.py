# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Stops are on record whatever happens to the process, the file and the disk."""

from __future__ import annotations

import time
from pathlib import Path

from rl_bridge.events import StopEvent, merged, read
from rl_bridge.safety.event_log import EventLog


def test_a_stop_is_recorded_when_detected_and_completed_at_standstill(tmp_path: Path) -> None:
    log = EventLog(tmp_path / 'guard.log', source='/guard')
    detected_ns = time.monotonic_ns()
    log.write(StopEvent(count=1, message='the authority ran out', detected_ns=detected_ns))
    log.write(StopEvent(count=1, message='the authority ran out', detected_ns=detected_ns,
                        commanded_ns=detected_ns + 5, standstill_ns=detected_ns + 9))
    assert log.close()
    assert log.written == 1
    found = read(log.path)
    assert sorted(found.records) == [1, 2]
    (event,) = merged([found])
    assert event['standstill_ns'] - event['detected_ns'] == 9
    assert event['source'] == '/guard'
