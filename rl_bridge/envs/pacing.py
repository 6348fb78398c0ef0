# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Keeping time: the robot does not wait for the learner.

Period boundaries lie at fixed times on a monotonic clock. A step sends its command at once, or at
the last boundary if it came before that, and its observation is taken at the next boundary. A
boundary that passed without a step is counted as missed and never made up for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from rl_bridge.errors import ConfigError


class Pacer:
    """
    Period boundaries on a monotonic clock.

    :param period_s: the control period, s.
    :param clock_ns: monotonic clock, ns.
    :param sleep: sleeps for a time in s; may return early or late.
    :raises ConfigError: the period is not a finite time above 0.
    """

    def __init__(
        self,
        period_s: float,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not (math.isfinite(period_s) and period_s * 1e9 >= 1.0):
            raise ConfigError(f'The control period must be above 0 s, not {period_s!r}.')
        self.period_ns = round(period_s * 1e9)
        self.boundary_ns = 0
        self._clock_ns = clock_ns
        self._sleep = sleep

    def start(self) -> None:
        """Let the first period begin now."""
        self.boundary_ns = self._clock_ns()

    def wait_to_send(self) -> int:
        """
        Wait until the last boundary if that still lies ahead, which it does for an early step.

        :return: how many boundaries have passed since the last one without a step.
        """
        self._sleep_until(self.boundary_ns)
        missed = (self._clock_ns() - self.boundary_ns) // self.period_ns
        self.boundary_ns += missed * self.period_ns
        return missed

    def wait_for_boundary(self) -> float:
        """
        Wait for the next boundary, which becomes the last one.

        :return: how long after it this returns, s.
        """
        self.boundary_ns += self.period_ns
        return (self._sleep_until(self.boundary_ns) - self.boundary_ns) / 1e9

    def _sleep_until(self, time_ns: int) -> int:
        """Sleep until a time on the clock; return the time when it is over."""
        while True:
            now_ns = self._clock_ns()
            if now_ns >= time_ns:
                return now_ns
            self._sleep((time_ns - now_ns) / 1e9)
