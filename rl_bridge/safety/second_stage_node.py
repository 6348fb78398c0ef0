# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Calls the service that a robot file names for a robot that does not come to rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from rl_bridge.safety.named_types import fill, load_type
from rl_bridge.types import SecondStage


class SecondStageCaller:
    """
    The client of that service; its request is made and checked at the start.

    :param node: the guard's.
    :param stage: from the robot file.
    :param say: level and text for the log.
    :raises ConfigError: the type is not installed, or does not take the request.
    """

    def __init__(self, node: Node, stage: SecondStage, say: Callable[[str, str], None]) -> None:
        kind = load_type(stage.type)
        self._request = fill(kind.Request(), stage.request)
        self._client = node.create_client(kind, stage.service)
        self._say = say
        self._waiting: Any = None

    @property
    def waiting(self) -> bool:
        """Whether an answer is still to come."""
        return self._waiting is not None and not self._waiting.done()

    def call(self) -> str:
        """Send the request without waiting. Returns what was done, empty for not yet possible."""
        name = self._client.srv_name
        if not self._client.service_is_ready():
            self._say('error', f'the robot does not come to rest and nobody offers {name}')
            return ''
        self._waiting = self._client.call_async(self._request)
        self._waiting.add_done_callback(self._answered)
        self._say('error', f'the robot does not come to rest: {name} is called')
        return f'{name} was called because the robot did not come to rest'

    def _answered(self, future: Any) -> None:
        if future.exception() is not None:
            self._say('error', f'{self._client.srv_name} failed: {future.exception()!r}')
        else:
            self._say('info', f'{self._client.srv_name} answered: {future.result()!r:.300}')
