# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The environment's side of the process in which two poles on a cart keep real time."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import time
import weakref
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import RawValue
from multiprocessing.synchronize import Lock
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.textbook.double_pole import DoublePole
from rl_bridge.textbook.pole_process import Board, held, run
from rl_bridge.types import FloatArray, StopReason

START_TIMEOUT_S = 60.0  # Python and NumPy on a busy machine
ANSWER_TIMEOUT_S = 5.0
MAX_AGE_S = 0.1  # of a state; beyond it the physics stands still
FRESH_TIMEOUT_S = 2.0
END_TIMEOUT_S = 2.0
CHECK_S = 0.001


class RealTimePoles:
    """
    The physics in a process of its own, started with the first reset.

    The environment and the physics share the force and the state in memory without a name, of
    which nothing can be left behind. The lock between them is a named semaphore; Python's
    resource tracker removes it where the environment is killed. When the environment ends or
    dies, so does the physics: its end of a pipe closes.

    :param poles: what moves.
    :param period_s: the control period.
    :param timeout_s: command time-out: the force ends this long after its command.
    """

    def __init__(self, poles: DoublePole, *, period_s: float, timeout_s: float) -> None:
        self._poles = poles
        self._period_s = period_s
        self._timeout_s = timeout_s
        self._parts: tuple[SpawnProcess, Connection, Any, Lock] | None = None
        self._finalizer: weakref.finalize[Any, Any] | None = None
        self._boundary_s = 0.0
        self._late = False

    @property
    def pid(self) -> int | None:
        """Id of the physics' process; None while there is none."""
        return None if self._parts is None else self._parts[0].pid

    def reset(self, state: FloatArray) -> None:
        """
        Begin at a state; real time runs from here on.

        :raises RobotNotReady: the physics' process cannot be started or does not answer.
        :raises ConfigError: this process may not have children.
        """
        started = self._parts is None or not self._parts[0].is_alive()
        if started:
            self.close()
            self._start()
        assert self._parts is not None
        process, connection, _, _ = self._parts
        try:
            connection.send(np.asarray(state, dtype=np.float64).tolist())
            limit_s = START_TIMEOUT_S if started else ANSWER_TIMEOUT_S
            if connection not in wait([connection, process.sentinel], timeout=limit_s):
                raise self._gone('did not begin the episode')
            self._boundary_s = connection.recv() + self._period_s
        except (EOFError, OSError) as error:
            raise self._gone('did not begin the episode') from error
        except BaseException:
            self.close()  # an answer that comes later must not be taken for the next one
            raise

    def advance(self, force: float) -> tuple[FloatArray, dict[str, float]]:
        """
        Push, wait for the period's end, and return the newest state.

        :param force: N, from now until the next call or the command time-out.
        :return: the state, and ``ticks`` of the physics since the reset, ``age`` of the state in
            s, periods ``missed`` before this step, and the time ``slipped`` (s) that the physics
            did not catch up.
        :raises RobotNotReady: the physics ended or stands still.
        """
        if self._parts is None:
            raise RobotNotReady('The physics does not run: call reset first.')
        _, _, board, lock = self._parts
        now_s = time.monotonic()
        missed = max(0, math.ceil((now_s - self._boundary_s) / self._period_s))
        self._boundary_s += missed * self._period_s
        try:
            with held(lock):
                board.force, board.commanded_s = force, now_s
        except TimeoutError as error:
            raise self._gone('was killed while it wrote') from error
        time.sleep(max(0.0, self._boundary_s - time.monotonic()))
        self._boundary_s += self._period_s
        state, found = self._fresh()
        return state, {**found, 'missed': missed}

    def newest(self) -> tuple[FloatArray, dict[str, float]]:
        """
        Return the newest state, with its ``ticks``, ``age`` and ``slipped``.

        :raises RobotNotReady: the physics ended or was killed.
        """
        if self._parts is None:
            raise RobotNotReady('The physics does not run: call reset first.')
        process, _, board, lock = self._parts
        if not process.is_alive():
            raise self._gone('ended')
        try:
            with held(lock):
                state = np.array(board.state, dtype=np.float64)
                ticks, stamp_s, slipped_s = board.ticks, board.stamp_s, board.slipped_s
        except TimeoutError as error:
            raise self._gone('was killed while it wrote') from error
        age = max(0.0, time.monotonic() - stamp_s)
        return state, {'ticks': ticks, 'age': age, 'slipped': slipped_s}

    def close(self) -> None:
        """End the physics' process; idempotent."""
        self._parts = None
        if self._finalizer is not None:
            self._finalizer()
            self._finalizer = None

    def _fresh(self) -> tuple[FloatArray, dict[str, float]]:
        limit_s = time.monotonic() + FRESH_TIMEOUT_S
        while True:
            state, found = self.newest()
            if found['age'] <= MAX_AGE_S:
                return state, found
            if time.monotonic() > limit_s:
                raise self._gone(
                    f"stands still: its newest state is {found['age']:.2f} s old, {MAX_AGE_S} s "
                    'are the limit', reason=StopReason.STATE_STALE)
            time.sleep(CHECK_S)

    def _start(self) -> None:
        spawn = multiprocessing.get_context('spawn')
        ours, theirs = spawn.Pipe()
        board, lock = RawValue(Board), spawn.Lock()
        process = spawn.Process(
            target=run, args=(theirs, board, lock, self._poles, self._timeout_s),
            name='double_pendulum', daemon=True)
        try:
            process.start()
        except BaseException as error:
            ours.close()
            theirs.close()
            if isinstance(error, AssertionError):  # multiprocessing's way to say it
                raise ConfigError(
                    f'DoublePendulum needs a process of its own, and this one may have none '
                    f'({error}): use daemon=False for the vector environment, or '
                    'asynchronous=False for lock-step.'
                ) from error
            raise
        theirs.close()  # so that the pipe breaks when either process dies
        self._parts = process, ours, board, lock
        self._finalizer = weakref.finalize(self, _end, process, ours)

    def _gone(self, what: str, *, reason: int = 0) -> RobotNotReady:
        """End what is left of the physics' process, and return the error that says so."""
        assert self._parts is not None
        process = self._parts[0]
        process.join(0.1)
        code = process.exitcode
        self.close()
        how = 'it was alive' if code is None else f'its exit code is {code}'
        hint = (
            " Where a script starts it, the script needs `if __name__ == '__main__':`."
            if code == 1
            else ''
        )
        return RobotNotReady(
            f"The physics' process {what}; {how}.{hint} Reset starts it anew.", reason=reason)


def _end(process: SpawnProcess, connection: Connection) -> None:
    with contextlib.suppress(OSError):
        connection.close()  # the physics ends by itself then
    process.join(END_TIMEOUT_S)
    if process.is_alive():  # stopped, or stuck
        process.kill()
        process.join()
    process.close()
