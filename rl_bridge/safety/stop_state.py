# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The stop states RUNNING, HOLD, STOPPED, FAULT and ESTOP, and the only ways between them."""

from __future__ import annotations

import threading

from rl_bridge.types import Stop, StopReason, StopState

IDLE = Stop(StopState.HOLD, StopReason.IDLE, 'no episode is running')
RUNNING = Stop(StopState.RUNNING, StopReason.NONE, '')


class StopLatch:
    """
    Holds one stop state; its severity only rises, until ``resume``, ``begin`` or ``recover``.

    ========  ==========================  ====================================================
    state     entered by                  left by
    ========  ==========================  ====================================================
    RUNNING   ``resume``, ``begin``       anything more severe
    HOLD      the start; ``raise_to``     ``resume``, ``begin``
    STOPPED   ``raise_to``, ``recover``   ``begin``
    FAULT     ``raise_to``                ``recover``, to STOPPED
    ESTOP     ``raise_to``                ``recover``, to STOPPED; raised again if still active
    ========  ==========================  ====================================================

    Of several causes with the same severity the first stays. Safe to use from several threads.

    :param start: the first state.
    """

    def __init__(self, start: Stop = IDLE) -> None:
        self._lock = threading.Lock()
        self._stop = start

    @property
    def current(self) -> Stop:
        """The state with its reason and one sentence."""
        return self._stop

    @property
    def running(self) -> bool:
        """Whether motion is allowed."""
        return self._stop.state == StopState.RUNNING

    def raise_to(self, state: StopState, reason: StopReason, message: str) -> bool:
        """
        Stop, if ``state`` is more severe than the present one.

        :param state: HOLD, STOPPED, FAULT or ESTOP.
        :param message: the cause in one sentence.
        :returns: whether the state changed.
        :raises ValueError: for RUNNING, which is never a stop.
        """
        if state == StopState.RUNNING:
            raise ValueError('RUNNING is not a stop; resume or begin lead to it')
        with self._lock:
            if state <= self._stop.state:
                return False
            self._stop = Stop(StopState(state), StopReason(reason), message)
            return True

    def resume(self) -> bool:
        """Leave HOLD. Returns whether motion is allowed afterwards; a latched stop stays."""
        return self._lower(StopState.HOLD)

    def begin(self) -> bool:
        """Begin an episode: leave HOLD or STOPPED. Returns whether motion is allowed then."""
        return self._lower(StopState.STOPPED)

    def recover(self) -> bool:
        """Turn FAULT or ESTOP into STOPPED, keeping the cause. Returns whether it changed."""
        with self._lock:
            if self._stop.state < StopState.FAULT:
                return False
            message = f'recovered, reset to go on; it was: {self._stop.message}'
            self._stop = Stop(StopState.STOPPED, self._stop.reason, message)
            return True

    def _lower(self, most: StopState) -> bool:
        with self._lock:
            if self._stop.state <= most:
                self._stop = RUNNING
            return self._stop.state == StopState.RUNNING
