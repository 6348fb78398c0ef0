# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The simulated base as a process of its own, met only through its topics and its service."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip('mujoco', reason='the simulated base needs MuJoCo')
pytest.importorskip('yaml', reason='robot files need PyYAML')
pytest.importorskip('rclpy', reason='a ROS node needs ROS 2')
pytest.importorskip('nav_msgs.msg', reason='a ROS node needs ROS 2')

import rclpy
from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from rl_bridge.processes import share_file
from rl_bridge.robots.readings import decode
from rl_bridge.sim.base import RADIUS, SimulatedBase
from rl_bridge.sim.base_readings import message_of
from rl_bridge.sim.in_process_base import diff_drive_description
from rl_bridge.sim.room import HALF_SIDE, furnished

NAMESPACE = f'/base_{os.getpid()}'
TIMEOUT_S = 30.0
BASE = diff_drive_description()


class Driver:
    """The process of the simulated base, and what a client of a real one has: its topics."""

    def __init__(self, node: Any, executor: SingleThreadedExecutor) -> None:
        self.node, self.executor = node, executor
        self.odometry: list[Odometry] = []
        self.scans: list[LaserScan] = []
        self.bumps: list[bool] = []
        self.process: subprocess.Popen[str] | None = None
        self.commands = node.create_publisher(TwistStamped, 'diff_drive_controller/cmd_vel', 1)
        node.create_subscription(Odometry, 'diff_drive_controller/odom', self.odometry.append, 10)
        node.create_subscription(LaserScan, 'scan', self.scans.append, qos_profile_sensor_data)
        node.create_subscription(Bool, 'bumper', lambda told: self.bumps.append(told.data), 10)
        self.carrying = node.create_client(Trigger, 'sim_robot/carry_back')

    def launch(self, **parameters: object) -> subprocess.Popen[str]:
        words = [sys.executable, '-m', 'rl_bridge.sim.sim_robot_node', '--ros-args']
        words += ['-r', f'__ns:={NAMESPACE}']
        for name, value in {'robot_file': 'diff_drive.yaml', **parameters}.items():
            words += ['-p', f'{name}:={value}']
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return self.process

    def start(self, **parameters: object) -> None:
        self.launch(**parameters)
        self.until(lambda: bool(self.odometry and self.scans))
        self.until(lambda: self.commands.get_subscription_count() > 0)

    def until(self, holds: Callable[[], bool], *, each: Callable[[], None] | None = None) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not holds():
            assert time.monotonic() < deadline, f'not seen in {TIMEOUT_S:g} s'
            assert self.process is not None
            if self.process.poll() is not None:
                pytest.fail(f'the base ended by itself: {self.process.communicate()[0]}')
            if each is not None:
                each()
            self.executor.spin_once(timeout_sec=0.02)

    def send(self, forwards: float, turning: float) -> None:
        message = TwistStamped()
        message.twist.linear.x, message.twist.angular.z = forwards, turning
        self.commands.publish(message)

    def carry_back(self) -> Trigger.Response:
        self.until(self.carrying.service_is_ready)
        answer = self.carrying.call_async(Trigger.Request())
        self.until(answer.done)
        return answer.result()

    @property
    def place(self) -> np.ndarray:
        return np.array([getattr(self.odometry[-1].pose.pose.position, axis) for axis in 'xy'])

    @property
    def velocity(self) -> np.ndarray:
        twist = self.odometry[-1].twist.twist
        return np.array([twist.linear.x, twist.angular.z])

    def at_rest(self) -> bool:
        return bool(np.abs(self.velocity).max() < 1e-3)

    def end(self, number: int = signal.SIGTERM) -> str:
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.communicate(timeout=TIMEOUT_S)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise


@pytest.fixture
def driver() -> Iterator[Driver]:
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
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


def test_it_drives_as_commanded_and_brakes_after_the_controllers_time_out(driver: Driver) -> None:
    driver.start(obstacles=0)
    wanted = np.array([0.3, 0.5])
    driver.until(
        lambda: np.allclose(driver.velocity, wanted, atol=0.01),
        each=lambda: driver.send(0.3, 0.5),
    )
    stopped_sending = len(driver.odometry)
    driver.until(driver.at_rest)
    there = driver.place
    assert there[0] > 0.05
    # Half a second of the last command came before the braking: 25 messages at 50 Hz.
    driven = [told.twist.twist.linear.x for told in driver.odometry[stopped_sending:]]
    assert sum(speed > 0.29 for speed in driven) >= 15
    last = driver.odometry[-1]
    assert last.header.frame_id == 'odom' and last.child_frame_id == 'base_link'
    assert last.header.stamp.sec > 0


def test_states_and_scans_come_at_their_rates(driver: Driver) -> None:
    driver.start(state_rate=50, scan_rate=20)
    driver.until(lambda: len(driver.scans) >= 30)
    for messages, rate in ((driver.odometry, 50), (driver.scans, 20)):
        stamps = [one.header.stamp.sec + one.header.stamp.nanosec * 1e-9 for one in messages]
        assert np.median(np.diff(stamps)) == pytest.approx(1 / rate, rel=0.1)


