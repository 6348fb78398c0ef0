# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The simulated robot of any robot file: its topics, types, time-outs, and what it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')
rclpy = pytest.importorskip('rclpy', reason='a ROS node needs ROS 2')
pytest.importorskip('trajectory_msgs.msg', reason='needs the messages of trajectories')

from builtin_interfaces.msg import Duration  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.signals import SignalHandlerOptions  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from std_msgs.msg import Float64, Float64MultiArray, Int8  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint  # noqa: E402

from rl_bridge.errors import ConfigError  # noqa: E402
from rl_bridge.sim.sim_robot_node import make_driver  # noqa: E402

NAMESPACE = f'/sim_arm_node_test_{os.getpid()}'
TIMEOUT_S = 30.0
READY = np.array([0.3, 0.8, 0.6])

ARM = '\n'.join(
    [
        'name: arm_with_hand',
        'joints: [shoulder, elbow, hand]',
        'state: {topic: arm/states, max_age: 0.1}',
        'stop_status: {topic: arm/mode, type: std_msgs/msg/Int8, field: data, running: [1, 0], '
        'max_age: 0.5}',
        'commands:',
        '  velocity:',
        '    timeout: 0.3',
        '    outputs:',
        '      - {topic: arm/velocities, joints: [elbow, shoulder]}',
        '      - {topic: hand/speed, type: std_msgs/msg/Float64, fields: [data], joints: [hand]}',
        '  position:',
        '    timeout: 0.0',
        '    outputs:',
        '      - topic: arm/trajectory',
        '        type: trajectory_msgs/msg/JointTrajectory',
        '        arrive_within: 0.2',
        '        joints: [shoulder, elbow]',
        '      - {topic: hand/goal, type: std_msgs/msg/Float64, fields: [data], joints: [hand]}',
        '  effort: {topic: arm/torques, timeout: 0.3}',
        'limits:',
        '  position: {lower: [-3.0, -3.0, -3.0], upper: [3.0, 3.0, 3.0]}',
        '  velocity: [1.5, 1.5, 1.5]',
        '  acceleration: [4.0, 4.0, 4.0]',
        '  effort: [10.0, 10.0, 10.0]',
        'standstill: {speed: 0.02, within: 1.0}',
        'dh:',
        '  - [0.2251, 0.0, 0.2624, 0.0]',
        '  - [0.2251, 0.0, 0.1122, 0.0]',
        '  - [0.245, 0.0, 0.0, 0.0]',
        'simulation: {ready: [0.3, 0.8, 0.6]}',
    ]
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / 'arm.yaml'
    path.write_text(ARM)
    return path


class Client:
    """The process of the simulated robot, and what a client of a real one has: its topics."""

    def __init__(self, node: Any, executor: SingleThreadedExecutor) -> None:
        self.node, self.executor = node, executor
        self.states: list[tuple[float, JointState]] = []
        self.modes: list[int] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self, file: Path, **parameters: object) -> None:
        words = [sys.executable, '-m', 'rl_bridge.sim.sim_robot_node']
        words += ['--ros-args', '-r', f'__ns:={NAMESPACE}', '-p', f'robot_file:={file}']
        for name, value in parameters.items():
            words += ['-p', f'{name}:={value}']
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.node.create_subscription(JointState, 'arm/states', self._receive, 10)
        self.node.create_subscription(Int8, 'arm/mode', lambda m: self.modes.append(m.data), 10)
        self.until(lambda: bool(self.states))

    def _receive(self, message: JointState) -> None:
        self.states.append((self.node.get_clock().now().nanoseconds * 1e-9, message))

    def publisher(self, kind: Any, topic: str) -> Any:
        publisher = self.node.create_publisher(kind, topic, 1)
        self.until(lambda: publisher.get_subscription_count() > 0)
        return publisher

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not holds():
            assert time.monotonic() < deadline, f'not seen in {TIMEOUT_S:g} s'
            assert self.process is not None
            if self.process.poll() is not None:
                pytest.fail(f'the robot ended by itself: {self.process.communicate()[0]}')
            self.executor.spin_once(timeout_sec=0.02)

    def wait_for_states(self, count: int) -> list[tuple[float, JointState]]:
        first = len(self.states)
        self.until(lambda: len(self.states) >= first + count)
        return self.states[first:]

    @property
    def position(self) -> np.ndarray:
        return np.array(self.states[-1][1].position)

    @property
    def velocity(self) -> np.ndarray:
        return np.array(self.states[-1][1].velocity)

    def end(self) -> str:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.communicate(timeout=TIMEOUT_S)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise


@pytest.fixture
def node() -> Iterator[Any]:
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    made = rclpy.create_node('client', namespace=NAMESPACE, context=context)
    yield made
    made.destroy_node()
    context.try_shutdown()


@pytest.fixture
def client(node: Any) -> Iterator[Client]:
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    made = Client(node, executor)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.end()
        executor.shutdown()


def trajectory(names: list[str], goals: list[float], *, within_s: float) -> JointTrajectory:
    start = Duration(sec=int(within_s), nanosec=int(within_s % 1 * 1e9))
    point = JointTrajectoryPoint(positions=goals, time_from_start=start)
    return JointTrajectory(joint_names=names, points=[point])


