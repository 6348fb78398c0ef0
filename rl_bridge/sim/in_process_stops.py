# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The stops of a simulated robot in this process: they latch as the guard's do."""

from __future__ import annotations

import threading

from rl_bridge.errors import RobotStopped
from rl_bridge.safety.stop_state import StopLatch
from rl_bridge.types import Stop, StopReason, StopState


class InProcessStops:
    """
    The part of the protocol ``Robot`` that is the same for every simulated robot in lock-step.

    A subclass says how it comes to rest, ``_halt_motion``, and calls ``_resume`` before it moves.
    """

    lock_step = True

    def __init__(self) -> None:
        self._lock = threading.Lock()  # a stop may come from any thread
        self._latch = StopLatch()
        self._announced = False  # a begin
        self._overtaken = False  # by a halt, which the begin must not clear

    def connect(self, *, timeout_s: float) -> None:
        """Do nothing: the robot is here."""

    def stop(self) -> Stop:
        """Return whether motion is allowed."""
        return self._latch.current

    def note(self, *, epoch: int, episode: int, step: int, age_s: float = 0.0) -> None:
        """Announce a begin with step 0; what else a command belongs to nobody asks here."""
        with self._lock:
            if step == 0:
                self._announced, self._overtaken = True, False

    def begin(self, *, timeout_s: float) -> None:
        """
        Begin an episode.

        :raises RobotStopped: a FAULT or ESTOP forbids it, or a halt came since it was announced.
        """
        with self._lock:
            overtaken = self._overtaken
            self._announced = self._overtaken = False
            if overtaken or not self._latch.begin():
                self._raise_stopped()
            self._halt_motion()
            self._begun()

    def hold(self, *, reason: int, message: str) -> None:
        """Come to rest, not latched."""
        self._rest(StopState.HOLD, reason, message)

    def halt(self, *, reason: int, message: str) -> None:
        """Come to rest, latched until the next ``begin``. Callable from any thread."""
        with self._lock:
            self._overtaken = self._announced
        self._rest(StopState.STOPPED, reason, message)

    def recover(self) -> None:
        """Turn a FAULT into STOPPED. Callable from any thread."""
        self._latch.recover()

    def close(self) -> None:
        """Come to rest; idempotent."""
        self.halt(reason=StopReason.SHUTDOWN, message='the robot was closed')

    # -- for subclasses; the lock is held --------------------------------------------------------

    def _halt_motion(self) -> None:
        """Have the robot come to rest as its driver would."""
        raise NotImplementedError

    def _begun(self) -> None:
        """An episode begins; the robot was told to come to rest."""

    def _resume(self) -> None:
        """
        Motion goes on.

        :raises RobotStopped: a stop forbids it.
        """
        if not self._latch.resume():
            self._raise_stopped()

    def _rest(self, state: StopState, reason: int, message: str) -> None:
        with self._lock:
            if self._latch.raise_to(state, StopReason(reason), message):
                self._halt_motion()

    def _raise_stopped(self) -> None:
        stop = self._latch.current
        raise RobotStopped(stop.state, stop.reason, stop.message)
