# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Which files in /dev/shm belong to whom, and killing a process without leaving any behind.

Fast DDS removes its files when a process ends by itself. A killed process leaves its own, and
those of every process it was connected to: it never takes itself off their count of users.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

SHARED_MEMORY = Path('/dev/shm')
PORT = re.compile(r'fast(rtps|dds)_port\d+')
NOTES = 'RL_BRIDGE_TEST_NOTES'  # names the file where kill() notes what colcon_test.py sweeps
USED_BY_THE_KILLED: set[str] = set()


def own() -> set[str]:
    """The names of this user's files in /dev/shm."""
    found = set()
    for path in SHARED_MEMORY.glob('*'):
        try:
            if path.stat().st_uid == os.getuid():
                found.add(path.name)
        except FileNotFoundError:
            continue
    # LTTng, which ROS 2 is linked with, keeps one such pair for each user, for ever.
    return {name for name in found if not name.startswith('lttng-ust-wait')}


def used_by(process: int) -> set[str]:
    """The names of the files in /dev/shm that a process has mapped or open."""
    folder = Path(f'/proc/{process}')
    try:
        paths = set((folder / 'maps').read_text().split())
        paths |= {os.readlink(link) for link in (folder / 'fd').iterdir()}
    except (OSError, UnicodeDecodeError):  # ended meanwhile, or another user's
        return set()
    names = {Path(path).name for path in paths if path.startswith(f'{SHARED_MEMORY}/')}
    # A port's mutex is mapped under the name it had before it got this one.
    return names | {f'sem.{name}_mutex' for name in names if PORT.fullmatch(name)}


def unused(names: set[str], *, but_here: bool = False) -> set[str]:
    """Those of the names that exist and that no living process uses.

    :param but_here: whether use by this very process does not count.
    """
    left = names & own()
    for folder in Path('/proc').glob('[0-9]*') if left else ():
        if not (but_here and int(folder.name) == os.getpid()):
            left -= used_by(int(folder.name))
    return left


def kill(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Kill a process outright, and note what it leaves for sweep()."""
    kill_id(process.pid)
    process.wait()


def kill_id(process: int) -> None:
    """Kill a process that somebody else waits for, and note what it leaves for sweep()."""
    used = used_by(process)
    os.kill(process, signal.SIGKILL)
    USED_BY_THE_KILLED.update(used)
    if NOTES in os.environ:
        with open(os.environ[NOTES], 'a') as notes:
            notes.writelines(f'{name}\n' for name in used)


def sweep(names: set[str]) -> None:
    """Remove those of the names that no other process uses any more."""
    for name in unused(names, but_here=True):
        (SHARED_MEMORY / name).unlink(missing_ok=True)
