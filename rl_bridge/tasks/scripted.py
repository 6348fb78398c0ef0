# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A controller that solves the reach tasks from their observations alone, for demos and tests."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.tasks.reach_setup import ReachSetup, ur5e_reach_setup
from rl_bridge.types import FloatArray

GAIN_PER_S = 3.0  # of the approach with velocity actions
GAIN_PER_STEP = 0.12  # of the approach with position actions
DAMPING_M = 0.05  # per rad; keeps the joints' way finite near singularities
LARGEST_STRIDE = 0.3  # rad; within it the Jacobian is taken as constant
STRIDES = 15
TOLERANCE_M = 1e-4


class ReachController:
    """
    Drives the tool of a reach task to its target and keeps it there.

    It needs no simulator, no robot and no memory: an observation holds the joint positions and the
    vector to the target. Damped least squares (C. W. Wampler, IEEE Transactions on Systems, Man,
    and Cybernetics 16, 1986) lead in a few strides to joint positions that reach it. A joint that
    would leave its range goes to the border, and the others make up for it (after F. Flacco et
    al., Motion control of redundant robots under joint constraints, ICRA 2012).

    :param action_space: of the task; its shape tells the form with 2 or 6 joints.
    :param interface: 'velocity' or 'position', as the task's.
    :param setup: the place of the task; None = that of the ready environments.
    :param dh: DH table of the arm, shape (joints, 4).
    :raises ConfigError: the action space is not that of a reach task.
    """

    def __init__(
        self,
        action_space: spaces.Space[NDArray[np.float32]],
        *,
        interface: str = 'velocity',
        setup: ReachSetup | None = None,
        dh: ArrayLike = UR5E_DH,
    ) -> None:
        if not isinstance(action_space, spaces.Box) or len(action_space.shape) != 1:
            raise ConfigError(f'{action_space} is not the action space of a reach task.')
        if interface not in ('velocity', 'position'):
            raise ConfigError(f"The interface is 'velocity' or 'position', not {interface!r}.")
        self._setup = ur5e_reach_setup(action_space.shape[0]) if setup is None else setup
        self._actuated, self._axes = list(self._setup.actuated), list(self._setup.axes)
        self._gain = GAIN_PER_S if interface == 'velocity' else GAIN_PER_STEP
        self._bound: NDArray[np.float32] = np.asarray(action_space.high, dtype=np.float32)
        self._chain = DhChain(dh)

    def __call__(self, observation: ArrayLike) -> NDArray[np.float32]:
        """
        Return the action for an observation.

        :param observation: of the task, shape (8,) or (21,).
        :raises LimitError: the observation has another shape or is not finite.
        """
        values = np.asarray(observation, dtype=np.float64)
        count, axes = len(self._actuated), len(self._axes)
        shape = (3 * count + axes,)
        if values.shape != shape or not np.isfinite(values).all():
            raise LimitError(
                f'An observation of this reach task is {shape[0]} finite numbers, not {values}.'
            )
        position = self._setup.reference.copy()
        position[self._actuated] = values[:count]
        motion = self._gain * self._way(position, values[2 * count : 2 * count + axes])
        # All joints by one factor: they arrive together.
        excess = float((np.abs(motion) / self._bound).max())
        action = (motion / max(1.0, excess)).astype(np.float32)
        return action.clip(-self._bound, self._bound)

    def _way(self, position: FloatArray, to_target: FloatArray) -> FloatArray:
        """Return how far the actuated joints are from positions that reach the target, rad."""
        reached = position.copy()
        target = self._tool(position) + to_target
        for _ in range(STRIDES):
            left = target - self._tool(reached)
            if float(np.linalg.norm(left)) < TOLERANCE_M:
                break
            stride = self._stride(reached, left)
            longest = float(np.abs(stride).max())
            reached[self._actuated] += stride / max(1.0, longest / LARGEST_STRIDE)
        way: FloatArray = (reached - position)[self._actuated]
        return way

    def _stride(self, position: FloatArray, to_target: FloatArray) -> FloatArray:
        """Return the joint motion that brings the tool by ``to_target``, to first order."""
        jacobian = self._chain.jacobian(position)[np.ix_(self._axes, self._actuated)]
        here = position[self._actuated]
        lower = np.minimum(self._setup.range_lower - here, 0.0)
        upper = np.maximum(self._setup.range_upper - here, 0.0)
        stride = np.zeros(len(here))
        free = np.ones(len(here), dtype=bool)
        for _ in range(len(here)):
            columns = jacobian[:, free]
            left = to_target - jacobian[:, ~free] @ stride[~free]
            square = columns @ columns.T + DAMPING_M**2 * np.eye(len(self._axes))
            stride[free] = columns.T @ np.linalg.solve(square, left)
            beyond = np.maximum(lower - stride, stride - upper)
            worst = int(beyond.argmax())
            if beyond[worst] <= 0.0:
                break
            stride[worst] = min(max(stride[worst], lower[worst]), upper[worst])
            free[worst] = False
        return stride.clip(lower, upper)

    def _tool(self, position: FloatArray) -> FloatArray:
        tool: FloatArray = self._chain.forward(position)[:3, 3][self._axes]
        return tool
