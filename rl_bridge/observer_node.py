# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
An independent witness of a robot: what the guard says and what the joints measure, without taking
part.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState

from rl_bridge.dds_profile import use_profile
from rl_bridge.topic_qos import LATCHED_EACH
from rl_bridge_interfaces.msg import GuardStatus


@dataclass(frozen=True, slots=True)
class Sight:
    """
    What was known at one moment.

    :param time_ns: monotonic clock at arrival.
    :param guard: the newest guard status; None before the first.
    :param speed: of the fastest joint, rad/s.
    """

    time_ns: int
    guard: GuardStatus | None = None
    speed: float = 0.0


@dataclass(slots=True)
class Observer:
    """
    Watches one robot from a node of its own; use as a context manager.

    :param namespace: ROS namespace of the robot.
    """

    namespace: str = ''
    _now: Sight = field(default_factory=lambda: Sight(0))
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _context: Context = field(default_factory=Context)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Observer:
        use_profile()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node(
            'rl_bridge_observer', namespace=self.namespace, context=self._context
        )
        node.create_subscription(GuardStatus, 'guard/status', self._on_guard, LATCHED_EACH)
        node.create_subscription(
            JointState, 'joint_states', self._on_joints, qos_profile_sensor_data
        )
        executor = SingleThreadedExecutor(context=self._context)
        executor.add_node(node)

        def spin() -> None:
            with contextlib.suppress(ExternalShutdownException):
                executor.spin()
            node.destroy_node()

        self._thread = threading.Thread(target=spin, name='observer', daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._context.try_shutdown()
        if self._thread is not None:
            self._thread.join()

    def wait_for(self, seen: Callable[[Sight], bool], *, timeout_s: float) -> Sight:
        """
        Wait until something is seen; return the sight.

        :raises TimeoutError: it was not seen in time; the sentence holds the last sight.
        """
        end_s = time.monotonic() + timeout_s
        with self._changed:
            while not seen(self._now):
                left_s = end_s - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError(f'not seen within {timeout_s:g} s; the last is {self._now}')
                self._changed.wait(left_s)
            return self._now

    def _on_guard(self, status: GuardStatus) -> None:
        with self._changed:
            self._now = Sight(time.monotonic_ns(), status, self._now.speed)
            self._changed.notify_all()

    def _on_joints(self, state: JointState) -> None:
        speed = float(np.abs(np.frombuffer(state.velocity)).max()) if state.velocity else 0.0
        with self._changed:
            self._now = Sight(time.monotonic_ns(), self._now.guard, speed)
            self._changed.notify_all()
