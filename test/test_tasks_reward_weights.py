# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Weights of rewards: set by hand, moved by schedules, counted by the environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import ConfigError
from rl_bridge.robots.fake_robot import FakeRobot, fake_description
from rl_bridge.tasks.joint_reach import JointReachTask
from rl_bridge.tasks.task import RewardWeights

UP = {'from': 0.0, 'to': 1.0, 'over_episodes': 4}


def test_a_schedule_over_episodes_is_a_line_from_the_first_value_to_the_last() -> None:
    weights = RewardWeights({'near': 9.0, 'far': 2.0}, {'near': UP})
    assert weights['near'] == 0.0
    found = []
    for _ in range(6):
        weights.begin_episode()
        weights.count_step()
        found.append(weights['near'])
    assert found == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert weights['far'] == 2.0
    assert weights.scheduled == ('near',)


def test_a_schedule_over_steps_moves_within_an_episode_and_goes_on_in_the_next() -> None:
    weights = RewardWeights({'near': 1.0}, {'near': {'from': 1.0, 'to': 3.0, 'over_steps': 2}})
    weights.begin_episode()
    found = [weights['near']]
    weights.count_step()
    found.append(weights['near'])
    weights.begin_episode()
    weights.count_step()
    weights.count_step()
    assert [*found, weights['near']] == [1.0, 2.0, 3.0]


def test_the_end_of_a_schedule_is_exact() -> None:
    weights = RewardWeights({'near': 0.0}, {'near': {'from': 0.3, 'to': 0.1, 'over_steps': 3}})
    for _ in range(3):
        weights.count_step()
    assert weights['near'] == 0.1


def test_a_weight_set_by_hand_ends_its_schedule() -> None:
    weights = RewardWeights({'near': 0.0, 'far': 0.0}, {'near': UP, 'far': UP})
    weights.begin_episode()
    weights.set('near', 0.5)
    for _ in range(9):
        weights.begin_episode()
    assert dict(weights) == {'near': 0.5, 'far': 1.0}
    assert weights.scheduled == ('far',)


def test_a_value_that_is_refused_leaves_the_schedule_as_it_was() -> None:
    weights = RewardWeights({'near': 0.0}, {'near': UP})
    with pytest.raises(ConfigError, match='nan'):
        weights.set('near', float('nan'))
    assert weights.scheduled == ('near',)


@pytest.mark.parametrize(
    ('schedules', 'sentence'),
    [
        ([], 'must be a mapping'),
        ({'nearer': UP}, "no reward term 'nearer'"),
        ({'near': 1.0}, 'over_episodes'),
        ({'near': {'from': 0.0, 'to': 1.0}}, 'over_episodes'),
        ({'near': {**UP, 'over_steps': 3}}, 'over_episodes'),
        ({'near': {**UP, 'step': 3}}, 'over_episodes'),
        ({'near': {**UP, 'over_episodes': 0}}, 'whole number from 1'),
        ({'near': {**UP, 'over_episodes': 1.5}}, 'whole number from 1'),
        ({'near': {**UP, 'over_episodes': True}}, 'whole number from 1'),
        ({'near': {**UP, 'to': float('inf')}}, "weight of 'near' is inf"),
        ({'near': {**UP, 'from': 'low'}}, "weight of 'near' is 'low'"),
    ],
)
def test_a_schedule_that_cannot_be_used_is_refused(schedules: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        RewardWeights({'near': 0.0}, schedules)


def test_the_environment_counts_episodes_and_steps_for_every_task() -> None:
    robot = FakeRobot(fake_description())
    task = JointReachTask(
        robot.description,
        schedules={
            'precision': {'from': 0.0, 'to': 1.0, 'over_episodes': 2},
            'action': {'from': 0.0, 'to': 4.0, 'over_steps': 4},
        },
    )
    env = RobotEnv(robot, task, period_s=0.04, authority_s=0.15)
    told = []
    for _ in range(3):
        _, info = env.reset(seed=0)
        told.append((info['reward_weights']['precision'], info['reward_weights']['action']))
        _, reward, _, _, info = env.step(np.full(2, 0.3, np.float32))
        weights, terms = dict(task.weights), info['reward_terms']
        assert set(terms) == set(weights)
        # The step was rewarded with the weights before it was counted.
        weights['action'] = told[-1][1]
        assert reward == pytest.approx(sum(weights[name] * terms[name] for name in terms))
    assert told == [(0.0, 0.0), (0.5, 1.0), (1.0, 2.0)]


def test_a_reset_that_fails_is_no_episode_of_a_schedule() -> None:
    robot = FakeRobot(fake_description())
    task = JointReachTask(robot.description, schedules={'precision': UP})
    env = RobotEnv(robot, task, period_s=0.04, authority_s=0.15)
    with pytest.raises(ConfigError):
        env.reset(options={'colour': 'red'})
    env.reset(seed=0)
    assert task.weights['precision'] == 0.0
