# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Sensors on real topics: fresh, whole, decoded when asked for, or a sentence."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sensors_by_hand import COMPRESSED, IMAGE, noise, picture_sensor, raw, sensor

pytest.importorskip('rclpy', reason='there is no ROS 2 here')

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy, qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, Range
from std_msgs.msg import Bool, Float64MultiArray

from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.robots import topic_sensors
from rl_bridge.robots.topic_sensors import SensorStream, TopicSensors
from rl_bridge.types import Sensor, StopReason

MS = 1_000_000
TIMEOUT_S = 20.0
NUMBERS = itertools.count()
ARRAY = 'std_msgs/msg/Float64MultiArray'


# -- one stream, by a clock of the test -----------------------------------------------------------


def stamped(value: float, header_ns: int = 0) -> Any:
    """A message with a header, as a ranger sends it."""
    message = Range(range=value)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(header_ns, 1_000_000_000)
    return message


def stream(**more: Any) -> SensorStream:
    values = {'lower': 0.0, 'upper': 10.0, 'max_age_s': 0.1, **more}
    ranger = sensor('sensor_msgs/msg/Range', 1, **values)
    return SensorStream(ranger, why_silent=lambda: 'nobody is there.')


def refusal_of(one: SensorStream, now_ns: int) -> tuple[str, int]:
    with pytest.raises(RobotNotReady) as refused:
        one.reading(one.arrivals(now_ns))
    return str(refused.value), refused.value.reason


def values_of(one: SensorStream, now_ns: int) -> Any:
    return one.reading(one.arrivals(now_ns)).values.tolist()


def test_before_the_first_message_the_sentence_says_what_is_known() -> None:
    assert refusal_of(stream(), 0) == (
        'Nothing of the sensor eye on /eye has come: nobody is there.', StopReason.STATE_STALE
    )  # fmt: skip


def test_the_newest_counts_until_it_is_older_than_the_limit() -> None:
    one = stream()
    one.take(stamped(1.0, 5), 0)
    one.take(stamped(2.0, 6), 50 * MS)
    reading = one.reading(one.arrivals(150 * MS))
    assert (reading.values.tolist(), reading.stamp_ns, reading.header_ns) == ([2.0], 50 * MS, 6)
    assert refusal_of(one, 151 * MS) == (
        'The newest reading of the sensor eye on /eye is 0.101 s old, more than 0.1 s: is its '
        'driver still running?', StopReason.STATE_STALE)  # fmt: skip


def test_a_message_with_the_same_stamp_again_is_not_new() -> None:
    one = stream()
    assert one.take(stamped(1.0, 5), 0)
    assert not one.take(stamped(2.0, 5), 90 * MS)
    assert values_of(one, 100 * MS) == [1.0]
    assert refusal_of(one, 101 * MS) == (
        'The sensor eye on /eye has had the same stamp for 0.101 s, more than 0.1 s: its driver '
        'repeats an old reading.', StopReason.STATE_FROZEN)  # fmt: skip
    assert one.take(stamped(3.0, 6), 102 * MS)
    assert values_of(one, 102 * MS) == [3.0]


def test_without_stamps_every_message_is_new() -> None:
    one = stream()
    assert one.take(stamped(1.0), 0) and one.take(stamped(2.0), 90 * MS)
    assert values_of(one, 180 * MS) == [2.0]


def test_a_history_is_complete_or_there_is_none() -> None:
    one = stream(history=3)
    for count in (1, 2):
        one.take(stamped(float(count)), count * MS)
        assert refusal_of(one, count * MS) == (
            f'Only {count} of 3 readings of the sensor eye on /eye have come.',
            StopReason.STATE_STALE,
        )
    one.take(stamped(3.0), 3 * MS)
    assert values_of(one, 3 * MS) == [[1.0], [2.0], [3.0]]
    one.take(stamped(4.0), 4 * MS)
    reading = one.reading(one.arrivals(4 * MS))
    assert reading.values.tolist() == [[2.0], [3.0], [4.0]]
    assert reading.stamp_ns == 4 * MS and not reading.values.flags.writeable


def test_a_history_does_not_reach_over_an_interruption() -> None:
    one = stream(history=2)
    one.take(stamped(1.0), 0)
    one.take(stamped(2.0), 200 * MS)
    assert values_of(one, 200 * MS) == [[1.0], [2.0]]
    said, reason = refusal_of(one, 201 * MS)
    assert 'The 2 last readings' in said and 'go back 0.201 s, more than 2 times' in said
    assert reason == StopReason.STATE_STALE
    one.take(stamped(3.0), 210 * MS)
    assert values_of(one, 210 * MS) == [[2.0], [3.0]]


