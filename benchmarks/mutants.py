# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Which tests go red when a protection is switched off, and that none does otherwise.

    python -m benchmarks.mutants            without real processes
    python -m benchmarks.mutants --full     with them
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from benchmarks.figure import ROOT, Figure, parse

TEST = ROOT / 'test'
sys.path[:0] = [str(TEST / 'mutants'), str(TEST)]

from switches import MUTANTS  # noqa: E402

QUICK = (
    'test_session.py', 'test_guard_core.py', 'test_guard_state_checks.py', 'test_safety_limits.py',
    'test_bridge_stops.py',
)  # fmt: skip
FULL = (
    *QUICK, 'test_session_model.py', 'test_guard_model.py', 'test_safety_motion.py',
    'test_bridge.py', 'test_client_loopback.py', 'test_robots_topic_robot.py',
    'test_guard_process.py', 'test_end_to_end_arm.py',
)  # fmt: skip
SHOWN = 3  # names of red tests in a row
TIMEOUT_S = 900.0


def red_tests(files: tuple[str, ...], *, without: str) -> list[str]:
    """
    Run test files with one protection switched off.

    :returns: the names of the tests that went red; pytest's own failure counts as one.
    """
    words = [
        sys.executable, str(TEST / 'mutants' / 'launch.py'), without, 'pytest', '-q', '-rfE',
        '--tb=no', '-p', 'no:cacheprovider', *files,
    ]  # fmt: skip
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=TEST, timeout=TIMEOUT_S)
    lines = done.stdout.splitlines()
    red = [line.split()[1] for line in lines if line.startswith(('FAILED ', 'ERROR '))]
    if done.returncode not in (0, 1) and not red:
        return [f'pytest ended with {done.returncode}: {(lines or done.stderr.splitlines())[-1:]}']
    return red


def main(arguments: list[str] | None = None) -> int:
    """Run the figure; returns the exit status."""
    full, options = parse('mutants', add=_options, arguments=arguments)
    figure = Figure('mutants', full=full)
    files = FULL if full else QUICK
    for name in ('', *MUTANTS):
        if options.only not in name:
            continue
        begin_s = time.monotonic()
        red = red_tests(files, without=name)
        figure.row(name or 'nothing', {
            'red': len(red),
            'files': len({test.partition('::')[0] for test in red}),
            'among them': ', '.join(test.rpartition('::')[2] for test in _spread(red)),
            'seconds': round(time.monotonic() - begin_s, 1),
        })  # fmt: skip
        if name:
            figure.bound(f'red without the {name} check', len(red), '> 0', bool(red))
        else:
            figure.bound('red with all checks', len(red), 0, not red)
    figure.note(f'tests: {", ".join(files)}')
    return figure.finish()


def _spread(red: list[str]) -> list[str]:
    """Return a few of the names, of different files where there are."""
    first = {test.partition('::')[0]: test for test in reversed(red)}
    return list(dict.fromkeys([*first.values(), *red]))[:SHOWN]


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--only', default='', help='protections whose name holds this')


if __name__ == '__main__':
    sys.exit(main())
