# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Observations scaled by Gymnasium's own wrappers, named as in a parameter file."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from bridge_rig import Rig

from rl_bridge.env_factory import wrapped
from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.kinematics import UR5E_DH
from rl_bridge.robots.fake_robot import FakeRobot, fake_description
from rl_bridge.tasks.joint_reach import JointReachTask
from rl_bridge.tasks.reach import ReachTask
from rl_bridge.tasks.track import TrackTask

ARM = fake_description(6, dh=UR5E_DH)
TASKS = {
    'reach': lambda: ReachTask(ARM, joints=6),
    'track': lambda: TrackTask(ARM, joints=6),
    'joint_reach': lambda: JointReachTask(ARM),
}
RESCALE = 'RescaleObservation: {min_obs: -1.0, max_obs: 1.0}'


def made(task: str) -> Any:
    return RobotEnv(FakeRobot(ARM), TASKS[task](), period_s=0.04, authority_s=0.15)


@pytest.mark.parametrize('task', sorted(TASKS))
def test_declared_bounds_become_minus_one_to_one(task: str) -> None:
    plain, env = made(task), wrapped(made(task), [RESCALE])
    assert env.observation_space.low.tolist() == [-1.0] * len(env.observation_space.low)
    assert env.observation_space.high.tolist() == [1.0] * len(env.observation_space.high)
    before, _ = plain.reset(seed=4)
    scaled, _ = env.reset(seed=4)
    action = plain.action_space.high / 2
    for _ in range(20):
        low, high = plain.observation_space.low, plain.observation_space.high
        assert scaled == pytest.approx(2 * (before - low) / (high - low) - 1, abs=1e-5)
        assert env.observation_space.contains(scaled.astype(env.observation_space.dtype))
        before, scaled = plain.step(action)[0], env.step(action)[0]


def test_observations_are_normalised_by_what_was_seen() -> None:
    env = wrapped(made('joint_reach'), ['NormalizeObservation'])
    seen = []
    observation, _ = env.reset(seed=0)
    for _ in range(200):
        observation = env.step(env.action_space.high)[0]
        seen.append(observation)
    assert np.isfinite(seen).all()
    assert np.abs(np.mean(seen, axis=0)).max() < 2.0
    assert isinstance(env, gymnasium.wrappers.NormalizeObservation)


@pytest.mark.parametrize('wrapper', [RESCALE, 'NormalizeObservation'])
def test_a_bridge_hosts_a_scaled_environment(wrapper: str) -> None:
    rig = Rig(wrapped(made('reach'), [wrapper]))
    try:
        reply = rig.reset()
        assert reply.status.code == 0, reply.status
        assert np.isfinite(np.array(reply.observation[0].numbers)).all()
    finally:
        rig.close()
