# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""``gymnasium.make('rl_bridge:RemoteRobot-v0', bridge='/robot_env')``."""

from __future__ import annotations

import gymnasium

ENV_ID = 'RemoteRobot-v0'


def register() -> None:
    """
    Register the remote env with Gymnasium; idempotent.

    By its path, so that importing ``rl_bridge`` imports neither the client nor ROS. No time limit:
    the robot side truncates. Not deterministic: it is a robot. Without Gymnasium's passive
    checker: where a first reset raised (somebody else held the robot, say) it would break the step
    after the second one.
    """
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(
            id=ENV_ID,
            entry_point='rl_bridge.client.remote_robot_env:RemoteRobotEnv',
            nondeterministic=True,
            disable_env_checker=True,
        )
