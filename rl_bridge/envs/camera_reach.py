# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The camera reach task on a simulated UR5e in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rl_bridge.envs.robot_env import RobotEnv

PERIOD_S = 0.04  # 25 Hz
EPISODE_STEPS = 100  # 4 s


def make_camera_reach(
    *,
    width: int = 160,
    height: int = 120,
    view: Mapping[str, object] | None = None,
    interface: str = 'velocity',
    period_s: float = PERIOD_S,
    render_mode: str | None = None,
    **task_options: Any,
) -> RobotEnv:
    """
    Make the camera reach task on a simulated UR5e in this process, in lock-step.

    :param width: of the pictures, pixels; ``config/camera_reach.yaml`` has 640 x 480.
    :param height: of the pictures, pixels.
    :param view: where the camera is, see ``tasks.camera_reach.CameraReachTask``.
    :param interface: 'velocity' or 'position'.
    :param period_s: the control period, s.
    :param render_mode: None or 'rgb_array'.
    :param task_options: further keyword arguments of ``tasks.reach.ReachTask``.
    :raises ConfigError: a value cannot be used, or MuJoCo is not installed.
    """
    from rl_bridge.envs.robot_env import RobotEnv
    from rl_bridge.sim.camera_robot import SimulatedCameraRobot
    from rl_bridge.tasks.camera_reach import CameraReachTask

    robot = SimulatedCameraRobot(width=width, height=height, view=view, interface=interface)
    task = CameraReachTask(
        robot.description, view=view, interface=interface, period_s=period_s, **task_options
    )
    return RobotEnv(
        robot,
        task,
        period_s=period_s,
        authority_s=3 * period_s,
        max_episode_steps=EPISODE_STEPS,
        render_mode=render_mode,
    )
