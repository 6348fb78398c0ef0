# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The ready tasks on simulated arms: reach of a SCARA and a modular arm, joints, tracking."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

pytest.importorskip('mujoco', reason='the simulated arms need MuJoCo')
pytest.importorskip('yaml', reason='robot files need PyYAML')

from rl_bridge.envs.catalogue import ARM_ENVS
from rl_bridge.errors import ConfigError
from rl_bridge.tasks.scripted import JointReachController, ReachController, TrackController

NAMES = sorted(ARM_ENVS)
REACHES = ['ScaraReach-v0', 'Modular6Reach-v0']
KINDS = [
    ('velocity', 'value'),
    ('velocity', 'first'),
    ('position', 'increment'),
    ('position', 'value'),
    ('position', 'first'),
]
HALF = 50  # steps, in which a target is reached or caught up with


def made(name: str, **options: Any) -> Any:
    return gymnasium.make(f'rl_bridge:{name}', **options)


def controller_of(env: Any, interface: str = 'velocity', actions: str | None = None) -> Any:
    task, description = env.unwrapped.task, env.unwrapped.robot.description
    if env.spec.id == 'JointReach-v0':
        speed = 0.3 * description.limits.velocity
        return JointReachController(
            env.action_space, interface=interface, actions=actions, speed=speed
        )
    kind = TrackController if env.spec.id == 'TrackTarget-v0' else ReachController
    return kind(
        env.action_space,
        interface=interface,
        actions=actions,
        setup=task.setup,
        dh=description.dh,
    )


def episode(env: Any, controller: Any, seed: int, key: str, **options: Any) -> list[float]:
    """Run one episode; give what was left at every step."""
    observation, _ = env.reset(seed=seed, **options)
    left, truncated = [], False
    while not truncated:
        observation, _, terminated, truncated, info = env.step(controller(observation))
        assert not terminated
        left.append(info[key])
    assert len(left) == 100
    return left


@pytest.mark.parametrize('name', NAMES)
def test_gymnasiums_own_checker_is_content(name: str) -> None:
    check_env(made(name, render_mode='rgb_array').unwrapped)


@pytest.mark.parametrize('name', NAMES)
def test_two_runs_with_one_seed_are_equal_bit_for_bit(name: str) -> None:
    def run(env: Any) -> list[bytes]:
        observation, info = env.reset(seed=7)
        found = [observation.tobytes(), repr(info).encode()]
        rng = np.random.default_rng(7)
        for _ in range(60):
            action = rng.uniform(env.action_space.low, env.action_space.high)
            observation, reward, *_, info = env.step(action)
            found += [observation.tobytes(), np.float64(reward).tobytes(), repr(info).encode()]
        return found

    env = made(name)
    first = run(env)
    assert first == run(env)
    assert first == run(made(name))


@pytest.mark.parametrize('name', REACHES)
@pytest.mark.parametrize(('interface', 'actions'), KINDS)
def test_the_scripted_controller_brings_the_tool_within_1_mm_with_every_kind_of_action(
    name: str, interface: str, actions: str
) -> None:
    env = made(name, interface=interface, actions=actions)
    controller = controller_of(env, interface, actions)
    assert episode(env, controller, 11, 'distance_m')[-1] < 0.001


@pytest.mark.parametrize('name', REACHES)
def test_four_targets_and_the_fixed_one_are_reached_within_1_mm(name: str) -> None:
    env = made(name)
    controller = controller_of(env)
    for seed in range(4):
        assert episode(env, controller, seed, 'distance_m')[-1] < 0.001, seed
    fixed = made(name, target='fixed')
    assert episode(fixed, controller, 0, 'distance_m')[-1] < 0.001
    setup = fixed.unwrapped.task.setup
    assert fixed.unwrapped.task.target_m == pytest.approx(setup.fixed_target)


def test_the_goal_of_the_scara_lies_at_the_height_of_its_tool() -> None:
    env = made('ScaraReach-v0', target='fixed')
    env.reset(seed=0)
    task = env.unwrapped.task
    assert task.target_m[2] == pytest.approx(0.3746)
    tool = task._chain.forward(task.setup.reference)
    assert tool[2, 3] == pytest.approx(task.target_m[2])


