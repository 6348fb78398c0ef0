# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The client that the demo kills: it sweeps the arm to and fro until it is ended."""

from __future__ import annotations

import sys
from itertools import count

import gymnasium

SWEEP_STEPS = 40
MOVING_STEPS = 10
MOVING = 'moving'


def main(bridge: str) -> None:
    """Step the bridge for ever; say ``MOVING`` once the arm sweeps."""
    env = gymnasium.make('rl_bridge:RemoteRobot-v0', bridge=bridge)
    for seed in count():
        env.reset(seed=seed)
        for step in count():
            sign = 1 if step % (2 * SWEEP_STEPS) < SWEEP_STEPS else -1
            _, _, terminated, truncated, _ = env.step(sign * env.action_space.high)  # type: ignore[attr-defined]
            if step == MOVING_STEPS:
                print(MOVING, flush=True)
            if terminated or truncated:
                break


if __name__ == '__main__':
    main(sys.argv[1])