def test_a_reading_that_cannot_be_used_is_refused_for_as_long_as_it_is_in_the_history() -> None:
    bad = sensor(ARRAY, 1, history=2, lower=0.0, upper=1.0, max_age_s=1.0)
    one = SensorStream(bad, why_silent=str)
    for i, value in enumerate((5.0, 0.5)):
        one.take(Float64MultiArray(data=[value]), i)
    for _ in range(2):  # the second time it is known
        said, reason = refusal_of(one, 2)
        assert 'measures value 0 = 5, outside of [0, 1]' in said
        assert reason == StopReason.STATE_INVALID
    one.take(Float64MultiArray(data=[0.75]), 3)
    assert values_of(one, 3) == [[0.5], [0.75]]


def test_a_message_is_decoded_when_asked_for_and_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded = []

    def decode(eye: Sensor, message: Any) -> Any:
        decoded.append(message)
        return np.zeros(eye.shape)

    monkeypatch.setattr(topic_sensors, 'decode', decode)
    one = SensorStream(picture_sensor(IMAGE, 4, 6, 3), why_silent=str)
    messages = [SimpleNamespace(number=i) for i in range(5)]
    for message in messages:
        one.take(message, 0)
    assert decoded == []
    first, second = (one.reading(one.arrivals(0)) for _ in range(2))
    assert decoded == [messages[-1]]
    assert first.values is second.values


# -- on topics ------------------------------------------------------------------------------------


class Place:
    """A node for the sensors and one for their drivers, each spun by a thread."""

    def __init__(self) -> None:
        self.news = threading.Condition()
        # Not of one context: a DDS participant has one type for each topic.
        self._namespace = f'/sensors_{next(NUMBERS)}'
        self._spinning: dict[Node, tuple[SingleThreadedExecutor, threading.Thread]] = {}
        self.node = self.another_node('listener')
        self.drivers = self.another_node('drivers')

    def sensors(self, *described: Sensor) -> TopicSensors:
        return TopicSensors(
            self.node,
            {one.name: one for one in described},
            on_news=self.tell,
            clock_ns=time.monotonic_ns,
        )

    def drive(self, kind: Any, topic: str, message: Any, *, qos: Any = 10) -> None:
        """Publish a message 100 times a second."""
        publisher = self.drivers.create_publisher(kind, topic, qos)
        self.drivers.create_timer(0.01, lambda: publisher.publish(message))

    def tell(self) -> None:
        with self.news:
            self.news.notify_all()

    def wait_for(self, seen: Callable[[], Any]) -> None:
        """Wait until something is seen, or fail."""
        with self.news:
            assert self.news.wait_for(seen, TIMEOUT_S)

    def close(self) -> None:
        for node in list(self._spinning):
            self.end(node)

    def end(self, node: Node) -> None:
        # The executor first: a timer that publishes into a context that is shut down raises.
        executor, thread = self._spinning.pop(node)
        executor.shutdown()
        thread.join()
        node.destroy_node()
        node.context.try_shutdown()

    def another_node(self, name: str) -> Node:
        context = Context()
        # rclpy's own handlers would stay installed after the test.
        rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
        node = Node(name, context=context, namespace=self._namespace)
        self._spinning[node] = self._spin(node)
        return node

    @staticmethod
    def _spin(node: Node) -> tuple[SingleThreadedExecutor, threading.Thread]:
        executor = SingleThreadedExecutor(context=node.context)
        executor.add_node(node)

        def spin() -> None:
            with contextlib.suppress(ExternalShutdownException):
                executor.spin()

        thread = threading.Thread(target=spin, daemon=True)
        thread.start()
        return executor, thread


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    made.close()


def problem(sensors: TopicSensors) -> RobotNotReady | None:
    return sensors.problem(time.monotonic_ns())


def said(sensors: TopicSensors) -> str:
    return str(problem(sensors))


