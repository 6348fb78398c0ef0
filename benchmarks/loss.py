# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Steps over a link that loses packets: each at most once, none late, no false stop.

    python -m benchmarks.loss [--full]

Robot side and client are processes on two hosts (network namespaces) with a lossy link between
them, in three forms: *lock-step*, an environment that notes every step it really makes, stepped as
fast as it goes; *paced*, a robot behind guard and bridge at 25 Hz with a recorder beside it and a
learner that pauses for 2 s; *plain*, an rclpy service with a retry after 0.5 s, for comparison.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchmarks.figure import Figure, parse
from benchmarks.network.far_side import FarClient, Journal, RobotSide, environment, numbered
from benchmarks.network.link import Link, missing
from benchmarks.rig.load import Load
from rl_bridge.types import FloatArray

LOSSES = (0.0, 0.01, 0.05, 0.2)
PLAIN = 'a plain rclpy service with retry after 0.5 s; loss each way'
LIMITS_MS = {0.05: 100.0, 0.2: 250.0}
PERCENTILES = (50.0, 99.0, 99.9)
Work = tuple[str, float, Callable[[Path], 'Outcome']]


@dataclass(frozen=True, slots=True)
class Size:
    """
    How much is measured.

    :param lock_steps: in all, for each loss.
    :param lanes: how many share them, each with hosts of its own, by loss.
    :param paced_steps: for each loss.
    :param pause_every: paced steps between two pauses of 2 s.
    :param plain_s: seconds, for each loss.
    """

    lock_steps: int
    lanes: Mapping[float, int]
    paced_steps: int
    pause_every: int
    plain_s: float


QUICK = Size(1500, dict.fromkeys(LOSSES, 1), 250, 100, 10.0)
FULL = Size(100_000, {0.0: 1, 0.01: 1, 0.05: 2, 0.2: 4}, 6000, 250, 180.0)


