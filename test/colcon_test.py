# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""`make test`: colcon build, colcon test, the count of tests, and nothing left behind.

Runs in the environment that bootstrap.py makes. Fails when a build or a test fails, when no test
ran, and when a process or a file in /dev/shm of the tests' own is still there afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from xml.etree import ElementTree

import shared_memory

ROOT = Path(__file__).resolve().parent.parent
MARK = 'RL_BRIDGE_TEST_RUN'
WATCH_PERIOD_S = 0.5
PATIENCE_S = 5.0  # for processes that are already on their way out


def colcon(*arguments: str, env: dict[str, str]) -> int:
    print('rl_bridge: colcon', *arguments, flush=True)
    return subprocess.run(
        ['colcon', *arguments], cwd=ROOT, env=env, stdin=subprocess.DEVNULL
    ).returncode


def marked_processes(mark: str) -> dict[int, str]:
    """Processes that inherited this test run's mark, as command lines by process id."""
    found = {}
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            if f'{MARK}={mark}'.encode() in (folder / 'environ').read_bytes().split(b'\0'):
                words = (folder / 'cmdline').read_bytes().split(b'\0')
                found[int(folder.name)] = b' '.join(words).decode(errors='replace').strip()
        except OSError:  # ended meanwhile, or another user's
            continue
    return {process: line for process, line in found.items() if line}  # an empty one is a zombie


def end_left_processes(mark: str) -> list[str]:
    """Wait for the test run's processes to end, kill those that do not, and name them."""
    deadline = time.monotonic() + PATIENCE_S
    while (left := marked_processes(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in left:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return [f'process {process}: {line}' for process, line in left.items()]


def watch(mark: str, used: set[str], stop: threading.Event) -> None:
    """Note the test run's files in /dev/shm, as others may be at work on this machine too."""
    while not stop.wait(WATCH_PERIOD_S):
        for process in marked_processes(mark):
            used |= shared_memory.used_by(process)


def result_files(build_base: Path) -> list[Path]:
    results = sorted(build_base.glob('*/pytest.xml'))
    return results + sorted(build_base.glob('*/test_results/**/*.xml'))


def count(build_base: Path) -> dict[str, int]:
    """The tests of all packages by outcome, from the JUnit files colcon left."""
    total = dict.fromkeys(('tests', 'failures', 'errors', 'skipped'), 0)
    for path in result_files(build_base):
        for suite in ElementTree.parse(path).iter('testsuite'):
            for name in total:
                total[name] += int(suite.get(name, 0))
    return total


def closing_line(total: dict[str, int], seconds: float) -> str:
    bad = total['failures'] + total['errors']
    passed = total['tests'] - bad - total['skipped']
    words = [f'{bad} failed'] * bool(bad) + [f'{passed} passed']
    words += [f'{total["skipped"]} skipped'] * bool(total['skipped'])
    return f' {", ".join(words)} in {seconds:.1f}s '.center(99, '=')


def main() -> int:
    started = time.monotonic()
    mark = uuid.uuid4().hex
    notes = Path(tempfile.mkdtemp(prefix='rl_bridge_test_'), 'killed')
    notes.touch()
    env = {**os.environ, MARK: mark, shared_memory.NOTES: str(notes)}
    defaults = json.loads(Path(os.environ['COLCON_DEFAULTS_FILE']).read_text())
    build_base = Path(defaults['build']['build-base'])
    before = shared_memory.own()
    for path in result_files(build_base):
        path.unlink()
    used: set[str] = set()
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(mark, used, stop))
    watcher.start()
    try:
        failed = colcon('build', env=env) or colcon('test', env=env)
    finally:
        stop.set()
        watcher.join()
        left = end_left_processes(mark)
        # Once more, now that pytest has ended: Fast DDS makes some anew while it shuts down.
        shared_memory.sweep(set(notes.read_text().split()))
        shutil.rmtree(notes.parent)
        left += [f'file /dev/shm/{name}' for name in sorted(shared_memory.unused(used - before))]
    failed = colcon('test-result', '--verbose', env=env) or failed
    total = count(build_base)
    for thing in left:
        print(f'rl_bridge: the tests left behind {thing}')
    if not total['tests']:
        print('rl_bridge: no test ran')
    print(closing_line(total, time.monotonic() - started))
    return int(bool(failed or left or not total['tests']))


if __name__ == '__main__':
    assert shutil.which('colcon'), 'run this through make test'
    sys.exit(main())
