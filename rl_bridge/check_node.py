# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Listens to a robot before anything moves: publishes nothing, commands nothing, calls nothing."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy

from rl_bridge.check_stream import NOT_OURS, Endpoint, Stream, Timing
from rl_bridge.dds_profile import use_profile
from rl_bridge.errors import RobotNotReady
from rl_bridge.robot_description import JOINT_STATE
from rl_bridge.robots.joint_states import JointStates
from rl_bridge.robots.readings import decode, header_ns
from rl_bridge.robots.topic_sensors import PICTURE, Listening
from rl_bridge.safety.named_types import load_type, read_field
from rl_bridge.topic_qos import LATCHED_EACH, TICK
from rl_bridge.types import CommandOutput, RobotDescription, Sensor, StopStatus

GUARD_STATUS = 'rl_bridge_interfaces/msg/GuardStatus'
BRIDGE_STATUS = 'rl_bridge_interfaces/msg/BridgeStatus'
RAW_PICTURE = 'sensor_msgs/msg/Image'
# Decoding each picture of a fast camera would make this machine the slow part.
PICTURE_EVERY_NS = 200_000_000
SLICE_S, STOOD_STILL_S = 0.02, 0.05


@dataclass(slots=True, frozen=True)
class HeardStream:
    """A stream and what was measured of it; no timing = nothing came."""

    stream: Stream
    timing: Timing | None


@dataclass(slots=True, frozen=True)
class SeenOutput:
    """A command topic, and the nodes at both of its ends."""

    kind: str
    topic: str
    type: str
    publishers: tuple[Endpoint, ...]
    subscribers: tuple[Endpoint, ...]


@dataclass(slots=True)
class Heard:
    """
    What was found.

    :param problems: one sentence each; what keeps the robot from being used.
    :param notes: one sentence each; worth a look.
    """

    streams: list[HeardStream] = field(default_factory=list)
    outputs: list[SeenOutput] = field(default_factory=list)
    guards: list[str] = field(default_factory=list)
    bridges: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def listen(robot: RobotDescription, *, namespace: str = '', seconds: float = 3.0) -> Heard:
    """
    Listen to a robot.

    :param robot: whose types are known to be installed.
    :param namespace: of its driver.
    :param seconds: for how long.
    :raises ConfigError: a type is not installed.
    """
    use_profile()
    context = Context()
    context.init(initialize_logging=False)
    node = Node(
        f'rl_bridge_check_{os.getpid()}_{secrets.token_hex(4)}',
        context=context,
        namespace=namespace,
        use_global_arguments=False,
        enable_rosout=False,
        start_parameter_services=False,
        parameter_overrides=[Parameter('start_type_description_service', value=False)],
    )
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        check = _Check(node, robot)
        now_s = time.monotonic()
        end_s, stood_still_s = now_s + seconds, 0.0
        while now_s < end_s:
            executor.spin_once(timeout_sec=min(SLICE_S, end_s - now_s))
            before_s, now_s = now_s, time.monotonic()
            stood_still_s = max(stood_still_s, now_s - before_s - SLICE_S)
        return check.found(time.monotonic_ns(), stood_still_s=stood_still_s)
    finally:
        executor.shutdown()
        node.destroy_node()
        context.try_shutdown()


