# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What people ask of a bridge from outside any session: to halt, and to recover."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rl_bridge.door import Door
from rl_bridge.stage import Stage
from rl_bridge.types import Status, StatusCode, StopReason, Verb


class Operators:
    """
    Whoever sees danger may halt; where a secret is set, only who proves it may recover.

    :param book: the lock under which the door is asked.
    :param halt: of the bridge.
    """

    def __init__(
        self, door: Door, book: threading.RLock, stage: Stage, halt: Callable[..., bool]
    ) -> None:
        self._door = door
        self._book = book
        self._stage = stage
        self._halt = halt

    def recover(self) -> Status:
        """Turn a fault into a stop, for somebody who proves nothing."""
        if self._door.secret is not None:
            return Status(
                StatusCode.UNAUTHENTICATED,
                'a shared secret is set here: "rl_bridge recover" proves it; nothing was done',
            )
        return self._recover()

    def authorized(self, request: Any) -> Status:
        """
        Do what is asked for, if the proof is right.

        :param request: fields of ``AuthorizedRequest``.
        """
        with self._book:
            refusal = self._door.authorized(request)
        if refusal is not None:
            return refusal
        if request.verb == Verb.RECOVER:
            return self._recover()
        if request.verb != Verb.HALT:
            return Status(StatusCode.MALFORMED, f'verb {request.verb} is none; 0 and 1 are')
        if self._halt(reason=StopReason.HALT_REQUESTED, message='an operator asked for a halt'):
            return Status(StatusCode.OK, 'halted; reset to go on')
        return Status(StatusCode.STOPPED, 'the robot could not be told; it is tried again')

    def _recover(self) -> Status:
        self._stage.recover()
        return Status(StatusCode.OK, 'recovered; reset to go on')
