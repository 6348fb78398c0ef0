# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Ready environments, registered with Gymnasium; nothing of them is imported before use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gymnasium

if TYPE_CHECKING:
    from rl_bridge.envs.robot_env import RobotEnv

PERIOD_S = 0.04  # 25 Hz
EPISODE_STEPS = 100  # 4 s
REACH_JOINTS = {'UrReacher2-v0': 2, 'UrReacher6-v0': 6}
# Keyword arguments of `envs.arm_env.make_arm_env`.
ARM_ENVS: dict[str, dict[str, Any]] = {
    'ScaraReach-v0': {'task': 'reach', 'robot': 'scara.yaml', 'setup': 'scara'},
    'Modular6Reach-v0': {'task': 'reach', 'robot': 'modular6.yaml', 'setup': 'modular6'},
    # Upright and bent, clear of everything: where the simulated UR5e stands, too.
    'JointReach-v0': {
        'task': 'joint_reach',
        'reference': (0.0, -1.5707963, 1.5707963, -1.5707963, -1.5707963, 0.0),
    },
    'TrackTarget-v0': {'task': 'track', 'setup': 'ur5e_6'},
}


def register_all() -> None:
    """Register every environment of this catalogue that is not registered yet."""
    for name, joints in REACH_JOINTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point='rl_bridge.envs.catalogue:make_ur_reacher',
                max_episode_steps=EPISODE_STEPS,
                kwargs={'joints': joints},
            )
    for name, kwargs in ARM_ENVS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point='rl_bridge.envs.arm_env:make_arm_env',
                max_episode_steps=EPISODE_STEPS,
                kwargs=kwargs,
            )
    if 'CameraReach-v0' not in gymnasium.registry:
        gymnasium.register(
            id='CameraReach-v0',
            entry_point='rl_bridge.envs.camera_reach:make_camera_reach',
            max_episode_steps=EPISODE_STEPS,
        )
    if 'DriveToGoal-v0' not in gymnasium.registry:
        gymnasium.register(
            id='DriveToGoal-v0',
            entry_point='rl_bridge.envs.drive_to_goal:make_drive_to_goal',
            max_episode_steps=1000,
        )


def make_ur_reacher(
    *,
    joints: int,
    interface: str = 'velocity',
    period_s: float = PERIOD_S,
    weights: Mapping[str, float] | None = None,
    gap: Mapping[str, Any] | None = None,
    render_mode: str | None = None,
    **task_options: Any,
) -> RobotEnv:
    """
    Make the reach task on a simulated UR5e in this process, in lock-step.

    :param joints: 2 or 6.
    :param interface: 'velocity' or 'position'.
    :param period_s: the control period, s.
    :param weights: reward weights that differ from ``tasks.reach.WEIGHTS``.
    :param gap: how the simulated arm differs from its model, keywords of ``sim.gap.Gap``.
    :param render_mode: None or 'rgb_array'.
    :param task_options: further keyword arguments of ``tasks.reach.ReachTask``.
    :raises ConfigError: a value cannot be used, or MuJoCo is not installed.
    """
    from rl_bridge.envs.robot_env import RobotEnv
    from rl_bridge.sim.gap import Gap
    from rl_bridge.sim.in_process_robot import SimulatedRobot
    from rl_bridge.tasks.reach import ReachTask

    robot = SimulatedRobot(interface=interface, gap=None if gap is None else Gap(**gap))
    task = ReachTask(
        robot.description,
        joints=joints,
        interface=interface,
        period_s=period_s,
        weights=weights,
        **task_options,
    )
    return RobotEnv(
        robot,
        task,
        period_s=period_s,
        authority_s=3 * period_s,
        max_episode_steps=EPISODE_STEPS,
        render_mode=render_mode,
    )
