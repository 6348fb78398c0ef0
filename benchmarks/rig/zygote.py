# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A process that has imported everything and initialised nothing: what it forks is there at once.

It must be forked before this process touches DDS, which does not survive a fork. It runs at normal
priority, whatever its parent runs at later.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_MESSAGE = 65_536

Program = Callable[..., 'int | None']


class Child:
    """A forked process, signalled through a handle that outlives its id."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle: int | None = None
        with contextlib.suppress(ProcessLookupError):  # it has done its work already
            self._handle = os.pidfd_open(pid)

    def send(self, number: int) -> None:
        """Send a signal; a process that has ended gets none."""
        if self._handle is not None:
            try:
                signal.pidfd_send_signal(self._handle, number)
            except ProcessLookupError:
                self.forget()

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        self.send(0)
        return self._handle is not None

    @property
    def stopped(self) -> bool:
        """Whether a signal keeps it from running, all of its threads."""
        for thread in Path(f'/proc/{self.pid}/task').iterdir():
            if (thread / 'stat').read_bytes().rpartition(b')')[2].split()[0] != b'T':
                return False
        return True

    def forget(self) -> None:
        """Let go of the handle."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class Zygote:
    """
    Forks programs on demand.

    :param programs: functions by name; each runs in its own process and gets keyword arguments.
    :param logs: folder for what they write.
    """

    def __init__(self, programs: Mapping[str, Program], *, logs: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        gc.collect()
        gc.freeze()  # or the collector writes to every page and so copies it
        pid = os.fork()
        if pid == 0:
            ours.close()
            _die_with_parent()
            _serve(theirs, programs, logs)
        theirs.close()
        self._socket = ours
        self._pid = pid

    def ask(self, program: str, **arguments: Any) -> None:
        """Ask for a process."""
        self._socket.send(json.dumps([program, arguments]).encode())

    def answer(self) -> Child | None:
        """Return the process that was asked for, once it is there."""
        try:
            pid = int(self._socket.recv(_MESSAGE, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return None
        return Child(pid)

    def close(self) -> None:
        """End it and everything it forked."""
        self._socket.close()
        os.waitpid(self._pid, 0)


def _serve(connection: socket.socket, programs: Mapping[str, Program], logs: Path) -> None:
    """Fork until the other end is gone; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that no zombie stays
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        message = connection.recv(_MESSAGE)
        if not message:
            os._exit(0)
        name, arguments = json.loads(message)
        pid = os.fork()
        if pid == 0:
            connection.close()
            _die_with_parent()
            _run(name, programs[name], arguments, logs)
        connection.send(str(pid).encode())


def _run(name: str, program: Program, arguments: dict[str, Any], logs: Path) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        log = os.open(logs / f'{name}.log', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = program(**arguments) or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
