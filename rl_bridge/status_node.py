# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the bridge tells about itself: ``~/status``, ``~/transitions`` and ``/diagnostics``."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from rl_bridge.bridge import Bridge
from rl_bridge.decision import Run
from rl_bridge.services_node import stop_message, timing_message
from rl_bridge.topic_qos import LATCHED
from rl_bridge.types import StopState
from rl_bridge_interfaces.msg import BridgeStatus, Transition
from rl_bridge_interfaces.msg import Link as LinkMsg

TELL_EVERY_S = 1.0


class StatusTopics:
    """
    The publishers of one bridge node.

    :param bridge_id: unique per process start.
    """

    def __init__(self, node: Node, *, bridge_id: str) -> None:
        self._node = node
        self._bridge_id = bridge_id
        self._status = node.create_publisher(BridgeStatus, '~/status', LATCHED)
        self._transitions = node.create_publisher(Transition, '~/transitions', 100)
        self._diagnostics = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._heard = False
        self._told: Any = None
        self._told_at_s = 0.0
        self._counts = _StepCounts()

    def tell(self, bridge: Bridge | None, *, active: bool) -> None:
        """Publish the status if it changed or a second has passed; called by the pulse alone."""
        now_s = time.monotonic()
        news: tuple[Any, ...] = (active, bridge)
        if bridge is not None:
            session = bridge.session
            news += (session.holder, session.epoch, session.episode, bridge.stop())
        if news == self._told and now_s - self._told_at_s < TELL_EVERY_S:
            return
        self._told, self._told_at_s = news, now_s
        self._heard = self._transitions.get_subscription_count() > 0
        self._status.publish(self._bridge_status(bridge, active=active))

    def on_transition(self, run: Run, request: Any, reply: Any) -> None:
        """Count an executed reset or step, and publish it while somebody listens."""
        self._counts.add(run, reply)
        if not self._heard:
            return
        message = Transition(
            bridge_id=self._bridge_id,
            client_id=run.client_id,
            epoch=run.epoch,
            episode=run.episode,
            step=run.step,
            observation=reply.observation,
            info=reply.info,
            stamp_ns=reply.stamp_ns,
        )
        if not run.reset:
            message.action = request.action
            message.action_text = request.action_text
            message.applied_action = reply.applied_action
            message.reward = reply.reward
            message.terminated = reply.terminated
            message.truncated = reply.truncated
            message.timing = timing_message(reply.timing)
        self._transitions.publish(message)

    def diagnose(self, bridge: Bridge | None, *, active: bool) -> None:
        """Publish what happened since the last time on /diagnostics (REP 107)."""
        status = self._bridge_status(bridge, active=active)
        level, text = DiagnosticStatus.OK, 'stepping' if status.holder else 'waiting for a client'
        if not active:
            text = 'not active'
        elif status.stop.state >= StopState.FAULT:
            level, text = DiagnosticStatus.ERROR, status.stop.message
        elif status.stop.state >= StopState.STOPPED:
            level, text = DiagnosticStatus.WARN, status.stop.message
        figures = {
            'holder': status.holder,
            'epoch': status.epoch,
            'episode': status.episode,
            **self._counts.take(),
            'requests': status.link.requests,
            'requests that came again': status.link.repeated,
            'requests that came too late': status.link.late,
            'requests without access': status.link.refused,
            'round trip (s)': f'{status.link.round_trip:.6f}',
            'greatest round trip (s)': f'{status.link.round_trip_max:.6f}',
        }
        entry = DiagnosticStatus(
            level=level,
            name=f'{self._node.get_fully_qualified_name()}: step',
            message=text,
            hardware_id=self._bridge_id,
            values=[KeyValue(key=key, value=str(value)) for key, value in figures.items()],
        )
        array = DiagnosticArray(status=[entry])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._diagnostics.publish(array)

    def _bridge_status(self, bridge: Bridge | None, *, active: bool) -> BridgeStatus:
        status = BridgeStatus(bridge_id=self._bridge_id, active=active)
        if bridge is not None:
            session = bridge.session
            specs = bridge.get_specs()
            status.specs_hash = specs.specs_hash
            status.control_period = specs.control_period
            status.holder = session.holder
            status.epoch = session.epoch
            status.episode = session.episode
            status.step = session.step
            status.busy = session.busy
            status.stop = stop_message(bridge.stop())
            status.link = LinkMsg(**dataclasses.asdict(bridge.link()))
        return status


class _StepCounts:
    """Steps, missed periods and the worst times since the last ``take``."""

    def __init__(self) -> None:
        self._steps = self._missed = 0
        self._lateness_s = self._age_s = 0.0

    def add(self, run: Run, reply: Any) -> None:
        if not run.reset:
            self._steps += 1
            self._missed += reply.timing.missed
            self._lateness_s = max(self._lateness_s, reply.timing.lateness)
            self._age_s = max(self._age_s, reply.timing.observation_age)

    def take(self) -> dict[str, Any]:
        figures = {
            'steps': self._steps,
            'missed periods': self._missed,
            'greatest lateness (s)': f'{self._lateness_s:.6f}',
            'greatest observation age (s)': f'{self._age_s:.6f}',
        }
        self._steps = self._missed = 0
        self._lateness_s = self._age_s = 0.0
        return figures
