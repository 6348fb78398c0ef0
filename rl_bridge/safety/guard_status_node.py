# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard's verdict as a message: latched, for the bridge and anybody else."""

from __future__ import annotations

from rclpy.node import Node

from rl_bridge.safety import guard_state
from rl_bridge.topic_qos import LATCHED
from rl_bridge.types import StopReason, StopState
from rl_bridge_interfaces.msg import GuardStatus

_FIELDS = (
    'guard_id', 'bridge_id', 'epoch', 'episode', 'step', 'sequence', 'standstill', 'max_speed',
    'output', 'rejected', 'limited', 'detected_ns', 'commanded_ns', 'standstill_ns', 'stamp_ns',
)  # fmt: skip


class StatusPublisher:
    """
    Publishes the guard's status.

    :param node: the guard's.
    """

    def __init__(self, node: Node) -> None:
        self._message = GuardStatus()
        self._publisher = node.create_publisher(GuardStatus, '~/status', LATCHED)

    def publish(self, status: guard_state.GuardStatus, *, events: int) -> None:
        """
        Publish what the core reports.

        :param events: written to the event log.
        """
        message = self._message
        for name in _FIELDS:
            setattr(message, name, getattr(status, name))
        message.stop.state = int(status.stop.state)
        message.stop.reason = int(status.stop.reason)
        message.stop.message = status.stop.message
        message.events = events
        self._publisher.publish(message)

    def publish_failure(self, now_ns: int) -> None:
        """Publish that the core has failed, with what it reported last."""
        stop = self._message.stop
        stop.state, stop.reason = int(StopState.FAULT), int(StopReason.SHUTDOWN)
        stop.message = 'the guard failed and ends, its log says why; start it again'
        self._message.stamp_ns = now_ns
        self._publisher.publish(self._message)
