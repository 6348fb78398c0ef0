# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the session reads of a request, and the four things it may decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from rl_bridge.types import Status, StatusCode


class ResetFields(Protocol):
    """The fields of a reset request that the session reads."""

    client_id: str
    session: str
    reset_id: int
    takeover: bool
    epoch: int


class StepFields(Protocol):
    """The fields of a step request that the session reads."""

    session: str
    step: int
    echo_ns: int
    elapsed_ns: int


@dataclass(frozen=True, slots=True)
class Run:
    """
    Execute the request, then call ``Session.finish``.

    :param session: the session it belongs to; empty = by hand.
    :param step: 0 for a reset and by hand.
    :param held_s: how long the motion authority had been over when the step came, in seconds.
    :param begin: a step by hand found no episode: begin one in place first.
    :param taken_from: client id of the former holder that a takeover ends; empty = none.
    :param sent_ns: when a step left its sender, by the session's clock; of a reset 0.
    :param round_trip_s: how long the last reply and this request were under way together; 0 = not
        told.
    """

    session: str
    client_id: str
    epoch: int
    episode: int
    step: int
    reset: bool
    held_s: float = 0.0
    begin: bool = False
    taken_from: str = ''
    sent_ns: int = 0
    round_trip_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Join:
    """The same request is being executed as ``run``; answer with its reply when it is there."""

    run: Run


@dataclass(frozen=True, slots=True)
class Replay:
    """The same request was executed; this is its reply. Nothing moves twice."""

    reply: Any


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing is executed, for this reason."""

    status: Status


Decision = Run | Join | Replay | Refuse


def refuse(code: StatusCode, message: str) -> Refuse:
    """Return the refusal with this code and sentence."""
    return Refuse(Status(code, message))
