# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The request loop on real services: what cannot be taken off the wire ends no thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

import rclpy
from by_hand import ByHand
from rclpy.context import Context
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from rl_bridge.services_node import THREADS, RequestLoop
from rl_bridge.types import StatusCode
from rl_bridge_interfaces.srv import Close, GetSpecs, Render, Reset

NAMESPACE = f'/services_{os.getpid()}'


@pytest.fixture
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    made = rclpy.create_node('robot_env', namespace=NAMESPACE, context=context)
    yield made
    made.destroy_node()
    context.shutdown()


@pytest.fixture
def by_hand() -> Iterator[ByHand]:
    made = ByHand(f'{NAMESPACE}/robot_env')
    yield made
    made.close()


def test_an_unconfigured_bridge_says_so_to_every_request(node: Node, by_hand: ByHand) -> None:
    loop = RequestLoop(node, lambda: None)
    try:
        kinds = {'get_specs': GetSpecs, 'reset': Reset, 'close': Close, 'render': Render}
        replies = [by_hand.call(kind, name) for name, kind in kinds.items()]
        for reply in [*replies, by_hand.step(0.0)]:
            assert reply.status.code == StatusCode.NOT_ACTIVE
            assert 'not configured' in reply.status.message
    finally:
        assert loop.close()


@pytest.mark.fault(
    what='a malformed request',
    seen_by='bridge: wire',
    within='when it arrives',
    state='unchanged: nothing moves',
    client='ActionRejected, or an error that names what is wrong',
    side='client',
)
def test_a_message_that_cannot_be_taken_ends_no_thread(node: Node, by_hand: ByHand) -> None:
    class Failing(RequestLoop):
        """Fails more often than it has threads, as a damaged message would make it."""

        failures = 0

        def _take(self) -> Any:
            if self.failures < 2 * THREADS:
                self.failures += 1
                raise ValueError('this message is damaged')
            return super()._take()

    loop = Failing(node, lambda: None)
    try:
        assert by_hand.call(GetSpecs, 'get_specs').status.code == StatusCode.NOT_ACTIVE
        assert loop.failures == 2 * THREADS
    finally:
        assert loop.close()


def test_a_bridge_that_fails_inside_is_logged_and_the_next_request_answered(
    node: Node, by_hand: ByHand
) -> None:
    asked = []

    def bridge() -> None:
        asked.append(None)
        if len(asked) == 1:
            raise RuntimeError('a defect')

    loop = RequestLoop(node, bridge)
    try:
        client = by_hand.node.create_client(GetSpecs, f'{by_hand.bridge}/get_specs')
        assert client.wait_for_service(30.0)
        client.call_async(GetSpecs.Request())  # this one gets no answer
        assert by_hand.call(GetSpecs, 'get_specs').status.code == StatusCode.NOT_ACTIVE
        assert len(asked) == 2
    finally:
        assert loop.close()
