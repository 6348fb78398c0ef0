# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The bridge's pulse: every 20 ms the tick to the guard, and what else must not wait."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

from rclpy.node import Node

from rl_bridge.access import Secret, tick_claim
from rl_bridge.safety.realtime import run_first
from rl_bridge_interfaces.msg import Heartbeat

PULSE_S = 0.02
STOOD_STILL_S = 0.25


class Pulse:
    """
    A thread of its own, run before others where that is allowed: without its tick the guard halts.

    :param node: ticks on its ``~/tick``.
    :param bridge_id: named in every tick.
    :param beat: called after every tick.
    :param priority: SCHED_FIFO priority of the thread; 0 = do not ask for it.
    """

    def __init__(
        self, node: Node, *, bridge_id: str, beat: Callable[[], None], priority: int
    ) -> None:
        self.ticking = False
        self.secret: Secret | None = None  # proves the ticks to the guard
        self._node = node
        self._bridge_id = bridge_id
        self._beat = beat
        self._priority = priority
        self._publisher = node.create_publisher(Heartbeat, '~/tick', 1)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name='pulse', daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def end(self) -> None:
        """Beat no more."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        """Beat, paced by absolute monotonic time."""
        scheduling = run_first(self._priority, threads=[threading.get_native_id()])
        self._node.get_logger().info(f'the pulse runs with {scheduling}')
        count = 0
        due = last = time.monotonic()
        while not self._ending.is_set():
            last, before = time.monotonic(), last
            if last - before > STOOD_STILL_S:
                self._node.get_logger().warning(
                    f'the bridge stood still for {last - before:.2f} s: the hosted environment '
                    "held Python's lock, or the machine is overloaded"
                )
            try:
                if self.ticking:
                    count += 1
                    tick = Heartbeat(sender=self._bridge_id, count=count)
                    if self.secret is not None:
                        claim = tick_claim(bridge_id=self._bridge_id, count=count)
                        tick.auth = self.secret.prove(claim)
                    self._publisher.publish(tick)
                self._beat()
            except Exception:
                self._node.get_logger().error(f'the pulse failed\n{traceback.format_exc()}')
            due = max(due + PULSE_S, time.monotonic() - PULSE_S)
            self._ending.wait(max(0.0, due - time.monotonic()))
