# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Checks of an environment: that its parts fit together, and that an action is one."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.robots.robot import Robot
from rl_bridge.tasks.task import Task
from rl_bridge.types import FloatArray, RobotDescription


def checked_action(action: Any, space: gymnasium.Space[Any]) -> Any:
    """
    Return the action if it lies in the space; of a Box it may have any numeric type.

    :raises LimitError: it does not.
    """
    checked = action
    if isinstance(space, gymnasium.spaces.Box):
        try:
            checked = np.array(action, dtype=space.dtype)
        except (TypeError, ValueError, OverflowError):
            checked = None
    if checked is None or not space.contains(checked):
        raise LimitError(f'The action {action!r} lies outside {space}; nothing moved.')
    return checked


def checked_start(start: Any, description: RobotDescription) -> FloatArray:
    """
    Return the joint positions that a task begins at, shape (joints,), rad or m.

    :raises ConfigError: they are malformed, not finite or outside the robot's limits.
    """
    limits = description.limits
    try:
        found = np.array(start, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if found.shape != limits.position_lower.shape or not np.isfinite(found).all():
        raise ConfigError(
            f'The task begins at {start!r}; it must be {len(description.joints)} finite numbers, '
            f'one for each joint.'
        )
    inside = (found >= limits.position_lower) & (found <= limits.position_upper)
    if not inside.all():
        i = int(inside.argmin())
        raise ConfigError(
            f'The task begins with {description.joints[i]} at {found[i]:.6g}, outside its limits '
            f'[{limits.position_lower[i]:g}, {limits.position_upper[i]:g}]; nothing moved.'
        )
    return found


def check_parts(
    robot: Robot, task: Task, *, period_s: float, authority_s: float, render_mode: str | None
) -> None:
    """
    Check that robot, task and times fit together.

    :raises ConfigError: they do not.
    """
    if robot.interface != task.interface:
        raise ConfigError(
            f'The robot takes {robot.interface} commands, the task gives {task.interface} '
            f'commands: make both for the same interface.'
        )
    meant_s = getattr(task, 'period_s', period_s)
    if abs(meant_s - period_s) > 1e-9:
        raise ConfigError(
            f'The task is made for a control period of {meant_s:g} s, the environment has '
            f'{period_s:g} s: give both the same.'
        )
    if not (np.isfinite(authority_s) and (robot.lock_step or authority_s > period_s)):
        raise ConfigError(
            f'The motion authority is {authority_s:g} s; it must be longer than the control '
            f'period of {period_s:g} s, or the robot stops in every period.'
        )
    if render_mode not in (None, 'rgb_array'):
        raise ConfigError(f"The render mode is None or 'rgb_array', not {render_mode!r}.")
    if render_mode and not can_render(robot.description, task):
        raise ConfigError(
            f'A picture needs the DH table of {robot.description.name}: add dh to its file, or '
            f'set no render mode.'
        )


def can_render(description: RobotDescription, task: Task) -> bool:
    """Return whether there is a picture: the task's own, or that of an arm with a DH table."""
    return description.dh is not None or hasattr(task, 'picture')
