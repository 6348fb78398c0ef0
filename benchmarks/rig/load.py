# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What runs beside a measurement: programs that keep the cores busy, and one that notices when the
whole machine stands still.

    python -m benchmarks.rig.load hog | stalls CORE

Both end with the process that started them. A virtual machine is not run at all now and then; a
process of the highest priority notices by waking up late, and what was measured in such a moment
is listed apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent.parent
LOOK_NS = 2_000_000
LATE_NS = 10_000_000
PRIORITY = 90  # above everything that is measured
#: A fault needs everything that happened shortly before it, too.
BEFORE_NS = 60_000_000


class Load:
    """
    Both cores busy, and the stalls of the machine; a context manager.

    :param hogs: how many programs that only compute, at normal priority.
    """

    def __init__(self, *, hogs: int) -> None:
        self.stalls: list[tuple[int, int]] = []
        self._words = [['hog']] * hogs
        self._words += [['stalls', str(core)] for core in sorted(os.sched_getaffinity(0))]
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Load:
        for words in self._words:
            process = subprocess.Popen(
                [sys.executable, '-m', 'benchmarks.rig.load', *words],
                cwd=ROOT, stdout=subprocess.PIPE, text=True)  # fmt: skip
            self._processes.append(process)
            threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.wait()

    def stalled(self, begin_ns: int, end_ns: int) -> bool:
        """Whether the machine stood still then, or shortly before."""
        return any(
            begin < end_ns and begin_ns - BEFORE_NS < end for begin, end in list(self.stalls)
        )

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            begin_ns, end_ns = json.loads(line)
            self.stalls.append((begin_ns, end_ns))


def hog(parent: int) -> None:
    """Compute until the parent is gone."""
    while os.getppid() == parent:
        sum(number * number for number in range(100_000))


def watch(parent: int, core: int) -> None:
    """Tell every time this core ran nothing, not even this, for long."""
    os.sched_setaffinity(0, {core})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        return  # at normal priority it would only see that others are busy
    before_ns = time.monotonic_ns()
    while os.getppid() == parent:
        time.sleep(LOOK_NS / 1e9)
        now_ns = time.monotonic_ns()
        if now_ns - before_ns > LATE_NS:
            print(json.dumps([before_ns, now_ns]), flush=True)
        before_ns = now_ns


if __name__ == '__main__':
    if sys.argv[1] == 'hog':
        hog(os.getppid())
    else:
        watch(os.getppid(), int(sys.argv[2]))
