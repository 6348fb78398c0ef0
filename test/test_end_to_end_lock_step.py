# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Hosted Gymnasium environments over real DDS give the very trajectories they give at home."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import hosted_envs  # noqa: F401 (registers its environments)
import numpy as np
import pytest
from bridge_process import hosting

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

STEPS = 1000
ENVS = (
    'CartPole-v1',
    'Pendulum-v1',
    'FrozenLake-v1',
    max(name for name in gymnasium.registry if name.startswith('Taxi-')),  # v3, or v4 where it is
    'Blackjack-v1',
    'hosted_envs:DictImageText-v0',
    'hosted_envs:NestedTuple-v0',
)


def assert_identical(there: Any, here: Any, path: str = 'value') -> None:
    """The same structure, types, shapes and bits."""
    if isinstance(here, dict):
        assert list(there) == list(here), path
        for key in here:
            assert_identical(there[key], here[key], f'{path}[{key!r}]')
    elif isinstance(here, tuple):
        assert isinstance(there, tuple) and len(there) == len(here), path
        for number, (one, other) in enumerate(zip(there, here, strict=True)):
            assert_identical(one, other, f'{path}[{number}]')
    elif isinstance(here, np.ndarray):
        assert there.dtype == here.dtype and there.shape == here.shape, path
        assert there.tobytes() == here.tobytes(), path
    else:
        assert there == here, f'{path}: {there!r} is not {here!r}'


@pytest.fixture(params=ENVS)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """The same environment bridged and at home."""
    name = request.param.rpartition(':')[2].partition('-')[0].lower()
    with hosting(request.param, namespace=f'lock_step_{name}') as bridge:
        there = gymnasium.make('rl_bridge:RemoteRobot-v0', bridge=bridge, connect_timeout_s=30.0)
        here = gymnasium.make(request.param)
        try:
            yield there, here
        finally:
            there.close()
            here.close()


def test_a_bridged_trajectory_is_the_local_one_bit_for_bit(pair: tuple[Any, Any]) -> None:
    there, here = pair
    assert there.action_space == here.action_space
    assert there.observation_space == here.observation_space
    here.action_space.seed(7)
    over, episode = True, 0
    for step in range(STEPS):
        if over:
            theirs, ours = there.reset(seed=episode), here.reset(seed=episode)
            assert_identical(theirs, ours, f'reset {episode}')
            episode += 1
        action = here.action_space.sample()
        theirs, ours = there.step(action), here.step(action)
        assert_identical(theirs, ours, f'step {step}')
        assert [type(value) for value in theirs[1:4]] == [float, bool, bool]
        over = ours[2] or ours[3]
    assert episode > 1 or over is False
