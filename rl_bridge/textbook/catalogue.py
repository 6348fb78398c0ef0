# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The textbook environments' ids, registered with Gymnasium; nothing of them is imported early."""

from __future__ import annotations

from typing import Any

import gymnasium

_HERE = 'rl_bridge.textbook.'

#: id: entry point, steps after which Gymnasium's TimeLimit truncates (None: never), keyword
#: arguments
ENVS: dict[str, tuple[str, int | None, dict[str, Any]]] = {
    'GridWorld-v0': ('grid_world:GridWorld', 100, {}),
    'CartTarget-v0': ('cart_target:CartTarget', 200, {}),
    'CartTargetContinuous-v0': ('cart_target:CartTargetContinuous', 200, {}),
    'BalancingPole-v0': ('balancing_pole:BalancingPole', 500, {}),
    'TwoLinkArm-v0': ('two_link_arm:TwoLinkArm', 250, {}),
    'DoublePendulum-v0': ('double_pendulum:DoublePendulum', 200, {'asynchronous': True}),
    'DoublePendulumLockStep-v0': (
        'double_pendulum:DoublePendulum', 200, {'asynchronous': False},
    ),
    # One agent of a team: the team ends its episodes.
    'PlanarCart-v0': ('planar_cart:PlanarCart', None, {}),
    # The team's own limit: its collision penalty depends on the steps left.
    'MultiCartJoint-v0': ('multi_cart_joint:MultiCartJoint', None, {}),
}  # fmt: skip


def register_all() -> None:
    """Register every textbook environment that is not registered yet."""
    for name, (entry_point, steps, kwargs) in ENVS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point=_HERE + entry_point,
                max_episode_steps=steps,
                kwargs=dict(kwargs),
                nondeterministic=kwargs.get('asynchronous', False),
            )
