# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""From a request's fields to the guard's output, in one process, with a judge at the far end."""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
from gymnasium import spaces

from benchmarks.rig.oracle import OutputRecord, all_finite_and_inside
from benchmarks.simulation.plant import LOWER, SPEED, UPPER
from benchmarks.simulation.world import two_link
from rl_bridge.bridge import Bridge
from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import RobotStopped
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.safety.guard_core import GuardCore
from rl_bridge.safety.guard_state import GuardCommand, Tick
from rl_bridge.safety.limits import check_command
from rl_bridge.types import CommandKind, FloatArray, RobotState, Stop, StopState

MS = 1_000_000
PERIOD_S = 0.01
UPDATE_NS = 5 * MS
BRIDGE = 'bridge'


class Unsafe(Exception):
    """Something left the guard that must not."""


class GuardedRobot:
    """
    A robot in lock-step behind a guard's core, with a judge at the guard's output.

    :param interface: 'velocity' or 'position'.
    """

    lock_step = True

    def __init__(self, interface: str = 'velocity') -> None:
        self.interface = interface
        self.description = two_link(ramps=False, tells_stop=False)
        self.core = GuardCore(self.description, interface, guard_id='guard')
        self.now_ns = 10**12
        self.outputs = 0
        self.position = np.zeros(2)
        self._velocity = np.zeros(2)
        self._output = np.zeros(2)
        self._sequence = self._ticks = 0
        self._noted = (0, 0, 0)
        self._believable = np.zeros((1, 2))
        speed = self.description.limits.velocity
        if interface == 'velocity':
            self._lower, self._upper = [-v for v in SPEED], list(SPEED)
        else:
            self._lower, self._upper = list(LOWER), list(UPPER)
        self._largest_step = speed * 0.04 + 1e-9

    # -- what RobotEnv calls ----------------------------------------------------------------------

    def connect(self, *, timeout_s: float) -> None:
        """Let the guard see a first state."""
        self.advance(PERIOD_S)

    def state(self) -> RobotState:
        """Return what is measured."""
        return RobotState(self.position.copy(), self._velocity.copy(), np.zeros(2), self.now_ns)

    def stop(self) -> Stop:
        """Return the guard's verdict."""
        return self.core.stop

    def note(self, *, epoch: int, episode: int, step: int, age_s: float = 0.0) -> None:
        """Name what the next commands belong to."""
        self._noted = (epoch, episode, step)

    def begin(self, *, timeout_s: float) -> None:
        """Begin an episode; a fault is recovered by an operator who is always there."""
        if self.core.stop.state >= StopState.FAULT:
            self.send(CommandKind.RECOVER)
        if self.send(CommandKind.BEGIN) is not None:
            stop = self.core.stop
            raise RobotStopped(stop.state, stop.reason, stop.message)

    def command(self, values: FloatArray, *, authority_s: float) -> None:
        """Command all joints, after the check that the real robot makes."""
        checked = check_command(values, self.description, self.interface)
        stop = self.core.stop
        if stop.state >= StopState.STOPPED:
            raise RobotStopped(stop.state, stop.reason, stop.message)
        self.send(CommandKind.MOVE, checked, authority_ns=round(authority_s * 1e9))

    def hold(self, *, reason: int, message: str) -> None:
        """Come to rest."""
        self.send(CommandKind.HOLD)

    def halt(self, *, reason: int, message: str) -> None:
        """Come to rest, latched."""
        self.send(CommandKind.HALT)

    def recover(self) -> None:
        """Recover."""
        self.send(CommandKind.RECOVER)

    def close(self) -> None:
        """Do nothing."""

    def advance(self, seconds: float) -> None:
        """Let the guard and the joints go on."""
        for _ in range(max(1, round(seconds * 1e9 / UPDATE_NS))):
            self.now_ns += UPDATE_NS
            self._ticks += 1
            self.core.on_tick(Tick(BRIDGE, self._ticks), self.now_ns)
            self.measure(self.position, self._velocity)
            self.update()

    def measure(self, position: FloatArray, velocity: FloatArray) -> None:
        """Let the guard see a state."""
        if np.isfinite(position).all() and position.shape == (2,):
            self._believable = np.append(self._believable[-3:], [position], axis=0)
        self.core.on_state(position, velocity, self.now_ns)

    # -- the guard and its judge ------------------------------------------------------------------

    def send(self, kind: int, values: Any = (), *, authority_ns: int = 0) -> Any:
        """Send a command as the bridge does."""
        self._sequence += 1
        epoch, episode, step = self._noted
        command = GuardCommand(
            kind=int(kind), bridge_id=BRIDGE, epoch=epoch, episode=episode, step=step,
            sequence=self._sequence, command=array('d', values), authority_ns=authority_ns,
            stamp_ns=self.now_ns)  # fmt: skip
        return self.core.on_command(command, self.now_ns)

    @property
    def sequence(self) -> int:
        """Of the newest command."""
        return self._sequence

    def skip(self, count: int) -> None:
        """Leave sequence numbers out, which somebody else has used."""
        self._sequence = max(self._sequence, count)

    def update(self) -> None:
        """Let the guard decide once, and judge what it publishes."""
        running_before = self.core.stop.state == StopState.RUNNING
        output = self.core.update(self.now_ns).output
        running = self.core.stop.state == StopState.RUNNING
        if output is not None:
            self._judge(output, running=running and running_before)
            self._output = output
        if self.interface == 'velocity':
            self._velocity = self._output.copy()
            self.position = self.position + self._velocity * (UPDATE_NS / 1e9)
        elif output is not None:
            self.position = output.copy()

    def _judge(self, output: FloatArray, *, running: bool) -> None:
        self.outputs += 1
        record = OutputRecord(self.now_ns, tuple(output.tolist()))
        wrong = all_finite_and_inside([record], lower=self._lower, upper=self._upper)
        if wrong:
            raise Unsafe(wrong[0])
        if self.interface == 'velocity':
            if not running and record.moves and self.core.stop.state != StopState.RUNNING:
                raise Unsafe(f'{record.values} in {StopState(self.core.stop.state).name}')
        elif not self._reaches(output):
            raise Unsafe(f'from {self.position} to {output} at once')


    def _reaches(self, output: FloatArray) -> bool:
        """Return whether a position is near the last one, or one where the robot was measured."""
        here = np.clip(self._believable, self._lower, self._upper)
        near = np.abs(np.append(here, [self._output], axis=0) - output) <= self._largest_step
        return bool(near.all(axis=1).any())


