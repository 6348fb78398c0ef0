# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A bridge for tests of the client: answers well unless its script says otherwise; no ROS."""

from __future__ import annotations

import threading
from array import array
from collections import deque
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np

from rl_bridge.client.loopback_transport import LoopbackTransport
from rl_bridge.types import (
    CloseReply,
    Leaf,
    RenderReply,
    ResetReply,
    ResetRequest,
    SpecsReply,
    Status,
    StepReply,
    StepRequest,
)
from rl_bridge.wire import SpaceCodec, Specs, specs_hash, specs_to_json

ACTION = np.array([0.25, -0.5], dtype=np.float32)


class ScriptedBridge:
    """
    Holds no rules of its own: it notes every request and answers it as the script says.

    ``script`` holds one entry per reset or step to come: a dict of fields to change in the good
    answer, or an exception that the transport raises instead of it.
    """

    def __init__(
        self, *, action_space: Any = None, observation_space: Any = None,
        control_period: float = 0.0, lease: float = 0.0, render_modes: tuple[str, ...] = ()
    ) -> None:
        self.specs = Specs(
            action_space=action_space or gymnasium.spaces.Box(-1, 1, (2,), np.float32),
            observation_space=observation_space or gymnasium.spaces.Box(-1, 1, (2,), np.float32),
            render_modes=list(render_modes), control_period=control_period, env='scripted',
            reward_terms=[])
        text = specs_to_json(self.specs)
        self.specs_reply = SpecsReply(
            bridge_id='bridge-1', specs=text, specs_hash=specs_hash(text),
            control_period=control_period, authority=0.15, lease=lease)
        self.script: deque[dict[str, Any] | BaseException] = deque()
        self.resets: list[ResetRequest] = []
        self.steps: list[StepRequest] = []
        self.closed: list[str] = []
        self.rendered: list[str] = []
        self.beats: list[tuple[str, str, int, int]] = []
        self.beaten = threading.Semaphore(0)
        self.picture = RenderReply(height=2, width=3, data=array('B', range(18)))
        self.session = 's1'
        self.stamp_ns = 1_000

    def get_specs(self) -> SpecsReply:
        """Answer GetSpecs."""
        return self.specs_reply

    def reset(self, request: ResetRequest) -> ResetReply:
        """Answer Reset with an observation of zeros."""
        self.resets.append(replace(request))
        self.stamp_ns += 1
        return self._as_told(ResetReply(
            bridge_id='bridge-1', session=self.session, reset_id=request.reset_id, epoch=5,
            episode=1, observation=self.leaves([0, 0]), stamp_ns=self.stamp_ns))

    def step(self, request: StepRequest) -> StepReply:
        """Answer Step with the action as the observation."""
        self.steps.append(replace(request))
        self.stamp_ns += 1
        return self._as_told(StepReply(
            bridge_id='bridge-1', session=request.session, step=request.step, epoch=5, episode=1,
            observation=self.leaves(request.action), reward=0.5, stamp_ns=self.stamp_ns))

    def close_session(self, session: str, *, auth: Any = b'') -> CloseReply:
        """Answer Close."""
        self.closed.append(session)
        return CloseReply()

    def render(self, session: str, *, auth: Any = b'') -> RenderReply:
        """Answer Render."""
        self.rendered.append(session)
        return self.picture

    def heartbeat(self, session: str, **fields: Any) -> bool:
        """Note a heartbeat."""
        self.beaten.release()
        return True

    def leaves(self, values: Any) -> list[Leaf]:
        """Return an observation of the default space."""
        value = np.array(values, dtype=np.float32)
        leaves: list[Leaf] = SpaceCodec(self.specs.observation_space).pack(value)
        return leaves

    def refuse(self, code: int, message: str = '', **fields: Any) -> None:
        """Let the next reset or step be answered with a status; a reset gives no session then."""
        self.script.append({'status': Status(code, message), 'refused': True, **fields})

    def _as_told(self, answer: Any) -> Any:
        if not self.script:
            return answer
        told = self.script.popleft()
        if isinstance(told, BaseException):
            raise told
        fields = dict(told)
        if fields.pop('refused', False):
            fields.setdefault('observation', [])
            if isinstance(answer, ResetReply):
                fields.setdefault('session', '')
        return replace(answer, **fields)


class NotingTransport(LoopbackTransport):
    """A loopback that lets a test read the heartbeats as they would travel."""

    def __init__(self, bridge: ScriptedBridge) -> None:
        super().__init__(bridge)
        self._scripted = bridge

    def heartbeat(
        self, *, client_id: str, session: str, epoch: int, count: int, auth: Any = b''
    ) -> None:
        """Note all fields, then deliver."""
        self._scripted.beats.append((client_id, session, epoch, count))
        super().heartbeat(
            client_id=client_id, session=session, epoch=epoch, count=count, auth=auth)
