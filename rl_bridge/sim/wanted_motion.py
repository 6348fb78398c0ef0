# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a simulated arm was last told to do, joint by joint: checked, and as velocities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_bridge.errors import LimitError
from rl_bridge.sim.arm_model import STEP_S, ArmModel
from rl_bridge.types import FloatArray

_LOOKAHEAD_S = 0.03  # of servoj() in ur_robot_driver's external_control.urscript

_VELOCITY, _POSITION, _EFFORT = range(3)
_Indices = NDArray[np.intp]


class WantedMotion:
    """
    The last command of every joint.

    Each joint follows the interface that commanded it last, as where ros2_control's controllers
    share an arm; ``joints`` are the indices of the joints commanded, None = all of them.

    :param model: the arm.
    :param lower: lowest angle of every joint, shape (joints,), rad.
    :param upper: highest angle.
    :param max_effort: largest torque of every joint, Nm.
    :param acceleration: fastest change of the joints' velocity, shape (joints,), rad/s^2.
    :param timeouts: of velocity and of effort commands, s; 0 = held for ever.
    :param position_jump: largest step to a position at once, rad; 0 = any.
    """

    def __init__(
        self,
        *,
        model: ArmModel,
        lower: FloatArray,
        upper: FloatArray,
        max_effort: FloatArray,
        acceleration: FloatArray,
        timeouts: tuple[float, float],
        position_jump: float,
    ) -> None:
        self._names = model.joints
        self._max_velocity = model.max_velocity
        self._lower, self._upper, self._max_effort = lower, upper, max_effort
        # A tenth in reserve, because it is followed in steps of 2 ms.
        self._braking = 0.9 * acceleration
        self._near = self._braking * _LOOKAHEAD_S**2
        self._velocity_timeout_s, self._effort_timeout_s = timeouts
        self._position_jump = position_jump
        self._all = np.arange(len(self._names))
        self.reset(np.zeros(len(self._names)))

    def reset(self, angles: FloatArray) -> None:
        """Rest at these angles, which are not checked."""
        count = len(self._names)
        self._kind = np.full(count, _VELOCITY)
        self._velocity, self._effort = np.zeros(count), np.zeros(count)
        self._commanded_at = np.zeros(count)
        self._goal = angles.copy()
        self._arrive_at, self._last_arrival = np.zeros(count), 0.0
        self._kinds_changed()

    def want_velocity(
        self, values: ArrayLike, joints: Sequence[int] | None, *, now_s: float
    ) -> None:
        """
        :raises LimitError: malformed, not finite or above the largest velocity; nothing changed.
        """
        chosen = self._chosen(joints)
        checked = self._numbers(values, chosen, 'velocity command')
        fastest = self._max_velocity
        self._check_range(checked, chosen, -fastest, fastest, 'velocity command', 'rad/s')
        self._velocity[chosen] = checked.clip(-fastest[chosen], fastest[chosen])
        self._follow(chosen, _VELOCITY, now_s)

    def want_position(
        self,
        values: ArrayLike,
        joints: Sequence[int] | None,
        *,
        within_s: float,
        now_s: float,
        reference: FloatArray,
        measured: FloatArray,
    ) -> None:
        """
        :param within_s: travel there evenly for this time; 0 = as fast as possible.
        :raises LimitError: malformed, not finite, outside the ranges, or too far; nothing changed.
        """
        chosen = self._chosen(joints)
        checked = self._numbers(values, chosen, 'position')
        self._check_range(checked, chosen, self._lower, self._upper, 'position', 'rad')
        angles = checked.clip(self._lower[chosen], self._upper[chosen])
        if not (np.isfinite(within_s) and within_s >= 0.0):
            raise LimitError(
                f'A position is reached within a time not negative, not {within_s!r} s.'
            )
        if self._position_jump and not within_s:
            before = np.where(self._kind == _POSITION, self._goal, reference)
            self._check_jump(angles, before[chosen], measured[chosen])
        self._goal[chosen], self._arrive_at[chosen] = angles, now_s + within_s
        self._last_arrival = float(self._arrive_at.max())
        self._follow(chosen, _POSITION, now_s)

    def want_effort(
        self, values: ArrayLike, joints: Sequence[int] | None, *, now_s: float
    ) -> None:
        """
        :raises LimitError: malformed, not finite or above the largest torque; nothing changed.
        """
        chosen = self._chosen(joints)
        checked = self._numbers(values, chosen, 'effort command')
        most = self._max_effort
        self._check_range(checked, chosen, -most, most, 'effort command', 'Nm')
        self._effort[chosen] = checked.clip(-most[chosen], most[chosen])
        self._follow(chosen, _EFFORT, now_s)

    def rest(self, *, now_s: float) -> None:
        """Want every joint at rest."""
        self._velocity[:] = 0.0
        self._follow(self._all, _VELOCITY, now_s)

    def next_velocity(self, reference: FloatArray, now_s: float) -> FloatArray:
        """Return the velocities that the commands ask for, inside the joints' ranges."""
        if self._only_positions:
            return self._towards_goal(reference, now_s)
        wanted = self._held(self._velocity, self._velocity_timeout_s, now_s)
        if wanted.any():
            # Near the end of its range a joint slows down and stops there.
            wanted = wanted.clip(
                self._approach(self._lower - reference), self._approach(self._upper - reference)
            )
        if self._some_positions:
            return np.where(self._kind == _POSITION, self._towards_goal(reference, now_s), wanted)
        return wanted

    def efforts(self, now_s: float) -> tuple[FloatArray, FloatArray]:
        """Return which joints follow an effort command, shape (joints,), and their torques, Nm."""
        return self.by_effort, self._held(self._effort, self._effort_timeout_s, now_s)

    def _held(self, values: FloatArray, timeout_s: float, now_s: float) -> FloatArray:
        if timeout_s:
            values[now_s - self._commanded_at > timeout_s] = 0.0
        return values

    def _follow(self, chosen: _Indices, kind: int, now_s: float) -> None:
        if kind != _VELOCITY:
            self._velocity[chosen] = 0.0
        self._commanded_at[chosen] = now_s
        self._kind[chosen] = kind
        self._kinds_changed()

    def _kinds_changed(self) -> None:
        to_position = self._kind == _POSITION
        self._only_positions = bool(to_position.all())
        self._some_positions = bool(to_position.any())
        #: Which joints follow an effort command, shape (joints,), and whether any does.
        self.by_effort = self._kind == _EFFORT
        self.any_effort = bool(self.by_effort.any())

    def _towards_goal(self, reference: FloatArray, now_s: float) -> FloatArray:
        distance = self._goal - reference
        fastest = self._max_velocity
        if now_s < self._last_arrival:
            # Evenly over the time that is left; the way to brake at its end comes on top.
            left_s = self._arrive_at - now_s
            even = np.abs(distance) / np.maximum(left_s, STEP_S)
            fastest = np.where(left_s > 0.0, np.minimum(even, fastest), fastest)
        return self._approach(distance).clip(-fastest, fastest)

    def _approach(self, distance: FloatArray) -> FloatArray:
        """
        Return the velocity from which a joint can still come to rest after a distance.

        Exponential with the look-ahead time when near; farther away the braking parabola that
        continues it smoothly.
        """
        far = np.abs(distance)
        speed = np.where(
            far <= self._near,
            far / _LOOKAHEAD_S,
            np.sqrt(self._braking * np.maximum(2.0 * far - self._near, 0.0)),
        )
        return np.copysign(speed, distance)

    def checked_position(self, position: ArrayLike) -> FloatArray:
        """
        Return joint angles of all joints as a fresh array.

        :raises LimitError: malformed, not finite or outside the joints' ranges.
        """
        values = self._numbers(position, self._all, 'position')
        self._check_range(values, self._all, self._lower, self._upper, 'position', 'rad')
        return values.clip(self._lower, self._upper)

    def _chosen(self, joints: Sequence[int] | None) -> _Indices:
        return self._all if joints is None else np.asarray(joints, dtype=np.intp)

    def _numbers(self, values: ArrayLike, chosen: _Indices, what: str) -> FloatArray:
        count = len(chosen)
        try:
            array = np.array(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise LimitError(f'A {what} is {count} numbers, not {values!r}.') from error
        if array.shape != (count,):
            raise LimitError(
                f'A {what} has one number for each of the {count} joints, this one has shape '
                f'{array.shape}.'
            )
        if not np.isfinite(array).all():
            raise LimitError(f'A {what} must be finite, not {array.tolist()}.')
        return array

    def _check_range(
        self,
        values: FloatArray,
        chosen: _Indices,
        lower: FloatArray,
        upper: FloatArray,
        what: str,
        unit: str,
    ) -> None:
        for value, i in zip(values, chosen, strict=True):
            if not lower[i] - 1e-6 <= value <= upper[i] + 1e-6:  # 1e-6: float32 senders
                raise LimitError(
                    f'The {what} of {self._names[i]} is {value:.6g} {unit}, outside its limits '
                    f'{lower[i]:.6g} to {upper[i]:.6g} {unit}.'
                )

    def _check_jump(self, angles: FloatArray, before: FloatArray, measured: FloatArray) -> None:
        jump = min(float(np.abs(angles - before).max()), float(np.abs(angles - measured).max()))
        if jump > self._position_jump:
            raise LimitError(
                f'A position command may lie {self._position_jump:g} rad from the last one or '
                f'from the measured position, this one lies {jump:.3g} rad away: approach the '
                f'target in small steps.'
            )
