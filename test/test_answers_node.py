# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Answers to clients that are gone: the middleware waits for each, the bridge only for one."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from rl_bridge.answers_node import REFUSALS_HZ, WAITED_S, Answers
from rl_bridge.types import Status, StatusCode


class Handle:
    """A service's handle; an answer to the client called 'gone' takes as long as it does."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def service_send_response(self, response: Any, client: str) -> None:
        self.sent.append((client, response.status.code))
        if client == 'gone':
            time.sleep(2 * WAITED_S)


def header(client: str, received_ns: int | None = None) -> Any:
    received_ns = time.time_ns() if received_ns is None else received_ns
    return SimpleNamespace(request_id=client, received_timestamp=received_ns)


def reply(code: StatusCode = StatusCode.OK, session: str = '') -> Any:
    return SimpleNamespace(status=Status(code), session=session)


def test_every_request_of_living_clients_is_answered() -> None:
    answers, handle = Answers(), Handle()
    for number in range(100):
        answers.send(handle, header(f'client {number}'), reply())
    assert len(handle.sent) == 100


def test_a_client_that_is_gone_is_waited_for_once_and_not_for_each_request_it_left() -> None:
    answers, handle = Answers(), Handle()
    left = [header('gone') for _ in range(10)]
    for old in left:
        answers.send(handle, old, reply(StatusCode.BUSY))
    for old in left:
        answers.send(handle, old, reply(StatusCode.OK))
    assert handle.sent == [('gone', StatusCode.BUSY)]
    answers.send(handle, header('alive'), reply(StatusCode.BUSY))
    assert handle.sent[1:] == [('alive', StatusCode.BUSY)]


def test_another_session_is_answered_at_once_whatever_came_before() -> None:
    answers, handle = Answers(), Handle()
    holders, copies = header('holder'), header('gone')
    answers.send(handle, header('gone'), reply(session='of the gone'))
    answers.send(handle, copies, reply(session='of the gone'))
    answers.send(handle, holders, reply(session='of the holder'))
    assert [client for client, _ in handle.sent] == ['gone', 'holder']


def test_a_clock_that_was_set_back_silences_nobody_for_long() -> None:
    answers, handle = Answers(), Handle()
    answers.send(handle, header('gone'), reply(StatusCode.BUSY))
    answers._waited_at_s -= 1.5  # as time passes
    an_hour_ago = time.time_ns() - 3_600_000_000_000
    answers.send(handle, header('alive', an_hour_ago), reply(StatusCode.BUSY))
    assert handle.sent[1:] == [('alive', StatusCode.BUSY)]


def test_of_a_flood_only_some_are_told_that_they_are_too_many() -> None:
    answers, handle = Answers(), Handle()
    for _ in range(20 * REFUSALS_HZ):
        answers.send(handle, header('flooder'), reply(StatusCode.RATE_LIMITED))
    assert REFUSALS_HZ <= len(handle.sent) < 10 * REFUSALS_HZ
    answers.send(handle, header('flooder'), reply(StatusCode.BUSY))
    assert handle.sent[-1] == ('flooder', StatusCode.BUSY)
