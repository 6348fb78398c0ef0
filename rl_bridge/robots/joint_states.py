# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Joint states as a driver sends them, in its own order, and whether one may act on them.

The guard stops the robot for a state that is stale, invalid or jumps. It is a process of its own,
so its verdict comes a little later than the state itself; what is checked here again never reaches
an observation in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_bridge.errors import RobotNotReady, WireError
from rl_bridge.safety.named_types import Numbers, has_header, load_type
from rl_bridge.types import FloatArray, RobotDescription, RobotState, StopReason

# A controller may overshoot the velocity it was commanded, and messages wait in queues.
JUMP_FACTOR = 1.5
JUMP_SLACK_S = 0.02

_Fault = tuple[str, int]  # one sentence and a StopReason
# Names, position, velocity and effort, as a JointState has them.
_Fields = tuple[Sequence[str], Sequence[float], Sequence[float], Sequence[float]]


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
                raise _invalid(
                    f'The joint state names {len(names)} joints and has {len(values)} values of '
                    f'{what}; one for each joint is needed.'
                )
            picked.append(np.array(values, dtype=np.float64)[self._indices])
        for what, array in zip(('position', 'velocity', 'effort'), picked, strict=True):
            if not np.isfinite(array).all():
                joint = self._joints[int(np.argmin(np.isfinite(array)))]
                raise _invalid(f'The {what} of {joint} in the joint state is not finite.')
        return picked[0], picked[1], picked[2]

    def _found(self, names: Sequence[str]) -> NDArray[np.intp] | None:
        places = {name: i for i, name in enumerate(names)}
        missing = [joint for joint in self._joints if joint not in places]
        if len(missing) == len(self._joints):
            return None
        if missing:
            self._names = ()
            raise _invalid(
                f'The joint state has no joint {", ".join(missing)}; it has {", ".join(names)}. '
                f'Correct the joints in the robot file.'
            )
        return np.array([places[joint] for joint in self._joints], dtype=np.intp)


class JointStates:
    """
    The newest state of a robot, or why there is none to act on.

    :param description: the robot.
    :param topic: where its states come from, for people.
    :raises ConfigError: their type is not installed, or has not the fields that the file names.
    """

    def __init__(self, description: RobotDescription, *, topic: str) -> None:
        self.newest: RobotState | None = None
        self._description = description
        self._topic = topic
        self._order = JointOrder(description.joints)
        self._fields: Callable[[Any], _Fields] = _from_joint_state
        self._stamped = True
        if description.state_fields is not None:
            self._fields = _from_fields(description)
            self._stamped = has_header(load_type(description.state_type))
        self._fault: _Fault | None = None
        self._taken: RobotState | None = None  # the last one, whether it may be acted on or not
        self._stamp_ns = 0  # the driver's own, of that state
        self._repeated = False  # whether it came again since
        self._jump: _Fault | None = None
        self._jump_ns = 0

    def hear(self, message: Any, now_ns: int) -> None:
        """
        Take a message of the robot's type; one that cannot be used is remembered as the fault.

        :param now_ns: monotonic clock at arrival.
        """
        try:
            fields = self._fields(message)
        except WireError as error:
            self._fault = str(error), StopReason.STATE_INVALID
            return
        stamp_ns = 0
        if self._stamped:
            stamp_ns = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
        self.take(*fields, now_ns=now_ns, stamp_ns=stamp_ns)

    def take(
        self,
        names: Sequence[str],
        position: Sequence[float],
        velocity: Sequence[float],
        effort: Sequence[float],
        *,
        now_ns: int,
        stamp_ns: int = 0,
    ) -> None:
        """
        Take the fields of a JointState; one that cannot be used is remembered as the fault.

        :param now_ns: monotonic clock at arrival.
        :param stamp_ns: the driver's own stamp, of whatever clock; 0 = none. The same one again
            tells nothing new, so the state grows old.
        """
        try:
            picked = self._order.pick(names, position, velocity, effort)
        except RobotNotReady as error:
            self._fault = str(error), error.reason
            return
        if picked is None:
            return
        self._repeated = bool(stamp_ns) and stamp_ns == self._stamp_ns
        if self._repeated:
            return
        state = RobotState(*picked, now_ns)
        self._watch_jump(state, stamp_ns)
        self._taken, self._stamp_ns = state, stamp_ns
        self._fault = self._jump
        if self._jump is None:
            self.newest = state

    def problem(self, now_ns: int) -> RobotNotReady | None:
        """Return why the newest state must not be acted on, or None."""
        name, limit_s = self._description.name, self._description.state_max_age_s
        if self._fault is not None:
            return RobotNotReady(*self._fault)
        if self.newest is None:
            return RobotNotReady(
                f'No joint state of {name} has come on {self._topic}: is its driver running, in '
                f'this namespace?',
                StopReason.STATE_STALE,
            )
        age_s = (now_ns - self.newest.stamp_ns) / 1e9
        if age_s <= limit_s:
            return None
        if self._repeated:
            return RobotNotReady(
                f'The joint state of {name} on {self._topic} has had the same stamp for '
                f'{age_s:.3g} s, more than {limit_s:g} s: its driver repeats an old one.',
                StopReason.STATE_FROZEN,
            )
        return RobotNotReady(
            f'The joint state of {name} on {self._topic} is {age_s:.3g} s old, more than '
            f'{limit_s:g} s: is its driver still running?',
            StopReason.STATE_STALE,
        )

    def _watch_jump(self, state: RobotState, stamp_ns: int) -> None:
        """Note a state that no joint can have come to; it takes a while of steady ones to pass."""
        before, limit_s = self._taken, self._description.state_max_age_s
        if before is None:
            return
        passed_s = (state.stamp_ns - before.stamp_ns) / 1e9
        slack_s = limit_s
        if stamp_ns and self._stamp_ns:
            # Messages that waited arrive in a burst; their stamps tell how far they are apart.
            stamped_s = (stamp_ns - self._stamp_ns) / 1e9
            passed_s = max(passed_s, min(stamped_s, limit_s))
            slack_s = JUMP_SLACK_S
        moved = np.abs(state.position - before.position)
        most = JUMP_FACTOR * self._description.limits.velocity * (passed_s + slack_s)
        if (moved > most).any():
            worst = int((moved - most).argmax())
            self._jump_ns = state.stamp_ns
            self._jump = (
                f'{self._description.joints[worst]} is measured {moved[worst]:.3g} away from '
                f'where it was {passed_s * 1e3:.0f} ms before, which is faster than it can move: '
                f'do two drivers publish on {self._topic}?',
                StopReason.STATE_JUMP,
            )
        elif state.stamp_ns - self._jump_ns > limit_s * 1e9:
            self._jump = None


def _from_joint_state(message: Any) -> _Fields:
    return message.name, message.position, message.velocity, message.effort


def _from_fields(description: RobotDescription) -> Callable[[Any], _Fields]:
    """Return what reads a message of any other type; zeros stand for positions not measured."""
    fields, joints = description.state_fields, description.joints
    assert fields is not None
    numbers = Numbers(description.state_type, (*fields.velocity, *fields.position, *fields.effort))
    count, zeros = len(joints), [0.0] * len(joints)
    effort_at = count + len(fields.position)

    def read(message: Any) -> _Fields:
        values = numbers.read(message)
        position = values[count:effort_at] or zeros
        return joints, position, values[:count], values[effort_at:]

    return read


def _invalid(message: str) -> RobotNotReady:
    return RobotNotReady(message, StopReason.STATE_INVALID)
