# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Why the last sessions ended, for whoever asks for one of them again."""

from __future__ import annotations

from collections import OrderedDict

from rl_bridge.decision import Refuse, refuse
from rl_bridge.types import Status, StatusCode

REMEMBERED_SESSIONS = 16


class PastSessions:
    """The ends of a few sessions."""

    def __init__(self) -> None:
        self._ends: OrderedDict[str, str] = OrderedDict()

    def ended(self, session: str, why: str) -> None:
        """Remember an end; the oldest is forgotten."""
        self._ends[session] = why
        while len(self._ends) > REMEMBERED_SESSIONS:
            self._ends.popitem(last=False)

    def refuse(self, session: str) -> Refuse:
        """Refuse a request of a session that is not the present one."""
        why = self._ends.get(
            session,
            'it is not known here: most likely the bridge was restarted since, and whether its '
            'last step was executed is unknown',
        )
        return refuse(StatusCode.NO_SESSION, f'the session has ended: {why}; reset to go on')

    def close(self, session: str) -> Status:
        """Answer who wants to close a session that is not the present one."""
        if session in self._ends:
            return Status(StatusCode.OK, f'nothing to close: {self._ends[session]}')
        return Status(StatusCode.NO_SESSION, f'session {session!r:.80} is not known here')

    def __len__(self) -> int:
        return len(self._ends)
