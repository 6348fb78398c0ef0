# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Builds what a bridge node hosts, from its parameters: a robot with a task, or any env."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
from rclpy.node import Node

from rl_bridge import env_factory, parameters
from rl_bridge.access import Secret
from rl_bridge.dds_profile import use_profile
from rl_bridge.dds_profile_node import profile_problem
from rl_bridge.envs.env_checks import can_render
from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.help_node import TopicAssistance
from rl_bridge.robot_file import load_robot
from rl_bridge.robots.topic_io import TopicIo
from rl_bridge.robots.topic_robot import TopicRobot
from rl_bridge.tasks.catalogue import make_task

CONNECT_SLICE_S = 0.25
ROBOT = 'robot'


@dataclass(frozen=True, slots=True)
class Hosting:
    """
    What is hosted.

    :param name: what people call it.
    :param period_s: the control period; 0 = lock-step.
    :param authority_s: the motion authority; 0 = nothing moves.
    :param topic_io: what carries the robot's topics; None without a robot.
    :param first_epoch: above the epochs of every bridge before, as far as the guard knows too.
    """

    env: env_factory.Env
    name: str
    period_s: float = 0.0
    authority_s: float = 0.0
    topic_io: TopicIo | None = None
    first_epoch: int = 0


def host(
    node: Node,
    settings: dict[str, Any],
    *,
    bridge_id: str,
    first_epoch: int,
    secret: Secret | None = None,
    give_up: Callable[[], bool],
) -> Hosting:
    """
    Build what the parameters name; nothing moves.

    :param settings: values of all parameters by name.
    :param bridge_id: unique per process start.
    :param first_epoch: above the epochs of every bridge before, by this clock.
    :param secret: proves commands to the guard.
    :param give_up: whether to stop waiting for the robot.
    :raises ConfigError: a parameter cannot be used, or the Fast DDS profile is not in effect.
    :raises RobotNotReady: the robot or its guard is not there in time.
    """
    if settings['require_dds_profile']:
        problem = profile_problem(
            node,
            node.resolve_topic_name('~/status'),
            profile=use_profile(),
            way_out='set the parameter require_dds_profile to false',
        )
        if problem:
            raise ConfigError(problem)
    if settings['env'] == ROBOT:
        return _robot(
            node,
            settings,
            bridge_id=bridge_id,
            first_epoch=first_epoch,
            secret=secret,
            give_up=give_up,
        )
    env = env_factory.gymnasium_env(
        settings['env'], kwargs=settings['env_kwargs'], render_mode=settings['render_mode']
    )
    hosted = env_factory.wrapped(env, settings['wrappers'])
    return Hosting(hosted, settings['env'], first_epoch=first_epoch)


def _robot(
    node: Node,
    settings: dict[str, Any],
    *,
    bridge_id: str,
    first_epoch: int,
    secret: Secret | None,
    give_up: Callable[[], bool],
) -> Hosting:
    rate, interface = settings['control_rate'], settings['command_interface']
    period_s = 1.0 / rate
    authority_s = parameters.authority_s(
        authority_time=settings['authority_time'], control_rate=rate
    )
    description = load_robot(settings['robot_file'])
    task = make_task(
        settings['task'],
        description,
        interface=interface,
        period_s=period_s,
        **env_factory.mapping(settings['task_kwargs'], parameter='task_kwargs'),
    )
    with contextlib.ExitStack() as undo:
        topic_io = TopicIo(node)
        undo.callback(topic_io.close)
        robot = TopicRobot(
            topic_io.node,
            description,
            interface=interface,
            command_topic=node.resolve_topic_name('~/command'),
            guard=settings['guard'],
            bridge_id=bridge_id,
            first_epoch=first_epoch,
            secret=secret,
        )
        undo.callback(robot.close)
        _connect(robot, settings['connect_timeout'], give_up)
        render_mode = settings['render_mode'] or None
        if render_mode == 'auto':
            render_mode = 'rgb_array' if can_render(description, task) else None
        assistance = None
        if settings['reset_help_timeout']:
            assistance = TopicAssistance(
                topic_io.node, node, timeout_s=settings['reset_help_timeout']
            )
        most_steps = max(1, round(settings['episode_time'] / period_s))
        env: env_factory.Env = RobotEnv(
            robot,
            task,
            period_s=period_s,
            authority_s=authority_s,
            max_episode_steps=most_steps if settings['episode_time'] else None,
            render_mode=render_mode,
            assistance=assistance,
        )
        if settings['episode_time']:
            env = gymnasium.wrappers.TimeLimit(env, max_episode_steps=most_steps)
        env = env_factory.wrapped(env, settings['wrappers'])
        undo.pop_all()
    name = f'{settings["task"]} on {description.name}'
    return Hosting(env, name, period_s, authority_s, topic_io, robot.least_epoch)


def _connect(robot: TopicRobot, timeout_s: float, give_up: Callable[[], bool]) -> None:
    """Connect in slices, so that a signal need not wait for the time-out."""
    end_s = time.monotonic() + timeout_s
    while True:
        try:
            return robot.connect(timeout_s=min(CONNECT_SLICE_S, timeout_s))
        except RobotNotReady:
            if give_up() or time.monotonic() >= end_s:
                raise
