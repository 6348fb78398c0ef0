# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The ready environment ``DriveToGoal-v0``: the drive task on a simulated base."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.sim.base import SimulatedBase
from rl_bridge.sim.gap import Gap
from rl_bridge.sim.in_process_base import OBSTACLES, SimulatedBaseRobot, diff_drive_description
from rl_bridge.sim.room import furnished
from rl_bridge.tasks.drive import DriveTask

PERIOD_S = 0.04  # 25 Hz
EPISODE_STEPS = 1000  # 40 s


def make_drive_to_goal(
    *,
    interface: str = 'velocity',
    period_s: float = PERIOD_S,
    obstacles: int = OBSTACLES,
    room: int = 0,
    carry_back: bool = True,
    gap: Mapping[str, Any] | None = None,
    range_noise: float = 0.0,
    weights: Mapping[str, float] | None = None,
    render_mode: str | None = None,
    **task_options: Any,
) -> RobotEnv:
    """
    Make the drive task on a simulated base in this process, in lock-step.

    :param interface: 'velocity'.
    :param period_s: the control period, s.
    :param obstacles: how many cylinders stand in the room.
    :param room: seed of where they stand.
    :param carry_back: whether every episode begins at the middle of the room; False = where the
        last one ended.
    :param gap: how the simulated base differs from its model, keywords of ``sim.gap.Gap``.
    :param range_noise: standard deviation of the laser's rays, m.
    :param weights: reward weights that differ from ``tasks.drive.WEIGHTS``.
    :param render_mode: None or 'rgb_array'.
    :param task_options: further keyword arguments of ``tasks.drive.DriveTask``.
    :raises ConfigError: a value cannot be used, or MuJoCo is not installed.
    """
    description = diff_drive_description()
    base = SimulatedBase(
        obstacles=furnished(count=obstacles, seed=room),
        range_noise=range_noise,
        gap=Gap(**(gap or {})),
    )
    robot = SimulatedBaseRobot(
        interface=interface, description=description, base=base, carry_back=carry_back
    )
    task = DriveTask(
        description, interface=interface, period_s=period_s, weights=weights, **task_options
    )
    return RobotEnv(
        robot,
        task,
        period_s=period_s,
        authority_s=3 * period_s,
        max_episode_steps=EPISODE_STEPS,
        render_mode=render_mode,
    )
