# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The process around a simulated driver: ROS begins, a signal ends it in order."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Protocol

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from rl_bridge.dds_profile import use_profile
from rl_bridge.errors import RlBridgeError


class Driver(Protocol):
    """What simulates some hardware in real time."""

    ended: bool

    def run(self) -> None:
        """Simulate and publish, until ``ended`` is set."""

    def close(self) -> None:
        """Answer nothing any more; idempotent."""


def run_driver(name: str, make: Callable[[Node], Driver], args: Sequence[str] | None) -> int:
    """
    Run a driver in a node of its own until SIGINT or SIGTERM.

    :param name: of the node.
    :param make: makes the driver; what it raises is told in one line.
    :param args: command line arguments; None = those of the process.
    :return: the exit code: 0 after a signal, 1 if it cannot start.
    """
    drivers: list[Driver] = []
    asked: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        asked.append(number)
        for driver in drivers:
            driver.ended = True

    # Our own handlers: rclpy's would shut ROS down under the running loop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    use_profile()
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(name)
    try:
        driver = make(node)
        drivers.append(driver)
        driver.ended = bool(asked)
        try:
            driver.run()
        finally:
            driver.close()
    except (RlBridgeError, ParameterException) as error:
        print(f'{name} cannot start: {error}', file=sys.stderr)
        return 1
    finally:
        # A second signal does nothing while the process ends in order.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        node.destroy_node()
        rclpy.try_shutdown()
    return 0
