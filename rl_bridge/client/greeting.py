# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The first words to a bridge, before anything that counts.

A service shows in the graph before the bridge knows the way back to this client; what it answers
until then is lost. So each service is greeted, with a request that no bridge does anything for,
until it has answered: then both ways are known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from rl_bridge.client.call_paths import WAIT_SLICE_S, CallPath
from rl_bridge.types import GREETING

GREET_AGAIN_S = 0.05
# Every bridge of a name answers within this, where more than one is visible; one may be dead.
ROLL_CALL_S = 0.3


def greet(
    path: CallPath, clients: Iterable[Any], *, end_s: float, is_over: Callable[[], bool]
) -> bool:
    """
    Have each service answer once.

    :param clients: an ``rclpy.client.Client`` for each service.
    :param end_s: monotonic time at which to give up.
    :return: false if one did not answer.
    """
    for client in clients:
        reply = path.call(
            client, _greeting(client.srv_type.Request()), lambda reply: True,
            timeout_s=max(end_s - time.monotonic(), WAIT_SLICE_S), again_s=GREET_AGAIN_S,
            is_over=is_over)
        if reply is None:
            return False
    return True


def _greeting(request: Any) -> Any:
    if hasattr(request, 'session'):  # all but get_specs, which does nothing anyway
        request.session = GREETING
    return request


def roll_call(path: CallPath, get_specs: Any, *, is_over: Callable[[], bool]) -> set[str]:
    """
    Ask every bridge of the name for its id; one that is still unconfigured has none.

    :param get_specs: the client of that service.
    """
    found: set[str] = set()

    def note(reply: Any) -> bool:
        found.add(reply.bridge_id)
        return False

    path.call(
        get_specs, get_specs.srv_type.Request(), note, timeout_s=ROLL_CALL_S,
        again_s=GREET_AGAIN_S, is_over=is_over)
    return found - {''}
