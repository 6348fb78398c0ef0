# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The client at the other end of a link, as a process: steps, times every step, goes on after errors.

    python -m benchmarks.network.stepper BRIDGE STEPS OUT [--first NUMBER] [--drive]
        [--pause-every STEPS] [--timeout SECONDS]

prints ``connected`` and waits for a line; then ``stepping`` at the first answered step after each
reset and the name of every error, in the end one JSON object. Begin and length in ns of each
answered step go to the file OUT.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from typing import Any

import gymnasium
import numpy as np

from rl_bridge.errors import BridgeError

CONNECT_TIMEOUT_S = 60.0
PAUSE_S = 2.0  # a learner's update
SPEED = 0.5  # rad/s
TURN_STEPS = 25
RESET_TIMEOUTS = 2


class Stepper:
    """
    Steps one remote environment.

    :param first: number of the first step.
    :param drive: whether it is a robot's; else the actions are the steps' numbers.
    :param pause_every: steps between two pauses as a learner makes them; 0 = none.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        first: int = 1,
        drive: bool = False,
        pause_every: int = 0,
    ) -> None:
        self._env = env
        self._first = first
        self._drive = drive
        self._pause_every = pause_every
        self.steps_ns: list[tuple[int, int]] = []
        self.events: Counter[str] = Counter()
        self.wrong = 0

    def run(self, steps: int) -> None:
        """Make as many steps, each with a number of its own, answered or not."""
        over, stepping = True, False
        for number in range(self._first, self._first + steps):
            if self._pause_every and number % self._pause_every == 0:
                time.sleep(PAUSE_S)
                self.events['pauses'] += 1
            try:
                if over:
                    self.events['resets'] += 1
                    self._env.reset()
                    over = stepping = False
                over = self._step(number)
                if not stepping:
                    stepping = True
                    print('stepping', flush=True)
            except BridgeError as error:
                self.events[type(error).__name__] += 1
                print(type(error).__name__, flush=True)
                print(f'step {number}: {error}', file=sys.stderr)
                over = True

    def _step(self, number: int) -> bool:
        action = np.array([float(number)])
        if self._drive:
            speed = SPEED if number // TURN_STEPS % 2 else -SPEED
            action = np.full(self._env.action_space.shape or (), speed)
        begun_ns = time.monotonic_ns()
        observation, _, terminated, truncated, info = self._env.step(action)
        self.steps_ns.append((begun_ns, time.monotonic_ns() - begun_ns))
        self.wrong += not self._drive and int(observation[0]) != number
        if 'stop_reason' in info:
            self.events[info['stop_reason']] += 1
        if 'held_ms' in info:
            self.events['held'] += 1
        return terminated or truncated


def main() -> int:
    """Connect, step, report."""
    parser = argparse.ArgumentParser()
    parser.add_argument('bridge')
    parser.add_argument('steps', type=int)
    parser.add_argument('out')
    parser.add_argument('--first', type=int, default=1)
    parser.add_argument('--drive', action='store_true')
    parser.add_argument('--pause-every', type=int, default=0)
    parser.add_argument('--timeout', type=float, default=5.0)
    asked = parser.parse_args()
    begun_s = time.monotonic()
    env = gymnasium.make(
        'rl_bridge:RemoteRobot-v0',
        bridge=asked.bridge,
        timeout_s=asked.timeout,
        reset_timeout_s=RESET_TIMEOUTS * asked.timeout,
        connect_timeout_s=CONNECT_TIMEOUT_S,
    )
    connected_s = time.monotonic() - begun_s
    stepper = Stepper(env, first=asked.first, drive=asked.drive, pause_every=asked.pause_every)
    print('connected', flush=True)
    sys.stdin.readline()
    begun_s = time.monotonic()
    try:
        stepper.run(asked.steps)
        took_s = time.monotonic() - begun_s
    finally:
        env.close()
        np.save(asked.out, np.array(stepper.steps_ns, np.int64).reshape(-1, 2))
    print(json.dumps({
        'asked': asked.steps,
        'answered': len(stepper.steps_ns),
        'wrong': stepper.wrong,
        'connected_s': connected_s,
        'took_s': took_s,
        'events': dict(stepper.events),
    }))  # fmt: skip
    return 0


if __name__ == '__main__':
    sys.exit(main())
