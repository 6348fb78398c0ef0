# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Being scheduled in time: SCHED_FIFO where it is allowed, else nice, and saying which."""

from __future__ import annotations

import os
from collections.abc import Iterable


def run_first(priority: int, *, threads: Iterable[int] | None = None) -> str:
    """
    Let all threads of this process, the middleware's too, run before those of other programs.

    :param priority: SCHED_FIFO priority, 1 to 99; 0 = do not ask for it.
    :param threads: only these, by native id.
    :returns: what is in effect, for the log.
    """
    refused = ''
    threads = _threads() if threads is None else list(threads)
    if priority > 0:
        try:
            for thread in threads:
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))
            return f'SCHED_FIFO priority {priority}'
        except OSError as fault:
            refused = f'SCHED_FIFO refused: {fault.strerror}; '
    try:
        for thread in threads:
            os.setpriority(os.PRIO_PROCESS, thread, -20)
        return f'{refused}nice -20'
    except OSError as fault:
        return (
            f'{refused}nice -20 refused: {fault.strerror}; normal priority, reactions take up to '
            '30 ms longer on a busy machine: raise the rtprio limit of this user'
        )


def _threads() -> list[int]:
    return [int(name) for name in os.listdir('/proc/self/task')]