def test_a_pose_is_reached_with_its_orientation() -> None:
    env = made('Modular6Reach-v0', orientation=True)
    task, description = env.unwrapped.task, env.unwrapped.robot.description
    controller = ReachController(
        env.action_space, setup=task.setup, dh=description.dh, orientation=True
    )
    for seed in range(3):
        observation, info = env.reset(seed=seed)
        truncated = False
        while not truncated:
            observation, _, _, truncated, info = env.step(controller(observation))
        assert info['is_success'] and info['distance_m'] < 0.001 and info['angle_rad'] < 0.01


@pytest.mark.parametrize(('interface', 'actions'), KINDS)
def test_joint_positions_are_reached_with_every_kind_of_action(
    interface: str, actions: str
) -> None:
    env = made('JointReach-v0', interface=interface, actions=actions)
    controller = controller_of(env, interface, actions)
    assert episode(env, controller, 3, 'largest_error')[-1] < 0.001


@pytest.mark.parametrize(
    ('interface', 'actions', 'within_m'),
    [('velocity', 'value', 0.001), ('velocity', 'first', 0.01), ('position', 'increment', 0.002)],
)
def test_a_moving_target_is_caught_and_followed(
    interface: str, actions: str, within_m: float
) -> None:
    for path in ('circle', 'lissajous', 'random'):
        env = made('TrackTarget-v0', interface=interface, actions=actions, path=path)
        controller = controller_of(env, interface, actions)
        left = episode(env, controller, 4, 'distance_m')
        assert max(left[HALF:]) < within_m, path


def test_a_smoothed_policy_reaches_its_target_too() -> None:
    for smoothing in ({'smooth_s': 0.1}, {'smooth_steps': 5}):
        env = made('ScaraReach-v0', **smoothing)
        assert episode(env, controller_of(env), 1, 'distance_m')[-1] < 0.001


def test_with_a_reset_of_none_an_episode_begins_where_the_last_one_ended() -> None:
    env = made('ScaraReach-v0', reset='none')
    episode(env, controller_of(env), 1, 'distance_m')
    ended = env.unwrapped.robot.state().position
    observation, _ = env.reset(seed=2)
    assert observation[:3] == pytest.approx(ended, abs=1e-6)
    assert episode(env, controller_of(env), 2, 'distance_m')[-1] < 0.001


def test_a_random_reset_begins_elsewhere_and_reaches_its_target_too() -> None:
    env = made('Modular6Reach-v0', reset='random')
    first, _ = env.reset(seed=1)
    second, _ = env.reset(seed=2)
    assert np.abs(first[:6] - second[:6]).max() > 0.1
    assert episode(env, controller_of(env), 2, 'distance_m')[-1] < 0.001


def test_an_arm_that_differs_from_its_model_is_asked_for_by_keywords() -> None:
    env = made('ScaraReach-v0', gap={'position_noise': 0.001, 'seed': 3})
    first, _ = env.reset(seed=0)
    reference = env.unwrapped.task.setup.reference
    assert (first[:3] != reference.astype(np.float32)).any()
    assert first[:3] == pytest.approx(reference, abs=0.01)


def test_an_arm_without_a_setup_of_its_own_gets_one_by_a_mapping() -> None:
    place = {
        'box': [[0.1, -0.6, 0.3], [0.6, 0.2, 0.5]],
        'reference': [0.3, 0.8, 0.6],
        'axes': 'xy',
        'joints': ['motor2', 'motor1'],
    }
    env = made('ScaraReach-v0', setup=place)
    assert env.action_space.shape == (2,)
    assert episode(env, controller_of(env), 0, 'distance_m')[-1] < 0.001


def test_what_cannot_be_made_says_why() -> None:
    with pytest.raises(ConfigError, match="no setup 'scaar'"):
        made('ScaraReach-v0', setup='scaar')
    with pytest.raises(ConfigError, match='set up for 6 joints, scara has 3'):
        made('ScaraReach-v0', setup='ur5e_6')
