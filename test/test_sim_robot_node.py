# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The simulated arm as a process of its own, met only through its topics and its signals."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')
rclpy = pytest.importorskip('rclpy', reason='a ROS node needs ROS 2')
pytest.importorskip('sensor_msgs.msg', reason='a ROS node needs ROS 2')

from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.signals import SignalHandlerOptions  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from std_msgs.msg import Bool, Float64MultiArray  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402

from rl_bridge.sim.arm import UR5E_JOINTS, UR5E_READY  # noqa: E402

# One domain for each test process: 1 to 100 stay clear of the ephemeral ports on Linux.
DOMAIN = 1 + os.getpid() % 100
NAMESPACE = f'/sim_arm_test_{os.getpid()}'  # and no mix-up where two processes share one
TIMEOUT_S = 30.0
READY = np.array(UR5E_READY)


class Driver:
    """The process of the simulated arm, and what a client of a real arm has: its topics."""

    def __init__(self, node: rclpy.node.Node, executor: SingleThreadedExecutor) -> None:
        self.node, self.executor = node, executor
        self.states: list[JointState] = []
        self.process: subprocess.Popen[str] | None = None
        self.publishers = {
            kind: node.create_publisher(
                Float64MultiArray, f'forward_{kind}_controller/commands', 1
            )
            for kind in ('velocity', 'position')
        }
        node.create_subscription(JointState, 'joint_states', self.states.append, 10)
        self.running: list[bool] = []
        node.create_subscription(
            Bool, 'robot_running', lambda message: self.running.append(message.data), 10
        )
        self.stop = node.create_client(SetBool, 'sim_robot/press_stop')

    def launch(self, **parameters: object) -> subprocess.Popen[str]:
        words = [sys.executable, '-m', 'rl_bridge.sim.sim_robot_node']
        words += ['--ros-args', '-r', f'__ns:={NAMESPACE}']
        for name, value in parameters.items():
            words += ['-p', f'{name}:={value}']
        environment = {
            **os.environ,
            'ROS_DOMAIN_ID': str(DOMAIN),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        }
        self.process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return self.process

    def start(self, **parameters: object) -> None:
        self.launch(**parameters)
        self.until(lambda: bool(self.states))
        self.until(lambda: all(p.get_subscription_count() for p in self.publishers.values()))

    def until(self, holds: Callable[[], bool], *, each: Callable[[], None] | None = None) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not holds():
            assert time.monotonic() < deadline, f'not seen in {TIMEOUT_S:g} s'
            assert self.process is not None
            if self.process.poll() is not None:
                pytest.fail(f'the arm ended by itself: {self.process.communicate()[0]}')
            if each is not None:
                each()
            self.executor.spin_once(timeout_sec=0.02)

    def press_stop(self, pressed: bool) -> None:
        self.until(self.stop.service_is_ready)
        answer = self.stop.call_async(SetBool.Request(data=pressed))
        self.until(answer.done)
        assert answer.result().success
        self.until(lambda: self.running[-1] is not pressed)

    def wait_for_states(self, count: int) -> list[JointState]:
        first = len(self.states)
        self.until(lambda: len(self.states) >= first + count)
        return self.states[first:]

    def send(self, kind: str, values: object) -> None:
        self.publishers[kind].publish(Float64MultiArray(data=values))

    @property
    def position(self) -> np.ndarray:
        return by_name(self.states[-1], 'position')

    @property
    def velocity(self) -> np.ndarray:
        return by_name(self.states[-1], 'velocity')

    def at_rest(self) -> bool:
        return bool(np.abs(self.velocity).max() < 0.01)

    def end(self, number: int = signal.SIGTERM) -> str:
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.communicate(timeout=TIMEOUT_S)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise


