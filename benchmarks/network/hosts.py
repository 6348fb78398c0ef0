# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Hosts that are only namespaces: a network and a /dev/shm of their own.

A host lives as long as the process that holds it open, which ends with the process that made it,
killed or not; with the last process on the host its devices and its /dev/shm are gone. Nothing has
a name outside, so any number of networks may exist beside each other.

/dev/shm is private because DDS shares memory across network namespaces, past any wire.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any

# The holder ends when its standard input does: with the process that started it.
HOLDER = (
    'mount -t tmpfs -o size=256m tmpfs /dev/shm && ip link set lo up && '
    'ip link set lo multicast on && echo open && exec cat'
)
TOOLS = ('unshare', 'nsenter', 'setpriv', 'ip', 'mount')
END_TIMEOUT_S = 5.0


class NetworkMissing(Exception):
    """This machine cannot have what was asked for; the sentence says why."""


class Host:
    """
    One host; a context manager.

    :param name: for people.
    :raises NetworkMissing: on entering, where namespaces cannot be made.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Host:
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        if missing:
            raise NetworkMissing(f'there is no {" and no ".join(missing)} here')
        words = ['unshare', '--net', '--mount', 'sh', '-c', HOLDER]
        pipe = subprocess.PIPE
        self._holder = holder = subprocess.Popen(
            words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        assert holder.stdout is not None and holder.stderr is not None
        if holder.stdout.readline().strip() != 'open':
            why = holder.stderr.read().strip().replace('\n', '; ')
            self.__exit__(None, None, None)
            raise NetworkMissing(f'network namespaces cannot be made here: {why}')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        holder, self._holder = self._holder, None
        if holder is None:
            return
        for stream in (holder.stdin, holder.stdout, holder.stderr):
            assert stream is not None
            stream.close()
        try:
            holder.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()

    @property
    def process(self) -> int:
        """Process id of the holder; its namespaces are those in /proc/<id>/ns."""
        assert self._holder is not None, f'{self.name} is not open'
        return self._holder.pid

    def command(self, words: Sequence[str]) -> list[str]:
        """
        Return the command line that runs ``words`` on this host, in the same process.

        It is killed when the thread that starts it ends, so that nothing outlives a killed test.
        """
        target = ['nsenter', '--target', str(self.process), '--net', '--mount', '--']
        return ['setpriv', '--pdeathsig', 'KILL', '--', *target, *words]

    def start(
        self,
        words: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        stdin: int | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a process on this host, with these variables over those of this process."""
        return subprocess.Popen(
            self.command(words), env={**os.environ, **(environment or {})}, text=True,
            stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True)  # fmt: skip

    def run(self, *words: str) -> str:
        """
        Run a tool on this host and return what it wrote.

        :raises NetworkMissing: it failed; the sentence is its own.
        """
        if shutil.which(words[0]) is None:
            raise NetworkMissing(f'there is no {words[0]} here')
        done = subprocess.run(self.command(words), capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().replace('\n', '; ')
            raise NetworkMissing(f'{" ".join(words)} failed: {said}')
        return done.stdout
