# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Client, session, bridge, env and robot end to end in one process, without ROS."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from bridge_rig import VelocityTask
from gymnasium.utils.env_checker import check_env

import rl_bridge  # noqa: F401  (registers RemoteRobot-v0)
from rl_bridge.bridge import Bridge
from rl_bridge.client import LoopbackTransport, RemoteRobotEnv
from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import (
    BridgeBusy,
    BridgeRestarted,
    BridgeStopped,
    EnvFailed,
    LimitError,
    ResetRequired,
    SessionLost,
)
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.robots.fake_robot import FakeRobot
from rl_bridge.types import StatusCode, StopReason, StopState

AUTHORITY_S = 0.12


def bridge_of(env: gymnasium.Env[Any, Any], **arguments: Any) -> Bridge:
    settings: dict[str, Any] = {'bridge_id': 'first', 'first_epoch': 0, **arguments}
    bridge = Bridge(HostedEnv(env), **settings)
    bridge.open()
    return bridge


def env_of(robot: FakeRobot) -> RobotEnv:
    return RobotEnv(robot, VelocityTask(), period_s=0.04, authority_s=AUTHORITY_S)


@pytest.fixture
def robot() -> FakeRobot:
    return FakeRobot()


@pytest.fixture
def arm(robot: FakeRobot) -> Bridge:
    """A bridge of a fake robot that moves in lock-step."""
    return bridge_of(env_of(robot))


