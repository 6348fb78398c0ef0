# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
How soon the robot gets its stop when something fails: ``make figure NAME=faults``.

Every fault is injected into a real guard, bridge and client that move a robot, at any time within
their periods, while programs that only compute keep all cores busy. The robot is the recorder: the
reaction is the time from the injection to the first stop output that arrives there. After every
injection the oracle looks through all that was recorded.

    python -m benchmarks.faults --kinds client-killed,link-cut --count 1000 --full --merge

runs some kinds only and joins them with what is there of the others.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import RESULTS, Figure, parse
from benchmarks.network.link import missing
from benchmarks.rig.kinds import KINDS, Kind
from benchmarks.rig.lanes import AUDIT, FAILED, Lanes
from benchmarks.rig.load import Load

QUICK, FULL = 10, 1000
TOLD = 250  # of kinds without a bound, in the full run
LONG_PAUSES = {False: 4, True: 200}
LANES = {False: 4, True: 6}
LONG_PAUSE = 'long-pause'
#: Every injection of the last run with all that is known of it.
LOG = RESULTS / 'quick' / 'faults.injections.jsonl'
PROGRESS_S = 10.0
LATE_MS = 10.0  # a recorder that was late by more measures itself


@dataclass(slots=True)
class Sample:
    """
    What came of all injections of one kind; times in ms.

    :param stalled_ms: reactions of those during which the machine itself or the recorder stood
        still.
    :param causes: how often which state and reason came first.
    :param latched: injections after which more than a HOLD came.
    :param recorded: stops that were looked for in the event log; those that are not there.
    :param faults: sentences of what was wrong, the oracle's too.
    """

    reaction_ms: list[float] = field(default_factory=list)
    detected_ms: list[float] = field(default_factory=list)
    rest_ms: list[float] = field(default_factory=list)
    resumed_ms: list[float] = field(default_factory=list)
    stalled_ms: list[float] = field(default_factory=list)
    causes: dict[str, int] = field(default_factory=dict)
    latched: int = 0
    recorded: int = 0
    unrecorded: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    date: str = ''

    @property
    def count(self) -> int:
        """How many injections."""
        return len(self.reaction_ms) + len(self.stalled_ms)

    def add(self, injection: Mapping[str, Any], *, stalled: bool) -> None:
        """Add one injection."""
        if FAILED in injection:
            self.faults.append(str(injection[FAILED]))
            return
        self.violations += injection['violations']
        self.faults += injection['unexpected']
        cause = f'{injection["state"]}, {injection["reason"]}'
        self.causes[cause] = self.causes.get(cause, 0) + 1
        self.latched += injection['worst'] not in ('HOLD', '')
        if injection['reaction_ms'] is None:
            return
        if stalled:
            self.stalled_ms.append(round(injection['reaction_ms'], 3))
            return
        for name in ('reaction_ms', 'detected_ms', 'rest_ms', 'resumed_ms'):
            if injection[name] is not None:
                getattr(self, name).append(round(injection[name], 3))


