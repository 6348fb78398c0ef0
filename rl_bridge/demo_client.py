# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The client of the demo's faults: it sweeps the arm to and fro until it is told of a stop."""

from __future__ import annotations

import sys
from itertools import count
from typing import Any

import gymnasium

from rl_bridge.errors import BridgeError

SWEEP_STEPS = 40
MOVING_STEPS = 10
MOVING = 'moving'
CALL_TIMEOUT_S = 3.0
CONNECT_TIMEOUT_S = 60.0  # the bridge may have been killed and be starting again


def main(bridge: str) -> None:
    """Say ``MOVING`` once the arm sweeps, and then what the client was told of the fault."""
    env = gymnasium.make(
        'rl_bridge:RemoteRobot-v0',
        bridge=bridge,
        timeout_s=CALL_TIMEOUT_S,
        connect_timeout_s=CONNECT_TIMEOUT_S,
        takeover=True,  # the lease of a client that was killed may still run
    )
    try:
        print('truncated,', _sweep(env))
    except BridgeError as error:
        print(type(error).__name__)
    finally:
        env.close()


def _sweep(env: gymnasium.Env[Any, Any]) -> str:
    """Step until a stop; return its reason."""
    for seed in count():
        env.reset(seed=seed)
        for step in count():
            sign = 1 if step % (2 * SWEEP_STEPS) < SWEEP_STEPS else -1
            _, _, terminated, truncated, info = env.step(sign * env.action_space.high)  # type: ignore[attr-defined]
            if step == MOVING_STEPS:
                print(MOVING, flush=True)
            if 'stop_reason' in info:
                return str(info['stop_reason'])
            if terminated or truncated:
                break
    raise AssertionError('unreachable')


if __name__ == '__main__':
    main(sys.argv[1])
