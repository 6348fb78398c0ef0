# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Controllers that solve an arm's tasks from their observations alone, for demos and tests.

They need no simulator, no robot and no memory: an observation holds the joint positions and what
is missing to the target.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.tasks.joint_actions import ActionSettings
from rl_bridge.tasks.reach import SPEED_MAX
from rl_bridge.tasks.reach_setup import ReachSetup, ur5e_reach_setup
from rl_bridge.tasks.tool_way import ToolWay
from rl_bridge.types import FloatArray

GAIN_PER_S = 3.0  # of the approach
GAIN_PER_STEP = 0.12  # of the approach with position actions
GAIN_FROM_MEASURED_PER_S = 8.0  # where a command counts from what is measured, which lags
CHANGE_S = 0.12  # in which actions of kind 'first' bring the joints to a wanted speed

Action = NDArray[np.float32]


class JointDriver:
    """
    Makes actions of a task of the way that its joints have to go.

    :param action_space: of the task.
    :param interface: 'velocity' or 'position', as the task's.
    :param actions: kind of the actions, as the task's.
    :param speed: highest speeds of the joints, rad/s, to read the observed ones.
    :raises ConfigError: the action space is not that of such a task.
    """

    def __init__(
        self,
        action_space: spaces.Space[Action],
        *,
        interface: str,
        actions: str | None,
        speed: ArrayLike,
    ) -> None:
        if not isinstance(action_space, spaces.Box) or len(action_space.shape) != 1:
            raise ConfigError(f'{action_space} is not the action space of an arm task.')
        self.kind = ActionSettings(kind=actions).kind_for(interface)
        self.interface = interface
        self.low: Action = np.asarray(action_space.low, dtype=np.float32)
        self.bound: Action = np.asarray(action_space.high, dtype=np.float32)
        self.count = action_space.shape[0]
        self.speed = np.asarray(speed, dtype=np.float64)

    def action(
        self,
        way: FloatArray,
        position: FloatArray,
        velocity: FloatArray,
        *,
        ahead: FloatArray | None = None,
        period_s: float = 0.04,
    ) -> Action:
        """
        Return the action that brings the joints nearer.

        :param way: what is left of it, shape (actuated,), rad.
        :param position: of the actuated joints, rad.
        :param velocity: of the actuated joints, as a part of the highest speed.
        :param ahead: the speeds of a goal that moves, rad/s.
        :param period_s: the control period, s.
        """
        if self.interface == 'position' and self.kind == 'value':
            there = position + way
            return there.astype(np.float32).clip(self.low, self.bound)
        if self.kind == 'increment':
            motion = GAIN_PER_STEP * way
            motion = motion if ahead is None else motion + ahead * period_s
        else:
            measured = self.interface == 'position'
            motion = (GAIN_FROM_MEASURED_PER_S if measured else GAIN_PER_S) * way
            motion = motion if ahead is None else motion + ahead
        if self.interface == 'velocity' and self.kind == 'first':
            wanted = motion / max(1.0, float((np.abs(motion) / self.speed).max()))
            motion = (wanted - velocity * self.speed) / CHANGE_S
            return motion.astype(np.float32).clip(-self.bound, self.bound)
        # All joints by one factor: they arrive together.
        excess = float((np.abs(motion) / self.bound).max())
        action = (motion / max(1.0, excess)).astype(np.float32)
        return action.clip(-self.bound, self.bound)


