# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The rig's client: a learner that drives, pauses and takes over on demand."""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.rig.panel import ClientPanel, Wish
from rl_bridge.client.remote_robot_env import RemoteRobotEnv
from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.errors import RlBridgeError

LOOK_S = 0.001
AFTER_ERROR_S = 0.02
TIMEOUT_S = 0.5
RESET_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 30.0


def learn(panel: ClientPanel, *, bridge: str, client_id: str) -> None:
    """
    Do what the panel wishes, until the process is killed.

    Its first reset takes the lease over; one connection serves all its environments.
    """
    transport = RosTransport(bridge)
    while True:
        try:
            env = RemoteRobotEnv(
                bridge,
                transport=transport,
                client_id=client_id,
                takeover=True,
                timeout_s=TIMEOUT_S,
                reset_timeout_s=RESET_TIMEOUT_S,
                connect_timeout_s=CONNECT_TIMEOUT_S,
            )
        except RlBridgeError as error:
            _say(error)
            continue
        panel.ready = 1
        while panel.wish == Wish.WAIT:
            time.sleep(LOOK_S)
        panel.ready = 0
        _drive(panel, env)
        env.close()


def _drive(panel: ClientPanel, env: RemoteRobotEnv) -> None:
    """Step until told to wait; an episode that ends is followed by another if that is wished."""
    over = True
    while panel.wish != Wish.WAIT:
        if panel.wish == Wish.PAUSE and not over:
            panel.paused_ns = panel.paused_ns or time.monotonic_ns()
            time.sleep(LOOK_S)
            continue
        if over and not panel.again:
            time.sleep(LOOK_S)
            continue
        panel.paused_ns = 0
        try:
            if over:
                panel.asked_ns = time.monotonic_ns()
                env.reset(options={'in_place': True})
                panel.resets += 1
                over = False
                continue
            action = np.full(env.action_space.shape or (), panel.direction)
            _, _, terminated, truncated, info = env.step(action)
            panel.steps += 1
            panel.held += 'held_ms' in info
            over = terminated or truncated
            panel.stops += 'stop_reason' in info
        except RlBridgeError as error:
            panel.errors += 1
            _say(error)
            over = True
            time.sleep(AFTER_ERROR_S)


def _say(error: Exception) -> None:
    print(f'{time.monotonic():.3f} {type(error).__name__}: {error}', file=sys.stderr, flush=True)
