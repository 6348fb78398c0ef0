# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a spawned worker of the client's tests imports."""

from __future__ import annotations

from rl_bridge.client import RemoteRobotEnv


def make() -> RemoteRobotEnv:
    """Connect to the stub bridge."""
    return RemoteRobotEnv('/cell/robot_env')
