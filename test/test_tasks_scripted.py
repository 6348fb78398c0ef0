# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The scripted controller without a simulator; on the simulated arm see test_envs_catalogue."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.kinematics import UR5E_DH
from rl_bridge.robots.fake_robot import FakeRobot, fake_description
from rl_bridge.tasks.reach import ReachTask
from rl_bridge.tasks.scripted import ReachController

ARM = fake_description(6, dh=UR5E_DH)
FORMS = [(joints, kind) for joints in (2, 6) for kind in ('velocity', 'position')]


def made(joints: int, kind: str) -> Any:
    task = ReachTask(ARM, joints=joints, interface=kind)
    env = RobotEnv(FakeRobot(ARM, interface=kind), task, period_s=0.04, authority_s=0.15)
    return gymnasium.wrappers.TimeLimit(env, 100)


@pytest.mark.parametrize(('joints', 'kind'), FORMS)
def test_a_robot_that_lags_and_begins_elsewhere_reaches_its_targets_too(
    joints: int, kind: str
) -> None:
    env = made(joints, kind)
    controller = ReachController(env.action_space, interface=kind)
    for seed in range(5):
        observation, info = env.reset(seed=seed)
        truncated = False
        while not truncated:
            observation, _, _, truncated, info = env.step(controller(observation))
        assert info['distance_m'] < 0.02, (seed, info)


@pytest.mark.parametrize(('joints', 'kind'), FORMS)
@given(data=st.data())
def test_whatever_is_observed_the_action_lies_in_its_space(
    joints: int, kind: str, data: Any
) -> None:
    task = ReachTask(ARM, joints=joints, interface=kind)
    space = task.observation_space
    shares = data.draw(
        st.lists(st.floats(0.0, 1.0), min_size=space.shape[0], max_size=space.shape[0])
    )
    observation = (space.low + np.array(shares) * (space.high - space.low)).astype(np.float32)
    controller = ReachController(task.action_space, interface=kind)
    assert task.action_space.contains(controller(observation))


def test_at_the_target_nothing_moves() -> None:
    task = ReachTask(ARM, joints=6)
    controller = ReachController(task.action_space)
    observation = np.zeros(21, np.float32)
    observation[:6] = task.setup.reference
    assert controller(observation).tolist() == [0.0] * 6


@pytest.mark.parametrize('wrong', [np.zeros(7), np.full(8, np.nan), np.zeros((1, 8))])
def test_an_observation_of_something_else_is_refused(wrong: Any) -> None:
    controller = ReachController(ReachTask(ARM, joints=2).action_space)
    with pytest.raises(LimitError, match='8 finite numbers'):
        controller(wrong)


@pytest.mark.parametrize(
    ('space', 'interface'),
    [
        (spaces.Discrete(2), 'velocity'),
        (spaces.Box(-1.0, 1.0, (3,)), 'velocity'),
        (spaces.Box(-1.0, 1.0, (2, 2)), 'velocity'),
        (spaces.Box(-1.0, 1.0, (2,)), 'effort'),
    ],
)
def test_what_is_no_reach_task_is_refused(space: Any, interface: str) -> None:
    with pytest.raises(ConfigError):
        ReachController(space, interface=interface)
