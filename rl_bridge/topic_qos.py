# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The quality of service of rl_bridge's topics, in one place: both ends of a topic have to fit.

Services but the bridge's keep ROS 2's own (reliable, volatile, 10). What is not here is a plain
depth: reliable.
"""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _qos(reliability: ReliabilityPolicy, *, depth: int = 1, latched: bool = False) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


#: A state that is true until the next one, for those who come late too: the statuses.
LATCHED = _qos(ReliabilityPolicy.RELIABLE, latched=True)
#: The same for a listener that may not miss one, or hears several who tell it.
LATCHED_EACH = _qos(ReliabilityPolicy.RELIABLE, depth=10, latched=True)
#: Only the newest counts, and it should arrive: a client's heartbeat.
NEWEST = _qos(ReliabilityPolicy.RELIABLE)
#: Only the newest counts, and the next one comes soon: a robot's state. Fits every publisher.
STATE = _qos(ReliabilityPolicy.BEST_EFFORT)
#: What one client sends is not pushed out by what others send meanwhile: requests, heartbeats.
OF_MANY = _qos(ReliabilityPolicy.RELIABLE, depth=100)
#: Each one counts: commands to the guard.
EACH = _qos(ReliabilityPolicy.RELIABLE, depth=10)
#: A regular sign of life, of which any counts: the bridge's tick.
TICK = _qos(ReliabilityPolicy.BEST_EFFORT, depth=10)
