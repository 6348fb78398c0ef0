# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The order in which threads enter the environment, and the answers that wait for what they do."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from rl_bridge.decision import Run
from rl_bridge.session import Session

logger = logging.getLogger('rl_bridge')

MAX_JOINED = 256  # copies of one request that are answered; a client takes the first answer
Answer = Callable[[Any], None]


class Turns:
    """
    One thread at a time is inside the environment; granted requests enter in the order of grants.

    :param session: grants the requests.
    :param book: the lock under which it is asked; the caller of ``expect`` and ``join`` holds it.
    """

    def __init__(self, session: Session, book: threading.RLock) -> None:
        self._session = session
        self._book = book
        self._left = threading.Condition(self._book)
        self._inside = False
        self._waiting: dict[Run, deque[Answer]] = {}

    def expect(self, run: Run, answer: Answer) -> None:
        """Note who asked for what was just granted."""
        self._waiting[run] = deque([answer], maxlen=MAX_JOINED)

    def join(self, run: Run, answer: Answer) -> None:
        """Note who asked for the same again; of too many the oldest get no answer."""
        self._waiting[run].append(answer)

    @contextlib.contextmanager
    def turn_of(self, run: Run) -> Iterator[None]:
        """Wait until it is the turn of what was granted; stay inside meanwhile."""
        with self._book:
            self._left.wait_for(lambda: not self._inside and self._session.running is run)
            self._inside = True
        try:
            yield
        finally:
            self._leave()

    @contextlib.contextmanager
    def any_turn(self, *, timeout_s: float | None = None) -> Iterator[bool]:
        """Wait until nobody is inside; yield false if that takes longer than ``timeout_s``."""
        with self._book:
            free = self._left.wait_for(lambda: not self._inside, timeout_s)
            if free:
                self._inside = True
        try:
            yield free
        finally:
            if free:
                self._leave()

    def finish(self, run: Run, reply: Any, *, episode_running: bool, why: str) -> None:
        """Note the reply and give it to everybody who asked; the book is not held."""
        with self._book:
            self._session.finish(run, reply, episode_running=episode_running, why=why)
            answers = self._waiting.pop(run)
        for answer in answers:
            attempt('an answer could not be given', answer, reply)

    def _leave(self) -> None:
        with self._book:
            self._inside = False
            self._left.notify_all()


def awaited(submit: Callable[[Any, Answer], None], request: Any) -> Any:
    """Submit a request and wait for its answer, for callers in the same process."""
    replies: list[Any] = []
    done = threading.Event()

    def answer(reply: Any) -> None:
        replies.append(reply)
        done.set()

    submit(request, answer)
    done.wait()
    return replies[0]


def attempt(failure: str, call: Callable[..., None], *arguments: Any) -> None:
    """Call, log an exception and go on: one listener's trouble is no other's."""
    try:
        call(*arguments)
    except Exception:
        logger.exception('%s', failure)
