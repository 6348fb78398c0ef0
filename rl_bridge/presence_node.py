# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Notices a second bridge of the same name, whose answers clients could not tell apart."""

from __future__ import annotations

import time
from typing import Any

from rclpy.node import Node

from rl_bridge.errors import ConfigError
from rl_bridge.topic_qos import LATCHED_EACH
from rl_bridge_interfaces.msg import BridgeStatus

# A bridge tells its status once a second, and whoever comes later gets the last one at once.
FRESH_S = 3.0
SETTLED_S = 0.5  # until those who live have been met
# A second publisher that is known but has not spoken may be one that was killed: DDS remembers it.
SILENT_S = 1.5
POLL_S = 0.02


class Presence:
    """
    Who else is a bridge of this name.

    One that is configured comes first; of two that are not, the one with the smaller id.

    :param node: its ``~/status`` is listened to.
    :param bridge_id: of this bridge.
    """

    def __init__(self, node: Node, *, bridge_id: str) -> None:
        self._node = node
        self._bridge_id = bridge_id
        self._rival: BridgeStatus | None = None
        self._heard_s = 0.0
        self._began_s = time.monotonic()
        # The callback serves what the node's executor takes, should it come first.
        self._subscription = node.create_subscription(
            BridgeStatus, '~/status', self._hear, LATCHED_EACH
        )

    def look(self) -> None:
        """Take what came; to be called regularly, an executor need not spin."""
        while True:
            taken = self._subscription.handle.take_message(BridgeStatus, False)
            if taken is None:
                return
            self._hear(taken[0])

    @property
    def rival(self) -> str:
        """Who comes before this bridge, for people; empty if nobody does."""
        rival = self._rival
        if rival is None or time.monotonic() - self._heard_s > FRESH_S:
            return ''
        holder = f'; {rival.holder} holds its lease' if rival.holder else ''
        return f'{rival.bridge_id} ({"active" if rival.active else "not active"}{holder})'

    @property
    def settled(self) -> bool:
        """Whether it is known by now who else is there."""
        passed_s = time.monotonic() - self._began_s
        if passed_s < SETTLED_S:
            return False
        topic = self._subscription.topic_name
        alone = self._node.count_publishers(topic) <= 1
        return alone or bool(self.rival) or passed_s > SETTLED_S + SILENT_S

    def require_alone(self) -> None:
        """
        Wait until it is known who else is there.

        :raises ConfigError: another bridge of this name is.
        """
        while not self.settled:
            time.sleep(POLL_S)
            self.look()
        if self.rival:
            raise ConfigError(
                f'another bridge named {self._node.get_fully_qualified_name()} is running: '
                f'{self.rival}. Only one of a name may: end it, or start this one with another '
                f'namespace.'
            )

    def _hear(self, status: Any) -> None:
        if status.bridge_id == self._bridge_id:
            return
        if status.specs_hash or status.bridge_id < self._bridge_id:
            self._rival, self._heard_s = status, time.monotonic()
