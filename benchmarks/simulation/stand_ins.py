# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What ``TopicRobot`` needs of a ROS node and of a condition, in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks.simulation.kernel import Process, Simulation


class Waiting:
    """A condition whose waiting lets the world go on; one thread needs no lock."""

    def __init__(self, world: Simulation, owner: Process) -> None:
        self._world = world
        self._owner = owner

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait in simulated time."""
        return self._world.wait_for(predicate, timeout, self._owner)

    def notify_all(self) -> None:
        """Do nothing: waiting looks at its predicate after every event."""


class Publisher:
    """Hands messages to a link, while its process lives."""

    def __init__(self, owner: Process, send: Callable[[Any], None]) -> None:
        self._owner = owner
        self._send = send

    def publish(self, message: Any) -> None:
        """Send a message."""
        if self._owner.alive:
            self._send(message)

    def wait_for_all_acked(self, _timeout: object) -> bool:
        """Wait for nothing: nobody here acknowledges."""
        return True

    def __getattr__(self, name: str) -> Any:
        return lambda *_args, **_more: None


class Node:
    """A node with one publisher of commands and subscriptions that are called by hand."""

    def __init__(self, world: Simulation, owner: Process, send: Callable[[Any], None]) -> None:
        self._world = world
        self._owner = owner
        self._send = send
        self.context = SimpleNamespace(ok=lambda: owner.alive)
        self.callbacks: dict[str, Callable[[Any], None]] = {}

    def create_publisher(self, _kind: Any, _topic: str, *_: Any, **__: Any) -> Publisher:
        """Return what sends commands."""
        return Publisher(self._owner, self._send)

    def create_subscription(
        self, _kind: Any, topic: str, callback: Callable[[Any], None], *_: Any, **__: Any
    ) -> object:
        """Note who wants a topic's messages."""
        self.callbacks[topic] = callback
        return object()

    def create_timer(self, period_s: float, callback: Callable[[], None], **_: Any) -> object:
        """Call again and again in simulated time."""
        self._world.every(round(period_s * 1e9), callback, self._owner)
        return object()

    def destroy_timer(self, _timer: object) -> None:
        """Do nothing."""

    def resolve_topic_name(self, topic: str) -> str:
        """Return the name as it is."""
        return topic

    def destroy_publisher(self, _publisher: object) -> None:
        """Do nothing."""

    def destroy_subscription(self, _subscription: object) -> None:
        """Do nothing."""