class _Check:
    """All subscriptions of one robot, and what follows of them."""

    def __init__(self, node: Node, robot: RobotDescription) -> None:
        self._node = node
        self._robot = robot
        topic = node.resolve_topic_name(robot.state_topic)
        self._states = JointStates(robot, topic=topic)
        self._fastest = 0.0  # rad/s or m/s
        self._running: object = None  # what the robot says of its own stop
        state = Stream('state', topic, robot.state_type, robot.state_max_age_s, self._judge_state)
        self._subscribe(state)
        self._streams = [state, *(self._sensor(one) for one in robot.sensors.values())]
        if robot.stop_status is not None:
            self._streams.append(self._stop_status(robot.stop_status))

    def found(self, end_ns: int, *, stood_still_s: float = 0.0) -> Heard:
        """
        Return what was found.

        :param end_ns: when listening ended, on the monotonic clock.
        :param stood_still_s: longest time for which this process did not come to listen.
        """
        heard = Heard(guards=self._nodes_of(GUARD_STATUS), bridges=self._nodes_of(BRIDGE_STATUS))
        for stream in self._streams:
            heard.streams.append(HeardStream(stream, stream.timing(end_ns)))
            publishers = self._publishers(stream.topic)
            heard.problems += stream.problems(end_ns, publishers)
        heard.outputs = list(self._outputs())
        for output in heard.outputs:
            heard.problems += _about_output(output, heard.guards)
        heard.problems += _nobody_listens(heard.outputs)
        heard.problems += self._outside_limits()
        heard.problems += self._no_second_stage()
        heard.notes += self._notes(heard)
        if stood_still_s > STOOD_STILL_S:
            heard.notes.append(
                f'this process stood still for {stood_still_s:.2g} s because its machine is busy; '
                f'what is late here may have come in time.'
            )
        return heard

    # -- streams -------------------------------------------------------------------------------

    def _subscribe(self, stream: Stream, qos: QoSProfile = TICK) -> None:
        kind = load_type(stream.type)
        self._node.create_subscription(kind, stream.topic, _into(stream), qos)

    def _sensor(self, sensor: Sensor) -> Stream:
        named = replace(sensor, topic=self._node.resolve_topic_name(sensor.topic))
        stream = Stream(
            f'sensor {sensor.name}', named.topic, sensor.type, sensor.max_age_s, _judge(named)
        )
        Listening(self._node, load_type(sensor.type), named, _into(stream))
        return stream

    def _judge_state(self, message: Any, now_ns: int) -> str | None:
        robot = self._robot
        if robot.state_type == JOINT_STATE and not set(robot.joints) & set(message.name):
            return NOT_OURS
        self._states.hear(message, now_ns)
        problem = self._states.problem(now_ns)
        if problem is None and self._states.newest is not None:
            self._fastest = max(self._fastest, float(abs(self._states.newest.velocity).max()))
        return '' if problem is None else str(problem)

    def _stop_status(self, status: StopStatus) -> Stream:
        def judge(message: Any, _: int) -> str:
            self._running = read_field(message, status.field)
            return ''

        topic = self._node.resolve_topic_name(status.topic)
        qos = TICK if status.max_age_s else LATCHED_EACH
        stream = Stream('stop status', topic, status.type, status.max_age_s, judge)
        self._subscribe(stream, qos)
        return stream

    # -- the graph -----------------------------------------------------------------------------

    def _publishers(self, topic: str) -> list[Endpoint]:
        return _endpoints(self._node.get_publishers_info_by_topic(topic))

    def _outputs(self) -> Iterator[SeenOutput]:
        for kind, interface in self._robot.commands.items():
            for output in interface.outputs:
                yield self._output(kind, output)

    def _output(self, kind: str, output: CommandOutput) -> SeenOutput:
        topic = self._node.resolve_topic_name(output.topic)
        subscribers = _endpoints(self._node.get_subscriptions_info_by_topic(topic))
        return SeenOutput(
            kind, topic, output.type, tuple(self._publishers(topic)), tuple(subscribers)
        )

    def _nodes_of(self, status_type: str) -> list[str]:
        """The nodes below this namespace that publish a status of this type."""
        below = self._node.get_namespace().rstrip('/') + '/'
        return sorted(
            {
                endpoint.node
                for topic, types in self._node.get_topic_names_and_types()
                if status_type in types and topic.startswith(below)
                for endpoint in self._publishers(topic)
            }
        )

    # -- what follows --------------------------------------------------------------------------

    def _outside_limits(self) -> list[str]:
        state, robot = self._states.newest, self._robot
        if state is None:
            return []
        tolerance = robot.state_checks.position_tolerance
        lower = robot.limits.position_lower - tolerance
        upper = robot.limits.position_upper + tolerance
        return [
            f'{robot.joints[i]} is measured at {state.position[i]:.4g}, outside its limits '
            f'[{robot.limits.position_lower[i]:g}, {robot.limits.position_upper[i]:g}]: move it '
            f'inside by hand, or correct the limits.'
            for i in np.flatnonzero((state.position < lower) | (state.position > upper))
        ]

    def _no_second_stage(self) -> list[str]:
        stage = self._robot.second_stage
        if stage is None:
            return []
        name = self._node.resolve_service_name(stage.service)
        types = dict(self._node.get_service_names_and_types()).get(name, [])
        if stage.type in types:
            return []
        offered = f'it is offered as {" and ".join(types)}' if types else 'nobody offers it'
        return [f'the service {name} of halt.second_stage ({stage.type}) is not there: {offered}.']

    def _notes(self, heard: Heard) -> Iterator[str]:
        status, robot = self._robot.stop_status, self._robot
        told = status is not None and self._running is not None
        if status is not None and told and self._running not in status.running:
            yield (
                f'the robot says that it is stopped: {status.field} = {self._running} on '
                f'{status.topic}; it may move with {", ".join(map(str, status.running))}.'
            )
        for sensor in robot.sensors.values():
            topic = self._node.resolve_topic_name(sensor.topic)
            infos = self._node.get_publishers_info_by_topic(topic)
            if sensor.type == RAW_PICTURE and any(_best_effort(info) for info in infos):
                yield (
                    f'{topic} (sensor {sensor.name}) is published best effort: a raw picture of '
                    f'many datagrams is lost with any of them; make its publisher reliable, or '
                    f'take compressed pictures.'
                )
        if not heard.guards and self._fastest > robot.standstill_speed:
            yield (
                f'{robot.name} is measured at up to {self._fastest:.3g}, above standstill.speed = '
                f'{robot.standstill_speed:g}: if it was at rest, no stop would ever count as one; '
                f'make standstill.speed greater than its noise.'
            )


