# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""From a message of the driver to the joints' state in the robot file's order."""

from __future__ import annotations

from array import array
from typing import Any, Protocol

import numpy as np

from rl_bridge.errors import WireError
from rl_bridge.safety.named_types import Numbers
from rl_bridge.types import FloatArray, RobotDescription


class JointStateFields(Protocol):
    """The fields of ``sensor_msgs/msg/JointState`` that the guard reads."""

    name: list[str]
    position: array[float]
    velocity: array[float]


class StateReader(Protocol):
    """Reads the joints' state out of messages of one type."""

    def read(self, state: Any) -> tuple[FloatArray, FloatArray] | None:
        """
        Read positions and velocities, not checked for being finite.

        :returns: position and velocity, each of shape (joints,), in the robot file's order; None
            for a message about something else.
        :raises WireError: something is missing in it.
        """


def state_reader(robot: RobotDescription) -> StateReader:
    """
    Return what reads the state of this robot.

    :raises ConfigError: its type is not installed, or has not the fields that the file names.
    """
    return JointMap(robot.joints) if robot.state_fields is None else FieldMap(robot)


class FieldMap:
    """
    Reads the joints' state from fields of any message, as the robot file names them.

    :param robot: with ``state_fields``. Zeros stand for positions that it does not measure.
    :raises ConfigError: its type is not installed, or has not the fields that the file names.
    """

    def __init__(self, robot: RobotDescription) -> None:
        fields = robot.state_fields
        assert fields is not None
        self._count = len(robot.joints)
        self._numbers = Numbers(robot.state_type, (*fields.velocity, *fields.position))

    def read(self, state: Any) -> tuple[FloatArray, FloatArray]:
        """Read positions and velocities; see ``StateReader``."""
        values = np.array(self._numbers.read(state), dtype=np.float64)
        velocity, position = values[: self._count], values[self._count :]
        return (position if position.size else np.zeros(self._count)), velocity


class JointMap:
    """
    Picks the robot's joints out of JointState messages, whose names may come in any order.

    :param joints: the robot file's joints.
    """

    def __init__(self, joints: tuple[str, ...]) -> None:
        self._joints = joints
        self._names: list[str] = []
        self._picked: list[int] | None = None

    def read(self, state: JointStateFields) -> tuple[FloatArray, FloatArray] | None:
        """
        Read positions and velocities, not checked for being finite.

        :returns: position and velocity, each of shape (joints,), in the robot file's order; None
            for a message about other joints only, as a gripper on the same topic sends it.
        :raises WireError: a joint is missing or stands twice, or a field lacks values.
        """
        if state.name != self._names:  # drivers keep their order: look the names up once
            self._picked = self._pick(state.name)
            self._names = list(state.name)
        if self._picked is None:
            return None
        position = self._values('position', state.position)
        return position, self._values('velocity', state.velocity)

    def _pick(self, names: list[str]) -> list[int] | None:
        # An error is raised again for the next message like this one, an empty one included.
        self._names, self._picked = [], None
        missing = [joint for joint in self._joints if joint not in names]
        if len(missing) == len(self._joints):
            return None
        if missing:
            raise WireError(
                f'the JointState lacks {", ".join(missing)}; it names {", ".join(names)}: correct '
                'joints in the robot file, or the driver'
            )
        for joint in self._joints:
            if names.count(joint) > 1:
                raise WireError(f'the JointState names {joint} twice; correct the driver')
        return [names.index(joint) for joint in self._joints]

    def _values(self, field: str, values: array[float]) -> FloatArray:
        if len(values) != len(self._names):
            raise WireError(
                f'the JointState has {len(values)} values of {field} for {len(self._names)} '
                f'joints; the guard needs the {field} of each joint, make the driver publish it'
            )
        return np.array(values, dtype=np.float64)[self._picked]
