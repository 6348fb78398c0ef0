# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A controller that solves the camera reach task by looking for its marker in the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.kinematics import UR5E_DH
from rl_bridge.pinhole import pinhole
from rl_bridge.tasks.camera_reach import MARKER_COLOUR, ToolPlane
from rl_bridge.tasks.reach_setup import UR5E_REACH_2, ReachSetup
from rl_bridge.tasks.scripted import ReachController

_FULL = min(MARKER_COLOUR[0], MARKER_COLOUR[2]) - MARKER_COLOUR[1]
_LEAST = 0.25  # of the marker's own colour: less is taken for something else


class CameraReachController:
    """
    Finds the marker's pixels, turns them into a point of the tool's plane and goes there.

    :param action_space: of the task.
    :param observation_space: of the task.
    :param interface: 'velocity' or 'position', as the task's.
    :param view: where the camera is, as the task's.
    :param setup: the place of the task; None = that of the ready environment.
    :param dh: DH table of the arm, shape (joints, 4).
    :raises ConfigError: these are not the spaces of a camera reach task.
    """

    def __init__(
        self,
        action_space: spaces.Space[NDArray[np.float32]],
        observation_space: spaces.Space[Any],
        *,
        interface: str = 'velocity',
        view: Mapping[str, object] | None = None,
        setup: ReachSetup | None = None,
        dh: ArrayLike = UR5E_DH,
    ) -> None:
        self._setup = UR5E_REACH_2 if setup is None else setup
        if not isinstance(observation_space, spaces.Dict) or set(observation_space) != {
            'image',
            'joints',
        }:
            raise ConfigError(f'{observation_space} is not that of a camera reach task.')
        height, width, _ = observation_space['image'].shape or (0, 0, 0)
        self._view = pinhole(width, height, view)
        table = np.array(dh, dtype=np.float64)
        self._plane = ToolPlane(self._setup, table)
        self._reach = ReachController(
            action_space, interface=interface, setup=self._setup, dh=table
        )

    def __call__(self, observation: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """
        Return the action for an observation.

        :raises LimitError: there is no marker in the picture.
        """
        joints = np.asarray(observation['joints'], dtype=np.float64)
        count = len(self._setup.actuated)
        position = self._setup.reference.copy()
        position[list(self._setup.actuated)] = joints[:count]
        ray = self._view.ray(*marker_place(observation['image']))
        offset = self._plane.from_eye(self._view.eye_m, ray, position)
        still = np.zeros(count)
        return self._reach(np.concatenate([joints[:count], still, offset, still]))


def marker_place(picture: NDArray[np.uint8]) -> tuple[float, float]:
    """
    Return column and row of the marker's middle, in parts of pixels.

    :param picture: shape (height, width, 3), RGB.
    :raises LimitError: there is none.
    """
    red, green, blue = (picture[:, :, channel].astype(np.int16) for channel in range(3))
    magenta = np.minimum(red, blue) - green
    rows, columns = np.nonzero(magenta > _LEAST * _FULL)
    if not len(rows):
        raise LimitError('The picture shows no marker: look where the camera is and what it sees.')
    # Pixels which it covers in part count in part, those at its edge too.
    top, left = max(rows.min() - 1, 0), max(columns.min() - 1, 0)
    part = magenta[top : rows.max() + 2, left : columns.max() + 2].clip(0, _FULL)
    weights = part / float(part.sum())
    row = top + float(weights.sum(axis=1) @ np.arange(part.shape[0]))
    return left + float(weights.sum(axis=0) @ np.arange(part.shape[1])), row
