# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A witness beside the controller: every command and every output, in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import Float64MultiArray

from rl_bridge.types import CommandKind
from rl_bridge_interfaces.msg import Command


@dataclass
class Witness:
    """What was seen; ``wait_for`` awaits a condition on it."""

    node: Node
    commands: list[Command] = field(default_factory=list)
    outputs: list[list[float]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def moves(self, epoch: int, step: int) -> int:
        """How many MOVE commands there were for one step."""
        return sum(
            command.kind == CommandKind.MOVE and (command.epoch, command.step) == (epoch, step)
            for command in self.commands
        )

    def wait_for(self, seen: Callable[[], Any], timeout_s: float = 20.0) -> None:
        """Wait until ``seen()`` is true; fail after the time-out."""
        end_s = time.monotonic() + timeout_s
        with self.news:
            while not seen():
                left_s = end_s - time.monotonic()
                assert left_s > 0, (
                    f'not seen within {timeout_s} s; last output {self.outputs[-1:]}'
                )
                self.news.wait(left_s)

    def _on_command(self, command: Command) -> None:
        with self.news:
            self.commands.append(command)
            self.news.notify_all()

    def _on_output(self, output: Float64MultiArray) -> None:
        with self.news:
            self.outputs.append(output.data.tolist())
            self.news.notify_all()


@contextmanager
def witnessing(namespace: str) -> Iterator[Witness]:
    """Watch the robot of one namespace."""
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('witness', namespace=namespace, context=context)
    witness = Witness(node)
    node.create_subscription(Command, 'robot_env/command', witness._on_command, 100)
    node.create_subscription(
        Float64MultiArray, 'forward_velocity_controller/commands', witness._on_output, 1000
    )
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            node.destroy_node()

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield witness
    finally:
        context.shutdown()
        thread.join()
