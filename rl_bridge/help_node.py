# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Asks a person for help: a text on ``~/help``, latched, until ``~/helped`` is called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from rl_bridge.topic_qos import LATCHED

LOOK_S = 0.05  # how often it is looked whether a stop ends the waiting


class TopicAssistance:
    """
    Publishes what a person is to do, and hears that it is done; an empty text = nothing to do.

    :param io: node that is spun by a thread of its own, as the robot's is.
    :param owner: the bridge's node, whose names ``~/help`` and ``~/helped`` are.
    :param timeout_s: how long a person is waited for, s.
    """

    def __init__(self, io: Node, owner: Node, *, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._logger = owner.get_logger()
        self._asked = ''
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._service = owner.resolve_service_name('~/helped')
        self._publisher = io.create_publisher(String, owner.resolve_topic_name('~/help'), LATCHED)
        self._publisher.publish(String())
        io.create_service(Trigger, self._service, self._on_helped)

    def ask(self, text: str, *, give_up: Callable[[], bool]) -> bool:
        """
        Ask a person and wait until one says that it is done, at most ``timeout_s``.

        :param text: what is the matter.
        :param give_up: true ends the waiting.
        :return: whether a person said that it is done.
        """
        with self._lock:
            self._done.clear()
            self._asked = text
        self._publisher.publish(String(data=text))
        self._logger.warning(
            f'help is needed: {text}; then call {self._service} (within {self.timeout_s:g} s)'
        )
        end_s = time.monotonic() + self.timeout_s
        try:
            while not give_up():
                left_s = end_s - time.monotonic()
                if left_s <= 0.0:
                    return False
                if self._done.wait(min(LOOK_S, left_s)):
                    return True
            return False
        finally:
            with self._lock:
                self._asked = ''
            self._publisher.publish(String())

    def _on_helped(self, request: Any, response: Any) -> Any:
        with self._lock:
            response.success = bool(self._asked)
            if self._asked:
                self._done.set()
        response.message = 'thank you' if response.success else 'nobody asked for help'
        return response
