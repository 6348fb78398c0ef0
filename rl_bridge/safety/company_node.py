# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Whether a guard is alone with its robot: no other guard, no other publisher, no second driver.

DDS shows the endpoints of a killed process for up to 20 s. So an endpoint of a guard's own name
is no proof of anything, only its fresh messages are.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from rclpy.node import Node

from rl_bridge.errors import ConfigError
from rl_bridge.topic_qos import TICK
from rl_bridge.types import StopReason
from rl_bridge_interfaces.msg import GuardStatus

#: Long enough to discover another guard and to hear several of its statuses.
LISTEN_S = 0.5
#: More, where an endpoint is seen of which nothing was heard yet.
LISTEN_MORE_S = 0.3
PERIOD_NS = 500_000_000
FRESH_NS = 1_000_000_000
#: A single one may be the last word of a guard that has just ended.
HEARD_AT_LEAST = 2
#: One driver that starts again goes back once.
WENT_BACK = 3
MOST_AT_ONCE = 10
_UNKNOWN = '_NODE_NAME_UNKNOWN_'


class Company:
    """
    Listens for others. All times are nanoseconds of one monotonic clock.

    :param node: the guard's.
    :param guard_id: of this guard.
    :param output_topics: the controllers', full names; only this guard may publish there.
    :param state_topic: the driver's.
    """

    def __init__(
        self, node: Node, guard_id: str, output_topics: tuple[str, ...], state_topic: str
    ) -> None:
        self._node = node
        self._guard_id = guard_id
        self._output_topics = output_topics
        self._state_topic = node.resolve_topic_name(state_topic)
        self._heard: dict[str, tuple[int, int, bool]] = {}
        self._unknown: set[bytes] = set()
        self._sequence = 0
        self._went_back: deque[int] = deque(maxlen=WENT_BACK)
        self._topic = node.resolve_topic_name('~/status')
        self._statuses: Any = None
        self._looked_ns = 0

    def listen(self) -> None:
        """
        Wait before the first status until another guard would have been heard.

        :raises ConfigError: one was.
        """
        begin = time.monotonic()
        end = begin + LISTEN_S
        while time.monotonic() < end:
            self._take()
            other = self._other_guard(time.monotonic_ns())
            if other:
                raise ConfigError(self._about(other))
            if self._node.count_publishers(self._topic) and end == begin + LISTEN_S:
                end += LISTEN_MORE_S
            time.sleep(0.01)
        self._ignore()

    def due(self, now_ns: int) -> bool:
        """Return whether it is time to look again."""
        return now_ns - self._looked_ns >= PERIOD_NS

    def look(self, now_ns: int, *, bound: bool) -> str:
        """
        Return who else acts on the robot, as one sentence; empty for nobody.

        :param bound: whether a bridge has begun with this guard.
        :raises ConfigError: another guard is at work and this one is not, so it has to go.
        """
        self._looked_ns = now_ns
        if self._node.count_publishers(self._topic) > 1:
            self._take()
        else:
            self._ignore()
        other = self._other_guard(now_ns)
        if other:
            # Of two that are both idle the one with the greater name goes.
            if not bound and (self._heard[other][2] or other < self._guard_id):
                raise ConfigError(self._about(other))
            return self._about(other)
        return self._other_publisher() or self._second_driver(now_ns)

    def note_state(self, sequence: int | None, now_ns: int) -> None:
        """
        Take the publisher's own count of a message that names this robot's joints.

        One publisher counts up; of two at work one is always behind the other.
        """
        if not sequence:
            return
        if sequence <= self._sequence:
            self._went_back.append(now_ns)
        self._sequence = sequence

    def _take(self) -> None:
        if self._statuses is None:
            self._statuses = self._node.create_subscription(
                GuardStatus, '~/status', self._hear, TICK
            )
        for _ in range(MOST_AT_ONCE):
            taken = self._statuses.handle.take_message(GuardStatus, False)
            if taken is None:
                return
            self._hear(taken[0])

    def _ignore(self) -> None:
        """Stop listening: each of this guard's own statuses would be delivered to it."""
        if self._statuses is not None:
            self._node.destroy_subscription(self._statuses)
            self._statuses = None

    def _hear(self, status: Any) -> None:
        if status.guard_id == self._guard_id or status.stop.reason == StopReason.SHUTDOWN:
            return
        now_ns = time.monotonic_ns()
        last_ns, count, _ = self._heard.get(status.guard_id, (now_ns, 0, False))
        count = 1 if now_ns - last_ns > FRESH_NS else count + 1
        if len(self._heard) > MOST_AT_ONCE:
            self._heard = {}
        self._heard[status.guard_id] = (now_ns, count, bool(status.bridge_id))

    def _other_guard(self, now_ns: int) -> str:
        for guard_id, (last_ns, count, _) in self._heard.items():
            if now_ns - last_ns <= FRESH_NS and count >= HEARD_AT_LEAST:
                return guard_id
        return ''

    def _about(self, guard_id: str) -> str:
        return (
            f'another guard, {guard_id}, is at work on {self._topic}: only one may '
            'guard a robot; end one of them'
        )

    def _other_publisher(self) -> str:
        """A publisher of another node on a controller's topic, past this guard."""
        unknown: set[bytes] = set()
        found = ''
        for topic in self._output_topics:
            # Counting is cheap, so that is all which is done while nobody else is there.
            if not found and self._node.count_publishers(topic) > 1:
                found = self._publisher_on(topic, unknown)
        self._unknown = unknown
        return found

    def _publisher_on(self, topic: str, unknown: set[bytes]) -> str:
        own = (self._node.get_name(), self._node.get_namespace())
        for info in self._node.get_publishers_info_by_topic(topic):
            name, gid = info.node_name, bytes(info.endpoint_gid)
            if (name, info.node_namespace) == own:
                continue
            if name == _UNKNOWN:
                # Its node is told a moment later; or it has none, and stays unknown.
                unknown.add(gid)
                if gid not in self._unknown:
                    continue
            who = 'a program that is no ROS node'
            if name != _UNKNOWN:
                who = f'the node {info.node_namespace.rstrip("/")}/{name}'
            return f'{who} publishes on {topic} too, past the guard; end it'
        return ''

    def _second_driver(self, now_ns: int) -> str:
        back = self._went_back
        if len(back) < WENT_BACK or now_ns - back[0] > 2 * FRESH_NS:
            return ''
        return (
            f'two publishers on {self._state_topic} tell where this robot is; only its driver '
            'may, end the other one'
        )
