# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The further sensors of a robot behind topics: the newest readings, or why there are none.

A message is kept as it came and decoded when somebody asks: of a camera that sends 60 pictures
between two steps one is decoded. Nothing is made up for a history: until as many readings came as
it holds, there is none, and none of it is older than so many times ``max_age``.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

from rl_bridge.errors import RobotNotReady
from rl_bridge.robots.readings import Values, check_type, decode, header_ns
from rl_bridge.safety.named_types import load_type
from rl_bridge.types import Reading, Sensor, StopReason

PICTURE = 'uint8'


class _Arrival:
    """One message; what it says, or why that must not be used, is found out once."""

    def __init__(self, message: Any, stamp_ns: int) -> None:
        self.stamp_ns = stamp_ns
        self.header_ns = header_ns(message)
        self._message = message
        self._found: Values | RobotNotReady | None = None

    def values(self, sensor: Sensor) -> Values:
        """
        :raises RobotNotReady: they must not be used.
        """
        # Two threads may decode it at once: the message goes only after there is what it says.
        message = self._message
        if self._found is None:
            try:
                self._found = decode(sensor, message)
            except RobotNotReady as error:
                self._found = error
            self._message = None
        if isinstance(self._found, RobotNotReady):
            raise RobotNotReady(str(self._found), self._found.reason)
        return self._found


class SensorStream:
    """
    The last readings of one sensor. Not locked: see ``TopicSensors``.

    :param sensor: with the full name of its topic, for people.
    :param why_silent: says what is known of a topic on which nothing has come.
    """

    def __init__(self, sensor: Sensor, *, why_silent: Callable[[], str]) -> None:
        self.sensor = sensor
        self._why_silent = why_silent
        self._arrivals: deque[_Arrival] = deque(maxlen=sensor.history)
        self._repeated = False  # whether the newest came again since

    def take(self, message: Any, now_ns: int) -> bool:
        """
        Keep a message, unless its stamp is that of the one before: it tells nothing new.

        :param now_ns: monotonic clock at arrival.
        :returns: whether it was kept.
        """
        arrival = _Arrival(message, now_ns)
        last = self._arrivals[-1] if self._arrivals else None
        self._repeated = bool(
            last is not None and arrival.header_ns and arrival.header_ns == last.header_ns
        )
        if not self._repeated:
            self._arrivals.append(arrival)
        return not self._repeated

    def arrivals(self, now_ns: int) -> tuple[_Arrival, ...]:
        """
        Return what a reading is made of, the newest last.

        :raises RobotNotReady: too few came, or one is too old.
        """
        sensor, arrivals = self.sensor, tuple(self._arrivals)
        what = f'sensor {sensor.name} on {sensor.topic}'
        if not arrivals:
            raise RobotNotReady(
                f'Nothing of the {what} has come: {self._why_silent()}', StopReason.STATE_STALE
            )
        age_s = (now_ns - arrivals[-1].stamp_ns) / 1e9
        if age_s > sensor.max_age_s and self._repeated:
            raise RobotNotReady(
                f'The {what} has had the same stamp for {age_s:.3g} s, more than '
                f'{sensor.max_age_s:g} s: its driver repeats an old reading.',
                StopReason.STATE_FROZEN,
            )
        if age_s > sensor.max_age_s:
            raise RobotNotReady(
                f'The newest reading of the {what} is {age_s:.3g} s old, more than '
                f'{sensor.max_age_s:g} s: is its driver still running?',
                StopReason.STATE_STALE,
            )
        if len(arrivals) < sensor.history:
            raise RobotNotReady(
                f'Only {len(arrivals)} of {sensor.history} readings of the {what} have come.',
                StopReason.STATE_STALE,
            )
        oldest_s = (now_ns - arrivals[0].stamp_ns) / 1e9
        if oldest_s > sensor.history * sensor.max_age_s:
            raise RobotNotReady(
                f'The {sensor.history} last readings of the {what} go back {oldest_s:.3g} s, more '
                f'than {sensor.history} times its max_age of {sensor.max_age_s:g} s: it was '
                f'interrupted.',
                StopReason.STATE_STALE,
            )
        return arrivals

    def reading(self, arrivals: tuple[_Arrival, ...]) -> Reading:
        """
        :raises RobotNotReady: one of them must not be used.
        """
        newest = arrivals[-1]
        values = newest.values(self.sensor)
        if self.sensor.history > 1:
            values = np.stack([arrival.values(self.sensor) for arrival in arrivals])
            values.flags.writeable = False
        return Reading(values, newest.stamp_ns, newest.header_ns)