def _into(stream: Stream) -> Callable[[Any], None]:
    def take(message: Any) -> None:
        stream.hear(
            message,
            now_ns=time.monotonic_ns(),
            header_ns=header_ns(message),
            wall_ns=time.time_ns(),
        )

    return take


def _judge(sensor: Sensor) -> Callable[[Any, int], str]:
    every_ns = PICTURE_EVERY_NS if sensor.dtype == PICTURE else 0
    last_ns = -every_ns

    def judge(message: Any, now_ns: int) -> str:
        nonlocal last_ns
        if now_ns - last_ns < every_ns:
            return ''
        last_ns = now_ns
        try:
            decode(sensor, message)
        except RobotNotReady as error:
            return str(error)
        return ''

    return judge


def _best_effort(info: Any) -> bool:
    return bool(info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT)


def _endpoints(infos: Any) -> list[Endpoint]:
    return [
        Endpoint(f'{info.node_namespace.rstrip("/")}/{info.node_name}', info.topic_type)
        for info in infos
    ]


def _about_output(output: SeenOutput, guards: list[str]) -> Iterator[str]:
    for end in output.publishers:
        if end.node not in guards:
            yield (
                f'{end.node} publishes on the command topic {output.topic}, past the guard, which '
                f'would not let the robot move; end it.'
            )
    for end in output.subscribers:
        if end.type != output.type:
            yield (
                f'{output.topic} has the type {output.type} in the robot file, but {end.node} '
                f'listens for {end.type}; correct the file.'
            )


def _nobody_listens(outputs: list[SeenOutput]) -> list[str]:
    """A robot needs one kind of command all of whose topics are listened to."""
    if not outputs:
        return []
    deaf: dict[str, list[str]] = {output.kind: [] for output in outputs}
    for output in outputs:
        if not output.subscribers:
            deaf[output.kind].append(output.topic)
    if not all(deaf.values()):
        return []
    missing = '; '.join(f'{kind}: {", ".join(topics)}' for kind, topics in deaf.items())
    return [
        f'no kind of command has a listener on all of its topics ({missing}): is a controller '
        f'active, in this namespace?'
    ]
