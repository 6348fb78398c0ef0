# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The side of the learner: Gymnasium environments whose robot is elsewhere."""

from __future__ import annotations

from rl_bridge.client.loopback_transport import LoopbackTransport
from rl_bridge.client.remote_robot_env import RemoteRobotEnv
from rl_bridge.client.transport import Transport

__all__ = ['LoopbackTransport', 'RemoteRobotEnv', 'Transport']