class ReachController:
    """
    Drives the tool of a reach task to its target and keeps it there.

    :param action_space: of the task; its shape tells the form with 2 or 6 joints.
    :param interface: 'velocity' or 'position', as the task's.
    :param setup: the place of the task; None = that of the ready UR-Reacher environments.
    :param dh: DH table of the arm, shape (joints, 4).
    :param orientation: as the task's.
    :param actions: kind of the actions, as the task's.
    :param speed_max: as the task's.
    :raises ConfigError: the action space is not that of a reach task.
    """

    def __init__(
        self,
        action_space: spaces.Space[Action],
        *,
        interface: str = 'velocity',
        setup: ReachSetup | None = None,
        dh: ArrayLike = UR5E_DH,
        orientation: bool = False,
        actions: str | None = None,
        speed_max: float = SPEED_MAX,
    ) -> None:
        self._driver = JointDriver(
            action_space, interface=interface, actions=actions, speed=speed_max
        )
        self._setup = ur5e_reach_setup(self._driver.count) if setup is None else setup
        self._actuated, self._axes = list(self._setup.actuated), list(self._setup.axes)
        self._way = ToolWay(self._setup, DhChain(dh))
        self._extra = 3 if orientation else 0

    def __call__(self, observation: ArrayLike) -> Action:
        """
        Return the action for an observation.

        :param observation: of the task, shape (8,) or (21,) of the UR-Reacher.
        :raises LimitError: the observation has another shape or is not finite.
        """
        count, axes = len(self._actuated), len(self._axes)
        values = _checked(observation, 3 * count + axes + self._extra)
        position = self._setup.reference.copy()
        position[self._actuated] = values[:count]
        turn = values[2 * count + axes : 2 * count + axes + 3] if self._extra else None
        way = self._way.to(position, values[2 * count : 2 * count + axes], turn)
        return self._driver.action(way, values[:count], values[count : 2 * count])


class TrackController(ReachController):
    """
    Follows the target of a track task.

    :param action_space: of the task.
    :param period_s: the control period, s.
    :param interface: this and what follows as of ``ReachController``.
    """

    def __init__(
        self,
        action_space: spaces.Space[Action],
        *,
        period_s: float = 0.04,
        interface: str = 'velocity',
        setup: ReachSetup | None = None,
        dh: ArrayLike = UR5E_DH,
        actions: str | None = None,
        speed_max: float = SPEED_MAX,
    ) -> None:
        super().__init__(
            action_space,
            interface=interface,
            setup=setup,
            dh=dh,
            actions=actions,
            speed_max=speed_max,
        )
        self._period_s = period_s

    def __call__(self, observation: ArrayLike) -> Action:
        """
        Return the action for an observation.

        :raises LimitError: the observation has another shape or is not finite.
        """
        count, axes = len(self._actuated), len(self._axes)
        values = _checked(observation, 3 * count + 2 * axes)
        position = self._setup.reference.copy()
        position[self._actuated] = values[:count]
        offset = values[2 * count : 2 * count + axes]
        velocity = values[2 * count + axes : 2 * count + 2 * axes]
        way = self._way.to(position, offset)
        ahead = (self._way.to(position, offset + velocity * self._period_s) - way) / self._period_s
        return self._driver.action(
            way,
            values[:count],
            values[count : 2 * count],
            ahead=ahead,
            period_s=self._period_s,
        )


class JointReachController:
    """
    Brings the joints of a joint reach task to their goal.

    :param action_space: of the task.
    :param interface: 'velocity' or 'position', as the task's.
    :param actions: kind of the actions, as the task's.
    :param speed: the task's highest speeds, rad/s; needed for actions of kind 'first'.
    :raises ConfigError: the action space is not that of a joint task.
    """

    def __init__(
        self,
        action_space: spaces.Space[Action],
        *,
        interface: str = 'velocity',
        actions: str | None = None,
        speed: ArrayLike = SPEED_MAX,
    ) -> None:
        self._driver = JointDriver(action_space, interface=interface, actions=actions, speed=speed)

    def __call__(self, observation: ArrayLike) -> Action:
        """
        Return the action for an observation.

        :raises LimitError: the observation has another shape or is not finite.
        """
        count = self._driver.count
        values = _checked(observation, 4 * count)
        position, way, velocity = (values[i * count : (i + 1) * count] for i in range(3))
        return self._driver.action(way, position, velocity)


def _checked(observation: ArrayLike, length: int) -> FloatArray:
    values = np.asarray(observation, dtype=np.float64)
    if values.shape != (length,) or not np.isfinite(values).all():
        raise LimitError(f'An observation of this task is {length} finite numbers, not {values}.')
    return values
