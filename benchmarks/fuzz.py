# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Actions and messages that nobody should send, and requests of somebody without the secret.

    python -m benchmarks.fuzz                  about 60,000 inputs
    python -m benchmarks.fuzz --full           above 1,000,000, and 100,000 of the intruder

``unsafe`` is a command that left the guard and must not; a ``crash`` is anything but a declared
error. Each row has its own seed; a finding names it and how many inputs had come before.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from benchmarks.figure import ROOT, Figure, parse
from benchmarks.fuzzing import decoders, live, wild
from benchmarks.fuzzing.gate import Unsafe
from benchmarks.fuzzing.intruder import Accepted, Intruder
from benchmarks.fuzzing.paths import CommandPath, RequestPath

FIGURES_VENV = ROOT / '.venv-figures'  # git-ignored; for what only figures need
COVERAGE_TIMEOUT_S = 900.0
#: Inputs of each kind: quick, full.
COUNTS = {
    'actions, all spaces': (12_000, 200_000),
    'observations': (8_000, 150_000),
    'specs and info': (5_000, 100_000),
    'actions, hypothesis': (1_500, 60_000),
    'motions, hypothesis': (800, 40_000),
    'requests, velocity': (5_000, 150_000),
    'requests, position': (3_000, 100_000),
    'commands, velocity': (5_000, 150_000),
    'commands, position': (5_000, 100_000),
    'intruder': (4_000, 100_000),
    'decoders, atheris': (30_000, 300_000),
    'guard process': (1_000, 30_000),
    'bridge process': (200, 5_000),
}
INTRUDER = 'intruder'
CHUNK = 20_000  # of one seed: a finding is found again without hours of what came before


@dataclass
class Found:
    """What came of the inputs of one kind; ``effect`` counts those that were taken."""

    kind: str
    inputs: int = 0
    effect: int = 0
    unsafe: int = 0
    crashes: int = 0
    accepted: int = 0
    seconds: float = 0.0
    text: str = ''


def job(kind: str, count: int, seed: int) -> Found:
    """Run one chunk in this process."""
    logging.getLogger('rl_bridge').setLevel(logging.CRITICAL + 1)
    found = Found(kind)
    begin_s = time.monotonic()
    try:
        JOBS[kind](found, count, random.Random(seed), seed)
    except (Unsafe, Accepted, Exception) as error:
        if isinstance(error, Unsafe):
            found.unsafe += 1
        elif isinstance(error, Accepted):
            found.accepted += 1
        else:
            found.crashes += 1
        found.text = (
            f'{kind}, seed {seed}, after {found.inputs} inputs: {error}\n{traceback.format_exc()}'
        )
    found.seconds = time.monotonic() - begin_s
    return found


def _each(one: Callable[[random.Random], bool]) -> Callable[..., None]:
    def run(found: Found, count: int, dice: random.Random, seed: int) -> None:
        for _ in range(count):
            found.effect += one(dice)
            found.inputs += 1

    return run


def _along(path: Callable[..., Any], interface: str) -> Callable[..., None]:
    def run(found: Found, count: int, dice: random.Random, seed: int) -> None:
        made = path(dice, interface)
        for _ in range(count):
            found.effect += made.one()
            found.inputs += 1

    return run


def _intrude(found: Found, count: int, dice: random.Random, seed: int) -> None:
    intruder = Intruder(dice)
    while found.inputs < count:
        if dice.random() < 0.3:
            intruder.client()
        intruder.one()
        found.inputs += 1


def _thorough(count: int) -> settings:
    return settings(
        max_examples=count, database=None, deadline=None, print_blob=False,
        suppress_health_check=list(HealthCheck))  # fmt: skip


def _hypothesis_decodes(found: Found, count: int, dice: random.Random, seed: int) -> None:
    @hypothesis_seed(seed)
    @_thorough(count)
    @given(st.sampled_from(sorted(decoders.SPACES)), wild.number_lists, wild.text_lists)
    def decode(name: str, numbers: Any, texts: Any) -> None:
        found.effect += decoders.decode_action(name, numbers, texts)
        found.inputs += 1

    decode()


