# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard's process: its core between the links, in the order in which the real loop works."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from benchmarks.simulation.kernel import MS, Process
from rl_bridge.errors import WireError
from rl_bridge.safety.guard_core import GuardCore
from rl_bridge.safety.guard_state import RobotStop
from rl_bridge.safety.joint_map import JointMap

if TYPE_CHECKING:
    from benchmarks.simulation.world import World

PERIOD_NS = 5 * MS
REST_PERIOD_NS = 40 * MS
STATUS_PERIOD_NS = 50 * MS
MOST_AT_ONCE = 10


class GuardProcess:
    """
    One life of the guard.

    :param number: of this life, from 1.
    """

    def __init__(self, world: World, number: int) -> None:
        self.process = Process(f'guard-{number}')
        self._world = world
        self._joints = JointMap(world.robot.joints)
        self.core = GuardCore(world.robot, 'velocity', guard_id=self.process.name)
        self._ticks: deque[Any] = deque(maxlen=MOST_AT_ONCE)
        self._states: deque[Any] = deque(maxlen=1)
        self._commands: deque[Any] = deque(maxlen=MOST_AT_ONCE)
        self._status_ns = 0
        self._turning = False
        self._next_turn()

    def take_tick(self, tick: Any) -> None:
        """Receive the bridge's sign of life."""
        self._ticks.append(tick)

    def take_state(self, state: Any) -> None:
        """Receive a joint state."""
        self._states.append(state)

    def take_command(self, command: Any) -> None:
        """Receive a command, which wakes the loop."""
        self._commands.append(command)
        self._turn()

    def take_stop(self, running: bool) -> None:
        """Receive what the robot tells of its own stop."""
        now_ns = self._world.kernel.now_ns
        self._world.judge.robot_told(running)
        self.core.on_robot_stop(RobotStop(running, str(running), now_ns))

    def _next_turn(self) -> None:
        period_ns = REST_PERIOD_NS if self.core.at_rest else PERIOD_NS
        self._world.kernel.after(period_ns, self._loop, self.process)

    def _loop(self) -> None:
        self._turn()
        self._next_turn()

    def _turn(self) -> None:
        world, core = self._world, self.core
        now_ns = world.kernel.now_ns
        while self._ticks:
            world.judge.tick(self, self._ticks[0])
            core.on_tick(self._ticks.popleft(), now_ns)
        if self._states:
            self._on_state(self._states.popleft(), now_ns)
        while self._commands:
            command = self._commands.popleft()
            before = core.stop
            refusal = core.on_command(command, now_ns)
            world.judge.command_decided(self, command, refusal, before)
        before = core.stop
        decision = core.update(now_ns)
        world.judge.updated(self, before, decision.output)
        if decision.output is not None:
            world.to_driver.send(decision.output.tolist())
        if decision.changed or now_ns - self._status_ns >= STATUS_PERIOD_NS:
            self._status_ns = now_ns
            world.to_bridge_status.send(core.status(now_ns))

    def _on_state(self, state: Any, now_ns: int) -> None:
        try:
            measured = self._joints.read(state)
        except WireError as fault:
            self.core.on_invalid_state(str(fault), now_ns)
            return
        if measured is not None:
            stamp = state.header.stamp
            self._world.judge.measured(self, *measured)
            header_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
            self.core.on_state(*measured, now_ns, header_ns=header_ns)
