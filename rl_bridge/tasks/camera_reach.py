# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Bring the tool to a marker that only a picture shows.

The reach task of ``tasks/reach.py`` in its planar form, after the visual reacher of Y. Yuan and
A. R. Mahmood (Asynchronous Reinforcement Learning for Real-Time Control of Physical Robots, ICRA
2022): the policy sees a camera's picture and its joints, the reward knows the truth from the
kinematics.

The marker is painted into the camera's picture here, where the target would appear, in front of
everything: the same for a real camera whose place is known and for a simulated one. It lies in the
plane in which the tool moves, so that one picture tells where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.kinematics import DhChain
from rl_bridge.pinhole import pinhole
from rl_bridge.tasks.reach import ReachTask
from rl_bridge.tasks.reach_setup import ReachSetup
from rl_bridge.types import FloatArray, RobotDescription, RobotState, Sensor, StopReason

MARKER_M = 0.03  # its radius
MARKER_COLOUR = (230, 20, 220)  # magenta: neither robots nor rooms have it

Picture = NDArray[np.uint8]


class CameraReachTask:
    """
    Bring the tool to a point drawn from the seed, shown as a marker in a picture.

    An observation has ``image``, uint8 of shape (height, width, 3), and ``joints``, float32: the
    actuated joints' positions in rad, then their velocities in rad/s. Actions, rewards and infos
    are those of ``ReachTask``.

    :param description: the robot; needs a DH table and the camera among its sensors.
    :param camera: name of that sensor.
    :param view: where the camera is: any of ``eye_m``, ``look_at_m`` and ``focal`` of ``Pinhole``;
        None = the defaults, where the simulated camera stands.
    :param options: further keyword arguments of ``ReachTask``.
    :raises ConfigError: a value cannot be used with this robot.
    """

    def __init__(
        self,
        description: RobotDescription,
        *,
        camera: str = 'camera',
        view: Mapping[str, object] | None = None,
        **options: Any,
    ) -> None:
        sensor = _camera(description, camera)
        self._reach = ReachTask(description, **options)
        self.interface = self._reach.interface
        self.period_s = self._reach.period_s
        self._sensor = sensor
        assert description.dh is not None
        self._plane = ToolPlane(self._reach.setup, description.dh)
        self.view = pinhole(sensor.shape[1], sensor.shape[0], view)
        self._check_in_sight()
        self._marker_m = self._reach.target_m
        self.action_space = self._reach.action_space
        self._actuated = np.array(self._reach.setup.actuated)
        self._joints = _joint_space(description, self._actuated)
        image = spaces.Box(0, 255, sensor.shape, np.uint8)
        self.observation_space = spaces.Dict({'image': image, 'joints': self._joints})

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of every reward term by its name."""
        return self._reach.weights

    @property
    def target_m(self) -> FloatArray:
        """The episode's target in the base frame, shape (3,), m."""
        return self._reach.target_m

    def set_weight(self, name: str, value: float) -> None:
        """As ``ReachTask.set_weight``."""
        self._reach.set_weight(name, value)

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        """As ``ReachTask.reset``."""
        return self._reach.reset(rng=rng, state=state, options=options)

    def begin(self, state: RobotState) -> None:
        """As ``ReachTask.begin``; the marker is put where it stays."""
        self._reach.begin(state)
        self._marker_m = self._plane.nearest(self._reach.target_m, state.position)

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """As ``ReachTask.command``."""
        return self._reach.command(action, state)

    def observe(self, state: RobotState) -> dict[str, NDArray[Any]]:
        """
        Return a fresh observation.

        :raises RobotNotReady: the state has no picture, or one of another size.
        """
        actuated = self._actuated
        joints = np.concatenate([state.position[actuated], state.velocity[actuated]])
        picture = self._picture(state).copy()
        column, row, depth = self.view.seen(self._marker_m)
        paint_disc(picture, column, row, MARKER_M * self.view.focal_px / depth)
        space = self._joints
        return {'image': picture, 'joints': joints.astype(np.float32).clip(space.low, space.high)}

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """As ``ReachTask.reward``."""
        return self._reach.reward(action, state)

    def terminated(self, state: RobotState) -> bool:
        """As ``ReachTask.terminated``."""
        return self._reach.terminated(state)

    def info(self, state: RobotState) -> dict[str, Any]:
        """As ``ReachTask.info``."""
        return self._reach.info(state)

    def episode_info(self) -> dict[str, Any]:
        """As ``ReachTask.episode_info``: the target, for people and tests alone."""
        return self._reach.episode_info()

    def _picture(self, state: RobotState) -> Picture:
        name, shape = self._sensor.name, self._sensor.shape
        reading = state.sensors.get(name)
        if reading is None or reading.values.shape != shape or reading.values.dtype != np.uint8:
            came = 'none' if reading is None else f'{reading.values.dtype} {reading.values.shape}'
            raise RobotNotReady(
                f'The camera reach task needs a picture of {name}, uint8 {shape}, and has {came}.',
                StopReason.STATE_INVALID,
            )
        picture: Picture = reading.values
        return picture

    def _check_in_sight(self) -> None:
        setup = self._reach.setup
        ends = np.stack([setup.box_lower, setup.box_upper])
        corners = [
            self._plane.nearest(np.array([x, y, z]), setup.reference)
            for x in ends[:, 0] for y in ends[:, 1] for z in ends[:, 2]
        ]  # fmt: skip
        seen = self.view.seen(corners)
        size = np.array([self.view.width, self.view.height])
        with np.errstate(invalid='ignore'):
            inside = (seen[:, :2] >= 0.0) & (seen[:, :2] <= size - 1)
        if not inside.all():
            raise ConfigError(
                f'The camera does not see the whole box from {setup.box_lower.tolist()} to '
                f'{setup.box_upper.tolist()} in which targets lie: change the view (eye_m, '
                f'look_at_m, focal) or the setup.'
            )


