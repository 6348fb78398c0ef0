# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reward weights as ROS parameters that act at once: ``reward_weights.<term>``."""

from __future__ import annotations

import math
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

PREFIX = 'reward_weights.'


class WeightParameters:
    """
    The weights of one task, declared on a node while it is hosted.

    :param task: has ``weights`` and ``set_weight``; anything else declares none.
    """

    def __init__(self, node: Node, task: Any) -> None:
        self._node = node
        self._task = task
        self._names: list[str] = []
        for term, weight in dict(getattr(task, 'weights', {})).items():
            descriptor = ParameterDescriptor(description=f'Weight of the reward term {term}.')
            given = node.declare_parameter(PREFIX + term, float(weight), descriptor)
            self._names.append(given.name)
            if given.value != float(weight):  # set by hand: it ends a schedule
                task.set_weight(term, given.value)

    def close(self) -> None:
        """Undeclare them."""
        for name in self._names:
            self._node.undeclare_parameter(name)

    def check(self, parameter: Parameter) -> str:
        """Return what is wrong with a new value; an empty string if nothing is."""
        if parameter.name not in self._names or math.isfinite(parameter.value):
            return ''
        return f'{parameter.name} is {parameter.value}; it must be a finite number'

    def apply(self, parameter: Parameter) -> None:
        """
        Use a new value from the next step on.

        :raises ConfigError: the task refuses it.
        """
        if parameter.name in self._names:
            self._task.set_weight(parameter.name.removeprefix(PREFIX), parameter.value)
