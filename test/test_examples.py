# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The example robot and task, without ROS; test_readme.py runs them as processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import ConfigError
from rl_bridge.robot_file import load_robot
from rl_bridge.robots.fake_robot import FakeRobot
from rl_bridge.tasks.catalogue import make_task

EXAMPLES = Path(__file__).resolve().parent.parent / 'examples'
PERIOD_S = 0.05


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    sys.modules.pop('my_task', None)


def make(**options: Any) -> RobotEnv:
    description = load_robot(EXAMPLES / 'my_robot.yaml')
    task = make_task(
        'my_task:MyTask', description, interface='velocity', period_s=PERIOD_S, **options
    )
    robot = FakeRobot(description)
    return RobotEnv(robot, task, period_s=PERIOD_S, authority_s=3 * PERIOD_S)


def test_the_example_is_a_gymnasium_environment() -> None:
    env = make()
    # As any robot that is moved to where an episode begins, it is there but for a tolerance.
    env.spec = EnvSpec('MyRobot-v0', entry_point=make, nondeterministic=True)
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize('seed', range(5))
def test_the_goal_is_reached_by_going_there(seed: int) -> None:
    env = make()
    observation, info = env.reset(seed=seed)
    goal = info['goal_rad']
    for _ in range(200):
        left = observation[8:]
        observation, _, terminated, truncated, info = env.step(np.clip(2 * left, -1, 1))
        assert not truncated
        if terminated:
            break
    assert terminated and info['is_success']
    np.testing.assert_allclose(observation[:4], goal, atol=0.05)


def test_the_task_slows_down_before_a_limit() -> None:
    env = make()
    env.reset(seed=0)
    for _ in range(400):
        observation, *_ = env.step(np.ones(4, np.float32))
    upper = env.robot.description.limits.position_upper
    assert (observation[:4] <= upper + 1e-6).all()
    np.testing.assert_allclose(observation[:4], upper, atol=0.05)


def test_the_task_says_what_it_cannot_do() -> None:
    description = load_robot(EXAMPLES / 'my_robot.yaml')
    with pytest.raises(ConfigError, match="'position'"):
        make_task('my_task:MyTask', description, interface='position')
    with pytest.raises(ConfigError, match='no reset options'):
        make().reset(options={'target_m': [0, 0, 0]})
