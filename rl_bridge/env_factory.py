# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Builds what the bridge hosts from plain parameter values: Gymnasium environments by id, tasks and
wrappers by name.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import gymnasium
from gymnasium.envs.registration import load_env_creator

from rl_bridge.errors import ConfigError

Env = gymnasium.Env[Any, Any]


def mapping(text: str, *, parameter: str) -> dict[str, Any]:
    """
    Return the keyword arguments that a YAML text names; an empty text names none.

    :raises ConfigError: it is no YAML mapping with text keys.
    """
    import yaml

    if not text.strip():
        return {}
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f'parameter {parameter} is no YAML: {" ".join(str(error).split())}'
        ) from error
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise ConfigError(
            f'parameter {parameter} is {text!r}; it must be a YAML mapping: {{name: value}}'
        )
    return found


def gymnasium_env(env_id: str, *, kwargs: str, render_mode: str) -> Env:
    """
    Make a registered Gymnasium environment.

    :param env_id: 'CartPole-v1' or 'module:Id'.
    :param kwargs: keyword arguments as YAML.
    :param render_mode: 'auto', a render mode, or '' for none.
    :raises ConfigError: there is no such environment, or it refuses these arguments.
    """
    arguments = mapping(kwargs, parameter='env_kwargs')
    try:
        if render_mode == 'auto':
            render_mode = 'rgb_array' if 'rgb_array' in _render_modes(env_id, arguments) else ''
        if render_mode:  # not every environment's constructor knows the word
            arguments['render_mode'] = render_mode
        return gymnasium.make(env_id, **arguments)
    except (gymnasium.error.Error, ImportError, TypeError, ValueError, AssertionError) as error:
        raise ConfigError(f'parameter env: {env_id!r} cannot be made: {error}') from error


def wrapped(env: Env, wrappers: Sequence[str]) -> Env:
    """
    Wrap an environment in Gymnasium's own wrappers or EncodeJpeg, the first one innermost.

    :param wrappers: each a name, or a name with keyword arguments as YAML: 'TimeLimit:
        {max_episode_steps: 100}'.
    :raises ConfigError: there is no such wrapper, or it refuses these arguments.
    """
    for text in wrappers:
        if not text.strip():
            continue
        name, _, rest = text.partition(':')
        kind = getattr(gymnasium.wrappers, name.strip(), None)
        if name.strip() == 'EncodeJpeg':
            from rl_bridge.jpeg import EncodeJpeg

            kind = EncodeJpeg
        if not (isinstance(kind, type) and issubclass(kind, gymnasium.Wrapper)):
            raise ConfigError(f'parameter wrappers: gymnasium.wrappers has no {name.strip()!r}')
        arguments = mapping(rest, parameter=f'wrappers, {name.strip()}')
        try:
            env = kind(env, **arguments)
        except (gymnasium.error.Error, TypeError, ValueError, AssertionError) as error:
            raise ConfigError(
                f'parameter wrappers: {text!r} cannot be applied: {error}'
            ) from error
    return env


def _render_modes(env_id: str, arguments: dict[str, Any]) -> Sequence[str]:
    module, _, name = env_id.rpartition(':')
    if module:
        importlib.import_module(module)
    creator: Any = gymnasium.spec(name).entry_point
    if isinstance(creator, str):
        creator = load_env_creator(creator)
    metadata = getattr(creator, 'metadata', None)
    if metadata is None:  # a function: only what it makes can tell
        env = gymnasium.make(env_id, **arguments)
        metadata = env.metadata
        env.close()
    return list(metadata.get('render_modes', ()))
