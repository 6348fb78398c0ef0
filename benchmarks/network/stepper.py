# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The client of a lossy link, as a process: steps, times every one, and goes on after every error.

    python -m benchmarks.network.stepper BRIDGE STEPS OUT [numbered|reach]

Writes ``OUT.npy``, the seconds of each step that was answered, and prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any

import gymnasium
import numpy as np

from rl_bridge.errors import BridgeError
from rl_bridge.tasks.scripted import ReachController

CONNECT_TIMEOUT_S = 60.0


class Stepper:
    """
    Steps one remote environment.

    :param numbered: whether the environment's actions are the steps' numbers.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], *, numbered: bool) -> None:
        self._env = env
        self._numbered = numbered
        self._controller = None if numbered else ReachController(env.action_space)
        self.step_s: list[float] = []
        self.events: Counter[str] = Counter()
        self.wrong = 0

    def run(self, steps: int) -> None:
        """Make as many steps, each with a number of its own, answered or not."""
        observation, over = None, True
        for number in range(1, steps + 1):
            try:
                if over:
                    self.events['resets'] += 1
                    observation, _ = self._env.reset()
                    over = False
                observation, over = self._step(number, observation)
            except BridgeError as error:
                self.events[type(error).__name__] += 1
                print(f'step {number}: {error}', file=sys.stderr)
                over = True

    def _step(self, number: int, observation: Any) -> tuple[Any, bool]:
        if self._controller is None:
            action: Any = np.array([float(number)])
        else:
            action = self._controller(observation)
        begun_s = time.perf_counter()
        observation, _, terminated, truncated, info = self._env.step(action)
        self.step_s.append(time.perf_counter() - begun_s)
        self.wrong += self._numbered and int(observation[0]) != number
        if 'stop_reason' in info:
            self.events[info['stop_reason']] += 1
        if 'held_ms' in info:
            self.events['held'] += 1
        return observation, terminated or truncated


def main() -> int:
    """Connect, step, report."""
    bridge, steps, out, *kind = sys.argv[1:]
    begun_s = time.monotonic()
    env = gymnasium.make(
        'rl_bridge:RemoteRobot-v0', bridge=bridge, connect_timeout_s=CONNECT_TIMEOUT_S
    )
    connected_s = time.monotonic() - begun_s
    stepper = Stepper(env, numbered=kind != ['reach'])
    begun_s = time.monotonic()
    try:
        stepper.run(int(steps))
    finally:
        env.close()
        np.save(out, np.array(stepper.step_s))
    print(json.dumps({
        'asked': int(steps),
        'answered': len(stepper.step_s),
        'wrong': stepper.wrong,
        'connected_s': connected_s,
        'took_s': time.monotonic() - begun_s,
        'events': dict(stepper.events),
    }))  # fmt: skip
    return 0


if __name__ == '__main__':
    sys.exit(main())
