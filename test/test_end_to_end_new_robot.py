# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A robot of a kind that is not shipped, a 4-DoF arm with a gripper, added by a YAML file alone.

Bridge, guard and client are the ordinary ones; of the robot there is a driver, which takes the
arm's positions on one topic and the gripper's width on another, as two controllers would.
"""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import yaml

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, Float64MultiArray

from rl_bridge.observer_node import Observer
from rl_bridge.processes import RobotSide
from rl_bridge.tasks.scripted import JointReachController
from rl_bridge.types import FloatArray, StopReason, StopState

NAMESPACE = f'new_robot_{os.getpid()}'
TIMEOUT_S = 30.0
STATE_S, LAG_S = 0.008, 0.02
ROBOT = '''
name: gripper_arm
joints: [j1, j2, j3, j4, gripper]
state: {topic: joint_states, max_age: 0.15}
commands:
  position:
    timeout: 0.0
    outputs:
      - {topic: arm_controller/commands, joints: [j1, j2, j3, j4]}
      - topic: gripper_controller/command
        type: std_msgs/msg/Float64
        fields: [data]
        joints: [gripper]
limits:
  position: {lower: [-2.0, -2.0, -2.0, -2.0, 0.0], upper: [2.0, 2.0, 2.0, 2.0, 0.08]}
  velocity: [1.0, 1.0, 1.0, 2.0, 0.1]
  acceleration: [4.0, 4.0, 4.0, 8.0, 1.0]
standstill: {speed: 0.02, within: 1.0}
'''
LIMITS = yaml.safe_load(ROBOT)['limits']
START = np.array([0.1, -0.4, 0.8, 0.0, 0.02])
GOAL = [0.4, -0.1, 0.5, 0.3, 0.07]


class Driver:
    """Joints that follow what their two controllers are sent, with a lag of 20 ms."""

    def __init__(self) -> None:
        self.position, self.velocity, self.wanted = START.copy(), np.zeros(5), START.copy()
        self.arm: list[list[float]] = []
        self.gripper: list[float] = []
        self.news = threading.Condition()
        self._context = Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('driver', namespace=NAMESPACE, context=self._context)
        node = self._node
        self._states = node.create_publisher(JointState, 'joint_states', 1)
        node.create_subscription(Float64MultiArray, 'arm_controller/commands', self._on_arm, 1000)
        node.create_subscription(Float64, 'gripper_controller/command', self._on_gripper, 1000)
        node.create_timer(STATE_S, self._advance)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, name='driver')
        self._thread.start()

    def wait_for(self, seen: Callable[[], Any]) -> None:
        with self.news:
            assert self.news.wait_for(seen, TIMEOUT_S), f'{self.position} {self.wanted}'

    def close(self) -> None:
        self._context.try_shutdown()
        self._thread.join()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            self._node.destroy_node()

    def _on_arm(self, message: Float64MultiArray) -> None:
        self.arm.append(message.data.tolist())
        self.wanted[:4] = self.arm[-1]

    def _on_gripper(self, message: Float64) -> None:
        self.gripper.append(message.data)
        self.wanted[4] = message.data

    def _advance(self) -> None:
        before = self.position
        self.position = before + (self.wanted - before) * (1.0 - np.exp(-STATE_S / LAG_S))
        self.velocity = (self.position - before) / STATE_S
        names = ['gripper', 'j4', 'j3', 'j2', 'j1']  # in an order of its own
        state = JointState(name=names)
        state.header.stamp = self._node.get_clock().now().to_msg()
        state.position = array('d', self.position[::-1].tolist())
        state.velocity = array('d', self.velocity[::-1].tolist())
        self._states.publish(state)
        with self.news:
            self.news.notify_all()


@pytest.fixture(scope='module')
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    file: Path = tmp_path_factory.mktemp('robot') / 'gripper_arm.yaml'
    file.write_text(ROBOT, encoding='utf-8')
    parameters = {
        'robot_file': str(file), 'command_interface': 'position', 'task': 'joint_reach',
        'task_kwargs': "'{speed_share: 0.5}'", 'episode_time': '0.0',
    }  # fmt: skip
    side = RobotSide(namespace=NAMESPACE, simulated=False, parameters=parameters, log_level='warn')
    made = Driver()
    try:
        with side:
            yield made
    finally:
        made.close()


@pytest.fixture
def env(driver: Driver) -> Iterator[Any]:
    made = gymnasium.make(
        'rl_bridge:RemoteRobot-v0', bridge=f'/{NAMESPACE}/robot_env', connect_timeout_s=TIMEOUT_S
    )
    yield made
    made.close()


def outside(values: FloatArray) -> bool:
    limits = LIMITS['position']
    return bool((values < limits['lower']).any() or (values > limits['upper']).any())


def test_arm_and_gripper_reach_a_goal_through_the_bridge(env: Any, driver: Driver) -> None:
    controller = JointReachController(env.action_space, interface='position')
    observation, info = env.reset(seed=1, options={'goal': GOAL})
    np.testing.assert_allclose(observation[:5], START, atol=1e-6)
    assert info['goal'] == GOAL
    for _ in range(200):
        observation, _, _, truncated, info = env.step(controller(observation))
        assert not truncated, info
        if info['largest_error'] < 0.002:
            break
    assert info['is_success']
    np.testing.assert_allclose(driver.position, GOAL, atol=0.005)
    assert driver.arm[0] == START[:4].tolist(), 'the first command is where the arm was measured'
    assert driver.gripper[0] == START[4]
    assert not any(outside(np.array([*arm, 0.0])) for arm in driver.arm)
    assert all(0.0 <= width <= 0.08 for width in driver.gripper)
    widths = np.abs(np.diff(driver.gripper))
    assert widths.max() < 0.005, 'slewed, and never more than the lag of a fresh start'


def test_both_are_held_where_they_are_measured_when_the_client_pauses(
    env: Any, driver: Driver
) -> None:
    env.reset(seed=2)
    full = env.action_space.high
    for _ in range(5):
        env.step(full)
    with Observer(namespace=NAMESPACE) as observer:
        observer.wait_for(
            lambda sight: (
                sight.guard is not None
                and sight.guard.stop.state == StopState.HOLD
                and sight.guard.stop.reason
                in (StopReason.AUTHORITY_EXPIRED, StopReason.BRIDGE_SILENT)
                and sight.guard.standstill
            ),
            timeout_s=TIMEOUT_S,
        )
    driver.wait_for(lambda: np.abs(driver.velocity).max() < 0.001)
    rest = driver.wanted.copy()
    begin = time.monotonic()
    driver.wait_for(lambda: time.monotonic() - begin > 0.2)
    assert (driver.wanted == rest).all(), 'nothing moves on'
    env.step(full)  # resumes from there
    assert not outside(driver.wanted)


def test_a_command_for_a_joint_that_would_leave_its_range_is_refused(env: Any) -> None:
    env.reset(seed=3)
    action = env.action_space.high.copy()
    action[4] *= 3.0
    with pytest.raises(ValueError, match='action'):
        env.step(action)
