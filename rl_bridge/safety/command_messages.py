# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""From the values that the guard publishes to the messages that the controllers take."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.robot_description import NUMBERS, TRAJECTORY
from rl_bridge.safety.named_types import (
    REAL_TYPES,
    field_type,
    has_header,
    load_type,
    read_field,
)
from rl_bridge.types import CommandOutput, FloatArray

NS_PER_S = 1_000_000_000


class CommandMessage:
    """
    One message for one output, filled anew for each command.

    :param output: from the robot file.
    :param joints: all of the robot.
    :raises ConfigError: its type is not installed, or has not the fields that the file names.
    """

    def __init__(self, output: CommandOutput, joints: tuple[str, ...]) -> None:
        self.kind = load_type(output.type)
        every = output.joints == tuple(range(len(joints)))
        self._pick = None if every else np.array(output.joints, dtype=np.intp)
        self._message = self.kind()
        header = has_header(self.kind)
        if output.frame_id:
            if not header:
                raise ConfigError(
                    f'the robot file names frame_id {output.frame_id!r} for {output.topic}, but '
                    f'{output.type} has no header; take it out'
                )
            self._message.header.frame_id = output.frame_id
        #: Whether ``fill`` needs the time. A trajectory without one begins when it arrives; with
        #: one its only point may lie in the past then, and would be dropped.
        self.stamped = header and output.type != TRAJECTORY
        self._write = self._writer(output, [joints[i] for i in output.joints])

    def fill(self, values: FloatArray, stamp_ns: int = 0) -> Any:
        """
        Return the message for a command.

        :param values: of all joints, checked, shape (joints,).
        :param stamp_ns: ROS time, where ``stamped``.
        """
        if self.stamped:
            stamp = self._message.header.stamp
            stamp.sec, stamp.nanosec = divmod(stamp_ns, NS_PER_S)
        self._write((values if self._pick is None else values[self._pick]).tolist())
        return self._message

    def _writer(self, output: CommandOutput, joints: list[str]) -> Callable[[list[float]], None]:
        if output.type == NUMBERS:
            return self._write_numbers
        if output.type == TRAJECTORY:
            point = load_type('trajectory_msgs/msg/JointTrajectoryPoint')()
            seconds, nanoseconds = divmod(round(output.arrive_within_s * NS_PER_S), NS_PER_S)
            point.time_from_start.sec, point.time_from_start.nanosec = seconds, nanoseconds
            self._message.joint_names = joints
            self._message.points = [point]
            return self._write_point
        self._places = [self._place(output, path) for path in output.fields]
        return self._write_fields

    def _place(self, output: CommandOutput, path: str) -> tuple[Any, str | int]:
        """Find whose attribute or element a value becomes, and make room for it."""
        found = field_type(self.kind, path)
        if found not in REAL_TYPES:
            raise ConfigError(
                f'the robot file sends values of {output.topic} to {path} of {output.type}, '
                f'which is {found}; only a float or double takes a command'
            )
        before, bracket, index = path.rpartition('[')
        if bracket and index.endswith(']'):
            values = read_field(self._message, before)
            count = int(index[:-1]) + 1
            if isinstance(values, array) and len(values) < count:
                values.extend([0.0] * (count - len(values)))
            return values, count - 1
        owner, _, name = path.rpartition('.')
        return (read_field(self._message, owner) if owner else self._message), name

    def _write_numbers(self, values: list[float]) -> None:
        self._message.data = array('d', values)

    def _write_point(self, values: list[float]) -> None:
        self._message.points[0].positions = array('d', values)

    def _write_fields(self, values: list[float]) -> None:
        for (owner, place), value in zip(self._places, values, strict=True):
            if isinstance(place, int):
                owner[place] = value
            else:
                setattr(owner, place, value)