def main() -> int:
    """Run the figure. Returns 1 if a bound is missed."""
    full, options = parse('faults', add=_options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    link = not missing()
    wanted = options.kinds.split(',') if options.kinds else list(KINDS)
    unknown = set(wanted) - set(KINDS)
    if unknown:
        print(f'no such kind: {", ".join(sorted(unknown))}; there is {", ".join(KINDS)}')
        return 2
    counts = {
        name: options.count
        or (LONG_PAUSES[full] if name == LONG_PAUSE else FULL if full else QUICK)
        for name in wanted
        if link or not KINDS[name].needs_link
    }
    figure = Figure('faults', full=full)
    samples = _merged(figure) if options.merge else {}
    hogs = 0 if options.idle else len(os.sched_getaffinity(0))
    lanes = options.lanes or LANES[full]
    taken, problems, scheduling = _run(counts, lanes=lanes, link=link, hogs=hogs)
    samples |= taken
    _save(figure, samples)
    for name in wanted:
        if name not in counts:
            figure.note(f'{KINDS[name].what}: left out, {missing()}')
    for problem in problems:
        figure.note(problem)
    figure.note(
        f'recorder: {scheduling}; {hogs} hogs; {lanes} robot sides at once; '
        f'the client is on {"a host of its own" if link else "the same host"}'
    )
    _tell(figure, samples)
    return figure.finish()


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--kinds', default='', help=f'of {", ".join(KINDS)}; all by default')
    parser.add_argument('--count', type=int, default=0, help='injections of each kind')
    parser.add_argument('--lanes', type=int, default=0, help='robot sides at once')
    parser.add_argument('--idle', action='store_true', help='without load on the cores')
    parser.add_argument('--merge', action='store_true', help='keep earlier results of other kinds')


def _count(name: str, full: bool) -> int:
    if name == LONG_PAUSE:
        return LONG_PAUSES[full]
    if not full:
        return QUICK
    return FULL if KINDS[name].bound_ms is not None else TOLD


def _run(
    counts: Mapping[str, int], *, lanes: int, link: bool, hogs: int
) -> tuple[dict[str, Sample], list[str], str]:
    """Inject all of it; return what came of it by kind."""
    now = datetime.now(timezone.utc).isoformat(timespec='seconds')
    samples = {name: Sample(date=now) for name in counts}
    total, done = sum(counts.values()), 0
    injections: list[dict[str, Any]] = []
    begun_s = told_s = time.monotonic()

    def told(injection: dict[str, Any]) -> None:
        nonlocal done, told_s
        if AUDIT in injection:
            samples[injection['kind']].recorded += injection[AUDIT]
            samples[injection['kind']].unrecorded += injection['unrecorded']
            return
        done += 1
        injections.append(injection)
        if time.monotonic() - told_s > PROGRESS_S:
            told_s = time.monotonic()
            print(f'{done} of {total} after {told_s - begun_s:.0f} s', file=sys.stderr, flush=True)

    LOG.parent.mkdir(parents=True, exist_ok=True)
    with Load(hogs=hogs) as load:
        work = Lanes(counts, lanes=lanes, link=link, told=told)
        work.run()
        for injection in injections:
            stalled = FAILED not in injection and (
                load.stalled(injection['at_ns'], injection['until_ns'])
                or injection['late_ms'] > LATE_MS
            )
            samples[injection['kind']].add(injection, stalled=stalled)
        stalls = [(end - begin) / 1e6 for begin, end in load.stalls]
    with LOG.open('w') as log:
        log.writelines(json.dumps(injection) + '\n' for injection in injections)
    problems = list(work.problems)
    void = sum(injection.get('void', 0) for injection in injections)
    if void:
        problems.append(
            f'{void} injections came when something else had stopped the robot: repeated'
        )
    if stalls:
        problems.append(
            f'the machine itself stood still {len(stalls)} times, for {max(stalls):.0f} ms at most'
        )
    return samples, problems, work.scheduling


def _file(figure: Figure) -> Path:
    return figure.folder / 'faults.samples.json'


def _merged(figure: Figure) -> dict[str, Sample]:
    file = _file(figure)
    if not file.is_file():
        return {}
    return {name: Sample(**values) for name, values in json.loads(file.read_text()).items()}


def _save(figure: Figure, samples: Mapping[str, Sample]) -> None:
    """Keep every single reaction: another run can be joined with it, and the plot drawn again."""
    figure.folder.mkdir(parents=True, exist_ok=True)
    names = Sample.__dataclass_fields__
    values = {
        kind: {name: getattr(sample, name) for name in names} for kind, sample in samples.items()
    }
    _file(figure).write_text(json.dumps(values) + '\n')


def _tell(figure: Figure, samples: Mapping[str, Sample]) -> None:
    for name, kind in KINDS.items():
        if name in samples:
            _row(figure, name, kind, samples[name])
    violations = [text for sample in samples.values() for text in sample.violations]
    faults = [f'{name}: {text}' for name, sample in samples.items() for text in sample.faults]
    figure.bound('violations of the oracle', len(violations), 0, not violations)
    figure.bound('injections with an unexpected outcome', len(faults), 0, not faults)
    unrecorded = [text for sample in samples.values() for text in sample.unrecorded]
    stops = sum(sample.recorded for sample in samples.values())
    figure.bound(
        f'stops missing in the event log, of {stops:,} told', len(unrecorded), 0, not unrecorded
    )
    for text, count in Counter(violations + faults + unrecorded).most_common(10):
        figure.note(f'{count} x {text[:600]}')
    if LONG_PAUSE in samples:
        pauses = samples[LONG_PAUSE]
        figure.bound(
            f'latched stops in {pauses.count} pauses of 2 s', pauses.latched, 0, not pauses.latched
        )
    figure.plot(lambda axes: _draw(axes, samples))


def _row(figure: Figure, name: str, kind: Kind, sample: Sample) -> None:
    times, stalled = np.array(sample.reaction_ms), np.array(sample.stalled_ms)
    most = float(times.max()) if len(times) else float('nan')
    expected = {f'{state.name}, {reason.name}' for state, reason in kind.outcomes}
    others = {cause: count for cause, count in sample.causes.items() if cause not in expected}
    figure.row(
        kind.what,
        {
            'n': sample.count,
            'p50 ms': _percentile(times, 50),
            'p99 ms': _percentile(times, 99),
            'max ms': most,
            'guard max ms': max(sample.detected_ms, default=float('nan')),
            'at rest max ms': max(sample.rest_ms, default=float('nan')),
            'n stalled': len(stalled),
            'stalled max ms': float(stalled.max()) if len(stalled) else float('nan'),
            'stop of another cause': sum(others.values()),
        },
    )
    for cause, count in others.items():
        figure.note(f'{kind.what}: {count} of {sample.count} were stopped as {cause}')
    if kind.bound_ms is not None:
        figure.bound(
            f'{kind.what}, max ms', most, kind.bound_ms,
            bool(len(times)) and most <= kind.bound_ms)  # fmt: skip


def _percentile(times: np.ndarray[Any, Any], part: float) -> float:
    return float(np.percentile(times, part)) if len(times) else float('nan')


def _draw(axes: Any, samples: Mapping[str, Sample]) -> None:
    """Every reaction as a dot, a row for each kind, its bound as a line."""
    names = [name for name in reversed(KINDS) if name in samples and samples[name].count]
    spread = np.random.default_rng(0)
    for row, name in enumerate(names):
        kind, sample = KINDS[name], samples[name]
        for times, colour in ((sample.reaction_ms, 'tab:blue'), (sample.stalled_ms, 'tab:red')):
            height = row + spread.uniform(-0.28, 0.28, len(times))
            axes.plot(times, height, '.', color=colour, markersize=2.5, alpha=0.5)
        if kind.bound_ms is not None:
            axes.plot([kind.bound_ms] * 2, [row - 0.4, row + 0.4], color='black', linewidth=1.5)
    axes.set_yticks(range(len(names)), [KINDS[name].what for name in names])
    axes.set_xscale('symlog', linthresh=10.0)
    axes.set_xlim(left=0.0)
    axes.set_xlabel('from the fault to the stop output at the controller (ms); bar: bound')
    axes.grid(axis='x', alpha=0.3)


if __name__ == '__main__':
    sys.exit(main())
