# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The ready environments as their users make them, on the physically simulated arm."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')

from rl_bridge.envs.catalogue import register_all
from rl_bridge.errors import ConfigError, LimitError, RobotStopped
from rl_bridge.robot_file import load_robot
from rl_bridge.robots.robot import PlaceableRobot, Robot
from rl_bridge.sim.arm import UR5E_READY
from rl_bridge.sim.in_process_robot import SimulatedRobot, ur5e_description
from rl_bridge.tasks.scripted import ReachController
from rl_bridge.types import RobotDescription, StopReason, StopState

FORMS = [
    (name, kind)
    for name in ('UrReacher2-v0', 'UrReacher6-v0')
    for kind in ('velocity', 'position')
]


def made(name: str, kind: str, **options: Any) -> Any:
    return gymnasium.make(f'rl_bridge:{name}', interface=kind, **options)


@pytest.mark.parametrize(('name', 'kind'), FORMS)
def test_gymnasiums_own_checker_is_content(name: str, kind: str) -> None:
    check_env(made(name, kind, render_mode='rgb_array').unwrapped)


@pytest.mark.parametrize(('name', 'kind'), FORMS)
def test_two_runs_with_one_seed_are_equal_bit_for_bit(name: str, kind: str) -> None:
    def run(env: Any) -> list[bytes]:
        observation, info = env.reset(seed=7)
        found = [observation.tobytes(), repr(info).encode()]
        rng = np.random.default_rng(7)
        high = env.action_space.high
        for _ in range(100):
            observation, reward, *ends, info = env.step(rng.uniform(-high, high))
            assert np.isfinite(observation).all()
            found += [observation.tobytes(), np.float64(reward).tobytes(), repr(ends).encode()]
        return found

    env = made(name, kind)
    first = run(env)
    assert first == run(env)  # again, after another episode
    assert first == run(made(name, kind))  # and in another environment


@pytest.mark.parametrize(('name', 'kind'), FORMS)
def test_the_scripted_controller_reaches_every_target_from_observations_alone(
    name: str, kind: str
) -> None:
    env = made(name, kind)
    controller = ReachController(env.action_space, interface=kind)
    for seed in range(20):
        observation, info = env.reset(seed=seed)
        truncated, steps = False, 0
        while not truncated:
            observation, _, terminated, truncated, info = env.step(controller(observation))
            assert not terminated
            steps += 1
        assert steps == 100
        assert info['is_success'], (seed, info)
        assert info['distance_m'] < 0.001


def test_an_episode_takes_four_seconds_of_25_hz_and_begins_at_the_reference() -> None:
    env = made('UrReacher2-v0', 'velocity')
    assert env.spec.max_episode_steps == 100
    assert env.metadata['render_fps'] == 25
    env.reset(seed=0)
    robot, task = env.unwrapped.robot, env.unwrapped.task
    assert robot.state().position == pytest.approx(task.setup.reference, abs=1e-9)
    begin_ns = robot.state().stamp_ns
    for _ in range(100):
        env.step(env.action_space.sample())
    assert robot.state().stamp_ns - begin_ns == pytest.approx(4e9)
    held = [0, 3, 4, 5]
    assert robot.state().position[held] == pytest.approx(task.setup.reference[held], abs=1e-3)


def test_in_place_begins_where_the_arm_is() -> None:
    env = made('UrReacher6-v0', 'velocity')
    observation, _ = env.reset(seed=0, options={'in_place': True})
    assert observation[:6] == pytest.approx(UR5E_READY, abs=1e-6)


def test_several_of_them_step_as_one_vector() -> None:
    envs = gymnasium.make_vec('rl_bridge:UrReacher6-v0', 2, vectorization_mode='sync')
    envs.reset(seed=3)
    for _ in range(3):
        observations, rewards, *_, infos = envs.step(envs.action_space.sample())
    assert observations.shape == (2, 21)
    assert rewards.shape == (2,)
    assert infos['applied_action'].shape == (2, 6)
    envs.close()