@dataclass(slots=True)
class Outcome:
    """
    What one form showed at one loss.

    :param steps_ns: begin and length of every answered step.
    :param stalled: whether the machine itself stood still during each of them.
    :param asked: steps that the client asked for.
    :param made: steps that were really made.
    :param twice: steps that were made more than once.
    :param events: what the client met, by name.
    :param robot: what the recorder reports; paced only.
    """

    steps_ns: list[tuple[int, int]] = field(default_factory=list)
    stalled: list[bool] = field(default_factory=list)
    asked: int = 0
    made: int = 0
    twice: int = 0
    wrong: int = 0
    events: dict[str, int] = field(default_factory=dict)
    robot: dict[str, Any] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Take in what another lane showed."""
        self.steps_ns += other.steps_ns
        self.stalled += other.stalled
        self.asked += other.asked
        self.made += other.made
        self.twice += other.twice
        self.wrong += other.wrong
        self.robot = other.robot or self.robot
        for name, count in other.events.items():
            self.events[name] = self.events.get(name, 0) + count

    def times_ms(self, *, stalled: bool = False) -> FloatArray:
        """Return how long the steps took, in order, for all but the stalls or for those alone."""
        times = [
            length_ns / 1e6
            for (_, length_ns), stood in zip(self.steps_ns, self.stalled, strict=True)
            if stood == stalled
        ]
        return np.array(times or [np.nan])


def lock_step(loss: float, steps: int, folder: Path) -> Outcome:
    """Step an environment that notes its steps."""
    with Link() as link, log(folder) as errors, numbered(link.robot, folder, errors) as journal:
        link.disturb(loss=loss)
        outcome = step(FarClient(link.client, steps, folder, errors=errors))
        return counted(outcome, journal)


def paced(loss: float, steps: int, pause_every: int, folder: Path) -> Outcome:
    """Drive a robot behind guard and bridge."""
    words = ['--drive', '--pause-every', str(pause_every)]
    with Link() as link, log(folder) as errors:
        with RobotSide(link.robot, folder, errors) as side:
            link.disturb(loss=loss)
            outcome = step(FarClient(link.client, steps, folder, *words, errors=errors))
        outcome.robot = side.report
    outcome.made, outcome.twice = outcome.robot['steps'], outcome.robot['twice']
    return outcome


def plain(loss: float, seconds: float, folder: Path) -> Outcome:
    """Step over a plain service, with the middleware as it comes."""
    journal = Journal(folder / 'journal')
    module = [sys.executable, '-m', 'benchmarks.network.plain_service']
    with Link() as link, log(folder) as errors:
        server = link.robot.start(
            [*module, 'serve', str(journal.path)], environment=environment(), stderr=errors
        )
        link.disturb(loss=loss)
        out = folder / 'steps.npy'
        client = link.client.start(
            [*module, 'call', '1000000', str(seconds), str(out)], environment=environment(),
            stdout=subprocess.PIPE, stderr=errors)  # fmt: skip
        found = json.loads(client.communicate()[0].splitlines()[-1])
        server.terminate()
        server.wait()
    outcome = Outcome(steps_ns=np.load(out).tolist(), asked=found['asked'])
    return counted(outcome, journal)


def step(far: FarClient) -> Outcome:
    """Let the client make its steps."""
    with far as client:
        client.go()
        found = client.result()
    return Outcome(
        steps_ns=found['steps_ns'], asked=found['asked'], wrong=found['wrong'],
        events=found['events'])  # fmt: skip


def counted(outcome: Outcome, journal: Journal) -> Outcome:
    """Count the steps that were really made."""
    times = journal.made().values()
    outcome.made, outcome.twice = len(times), sum(count > 1 for count in times)
    return outcome


def log(folder: Path) -> IO[str]:
    """Open the log of one lane."""
    return (folder / 'log').open('w')


def measure(
    size: Size, load: Load, tell: Callable[[str], None]
) -> dict[tuple[str, float], Outcome]:
    """Measure all forms at all losses."""
    outcomes: dict[tuple[str, float], Outcome] = {}
    lock = threading.Lock()

    def run(form: str, loss: float, work: Callable[[Path], Outcome]) -> None:
        begun_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix='rl_bridge_loss_') as folder:
            found = work(Path(folder))
        found.stalled = [
            load.stalled(begun_ns, begun_ns + length_ns) for begun_ns, length_ns in found.steps_ns
        ]
        with lock:
            outcomes.setdefault((form, loss), Outcome()).add(found)
            took_s = time.monotonic() - begun_s
            tell(f'{form} at {loss:.0%}: {len(found.steps_ns)} steps in {took_s:.0f} s')

    def together(works: list[Work], *, most: int) -> None:
        with ThreadPoolExecutor(most) as pool:
            for job in [pool.submit(run, *work) for work in works]:
                job.result()

    for loss in LOSSES:
        lanes = size.lanes[loss]
        steps = size.lock_steps // lanes
        together([('lock-step', loss, partial(lock_step, loss, steps))] * lanes, most=lanes)
    pauses = size.pause_every
    together(
        [('paced', loss, partial(paced, loss, size.paced_steps, pauses)) for loss in LOSSES],
        most=2)  # fmt: skip
    together([('plain', loss, partial(plain, loss, size.plain_s)) for loss in LOSSES], most=4)
    return outcomes


def columns(outcome: Outcome) -> dict[str, object]:
    """Return the row of one form at one loss."""
    times_ms = outcome.times_ms()
    values = dict(zip(PERCENTILES, np.percentile(times_ms, PERCENTILES), strict=True))
    return {
        'steps': outcome.asked,
        'made': outcome.made,
        'made twice': outcome.twice,
        **{f'p{name:g} ms': value for name, value in values.items()},
        'max ms': times_ms.max(),
        'n stalled': sum(outcome.stalled),
        'stalled max ms': outcome.times_ms(stalled=True).max(),
    }


def judge(figure: Figure, outcomes: Mapping[tuple[str, float], Outcome]) -> None:
    """Hold all of it against what is claimed."""
    for (form, loss), outcome in sorted(outcomes.items()):
        name = f'{form}, {loss:.0%}'
        if form == 'plain':
            figure.row(name, columns(outcome), table=PLAIN)
            continue
        figure.row(name, columns(outcome))
        figure.bound(f'{name}: steps made twice', outcome.twice, 0, outcome.twice == 0)
        lost = outcome.asked - len(outcome.steps_ns)
        figure.bound(f'{name}: steps without their answer', lost + outcome.wrong, 0,
                     lost + outcome.wrong == 0)  # fmt: skip
        longest_ms = outcome.times_ms().max()
        if loss in LIMITS_MS:
            figure.bound(f'{name}: longest step, ms', longest_ms, LIMITS_MS[loss],
                         longest_ms <= LIMITS_MS[loss])  # fmt: skip
        if form == 'paced':
            false = sum(outcome.robot['latched'].values())
            figure.bound(f'{name}: false latched stops', false, 0, false == 0)
            found = len(outcome.robot['violations'])
            figure.bound(f"{name}: the oracle's violations", found, 0, found == 0)
            figure.note(f'{name}: {outcome.events}, holds {outcome.robot["holds"]}, '
                        f'latched {outcome.robot["latched"]}')  # fmt: skip
            for sentence in outcome.robot['violations'][:3]:
                figure.note(f'{name}: {sentence}')


def draw(outcomes: Mapping[tuple[str, float], Outcome], axes: Any) -> None:
    """Draw how many steps took longer than a time."""
    for (form, loss), outcome in sorted(outcomes.items()):
        times_ms = np.sort(outcome.times_ms())
        part = 1.0 - np.arange(len(times_ms)) / max(1, len(times_ms))
        axes.step(times_ms, part, where='post', label=f'{form}, {loss:.0%}',
                  linestyle={'plain': ':', 'paced': '--'}.get(form, '-'))  # fmt: skip
    axes.set(xscale='log', yscale='log', xlabel='time of a step (ms)',
             ylabel='part of the steps that took longer')  # fmt: skip
    for limit in sorted(set(LIMITS_MS.values())):
        axes.axvline(limit, color='grey', linewidth=0.8)
    axes.legend(fontsize='small', ncols=3)


def main() -> int:
    """Measure, judge, write."""
    full, _ = parse('loss')
    why = missing()
    if why:
        print(f'loss: left out, as two hosts and a link cannot be made here: {why}')
        return 0
    figure = Figure('loss', full=full)
    if figure.machine['load_before'] > figure.machine['cores']:
        figure.note('the machine was busy with something else from the start: steps may be late '
                    'without any loss, as those at 0% show')  # fmt: skip
    with Link() as link:
        figure.note(f'packets are lost by {link.by}')
    with Load(hogs=0) as load:
        outcomes = measure(FULL if full else QUICK, load, lambda text: print(text, flush=True))
    stalls = [(end_ns - begin_ns) / 1e6 for begin_ns, end_ns in load.stalls]
    if stalls:
        figure.note(
            f'the machine itself stood still {len(stalls)} times, for {max(stalls):.0f} ms at '
            'most; steps made meanwhile are in columns of their own')  # fmt: skip
    judge(figure, outcomes)
    figure.plot(lambda axes: draw(outcomes, axes))
    return figure.finish()


if __name__ == '__main__':
    sys.exit(main())
