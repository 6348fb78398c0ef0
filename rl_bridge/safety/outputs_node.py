# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard's publishers on the controllers' topics."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from rl_bridge.errors import ConfigError
from rl_bridge.safety.command_messages import CommandMessage
from rl_bridge.topic_qos import NEWEST
from rl_bridge.types import CommandInterface, FloatArray


class Outputs:
    """
    All outputs of one command interface, published together.

    :param node: the guard's.
    :param interface: from the robot file.
    :param joints: of the robot.
    :raises ConfigError: a type is not installed, or has not the fields that the file names, or two
        outputs go to one topic.
    """

    def __init__(self, node: Node, interface: CommandInterface, joints: tuple[str, ...]) -> None:
        self._node = node
        self._clock = node.get_clock()
        self._messages = [CommandMessage(output, joints) for output in interface.outputs]
        self._outputs: list[tuple[CommandMessage, Any]] = []
        self._stamped = any(message.stamped for message in self._messages)
        #: Full names of the topics.
        self.topics = tuple(node.resolve_topic_name(output.topic) for output in interface.outputs)
        for topic in self.topics:
            if self.topics.count(topic) > 1:
                raise ConfigError(
                    f'two outputs of the {interface.kind} interface go to {topic}: the controller '
                    'would take each for the other; give each a topic of its own'
                )

    def advertise(self) -> None:
        """Begin to publish: nobody else may, from here on."""
        for message, topic in zip(self._messages, self.topics, strict=True):
            publisher = self._node.create_publisher(message.kind, topic, NEWEST)
            self._outputs.append((message, publisher))

    def publish(self, values: FloatArray) -> None:
        """
        Publish one command on every topic.

        :param values: of all joints, checked, shape (joints,).
        """
        stamp_ns = self._clock.now().nanoseconds if self._stamped else 0
        for message, publisher in self._outputs:
            publisher.publish(message.fill(values, stamp_ns))
