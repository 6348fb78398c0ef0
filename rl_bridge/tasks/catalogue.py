# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Tasks by name: the ready ones, those that other packages offer, and any class by its place.

A package offers a task under a name by an entry point of the group ``rl_bridge.tasks``:
``push = my_package.tasks:PushTask``. The ready ones come first.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from rl_bridge.errors import ConfigError
from rl_bridge.tasks.task import Task
from rl_bridge.types import RobotDescription

GROUP = 'rl_bridge.tasks'
# Imported when it is made: a base needs nothing of arms.
TASKS = {
    'reach': 'rl_bridge.tasks.reach:ReachTask',
    'camera_reach': 'rl_bridge.tasks.camera_reach:CameraReachTask',
    'joint_reach': 'rl_bridge.tasks.joint_reach:JointReachTask',
    'track': 'rl_bridge.tasks.track:TrackTask',
    'drive': 'rl_bridge.tasks.drive:DriveTask',
}


def make_task(
    name: str,
    description: RobotDescription,
    *,
    interface: str,
    period_s: float = 0.04,
    **options: Any,
) -> Task:
    """
    Make a task by its name.

    :param name: one of ``TASKS``, one that an entry point offers, or 'my_module:MyTask'; called as
        ``ReachTask`` is.
    :param description: the robot it is for.
    :param interface: 'velocity' or 'position'.
    :param period_s: the control period, s.
    :param options: keyword arguments of the task itself.
    :raises ConfigError: there is no such task, or it refuses these arguments.
    """
    kind = _imported(TASKS.get(name, name))
    try:
        task: Task = kind(description, interface=interface, period_s=period_s, **options)
    except TypeError as error:
        raise ConfigError(f'The task {name!r} refuses its arguments: {error}.') from error
    return task


def _imported(name: str) -> Any:
    module, colon, attribute = name.partition(':')
    try:
        if colon:
            return getattr(importlib.import_module(module), attribute)
        offered = {point.name: point for point in entry_points(group=GROUP)}
        if name in offered:
            return offered[name].load()
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f'The task {name!r} cannot be imported: {error}.') from error
    known = ', '.join(repr(task) for task in [*TASKS, *sorted(offered)])
    raise ConfigError(f"There is no task {name!r}; there is {known}, or write 'my_module:MyTask'.")
