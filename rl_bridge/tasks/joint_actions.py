# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What the actions of an arm's tasks mean: speeds, angles, or changes of the command.

After ``control_type`` and ``derivative_type`` of SenseAct's ``senseact/envs/ur/reacher_env.py``
(A. R. Mahmood et al., IROS 2018), with bounded speed whatever the kind:

========= ============ ======== ===================================================================
interface kind         unit     the command of a period
========= ============ ======== ===================================================================
velocity  value        rad/s    the action (SenseAct: velocity, none)
velocity  first        rad/s^2  the last command + action * period (SenseAct: velocity, first)
position  increment    rad      the last command + action
position  value        rad      on the way to the action at ``speed`` at most (SenseAct: position,
                                none; there it is sent as it is)
position  first        rad/s    the measured position + action * period (SenseAct: position, first)
========= ============ ======== ===================================================================
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike

from rl_bridge.errors import ConfigError
from rl_bridge.types import FloatArray, Limits, RobotState

KINDS = {'velocity': ('value', 'first'), 'position': ('increment', 'value', 'first')}
WINDOW_S = 0.1  # at full speed: how far a command leads what is measured at most
PAUSE_PERIODS = 3  # after such a gap between two states nothing of the last motion is resumed
LONGEST_SMOOTHING_S = 10.0
MOST_SMOOTHED_STEPS = 100

#: Takes a velocity and a position of all joints and returns the velocity that is allowed there.
Bound = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class ActionSettings:
    """
    How actions become commands.

    :param kind: see the module; None = the interface's first.
    :param smooth_s: time constant of a low-pass on the actions, s; 0 = none. A step moves what is
        acted on by 1 - exp(-period / time constant) of the way to the action.
    :param smooth_steps: what is acted on is the mean of so many last actions.
    :raises ConfigError: a value is out of its range, or both smooth.
    """

    kind: str | None = None
    smooth_s: float = 0.0
    smooth_steps: int = 1

    def __post_init__(self) -> None:
        if not 0.0 <= self.smooth_s <= LONGEST_SMOOTHING_S:
            raise ConfigError(
                f'smooth_s is {self.smooth_s!r}; the time constant of the smoothing is from 0 to '
                f'{LONGEST_SMOOTHING_S:g} s.'
            )
        steps = self.smooth_steps
        if not (isinstance(steps, int) and 1 <= steps <= MOST_SMOOTHED_STEPS):
            raise ConfigError(
                f'smooth_steps is {steps!r}; it is a whole number from 1 to {MOST_SMOOTHED_STEPS}.'
            )
        if self.smooth_s > 0.0 and steps > 1:
            raise ConfigError('Actions are smoothed by smooth_s or by smooth_steps, not by both.')

    def kind_for(self, interface: str) -> str:
        """
        Return the kind of actions with a command interface.

        :raises ConfigError: there is no such interface, or it has no such kind.
        """
        kinds = KINDS.get(interface)
        if kinds is None:
            raise ConfigError(f"The interface is 'velocity' or 'position', not {interface!r}.")
        kind = kinds[0] if self.kind is None else self.kind
        if kind not in kinds:
            raise ConfigError(
                f'Actions of kind {kind!r} do not exist with {interface} commands; there is '
                f'{", ".join(map(repr, kinds))}.'
            )
        return kind


