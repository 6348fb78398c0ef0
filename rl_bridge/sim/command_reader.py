# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a simulated controller reads from the messages that a robot file says it takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rl_bridge.errors import LimitError
from rl_bridge.robot_description import NUMBERS, TRAJECTORY
from rl_bridge.safety.named_types import Numbers, load_type
from rl_bridge.types import CommandOutput

Command = tuple[list[float], float]  # values in the output's order; the time to arrive in, s


class CommandReader:
    """
    Reads the commands of one output: the reverse of the guard's ``CommandMessage``.

    :param output: from the robot file.
    :param joints: all of the robot.
    :raises ConfigError: its type is not installed, or has not the fields that the file names.
    """

    def __init__(self, output: CommandOutput, joints: tuple[str, ...]) -> None:
        self.kind = load_type(output.type)
        self._joints = [joints[i] for i in output.joints]
        self._read = self._reader(output)

    def read(self, message: Any) -> Command:
        """
        Return the values, not checked, and within which time to arrive; 0 = none is named.

        :raises LimitError: a trajectory is not for these joints, or not of one point in time.
        :raises WireError: a list in the message is too short for the fields.
        """
        return self._read(message)

    def _reader(self, output: CommandOutput) -> Callable[[Any], Command]:
        if output.type == NUMBERS:
            return lambda message: (message.data, 0.0)
        if output.type == TRAJECTORY:
            return self._point
        numbers = Numbers(output.type, output.fields)
        return lambda message: (numbers.read(message), 0.0)

    def _point(self, message: Any) -> Command:
        if sorted(message.joint_names) != sorted(self._joints):
            raise LimitError(
                f'A trajectory for {", ".join(message.joint_names) or "no joint"} is not for '
                f'{", ".join(self._joints)}: name each of these once.'
            )
        if len(message.points) != 1:
            raise LimitError(f'A trajectory has one point here, this one {len(message.points)}.')
        point = message.points[0]
        if len(point.positions) != len(self._joints):
            raise LimitError(
                f'A trajectory of {len(self._joints)} joints has {len(point.positions)} positions.'
            )
        within_s = point.time_from_start.sec + point.time_from_start.nanosec * 1e-9
        if not (math.isfinite(within_s) and within_s >= 0.0):
            raise LimitError(f'A trajectory cannot arrive {within_s:g} s after its start.')
        by_name = dict(zip(message.joint_names, point.positions, strict=True))
        return [by_name[name] for name in self._joints], within_s