def client(bridge: Bridge, **arguments: Any) -> RemoteRobotEnv:
    return RemoteRobotEnv(transport=LoopbackTransport(bridge), **arguments)


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass at once, for client and bridge alike."""
    real, ahead_ns = time.monotonic_ns, [0]
    monkeypatch.setattr(time, 'monotonic_ns', lambda: real() + ahead_ns[0])

    def pass_time(seconds: float) -> None:
        ahead_ns[0] += round(seconds * 1e9)

    return pass_time


PUSH = np.array([0.5, -0.5], np.float32)


class TestHostedEnvs:
    @pytest.mark.parametrize('name', ['CartPole-v1', 'Pendulum-v1', 'FrozenLake-v1'])
    def test_a_trajectory_is_the_local_one_bit_for_bit_whatever_is_lost_or_sent_twice(
        self, name: str
    ) -> None:
        here = gymnasium.make(name)
        hosted = gymnasium.make(name)
        bridge = bridge_of(hosted)
        there = RemoteRobotEnv(transport=LossyTransport(bridge, seed=3))
        here.action_space.seed(1)
        over, episode = True, 0
        for _ in range(500):
            if over:
                ours, theirs = here.reset(seed=episode), there.reset(seed=episode)
                assert np.array_equal(ours[0], theirs[0])
                episode += 1
            action = here.action_space.sample()
            ours_step, theirs_step = here.step(action), there.step(action)
            assert np.array_equal(ours_step[0], theirs_step[0])
            assert tuple(ours_step[1:4]) == theirs_step[1:4]
            over = bool(ours_step[2] or ours_step[3])
        there.close()

    @pytest.mark.filterwarnings('ignore:.*WARN.*')
    @pytest.mark.parametrize('name', ['CartPole-v1', 'Pendulum-v1'])
    def test_gymnasiums_checker_passes(self, name: str) -> None:
        transport = LoopbackTransport(bridge_of(gymnasium.make(name)))
        env = gymnasium.make('rl_bridge:RemoteRobot-v0', transport=transport)
        check_env(env.unwrapped)
        env.close()

    @pytest.mark.filterwarnings('ignore:.*WARN.*')
    def test_stable_baselines3s_checker_passes(self) -> None:
        checker = pytest.importorskip('stable_baselines3.common.env_checker')
        transport = LoopbackTransport(bridge_of(gymnasium.make('CartPole-v1')))
        env = gymnasium.make('rl_bridge:RemoteRobot-v0', transport=transport)
        checker.check_env(env.unwrapped, warn=True)
        env.close()

    def test_the_registration_says_what_is_true_of_a_robot(self) -> None:
        spec = gymnasium.registry['RemoteRobot-v0']
        assert spec.nondeterministic is True and spec.max_episode_steps is None
        assert spec.entry_point == 'rl_bridge.client.remote_robot_env:RemoteRobotEnv'

    def test_a_picture_is_the_robot_sides(self) -> None:
        hosted = Painted()
        env = client(bridge_of(hosted), render_mode='rgb_array')
        env.reset()
        assert env.render().tolist() == hosted.render().tolist()
        env.close()

    def test_an_env_that_raises_is_named_and_a_reset_goes_on(self) -> None:
        hosted = gymnasium.make('CartPole-v1').unwrapped
        env = client(bridge_of(hosted))
        env.reset(seed=1)
        fine, hosted.step = hosted.step, lambda action: 1 / 0  # type: ignore[assignment]
        with pytest.raises(EnvFailed, match='ZeroDivisionError'):
            env.step(0)
        hosted.step = fine  # type: ignore[method-assign]
        with pytest.raises(ResetRequired):
            env.step(0)
        env.reset(seed=1)
        env.step(0)


class Painted(gymnasium.Env[Any, Any]):
    """An env with a picture that needs no graphics library."""

    action_space = observation_space = gymnasium.spaces.Discrete(2)
    render_mode = 'rgb_array'

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return 0, {}

    def render(self) -> Any:
        return np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


class LossyTransport(LoopbackTransport):
    """Delivers requests several times, late copies of older ones too, and loses replies."""

    def __init__(self, bridge: Bridge, *, seed: int) -> None:
        super().__init__(bridge)
        self._rng = np.random.default_rng(seed)
        self._older: list[Any] = []

    def step(self, request: Any, *, timeout_s: float) -> Any:
        for old in self._older[-3:]:
            if self._rng.random() < 0.3:
                late = super().step(old, timeout_s=timeout_s)
                assert late.status.code != StatusCode.OK or late.step == old.step
        self._older.append(replace(request))
        return self._several_times(lambda: super(LossyTransport, self).step(
            replace(request), timeout_s=timeout_s))

    def reset(self, request: Any, *, timeout_s: float) -> Any:
        return self._several_times(lambda: super(LossyTransport, self).reset(
            replace(request), timeout_s=timeout_s))

    def _several_times(self, deliver: Callable[[], Any]) -> Any:
        for _ in range(self._rng.integers(0, 3)):
            deliver()  # its reply is lost, so the client sends the request again
        return deliver()


class TestTheLease:
    def test_a_second_client_is_told_who_holds_the_robot(self, arm: Bridge) -> None:
        alice, bob = client(arm, client_id='alice'), client(arm, client_id='bob')
        alice.reset()
        with pytest.raises(BridgeBusy, match=r'alice.*takeover=True'):
            bob.reset()
        alice.step(PUSH)
        alice.close()
        bob.reset()
        bob.close()

    def test_a_takeover_halts_first_and_fences_the_former_holder(
        self, arm: Bridge, robot: FakeRobot
    ) -> None:
        alice = client(arm, client_id='alice')
        bob = client(arm, client_id='bob', takeover=True)
        alice.reset()
        alice.step(PUSH)
        bob.reset()
        assert robot.halts[-1][0] == StopReason.TAKEOVER
        commands = len(robot.commands)
        with pytest.raises(SessionLost, match='bob took the lease over'):
            alice.step(PUSH)
        assert len(robot.commands) == commands
        with pytest.raises(BridgeBusy, match='bob'):
            alice.reset()
        bob.step(PUSH)
        bob.close()

    def test_a_lease_that_expired_is_named_and_a_reset_goes_on(
        self, robot: FakeRobot, shift: Callable[[float], None]
    ) -> None:
        bridge = bridge_of(env_of(robot), clock_ns=lambda: time.monotonic_ns())
        alice = client(bridge)
        alice.reset()
        shift(5.0)
        with pytest.raises(SessionLost, match='expired'):
            alice.step(PUSH)
        assert robot.halts[-1][0] == StopReason.LEASE_EXPIRED and robot.commands == []
        alice.reset()
        alice.step(PUSH)
        alice.close()

    def test_closing_brings_the_robot_to_rest(self, arm: Bridge, robot: FakeRobot) -> None:
        alice = client(arm)
        alice.reset()
        alice.step(PUSH)
        alice.close()
        assert robot.halts[-1][0] == StopReason.CLIENT_CLOSED and arm.session.holder == ''

    def test_two_envs_of_a_process_follow_each_other(self, arm: Bridge) -> None:
        first, second = client(arm), client(arm)
        first.reset()
        second.reset()
        second.step(PUSH)
        with pytest.raises(SessionLost):
            first.step(PUSH)
        first.close()  # its session ended before: nothing of the second's is released
        second.step(PUSH)
        second.close()
        assert arm.session.holder == ''

    def test_a_restarted_bridge_is_named_and_a_reset_goes_on(self, robot: FakeRobot) -> None:
        env = env_of(robot)
        transport = LoopbackTransport(bridge_of(env))
        alice = RemoteRobotEnv(transport=transport)
        alice.reset()
        alice.step(PUSH)
        second = bridge_of(env, bridge_id='second', first_epoch=1000)
        transport._target = second
        with pytest.raises(BridgeRestarted, match='restarted'):
            alice.step(PUSH)
        assert len(robot.commands) == 1
        alice.reset()
        alice.step(PUSH)
        assert second.session.epoch > 1000
        alice.close()


class TestTheRobot:
    def test_every_step_commands_the_robot_once_however_often_it_is_sent(
        self, arm: Bridge, robot: FakeRobot
    ) -> None:
        env = RemoteRobotEnv(transport=LossyTransport(arm, seed=5))
        for _ in range(3):
            env.reset()
            for number in range(50):
                env.step(np.array([-0.01 * number, 0.5]))
        numbers = [(noted.episode, noted.step) for noted in robot.commands]
        assert len(numbers) == 150 and len(set(numbers)) == 150
        assert robot.begins == 3
        env.close()

    def test_a_rejected_reset_option_moves_nothing(self, arm: Bridge, robot: FakeRobot) -> None:
        env = client(arm)
        with pytest.raises(LimitError, match=r"in_place.*'maybe'.*Nothing moved"):
            env.reset(options={'in_place': 'maybe'})
        assert robot.begins == 0 and robot.commands == []
        env.reset()
        info = env.step(PUSH)[4]
        assert info['applied_action'].tolist() == [0.5, -0.5]
        env.close()

    def test_a_stop_truncates_and_a_reset_goes_on(self, arm: Bridge, robot: FakeRobot) -> None:
        env = client(arm)
        env.reset()
        robot.stop_with(StopState.STOPPED, StopReason.HALT_REQUESTED)
        observation, _, terminated, truncated, info = env.step(PUSH)
        assert env.observation_space.contains(observation)
        assert (terminated, truncated) == (False, True)
        assert info['stop_reason'] == 'HALT_REQUESTED' and robot.commands == []
        with pytest.raises(ResetRequired, match='the episode is over'):
            env.step(PUSH)
        env.reset()
        env.step(PUSH)
        env.close()

    def test_a_fault_needs_recovery_before_the_next_reset(
        self, arm: Bridge, robot: FakeRobot
    ) -> None:
        env = client(arm)
        env.reset()
        robot.stop_with(StopState.FAULT, StopReason.NO_STANDSTILL, 'it still moves')
        assert env.step(PUSH)[4]['stop_reason'] == 'NO_STANDSTILL'
        with pytest.raises(BridgeStopped, match=r'/loopback/recover') as caught:
            env.reset()
        assert caught.value.state == StopState.FAULT
        arm.recover()
        env.reset()
        env.step(PUSH)
        env.close()

    def test_a_stale_robot_truncates_and_never_passes_an_old_observation_for_a_fresh_one(
        self, arm: Bridge, robot: FakeRobot
    ) -> None:
        env = client(arm)
        env.reset()
        robot.stale = True
        _, reward, terminated, truncated, info = env.step(PUSH)
        assert (reward, terminated, truncated) == (0.0, False, True)
        assert info['stop_reason'] == 'STATE_STALE'
        robot.stale = False
        env.reset()
        env.step(PUSH)
        env.close()

    def test_a_step_that_was_under_way_for_too_long_is_executed_once_when_it_is_fresh(
        self, robot: FakeRobot, shift: Callable[[float], None]
    ) -> None:
        bridge = bridge_of(
            env_of(robot), authority_s=AUTHORITY_S, clock_ns=lambda: time.monotonic_ns())
        answers: list[int] = []

        class Slow(LoopbackTransport):
            def step(self, request: Any, *, timeout_s: float) -> Any:
                if len(answers) < 2:
                    shift(0.4)
                reply = super().step(request, timeout_s=timeout_s)
                answers.append(reply.status.code)
                return reply

        env = RemoteRobotEnv(transport=Slow(bridge))
        env.reset()
        env.step(PUSH)
        assert answers == [StatusCode.TOO_OLD, StatusCode.TOO_OLD, StatusCode.OK]
        assert len(robot.commands) == 1
        env.close()

    def test_a_learner_that_paused_is_told_how_long_the_robot_was_held(
        self, robot: FakeRobot, shift: Callable[[float], None]
    ) -> None:
        bridge = bridge_of(
            env_of(robot), authority_s=AUTHORITY_S, lease_s=60.0,
            clock_ns=lambda: time.monotonic_ns())
        env = client(bridge)
        env.reset()
        assert 'held_ms' not in env.step(PUSH)[4]
        shift(2.0)
        held_ms = env.step(PUSH)[4]['held_ms']
        assert 1880 <= held_ms < 60_000
        env.close()
