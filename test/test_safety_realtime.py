# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The process that runs first, tried in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOW = '\n'.join([
    'import os, threading',
    'gate = threading.Event()',
    'threading.Thread(target=gate.wait).start()',
    '{before}',
    'from rl_bridge.safety.realtime import run_first',
    'print(run_first({priority}))',
    "for thread in map(int, os.listdir('/proc/self/task')):",
    '    print(os.sched_getscheduler(thread), os.getpriority(os.PRIO_PROCESS, thread))',
    'gate.set()',
])  # fmt: skip
# A user without any right: root's are given up, and the limits are those of a fresh login.
UNPRIVILEGED = '\n'.join([
    'import resource',
    'resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))',
    'resource.setrlimit(resource.RLIMIT_NICE, (0, 0))',
    'if os.getuid() == 0:',
    '    os.setgroups([])',
    '    os.setgid(65534)',
    '    os.setuid(65534)',
])  # fmt: skip


def run(priority: int, before: str = '') -> list[str]:
    """Returns what is reported, then policy and niceness of each thread."""
    # Read before privileges are dropped: the checkout may be root's alone.
    before = f'import rl_bridge.safety.realtime\n{before}'
    script = SHOW.format(before=before, priority=priority)
    ended = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, timeout=60, check=True
    )
    return ended.stdout.splitlines()


def privileged() -> bool:
    """Whether this user may use SCHED_FIFO and a negative niceness."""
    probe = (
        'import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); '
        'os.setpriority(os.PRIO_PROCESS, 0, -20)'
    )
    return subprocess.run([sys.executable, '-c', probe], stderr=subprocess.DEVNULL).returncode == 0


needs_privilege = pytest.mark.skipif(
    not privileged(), reason='needs the right to SCHED_FIFO and nice -20'
)


@needs_privilege
def test_every_thread_gets_the_realtime_priority() -> None:
    report, *threads = run(12)
    assert report == 'SCHED_FIFO priority 12'
    assert len(threads) >= 2
    assert all(thread.startswith(f'{os.SCHED_FIFO} ') for thread in threads)


@needs_privilege
def test_without_a_priority_every_thread_is_made_nice() -> None:
    report, *threads = run(0)
    assert report == 'nice -20'
    assert len(threads) >= 2
    assert set(threads) == {f'{os.SCHED_OTHER} -20'}


def test_where_neither_is_allowed_it_says_so_and_how_to_change_it() -> None:
    report, *threads = run(12, UNPRIVILEGED)
    assert report.startswith('SCHED_FIFO refused: Operation not permitted; nice -20 refused: ')
    assert report.endswith('raise the rtprio limit of this user')
    assert all(thread.startswith(f'{os.SCHED_OTHER} ') for thread in threads)
