# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Stable-Baselines3's PPO on a bridge, as on any other Gymnasium environment.

    rl_bridge up --no-sim --no-guard --namespace cartpole -p env:=CartPole-v1
    python examples/train_sb3.py /cartpole/robot_env --steps 4096

On a robot the episode simply goes on where PPO pauses to learn: the guard holds the robot, and the
next step resumes (``info['held_ms']`` tells for how long it was held).
"""

from __future__ import annotations

import argparse

import gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('bridge', nargs='?', default='/robot_env')
    parser.add_argument('--steps', type=int, default=4096)
    parser.add_argument('--rollout', type=int, default=512, help='steps between two updates')
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()

    env = Monitor(gymnasium.make('rl_bridge:RemoteRobot-v0', bridge=options.bridge))
    try:
        model = PPO('MlpPolicy', env, n_steps=options.rollout, seed=options.seed, device='cpu')
        before, _ = evaluate_policy(model, env, n_eval_episodes=5)
        model.learn(options.steps)
        after, _ = evaluate_policy(model, env, n_eval_episodes=5)
        print(f'mean return of 5 episodes: {before:.1f} before, {after:.1f} after')
    finally:
        env.close()


if __name__ == '__main__':
    main()
