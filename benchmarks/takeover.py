# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Two clients that take the lease over from each other as fast as they can.

    python -m benchmarks.takeover [--full]

Bridge, guard, robot with recorder and both clients are processes of their own. A race is one
takeover while the other steps. After the BEGIN of an epoch, no command of an older one may come.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from benchmarks.figure import Figure, parse
from benchmarks.network.far_side import environment
from benchmarks.network.hosts import NetworkMissing
from benchmarks.network.link import Link
from benchmarks.network.robot_side import BRIDGE

RIVALS = ('alice', 'bob')
QUICK, FULL = 120, 10_000
LANES = {False: 1, True: 3}
SIDE = 'benchmarks.network.robot_side'
DOMAIN = '67'
COUNTED = ('commands', 'steps', 'epochs', 'fenced', 'twice')


class Place:
    """Where the processes of one lane run: on two hosts if there can be any, else right here."""

    def __init__(self, link: Link | None) -> None:
        self._link = link

    def start(self, words: list[str], *, far: bool, errors: IO[str]) -> subprocess.Popen[str]:
        """Start a process that is spoken to; ``far`` from the robot or beside it."""
        variables = environment()
        if self._link is None:
            variables['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
            variables['ROS_DOMAIN_ID'] = DOMAIN
        pipe = subprocess.PIPE
        line = [sys.executable, '-m', *words]
        if self._link is None:
            return subprocess.Popen(
                line, env={**os.environ, **variables}, stdin=pipe, stdout=pipe, stderr=errors,
                text=True, start_new_session=True)  # fmt: skip
        host = self._link.client if far else self._link.robot
        return host.start(line, environment=variables, stdin=pipe, stdout=pipe, stderr=errors)


def lane(place: Place, races: int, folder: Path) -> dict[str, Any]:
    """
    Run a number of races.

    :returns: what the recorder reports, with ``events`` of both clients and the seconds it took.
    """
    with (folder / 'log').open('w') as errors:
        side = place.start([SIDE, str(folder)], far=False, errors=errors)
        rivals = [
            place.start(
                ['benchmarks.network.rival', BRIDGE, name, str(races // 2)], far=True,
                errors=errors)
            for name in RIVALS
        ]  # fmt: skip
        for rival in rivals:
            assert rival.stdout is not None
            if rival.stdout.readline().strip() != 'connected':
                raise RuntimeError(f'no client connects:\n{(folder / "log").read_text()[-2000:]}')
        for rival in rivals:
            assert rival.stdin is not None
            rival.stdin.write('go\n')
            rival.stdin.flush()
        events: Counter[str] = Counter()
        took_s = 0.0
        for found in [_result(rival) for rival in rivals]:
            events.update(found['events'])
            took_s = max(took_s, found['took_s'])
        report = json.loads(side.communicate('end\n')[0].splitlines()[-1])
    return {**report, 'events': dict(events), 'took_s': took_s}


def _result(rival: subprocess.Popen[str]) -> dict[str, Any]:
    assert rival.stdin is not None and rival.stdout is not None
    text = rival.stdout.read()
    rival.stdin.close()
    rival.stdout.close()
    if rival.wait():
        raise RuntimeError('a client failed; see the log above')
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


def run(number: int, races: int, *, hosts: bool) -> dict[str, Any]:
    """Run one lane in a place of its own."""
    with contextlib.ExitStack() as undo:
        folder = undo.enter_context(tempfile.TemporaryDirectory(prefix='rl_bridge_takeover_'))
        link = undo.enter_context(Link()) if hosts else None
        found = lane(Place(link), races, Path(folder))
    print(f'lane {number}: {found["events"]} in {found["took_s"]:.0f} s', flush=True)
    return found


def judge(figure: Figure, results: Sequence[Mapping[str, Any]]) -> None:
    """Hold what the recorders saw against what is claimed."""
    total: Counter[str] = Counter()
    for number, found in enumerate(results):
        columns = {name: found[name] for name in COUNTED}
        columns['takeovers'] = found['events'].get('takeovers', 0)
        columns['violations'] = len(found['violations'])
        figure.row(f'lane {number}', {**columns, 'seconds': found['took_s']})
        figure.note(f'lane {number}: {found["events"]}, latched {found["latched"]}')
        for sentence in found['violations'][:5]:
            figure.note(f'lane {number}: {sentence}')
        total.update(columns)
    wanted = FULL if figure.full else QUICK
    figure.bound('takeovers', total['takeovers'], wanted, total['takeovers'] >= wanted)
    figure.bound('commands of a fenced epoch after the BEGIN that fenced it', total['fenced'], 0,
                 total['fenced'] == 0)  # fmt: skip
    figure.bound('steps made twice', total['twice'], 0, total['twice'] == 0)
    figure.bound("the oracle's violations", total['violations'], 0, total['violations'] == 0)


def main() -> int:
    """Race, judge, write."""
    full, _ = parse('takeover')
    figure = Figure('takeover', full=full)
    races, lanes = FULL if full else QUICK, LANES[full]
    hosts = True
    try:
        with Link():
            pass
    except NetworkMissing as why:
        hosts, lanes = False, 1
        figure.note(f'one lane, and no hosts of their own: {why}')
    each = -(-races // lanes // 2) * 2
    with ThreadPoolExecutor(lanes) as pool:
        jobs = [pool.submit(run, number, each, hosts=hosts) for number in range(lanes)]
        results = [job.result() for job in jobs]
    judge(figure, results)
    return figure.finish()


if __name__ == '__main__':
    sys.exit(main())
