# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Which files in /dev/shm belong to whom, and removing those that killed processes left.

Fast DDS removes its files when a process ends by itself. A killed process leaves its own, and
those of every process it was connected to: it never takes itself off their count of users.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

SHARED_MEMORY = Path('/dev/shm')
EVERYBODYS = 'lttng-ust-wait'  # LTTng, which ROS 2 is linked with, keeps these for ever
PORT = re.compile(r'fast(rtps|dds)_port\d+')


def own() -> set[str]:
    """Return the names of this user's files in /dev/shm."""
    found = set()
    for path in SHARED_MEMORY.glob('*'):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            if path.stat().st_uid == os.getuid():
                found.add(path.name)
    return {name for name in found if not name.startswith(EVERYBODYS)}


def used_by(process: int) -> set[str]:
    """Return the names of the files in /dev/shm that a process has mapped or open."""
    folder = Path(f'/proc/{process}')
    try:
        paths = set((folder / 'maps').read_text(encoding='utf-8').split())
        paths |= {os.readlink(link) for link in (folder / 'fd').iterdir()}
    except (OSError, UnicodeDecodeError):  # ended meanwhile, or another user's
        return set()
    names = {Path(path).name for path in paths if path.startswith(f'{SHARED_MEMORY}/')}
    # A port's mutex is mapped under the name it had before it got this one.
    return names | {f'sem.{name}_mutex' for name in names if PORT.fullmatch(name)}


def unused(names: set[str], *, but_here: bool = False) -> set[str]:
    """
    Return those of the names that exist and that no living process uses.

    :param but_here: whether use by this very process does not count.
    """
    left = names & own()
    for folder in Path('/proc').glob('[0-9]*') if left else ():
        if not (but_here and int(folder.name) == os.getpid()):
            left -= used_by(int(folder.name))
    return left


def sweep(names: set[str]) -> None:
    """Remove those of the names that no other process uses; what this one has mapped goes too."""
    for name in unused(names, but_here=True):
        with contextlib.suppress(OSError):
            (SHARED_MEMORY / name).unlink()
