# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The way of an arm's joints to where its tool is wanted, within a setup's joint ranges."""

from __future__ import annotations

import numpy as np

from rl_bridge.kinematics import DhChain, rotation_matrix, rotation_vector
from rl_bridge.tasks.reach_setup import ReachSetup
from rl_bridge.types import FloatArray

DAMPING_M = 0.05  # per rad; keeps the joints' way finite near singularities
LARGEST_STRIDE = 0.3  # rad; within it the Jacobian is taken as constant
STRIDES = 15
TOLERANCE_M = 1e-4
METRES_PER_RAD = 0.2  # what an angle that is left weighs beside a distance


class ToolWay:
    """
    Finds joint motions that bring the tool somewhere along the setup's axes.

    Damped least squares (C. W. Wampler, IEEE Transactions on Systems, Man, and Cybernetics 16,
    1986) lead in a few strides to joint positions that reach it. A joint that would leave its
    range goes to the border, and the others make up for it (after F. Flacco et al., Motion control
    of redundant robots under joint constraints, ICRA 2012).

    :param setup: the place.
    :param chain: kinematics of the arm.
    """

    def __init__(self, setup: ReachSetup, chain: DhChain) -> None:
        self._setup = setup
        self._chain = chain
        self._actuated, self._axes = list(setup.actuated), list(setup.axes)

    def to(
        self, position: FloatArray, to_target: FloatArray, turn: FloatArray | None = None
    ) -> FloatArray:
        """
        Return how far the actuated joints are from positions that reach a target, rad.

        :param position: of all joints, shape (joints,), rad.
        :param to_target: from the tool to the target along the axes, shape (axes,), m.
        :param turn: rotation from the tool to the target, base frame, shape (3,), rad; None = any.
        :return: shape (actuated,), rad; the best that was found where nothing reaches it.
        """
        reached = position.copy()
        pose = self._chain.forward(position)
        target = pose[:3, 3][self._axes] + to_target
        turned = None if turn is None else rotation_matrix(turn) @ pose[:3, :3]
        for _ in range(STRIDES):
            left = self.left(reached, target, turned)
            if float(np.linalg.norm(left)) < TOLERANCE_M:
                break
            stride = self._stride(reached, left)
            longest = float(np.abs(stride).max())
            reached[self._actuated] += stride / max(1.0, longest / LARGEST_STRIDE)
        way: FloatArray = (reached - position)[self._actuated]
        return way

    def left(
        self, position: FloatArray, target: FloatArray, turned: FloatArray | None = None
    ) -> FloatArray:
        """
        Return what is missing from joint positions to a target, in m.

        :param target: along the axes, base frame, shape (axes,), m.
        :param turned: orientation of the target, shape (3, 3); its rotation counts 0.2 m per rad.
        :return: shape (axes,), or (axes + 3,).
        """
        pose = self._chain.forward(position)
        left: FloatArray = target - pose[:3, 3][self._axes]
        if turned is None:
            return left
        turn = rotation_vector(turned @ pose[:3, :3].T)
        return np.concatenate([left, METRES_PER_RAD * turn])

    def _stride(self, position: FloatArray, to_target: FloatArray) -> FloatArray:
        """Return the joint motion that brings the tool by ``to_target``, to first order."""
        whole = self._chain.jacobian(position)
        jacobian = whole[np.ix_(self._axes, self._actuated)]
        if len(to_target) > len(self._axes):
            turns = METRES_PER_RAD * whole[3:][:, self._actuated]
            jacobian = np.concatenate([jacobian, turns])
        here = position[self._actuated]
        lower = np.minimum(self._setup.range_lower - here, 0.0)
        upper = np.maximum(self._setup.range_upper - here, 0.0)
        stride = np.zeros(len(here))
        free = np.ones(len(here), dtype=bool)
        for _ in range(len(here)):
            columns = jacobian[:, free]
            left = to_target - jacobian[:, ~free] @ stride[~free]
            square = columns @ columns.T + DAMPING_M**2 * np.eye(len(to_target))
            stride[free] = columns.T @ np.linalg.solve(square, left)
            beyond = np.maximum(lower - stride, stride - upper)
            worst = int(beyond.argmax())
            if beyond[worst] <= 0.0:
                break
            stride[worst] = min(max(stride[worst], lower[worst]), upper[worst])
            free[worst] = False
        return stride.clip(lower, upper)
