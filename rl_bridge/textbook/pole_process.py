# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The process in which two poles on a cart keep real time, whatever the learner does."""

from __future__ import annotations

import ctypes
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Lock
from typing import Any

import numpy as np

from rl_bridge.textbook.double_pole import STATES, TICK_S, DoublePole
from rl_bridge.types import FloatArray

LOCK_TIMEOUT_S = 1.0  # it is held for microseconds: after this its holder was killed
MOST_BEHIND_S = 0.25  # what is missed beyond this is not caught up, but counted as slipped


@contextmanager
def held(lock: Lock) -> Iterator[None]:
    """
    Hold a lock.

    :raises TimeoutError: it was not released; who holds it was killed.
    """
    if not lock.acquire(timeout=LOCK_TIMEOUT_S):
        raise TimeoutError('the lock of the board was not released')
    try:
        yield
    finally:
        lock.release()


class Board(ctypes.Structure):
    """
    What both processes share, under one lock.

    The environment writes ``force`` and ``commanded_s``, the physics all else; times are of the
    monotonic clock, which all processes of a host share.
    """

    _fields_ = (
        ('force', ctypes.c_double),
        ('commanded_s', ctypes.c_double),
        ('state', ctypes.c_double * STATES),
        ('stamp_s', ctypes.c_double),
        ('ticks', ctypes.c_int64),
        ('slipped_s', ctypes.c_double),
    )


def run(
    connection: Connection, board: Any, lock: Lock, poles: DoublePole, timeout_s: float
) -> None:
    """
    Advance the physics with the clock until the other end of ``connection`` closes.

    :param connection: an initial state comes here for each reset, and the time of its beginning
        goes back.
    :param board: a ``Board`` in shared memory.
    :param lock: of the board.
    :param timeout_s: command time-out: the force ends this long after its command.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the environment's to act on
    # The pipe breaks when the environment ends; the lock stays held if it was killed with it.
    with suppress(EOFError, OSError, TimeoutError):
        connection.poll(None)
        while True:
            state = np.array(connection.recv(), dtype=np.float64)
            due_s = time.monotonic()
            with held(lock):
                board.force, board.commanded_s, board.slipped_s = 0.0, due_s, 0.0
                board.ticks, board.stamp_s, board.state[:] = 0, due_s, state.tolist()
            connection.send(due_s)
            due_s += TICK_S
            while not connection.poll(max(0.0, due_s - time.monotonic())):
                state, due_s = _tick(state, due_s, board, lock, poles, timeout_s)


def _tick(
    state: FloatArray, due_s: float, board: Any, lock: Lock, poles: DoublePole, timeout_s: float
) -> tuple[FloatArray, float]:
    """Advance the physics by one tick that was due; return the state and when the next one is."""
    now_s = time.monotonic()
    slipped_s = 0.0
    if now_s - due_s > MOST_BEHIND_S:  # suspended, or no processor for a long time
        slipped_s, due_s = now_s - due_s, now_s
    with held(lock):
        force = board.force if now_s - board.commanded_s <= timeout_s else 0.0
    state = poles.advance(state, force)
    with held(lock):
        board.ticks += 1
        board.slipped_s += slipped_s
        board.stamp_s, board.state[:] = due_s, state.tolist()
    return state, due_s + TICK_S
