# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A log that can neither stall nor flood the loop that writes it."""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping

PERIOD_NS = 1_000_000_000
#: A pipe that is ready takes this much without blocking (PIPE_BUF), with room for the prefix.
MOST_CHARACTERS = 900


class BoundedLog:
    """
    Writes a line only if that cannot block, and counts those it left out.

    Whoever started the process may have stopped reading its output; a guard that waits for that
    reader would watch over nothing.

    :param write: one function for each level.
    :param descriptor: the file descriptor that they write to.
    """

    def __init__(self, write: Mapping[str, Callable[[str], object]], descriptor: int = 2) -> None:
        self._write = write
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)
        self._left_out = 0
        self._last_ns: dict[str, int] = {}

    def say(self, level: str, text: str) -> None:
        """Write one entry; it is cut where it is longer than a pipe takes at once."""
        if not any(events & select.POLLOUT for _, events in self._ready.poll(0)):
            self._left_out += 1
            return
        if self._left_out:
            text = f'({self._left_out} entries before this one could not be written) {text}'
            self._left_out = 0
        try:
            self._write[level](text[:MOST_CHARACTERS])
        except Exception:  # a log that fails is no reason to stop guarding
            self._left_out += 1

    def say_rarely(self, level: str, cause: str, text: str, now_ns: int) -> None:
        """Write an entry, at most one a second for each cause."""
        if now_ns - self._last_ns.get(cause, -PERIOD_NS) >= PERIOD_NS:
            self._last_ns[cause] = now_ns
            self.say(level, text)
