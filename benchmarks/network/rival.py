# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
One of two clients that take the lease over from each other as fast as they can.

    python -m benchmarks.network.rival BRIDGE NAME TAKEOVERS

Takes the lease over, steps until it has lost it, and does so again, as often as asked for. Prints
one JSON object.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from typing import Any

import numpy as np

from rl_bridge.client import RemoteRobotEnv
from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.errors import BridgeError, SessionLost

CONNECT_TIMEOUT_S = 60.0
LONGEST_WAIT_S = 0.06  # more than a control period, so that a takeover meets any part of a step
SPEED = 0.5  # rad/s
MOST_STEPS = 50  # 2 s without a takeover: the other one has had its number of them


def main() -> int:
    """Take over, step, lose, again."""
    bridge, name, takeovers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    chance = random.Random(name)
    events: Counter[str] = Counter()
    transport = RosTransport(bridge)
    transport.get_specs(timeout_s=CONNECT_TIMEOUT_S)
    print('connected', flush=True)
    sys.stdin.readline()  # both begin together
    begun_s = time.monotonic()
    speed = SPEED if name < 'b' else -SPEED
    try:
        while events['takeovers'] < takeovers:
            # Half of the time at once, half of the time somewhere in the other's step.
            time.sleep(chance.choice((0.0, chance.uniform(0.0, LONGEST_WAIT_S))))
            race(transport, name, speed, events)
    finally:
        took_s = time.monotonic() - begun_s
        transport.close()
    print(json.dumps({'took_s': took_s, 'events': dict(events)}))
    return 0


def race(transport: RosTransport, name: str, speed: float, events: Counter[str]) -> None:
    """Take the lease over and step until it is lost, or the other one seems to have ended."""
    env = RemoteRobotEnv(transport=transport, client_id=name, takeover=True)
    try:
        env.reset()
        events['takeovers'] += 1
        action = np.full(env.action_space.shape or (), speed)
        for _ in range(MOST_STEPS):
            over: Any = env.step(action)[2:4]
            events['steps'] += 1
            if any(over):
                events['truncated'] += 1
                return
    except SessionLost:
        events['lost'] += 1
    except BridgeError as error:
        events[type(error).__name__] += 1
        print(f'{name}: {error}', file=sys.stderr)
    finally:
        env.close()


if __name__ == '__main__':
    sys.exit(main())
