# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A robot in time: control periods pass, and states are awaited, whatever kind of robot it is."""

from __future__ import annotations

import time
from collections.abc import Callable

from rl_bridge.envs.pacing import Pacer
from rl_bridge.errors import RobotNotReady, RobotStopped
from rl_bridge.robots.robot import Robot
from rl_bridge.types import RobotState, StopReason, StopState

STALE_POLL_S = 0.005


class Cadence:
    """
    Lets control periods pass: real ones with a robot in real time, simulated ones in lock-step.

    :param robot: the robot.
    :param period_s: the control period, s.
    :param stale_grace_s: how long to hold the robot and wait where its state is too old, s.
    :param clock_ns: monotonic clock, ns.
    :param sleep: sleeps for a time in s.
    :raises ConfigError: the period is not a finite time above 0.
    """

    def __init__(
        self,
        robot: Robot,
        *,
        period_s: float,
        stale_grace_s: float,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.period_s = period_s
        self.lateness_s = 0.0  # of the newest state after its period boundary
        self._robot = robot
        self._stale_grace_s = stale_grace_s
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._pacer = Pacer(period_s, clock_ns=clock_ns, sleep=sleep)
        self._steps = 0
        self._started_ns = 0

    @property
    def passed_s(self) -> float:
        """Time since ``start`` as the robot knows it, s."""
        if self._robot.lock_step:
            return self._steps * self.period_s
        return (self._clock_ns() - self._started_ns) / 1e9

    def start(self) -> None:
        """Let the first period begin now."""
        self._steps = 0
        self._pacer.start()
        self._started_ns = self._pacer.boundary_ns

    def wait_to_send(self) -> int:
        """Wait until a command may be sent; return how many boundaries passed without a step."""
        return 0 if self._robot.lock_step else self._pacer.wait_to_send()

    def pass_period(self) -> None:
        """Let the control period pass."""
        self._steps += 1
        if self._robot.lock_step:
            self._robot.advance(self.period_s)
        else:
            self.lateness_s = self._pacer.wait_for_boundary()

    def state(self) -> RobotState:
        """
        Return a fresh state; where there is none the robot is held and one is awaited.

        :raises RobotNotReady: none came within the grace.
        :raises RobotStopped: none came, and a stop was latched.
        """
        end_ns: int | None = None
        while True:
            try:
                state = self._robot.state()
            except RobotNotReady as error:
                stop = self._robot.stop()
                if stop.state >= StopState.STOPPED:
                    raise RobotStopped(stop.state, stop.reason, stop.message) from error
                if self._robot.lock_step:
                    raise
                if end_ns is None:
                    end_ns = self._clock_ns() + round(self._stale_grace_s * 1e9)
                    reason = error.reason or StopReason.STATE_STALE
                    self._robot.hold(reason=reason, message=str(error))
                if self._clock_ns() >= end_ns:
                    raise
                self._sleep(STALE_POLL_S)
                continue
            if end_ns is not None:
                self.lateness_s = max(0, self._clock_ns() - self._pacer.boundary_ns) / 1e9
            return state

    def age_s(self, state: RobotState) -> float:
        """Return how old a state is, s; 0 in lock-step."""
        if self._robot.lock_step:
            return 0.0
        return max(0, self._clock_ns() - state.stamp_ns) / 1e9
