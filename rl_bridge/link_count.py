# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a bridge has seen of the link to its clients: how much came twice, late or in vain."""

from __future__ import annotations

import dataclasses

from rl_bridge.decision import Decision, Join, Refuse, Replay, Run
from rl_bridge.types import Link, StatusCode

SMOOTHING = 1 / 8  # as TCP smooths its round trip


class LinkCount:
    """Counts resets and steps; the caller holds a lock."""

    def __init__(self) -> None:
        self._link = Link()

    def refused(self) -> None:
        """Count a request that was refused for its size, its rate or its proof."""
        self._link.requests += 1
        self._link.refused += 1

    def decided(self, decision: Decision) -> None:
        """Count a request by what was decided on it."""
        link = self._link
        link.requests += 1
        if isinstance(decision, (Join, Replay)):
            link.repeated += 1
        elif isinstance(decision, Refuse):
            link.late += decision.status.code == StatusCode.TOO_OLD
        elif isinstance(decision, Run) and decision.round_trip_s > 0.0:
            self._took(decision.round_trip_s)

    def _took(self, round_trip_s: float) -> None:
        link = self._link
        if link.round_trip:
            link.round_trip += SMOOTHING * (round_trip_s - link.round_trip)
        else:
            link.round_trip = round_trip_s
        link.round_trip_max = max(link.round_trip_max, round_trip_s)

    def seen(self) -> Link:
        """Return the figures since the start."""
        return dataclasses.replace(self._link)