def test_every_output_moves_its_joints_by_its_own_type(client: Client, file: Path) -> None:
    client.start(file)
    assert list(client.states[-1][1].name) == ['shoulder', 'elbow', 'hand']
    assert client.position == pytest.approx(READY, abs=1e-6)
    arm = client.publisher(JointTrajectory, 'arm/trajectory')
    hand = client.publisher(Float64, 'hand/goal')
    arm.publish(trajectory(['elbow', 'shoulder'], [0.7, 0.5], within_s=0.5))
    hand.publish(Float64(data=0.4))
    client.until(lambda: np.allclose(client.position, [0.5, 0.7, 0.4], atol=1e-4))
    # The velocities' output names the elbow first; each ends after the file's time-out.
    client.publisher(Float64MultiArray, 'arm/velocities').publish(
        Float64MultiArray(data=[0.3, 0.0])
    )
    client.until(lambda: abs(client.velocity[1] - 0.3) < 0.02)
    client.until(lambda: bool(np.abs(client.velocity).max() < 1e-3))
    assert 0.75 < client.position[1] < 1.2
    assert client.position[[0, 2]] == pytest.approx([0.5, 0.4], abs=1e-3)


def test_torques_accelerate_until_their_time_out(client: Client, file: Path) -> None:
    client.start(file)
    client.publisher(Float64MultiArray, 'arm/torques').publish(
        Float64MultiArray(data=[1.0, 0.0, 0.0])
    )
    client.until(lambda: client.states[-1][1].effort[0] == 1.0)
    client.until(lambda: client.states[-1][1].effort[0] == 0.0)
    assert client.velocity[0] > 0.01


def test_the_stop_is_told_by_the_values_of_the_file(client: Client, file: Path) -> None:
    client.start(file)
    client.until(lambda: client.modes[-1:] == [1])
    service = client.node.create_client(SetBool, 'sim_robot/press_stop')
    client.until(service.service_is_ready)
    service.call_async(SetBool.Request(data=True))
    client.until(lambda: client.modes[-1] == 2)  # the first that means no running
    service.call_async(SetBool.Request(data=False))
    client.until(lambda: client.modes[-1] == 1)


def test_a_wrong_trajectory_brings_the_arm_to_rest_with_a_sentence(
    client: Client, file: Path
) -> None:
    client.start(file)
    arm = client.publisher(JointTrajectory, 'arm/trajectory')
    moving = trajectory(['shoulder', 'elbow'], [2.0, 0.8], within_s=5.0)
    arm.publish(moving)
    client.until(lambda: client.velocity[0] > 0.1)
    arm.publish(trajectory(['shoulder', 'wrist'], [0.0, 0.0], within_s=1.0))
    client.until(lambda: bool(np.abs(client.velocity).max() < 1e-3))
    assert client.position[0] < 1.9
    output = client.end()
    assert 'arm/trajectory: A trajectory for shoulder, wrist is not for shoulder, elbow' in output
    assert 'The arm comes to rest.' in output


def test_late_and_lost_states_keep_the_time_at_which_they_were_measured(
    client: Client, file: Path
) -> None:
    client.start(file, state_latency=0.2, dropped_states=0.5, state_rate=50, seed=3)
    states = client.wait_for_states(40)
    stamps = np.array([m.header.stamp.sec + m.header.stamp.nanosec * 1e-9 for _, m in states])
    arrivals = np.array([arrival for arrival, _ in states])
    assert (arrivals - stamps).min() > 0.199
    periods = np.diff(stamps) * 50
    assert periods.min() > 0.5, 'in order'
    assert periods.mean() > 1.4, 'about every second one is lost'


def refused(node: Any, file: Path, **parameters: object) -> str:
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    made = rclpy.create_node(
        'sim_robot',
        context=node.context,
        parameter_overrides=[Parameter('robot_file', value=str(file)), *overrides],
    )
    try:
        with pytest.raises(ConfigError) as caught:
            make_driver(made)
        return str(caught.value)
    finally:
        made.destroy_node()


@pytest.mark.parametrize(
    ('old', 'new', 'sentence'),
    [
        ('std_msgs/msg/Float64,', 'no_such_msgs/msg/Float64,', 'which is not installed here'),
        ('fields: [data], joints: [hand]', 'fields: [date], joints: [hand]', "no field 'date'"),
        ('running: [1, 0]', f'running: {list(range(128))}', 'leave one out of it'),
        ('field: data, running', 'field: date, running', "no field 'date'"),
        ('running: [1, 0]', 'running: [automatic]', "Int8.data does not take 'stopped'"),
        ('simulation: {', 'simulation: {weight: 3.0, ', 'simulation.weight'),
        (
            'state: {',
            'state: {type: a/msg/B, position: [a, b, c], velocity: [d, e, f], ',
            'a simulated arm publishes sensor_msgs/msg/JointState',
        ),
    ],
)
def test_a_file_that_asks_for_the_impossible_is_refused(
    node: Any, file: Path, old: str, new: str, sentence: str
) -> None:
    assert old in ARM
    file.write_text(ARM.replace(old, new))
    assert sentence in refused(node, file)


@pytest.mark.parametrize(
    ('name', 'bad', 'sentence'),
    [
        ('state_latency', -0.1, 'state_latency_s must be finite and not negative'),
        ('dropped_states', 1.0, 'dropped_states must be below 1'),
        ('mass_spread', 'much', "mass_spread must be a number, not 'much'"),
        ('seed', 0.5, 'seed must be a whole number'),
    ],
)
def test_a_gap_that_makes_no_sense_is_refused(
    node: Any, file: Path, name: str, bad: object, sentence: str
) -> None:
    assert sentence in refused(node, file, **{name: bad})


def test_what_is_neither_arm_nor_base_is_refused(node: Any, file: Path) -> None:
    file.write_text(ARM[: ARM.index('dh:')])
    assert 'has neither dh, which makes it an arm, nor two joints' in refused(node, file)


def test_a_file_that_is_not_there_is_named(node: Any, tmp_path: Path) -> None:
    assert 'there is no robot file' in refused(node, tmp_path / 'nothing.yaml')
