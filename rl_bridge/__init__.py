# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Any ROS 2 robot as a Gymnasium environment.

Importing this package registers ``RemoteRobot-v0``, the client of a bridge, and the environments
it ships.
"""

from rl_bridge.client.registration import register as _register_client
from rl_bridge.envs.catalogue import register_all as _register_envs
from rl_bridge.textbook.catalogue import register_all as _register_textbook

__version__ = '0.1.0'

_register_client()
_register_envs()
_register_textbook()
