# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Several lanes beside each other, each a process on a network of its own where there is one."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.network.hosts import NetworkMissing
from benchmarks.network.link import ROOT, Link
from benchmarks.rig import GUARD_EVENTS
from benchmarks.rig.oracle import EventRecord, ToldStop, every_stop_recorded
from rl_bridge.errors import ConfigError
from rl_bridge.events import merged, read

READY = 'ready'
FAILED = 'failed'
AUDIT = 'audit'
CHUNK = 25  # injections that a lane is given at once
RESTARTS = 3
ENVIRONMENT = {
    'OPENBLAS_NUM_THREADS': '1',  # a fork must find no threads
    'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]),
}
Told = Callable[[dict[str, Any]], None]


class LaneProcess:
    """
    A lane as a process; a context manager.

    With a link its client lives on another host and the link can be cut; without, the lane is on
    this machine's loopback, in a ROS domain of its own.

    :param link: whether to make a link.
    :param domain: ROS domain for a lane without one.
    :param folder: for its logs, which are then kept; empty = a temporary one.
    :raises NetworkMissing: on entering, where there can be no link.
    :raises RuntimeError: on entering, where the robot side does not come up.
    """

    def __init__(self, *, link: bool, domain: int, folder: str = '') -> None:
        self._link = Link() if link else None
        self._domain = domain
        self._folder = Path(folder)
        self._keep = bool(folder)
        self._told: list[ToldStop] = []
        self._undo = contextlib.ExitStack()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> LaneProcess:
        with contextlib.ExitStack() as undo:
            if not self._keep:
                made = tempfile.TemporaryDirectory(prefix='rl_bridge_lane_')
                self._folder = Path(undo.enter_context(made))
            words = [sys.executable, '-m', 'benchmarks.rig.lane', str(self._folder)]
            pipe = subprocess.PIPE
            if self._link is None:
                environment = {
                    **ENVIRONMENT,
                    'ROS_DOMAIN_ID': str(self._domain),
                    'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
                }
                process = subprocess.Popen(
                    words, cwd=ROOT, env={**os.environ, **environment}, text=True,
                    stdin=pipe, stdout=pipe, start_new_session=True)  # fmt: skip
            else:
                undo.enter_context(self._link)
                # Nobody else is on this network.
                environment = {**ENVIRONMENT, 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}
                words += ['--client-host', str(self._link.client.process)]
                process = self._link.robot.start(
                    words, environment=environment, stdin=pipe, stdout=pipe
                )
            self._process = process
            undo.callback(self._end)
            answer = self._answer()
            if READY not in answer:
                raise RuntimeError(answer.get(FAILED, 'the lane ended'))
            self.scheduling = answer[READY]
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    @property
    def has_link(self) -> bool:
        """Whether its link can be cut."""
        return self._link is not None

    def inject(self, kind: str, told: Told) -> bool:
        """
        Inject one fault and pass on what came of it.

        :returns: whether the lane is still there.
        """
        assert self._process is not None and self._process.stdin is not None
        answer: dict[str, Any] = {}
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({'kind': kind}) + '\n')
            self._process.stdin.flush()
            answer = self._answer()
        if not answer:
            told({'kind': kind, FAILED: 'the lane ended'})
            return False
        self._told += [ToldStop(**stop) for stop in answer.pop('told', ())]
        told(answer)
        return True

    def audit(self) -> tuple[int, list[str]]:
        """
        Compare the stops that were told since the last time with the guard's event log.

        :returns: how many were told, and a sentence for each that is missing in the log.
        """
        told, self._told = set(self._told), []
        events = [
            EventRecord(record['state'], record['reason'], record['detected_ns'])
            for record in merged([read(self._folder / GUARD_EVENTS)])
            if record['kind'] == 'stop'
        ]
        return len(told), every_stop_recorded(told, events)

    def _answer(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        return answer

    def _end(self) -> None:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


class Lanes:
    """
    Gives lanes work until all is done.

    :param counts: injections by kind.
    :param lanes: how many lanes.
    :param link: whether each has a link.
    :param told: called with every injection, and after some with an audit of the event log; by one
        thread at a time.
    """

    def __init__(self, counts: Mapping[str, int], *, lanes: int, link: bool, told: Told) -> None:
        chunks = []
        for kind, count in counts.items():
            size = max(1, min(CHUNK, count // lanes))
            chunks += [(kind, min(size, count - begun)) for begun in range(0, count, size)]
        random.shuffle(chunks)
        self._chunks: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        for chunk in chunks:
            self._chunks.put(chunk)
        self._link = link
        self._told = told
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(number,), daemon=True)
            for number in range(lanes)
        ]
        self.problems: list[str] = []
        self.scheduling = ''

    def run(self) -> None:
        """Do all of it, or what was begun until a KeyboardInterrupt."""
        for thread in self._threads:
            thread.start()
        try:
            for thread in self._threads:
                thread.join()
        except KeyboardInterrupt:
            self._ending.set()
            for thread in self._threads:
                thread.join()
            self.problems.append('interrupted: not all was injected')

    def _work(self, number: int) -> None:
        domain = int(os.environ.get('ROS_DOMAIN_ID', '0') or 0) + number
        for _ in range(RESTARTS):
            try:
                with LaneProcess(link=self._link, domain=domain) as lane:
                    self.scheduling = lane.scheduling
                    if self._feed(lane):
                        return
            except (RuntimeError, NetworkMissing, ConfigError) as failure:
                with self._lock:
                    self.problems.append(f'lane {number}: {failure}')

    def _feed(self, lane: LaneProcess) -> bool:
        """Return whether there is no work left."""
        while True:
            try:
                kind, count = self._chunks.get_nowait()
            except queue.Empty:
                return True
            for _ in range(count):
                if self._ending.is_set():
                    return True
                if not lane.inject(kind, self._tell):
                    return False
            stops, unrecorded = lane.audit()
            self._tell({'kind': kind, AUDIT: stops, 'unrecorded': unrecorded})

    def _tell(self, injection: dict[str, Any]) -> None:
        with self._lock:
            self._told(injection)
