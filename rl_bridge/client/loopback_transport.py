# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A bridge in the same process, called directly: client, session and safety without ROS."""

from __future__ import annotations

from typing import Any, Protocol

from rl_bridge.access import NO_PROOF, Proof
from rl_bridge.errors import BridgeUnavailable
from rl_bridge.types import (
    CloseReply,
    RenderReply,
    ResetReply,
    ResetRequest,
    SpecsReply,
    StepReply,
    StepRequest,
)


class LoopbackBridge(Protocol):
    """What the loopback asks of a bridge; ``rl_bridge.bridge.Bridge`` has it."""

    def get_specs(self) -> SpecsReply:
        """Answer GetSpecs."""

    def reset(self, request: ResetRequest) -> ResetReply:
        """Answer Reset."""

    def step(self, request: StepRequest) -> StepReply:
        """Answer Step."""

    def close_session(self, session: str, *, auth: Proof) -> CloseReply:
        """Answer Close."""

    def render(self, session: str, *, auth: Proof) -> RenderReply:
        """Answer Render."""

    def heartbeat(
        self, session: str, *, sender: str, epoch: int, count: int, auth: Proof
    ) -> bool:
        """Renew the lease; return whether ``session`` holds it."""


class LoopbackTransport:
    """
    Calls a bridge in the same process; a call lasts as long as the bridge takes, time-outs do not
    apply.

    :param bridge: the bridge; it stays the caller's, ``close`` does not close it.
    :param name: what error sentences call it.
    """

    def __init__(self, bridge: LoopbackBridge, *, name: str = '/loopback') -> None:
        self._target = bridge
        self._name = name
        self._closed = False

    @property
    def bridge(self) -> str:
        """Name of the bridge, for people."""
        return self._name

    @property
    def link(self) -> dict[str, int]:
        """Nothing: nothing can be lost here."""
        return {}

    def get_specs(self, *, timeout_s: float) -> SpecsReply:
        """Ask for the specs."""
        return self._open().get_specs()

    def reset(self, request: ResetRequest, *, timeout_s: float) -> ResetReply:
        """Begin an episode."""
        return self._open().reset(request)

    def step(self, request: StepRequest, *, timeout_s: float) -> StepReply:
        """Make one step."""
        return self._open().step(request)

    def close_session(
        self, session: str, *, timeout_s: float, auth: Proof = NO_PROOF
    ) -> CloseReply:
        """Release the lease."""
        return self._open().close_session(session, auth=auth)

    def render(self, session: str, *, timeout_s: float, auth: Proof = NO_PROOF) -> RenderReply:
        """Fetch one picture."""
        return self._open().render(session, auth=auth)

    def heartbeat(
        self, *, client_id: str, session: str, epoch: int, count: int, auth: Proof = NO_PROOF
    ) -> None:
        """Renew the lease."""
        if not self._closed:
            self._target.heartbeat(
                session, sender=client_id, epoch=epoch, count=count, auth=auth)

    def close(self) -> None:
        """Refuse further calls; idempotent."""
        self._closed = True

    def __deepcopy__(self, memo: dict[int, Any]) -> LoopbackTransport:
        """Return itself: gymnasium copies the arguments of ``make``, a connection stays one."""
        return self

    def _open(self) -> LoopbackBridge:
        if self._closed:
            raise BridgeUnavailable(f'{self._name} was closed; make a new client.')
        return self._target
