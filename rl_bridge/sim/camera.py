# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What a camera beside the simulated arm sees, drawn with numpy fast enough for a stream of pictures.

``picture.draw_arm`` casts rays with shadows and gloss, for people to look at. Here floor and sky
are drawn once, and of the arm only the part of the picture that each shape covers. With rays whose
part along the view is 1, all that a cylinder's equation needs of a ray is a sum of a number for
its column and one for its row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_bridge.kinematics import UR5E_DH
from rl_bridge.pinhole import Pinhole
from rl_bridge.sim.shapes import FLOOR, Shape, arm_shapes
from rl_bridge.types import Sensor

Image = NDArray[np.uint8]
_Floats = NDArray[np.float32]

CAMERA = 'camera'  # the sensor's name
_LIGHT = np.array([-0.66, -0.45, 0.60])
_LIGHT /= np.linalg.norm(_LIGHT)
_UP = np.array([0.0, 0.0, 1.0])
_SKY_LOW = np.array([237.0, 241.0, 245.0])
_SKY_HIGH = np.array([189.0, 204.0, 222.0])
_FLOOR_COLOUR = np.array([219.0, 224.0, 230.0])
_LINE_COLOUR = np.array([184.0, 192.0, 203.0])
_GRID_M = 0.25


@dataclass(frozen=True)
class _Sum:
    """A linear function of a ray: a number per column and one per row, which add up."""

    columns: _Floats
    rows: _Floats

    def over(self, part: tuple[slice, slice]) -> _Floats:
        """Return its values in a part of the picture."""
        return np.add.outer(self.rows[part[0]], self.columns[part[1]])


