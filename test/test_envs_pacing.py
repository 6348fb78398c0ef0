# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Period boundaries: absolute, never made up for, kept whatever sleep and learner do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_bridge.envs.pacing import Pacer
from rl_bridge.errors import ConfigError

MS = 1_000_000
START_NS = 123_456_789
PERIOD_NS = 40 * MS


class Clock:
    """A clock that only sleep and the test move; ``errors_ns`` is how much each sleep is off."""

    def __init__(self, errors_ns: list[int] | None = None) -> None:
        self.now_ns = START_NS
        self.sleeps = 0
        self._errors_ns = list(errors_ns or [])

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        assert seconds > 0.0
        self.sleeps += 1
        error_ns = self._errors_ns.pop(0) if self._errors_ns else 0
        self.now_ns += max(1, round(seconds * 1e9) + error_ns)


def started(clock: Clock) -> Pacer:
    pacer = Pacer(0.04, clock_ns=clock, sleep=clock.sleep)
    pacer.start()
    return pacer


def test_the_period_ends_at_a_boundary_however_long_the_step_thought() -> None:
    clock = Clock()
    pacer = started(clock)
    for k, thought_ms in enumerate([0, 5, 39, 17], start=1):
        clock.now_ns += thought_ms * MS
        assert pacer.wait_to_send() == 0
        assert pacer.wait_for_boundary() == 0.0
        assert clock.now_ns == START_NS + k * PERIOD_NS


def test_missed_boundaries_are_counted_and_not_made_up_for() -> None:
    clock = Clock()
    pacer = started(clock)
    clock.now_ns += 3 * PERIOD_NS + 10 * MS
    assert pacer.wait_to_send() == 3
    assert pacer.wait_for_boundary() == 0.0
    assert clock.now_ns == START_NS + 4 * PERIOD_NS
    assert pacer.wait_to_send() == 0


def test_a_step_exactly_at_the_next_boundary_has_missed_it() -> None:
    clock = Clock()
    pacer = started(clock)
    clock.now_ns += PERIOD_NS
    assert pacer.wait_to_send() == 1
    pacer.wait_for_boundary()
    assert clock.now_ns == START_NS + 2 * PERIOD_NS


def test_a_late_wake_up_is_told_and_does_not_shift_the_boundaries() -> None:
    clock = Clock(errors_ns=[3 * MS])
    pacer = started(clock)
    pacer.wait_to_send()
    assert pacer.wait_for_boundary() == pytest.approx(0.003)
    pacer.wait_to_send()
    pacer.wait_for_boundary()
    assert clock.now_ns == START_NS + 2 * PERIOD_NS


def test_a_sleep_that_returns_early_is_repeated() -> None:
    clock = Clock(errors_ns=[-20 * MS])
    pacer = started(clock)
    pacer.wait_for_boundary()
    assert clock.sleeps == 2
    assert clock.now_ns == START_NS + PERIOD_NS


def test_an_early_step_is_sent_at_the_boundary() -> None:
    clock = Clock()
    pacer = started(clock)
    pacer.boundary_ns += 5 * MS
    assert pacer.wait_to_send() == 0
    assert clock.now_ns == START_NS + 5 * MS


@pytest.mark.parametrize('period_s', [0.0, -0.04, math.nan, math.inf])
def test_a_period_that_is_none_is_refused(period_s: float) -> None:
    with pytest.raises(ConfigError, match='above 0'):
        Pacer(period_s)


@given(
    thoughts_ns=st.lists(st.integers(0, 5 * PERIOD_NS), min_size=1, max_size=30),
    errors_ns=st.lists(st.integers(-PERIOD_NS, 3 * PERIOD_NS), max_size=60),
)
def test_boundaries_stay_on_the_grid_and_every_one_is_counted_once(
    thoughts_ns: list[int], errors_ns: list[int]
) -> None:
    clock = Clock(errors_ns)
    pacer = started(clock)
    missed, last_ns = 0, START_NS
    for thought_ns in thoughts_ns:
        clock.now_ns += thought_ns
        missed += pacer.wait_to_send()
        sent_ns = clock.now_ns
        lateness_s = pacer.wait_for_boundary()
        assert (pacer.boundary_ns - START_NS) % PERIOD_NS == 0
        assert pacer.boundary_ns >= last_ns + PERIOD_NS  # never two periods back to back
        assert sent_ns < pacer.boundary_ns <= clock.now_ns
        assert lateness_s == (clock.now_ns - pacer.boundary_ns) / 1e9
        last_ns = pacer.boundary_ns
    assert (last_ns - START_NS) // PERIOD_NS == missed + len(thoughts_ns)
