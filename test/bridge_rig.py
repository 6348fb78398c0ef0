# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the bridge share: small environments that misbehave on demand, and a rig."""

from __future__ import annotations

import itertools
import threading
from array import array
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from rl_bridge.access import Secret
from rl_bridge.bridge import Bridge
from rl_bridge.decision import Decision
from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.robots.fake_robot import FakeRobot
from rl_bridge.types import (
    FloatArray,
    ResetReply,
    ResetRequest,
    RobotState,
    Status,
    StatusCode,
    StepReply,
    StepRequest,
)

WAIT_S = 10.0  # for what comes at once unless something is broken
MS = 1_000_000


def nothing() -> None:
    """Do nothing."""


class CountingEnv(gymnasium.Env[Any, Any]):
    """
    Counts its calls and observes the count and the last action.

    ``during_step``, ``during_reset`` and ``during_close`` are called in these; what ``distort``
    makes of a step's result is returned.
    """

    metadata: dict[str, Any] = {'render_modes': ['rgb_array']}  # noqa: RUF012 (as Gymnasium)

    def __init__(self, *, render_mode: str | None = None) -> None:
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float64)
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.render_mode = render_mode
        self.steps = 0
        self.actions: list[float] = []
        self.resets: list[tuple[int | None, dict[str, Any] | None]] = []
        self.closes = 0
        self.inside = 0
        self.most_inside = 0
        self.during_step: Callable[[], None] = nothing
        self.during_reset: Callable[[], None] = nothing
        self.during_render: Callable[[], None] = nothing
        self.during_close: Callable[[], None] = nothing
        self.distort: Callable[[tuple[Any, ...]], tuple[Any, ...]] = lambda result: result
        self.first: Any = np.zeros(2)
        self.picture: Any = np.full((4, 6, 3), 7, np.uint8)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            yield
        finally:
            self.inside -= 1

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        with self._alone():
            self.resets.append((seed, options))
            self.during_reset()
            return self.first, {}

    def step(self, action: Any) -> Any:
        with self._alone():
            self.steps += 1
            self.actions.append(float(action[0]))
            self.during_step()
            observation = np.array([self.steps, action[0]])
            return self.distort((observation, 1.0, False, False, {'n': self.steps}))

    def render(self) -> Any:
        with self._alone():
            self.during_render()
            return self.picture

    def close(self) -> None:
        self.closes += 1
        self.during_close()


class VelocityTask:
    """Velocities in, positions out; begins where the robot is."""

    interface = 'velocity'

    def __init__(self) -> None:
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float64)
        self.observation_space = spaces.Box(-10.0, 10.0, (2,), np.float64)
        self.weights: dict[str, float] = {'still': 1.0}
        self.factor = 1.0
        self.during_reset: Callable[[], None] = nothing
        self.during_command: Callable[[], None] = nothing

    def set_weight(self, name: str, value: float) -> None:
        self.weights[name] = value

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        self.during_reset()
        return None

    def begin(self, state: RobotState) -> None:
        pass

    def command(self, action: Any, state: RobotState) -> FloatArray:
        self.during_command()
        return np.asarray(action, np.float64) * self.factor

    def observe(self, state: RobotState) -> Any:
        return state.position.copy()

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        return -1.0, {'still': -1.0}

    def terminated(self, state: RobotState) -> bool:
        return bool(state.position[0] > 0.5)

    def info(self, state: RobotState) -> dict[str, Any]:
        return {}

    def episode_info(self) -> dict[str, Any]:
        return {}


class Gate:
    """A place where a call waits until the test lets it go on."""

    def __init__(self) -> None:
        self._entered = threading.Semaphore(0)
        self._open = threading.Event()

    def __call__(self) -> None:
        self._entered.release()
        assert self._open.wait(WAIT_S), 'nobody opened the gate'

    def reached(self) -> None:
        """Wait until a call stands here."""
        assert self._entered.acquire(timeout=WAIT_S), 'nobody came to the gate'

    def open(self) -> None:
        """Let everybody pass from now on."""
        self._open.set()


