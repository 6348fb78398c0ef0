# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Hosted environments are built from plain parameter values, or refused in one sentence."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from rl_bridge.env_factory import gymnasium_env, mapping, wrapped
from rl_bridge.errors import ConfigError


class Blind(gymnasium.Env[int, int]):
    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)


def test_keyword_arguments_are_a_yaml_mapping() -> None:
    assert mapping('{is_slippery: false, map_name: 4x4}', parameter='env_kwargs') == {
        'is_slippery': False,
        'map_name': '4x4',
    }
    assert mapping('  ', parameter='env_kwargs') == {}


@pytest.mark.parametrize('text', ['[1, 2]', '3', '{1: 2}', 'word'])
def test_anything_but_a_mapping_with_text_keys_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r'env_kwargs is .* must be a YAML mapping'):
        mapping(text, parameter='env_kwargs')


def test_what_is_no_yaml_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError, match='task_kwargs is no YAML') as refused:
        mapping('{a: [', parameter='task_kwargs')
    assert '\n' not in str(refused.value)


def test_keyword_arguments_reach_the_environment() -> None:
    env = gymnasium_env('FrozenLake-v1', kwargs='{is_slippery: false}', render_mode='')
    env.reset(seed=0)
    assert env.step(2)[0] == 1  # to the right, for certain
    assert env.render_mode is None


def test_an_automatic_render_mode_is_rgb_array_where_that_is_offered() -> None:
    assert gymnasium_env('CartPole-v1', kwargs='', render_mode='auto').render_mode == 'rgb_array'


def test_an_environment_that_cannot_render_gets_no_render_mode() -> None:
    gymnasium.register('Blind-v0', entry_point=Blind)
    assert gymnasium_env('Blind-v0', kwargs='', render_mode='auto').render_mode is None


@pytest.mark.parametrize(
    ('env_id', 'kwargs'),
    [
        ('NoSuchEnv-v0', ''),
        ('no_such_module:Env-v0', ''),
        ('CartPole-v1', '{no_such_argument: 1}'),
    ],
)
def test_an_environment_that_cannot_be_made_is_refused_by_name(env_id: str, kwargs: str) -> None:
    with pytest.raises(ConfigError, match=f"parameter env: '{env_id}' cannot be made"):
        gymnasium_env(env_id, kwargs=kwargs, render_mode='auto')


def test_wrappers_are_gymnasiums_own_and_the_first_is_innermost() -> None:
    env = wrapped(
        gymnasium_env('Pendulum-v1', kwargs='', render_mode=''),
        [
            'RescaleAction: {min_action: -1, max_action: 1}',
            '',
            'TimeLimit: {max_episode_steps: 3}',
        ],
    )
    assert isinstance(env, gymnasium.wrappers.TimeLimit)
    assert isinstance(env.env, gymnasium.wrappers.RescaleAction)
    env.reset(seed=0)
    assert [env.step(np.ones(1, np.float32))[3] for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ('wrapper', 'sentence'),
    [
        ('NoSuchWrapper', "gymnasium.wrappers has no 'NoSuchWrapper'"),
        ('vector', "gymnasium.wrappers has no 'vector'"),
        ('TimeLimit: {max_episode_steps: -1}', 'cannot be applied'),
        ('TimeLimit: {no_such_argument: 1}', 'cannot be applied'),
        ('TimeLimit: [3]', 'wrappers, TimeLimit is .* must be a YAML mapping'),
    ],
)
def test_a_wrapper_that_cannot_be_applied_is_refused(wrapper: str, sentence: str) -> None:
    env = gymnasium_env('Pendulum-v1', kwargs='', render_mode='')
    with pytest.raises(ConfigError, match=sentence):
        wrapped(env, [wrapper])


def test_an_environment_made_by_a_function_tells_its_render_modes_too() -> None:
    pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')
    env = gymnasium_env('UrReacher2-v0', kwargs='', render_mode='auto')
    assert env.render_mode == 'rgb_array'
    env.close()
