# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Steps over a plain rclpy service as most people write it: call, wait half a second, call again.

    python -m benchmarks.network.plain_service serve JOURNAL
    python -m benchmarks.network.plain_service call STEPS SECONDS OUT

Nothing of rl_bridge is in it but the message. The server notes each step that it makes.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import rclpy

from rl_bridge_interfaces.srv import Step

NAME = 'plain_step'
RETRY_S = 0.5
CONNECT_TIMEOUT_S = 60.0


def serve(journal: str) -> None:
    """Answer until SIGTERM."""
    rclpy.init()
    node = rclpy.create_node('plain_server')
    with Path(journal).open('ab', buffering=0) as file:

        def step(request: Any, response: Any) -> Any:
            file.write(np.asarray(request.action, np.float64).tobytes())
            response.step = request.step
            return response

        node.create_service(Step, NAME, step)
        rclpy.spin(node)


def call(steps: int, seconds: float, out: str) -> None:
    """Step until the number or the time is over; print how many steps were asked for."""
    rclpy.init()
    node = rclpy.create_node('plain_client')
    client = node.create_client(Step, NAME)
    assert client.wait_for_service(CONNECT_TIMEOUT_S), 'no plain service'
    end_s = time.monotonic() + seconds
    steps_ns = []
    for number in range(1, steps + 1):
        if time.monotonic() >= end_s:
            break
        begun_ns = time.monotonic_ns()
        while True:
            future = client.call_async(Step.Request(action=[float(number)], step=number))
            rclpy.spin_until_future_complete(node, future, timeout_sec=RETRY_S)
            if future.done():
                break
        steps_ns.append((begun_ns, time.monotonic_ns() - begun_ns))
    np.save(out, np.array(steps_ns, np.int64).reshape(-1, 2))
    print(json.dumps({'asked': len(steps_ns), 'answered': len(steps_ns)}))
    node.destroy_node()
    rclpy.shutdown()


def main() -> int:
    """Be one of the two."""
    verb, *words = sys.argv[1:]
    if verb == 'serve':
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        serve(words[0])
    else:
        call(int(words[0]), float(words[1]), words[2])
    return 0


if __name__ == '__main__':
    sys.exit(main())