class Rig:
    """A bridge with its environment, a clock to turn, and threads that ask."""

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        authority_s: float = 0.15,
        opened: bool = True,
        secret: Secret | None = None,
    ) -> None:
        self.now_ns = 10**15
        self.env = env
        self.bridge = Bridge(
            HostedEnv(env),
            bridge_id='the bridge',
            first_epoch=100,
            authority_s=authority_s,
            lease_s=1.0,
            secret=secret,
            clock_ns=lambda: self.now_ns,
        )
        self.transitions: list[tuple[Any, Any, Any]] = []
        self.bridge.on_transition = lambda *transition: self.transitions.append(transition)
        self._pool = ThreadPoolExecutor(max_workers=32)
        self._reset_ids = itertools.count(1)
        self._decided = threading.Semaphore(0)
        self._watch('admit_reset')
        self._watch('admit_step')
        if opened:
            self.bridge.open()

    def _watch(self, name: str) -> None:
        """Count the session's decisions: who is admitted but waits cannot be seen otherwise."""
        session: Any = self.bridge.session
        admit = getattr(session, name)

        def admit_and_count(*args: Any, **kwargs: Any) -> Decision:
            try:
                decision: Decision = admit(*args, **kwargs)
                return decision
            finally:
                self._decided.release()

        setattr(session, name, admit_and_count)

    def forget_decisions(self) -> None:
        while self._decided.acquire(blocking=False):
            pass

    def decided(self, count: int = 1) -> None:
        """Wait for decisions on requests sent since ``forget_decisions``."""
        for _ in range(count):
            assert self._decided.acquire(timeout=WAIT_S), 'no decision came'
        with self.bridge._book:
            pass  # the thread that was decided on has left the book: it waits for its turn

    def wait(self, ms: float) -> None:
        """Let time go by in which the bridge stands still: its pulse does not beat."""
        self.now_ns += round(ms * MS)

    def live(self, ms: int) -> None:
        """Let time go by, to the end of which the pulse beats every 20 ms."""
        for _ in range(ms // 20):
            self.bridge.tick()
            self.wait(20)
        self.wait(ms % 20)

    def close(self) -> None:
        self._pool.shutdown()

    # -- requests --------------------------------------------------------------------------------

    def reset_request(self, client: str = 'ann', **fields: Any) -> ResetRequest:
        number = next(self._reset_ids) if client else 0
        return ResetRequest(**{'client_id': client, 'reset_id': number, **fields})

    def step_request(
        self, step: int = 0, session: str = '', action: tuple[float, ...] = (0.5, 0.0), **more: Any
    ) -> StepRequest:
        return StepRequest(action=array('d', action), session=session, step=step, **more)

    def reset(self, client: str = 'ann', **fields: Any) -> ResetReply:
        return self.bridge.reset(self.reset_request(client, **fields))

    def step(self, step: int = 0, session: str = '', **more: Any) -> StepReply:
        return self.bridge.step(self.step_request(step, session, **more))

    def begin(self, client: str = 'ann', **fields: Any) -> str:
        """Reset and return the session."""
        reply = self.reset(client, **fields)
        assert reply.status.code == StatusCode.OK, reply.status
        return reply.session

    def later(self, call: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call in a thread of its own."""
        self.forget_decisions()
        return self._pool.submit(call, *args)


class RobotRig(Rig):
    """A bridge with a fake robot in lock-step."""

    def __init__(self, robot: FakeRobot | None = None, **options: Any) -> None:
        self.robot = FakeRobot() if robot is None else robot
        self.task = VelocityTask()
        env = RobotEnv(self.robot, self.task, period_s=0.04, authority_s=0.15)
        super().__init__(env, **options)


def got(future: Future[Any]) -> Any:
    """Return what a thread came back with."""
    return future.result(timeout=WAIT_S)


def refused(reply: Any, code: StatusCode, *words: str) -> bool:
    status: Status = reply.status
    assert status.code == code, reply
    for word in words:
        assert word in status.message, (word, status.message)
    return True