def by_name(state: JointState, field: str) -> np.ndarray:
    values = dict(zip(state.name, getattr(state, field), strict=True))
    return np.array([values[name] for name in UR5E_JOINTS])


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    context = Context()
    rclpy.init(
        args=[],
        context=context,
        domain_id=DOMAIN,
        signal_handler_options=SignalHandlerOptions.NO,
    )
    node = rclpy.create_node('client', namespace=NAMESPACE, context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    made = Driver(node, executor)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.end()
        executor.shutdown()
        node.destroy_node()
        context.try_shutdown()


def test_the_joints_are_named_in_the_drivers_order_not_the_controllers(driver: Driver) -> None:
    driver.start()
    state = driver.states[-1]
    assert list(state.name) == [
        'shoulder_lift_joint',
        'elbow_joint',
        'wrist_1_joint',
        'wrist_2_joint',
        'wrist_3_joint',
        'shoulder_pan_joint',
    ]
    assert driver.position == pytest.approx(READY, abs=1e-6)
    assert driver.velocity == pytest.approx(np.zeros(6), abs=1e-6)
    assert abs(by_name(state, 'effort')[2]) > 5.0  # the elbow holds the forearm up


def test_states_come_at_their_rate_with_growing_stamps(driver: Driver) -> None:
    driver.start(state_rate=50)
    stamps = [
        state.header.stamp.sec + state.header.stamp.nanosec * 1e-9
        for state in driver.wait_for_states(60)
    ]
    periods = np.diff(stamps)
    assert (periods > 0).all()
    assert np.median(periods) == pytest.approx(1 / 50, rel=0.1)


def test_a_velocity_command_moves_the_joints_it_names(driver: Driver) -> None:
    driver.start()
    wanted = np.array([0.3, 0.0, -0.2, 0.0, 0.0, 0.4])
    driver.until(
        lambda: np.allclose(driver.velocity, wanted, atol=0.01),
        each=lambda: driver.send('velocity', wanted.tolist()),
    )
    driver.wait_for_states(10)
    moved = driver.position - READY
    assert moved[[0, 5]].min() > 0.01
    assert moved[2] < -0.005
    assert moved[[1, 3, 4]] == pytest.approx(np.zeros(3), abs=1e-3)


def test_a_command_without_time_out_is_held_as_the_drivers_controllers_do(driver: Driver) -> None:
    driver.start()
    driver.send('velocity', [0.2, 0, 0, 0, 0, 0])
    driver.until(lambda: abs(driver.velocity[0] - 0.2) < 0.01)
    for state in driver.wait_for_states(100):
        assert by_name(state, 'velocity')[0] == pytest.approx(0.2, abs=0.01)


def test_an_old_velocity_command_ends_after_the_time_out(driver: Driver) -> None:
    driver.start(command_timeout=0.25)
    driver.send('velocity', [0.2, 0, 0, 0, 0, 0])
    driver.until(lambda: abs(driver.velocity[0] - 0.2) < 0.01)
    driver.until(driver.at_rest)
    rest = driver.position
    assert rest[0] > 0.02
    driver.wait_for_states(20)
    assert driver.position == pytest.approx(rest, abs=1e-3)


def test_a_position_is_reached_in_small_steps_and_held(driver: Driver) -> None:
    driver.start(command_timeout=0.1)
    target = READY + np.array([0.2, 0.1, -0.1, 0.0, 0.2, -0.2])
    path = iter(READY + (target - READY) * share for share in np.linspace(0.0, 1.0, 40))

    def approach() -> None:
        driver.send('position', next(path, target).tolist())

    driver.until(lambda: np.allclose(driver.position, target, atol=1e-3), each=approach)
    driver.until(driver.at_rest)
    driver.wait_for_states(60)
    assert driver.position == pytest.approx(target, abs=1e-3)


@pytest.mark.parametrize(
    ('kind', 'bad', 'sentence'),
    [
        ('velocity', [0.1] * 5, 'one number for each of the 6 joints'),
        ('velocity', [], 'one number for each of the 6 joints'),
        ('velocity', [0.1, 0, 0, math.nan, 0, 0], 'must be finite'),
        ('velocity', [0.1, 0, 0, 0, math.inf, 0], 'must be finite'),
        ('velocity', [0, 0, 3.5, 0, 0, 0], 'elbow_joint is 3.5 rad/s, outside its limits'),
        ('position', [0.1] * 7, 'one number for each of the 6 joints'),
        ('position', [1.0, -1.5, 1.5, -1.5, -1.5, 0], 'approach the target in small steps'),
    ],
)
def test_a_malformed_command_stops_the_arm_and_is_logged_once(
    driver: Driver, kind: str, bad: list[float], sentence: str
) -> None:
    driver.start()
    good = [0.2, 0, 0, 0, 0, 0]
    driver.send('velocity', good)
    driver.until(lambda: abs(driver.velocity[0] - 0.2) < 0.01)
    driver.until(driver.at_rest, each=lambda: driver.send(kind, bad))
    for _ in range(5):
        driver.send(kind, bad)
        driver.wait_for_states(2)
    assert driver.at_rest()
    driver.until(
        lambda: abs(driver.velocity[0] - 0.2) < 0.01, each=lambda: driver.send('velocity', good)
    )
    output = driver.end()
    assert output.count(sentence) == 1
    assert output.count('The arm comes to rest.') == 1
    assert output.count('commands are valid again') == 1


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_cleanly_in_motion(driver: Driver, number: int) -> None:
    driver.start()
    driver.send('velocity', [0.2, 0, 0, 0, 0, 0])
    driver.until(lambda: abs(driver.velocity[0] - 0.2) < 0.01)
    output = driver.end(number)
    assert driver.process is not None
    assert driver.process.returncode == 0
    assert 'Traceback' not in output


def test_the_start_and_the_noise_are_parameters(driver: Driver) -> None:
    start = [0.1, -1.0, 0.5, -0.4, 0.3, 2.0]
    driver.start(
        initial_position=start, position_noise=1e-3, velocity_noise=1e-2, seed=3, state_rate=250
    )
    states = driver.wait_for_states(100)
    positions = np.array([by_name(state, 'position') for state in states])
    velocities = np.array([by_name(state, 'velocity') for state in states])
    assert positions.mean(axis=0) == pytest.approx(start, abs=1e-3)
    assert positions.std(axis=0) == pytest.approx(np.full(6, 1e-3), rel=0.3)
    assert velocities.std(axis=0) == pytest.approx(np.full(6, 1e-2), rel=0.3)


@pytest.mark.parametrize(
    ('name', 'bad', 'sentence'),
    [
        ('state_rate', 0, 'state_rate must be 1 to 500 Hz, not 0'),
        ('state_rate', 'fast', "state_rate must be a number, not 'fast'"),
        ('state_rate', 'true', 'state_rate must be a number, not True'),
        ('command_timeout', -1.0, 'command_timeout_s must be finite and not negative'),
        ('initial_position', [0.0, 0.0], 'one number for each of the 6 joints'),
        ('initial_position', 5, 'initial_position must be a list of numbers, not 5'),
        ('initial_position', [0.0, 0.0, 4.0, 0.0, 0.0, 0.0], 'elbow_joint is 4 rad'),
    ],
)
def test_a_parameter_that_makes_no_sense_ends_the_process_with_one_sentence(
    driver: Driver, name: str, bad: object, sentence: str
) -> None:
    process = driver.launch(**{name: bad})
    output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert f'sim_robot cannot start: {sentence}' in output or sentence in output
    assert 'Traceback' not in output


def test_a_pressed_stop_brakes_the_arm_and_it_ignores_every_command(driver: Driver) -> None:
    driver.start()
    good = [0.2, 0, 0, 0, 0, 0]
    driver.send('velocity', good)
    driver.until(lambda: abs(driver.velocity[0] - 0.2) < 0.01)
    driver.until(lambda: driver.running != [] and driver.running[-1])
    driver.press_stop(True)
    driver.until(driver.at_rest)
    rest = driver.position
    for _ in range(20):
        driver.send('velocity', good)
        driver.send('position', (rest + 0.01).tolist())
        driver.wait_for_states(2)
    assert driver.at_rest()
    assert driver.position == pytest.approx(rest, abs=1e-3)
    assert not any(driver.running[-3:])


def test_a_released_stop_leaves_the_arm_at_rest_until_the_next_command(driver: Driver) -> None:
    driver.start()
    driver.send('velocity', [0.2, 0, 0, 0, 0, 0])
    driver.until(lambda: abs(driver.velocity[0] - 0.2) < 0.01)
    driver.press_stop(True)
    driver.until(driver.at_rest)
    driver.press_stop(False)
    driver.wait_for_states(30)
    assert driver.at_rest()
    driver.send('velocity', [0.1, 0, 0, 0, 0, 0])
    driver.until(lambda: abs(driver.velocity[0] - 0.1) < 0.01)


def test_no_topic_or_service_moves_the_arm_but_the_controllers(driver: Driver) -> None:
    driver.start()
    names = ('sim_robot', NAMESPACE)

    def complete() -> bool:
        if names not in driver.node.get_node_names_and_namespaces():
            return False
        topics = driver.node.get_subscriber_names_and_types_by_node(*names)
        return len(topics) >= 2 and bool(driver.node.get_service_names_and_types_by_node(*names))

    driver.until(complete)
    topics = driver.node.get_subscriber_names_and_types_by_node(*names)
    assert sorted(name for name, _ in topics if name != '/parameter_events') == [
        f'{NAMESPACE}/forward_position_controller/commands',
        f'{NAMESPACE}/forward_velocity_controller/commands',
    ]
    services = driver.node.get_service_names_and_types_by_node(*names)
    stock = {'rcl_interfaces', 'type_description_interfaces'}
    others = {name for name, kinds in services if kinds[0].split('/')[0] not in stock}
    assert others <= {f'{NAMESPACE}/sim_robot/press_stop'}, 'that one only brakes it'
