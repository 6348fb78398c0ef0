# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
One Gymnasium environment behind the wire: decoded values in, packed values out, every exception
named.
"""

from __future__ import annotations

import logging
import math
from array import array
from collections.abc import Callable, Sequence
from typing import Any, cast

import gymnasium
import numpy as np

from rl_bridge.errors import (
    ConfigError,
    LimitError,
    RlBridgeError,
    RobotError,
    WireError,
    clause,
)
from rl_bridge.robots.robot import Robot
from rl_bridge.types import Leaf, StepReply, Timing
from rl_bridge.wire import SpaceCodec, Specs, info_to_json

logger = logging.getLogger('rl_bridge')


class HostedEnvFailed(RlBridgeError):
    """The hosted environment raised, or returned what its own spaces do not allow."""


class HostedEnv:
    """
    A Gymnasium environment whose values travel.

    :param env: any Gymnasium environment; that of a robot has it as ``env.unwrapped.robot``.
    :param name: what people call it; by default its registered id or class name.
    :param leaf_type: the class observations are packed into.
    :raises SpecError: one of its spaces cannot travel.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        name: str = '',
        leaf_type: Callable[[], Any] = Leaf,
    ) -> None:
        self.name = name or (env.spec.id if env.spec else type(env.unwrapped).__name__)
        self.robot = _robot_of(env)
        self.render_mode = env.render_mode
        self._env = env
        self._leaf_type = leaf_type
        self._actions = SpaceCodec(env.action_space, name='action')
        self._observations = SpaceCodec(env.observation_space, name='observation')

    def specs(self, *, control_period_s: float) -> Specs:
        """Return what a client must know to build its spaces."""
        task = getattr(self._env.unwrapped, 'task', None) if self.robot is not None else None
        return Specs(
            action_space=self._env.action_space,
            observation_space=self._env.observation_space,
            render_modes=[self.render_mode] if self.render_mode else [],
            control_period=control_period_s,
            env=self.name,
            reward_terms=sorted(getattr(task, 'weights', {})),
        )

    def decode(self, numbers: Sequence[float], texts: Sequence[str]) -> Any:
        """
        Return the action that a request carries.

        :raises WireError: it does not fit the action space.
        """
        return self._actions.unflatten(numbers, texts)

    def reset(self, *, seed: int | None, options: dict[str, Any] | None) -> tuple[list[Any], str]:
        """
        Reset the environment.

        :return: the packed observation and the info as JSON.
        :raises RobotError: the robot cannot go on.
        :raises ConfigError, LimitError: a value was refused; nothing moved.
        :raises HostedEnvFailed: anything else went wrong.
        """
        try:
            observation, info = self._env.reset(seed=seed, options=options)
            return self._pack(observation), info_to_json(info)
        except (RobotError, ConfigError, LimitError):
            raise
        except (
            BaseException
        ) as error:  # a hosted environment may raise anything, SystemExit included
            raise _named('reset', error) from error

    def step(self, action: Any, reply: StepReply) -> None:
        """
        Step the environment into ``reply``.

        :raises RobotError: the robot cannot go on.
        :raises ConfigError, LimitError: a value was refused; nothing moved.
        :raises HostedEnvFailed: anything else went wrong.
        """
        try:
            observation, reward, terminated, truncated, info = self._env.step(action)
            info = dict(info)
            if isinstance(info.get('timing'), Timing):
                reply.timing = info.pop('timing')
            if self.robot is not None:
                applied = np.asarray(info.pop('applied_action', ()), dtype=np.float64)
                reply.applied_action = array('d', applied.ravel().tolist())
            reply.observation = self._pack(observation)
            reply.reward = float(reward)
            if not math.isfinite(reply.reward):
                raise WireError(f'the reward is {reply.reward}; it must be finite')
            reply.terminated = bool(terminated)
            reply.truncated = bool(truncated)
            reply.info = info_to_json(info)
        except (RobotError, ConfigError, LimitError):
            raise
        except BaseException as error:  # see reset
            raise _named('step', error) from error

    def render(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """
        Return one picture, uint8 of shape (height, width, 3).

        :raises HostedEnvFailed: the environment raised or gave another shape.
        """
        try:
            picture = np.ascontiguousarray(self._env.render())
        except BaseException as error:  # see reset
            raise _named('render', error) from error
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise HostedEnvFailed(
                f'render gave {picture.dtype} of shape {picture.shape}; uint8 of shape '
                '(height, width, 3) is needed'
            )
        return picture

    def close(self) -> None:
        """
        Close the environment.

        :raises HostedEnvFailed: it raised.
        """
        try:
            self._env.close()
        except BaseException as error:  # see reset
            raise _named('close', error) from error

    def _pack(self, observation: Any) -> list[Any]:
        leaves = self._observations.pack(observation, leaf_type=self._leaf_type)
        for leaf in leaves:
            if leaf.numbers and np.isnan(np.frombuffer(leaf.numbers)).any():
                raise WireError(f'the observation holds NaN: {observation!r:.200}')
        return leaves


def _robot_of(env: gymnasium.Env[Any, Any]) -> Robot | None:
    """Return the robot of a RobotEnv; other environments may call anything ``robot``."""
    robot = getattr(env.unwrapped, 'robot', None)
    called = ('stop', 'note', 'halt', 'recover')
    if all(callable(getattr(robot, name, None)) for name in called):
        return cast(Robot, robot)
    return None


def _named(call: str, error: BaseException) -> HostedEnvFailed:
    logger.error('%s of the hosted environment failed', call, exc_info=error)
    text = clause(error)[:500]
    return HostedEnvFailed(
        f'{call} of the hosted environment raised {type(error).__name__}: {text}'
    )
