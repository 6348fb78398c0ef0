# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The base class that tasks of one's own may have."""

from typing import Any

import numpy as np
import pytest

from rl_bridge.errors import ConfigError
from rl_bridge.tasks.base_task import BaseTask
from rl_bridge.types import RobotState

STATE = RobotState(np.zeros(2), np.zeros(2), np.zeros(2), 0)


class Twice(BaseTask):
    """Two terms."""

    def terms(self, action: Any, state: RobotState) -> dict[str, float]:
        return {'a': 2.0, 'b': 3.0}


def make(**weights: float) -> Twice:
    return Twice(interface='velocity', period_s=0.1, weights=weights or {'a': 1.0, 'b': 0.5})


def test_its_reward_is_the_weighted_sum_and_follows_a_changed_weight() -> None:
    task = make()
    assert task.reward(None, STATE) == (3.5, {'a': 2.0, 'b': 3.0})
    task.set_weight('a', 0.0)
    assert task.reward(None, STATE)[0] == 1.5
    assert dict(task.weights) == {'a': 0.0, 'b': 0.5}
    with pytest.raises(ConfigError, match="no reward term 'c'"):
        task.set_weight('c', 1.0)


def test_it_begins_where_the_robot_is_and_refuses_options_by_name() -> None:
    task, rng = make(), np.random.default_rng(0)
    assert task.reset(rng=rng, state=STATE, options={}) is None
    with pytest.raises(ConfigError, match='Twice has no reset options, not goal, speed'):
        task.reset(rng=rng, state=STATE, options={'speed': 1, 'goal': 2})


def test_it_never_ends_by_itself_and_tells_nothing_further() -> None:
    task = make()
    task.begin(STATE)
    assert not task.terminated(STATE)
    assert task.info(STATE) == task.episode_info() == {}


def test_a_task_without_terms_says_what_is_missing() -> None:
    task = BaseTask(interface='velocity', period_s=0.1, weights={})
    with pytest.raises(NotImplementedError, match=r'BaseTask has to define terms\(\)'):
        task.reward(None, STATE)
