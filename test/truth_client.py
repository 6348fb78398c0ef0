# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A client in a process of its own, for whatever may happen to one; it says how it ended."""

from __future__ import annotations

import sys

import gymnasium
import numpy as np


def main(bridge: str) -> None:
    env = gymnasium.make('rl_bridge:RemoteRobot-v0', bridge=bridge, timeout_s=5.0)
    observation, _ = env.reset()
    action = np.where(observation > 0.0, -0.4, 0.4)
    try:
        for step in range(100_000):
            if step == 5:
                print('moving', flush=True)
            if env.step(action)[3]:
                print('truncated', flush=True)
                return
    except BaseException as error:
        print(type(error).__name__, flush=True)
    finally:
        env.close()


if __name__ == '__main__':
    main(sys.argv[1])
