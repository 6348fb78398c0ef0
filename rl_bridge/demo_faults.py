# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Kills one side of a moving robot, and watches how it comes to rest."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rl_bridge import demo_client
from rl_bridge.errors import BridgeUnavailable
from rl_bridge.processes import RobotSide
from rl_bridge.shared_memory import sweep, used_by
from rl_bridge.types import StopReason, StopState

if TYPE_CHECKING:
    from rl_bridge.observer_node import Observer, Sight

MOVING_RAD_S = 0.1
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Halt:
    """
    How the arm came to rest after something was killed; times since then, in seconds.

    :param victim: what was killed: 'client', 'robot_env' or 'guard'.
    :param speed: of the fastest joint at that time, rad/s.
    :param reason: what the guard says.
    :param told: what the client was told; empty where it was the victim.
    """

    victim: str
    speed: float
    detected_s: float
    standstill_s: float
    reason: str
    told: str


@dataclass(slots=True)
class Faults:
    """
    Kills one side after the other; a context manager that clears up last.

    :param bridge: name of the bridge.
    """

    bridge: str
    side: RobotSide
    observer: Observer
    _left: set[str] = field(default_factory=set)  # files that the killed could not remove

    def inject(self, victim: str) -> Halt:
        """
        Let a client move the arm, kill one process in mid-motion, and watch.

        A killed bridge is not started again.

        :raises BridgeUnavailable: the client ended by itself.
        :raises TimeoutError: the arm did not move, or did not come to rest.
        """
        told = ''
        client = subprocess.Popen(
            [sys.executable, '-m', demo_client.__name__, self.bridge],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert client.stdout is not None
            first = client.stdout.readline().strip()
            if first != demo_client.MOVING:
                said = ' '.join([first, *client.communicate()]).strip().rpartition('\n')[2]
                raise BridgeUnavailable(f'the client that was to move the arm ended: {said}')
            moving = self.observer.wait_for(_in_motion, timeout_s=TIMEOUT_S)
            killed_ns = self._kill(client if victim == 'client' else self.side.processes[victim])
            rest = self.observer.wait_for(
                lambda sight: (
                    sight.guard is not None
                    and sight.guard.detected_ns > killed_ns
                    and sight.guard.standstill_ns > killed_ns
                ),
                timeout_s=TIMEOUT_S,
            )
            with contextlib.suppress(subprocess.TimeoutExpired):
                told = client.communicate(timeout=TIMEOUT_S)[0].strip()
        finally:
            self._kill(client)
            if client.stdout is not None and not client.stdout.closed:
                client.communicate()
        assert rest.guard is not None
        return Halt(
            victim=victim,
            speed=moving.speed,
            detected_s=(rest.guard.detected_ns - killed_ns) / 1e9,
            standstill_s=(rest.guard.standstill_ns - killed_ns) / 1e9,
            reason=StopReason(rest.guard.stop.reason).name,
            told=told,
        )

    def _kill(self, process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
        """Kill, noting what shared memory is left behind; return when, in ns."""
        self._left |= used_by(process.pid)
        killed_ns = time.monotonic_ns()
        process.kill()
        return killed_ns

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, *_: object) -> None:
        sweep(self._left)  # this process has let go of ROS by now


def _in_motion(sight: Sight) -> bool:
    running = sight.guard is not None and sight.guard.stop.state == StopState.RUNNING
    return running and sight.speed > MOVING_RAD_S
