# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Any task of an arm on any simulated arm in this process: what the ready ids are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.robot_file import load_robot
from rl_bridge.sim.gap import Gap
from rl_bridge.sim.in_process_robot import SimulatedRobot
from rl_bridge.tasks.catalogue import make_task

PERIOD_S = 0.04  # 25 Hz
EPISODE_STEPS = 100  # 4 s


def make_arm_env(
    *,
    task: str,
    robot: str | None = None,
    interface: str = 'velocity',
    period_s: float = PERIOD_S,
    max_episode_steps: int | None = EPISODE_STEPS,
    gap: Mapping[str, Any] | None = None,
    render_mode: str | None = None,
    **task_options: Any,
) -> RobotEnv:
    """
    Make a task on a simulated arm in this process, in lock-step.

    :param task: its name, see ``tasks.catalogue``.
    :param robot: a robot file with a DH table: a path, or the name of one in config/; None = the
        UR5e, for which no file is read.
    :param interface: 'velocity' or 'position'.
    :param period_s: the control period, s.
    :param max_episode_steps: where the robot comes to rest; that of the TimeLimit around this.
    :param gap: how the simulated arm differs from its model, keywords of ``sim.gap.Gap``.
    :param render_mode: None or 'rgb_array'.
    :param task_options: further keyword arguments of the task.
    :raises ConfigError: a value cannot be used, or MuJoCo is not installed.
    """
    simulated = SimulatedRobot(
        interface=interface,
        description=None if robot is None else load_robot(robot),
        gap=None if gap is None else Gap(**gap),
    )
    made = make_task(
        task, simulated.description, interface=interface, period_s=period_s, **task_options
    )
    return RobotEnv(
        simulated,
        made,
        period_s=period_s,
        authority_s=3 * period_s,
        max_episode_steps=max_episode_steps,
        render_mode=render_mode,
    )
