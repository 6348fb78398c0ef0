# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reads back from a node's own writer whether rl_bridge's Fast DDS profile is in effect."""

from __future__ import annotations

import time

from rclpy.node import Node
from rclpy.utilities import get_rmw_implementation_identifier

from rl_bridge.dds_profile import MARK_NS, Profile, not_in_effect

READ_BACK_S = 2.0  # the graph shows a process's own writers at once; a busy machine takes longer


def profile_problem(node: Node, topic: str, *, profile: Profile, way_out: str) -> str:
    """
    Return why the profile is not in effect as one sentence; an empty string if it is.

    Other middlewares than Fast DDS have settings of their own: nothing is checked there.

    :param topic: of one of the node's publishers, with its whole name.
    :param profile: what :func:`rl_bridge.dds_profile.use_profile` returned.
    :param way_out: how to go on without the profile.
    """
    if 'fastrtps' not in get_rmw_implementation_identifier():
        return ''
    end_s = time.monotonic() + READ_BACK_S
    while True:
        lifespans = _own_lifespans(node, topic)
        if lifespans or time.monotonic() >= end_s:
            break
        time.sleep(0.01)
    if lifespans == {MARK_NS}:
        return ''
    return not_in_effect(profile, way_out=way_out)


def _own_lifespans(node: Node, topic: str) -> set[int]:
    return {
        info.qos_profile.lifespan.nanoseconds
        for info in node.get_publishers_info_by_topic(topic)
        if (info.node_name, info.node_namespace) == (node.get_name(), node.get_namespace())
    }
