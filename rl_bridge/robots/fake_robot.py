# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A robot without a robot, for tests of whatever stands above one: no ROS, no physics engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rl_bridge.errors import RobotNotReady, RobotStopped
from rl_bridge.safety.limits import check_command
from rl_bridge.safety.stop_state import StopLatch
from rl_bridge.types import (
    FloatArray,
    Limits,
    Reading,
    RobotDescription,
    RobotState,
    Stop,
    StopReason,
    StopState,
    forward_commands,
)


@dataclass(frozen=True, slots=True)
class Noted:
    """One command that reached the robot, and what it belonged to."""

    values: FloatArray
    authority_s: float
    epoch: int
    episode: int
    step: int
    time_ns: int


def fake_description(joints: int = 2, *, dh: ArrayLike | None = None) -> RobotDescription:
    """
    Describe a robot of a few equal joints.

    :param dh: its DH table, shape (joints, 4), as ``kinematics.DhChain`` takes it.
    """
    ones = np.ones(joints)
    commands = {
        kind: forward_commands(kind, f'fake_{kind}/commands', 0.0, joints=joints)
        for kind in ('velocity', 'position', 'effort')
    }
    return RobotDescription(
        name='fake',
        joints=tuple(f'joint_{i + 1}' for i in range(joints)),
        state_topic='joint_states',
        state_max_age_s=0.1,
        commands=commands,
        limits=Limits(-2 * np.pi * ones, 2 * np.pi * ones, 1.0 * ones, 3.0 * ones, 1.0 * ones),
        standstill_speed=0.02,
        standstill_within_s=1.0,
        dh=None if dh is None else np.array(dh, dtype=np.float64),
    )


