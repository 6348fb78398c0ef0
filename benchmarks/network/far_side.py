# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What is started on the two hosts of a link: a bridge or a whole robot side, and a client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchmarks.network.hosts import Host
from benchmarks.network.link import ROOT
from benchmarks.network.numbered_env import journal_of
from benchmarks.network.robot_side import BRIDGE, command

ENV = 'benchmarks.network.numbered_env:Numbered-v0'
END_TIMEOUT_S = 30.0


def environment() -> dict[str, str]:
    """Return the variables of all processes: they see each other over the link, nobody else."""
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    return {
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET',
        'PYTHONPATH': os.pathsep.join(filter(None, paths)),
    }


class Journal:
    """The steps that an environment really made."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def made(self, first: int = 1) -> dict[int, int]:
        """Return how often each step from this number on was made."""
        numbers = journal_of(self.path) if self.path.exists() else np.zeros(0, np.int64)
        found = np.unique(numbers[numbers >= first], return_counts=True)
        return dict(zip(*(column.tolist() for column in found), strict=True))


@contextmanager
def numbered(host: Host, folder: Path, errors: IO[str] | None = None) -> Iterator[Journal]:
    """Host the environment that notes its steps in a bridge."""
    journal = Journal(folder / 'journal')
    kwargs = f"'{{journal: {journal.path}}}'"
    line = command('rl_bridge.node', env=ENV, env_kwargs=kwargs, autostart='true')
    bridge = host.start(line, environment=environment(), stderr=errors)
    try:
        yield journal
    finally:
        bridge.terminate()
        _end(bridge)


class RobotSide:
    """A robot with guard, bridge and recorder; a context manager that leaves ``report``."""

    def __init__(self, host: Host, folder: Path, errors: IO[str] | None = None) -> None:
        self._host, self._folder, self._errors = host, folder, errors
        self.report: dict[str, Any] = {}

    def __enter__(self) -> RobotSide:
        pipe = subprocess.PIPE
        self._process = self._host.start(
            [sys.executable, '-m', 'benchmarks.network.robot_side', str(self._folder)],
            environment=environment(), stdin=pipe, stdout=pipe, stderr=self._errors)  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        try:
            said, _errors = self._process.communicate('end\n', END_TIMEOUT_S)
            self.report = json.loads(said.splitlines()[-1])
        finally:
            _end(self._process)


class FarClient:
    """
    A client that steps; a context manager.

    :param steps: to be made.
    :param folder: where it writes the times.
    :param words: further arguments of ``benchmarks.network.stepper``.
    """

    def __init__(
        self, host: Host, steps: int, folder: Path, *words: str, errors: IO[str] | None = None
    ) -> None:
        self._host, self._errors = host, errors
        self._out = folder / 'steps.npy'
        self._line = [
            sys.executable, '-m', 'benchmarks.network.stepper', BRIDGE, str(steps),
            str(self._out), *words,
        ]  # fmt: skip
        self.lines: list[str] = []

    def __enter__(self) -> FarClient:
        pipe = subprocess.PIPE
        self._process = self._host.start(
            self._line, environment=environment(), stdin=pipe, stdout=pipe, stderr=self._errors
        )
        self.wait_for('connected')
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def go(self) -> None:
        """Let it step."""
        assert self._process.stdin is not None
        self._process.stdin.write('go\n')
        self._process.stdin.flush()

    def wait_for(self, *wanted: str) -> None:
        """
        Wait until it says one of these.

        :raises RuntimeError: it ended without.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.strip())
            if self.lines[-1] in wanted:
                return
        raise RuntimeError(f'the client ended, and never said {wanted} but {self.lines[-5:]}')

    def result(self) -> dict[str, Any]:
        """
        Wait until it has ended.

        :returns: what it printed, with ``steps_ns``, begin and length of every answered step.
        """
        said, _errors = self._process.communicate()
        self.lines += said.splitlines()
        if self._process.returncode:
            raise RuntimeError(f'the client failed: {self.lines[-5:]}')
        return {**json.loads(self.lines[-1]), 'steps_ns': np.load(self._out).tolist()}


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
