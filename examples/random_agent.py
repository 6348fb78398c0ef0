# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Random actions for a few episodes on any bridge.

    python examples/random_agent.py /robot_env --episodes 2
"""

from __future__ import annotations

import argparse

import gymnasium


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('bridge', nargs='?', default='/robot_env')
    parser.add_argument('--episodes', type=int, default=1)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()

    env = gymnasium.make('rl_bridge:RemoteRobot-v0', bridge=options.bridge)
    env.action_space.seed(options.seed)
    try:
        for episode in range(options.episodes):
            env.reset(seed=options.seed + episode)
            steps, total, over, info = 0, 0.0, False, {}
            while not over:
                _, reward, terminated, truncated, info = env.step(env.action_space.sample())
                steps, total, over = steps + 1, total + reward, terminated or truncated
            stop = info.get('stop_reason', 'none')
            print(f'episode {episode}: {steps} steps, return {total:.2f}, stop reason {stop}')
    finally:
        env.close()  # gives the lease back; the robot comes to rest


if __name__ == '__main__':
    main()
