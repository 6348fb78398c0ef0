# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Two ways to send a request and wait for its answer; both send again and drop what is late.

They are given what they need of rclpy, so this file imports none of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

WAIT_SLICE_S = 0.1  # Python sees Ctrl-C, and close() from another thread, between two waits
JOIN_TIMEOUT_S = 1.0

Fits = Callable[[Any], bool]


class CallPath(Protocol):
    """
    Sends requests, one call at a time.

    :param copies: how many were sent because no answer had come.
    """

    copies: int

    def call(
        self, client: Any, request: Any, fits: Fits, *, timeout_s: float, again_s: float,
        is_over: Callable[[], bool],
    ) -> Any:
        """
        Send a request, again after a while, until a response to one of its copies fits.

        :param client: an ``rclpy.client.Client``.
        :param fits: whether a response echoes the request.
        :param timeout_s: finite.
        :param again_s: when to send a copy; ``timeout_s`` = never.
        :param is_over: asked every 100 ms; true ends the wait.
        :return: the response; None when the time or the connection is over.
        """

    def close(self) -> None:
        """Let go of what waits."""


class WaitSetPath:
    """
    The calling thread itself waits on one wait set and takes the response: no thread is switched.

    :param wait_set: room for one client; rebuilt for each wait, as rcl empties it.
    """

    def __init__(self, wait_set: Any) -> None:
        self._wait_set = wait_set
        self.copies = 0

    def call(
        self, client: Any, request: Any, fits: Fits, *, timeout_s: float, again_s: float,
        is_over: Callable[[], bool],
    ) -> Any:
        """See :class:`CallPath`."""
        handle, wait_set, response_type = client.handle, self._wait_set, client.srv_type.Response
        sent: set[int] = set()
        now = send_at = time.monotonic()
        end = now + timeout_s
        with handle, wait_set:
            while True:
                if now >= send_at:
                    self.copies += bool(sent)
                    sent.add(handle.send_request(request))
                    send_at = now + again_s
                wait_set.clear_entities()
                wait_set.add_client(handle)
                wait_set.wait(int(min(WAIT_SLICE_S, send_at - now, end - now) * 1e9))
                header, response = handle.take_response(response_type)
                while header is not None:
                    if header.request_id.sequence_number in sent and fits(response):
                        return response
                    header, response = handle.take_response(response_type)
                now = time.monotonic()
                if now >= end or is_over():
                    return None

    def close(self) -> None:
        """See :class:`CallPath`."""
        self._wait_set.destroy_when_not_in_use()


class ExecutorPath:
    """
    An executor thread completes futures: rclpy's public API only.

    :param executor: with the node already added; spun here.
    :param is_shut_down: whether the executor's context has ended, which ends its spinning too.
    """

    def __init__(self, executor: Any, *, is_shut_down: Callable[[], bool]) -> None:
        self._executor = executor
        self.copies = 0
        self._thread = threading.Thread(
            target=_spin, args=(executor, is_shut_down), name='rl_bridge client', daemon=True)
        self._thread.start()

    def call(
        self, client: Any, request: Any, fits: Fits, *, timeout_s: float, again_s: float,
        is_over: Callable[[], bool],
    ) -> Any:
        """See :class:`CallPath`."""
        arrived = threading.Event()
        futures: list[Any] = []
        now = send_at = time.monotonic()
        end = now + timeout_s
        try:
            while True:
                if now >= send_at:
                    self.copies += bool(futures)
                    future = client.call_async(request)
                    future.add_done_callback(lambda _: arrived.set())
                    futures.append(future)
                    send_at = now + again_s
                arrived.wait(min(WAIT_SLICE_S, send_at - now, end - now))
                arrived.clear()
                for future in futures:
                    if future.done() and fits(future.result()):
                        return future.result()
                now = time.monotonic()
                if now >= end or is_over():
                    return None
        finally:
            for future in futures:
                client.remove_pending_request(future)  # rclpy drops its late response

    def close(self) -> None:
        """See :class:`CallPath`."""
        self._executor.shutdown(timeout_sec=JOIN_TIMEOUT_S)
        if self._thread is not threading.current_thread():  # the garbage collector runs anywhere
            self._thread.join(timeout=JOIN_TIMEOUT_S)


def _spin(executor: Any, is_shut_down: Callable[[], bool]) -> None:
    try:
        executor.spin()
    except Exception:  # rclpy raises several kinds when its context ends under it
        if not is_shut_down():
            raise