class JointActions:
    """
    Turns actions into commands for all joints; those that are not actuated are held.

    :param interface: 'velocity' or 'position'.
    :param actuated: indices of the joints that actions move.
    :param range_lower: lowest angles of the actuated joints, rad.
    :param range_upper: highest angles of the actuated joints, rad.
    :param limits: of the robot.
    :param speed: highest speeds of the actuated joints, rad/s, a number or one for each.
    :param acceleration: bound of the actions of kind 'first' with velocity commands, rad/s^2.
    :param period_s: the control period, s.
    :param bound: slows a velocity down where a border is near.
    :raises ConfigError: the settings do not fit the interface.
    """

    def __init__(
        self,
        *,
        interface: str,
        actuated: tuple[int, ...],
        range_lower: FloatArray,
        range_upper: FloatArray,
        limits: Limits,
        speed: ArrayLike,
        acceleration: float,
        period_s: float,
        bound: Bound,
        settings: ActionSettings,
    ) -> None:
        self._interface = interface
        self.kind = settings.kind_for(interface)
        self._settings = settings
        self._actuated = np.array(actuated)
        self._limits = limits
        self._lower, self._upper = range_lower, range_upper
        self._speed = np.zeros(len(actuated)) + np.asarray(speed, dtype=np.float64)
        self._acceleration = acceleration
        self._period_s = period_s
        self._bound = bound
        self.space = self._space()
        high = self.space.high.astype(np.float64)
        low = self.space.low.astype(np.float64)
        self._middle, self._half = (high + low) / 2.0, (high - low) / 2.0
        joints = len(limits.velocity)
        every = np.full(joints, float(self._speed.max()))
        every[self._actuated] = self._speed
        self._window = every * (period_s + WINDOW_S)
        self._fade = 0.0
        if settings.smooth_s > 0.0:
            self._fade = math.exp(-period_s / settings.smooth_s)
        self._acted = np.zeros(len(actuated))
        self._recent: deque[FloatArray] = deque(maxlen=settings.smooth_steps)
        self._reference = np.zeros(joints)  # the last position command
        self._velocity = np.zeros(joints)  # the last velocity command
        self._stamp_ns = 0

    @property
    def share(self) -> FloatArray:
        """The last action as it was acted on, -1 to 1 of its range, shape (actuated,)."""
        share: FloatArray = (self._acted - self._middle) / self._half
        return share

    def share_of(self, action: Any) -> FloatArray:
        """Return an action as -1 to 1 of its range, shape (actuated,)."""
        share: FloatArray = (np.asarray(action, dtype=np.float64) - self._middle) / self._half
        return share

    def begin(self, state: RobotState) -> None:
        """Begin where the robot is: it is held there until the first action."""
        self._reference = state.position.copy()
        self._velocity = np.zeros_like(state.position)
        self._stamp_ns = state.stamp_ns
        self._acted = np.zeros(len(self._actuated))
        if self._interface == 'position' and self.kind == 'value':
            low, high = self.space.low.astype(np.float64), self.space.high.astype(np.float64)
            self._acted = state.position[self._actuated].clip(low, high)
        self._recent.clear()
        self._recent.extend([self._acted] * self._settings.smooth_steps)

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """
        Turn an action into a command.

        :param action: inside ``space``.
        :return: shape (joints,), rad/s or rad.
        """
        if state.stamp_ns - self._stamp_ns > PAUSE_PERIODS * self._period_s * 1e9:
            self.begin(state)  # a stop or a learner that thought: the robot rests
        self._stamp_ns = state.stamp_ns
        self._acted = acted = self._smoothed(np.asarray(action, dtype=np.float64).copy())
        wanted = np.zeros_like(state.position)
        if self._interface == 'velocity':
            wanted[self._actuated] = acted if self.kind == 'value' else self._changed(state)
            self._velocity = self._bound(wanted, state.position)
            return self._velocity.copy()
        # A reference that has run away from the robot, in a stop for example, is brought back.
        near = np.clip(
            self._reference, state.position - self._window, state.position + self._window
        )
        if self.kind == 'increment':
            wanted[self._actuated] = acted / self._period_s
        elif self.kind == 'value':
            way = acted.clip(self._lower, self._upper) - near[self._actuated]
            wanted[self._actuated] = (way / self._period_s).clip(-self._speed, self._speed)
        else:
            near[self._actuated] = state.position[self._actuated]
            wanted[self._actuated] = acted
        near += self._bound(wanted, near) * self._period_s
        limits = self._limits
        self._reference = np.clip(near, limits.position_lower, limits.position_upper)
        return self._reference.copy()

    def _changed(self, state: RobotState) -> FloatArray:
        """Return the last speeds of the actuated joints changed by what is acted on, rad/s."""
        measured = state.velocity[self._actuated]
        window = self._acceleration * (self._period_s + WINDOW_S)
        last = np.clip(self._velocity[self._actuated], measured - window, measured + window)
        speed: FloatArray = (last + self._acted * self._period_s).clip(-self._speed, self._speed)
        return speed

    def _smoothed(self, action: FloatArray) -> FloatArray:
        if self._fade > 0.0:
            return action + (self._acted - action) * self._fade
        if self._settings.smooth_steps > 1:
            self._recent.append(action)
            mean: FloatArray = np.mean(self._recent, axis=0)
            return mean
        return action

    def _space(self) -> spaces.Box:
        if self._interface == 'position' and self.kind == 'value':
            return spaces.Box(
                self._lower.astype(np.float32), self._upper.astype(np.float32), dtype=np.float32
            )
        bound = self._speed
        if self.kind == 'increment':
            bound = bound * self._period_s
        elif self._interface == 'velocity' and self.kind == 'first':
            bound = np.full(len(self._speed), self._acceleration)
        most = bound.astype(np.float32)
        return spaces.Box(-most, most, dtype=np.float32)
