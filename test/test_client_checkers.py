# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Gymnasium's and Stable-Baselines3's own checkers on the remote env, on both call paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from bridge_process import hosting
from gymnasium.utils.env_checker import check_env

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

pytestmark = pytest.mark.filterwarnings('ignore:.*WARN.*')


@pytest.fixture(scope='module')
def bridge() -> Iterator[str]:
    # Without pictures: Pendulum's need pygame.
    with hosting('Pendulum-v1', namespace='checkers', render_mode='""') as name:
        yield name


@pytest.fixture(params=['waitset', 'executor'])
def env(
    request: pytest.FixtureRequest, bridge: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[gymnasium.Env[Any, Any]]:
    monkeypatch.setenv('RL_BRIDGE_TRANSPORT', request.param)
    made = gymnasium.make('rl_bridge:RemoteRobot-v0', bridge=bridge, connect_timeout_s=30.0)
    yield made
    made.close()


def test_gymnasiums_checker_passes(env: gymnasium.Env[Any, Any]) -> None:
    check_env(env.unwrapped)  # opens a second env while this one is open


def test_stable_baselines3s_checker_passes(env: gymnasium.Env[Any, Any]) -> None:
    checker = pytest.importorskip('stable_baselines3.common.env_checker')
    checker.check_env(env.unwrapped, warn=True)


def test_stable_baselines3_learns_on_it(env: gymnasium.Env[Any, Any]) -> None:
    baselines = pytest.importorskip('stable_baselines3')
    model = baselines.PPO('MlpPolicy', env, n_steps=64, batch_size=32, n_epochs=1, seed=1)
    model.learn(128)
    action, _ = model.predict(env.reset(seed=1)[0])
    assert env.action_space.contains(np.asarray(action, env.action_space.dtype))
