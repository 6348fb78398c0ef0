# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""One stream of messages, listened to for a while: its rate, its ages, what is wrong with it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from rl_bridge.errors import clause

#: Of a message that is another device's, on a topic that several share.
NOT_OURS = None


@dataclass(slots=True, frozen=True)
class Endpoint:
    """Who publishes or subscribes, and with which type."""

    node: str
    type: str


@dataclass(slots=True, frozen=True)
class Timing:
    """
    What was measured of a stream, in seconds.

    :param rate_hz: mean, from the first arrival to the last; 0 with less than two.
    :param longest: without a message, up to the end of listening: the greatest age by arrival.
    :param jitter: standard deviation of the time between two arrivals.
    :param header_age: median age by the header's stamp at arrival; None without stamps. It
        compares two clocks, the driver's and this machine's.
    """

    rate_hz: float
    longest: float
    jitter: float
    header_age: float | None


@dataclass(slots=True)
class Stream:
    """
    What came of one topic.

    :param what: it is, for people: 'sensor scan'.
    :param topic: its full name.
    :param type: that the robot file names.
    :param max_age_s: 0 = it may be silent.
    :param judge: says what is wrong with a message, '' = nothing, ``NOT_OURS`` for another
        device's; called with it and the monotonic time in ns.
    """

    what: str
    topic: str
    type: str
    max_age_s: float
    judge: Callable[[object, int], str | None]
    _arrivals_ns: list[int] = field(default_factory=list)
    _header_ages_ns: list[int] = field(default_factory=list)
    _header_ns: int = 0
    _repeated: int = 0
    _others: int = 0
    _faults: int = 0
    _first_fault: str = ''

    def hear(self, message: object, *, now_ns: int, header_ns: int, wall_ns: int) -> None:
        """
        Take a message.

        :param now_ns: monotonic clock at arrival.
        :param header_ns: the driver's stamp, 0 = none.
        :param wall_ns: this machine's clock of the day at arrival.
        """
        if header_ns and header_ns == self._header_ns:
            self._repeated += 1
            return
        fault = self.judge(message, now_ns)
        if fault is NOT_OURS:
            self._others += 1
            return
        self._header_ns = header_ns
        self._arrivals_ns.append(now_ns)
        if header_ns:
            self._header_ages_ns.append(wall_ns - header_ns)
        if fault:
            self._faults += 1
            self._first_fault = self._first_fault or fault

    def timing(self, end_ns: int) -> Timing | None:
        """Return what was measured up to ``end_ns``; None if nothing came."""
        if not self._arrivals_ns:
            return None
        times = self._arrivals_ns
        gaps = [(later - earlier) / 1e9 for earlier, later in pairwise(times)]
        ages = self._header_ages_ns
        return Timing(
            rate_hz=1.0 / statistics.fmean(gaps) if gaps else 0.0,
            longest=max([*gaps, (end_ns - times[-1]) / 1e9]),
            jitter=statistics.pstdev(gaps) if gaps else 0.0,
            header_age=statistics.median(ages) / 1e9 if ages else None,
        )

    def problems(self, end_ns: int, publishers: Iterable[Endpoint]) -> list[str]:
        """
        Return what keeps this stream from being used, one sentence each.

        :param publishers: of the topic, as the graph shows them at the end.
        """
        publishers = list(publishers)
        of_other_type = [one for one in publishers if one.type != self.type]
        found = [
            f'{self.topic} ({self.what}) has the type {self.type} in the robot file, but '
            f'{one.node} publishes {one.type} there; correct one of them.'
            for one in of_other_type
        ]
        timing = self.timing(end_ns)
        if timing is None:
            return found or [self._silence(publishers)]
        came = len(self._arrivals_ns)
        if self._faults:
            found.append(
                f'{self._faults} of {came} messages on {self.topic} ({self.what}) cannot be used; '
                f'the first: {clause(ValueError(self._first_fault))}.'
            )
        if self.max_age_s and timing.longest > self.max_age_s:
            again = f', {self._repeated} with an old stamp again' if self._repeated else ''
            found.append(
                f'{self.topic} ({self.what}) had nothing new for {timing.longest:.3g} s, more '
                f'than its max_age of {self.max_age_s:g} s ({came} messages came{again}): make '
                f'the driver faster, or max_age greater.'
            )
        return found

    def _silence(self, publishers: list[Endpoint]) -> str:
        if self._others:
            return (
                f'{self._others} messages came on {self.topic} ({self.what}), but none of them '
                f'names a joint of the robot file; correct its joints.'
            )
        if publishers:
            return (
                f'nothing came on {self.topic} ({self.what}), though {publishers[0].node} '
                f'publishes there; is it sending, and do its messages reach this machine? A slow '
                f'one needs more --seconds.'
            )
        return (
            f'nobody publishes on {self.topic} ({self.what}); is its driver running, in this '
            f'namespace and ROS domain?'
        )
