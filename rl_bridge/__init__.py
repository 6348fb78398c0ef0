# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Any ROS 2 robot as a Gymnasium environment.

Importing this package registers ``RemoteRobot-v0``, the client of a bridge, and the environments it ships.
"""

from rl_bridge.client.registration import register as _register_client

__version__ = '0.1.0'

_register_client()
