# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Pictures of the hosted environment, between its steps."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from rl_bridge.hosted_env import HostedEnv, HostedEnvFailed
from rl_bridge.session import Session
from rl_bridge.turns import Turns
from rl_bridge.types import RenderReply, Status, StatusCode


class Pictures:
    """
    Renders one picture at a time.

    :param closed: tells why the bridge accepts nothing, or None.
    """

    def __init__(
        self,
        hosted: HostedEnv,
        session: Session,
        turns: Turns,
        closed: Callable[[], Status | None],
    ) -> None:
        self._hosted = hosted
        self._session = session
        self._turns = turns
        self._closed = closed
        self._rendering = False

    def begin(self, session: str) -> Status | None:
        """Return why there is no picture, or None: then ``take`` follows. The book is held."""
        refusal = self._refusal(session)
        self._rendering = self._rendering or refusal is None
        return refusal

    def take(self) -> RenderReply:
        """Return the picture; the book is not held."""
        try:
            return self._taken()
        finally:
            self._rendering = False

    def _taken(self) -> RenderReply:
        # Not busy: whoever is inside has executed its request and leaves at once.
        with self._turns.any_turn():
            closed = self._closed()
            if closed is not None:
                return RenderReply(status=closed)
            try:
                picture = self._hosted.render()
            except HostedEnvFailed as error:
                return RenderReply(status=Status(StatusCode.ENV_FAILED, str(error)))
        data = array('B')
        data.frombytes(picture.tobytes())
        return RenderReply(height=picture.shape[0], width=picture.shape[1], data=data)

    def _refusal(self, session: str) -> Status | None:
        closed = self._closed()
        if closed is not None:
            return closed
        if self._session.holder and session != self._session.session:
            return Status(
                StatusCode.BUSY, f'{self._session.holder} holds the lease; it alone renders'
            )
        if session and session != self._session.session:
            return Status(StatusCode.NO_SESSION, 'the session has ended; reset to go on')
        if self._hosted.render_mode != 'rgb_array':
            return Status(
                StatusCode.UNSUPPORTED,
                f'the hosted environment has render mode {self._hosted.render_mode!r}; set '
                "the parameter render_mode to 'rgb_array' if the environment offers it",
            )
        if self._session.busy or self._rendering:
            return Status(StatusCode.BUSY, 'the environment is being used; try again')
        return None
