# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A person with a command line."""

from __future__ import annotations

from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from rl_bridge.types import StatusCode
from rl_bridge_interfaces.srv import Step

TIMEOUT_S = 30.0
TRIES = 10


class ByHand:
    """Calls the services of one bridge once, as ``ros2 service call`` does."""

    def __init__(self, bridge: str) -> None:
        self.bridge = bridge
        self.context = Context()
        rclpy.init(context=self.context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node('by_hand', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def call(self, kind: Any, name: str, **fields: Any) -> Any:
        client = self.node.create_client(kind, f'{self.bridge}/{name}')
        try:
            assert client.wait_for_service(TIMEOUT_S), f'there is no service {name}'
            future = client.call_async(kind.Request(**fields))
            self.executor.spin_until_future_complete(future, TIMEOUT_S)
            assert future.done(), f'{name} did not answer'
            return future.result()
        finally:
            self.node.destroy_client(client)

    def step(self, *action: float) -> Any:
        """Step, again where the answer asks for it: on a busy machine a request lies a while."""
        for _ in range(TRIES):
            reply = self.call(Step, 'step', action=list(action))
            if reply.status.code != StatusCode.TOO_OLD:
                break
        return reply

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.shutdown()
