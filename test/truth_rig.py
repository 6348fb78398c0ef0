# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A real robot side whose driver does what a test says: it lies, falls silent, or is stopped.

Bridge and guard are processes; the robot is a thread here, which also writes down what it is
commanded.
"""

from __future__ import annotations

import math
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import rclpy
import yaml
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64MultiArray

from rl_bridge.processes import RobotSide
from rl_bridge.safety.realtime import run_first
from rl_bridge.topic_qos import LATCHED
from rl_bridge.types import StopState
from rl_bridge_interfaces.msg import GuardStatus

JOINTS = ('shoulder', 'elbow')
STATE_S = 0.008
TIMEOUT_S = 30.0
ROBOT: dict[str, Any] = {
    'name': 'truthful',
    'joints': list(JOINTS),
    'state': {'topic': 'joint_states', 'max_age': 0.15},
    'commands': {'velocity': {'topic': 'velocity_controller/commands', 'timeout': 0.0}},
    'limits': {
        'position': {'lower': [-3.0, -3.0], 'upper': [3.0, 3.0]},
        'velocity': [1.0, 1.0],
        'acceleration': [10.0, 10.0],
    },
    'standstill': {'speed': 0.02, 'within': 1.0},
    'stop_status': {
        'topic': 'stopped', 'type': 'std_msgs/msg/Bool', 'field': 'data', 'running': [False],
        'max_age': 1.0,
    },
}  # fmt: skip


class Driver:
    """
    Two joints that follow their commands at once.

    A test sets ``silent`` (no more states), ``frozen`` (fresh stamps, old values), ``offset``
    (rad, added to what is measured; NaN works) and ``pressed`` (the emergency stop, which also
    stops the motors).
    """

    def __init__(self, namespace: str) -> None:
        self.silent = self.frozen = self.pressed = False
        self.offset = 0.0
        self.withheld = 0  # states that were not published
        self.position, self.velocity = np.zeros(2), np.zeros(2)
        self.outputs: list[tuple[int, list[float]]] = []
        self.guard = GuardStatus()
        self.news = threading.Condition()
        self._measured = JointState(name=JOINTS)
        self._context = Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node('driver', namespace=namespace, context=self._context)
        self._states = node.create_publisher(JointState, 'joint_states', qos_profile_sensor_data)
        self._stopped = node.create_publisher(Bool, 'stopped', 1)
        node.create_subscription(
            Float64MultiArray, 'velocity_controller/commands', self._on_output, 1000
        )
        node.create_subscription(GuardStatus, 'guard/status', self._on_guard, LATCHED)
        node.create_timer(STATE_S, self._advance)
        node.create_timer(0.05, lambda: self._stopped.publish(Bool(data=self.pressed)))
        self._node = node
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, name='driver', daemon=True)
        self._thread.start()

    @property
    def moving(self) -> bool:
        return bool(np.abs(self.velocity).max() > 0.1)

    @property
    def at_rest(self) -> bool:
        return not self.velocity.any()

    def wait_for(self, seen: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> None:
        """Wait until something is seen; the robot is looked at with every state it publishes."""
        with self.news:
            assert self.news.wait_for(seen, timeout_s), f'not seen; the guard says {self.guard}'

    def wait_for_stop(self, state: StopState, *reasons: int) -> None:
        """Wait until the guard reports this stop and the robot is at rest."""

        def stopped() -> bool:
            stop = self.guard.stop
            return stop.state == state and stop.reason in reasons and self.at_rest

        self.wait_for(stopped)

    def mend(self) -> None:
        """Be a good driver again, of a robot that is where it was last said to be."""
        if self._measured.position and np.isfinite(self.offset):
            self.position = np.array(self._measured.position)
        self.silent = self.frozen = self.pressed = False
        self.offset = 0.0

    def close(self) -> None:
        self._context.try_shutdown()
        self._thread.join()

    def _spin(self) -> None:
        run_first(20, threads=[threading.get_native_id()])  # as a driver does
        try:
            self._executor.spin()
        except ExternalShutdownException:
            self._node.destroy_node()

    def _on_output(self, message: Float64MultiArray) -> None:
        values = message.data.tolist()
        with self.news:
            self.outputs.append((time.monotonic_ns(), values))
            self.velocity = np.zeros(2) if self.pressed else np.array(values)
            self.news.notify_all()

    def _on_guard(self, status: GuardStatus) -> None:
        with self.news:
            self.guard = status
            self.news.notify_all()

    def _advance(self) -> None:
        if self.pressed:
            self.velocity = np.zeros(2)
        self.position = self.position + self.velocity * STATE_S
        if not self.frozen or not self._measured.position:
            self._measured.position = array('d', (self.position + self.offset).tolist())
            self._measured.velocity = array('d', self.velocity.tolist())
        self._measured.header.stamp = self._node.get_clock().now().to_msg()
        if self.silent:
            self.withheld += 1
        else:
            self._states.publish(self._measured)
        with self.news:
            self.news.notify_all()


@contextmanager
def robot_side(folder: Path, namespace: str, **parameters: str) -> Iterator[tuple[Any, Driver]]:
    """Start guard and bridge around a driver; give both."""
    robot_file = folder / 'truthful.yaml'
    robot_file.write_text(yaml.safe_dump(ROBOT), encoding='utf-8')
    settings = {
        'robot_file': str(robot_file), 'task': "'truth_task:Sway'", 'task_kwargs': "''",
        'episode_time': '0.0', **parameters,
    }  # fmt: skip
    side = RobotSide(namespace=namespace, simulated=False, parameters=settings, log_level='warn')
    driver = Driver(namespace)
    try:
        with side:
            yield side, driver
    finally:
        driver.close()


def make(namespace: str, **options: Any) -> Any:
    """Make a client of the bridge; a call never takes longer than 5 s."""
    return gymnasium.make(
        'rl_bridge:RemoteRobot-v0',
        bridge=f'/{namespace}/robot_env',
        **{'connect_timeout_s': TIMEOUT_S, 'timeout_s': 5.0, 'reset_timeout_s': 15.0, **options},
    )


def is_finite(observation: Any) -> bool:
    return all(math.isfinite(value) for value in observation)
