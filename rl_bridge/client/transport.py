# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The seam between the client and the wire.

Everything above it is plain Python and runs without ROS; ``ros_transport`` speaks ROS 2,
``loopback_transport`` calls a bridge in the same process.
"""

from __future__ import annotations

from typing import Protocol

from rl_bridge.access import NO_PROOF, Proof
from rl_bridge.types import (
    CloseReply,
    RenderReply,
    ResetReply,
    ResetRequest,
    SpecsReply,
    StepReply,
    StepRequest,
)


class Transport(Protocol):
    """
    Carries requests to one bridge and brings the replies back.

    Replies have the fields of ``rl_bridge.types``; a transport may hand its own messages through
    unchanged, so callers read fields and never test classes. A reply is only ever returned to the
    call whose request it answers. Calls may come from any thread and are served one at a time;
    ``heartbeat`` never waits for them.

    Every call raises ``BridgeTimeout`` when no answer comes within its time-out (in seconds,
    finite), ``BridgeUnavailable`` when the connection is gone for good, and ``ForkedClient`` in a
    process that was forked from the one that made the transport.
    """

    @property
    def bridge(self) -> str:
        """Name of the bridge, for people."""

    @property
    def link(self) -> dict[str, int]:
        """What was counted of the connection so far, for ``info['link']``."""

    def get_specs(self, *, timeout_s: float) -> SpecsReply:
        """
        Find the bridge and ask for its specs; always the first call.

        :raises BridgeUnavailable: nothing of that name answers.
        """

    def reset(self, request: ResetRequest, *, timeout_s: float) -> ResetReply:
        """Begin an episode; the same request may be sent more than once."""

    def step(self, request: StepRequest, *, timeout_s: float) -> StepReply:
        """Make one step; the same request may be sent more than once."""

    def close_session(
        self, session: str, *, timeout_s: float, auth: Proof = NO_PROOF
    ) -> CloseReply:
        """Release the lease."""

    def render(self, session: str, *, timeout_s: float, auth: Proof = NO_PROOF) -> RenderReply:
        """Fetch one picture."""

    def heartbeat(
        self, *, client_id: str, session: str, epoch: int, count: int, auth: Proof = NO_PROOF
    ) -> None:
        """Renew the lease; returns at once and never raises for a bridge that is gone."""

    def close(self) -> None:
        """Let go of everything; idempotent, does nothing after a fork."""
