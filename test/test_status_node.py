# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a bridge tells of itself: once when it changes, once a second, with the link's figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip('rclpy')
pytest.importorskip('rl_bridge_interfaces.msg', reason='rl_bridge_interfaces is not built')

from bridge_rig import CountingEnv, Rig
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from rl_bridge import status_node
from rl_bridge.status_node import TELL_EVERY_S, StatusTopics
from rl_bridge.topic_qos import LATCHED_EACH
from rl_bridge_interfaces.msg import BridgeStatus

ANSWERS = 400  # slices of 50 ms in which a message has to arrive


class Listener:
    """A bridge's status topics and somebody who listens, in one node."""

    def __init__(self, context: Context) -> None:
        self.node = Node('robot_env', context=context)
        self.topics = StatusTopics(self.node, bridge_id='this one')
        self.statuses: list[Any] = []
        self.diagnostics: list[Any] = []
        self.node.create_subscription(
            BridgeStatus, '~/status', self.statuses.append, LATCHED_EACH)
        self.node.create_subscription(
            DiagnosticArray, '/diagnostics', self.diagnostics.append, 10)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)

    def hear(self, messages: list[Any], count: int) -> list[Any]:
        for _ in range(ANSWERS):
            if len(messages) >= count:
                return messages
            self._executor.spin_once(timeout_sec=0.05)
        pytest.fail(f'{len(messages)} of {count} messages came')

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()


@pytest.fixture
def listener() -> Iterator[Listener]:
    context = Context()
    context.init(args=[])
    listening = Listener(context)
    yield listening
    listening.close()
    context.shutdown()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig(CountingEnv())
    yield made
    made.close()


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(status_node.time, 'monotonic', made)
    return made


def test_a_status_is_told_when_it_changes_and_once_a_second(
    listener: Listener, rig: Rig, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[bool] = []
    build = listener.topics._bridge_status

    def count(*args: Any, **kwargs: Any) -> Any:
        built.append(True)
        return build(*args, **kwargs)

    monkeypatch.setattr(listener.topics, '_bridge_status', count)

    def tell(active: bool = True) -> int:
        listener.topics.tell(rig.bridge, active=active)
        return len(built)

    assert [tell(), tell(), tell()] == [1, 1, 1]
    rig.reset('ann')
    assert [tell(), tell()] == [2, 2]
    rig.step(1, rig.bridge.session.session)
    assert tell() == 2, 'a step alone is no news'
    assert tell(active=False) == 3
    clock.now_s += TELL_EVERY_S
    assert [tell(active=False), tell(active=False)] == [4, 4]
    listener.topics.tell(None, active=False)
    assert len(built) == 5
    said = listener.hear(listener.statuses, 5)
    assert [status.holder for status in said] == ['', 'ann', 'ann', 'ann', '']
    assert [status.active for status in said] == [True, True, False, False, False]
    assert [bool(status.specs_hash) for status in said] == [True, True, True, True, False]


def test_status_and_diagnostics_hold_what_was_seen_of_the_link(
    listener: Listener, rig: Rig
) -> None:
    session = rig.begin('ann')
    request = rig.step_request(1, session)
    rig.bridge.step(request)
    rig.bridge.step(request)
    listener.topics.tell(rig.bridge, active=True)
    link = listener.hear(listener.statuses, 1)[0].link
    assert (link.requests, link.repeated, link.late, link.refused) == (3, 1, 0, 0)
    listener.topics.diagnose(rig.bridge, active=True)
    entry = listener.hear(listener.diagnostics, 1)[0].status[0]
    values = {pair.key: pair.value for pair in entry.values}
    assert values['requests'] == '3' and values['requests that came again'] == '1'
    assert values['requests that came too late'] == values['requests without access'] == '0'
    assert float(values['round trip (s)']) == link.round_trip
    assert values['holder'] == 'ann'
