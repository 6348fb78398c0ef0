# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard as a real process between a fake bridge and a fake robot that records its commands."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
import yaml
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64MultiArray

from rl_bridge.types import CommandKind, StopState
from rl_bridge_interfaces.msg import Command, GuardStatus, Heartbeat

MS = 1_000_000
JOINTS = ('shoulder', 'elbow')
ROBOT = {
    'name': 'two_link',
    'joints': list(JOINTS),
    'state': {'topic': 'joint_states', 'max_age': 0.1},
    'commands': {
        'velocity': {'topic': 'velocity_controller/commands', 'timeout': 0.0},
        'position': {'topic': 'position_controller/commands', 'timeout': 0.0},
    },
    'limits': {
        'position': {'lower': [-3.0, -3.0], 'upper': [3.0, 3.0]},
        'velocity': [1.0, 1.0],
        'acceleration': [10.0, 10.0],
    },
    'standstill': {'speed': 0.02, 'within': 1.0},
}
_NUMBERS = itertools.count()
TICK_S, STATE_S, MOVE_S = 0.02, 0.008, 0.04


class GuardRig:
    """
    Starts the guard, and plays the bridge and the robot around it.

    :param folder: for the robot file and the guard's log.
    :param kind: command interface.
    :param options: further parameters of the guard, as name:=value.
    :param program: what Python runs as the guard.
    :param robot: keys of the robot file, over those of ``ROBOT``.
    """

    def __init__(
        self,
        folder: Path,
        kind: str = 'velocity',
        *,
        options: Sequence[str] = (),
        program: Sequence[str] = ('-m', 'rl_bridge.safety.guard_node'),
        robot: Mapping[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self.namespace = f'/cell_{next(_NUMBERS)}'
        robot_file = folder / 'two_link.yaml'
        robot_file.write_text(yaml.safe_dump({**ROBOT, **(robot or {})}))
        self.log = folder / 'guard.log'
        parameters = [f'robot_file:={robot_file}', f'command_interface:={kind}', *options]
        words = [word for item in parameters for word in ('-p', item)]
        ros = ['--ros-args', '-r', f'__ns:={self.namespace}', *words]
        self._command_line = [sys.executable, *program, *ros]
        self.changed = threading.Condition()
        self.outputs: list[tuple[int, list[float]]] = []
        self.statuses: list[tuple[int, GuardStatus]] = []
        self.position, self.velocity = [0.0, 0.0], [0.0, 0.0]
        self.ticking = self.measuring = self.following = True
        self.telling = self.pressed = False  # of the robot's own stop
        self.target: list[float] | None = None
        self.authority_ms = 150
        self.epoch = self.sequence = 0
        self.last_move_ns = self.last_tick_ns = self.last_state_ns = 0
        self._count = 0
        self._lock = threading.Lock()
        self._ending = threading.Event()

    def __enter__(self) -> GuardRig:
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node('robot_env', namespace=self.namespace, context=self._context)
        node, latched = self.node, QoSDurabilityPolicy.TRANSIENT_LOCAL
        self._commands = node.create_publisher(Command, 'robot_env/command', 10)
        self._ticks = node.create_publisher(Heartbeat, 'robot_env/tick', 1)
        self._states = self.make_state_publisher()
        self._running = node.create_publisher(Bool, 'robot_running', 1)
        self.listen()
        node.create_subscription(
            GuardStatus, 'guard/status', self._on_status, QoSProfile(depth=1, durability=latched)
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(node)
        self.process = self.start_guard()
        self._threads = [
            threading.Thread(target=self._executor.spin),
            threading.Thread(target=self._play),
        ]
        for thread in self._threads:
            thread.start()
        try:
            self.wait(self._connected, 'the guard did not connect', 60.0)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._executor.shutdown()
        for thread in self._threads:
            thread.join()
        self.node.destroy_node()
        self._context.try_shutdown()

    def start_guard(self) -> subprocess.Popen[bytes]:
        """Start a guard, a further one where there is one; all write to the same log."""
        with self.log.open('a') as log:
            return subprocess.Popen(self._command_line, stderr=log)

    def wait(self, condition: Callable[[], Any], what: str, timeout_s: float = 10.0) -> None:
        """Wait until a message made the condition true."""
        with self.changed:
            if not self.changed.wait_for(condition, timeout_s):
                raise AssertionError(f'{what}\n{self.status}\n{self.log.read_text()}')

    @property
    def status(self) -> GuardStatus:
        return self.statuses[-1][1] if self.statuses else GuardStatus()

    @property
    def state(self) -> StopState:
        return StopState(self.status.stop.state)

    @property
    def moves(self) -> bool:
        return bool(self.outputs) and any(abs(value) > 0.1 for value in self.outputs[-1][1])

    def since(self, stamp_ns: int) -> list[tuple[int, list[float]]]:
        """The outputs that arrived after this time."""
        return [output for output in self.outputs if output[0] > stamp_ns]

    def send(self, kind: CommandKind, values: Sequence[float] = (), **changes: Any) -> int:
        """Send a command as the bridge, with any field changed; returns its sequence."""
        with self._lock:
            message = Command(kind=int(kind), bridge_id='bridge', epoch=self.epoch)
            if 'sequence' not in changes:
                self.sequence += 1
            message.sequence = self.sequence
            message.command = array('d', values)
            message.authority_ns = self.authority_ms * MS if kind == CommandKind.MOVE else 0
            message.stamp_ns = time.monotonic_ns()
            for name, value in changes.items():
                setattr(message, name, value)
            self._commands.publish(message)
            return int(message.sequence)

    def begin(self, epoch: int = 1, **changes: Any) -> None:
        """Begin an episode and wait for the guard's confirmation."""
        self.epoch = epoch
        sequence = self.send(CommandKind.BEGIN, **changes)
        self.wait(partial(self._confirmed, sequence), 'BEGIN was not confirmed')

    def calm(self) -> None:
        """Bring a guard that was used before to rest, with all that it listens to alive."""
        self.target = None
        self.ticking = self.measuring = self.following = True
        self.position, self.velocity = [0.0, 0.0], [0.0, 0.0]
        sequence = self.send(CommandKind.HALT)
        self.wait(partial(self._confirmed, sequence), 'HALT was not confirmed')
        if self.state == StopState.FAULT:
            self.wait_for_rest()
            self.send(CommandKind.RECOVER)
        self.wait(lambda: self.status.standstill and self.state == StopState.STOPPED, 'not calm')
        self.outputs.clear()
        del self.statuses[:-1]

    def drive(self, *target: float) -> None:
        """Begin, command this target 25 times a second, and wait until the robot moves."""
        self.begin(self.epoch + 1)
        self.target = list(target)
        self.wait(lambda: self.moves, 'the robot did not move')

    def wait_for_stop(self, state: StopState, reason: int) -> None:
        def stopped() -> bool:
            stop = self.status.stop
            return stop.state == state and stop.reason == reason

        self.wait(stopped, f'never was {state.name} with reason {reason}')

    def sleep_until(self, stamp_ns: int) -> None:
        """Let real time pass while bridge and robot go on."""
        self._ending.wait(max(0.0, (stamp_ns - time.monotonic_ns()) / 1e9))

    def wait_for_rest(self) -> None:
        self.wait(lambda: self.status.standstill and self.status.standstill_ns, 'never at rest')

    def _confirmed(self, sequence: int) -> bool:
        return self.status.sequence >= sequence

    def _connected(self) -> bool:
        ready = self._commands.get_subscription_count() and self._ticks.get_subscription_count()
        ready = ready and self._states.get_subscription_count()
        return bool(ready and self.statuses and all(map(self.node.count_publishers, self.topics)))

    # -- how the robot is reached; for a robot of another kind, replace these ------------------

    @property
    def topics(self) -> tuple[str, ...]:
        """The controllers'."""
        return (f'{self.kind}_controller/commands',)

    def listen(self) -> None:
        """Subscribe to the controllers' topics."""
        self.node.create_subscription(
            Float64MultiArray, self.topics[0], lambda taken: self.on_output(list(taken.data)), 1000
        )

    def make_state_publisher(self) -> Any:
        return self.node.create_publisher(JointState, 'joint_states', 1)

    def make_state(self) -> Any:
        return JointState(
            name=['gripper', *JOINTS],
            position=array('d', [0.7, *self.position]),
            velocity=array('d', [0.0, *self.velocity]),
        )

    def on_output(self, values: list[float]) -> None:
        """Take the values of all joints."""
        with self.changed:
            self.outputs.append((time.monotonic_ns(), values))
            if self.following:
                if self.kind == 'velocity':
                    self.velocity = values
                elif self.kind == 'position':
                    self.position = values
            self.changed.notify_all()

    def _on_status(self, message: GuardStatus) -> None:
        with self.changed:
            self.statuses.append((time.monotonic_ns(), message))
            self.changed.notify_all()

    def _play(self) -> None:
        """Tick, measure and command at the usual rates, on absolute times."""
        due = dict.fromkeys(('tick', 'state', 'move'), time.monotonic())
        while not self._ending.is_set():
            now = time.monotonic()
            if now >= due['state']:
                due['state'] += STATE_S
                if self.kind == 'velocity':
                    pairs = zip(self.position, self.velocity, strict=True)
                    self.position = [p + v * STATE_S for p, v in pairs]
                if self.measuring:
                    state = self.make_state()
                    self.last_state_ns = time.monotonic_ns()
                    self._states.publish(state)
                if self.telling:
                    self._running.publish(Bool(data=not self.pressed))
            if now >= due['tick']:
                due['tick'] += TICK_S
                if self.ticking:
                    self._count += 1
                    self.last_tick_ns = time.monotonic_ns()
                    self._ticks.publish(Heartbeat(sender='bridge', count=self._count))
            if now >= due['move']:
                due['move'] += MOVE_S
                if self.target is not None:
                    self.last_move_ns = time.monotonic_ns()
                    self.send(CommandKind.MOVE, self.target)
            self._ending.wait(max(0.0, min(due.values()) - time.monotonic()))


def cpu_s(process: int) -> float:
    """CPU time in seconds that a process has used so far."""
    fields = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
