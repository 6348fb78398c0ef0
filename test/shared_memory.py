# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Killing a process without leaving anything of it in /dev/shm behind."""

from __future__ import annotations

import os
import signal
import subprocess

from rl_bridge.shared_memory import SHARED_MEMORY, own, sweep, unused, used_by

__all__ = ['SHARED_MEMORY', 'kill', 'kill_id', 'own', 'sweep', 'unused', 'used_by']

NOTES = 'RL_BRIDGE_TEST_NOTES'  # names the file where kill() notes what colcon_test.py sweeps
USED_BY_THE_KILLED: set[str] = set()


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