class ToolPlane:
    """
    The plane in which the tool moves, with the coordinates of a planar reach task in it.

    :param setup: the place of the task.
    :param dh: DH table of the arm, shape (joints, 4).
    :raises ConfigError: the task is not planar: no single picture shows where a target is.
    """

    def __init__(self, setup: ReachSetup, dh: FloatArray) -> None:
        self._chain = DhChain(dh)
        self._joint = setup.actuated[0]
        self._axes = list(setup.axes)
        frames = self._chain.frames(setup.reference)
        turns = frames[list(setup.actuated), :3, 2]
        parallel = np.allclose(np.abs(turns @ turns[0]), 1.0, atol=1e-6)
        if len(self._axes) != 2 or not parallel:
            raise ConfigError(
                'The camera reach task needs a setup whose joints move the tool in a plane, and '
                'two axes: one picture tells two coordinates. Use joints: 2.'
            )
        self._other = ({0, 1, 2} - set(self._axes)).pop()
        if abs(turns[0][self._other]) < 0.5:
            raise ConfigError(
                f'The axes {self._axes} of the setup do not lie in the plane of its tool.'
            )

    def nearest(self, point_m: FloatArray, position: FloatArray) -> FloatArray:
        """
        Return the point of the plane with the same coordinates along the task's axes.

        :param point_m: in the base frame, shape (3,), m.
        :param position: joint angles, shape (joints,), rad.
        """
        tool, normal = self._tool_and_normal(position)
        moved = np.array(point_m, dtype=np.float64)
        away = (moved - tool)[self._axes] @ normal[self._axes]
        moved[self._other] = tool[self._other] - away / normal[self._other]
        return moved

    def from_eye(self, eye_m: FloatArray, ray: FloatArray, position: FloatArray) -> FloatArray:
        """
        Return the vector from the tool to where a ray meets the plane, along the task's axes.

        :param eye_m: where the ray begins, base frame, shape (3,), m.
        :param ray: its direction, shape (3,).
        :param position: joint angles, shape (joints,), rad.
        :return: shape (2,), m.
        """
        tool, normal = self._tool_and_normal(position)
        met = eye_m + ray * float(normal @ (tool - eye_m)) / float(normal @ ray)
        offset: FloatArray = (met - tool)[self._axes]
        return offset

    def _tool_and_normal(self, position: FloatArray) -> tuple[FloatArray, FloatArray]:
        frames = self._chain.frames(position)
        return frames[-1][:3, 3], frames[self._joint][:3, 2]


def paint_disc(
    picture: Picture,
    column: float,
    row: float,
    radius: float,
    *,
    colour: tuple[int, int, int] = MARKER_COLOUR,
) -> None:
    """
    Paint a disc into a picture, its edge blended over a pixel.

    :param picture: shape (height, width, 3), changed in place.
    :param column: of its middle, pixels; it may lie outside.
    :param row: of its middle, pixels.
    :param radius: pixels.
    """
    height, width = picture.shape[:2]
    reach = radius + 1.0
    rows = np.arange(max(0, int(row - reach)), min(height, int(row + reach) + 2))
    columns = np.arange(max(0, int(column - reach)), min(width, int(column + reach) + 2))
    if not (len(rows) and len(columns)):
        return
    away = np.hypot(rows[:, None] - row, columns[None, :] - column)
    cover = np.clip(radius + 0.5 - away, 0.0, 1.0)[:, :, None]
    part = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part[:] = np.rint(part + cover * (np.array(colour) - part)).astype(np.uint8)


def _joint_space(description: RobotDescription, actuated: NDArray[np.intp]) -> spaces.Box:
    limits = description.limits
    speed = limits.velocity[actuated]
    low = np.concatenate([limits.position_lower[actuated], -speed]).astype(np.float32)
    high = np.concatenate([limits.position_upper[actuated], speed]).astype(np.float32)
    return spaces.Box(low, high, dtype=np.float32)


def _camera(description: RobotDescription, name: str) -> Sensor:
    sensor = description.sensors.get(name)
    if sensor is None:
        raise ConfigError(
            f'{description.name} has no sensor {name!r}: add the camera to sensors in its file.'
        )
    picture = sensor.dtype == 'uint8' and len(sensor.shape) == 3 and sensor.shape[2] == 3
    if not picture or sensor.history != 1:
        raise ConfigError(
            f'The sensor {name} of {description.name} has the shape {sensor.shape} of '
            f'{sensor.dtype} and a history of {sensor.history}; the camera reach task needs '
            f'pictures: shape [height, width, 3] and history 1.'
        )
    return sensor
