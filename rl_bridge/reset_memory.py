# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Which resets were answered, so that none is executed twice, or after its sender has gone on."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from rl_bridge.decision import Join, Refuse, Replay, Run, refuse
from rl_bridge.types import StatusCode

REMEMBERED_RESETS = 1024


@dataclass(slots=True)
class _Newest:
    """The reset the present session rests on."""

    number: int
    run: Run
    reply: Any = None


class ResetMemory:
    """The last granted reset with its reply, and what became of many before it."""

    def __init__(self) -> None:
        self._newest: _Newest | None = None
        # Granted or answered; where one was refused, how.
        self._past: OrderedDict[tuple[str, int], Refuse | None] = OrderedDict()

    def recall(self, client: str, number: int) -> Join | Replay | Refuse | None:
        """
        Answer a reset that came before, or one that a newer one of the holder overtook.

        :return: None for one that is new, or by hand.
        """
        if not client or not number:
            return None
        newest = self._newest
        if newest is not None and newest.run.client_id == client:
            if number == newest.number:
                return Join(newest.run) if newest.reply is None else Replay(newest.reply)
            if number < newest.number:
                return refuse(
                    StatusCode.STALE,
                    f'reset {number} is older than the last one of {client}, {newest.number}',
                )
        if (client, number) not in self._past:
            return None
        return self._past[client, number] or refuse(
            StatusCode.STALE,
            'this reset was executed before and its session has ended; reset anew',
        )

    def note(self, client: str, number: int, decision: Run | Refuse) -> None:
        """Remember what was decided on a new reset."""
        if isinstance(decision, Run):
            self._newest = _Newest(number, decision)
        if client and number:
            self._past[client, number] = None if isinstance(decision, Run) else decision
            while len(self._past) > REMEMBERED_RESETS:
                self._past.popitem(last=False)

    def keep_reply(self, run: Run, reply: Any) -> None:
        """Keep the reply of the last granted reset; another's is of no use."""
        if self._newest is not None and self._newest.run is run:
            self._newest.reply = reply

    def session_ended(self) -> None:
        """Nobody gets the last reset's reply any more."""
        self._newest = None

    def __len__(self) -> int:
        return len(self._past)
