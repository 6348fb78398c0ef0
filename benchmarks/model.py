# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Session, bridge, environment, robot and guard in simulated time, under random faults from a seed.

    python -m benchmarks.model                 20,000 steps
    python -m benchmarks.model --full          1,000,000 steps
    python -m benchmarks.model --world 4711    one world, with its history

Each world is 40 simulated seconds of three clients with about a hundred faults, then twelve
without. What is counted is a step executed by the environment.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter

from benchmarks.figure import Figure, parse
from benchmarks.simulation.shrink import shortest
from benchmarks.simulation.world import History, World

QUICK_STEPS, FULL_STEPS = 20_000, 1_000_000
MOST_VIOLATIONS = 5  # then it is known that something is wrong
TRACE_LINES = 40
FIRST_SEED = 1


def be_quiet() -> None:
    """Log nothing: it would be the log of a thousand broken robots."""
    logging.getLogger('rl_bridge').setLevel(logging.CRITICAL + 1)


def history_of(seed: int) -> History:
    """Run one world."""
    be_quiet()
    return World(seed).run()


def explore(
    *, steps: int, first_seed: int, processes: int
) -> tuple[Counter[str], list[History], int]:
    """
    Run worlds until they have executed this many steps.

    :returns: what was seen in all of them, those with a violation, and how many they were.
    """
    seen: Counter[str] = Counter()
    found: list[History] = []
    worlds = 0
    with multiprocessing.get_context('spawn').Pool(processes) as pool:
        for history in pool.imap(history_of, _seeds(first_seed, steps), chunksize=4):
            worlds += 1
            seen += history.seen
            if history.violation:
                found.append(history)
            if seen['applied'] >= steps or len(found) >= MOST_VIOLATIONS:
                break
        pool.terminate()
    return seen, found, worlds


def _seeds(first: int, steps: int) -> list[int]:
    """Return more seeds than are needed: a world has some 600 steps, never less than 100."""
    return list(itertools.islice(itertools.count(first), steps // 100 + 8))


def tell(history: History) -> None:
    """Print the seed and the shortest history of a violation."""
    be_quiet()
    print(f'\nworld {history.seed}: {history.violation}')
    history = shortest(history)
    print(f'  with {len(history.faults)} faults:')
    for fault in history.faults:
        print(f'  {fault}')
    print('\n'.join(history.trace[-TRACE_LINES:]))
    print(f'  again: python -m benchmarks.model --world {history.seed}')


def main(arguments: list[str] | None = None) -> int:
    """Run the figure; returns the exit status."""
    full, options = parse('model', add=_options, arguments=arguments)
    if options.world is not None:
        history = history_of(options.world)
        print('\n'.join(history.trace))
        if history.violation:
            tell(history)
        return int(bool(history.violation))
    steps = options.steps or (FULL_STEPS if full else QUICK_STEPS)
    figure = Figure('model', full=full)
    start_s = time.monotonic()
    seen, found, worlds = explore(
        steps=steps, first_seed=options.seed, processes=options.processes
    )
    for history in found:
        tell(history)
    done = seen['applied']
    figure.row(
        'simulated',
        {
            'steps executed': done, 'worlds': worlds,
            'requests': sum(seen[f'{kind} asked'] for kind in ('reset', 'step')),
            'commands': sum(count for name, count in seen.items() if name.startswith('sent ')),
            'faults': sum(count for name, count in seen.items() if name.startswith('fault: ')),
            'seconds': time.monotonic() - start_s,
        })  # fmt: skip
    for heading in ('fault: ', 'answered ', 'sent ', 'refused for '):
        for name in sorted(seen):
            if name.startswith(heading):
                table = {'fault: ': 'faults', 'answered ': 'answers of the bridge',
                         'sent ': 'commands to the guard',
                         'refused for ': 'commands that the guard refused'}[heading]
                figure.row(name.removeprefix(heading), {'count': seen[name]}, table=table)
    figure.bound('violations', len(found), 0, not found)
    figure.bound('steps executed', done, steps, done >= steps)
    figure.note(f'seeds {options.seed} to {options.seed + worlds - 1}')
    return figure.finish()


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--steps', type=int, help='how many steps to execute')
    parser.add_argument('--seed', type=int, default=FIRST_SEED, help='of the first world')
    parser.add_argument('--processes', type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument('--world', type=int, help='only the world of this seed, with its history')


if __name__ == '__main__':
    sys.exit(main())