class FuzzTask:
    """Commands are the actions; nothing is wanted."""

    def __init__(self, interface: str) -> None:
        self.interface = interface
        high = np.array(SPEED if interface == 'velocity' else UPPER)
        self.action_space = spaces.Box(-high, high, dtype=np.float64)
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.weights: dict[str, float] = {}

    def set_weight(self, name: str, value: float) -> None:
        """Do nothing."""

    def reset(self, *, rng: Any, state: RobotState, options: Any) -> FloatArray | None:
        """Begin where the robot is."""
        return None

    def begin(self, state: RobotState) -> None:
        """Do nothing."""

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """Return the action."""
        return np.asarray(action, np.float64)

    def observe(self, state: RobotState) -> Any:
        """Return the positions."""
        return state.position.copy()

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """Return nothing."""
        return 0.0, {}

    def terminated(self, state: RobotState) -> bool:
        """Go on for ever."""
        return False

    def info(self, state: RobotState) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def episode_info(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


def gated(interface: str = 'velocity', **options: Any) -> tuple[Bridge, GuardedRobot]:
    """Return an open bridge, and the robot behind its guard."""
    robot = GuardedRobot(interface)
    env = RobotEnv(robot, FuzzTask(interface), period_s=PERIOD_S, authority_s=0.15)
    bridge = Bridge(
        HostedEnv(env, name='fuzzed'), bridge_id=BRIDGE, first_epoch=1, authority_s=0.15,
        clock_ns=lambda: robot.now_ns, **options)  # fmt: skip
    bridge.open()
    return bridge, robot


def finite(values: Any) -> bool:
    """Return whether all of these are finite numbers."""
    return all(isinstance(value, float) and math.isfinite(value) for value in values)
