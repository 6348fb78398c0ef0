# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Sends answers, so that a client that is gone, or one that floods, holds up nobody else.

An answer to a client that has gone with requests still in the queue makes the middleware wait
100 ms for it to show again, and rclpy keeps the interpreter's lock meanwhile: the whole process
stands still, its tick to the guard included. So after one such wait the rest of what came before
it is not answered, unless it is another session's: who is alive asks again.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

from rl_bridge.door import Bucket
from rl_bridge.types import StatusCode

REFUSALS_HZ = 20  # answers a second that there are too many requests: they cost everybody
WAITED_S = 0.05  # the middleware waits for 100 ms, or not at all
QUEUE_S = 1.0  # how long after such a wait requests may be in the queue that came before it


class Answers:
    """Sends the responses of a bridge's services; callable from any thread."""

    def __init__(self) -> None:
        self._refusals = Bucket(rate_hz=REFUSALS_HZ, burst=REFUSALS_HZ)
        self._waited_at_s = -QUEUE_S  # monotonic
        self._waited_until_ns = 0  # the system's clock, as requests are stamped by
        self._gone = ''  # session of the client that was waited for
        # rclpy's word for that wait; it tells nobody what to do.
        warnings.filterwarnings('ignore', 'failed to send response', RuntimeWarning)

    def send(self, handle: Any, header: Any, response: Any) -> None:
        """
        Send a response, or leave it.

        :param handle: of the service.
        :param header: of the request, with the time at which it was received.
        """
        code, session = response.status.code, getattr(response, 'session', '')
        if code == StatusCode.RATE_LIMITED and not self._refusals.take(time.monotonic_ns()):
            return
        others = code == StatusCode.OK and session not in ('', self._gone)
        if not others and self._came_before_the_wait(header.received_timestamp):
            return
        began_s = time.monotonic()
        with handle:
            handle.service_send_response(response, header.request_id)
        if time.monotonic() - began_s > WAITED_S:
            self._waited_at_s, self._waited_until_ns = time.monotonic(), time.time_ns()
            self._gone = session

    def _came_before_the_wait(self, received_ns: int) -> bool:
        # Within a moment only: the system's clock may be set meanwhile.
        recently = time.monotonic() - self._waited_at_s < QUEUE_S
        return recently and received_ns < self._waited_until_ns