@dataclass(frozen=True)
class _Rays:
    """Where some rays end: row and column of each, and its depth in m."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    depth: _Floats


class ArmCamera:
    """
    Draws an arm on its pedestal as a camera sees it; not for several threads at once.

    :param view: the camera.
    :param dh: the arm's DH table, shape (joints, 4), as ``DhChain`` takes it.
    """

    def __init__(self, view: Pinhole, *, dh: ArrayLike = UR5E_DH) -> None:
        self.view = view
        self._dh = np.array(dh, dtype=np.float64)
        self._across = (np.arange(view.width) - view.middle[0]) / view.focal_px
        self._down = (np.arange(view.height) - view.middle[1]) / view.focal_px
        # Squared length of the rays.
        self._squares = _Sum(
            (self._across**2 + 1.0).astype(np.float32), (self._down**2).astype(np.float32)
        )
        self._upward = self._along(_UP)
        self._to_light = self._along(_LIGHT)
        self._background, self._floor = self._empty()
        self._depth = self._floor.copy()  # of what is drawn so far

    def picture(self, position: ArrayLike) -> Image:
        """
        Return a picture.

        :param position: joint angles, shape (joints,), rad.
        :return: shape (height, width, 3), RGB, fresh.
        :raises LimitError: the angles are malformed or not finite.
        :raises ConfigError: the DH table is malformed.
        """
        image = self._background.copy()
        np.copyto(self._depth, self._floor)
        for shape in arm_shapes(position, dh=self._dh):
            part = self._part(shape)
            if part is not None:
                self._draw(shape, part, image)
        return image

    def _along(self, direction: NDArray[np.float64]) -> _Sum:
        """Return how far a ray of depth 1 leads along a direction of the base frame."""
        right, down, forward = self.view.view @ direction
        columns = self._across * right + forward
        return _Sum(columns.astype(np.float32), (self._down * down).astype(np.float32))

    def _empty(self) -> tuple[Image, _Floats]:
        """Draw floor and sky; also return the floor's depth as one row, inf for the sky."""
        whole = (slice(None), slice(None))
        eye = self.view.eye_m
        fall = self._upward.over(whole)
        steep = fall / np.sqrt(self._squares.over(whole))
        blend = np.clip(steep * 2.2 + 0.25, 0.0, 1.0)[:, :, None]
        colours = _SKY_LOW + blend * (_SKY_HIGH - _SKY_LOW)
        onto = (fall < -1e-3) if eye[2] > FLOOR else np.zeros(fall.shape, dtype=bool)
        depth = np.full(fall.shape, np.inf, dtype=np.float32)
        depth[onto] = (FLOOR - eye[2]) / fall[onto]
        sides = [self._along(axis).over(whole)[onto] for axis in np.eye(3)[:2]]
        x, y = (eye[i] + depth[onto] * side for i, side in enumerate(sides))
        # A grid that fades with the distance, and with it the floor into the sky.
        edges = [np.abs((place / _GRID_M + 0.5) % 1.0 - 0.5) * _GRID_M for place in (x, y)]
        thickness = np.maximum(depth[onto] / self.view.focal_px * 1.5, 0.002)
        line = np.clip(1.5 - np.minimum(*edges) / thickness, 0.0, 1.0)[:, None]
        floor = _FLOOR_COLOUR + line * (_LINE_COLOUR - _FLOOR_COLOUR)
        fade = np.clip((np.hypot(x, y) - 0.9) / 2.4, 0.0, 1.0)[:, None]
        colours[onto] = floor + fade * (colours[onto] - floor)
        return colours.astype(np.uint8), depth.ravel()

    def _part(self, shape: Shape) -> tuple[slice, slice] | None:
        """Return the part of the picture that a shape may cover, None for no part."""
        ends = np.stack([shape.start, shape.end])
        seen = self.view.seen(ends)
        nearest = float(seen[:, 2].min()) - shape.radius
        if not nearest > 0.05:  # beside or behind the camera: it is not drawn
            return None
        reach = 1.05 * shape.radius * self.view.focal_px / nearest + 1.0
        left, top = np.floor(seen[:, :2].min(axis=0) - reach).astype(int)
        right, bottom = np.ceil(seen[:, :2].max(axis=0) + reach).astype(int) + 1
        left, top = max(left, 0), max(top, 0)
        if left >= min(right, self.view.width) or top >= min(bottom, self.view.height):
            return None
        return slice(top, min(bottom, self.view.height)), slice(left, min(right, self.view.width))

    def _draw(self, shape: Shape, part: tuple[slice, slice], image: Image) -> None:
        offset = self.view.eye_m - shape.start
        axis = shape.end.astype(np.float64) - shape.start
        length = float(np.linalg.norm(axis))
        axis = axis / length if length else axis
        begin = float(offset @ axis)
        slope = self._along(axis).over(part)
        # The ray at depth t lies on the endless cylinder: a t^2 + 2 b t + c = 0.
        a = np.maximum(self._squares.over(part) - slope * slope, np.float32(1e-9))
        b = self._along(offset - begin * axis).over(part)
        c = float(offset @ offset) - begin * begin - shape.radius**2
        inside = b * b - a * np.float32(c)
        met = np.flatnonzero(inside > 0.0)
        a, b, slope = a.ravel()[met], b.ravel()[met], slope.ravel()[met]
        root = np.sqrt(inside.ravel()[met])
        depth, ended = (-b - root) / a, np.zeros(len(met), dtype=bool)
        if length:
            with np.errstate(divide='ignore', invalid='ignore'):
                first, second = -begin / slope, (length - begin) / slope
            into, out = np.fmin(first, second), np.fmax(first, second)
            ended = into > depth
            depth = np.where(ended, into, depth)
            depth[depth > np.fmin((root - b) / a, out)] = np.inf
        rows, columns = np.divmod(met, part[1].stop - part[1].start)
        rows, columns = rows + part[0].start, columns + part[1].start
        places = rows * self.view.width + columns
        closer = depth < self._depth[places]
        depth, places = depth[closer], places[closer]
        self._depth[places] = depth
        rays = _Rays(rows[closer], columns[closer], depth)
        along = np.float32(begin) + slope[closer] * depth
        light = self._brightness(shape, offset, axis, rays, along, ended[closer])
        paint = np.array(shape.colour, dtype=np.float32) * np.float32(255.0)
        colours = np.minimum(light[:, None] * paint, np.float32(255.0)).astype(np.uint8)
        image.reshape(-1, 3)[places] = colours

    def _brightness(
        self,
        shape: Shape,
        offset: NDArray[np.float64],
        axis: NDArray[np.float64],
        rays: _Rays,
        along: _Floats,
        ended: NDArray[np.bool_],
    ) -> _Floats:
        """Return how bright each point is: some of it everywhere, some of it from the light."""
        facing = []
        for direction, ways in ((_LIGHT, self._to_light), (_UP, self._upward)):
            tilt = np.float32(axis @ direction)
            way = (ways.columns[rays.columns] + ways.rows[rays.rows]) * rays.depth
            side = (way + np.float32(offset @ direction) - along * tilt) / np.float32(shape.radius)
            # A flat end looks along the axis.
            side[ended] = np.where(along[ended] > 1e-3, tilt, -tilt)
            facing.append(side)
        lit, above = facing[0].clip(min=0.0).astype(np.float32), facing[1]
        bright: _Floats = np.float32(0.52) + np.float32(0.14) * above + np.float32(0.48) * lit
        return bright


def camera_sensor(view: Pinhole, *, name: str = CAMERA) -> Sensor:
    """Describe the camera as a robot file does."""
    return Sensor(
        name=name,
        topic=f'{name}/image_raw',
        type='sensor_msgs/msg/Image',
        shape=(view.height, view.width, 3),
        max_age_s=0.2,
        lower=0.0,
        upper=255.0,
        dtype='uint8',
    )
