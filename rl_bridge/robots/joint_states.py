# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Joint states as a driver sends them, in its own order, and whether one may act on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rl_bridge.errors import RobotNotReady
from rl_bridge.types import FloatArray, RobotDescription, RobotState


class JointOrder:
    """
    Picks a robot's joints by name out of messages with any joints in any order.

    :param joints: names in the robot file's order.
    """

    def __init__(self, joints: Sequence[str]) -> None:
        self._joints = tuple(joints)
        self._names: tuple[str, ...] = ()
        self._indices: NDArray[np.intp] | None = None

    def pick(
        self,
        names: Sequence[str],
        position: Sequence[float],
        velocity: Sequence[float],
        effort: Sequence[float],
    ) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """
        Return position, velocity and effort in the robot file's order, each of shape (joints,).

        :param effort: may be empty, which gives zeros.
        :return: None for a message without any of the joints: another device's on the same topic.
        :raises RobotNotReady: some joints are missing, or a field is too short or not finite.
        """
        if self._names != tuple(names):
            self._indices = self._found(names)
            self._names = tuple(names)
        if self._indices is None:
            return None
        picked = []
        for what, values in (('position', position), ('velocity', velocity), ('effort', effort)):
            if what == 'effort' and not values:
                picked.append(np.zeros(len(self._joints)))
                continue
            if len(values) != len(names):
                raise RobotNotReady(
                    f'The joint state names {len(names)} joints and has {len(values)} values of '
                    f'{what}; one for each joint is needed.'
                )
            picked.append(np.array(values, dtype=np.float64)[self._indices])
        for what, array in zip(('position', 'velocity', 'effort'), picked, strict=True):
            if not np.isfinite(array).all():
                joint = self._joints[int(np.argmin(np.isfinite(array)))]
                raise RobotNotReady(f'The {what} of {joint} in the joint state is not finite.')
        return picked[0], picked[1], picked[2]

    def _found(self, names: Sequence[str]) -> NDArray[np.intp] | None:
        places = {name: i for i, name in enumerate(names)}
        missing = [joint for joint in self._joints if joint not in places]
        if len(missing) == len(self._joints):
            return None
        if missing:
            self._names = ()
            raise RobotNotReady(
                f'The joint state has no joint {", ".join(missing)}; it has {", ".join(names)}. '
                f'Correct the joints in the robot file.'
            )
        return np.array([places[joint] for joint in self._joints], dtype=np.intp)


class JointStates:
    """
    The newest state of a robot, or why there is none to act on.

    :param description: the robot.
    :param topic: where its states come from, for people.
    """

    def __init__(self, description: RobotDescription, *, topic: str) -> None:
        self.newest: RobotState | None = None
        self._description = description
        self._topic = topic
        self._order = JointOrder(description.joints)
        self._fault = ''

    def take(
        self,
        names: Sequence[str],
        position: Sequence[float],
        velocity: Sequence[float],
        effort: Sequence[float],
        *,
        now_ns: int,
    ) -> None:
        """Take the fields of a JointState; one that cannot be used is remembered as the fault."""
        try:
            picked = self._order.pick(names, position, velocity, effort)
        except RobotNotReady as error:
            self._fault = str(error)
            return
        if picked is not None:
            self._fault = ''
            self.newest = RobotState(*picked, now_ns)

    def problem(self, now_ns: int) -> str:
        """Return in one sentence why the newest state must not be acted on, or nothing."""
        name, limit_s = self._description.name, self._description.state_max_age_s
        if self._fault:
            return self._fault
        if self.newest is None:
            return (
                f'No joint state of {name} has come on {self._topic}: is its driver running, in '
                f'this namespace?'
            )
        age_s = (now_ns - self.newest.stamp_ns) / 1e9
        if age_s > limit_s:
            return (
                f'The joint state of {name} on {self._topic} is {age_s:.3g} s old, more than '
                f'{limit_s:g} s: is its driver still running?'
            )
        return ''
