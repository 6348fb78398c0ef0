# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Simulated time, the processes that live in it, and the links between them."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MS = 1_000_000
S = 1_000_000_000
FIRST_NS = 10**12


class Killed(BaseException):
    """The process whose code is running was killed; nothing it still does reaches anybody."""


class Process:
    """
    Something that can be killed, and stopped for a while.

    :param name: for the trace.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen_until_ns = 0

    def __repr__(self) -> str:
        return self.name


class Simulation:
    """
    Events in the order of their times.

    :param seed: of everything random in this world.
    """

    def __init__(self, seed: int) -> None:
        self.now_ns = FIRST_NS
        self.random = random.Random(seed)
        self.trace: deque[tuple[int, str]] = deque(maxlen=400)
        self.depth = 0
        self.over = False
        self.waited_ns = 0  # how much later than due the present event comes, its owner frozen
        self._events: list[tuple[int, int, Process | None, Callable[[], None], int]] = []
        self._order = itertools.count()

    def clock_ns(self) -> int:
        """The monotonic clock of the robot's host."""
        return self.now_ns

    def note(self, text: str) -> None:
        """Remember what happened, for the trace of a violation."""
        self.trace.append((self.now_ns, text))

    def after(self, delay_ns: int, call: Callable[[], None], owner: Process | None = None) -> None:
        """Call later; not if the owner is dead by then, later if it is frozen."""
        due_ns = self.now_ns + max(0, delay_ns)
        event = (due_ns, next(self._order), owner, call, due_ns)
        heapq.heappush(self._events, event)

    def every(self, period_ns: int, call: Callable[[], None], owner: Process) -> None:
        """Call again and again while the owner lives."""

        def beat() -> None:
            call()
            self.after(period_ns, beat, owner)

        self.after(self.random.randrange(period_ns), beat, owner)

    def run_until(self, time_ns: int) -> None:
        """Let everything happen that happens before a time."""
        while self._events and self._events[0][0] <= time_ns and not self.over:
            self._next()
        self.now_ns = max(self.now_ns, time_ns)

    def sleep(self, seconds: float, owner: Process) -> None:
        """Block the owner's code for a while; everybody else goes on."""
        self.wait_for(lambda: False, seconds, owner)

    def wait_for(
        self, predicate: Callable[[], bool], seconds: float | None, owner: Process
    ) -> bool:
        """
        Block the owner's code until a condition holds or a time is over.

        :raises Killed: the owner was killed meanwhile.
        """
        end_ns = self.now_ns + round((1e9 if seconds is None else seconds) * 1e9)
        self.depth += 1
        try:
            while True:
                self.check(owner)
                if self.now_ns >= owner.frozen_until_ns:
                    if predicate():
                        return True
                    if self.now_ns >= end_ns:
                        return False
                due_ns = max(end_ns, owner.frozen_until_ns)
                if self._events and self._events[0][0] <= due_ns:
                    self._next()
                else:
                    self.now_ns = due_ns
        finally:
            self.depth -= 1

    def check(self, owner: Process) -> None:
        """:raises Killed: the owner was killed, or all is over."""
        if self.over or not owner.alive:
            raise Killed(owner.name)

    def _next(self) -> None:
        time_ns, _, owner, call, due_ns = heapq.heappop(self._events)
        self.now_ns = max(self.now_ns, time_ns)
        if owner is not None:
            if not owner.alive:
                return
            if owner.frozen_until_ns > self.now_ns:
                event = (owner.frozen_until_ns, next(self._order), owner, call, due_ns)
                heapq.heappush(self._events, event)
                return
        self.waited_ns = self.now_ns - due_ns
        call()


@dataclass
class Weather:
    """
    What a link does to what it carries.

    :param loss: share of the messages that never come.
    :param twice: share of the messages that come twice.
    :param least_ns, most_ns: limits of the delay.
    :param ordered: whether nothing overtakes; else each message has a delay of its own.
    :param cut: whether nothing comes at all.
    """

    loss: float = 0.0
    twice: float = 0.0
    least_ns: int = 100_000
    most_ns: int = 600_000
    ordered: bool = True
    cut: bool = False


@dataclass
class Link:
    """
    Carries messages from one process to another, as the weather allows.

    :param deliver: takes a message at the far end, in the receiver's time.
    :param receiver: what is sent to a dead one is lost.
    :param ordered: whether nothing overtakes, whatever the weather, as with one DDS writer.
    """

    world: Simulation
    name: str
    deliver: Callable[[Any], None]
    receiver: Callable[[], Process]
    weather: Weather = field(default_factory=Weather)
    ordered: bool = False
    carried: int = 0
    lost: int = 0
    _last_ns: int = 0

    def send(self, message: Any, *, once: bool = False) -> None:
        """
        Send a message.

        :param once: never twice, whatever the weather.
        """
        dice, weather = self.world.random, self.weather
        self.carried += 1
        if weather.cut or (weather.loss and dice.random() < weather.loss):
            self.lost += 1
            return
        copies = 1 + (not once and weather.twice > 0 and dice.random() < weather.twice)
        receiver = self.receiver()
        for _ in range(copies):
            due_ns = self.world.now_ns + dice.randint(weather.least_ns, weather.most_ns)
            if weather.ordered or self.ordered:
                due_ns = max(due_ns, self._last_ns)
                self._last_ns = due_ns
            self.world.after(
                due_ns - self.world.now_ns, lambda: self.deliver(message), receiver
            )
