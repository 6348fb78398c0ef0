# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The bridge's process: bridge, stage, environment and robot as they are, around them links."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from benchmarks.simulation.kernel import MS, Killed, Process
from benchmarks.simulation.stand_ins import Node, Waiting
from rl_bridge.bridge import Bridge
from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.robots.topic_robot import TopicRobot
from rl_bridge.safety.guard_state import Tick
from rl_bridge.types import FloatArray, RobotState, StopReason

if TYPE_CHECKING:
    from benchmarks.simulation.world import World

PERIOD_S, AUTHORITY_S, LEASE_S = 0.04, 0.15, 1.0
PULSE_NS = 20 * MS


class VelocityTask:
    """Velocities in, positions out. Some episodes begin elsewhere, so that a reset moves."""

    interface = 'velocity'

    def __init__(self, world: World, owner: Process) -> None:
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float64)
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.weights: dict[str, float] = {}
        self._world = world
        self._owner = owner

    def set_weight(self, name: str, value: float) -> None:
        """Do nothing."""

    def reset(self, *, rng: Any, state: RobotState, options: Any) -> FloatArray | None:
        """Begin near the middle now and then, where the robot is else."""
        far = bool((np.abs(state.position) > 0.8).any())
        if far or self._world.kernel.random.random() < 0.1:
            return np.array([self._world.kernel.random.uniform(-0.3, 0.3), 0.0])
        return None

    def begin(self, state: RobotState) -> None:
        """Do nothing."""

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """Command the action; whose it is, the judge knows by its value."""
        if self._owner.alive:
            self._world.judge.applied(tuple(action.tolist()))
        return np.asarray(action, np.float64)

    def observe(self, state: RobotState) -> Any:
        """Return the positions."""
        return state.position.copy()

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """Return nothing to learn."""
        return 0.0, {}

    def terminated(self, state: RobotState) -> bool:
        """End an episode now and then."""
        return self._world.kernel.random.random() < 0.02

    def info(self, state: RobotState) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def episode_info(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


class BridgeProcess:
    """
    One life of the bridge.

    :param number: of this life, from 1; its epochs lie above those of the lives before.
    """

    def __init__(self, world: World, number: int) -> None:
        self.process = Process(f'bridge-{number}')
        self._world = world
        kernel = world.kernel
        first_epoch = (kernel.now_ns // MS) << 20  # as the node counts
        node = Node(kernel, self.process, self._send_command)
        self.robot = TopicRobot(
            node, world.robot, interface='velocity', bridge_id=self.process.name,
            first_epoch=first_epoch, clock_ns=kernel.clock_ns)  # fmt: skip
        self.robot._news = Waiting(kernel, self.process)  # type: ignore[assignment]
        self._node = node
        task = VelocityTask(world, self.process)
        env = RobotEnv(
            self.robot, task, period_s=PERIOD_S, authority_s=AUTHORITY_S, connect_timeout_s=3.0,
            begin_timeout_s=2.0, clock_ns=kernel.clock_ns,
            sleep=lambda seconds: kernel.sleep(seconds, self.process))  # fmt: skip
        self.bridge = Bridge(
            HostedEnv(env), bridge_id=self.process.name, first_epoch=first_epoch,
            control_period_s=PERIOD_S, authority_s=AUTHORITY_S, lease_s=LEASE_S,
            clock_ns=kernel.clock_ns)  # fmt: skip
        self.bridge.stage._lock = Waiting(kernel, self.process)  # type: ignore[assignment]
        names = (f'{self.process.name}.{i}' for i in range(1, 1 << 30))
        self.bridge.session._new_session = lambda: next(names)
        self._inside = False
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._execute = self.bridge._execute
        self.bridge._execute = self._take_turns  # type: ignore[method-assign, assignment]
        self._ticks = 0
        self.active = True
        self.bridge.open()
        kernel.every(PULSE_NS, self._pulse, self.process)

    # -- what comes in ----------------------------------------------------------------------------

    def take_state(self, state: Any) -> None:
        """Receive a joint state."""
        self._node.callbacks['joint_states'](state)

    def take_status(self, status: Any) -> None:
        """Receive the guard's status."""
        self._node.callbacks['guard/status'](status)

    def take_request(self, letter: Any) -> None:
        """Receive a request; its answer goes back over the client's link."""
        kind, client, request = letter
        waited_ns = self._world.kernel.waited_ns

        def answer(reply: Any) -> None:
            if self.process.alive:
                self._world.judge.answered(self, request, reply)
                client.replies.send((kind, request, reply))

        self._world.judge.asked(self, kind, request)
        try:
            if kind == 'reset':
                self.bridge.submit_reset(request, answer)
            elif kind == 'step':
                self.bridge.submit_step(request, answer, waited_ns=waited_ns)
            elif kind == 'close':
                answer(self.bridge.close_session(request.session))
            elif kind == 'heartbeat':
                self._heartbeat(request)
            elif kind == 'halt':
                self.bridge.halt(reason=StopReason.HALT_REQUESTED, message='~/halt was called')
            elif kind == 'recover':
                self.bridge.recover()
        except Killed:
            pass

    def _heartbeat(self, request: Any) -> None:
        self.bridge.heartbeat(request.session)

    # -- lifecycle --------------------------------------------------------------------------------

    def deactivate(self) -> None:
        """End what goes on, as the lifecycle transition does."""
        self.active = False
        self.bridge.shut(reason=StopReason.DEACTIVATED, message='the node was deactivated')

    def activate(self) -> None:
        """Offer the environment again."""
        self.active = True
        self.bridge.open()

    # -- inside -----------------------------------------------------------------------------------

    def _take_turns(self, *work: Any) -> None:
        """Execute now, or, as another request's thread would, when the one inside has left."""
        if self._inside:
            self._waiting.append(work)
            return
        self._inside = True
        try:
            self._execute(*work)
            while self._waiting and self.process.alive:
                self._execute(*self._waiting.popleft())
        finally:
            self._inside = False

    def _pulse(self) -> None:
        self._ticks += 1
        self._world.ticks.send(Tick(self.process.name, self._ticks))
        self.bridge.tick()

    def _send_command(self, command: Any) -> None:
        self._world.judge.command_sent(self, command)
        self._world.old_commands.append(command)
        self._world.commands.send(command)