def test_every_sensor_has_its_newest_reading_whatever_its_publishers_quality_of_service(
    place: Place,
) -> None:
    bump = sensor('std_msgs/msg/Bool', 1, max_age_s=TIMEOUT_S)
    camera = Sensor('camera', 'camera', IMAGE, (40, 60, 3), TIMEOUT_S, 0.0, 255.0, dtype='uint8')
    sensors = place.sensors(bump, camera)
    pixels = noise(40, 60)
    place.drive(Bool, '/eye', Bool(data=True))
    place.drive(Image, 'camera', Image(**raw(pixels, 'rgb8')), qos=qos_profile_sensor_data)
    place.wait_for(lambda: problem(sensors) is None)
    before_ns = time.monotonic_ns()
    place.wait_for(lambda: sensors.newest(before_ns)['camera'].stamp_ns > before_ns)
    newest = sensors.newest(before_ns)
    assert newest['eye'].values.tolist() == [1.0]
    assert np.array_equal(newest['camera'].values, pixels)
    sensors.close()
    sensors.close()


@pytest.mark.parametrize('reliable', [True, False])
def test_pictures_are_resent_where_their_publisher_does_that(place: Place, reliable: bool) -> None:
    eye = picture_sensor(IMAGE, 40, 60, 3, max_age_s=TIMEOUT_S)
    sensors = place.sensors(eye)
    qos = 5 if reliable else qos_profile_sensor_data
    place.drive(Image, '/eye', Image(**raw(noise(40, 60), 'rgb8')), qos=qos)
    place.wait_for(lambda: problem(sensors) is None)
    (mine,) = (info for info in place.node.get_subscriptions_info_by_topic('/eye')
               if info.node_name == 'listener')  # fmt: skip
    assert (mine.qos_profile.reliability == ReliabilityPolicy.RELIABLE) is reliable
    sensors.close()
    assert '/eye' not in {one.topic_name for one in place.node.subscriptions}


def test_without_sensors_there_is_nothing_to_wait_for(place: Place) -> None:
    sensors = place.sensors()
    assert problem(sensors) is None and sensors.newest(0) == {}


def test_the_sentence_about_a_silent_topic_tells_nobody_from_another_type_from_no_message(
    place: Place,
) -> None:
    eye = Sensor('eye', 'eye', ARRAY, (1,), 0.5, 0.0, 1.0)
    topic = f'{place.node.get_namespace()}/eye'
    sensors = place.sensors(eye)
    problem_now = problem(sensors)
    assert problem_now is not None and problem_now.reason == StopReason.STATE_STALE
    assert str(problem_now) == (
        f'Nothing of the sensor eye on {topic} has come: nobody publishes there; is its driver '
        'running, in this namespace?')  # fmt: skip
    stranger = place.another_node('stranger')
    stranger.create_publisher(Bool, 'eye', 10)
    wait_until(lambda: 'the robot file has' in said(sensors))
    assert said(sensors).endswith(
        f'the robot file has the type {ARRAY}, but what is published there is std_msgs/msg/Bool; '
        'correct the file.')  # fmt: skip
    place.end(stranger)
    place.drivers.create_publisher(Float64MultiArray, 'eye', 10)
    wait_until(lambda: 'it has a publisher' in said(sensors))


def wait_until(seen: Callable[[], Any]) -> None:
    """Wait for what the graph shows; it tells nobody when it changes."""
    end_s = time.monotonic() + TIMEOUT_S
    while not seen():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@pytest.mark.parametrize(
    ('described', 'sentence'),
    [
        (sensor('no_such_msgs/msg/X', 1), 'no_such_msgs/msg/X, which is not installed'),
        (sensor('std_msgs/msg/Header', 1), 'name its `fields`'),
        (sensor('std_msgs/msg/Bool', 1, fields=('dat',)), "Bool has no field 'dat'"),
    ],
)
def test_a_sensor_that_cannot_be_read_is_refused_at_once(
    place: Place, described: Sensor, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        place.sensors(sensor('std_msgs/msg/Bool', 1), described)
    with pytest.raises(ConfigError, match=sentence):
        place.sensors(described)
    assert not list(place.node.subscriptions)


def test_a_compressed_picture_over_a_topic_is_decoded(place: Place) -> None:
    pytest.importorskip('PIL')
    from sensor_msgs.msg import CompressedImage
    from sensors_by_hand import compressed

    sensors = place.sensors(picture_sensor(COMPRESSED, 40, 60, 3, max_age_s=TIMEOUT_S))
    place.drive(
        CompressedImage, '/eye', CompressedImage(format='png', data=compressed(noise(40, 60)))
    )
    place.wait_for(lambda: problem(sensors) is None)
    newest = sensors.newest(time.monotonic_ns())
    assert np.array_equal(newest['eye'].values, noise(40, 60))