def test_a_scan_reads_the_same_as_in_process(driver: Driver) -> None:
    driver.start(obstacles=5, room=3, initial_pose='[0.1, -0.2, 0.7]')
    base = SimulatedBase(obstacles=furnished(count=5, seed=3), pose=(0.1, -0.2, 0.7))
    for sensor, message in (('scan', driver.scans[0]), ('pose', driver.odometry[0])):
        ours = decode(BASE.sensors[sensor], message_of(BASE.sensors[sensor], base))
        assert decode(BASE.sensors[sensor], message) == pytest.approx(ours, abs=1e-6)
    scan = driver.scans[0]
    assert len(scan.ranges) == 360
    assert scan.angle_min == pytest.approx(-math.pi)
    assert scan.angle_max == pytest.approx(math.pi - math.tau / 360)
    assert scan.range_max == pytest.approx(8.0)


def test_a_malformed_command_stops_the_base_and_is_logged_once(driver: Driver) -> None:
    driver.start(obstacles=0)
    driver.until(lambda: driver.velocity[0] > 0.19, each=lambda: driver.send(0.2, 0.0))
    driver.until(driver.at_rest, each=lambda: driver.send(math.nan, 0.0))
    driver.until(lambda: driver.velocity[0] > 0.19, each=lambda: driver.send(0.2, 0.0))
    output = driver.end()
    assert output.count('two finite velocities') == 1
    assert output.count('commands are valid again') == 1
    assert 'Traceback' not in output


def test_a_wall_is_felt_and_a_person_carries_the_base_back_once_it_rests(
    driver: Driver, tmp_path: Any
) -> None:
    file = tmp_path / 'bumping.yaml'
    text = share_file('config', 'diff_drive.yaml').read_text(encoding='utf-8')
    file.write_text(text.replace('  # bumper:', '  bumper:'), encoding='utf-8')
    driver.start(robot_file=file, obstacles=0, initial_pose='[2.7, 0.0, 0.0]')
    driver.until(lambda: driver.bumps[-1:] == [False])
    driver.until(lambda: driver.velocity[0] > 0.1, each=lambda: driver.send(0.5, 0.0))
    assert not driver.carry_back().success
    driver.until(lambda: driver.bumps[-1], each=lambda: driver.send(0.5, 0.0))
    assert driver.place[0] == pytest.approx(HALF_SIDE - RADIUS, abs=0.01)
    driver.until(lambda: driver.carry_back().success)
    driver.until(lambda: driver.place[0] == pytest.approx(2.7))
    driver.until(lambda: not driver.bumps[-1])


def test_late_states_are_late_and_lost_ones_lost(driver: Driver) -> None:
    driver.start(dropped_states=0.5, state_latency=0.1, state_rate=50)
    first = len(driver.odometry)
    driver.until(lambda: len(driver.odometry) > first + 40)
    stamps = [
        told.header.stamp.sec + told.header.stamp.nanosec * 1e-9
        for told in driver.odometry[first:]
    ]
    assert np.diff(stamps).mean() > 1.4 / 50
    now = driver.node.get_clock().now().nanoseconds * 1e-9
    assert now - stamps[-1] > 0.09


@pytest.mark.parametrize(
    ('name', 'bad', 'sentence'),
    [
        ('scan_rate', 0, 'scan_rate must be 1 to 500 Hz, not 0'),
        ('state_rate', 'fast', "state_rate must be a number, not 'fast'"),
        ('obstacles', 9, 'obstacles must be 0 to 8'),
        ('room', 1.5, 'room must be a whole number, not 1.5'),
        ('initial_pose', '[9.0, 0.0, 0.0]', 'within 3.024 of the middle'),
        ('dropped_states', 1.0, 'dropped_states must be below 1'),
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


def test_a_signal_ends_the_process_cleanly_in_motion(driver: Driver) -> None:
    driver.start()
    driver.until(lambda: driver.velocity[0] > 0.1, each=lambda: driver.send(0.2, 0.0))
    output = driver.end(signal.SIGINT)
    assert driver.process is not None
    assert driver.process.returncode == 0
    assert 'Traceback' not in output


def test_a_base_that_takes_plain_twists_is_simulated_too(driver: Driver, tmp_path: Any) -> None:
    file = tmp_path / 'plain.yaml'
    text = share_file('config', 'diff_drive.yaml').read_text(encoding='utf-8')
    text = text.replace('msg/TwistStamped', 'msg/Twist').replace('frame_id', '# frame_id')
    commands = driver.node.create_publisher(Twist, 'plain/cmd_vel', 1)
    file.write_text(text.replace('diff_drive_controller/cmd_vel', 'plain/cmd_vel'), 'utf-8')
    driver.launch(robot_file=file)
    command = Twist()
    command.linear.x = 0.2
    driver.until(
        lambda: bool(driver.odometry) and driver.velocity[0] > 0.19,
        each=lambda: commands.publish(command),
    )


@pytest.mark.parametrize(
    ('before', 'after', 'sentence'),
    [
        (
            '    frame_id:',
            '    fields: [twist.linear.y, twist.angular.z]\n    frame_id:',
            'as linear.x',
        ),
        (
            'type: nav_msgs/msg/Odometry\n',
            'type: geometry_msgs/msg/TwistWithCovarianceStamped\n',
            'publishes its state as nav_msgs/msg/Odometry',
        ),
        (
            'LaserScan, max_age: 0.3, size: 36',
            'PointCloud2, fields: [height], max_age: 1',
            'a simulated base has',
        ),
    ],
)
def test_a_base_that_it_cannot_stand_for_is_refused_with_one_sentence(
    driver: Driver, tmp_path: Any, before: str, after: str, sentence: str
) -> None:
    file = tmp_path / 'other.yaml'
    text = share_file('config', 'diff_drive.yaml').read_text(encoding='utf-8')
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding='utf-8')
    process = driver.launch(robot_file=file)
    output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert sentence in output
    assert 'Traceback' not in output