def test_weights_can_be_given() -> None:
    env = made('UrReacher2-v0', 'velocity', weights={'precision': 0.0, 'distance': 0.0})
    env.reset(seed=0)
    assert env.step(env.action_space.sample())[1] == 0.0


def test_registering_twice_changes_nothing() -> None:
    register_all()
    before = gymnasium.spec('UrReacher2-v0')
    register_all()
    assert gymnasium.spec('UrReacher2-v0') is before


def test_registering_imports_neither_the_environments_nor_the_simulator() -> None:
    code = (
        'import sys; from rl_bridge.envs.catalogue import register_all; register_all(); '
        "assert not {'mujoco', 'rclpy', 'yaml', 'rl_bridge.envs.robot_env'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, '-c', code], check=True)


# -- the robot under them ----------------------------------------------------------------------


def test_the_built_in_description_is_that_of_the_robot_file() -> None:
    pytest.importorskip('yaml', reason='robot files need PyYAML')
    ours, files = ur5e_description(), load_robot('ur5e.yaml')
    for name in RobotDescription.__dataclass_fields__:
        if name not in ('limits', 'dh'):
            assert getattr(ours, name) == getattr(files, name), name
    for name in ('position_lower', 'position_upper', 'velocity', 'acceleration'):
        assert getattr(ours.limits, name) == pytest.approx(getattr(files.limits, name), abs=1e-6)
    assert ours.dh == pytest.approx(files.dh, abs=1e-6)


def test_the_simulated_robot_is_one_that_can_be_put_somewhere() -> None:
    robot: Robot = SimulatedRobot()
    assert isinstance(robot, PlaceableRobot)
    robot.connect(timeout_s=1.0)
    robot.note(epoch=1, episode=1, step=1)
    robot.place(np.full(6, 0.25))
    assert robot.state().position == pytest.approx(np.full(6, 0.25))
    with pytest.raises(LimitError):
        robot.place(np.full(6, 7.0))
    assert robot.state().position == pytest.approx(np.full(6, 0.25))


@pytest.mark.parametrize('kind', ['velocity', 'position'])
def test_the_simulated_robot_moves_on_command_and_rests_on_every_stop(kind: str) -> None:
    start = np.array(UR5E_READY)
    robot = SimulatedRobot(interface=kind, position=start)
    values = np.full(6, 0.2) if kind == 'velocity' else start + 0.2
    for stop in (robot.hold, robot.halt):
        robot.begin(timeout_s=1.0)
        robot.command(values, authority_s=0.15)
        robot.advance(0.2)
        assert robot.state().velocity.min() > 0.1
        stop(reason=StopReason.HALT_REQUESTED, message='enough')
        robot.advance(1.0)
        rest = robot.state()
        assert np.abs(rest.velocity).max() < 1e-3
        robot.advance(1.0)
        assert robot.state().position == pytest.approx(rest.position, abs=1e-4)
        robot.place(start)
    assert robot.stop().state == StopState.STOPPED
    with pytest.raises(RobotStopped, match='enough'):
        robot.command(values, authority_s=0.15)


def test_the_simulated_robot_begins_neither_over_a_halt_nor_over_a_fault() -> None:
    robot = SimulatedRobot()
    robot.note(epoch=1, episode=1, step=0)
    robot.halt(reason=StopReason.HALT_REQUESTED, message='just in time')
    with pytest.raises(RobotStopped, match='just in time'):
        robot.begin(timeout_s=1.0)
    robot.note(epoch=1, episode=2, step=0)
    robot.begin(timeout_s=1.0)
    assert robot.stop().state == StopState.RUNNING


def test_the_simulated_robot_latches_a_close_and_refuses_bad_values() -> None:
    robot = SimulatedRobot()
    robot.begin(timeout_s=1.0)
    with pytest.raises(LimitError):
        robot.command(np.full(6, np.nan), authority_s=0.15)
    with pytest.raises(LimitError):
        robot.command(np.full(6, 1.5), authority_s=0.15)
    robot.close()
    robot.close()
    assert robot.stop().reason == StopReason.SHUTDOWN
    robot.recover()
    with pytest.raises(ConfigError, match="not 'effort'"):
        SimulatedRobot(interface='effort')
