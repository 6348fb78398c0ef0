# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The fewest faults that still lead to the same kind of violation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from benchmarks.simulation.faults import Fault
from benchmarks.simulation.world import History, World

Play = Callable[[Sequence[Fault]], History]


def kind_of(violation: str) -> str:
    """Return a violation without its numbers and names."""
    return re.sub(r"0x[0-9a-f]+|[-+]?[0-9][0-9.e+-]*|'[^']*'|\b(ann|bob|cid)\b", '#', violation)


def shortest(found: History, *, most_plays: int = 200, play: Play | None = None) -> History:
    """
    Leave out faults as long as the violation stays, in halves first, one by one in the end.

    :param found: a history with a violation.
    :param most_plays: worlds to try at most.
    :param play: runs a world of the same seed with these faults; for tests.
    """
    play = play or (lambda faults: World(found.seed, faults=faults).run())
    kind, best = kind_of(found.violation), found
    size = max(1, len(best.faults) // 2)
    plays = 0
    while plays < most_plays:
        smaller = None
        for begin in range(0, len(best.faults), size):
            fewer = [*best.faults[:begin], *best.faults[begin + size :]]
            history = play(fewer)
            plays += 1
            if kind_of(history.violation) == kind:
                smaller = history
                break
            if plays >= most_plays:
                break
        if smaller is not None:
            best = smaller
        elif size == 1:
            break
        else:
            size = max(1, size // 2)
    return best