class Listening:
    """
    The subscription to one sensor: of pictures it is reliable as long as all publishers are.

    :param take: called with every message.
    """

    def __init__(
        self, node: Node, kind: Any, sensor: Sensor, take: Callable[[Any], None]
    ) -> None:
        self._node, self._kind, self._sensor, self._take = node, kind, sensor, take
        self._lock = threading.Lock()
        with self._lock:  # an executor may call _settle at once
            self._subscription: Subscription | None = self._subscribe(
                reliable=sensor.dtype == PICTURE
            )

    def close(self) -> None:
        """Let go of the topic; idempotent."""
        with self._lock:
            subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._node.destroy_subscription(subscription)

    def _subscribe(self, *, reliable: bool) -> Subscription:
        events = SubscriptionEventCallbacks(
            incompatible_qos=self._settle if reliable else None, use_default_callbacks=False
        )
        return self._node.create_subscription(
            self._kind,
            self._sensor.topic,
            self._take,
            _qos(self._sensor, reliable=reliable),
            event_callbacks=events,
        )

    def _settle(self, _: Any) -> None:
        """Take it as it is offered: somebody publishes best effort only."""
        with self._lock:
            reliably = self._subscription
            if reliably is None:
                return
            self._subscription = self._subscribe(reliable=False)
        self._node.destroy_subscription(reliably)


class TopicSensors:
    """
    Subscribes to a robot's sensors. Callable from any thread; nobody waits for a decoder but who
    asks for the reading.

    :param node: whose namespace the topics are relative to, and whose executor runs the callbacks.
    :param sensors: of the robot file.
    :param on_news: called without any lock when something came.
    :param clock_ns: CLOCK_MONOTONIC of this host, ns.
    :raises ConfigError: a type is not installed, has no such field, or cannot be read.
    """

    def __init__(
        self,
        node: Node,
        sensors: Mapping[str, Sensor],
        *,
        on_news: Callable[[], None],
        clock_ns: Callable[[], int],
    ) -> None:
        kinds = {name: load_type(sensor.type) for name, sensor in sensors.items()}
        for name, sensor in sensors.items():
            check_type(sensor, kinds[name])
        self._node = node
        self._on_news = on_news
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._streams = {name: self._stream(sensor) for name, sensor in sensors.items()}
        self._listening = [
            Listening(node, kinds[name], stream.sensor, self._listener(stream))
            for name, stream in self._streams.items()
        ]

    def newest(self, now_ns: int) -> Mapping[str, Reading]:
        """
        Return the newest reading of every sensor.

        :raises RobotNotReady: as ``problem`` returns it.
        """
        readings = {}
        for name, stream in self._streams.items():
            with self._lock:
                arrivals = stream.arrivals(now_ns)
            readings[name] = stream.reading(arrivals)
        return readings

    def problem(self, now_ns: int) -> RobotNotReady | None:
        """Return why the newest readings must not be acted on, or None."""
        try:
            self.newest(now_ns)
        except RobotNotReady as error:
            return error
        return None

    def close(self) -> None:
        """Let go of the topics."""
        for listening in self._listening:
            listening.close()

    def _stream(self, sensor: Sensor) -> SensorStream:
        named = dataclasses.replace(sensor, topic=self._node.resolve_topic_name(sensor.topic))
        return SensorStream(named, why_silent=lambda: self._why_silent(named))

    def _why_silent(self, sensor: Sensor) -> str:
        publishers = self._node.get_publishers_info_by_topic(sensor.topic)
        others = sorted({info.topic_type for info in publishers} - {sensor.type})
        if others:
            return (
                f'the robot file has the type {sensor.type}, but what is published there is '
                f'{" and ".join(others)}; correct the file.'
            )
        if publishers:
            return 'it has a publisher, which has not sent anything that arrived here.'
        return 'nobody publishes there; is its driver running, in this namespace?'

    def _listener(self, stream: SensorStream) -> Callable[[Any], None]:
        def take(message: Any) -> None:
            now_ns = self._clock_ns()
            with self._lock:
                kept = stream.take(message, now_ns)
            if kept:
                self._on_news()

        return take


def _qos(sensor: Sensor, *, reliable: bool) -> QoSProfile:
    """
    Take a burst up to the length of the history.

    :param reliable: a raw picture of 640 x 480 consists of 15 datagrams, and without resending it
        is lost with any of them: on a busy machine 96 to 101 of 101 arrived instead of 16 to
        43. Anything smaller is best effort, which fits every publisher and waits for nothing.
    """
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=sensor.history,
        reliability=reliability,
        durability=DurabilityPolicy.VOLATILE,
    )