def _hypothesis_moves(found: Found, count: int, dice: random.Random, seed: int) -> None:
    """Whole episodes of actions, as requests and past the bridge as commands."""
    requests = [RequestPath(dice, interface) for interface in ('velocity', 'position')]
    commands = [CommandPath(dice, interface) for interface in ('velocity', 'position')]
    message = st.one_of(
        st.lists(wild.numbers.map(_as_float), min_size=1, max_size=3),
        st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=2),
    )

    @hypothesis_seed(seed)
    @_thorough(max(1, count // 5))
    @given(st.lists(message, min_size=5, max_size=5))
    def move(actions: list[list[float]]) -> None:
        for action in actions:
            numbers = array('d', action)
            for path in requests:
                found.effect += path.step(numbers)
            for guard in commands:
                found.effect += guard.command(numbers)
                guard.robot.advance(0.005)
            found.inputs += 1

    move()


def _as_float(value: float) -> float:
    return float(value)


def _live(kind: str) -> Callable[..., None]:
    def run(found: Found, count: int, dice: random.Random, seed: int) -> None:
        outcome = live.LIVE[kind](count, seed)
        found.inputs = outcome.sent
        found.effect = sum(outcome.answers.values())
        found.unsafe = len(outcome.wrong)
        found.text = '\n'.join(outcome.wrong)

    return run


def _covered(found: Found, count: int, dice: random.Random, seed: int) -> None:
    """The decoders under atheris, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        program = 'benchmarks.fuzzing.coverage'
        words = [sys.executable, '-m', program, str(count), str(seed), folder]
        done = subprocess.run(
            words, capture_output=True, text=True, errors='replace', cwd=ROOT,
            timeout=COVERAGE_TIMEOUT_S, check=False, env=_with_atheris())  # fmt: skip
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        found.crashes += 1
        found.text = f'atheris, seed {seed}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}'
        return
    result = json.loads(lines[-1])
    found.inputs, found.effect = result['inputs'], result['taken']


def _with_atheris() -> dict[str, str]:
    paths = (os.environ.get('PYTHONPATH', ''), str(FIGURES_VENV), str(ROOT))
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, paths))}


def has_atheris(*, install: bool) -> bool:
    """Return whether atheris can be had for this Python, from the package index if need be."""
    probe = [sys.executable, '-c', 'import atheris']
    quiet: dict[str, Any] = {'capture_output': True, 'env': _with_atheris(), 'check': False}
    if subprocess.run(probe, **quiet).returncode == 0:
        return True
    if install:
        pip = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--target',
               str(FIGURES_VENV), 'atheris']  # fmt: skip
        subprocess.run(pip, **quiet)
    return subprocess.run(probe, **quiet).returncode == 0


JOBS: dict[str, Callable[..., None]] = {
    'actions, all spaces': _each(decoders.wild_action),
    'observations': _each(decoders.wild_observation),
    'specs and info': _each(decoders.wild_json),
    'actions, hypothesis': _hypothesis_decodes,
    'motions, hypothesis': _hypothesis_moves,
    'requests, velocity': _along(RequestPath, 'velocity'),
    'requests, position': _along(RequestPath, 'position'),
    'commands, velocity': _along(CommandPath, 'velocity'),
    'commands, position': _along(CommandPath, 'position'),
    INTRUDER: _intrude,
    'decoders, atheris': _covered,
    **{kind: _live(kind) for kind in live.LIVE},
}


def main(arguments: list[str] | None = None) -> int:
    """Run the figure; returns the exit status."""
    full, options = parse('fuzz', add=_options, arguments=arguments)
    figure = Figure('fuzz', full=full)
    kinds = [kind for kind in COUNTS if options.only in kind]
    if 'decoders, atheris' in kinds and not has_atheris(install=full):
        kinds.remove('decoders, atheris')
        figure.note('left out: atheris, which is not to be had for this Python')
    tasks = []
    for kind in kinds:
        left, seed = COUNTS[kind][full], options.seed
        while left > 0:
            whole = kind in live.LIVE or kind == 'decoders, atheris'
            count = left if whole else min(left, CHUNK)
            tasks.append((kind, count, seed))
            left, seed = left - count, seed + 1
    parts: list[Found] = []
    with multiprocessing.get_context('spawn').Pool(options.processes) as pool:
        # Each DDS process tree needs a domain for itself, so those two take their turn alone.
        calm = [task for task in tasks if task[0] not in live.LIVE]
        parts += pool.starmap(job, calm, chunksize=1)
    parts += [job(*task) for task in tasks if task[0] in live.LIVE]
    return _finish(figure, kinds, parts)


def _finish(figure: Figure, kinds: list[str], parts: list[Found]) -> int:
    for part in parts:
        if part.text:
            print(part.text)
    for kind in kinds:
        mine = [part for part in parts if part.kind == kind]
        figure.row(kind, {
            'inputs': sum(part.inputs for part in mine),
            'taken': None if kind == INTRUDER else sum(part.effect for part in mine),
            'unsafe': sum(part.unsafe for part in mine),
            'crashes': sum(part.crashes for part in mine),
            'accepted': sum(part.accepted for part in mine) if kind == INTRUDER else None,
            'us each': round(1e6 * sum(part.seconds for part in mine)
                             / max(1, sum(part.inputs for part in mine)), 1),
        })  # fmt: skip
    friends = [part for part in parts if part.kind != INTRUDER]
    inputs = sum(part.inputs for part in friends)
    wanted = sum(COUNTS[kind][figure.full] for kind in kinds if kind != INTRUDER)
    figure.bound('inputs', inputs, wanted, inputs >= wanted)
    for name in ('unsafe', 'crashes'):
        count = sum(getattr(part, name) for part in parts)
        figure.bound(name, count, 0, count == 0)
    if INTRUDER in kinds:
        theirs = [part for part in parts if part.kind == INTRUDER]
        sent, accepted = (sum(getattr(p, name) for p in theirs) for name in ('inputs', 'accepted'))
        least = COUNTS[INTRUDER][figure.full]
        figure.bound('spoofed, replayed, tampered requests', sent, least, sent >= least)
        figure.bound('of these accepted', accepted, 0, accepted == 0)
    return figure.finish()


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--only', default='', help='kinds whose name holds this')
    parser.add_argument('--processes', type=int, default=len(os.sched_getaffinity(0)))


if __name__ == '__main__':
    sys.exit(main())
