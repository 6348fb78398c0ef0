# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reads the parameters of a simulated robot's node, with a sentence for each that cannot be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node

from rl_bridge.errors import ConfigError
from rl_bridge.sim.gap import Gap


class DriverParameters:
    """
    Declares parameters on a node and returns their values; they are read once, at the start.

    :param node: whose parameters they are.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    def number(
        self,
        name: str,
        default: float,
        description: str,
        *,
        least: float = -math.inf,
        most: float = math.inf,
        unit: str = '',
    ) -> float:
        """
        Return a number.

        :raises ConfigError: it is none, or not in its range.
        """
        value = self._value(name, default, description)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f'{name} must be a number, not {value!r}.')
        if not least <= value <= most and (least, most) != (-math.inf, math.inf):
            raise ConfigError(f'{name} must be {least:g} to {most:g}{unit}, not {value:g}.')
        return float(value)

    def whole(self, name: str, default: int, description: str) -> int:
        """
        Return a whole number.

        :raises ConfigError: it is none.
        """
        value = self.number(name, float(default), description)
        if not value.is_integer():
            raise ConfigError(f'{name} must be a whole number, not {value:g}.')
        return int(value)

    def numbers(self, name: str, default: Sequence[float], description: str) -> list[float]:
        """
        Return a list of numbers.

        :raises ConfigError: it is none.
        """
        value = self._value(name, list(default), description)
        try:
            return [float(number) for number in value]
        except (TypeError, ValueError):
            raise ConfigError(f'{name} must be a list of numbers, not {value!r}.') from None

    def text(self, name: str, default: str, description: str) -> str:
        """
        Return a text.

        :raises ConfigError: it is none, or an empty one.
        """
        value = self._value(name, default, description)
        if not isinstance(value, str) or not value:
            raise ConfigError(f'{name} must be a text that is not empty, not {value!r}.')
        return value

    def gap(self) -> Gap:
        """
        Return how the simulated robot differs from its model and from what is measured.

        :raises ConfigError: a value is negative, not finite or too large.
        """
        return Gap(
            position_noise=self.number('position_noise', 0.0, 'Standard deviation, rad or m.'),
            velocity_noise=self.number('velocity_noise', 0.0, 'Standard deviation, rad/s or m/s.'),
            state_latency_s=self.number('state_latency', 0.0, 'How late states arrive, s.'),
            state_jitter_s=self.number('state_jitter', 0.0, 'How much later they may, s.'),
            dropped_states=self.number('dropped_states', 0.0, 'Part of the states that get lost.'),
            friction_spread=self.number(
                'friction_spread', 0.0, 'By which part friction may differ from the model.'
            ),
            mass_spread=self.number(
                'mass_spread', 0.0, 'By which part masses may differ from the model.'
            ),
            seed=self.whole('seed', 0, 'Seed of all that is drawn.'),
        )

    def _value(self, name: str, default: Any, description: str) -> Any:
        # Dynamic, so that a whole number written without its point is a number too.
        descriptor = ParameterDescriptor(
            description=description, dynamic_typing=True, read_only=True
        )
        return self._node.declare_parameter(name, default, descriptor).value