class FakeRobot:
    """
    Joints that follow their commands with a first-order lag, solved exactly, behind a small guard.

    Its clock is ``clock_ns``; in lock-step its time passes in ``advance`` alone. A test says what
    goes wrong: ``stale = True`` (no more fresh states), ``silent = True`` (the guard confirms no
    begin), ``stuck = True`` (the joints do not move), ``stop_with(...)`` (any stop), and reads
    ``commands``, ``holds`` and ``halts``. ``sensors`` is what its state has of further sensors.

    :param description: the robot; None = two joints of ``fake_description``.
    :param interface: 'velocity', 'position' or 'effort': friction as strong as its speed brakes
        each joint, so an effort of 1 Nm ends in 1 rad/s.
    :param lock_step: time passes in ``advance`` alone.
    :param position: joint positions to begin at, rad; None = zeros.
    :param lag_s: time constant of the joints, s.
    :param clock_ns: monotonic clock, ns; not read in lock-step.
    """

    def __init__(
        self,
        description: RobotDescription | None = None,
        *,
        interface: str = 'velocity',
        lock_step: bool = True,
        position: ArrayLike | None = None,
        lag_s: float = 0.03,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.description = fake_description() if description is None else description
        self.interface = interface
        self.lock_step = lock_step
        self.connected = False
        self.closed = False
        self.stale = False
        self.silent = False
        self.stuck = False
        self.begins = 0
        self.commands: list[Noted] = []
        self.holds: list[tuple[int, str]] = []
        self.halts: list[tuple[int, str]] = []
        self.sensors: dict[str, Reading] = {}
        self._lag_s = lag_s
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._latch = StopLatch()
        self._noted, self._age_ns = (0, 0, 0), 0
        self._announced = False  # a begin
        self._overtaken = False  # by a halt, which the begin must not clear
        self._time_ns = 0 if lock_step else clock_ns()
        self._authority_end_ns = 0
        count = len(self.description.joints)
        self._position = np.zeros(count) if position is None else np.array(position, dtype=float)
        self._velocity = np.zeros(count)
        self._wanted: FloatArray | None = None  # None = come to rest

    def connect(self, *, timeout_s: float) -> None:
        """
        Find the robot.

        :raises RobotNotReady: it is ``stale``.
        """
        if self.stale:
            raise RobotNotReady(f'No state came from the fake robot within {timeout_s:g} s.')
        self.connected = True

    def state(self) -> RobotState:
        """
        Return the state of now.

        :raises RobotNotReady: the robot is ``stale``.
        """
        with self._lock:
            if self.stale:
                raise RobotNotReady("The fake robot's state is stale.")
            self._catch_up()
            effort = np.zeros_like(self._position)
            return RobotState(
                self._position.copy(),
                self._velocity.copy(),
                effort,
                self._time_ns,
                dict(self.sensors),
            )

    def stop(self) -> Stop:
        """Return whether motion is allowed."""
        with self._lock:
            self._catch_up()
            return self._latch.current

    def stop_with(
        self, state: StopState, reason: StopReason, message: str = 'the test says so'
    ) -> None:
        """Stop as the guard would by itself."""
        with self._lock:
            self._catch_up()
            if self._latch.raise_to(state, reason, message):
                self._wanted = None

    def note(self, *, epoch: int, episode: int, step: int, age_s: float = 0.0) -> None:
        """Name what the next commands belong to; step 0 announces a begin."""
        with self._lock:
            self._noted = (epoch, episode, step)
            self._age_ns = round(age_s * 1e9)
            if step == 0:
                self._announced, self._overtaken = True, False

    def begin(self, *, timeout_s: float) -> None:
        """
        Begin an episode.

        :raises RobotStopped: a FAULT or ESTOP forbids it, or a halt came since it was announced.
        :raises RobotNotReady: the guard is ``silent``.
        """
        with self._lock:
            if self.silent:
                raise RobotNotReady(f'The fake guard did not confirm within {timeout_s:g} s.')
            self._catch_up()
            overtaken = self._overtaken
            self._announced = self._overtaken = False
            if overtaken or not self._latch.begin():
                self._raise_stopped()
            self._wanted = None
            # As the guard: motion that never comes is noticed.
            self._authority_end_ns = self._time_ns + 500_000_000
            self.begins += 1

    def command(self, values: FloatArray, *, authority_s: float) -> None:
        """
        Command all joints.

        :raises LimitError: a value is not finite or outside its limit; nothing moved.
        :raises RobotStopped: a stop forbids motion.
        """
        checked = check_command(values, self.description, self.interface)
        with self._lock:
            self._catch_up()
            if not self._latch.resume():
                self._raise_stopped()
            self._wanted = checked
            self._authority_end_ns = self._time_ns + round(authority_s * 1e9) - self._age_ns
            self.commands.append(Noted(checked.copy(), authority_s, *self._noted, self._time_ns))

    def hold(self, *, reason: int, message: str) -> None:
        """Come to rest, not latched."""
        self.holds.append((reason, message))
        self.stop_with(StopState.HOLD, StopReason(reason), message)

    def halt(self, *, reason: int, message: str) -> None:
        """Come to rest, latched until the next ``begin``."""
        with self._lock:
            self.halts.append((reason, message))
            self._overtaken = self._announced
        self.stop_with(StopState.STOPPED, StopReason(reason), message)

    def recover(self) -> None:
        """Turn a FAULT into STOPPED."""
        self._latch.recover()

    def advance(self, seconds: float) -> None:
        """Let time pass in lock-step, in which motion needs no authority."""
        with self._lock:
            self._integrate(seconds)
            self._time_ns += round(seconds * 1e9)

    def close(self) -> None:
        """Come to rest and let go; idempotent."""
        if not self.closed:
            self.closed = True
            self.halt(reason=StopReason.SHUTDOWN, message='the robot was closed')

    def _catch_up(self) -> None:
        """Let the joints move up to now, and to rest where the motion authority ended."""
        if self.lock_step:
            return
        now_ns = self._clock_ns()
        if self._latch.running and now_ns > self._authority_end_ns:
            self._integrate_until(self._authority_end_ns)
            message = 'no step came within the motion authority'
            self._latch.raise_to(StopState.HOLD, StopReason.AUTHORITY_EXPIRED, message)
            self._wanted = None
        self._integrate_until(now_ns)

    def _integrate_until(self, time_ns: int) -> None:
        if time_ns > self._time_ns:
            self._integrate((time_ns - self._time_ns) / 1e9)
            self._time_ns = time_ns

    def _integrate(self, seconds: float) -> None:
        """Solve the first-order lag over some time, during which the command is constant."""
        if self.stuck:
            self._velocity = np.zeros_like(self._velocity)
            return
        fade = float(np.exp(-seconds / self._lag_s))
        if self.interface == 'position' and self._wanted is not None:
            self._position = self._wanted + (self._position - self._wanted) * fade
            self._velocity = (self._wanted - self._position) / self._lag_s
            return
        wanted = np.zeros_like(self._velocity) if self._wanted is None else self._wanted
        ahead = self._velocity - wanted
        self._position = self._position + wanted * seconds + ahead * self._lag_s * (1.0 - fade)
        self._velocity = wanted + ahead * fade

    def _raise_stopped(self) -> None:
        stop = self._latch.current
        raise RobotStopped(stop.state, stop.reason, stop.message)
