# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reads the robot's own stop from whatever topic its file names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rclpy.node import Node

from rl_bridge.errors import ConfigError
from rl_bridge.safety.guard_state import RobotStop
from rl_bridge.safety.named_types import load_type, read_field
from rl_bridge.topic_qos import LATCHED_EACH, TICK
from rl_bridge.types import StopStatus


class StopStatusReader:
    """
    Turns messages into whether the robot may move.

    :param node: the guard's.
    :param status: from the robot file.
    :param hear: called with every value.
    :raises ConfigError: the type is not installed, or its field cannot be compared.
    """

    def __init__(self, node: Node, status: StopStatus, hear: Callable[[RobotStop], None]) -> None:
        self.kind = load_type(status.type)
        default = read_field(self.kind(), status.field)
        for value in status.running:
            if type(value) is not type(default):
                raise ConfigError(
                    f'stop_status.running has {value!r}, but {status.field} of {status.type} is '
                    f'{type(default).__name__}: such a value would never be told'
                )
        self._node, self._status, self._hear = node, status, hear
        self._last: RobotStop | None = None
        self._on_change = status.max_age_s == 0.0
        self._topic: str = node.resolve_topic_name(status.topic)

    @property
    def topic(self) -> str:
        """The topic's full name."""
        return self._topic

    @property
    def qos(self) -> Any:
        """Latched where values come on change only; else it fits every publisher."""
        return LATCHED_EACH if self._on_change else TICK

    def take(self, message: Any, now_ns: int) -> None:
        """Take a message."""
        value = read_field(message, self._status.field)
        self._last = RobotStop(
            value in self._status.running, f'{self._status.field} = {value}', now_ns
        )
        self._hear(self._last)

    def look(self, now_ns: int) -> None:
        """Look whether a publisher that only tells of changes still exists."""
        if not self._on_change or self._last is None:
            return
        if self._node.count_publishers(self._topic):
            self._last = replace(self._last, stamp_ns=now_ns)
            self._hear(self._last)
