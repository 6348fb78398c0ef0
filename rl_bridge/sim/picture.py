# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A picture of an arm from its joint angles, drawn with numpy alone: no OpenGL, no window, no MuJoCo.

Every shape is a cylinder or a sphere, so each ray's first hit has a closed form (E. Haines et al.,
An Introduction to Ray Tracing, 1989, chapter 2). Rays are tried only where a shape's bounding box
lies on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.kinematics import UR5E_DH
from rl_bridge.sim.shapes import FLOOR, Shape, arm_shapes

Image = NDArray[np.uint8]
_Floats = NDArray[np.float32]

_SAMPLES = 2  # rays per pixel and direction
_LARGEST = 2048  # pixels; more would take seconds and gigabytes
_LIGHT = np.array([-0.42, -0.30, 0.86], dtype=np.float32) / np.float32(1.0029955)
_SKY_LOW = np.array([0.93, 0.945, 0.96], dtype=np.float32)
_SKY_HIGH = np.array([0.74, 0.80, 0.87], dtype=np.float32)
_FLOOR_COLOUR = np.array([0.86, 0.88, 0.90], dtype=np.float32)
_LINE_COLOUR = np.array([0.76, 0.79, 0.83], dtype=np.float32)
_TARGET_COLOUR = (0.95, 0.35, 0.15)


@dataclass(frozen=True)
class _Scene:
    """What does not change from picture to picture of one size: camera, rays, floor and sky."""

    eye: _Floats
    view: _Floats  # rows right, down, forward
    focal: float
    rays: _Floats  # (height, width, 3), unit length
    colours: _Floats  # (height, width, 3)
    distances: _Floats  # (height, width) to the floor along the ray, inf for the sky


def draw_arm(
    position: ArrayLike,
    *,
    target: ArrayLike | None = None,
    dh: ArrayLike = UR5E_DH,
    width: int = 640,
    height: int = 480,
) -> Image:
    """
    Draw an arm on its pedestal.

    :param position: joint angles, shape (joints,), rad.
    :param target: position of a marker in the base frame, shape (3,), m; None for no marker.
    :param dh: the arm's DH table, shape (joints, 4), as ``DhChain`` takes it.
    :param width: of the picture, pixels.
    :param height: of the picture, pixels.
    :return: shape (height, width, 3), RGB.
    :raises LimitError: the angles or the target are malformed or not finite.
    :raises ConfigError: the table is malformed, or the size is not 16 to 2048 pixels.
    """
    for name, size in (('width', width), ('height', height)):
        if not 16 <= size <= _LARGEST:
            raise ConfigError(f'{name} must be 16 to {_LARGEST} pixels, not {size}.')
    shapes = list(arm_shapes(position, dh=dh))
    if target is not None:
        centre = np.array(target, dtype=np.float32)
        if centre.shape != (3,) or not np.isfinite(centre).all():
            raise LimitError(f'target must be three finite numbers in m, not {target!r}.')
        shapes.append(Shape(centre, centre, 0.028, _TARGET_COLOUR))
    scene = _scene(int(width), int(height))
    colours = scene.colours.copy()
    _shade_floor(scene, shapes, colours)
    _draw_shapes(scene, shapes, colours)
    pooled = colours.reshape(height, _SAMPLES, width, _SAMPLES, 3).mean(axis=(1, 3))
    image: Image = np.clip(pooled * 255.0 + 0.5, 0, 255).astype(np.uint8)
    return image


@lru_cache(maxsize=4)
def _scene(width: int, height: int) -> _Scene:
    eye = np.array([-1.66, -1.74, 1.02], dtype=np.float32)
    centre = np.array([-0.10, -0.02, 0.31], dtype=np.float32)
    forward = (centre - eye) / np.linalg.norm(centre - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    view = np.stack([right, np.cross(forward, right), forward]).astype(np.float32)
    w, h = width * _SAMPLES, height * _SAMPLES
    # The whole reach stays in sight in wide and in tall pictures.
    focal = 1.4 * min(h, 0.75 * w)
    across = (np.arange(w, dtype=np.float32) + 0.5 - w / 2) / focal
    along = (np.arange(h, dtype=np.float32) + 0.5 - h / 2) / focal
    rays = across[None, :, None] * view[0] + along[:, None, None] * view[1] + view[2]
    rays /= np.linalg.norm(rays, axis=2, keepdims=True)
    rays = rays.astype(np.float32)
    fall = rays[:, :, 2]
    blend = np.clip(fall * 2.2 + 0.25, 0.0, 1.0)[:, :, None]
    colours = _SKY_LOW + blend * (_SKY_HIGH - _SKY_LOW)
    with np.errstate(divide='ignore'):
        distances = np.where(fall < -1e-4, (FLOOR - eye[2]) / fall, np.inf).astype(np.float32)
    onto = np.isfinite(distances)
    points = eye + rays[onto] * distances[onto][:, None]
    # A grid of 0.25 m that fades with the distance, and with it the floor into the sky.
    edge = np.abs((points[:, :2] / 0.25 + 0.5) % 1.0 - 0.5).min(axis=1) * 0.25
    thickness = np.maximum(distances[onto] / focal * 1.5, 0.002)
    line = np.clip(1.5 - edge / thickness, 0.0, 1.0)[:, None]
    floor = _FLOOR_COLOUR + line * (_LINE_COLOUR - _FLOOR_COLOUR)
    fade = np.clip((np.hypot(points[:, 0], points[:, 1]) - 0.9) / 2.4, 0.0, 1.0)[:, None]
    colours[onto] = floor + fade * (colours[onto] - floor)
    return _Scene(eye, view, focal, rays, colours.astype(np.float32), distances)


def _hit(shape: Shape, origin: _Floats, rays: _Floats) -> tuple[_Floats, _Floats]:
    """
    Return where rays first meet a shape.

    :param origin: shape (3,) or (rays, 3).
    :param rays: shape (rays, 3), unit length.
    :return: distances (rays,), inf for a miss, and the part of the hit along the axis (rays,).
    """
    offset = origin - shape.start
    axis = shape.end - shape.start
    length = float(np.linalg.norm(axis))
    with np.errstate(divide='ignore', invalid='ignore'):
        if length == 0.0:
            b = (rays * offset).sum(axis=-1)
            c = (offset * offset).sum(axis=-1) - shape.radius**2
            near = -b - np.sqrt(b * b - c)
            return _where_met(near > 1e-4, near), np.zeros_like(near)
        axis = axis / length
        slope, begin = rays @ axis, offset @ axis
        # The cylinder's side: a quadratic in the plane across the axis.
        a = 1.0 - slope * slope
        b = (rays * offset).sum(axis=-1) - slope * begin
        c = (offset * offset).sum(axis=-1) - begin * begin - shape.radius**2
        root = np.sqrt(b * b - a * c)
        into, out = (-b - root) / a, (-b + root) / a
        # The slab between the ends; what is inside both is inside the cylinder.
        first, second = -begin / slope, (length - begin) / slope
        near = np.fmax(into, np.minimum(first, second))
        far = np.fmin(out, np.maximum(first, second))
        met = (near <= far) & (near > 1e-4) & ~np.isnan(root)
        return _where_met(met, near), begin + slope * near


def _where_met(met: NDArray[np.bool_], distances: _Floats) -> _Floats:
    return np.where(met, distances, np.float32(np.inf))


def _normals(shape: Shape, points: _Floats, along: _Floats) -> _Floats:
    axis = shape.end - shape.start
    length = float(np.linalg.norm(axis))
    if length == 0.0:
        outward: _Floats = (points - shape.start) / np.float32(shape.radius)
        return outward
    axis = axis / length
    sides: _Floats = (points - shape.start - along[:, None] * axis) / np.float32(shape.radius)
    sides[along < 1e-4] = -axis
    sides[along > length - 1e-4] = axis
    return sides


def _window(scene: _Scene, points: _Floats, margin: _Floats | float) -> tuple[slice, slice]:
    """Return the part of the screen in which points lie, each with a margin in metres."""
    seen = (points - scene.eye) @ scene.view.T
    depth = np.maximum(seen[:, 2], 0.05)
    reach = np.broadcast_to(margin, depth.shape) * scene.focal / np.maximum(depth - margin, 0.05)
    height, width = scene.distances.shape
    middle = seen[:, :2] / depth[:, None] * scene.focal + (width / 2, height / 2)
    low = np.floor((middle - reach[:, None]).min(axis=0)).astype(int)
    high = np.ceil((middle + reach[:, None]).max(axis=0)).astype(int) + 1
    columns = slice(max(low[0], 0), max(min(high[0], width), 0))
    return slice(max(low[1], 0), max(min(high[1], height), 0)), columns


def _shade_floor(scene: _Scene, shapes: list[Shape], colours: _Floats) -> None:
    """Darken the floor where a shape stands between it and the light."""
    dark = np.zeros(scene.distances.shape, dtype=bool)
    for shape in shapes:
        ends = np.stack([shape.start, shape.end])
        fallen = ends - _LIGHT * ((ends[:, 2:] - FLOOR) / _LIGHT[2])
        part = _window(scene, fallen, shape.radius * 1.5 / float(_LIGHT[2]))
        distances = scene.distances[part]
        open_floor = np.isfinite(distances) & ~dark[part]
        if not open_floor.any():
            continue
        points = scene.eye + scene.rays[part][open_floor] * distances[open_floor][:, None]
        reached, _ = _hit(shape, points, np.broadcast_to(_LIGHT, points.shape))
        dark[part][open_floor] = np.isfinite(reached)
    colours[dark] *= np.float32(0.72)


def _draw_shapes(scene: _Scene, shapes: list[Shape], colours: _Floats) -> None:
    nearest = scene.distances.copy()
    owner = np.full(nearest.shape, -1, dtype=np.int16)
    places = np.zeros(nearest.shape, dtype=np.float32)
    for i, shape in enumerate(shapes):
        part = _window(scene, np.stack([shape.start, shape.end]), shape.radius * 1.5)
        rays = scene.rays[part]
        distances, along = _hit(shape, scene.eye, rays.reshape(-1, 3))
        distances, along = distances.reshape(rays.shape[:2]), along.reshape(rays.shape[:2])
        closer = distances < nearest[part]
        nearest[part][closer] = distances[closer]
        places[part][closer] = along[closer]
        owner[part][closer] = i
    drawn = owner >= 0
    owners, rays = owner[drawn], scene.rays[drawn]
    points = scene.eye + rays * nearest[drawn][:, None]
    normals, paint = np.empty_like(points), np.empty_like(points)
    for i, shape in enumerate(shapes):
        mine = owners == i
        normals[mine] = _normals(shape, points[mine], places[drawn][mine])
        paint[mine] = shape.colour
    facing = normals @ _LIGHT
    facing[_in_shadow(shapes, points, normals, facing)] = 0.0
    facing = np.maximum(facing, 0.0)
    half = _LIGHT - rays
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    gloss = np.maximum((normals * half).sum(axis=1), 0.0) ** 48 * (facing > 0.0)
    light = 0.50 + 0.12 * normals[:, 2] + 0.50 * facing
    colours[drawn] = paint * light[:, None] + 0.22 * gloss[:, None]


def _in_shadow(
    shapes: list[Shape], points: _Floats, normals: _Floats, facing: _Floats
) -> NDArray[np.bool_]:
    """Return which points of the shapes another shape hides from the light."""
    hidden = np.zeros(len(points), dtype=bool)
    lifted = points + normals * np.float32(0.002)
    # Seen from the light a shape covers only a small part of the scene: try no other points.
    across = np.cross(_LIGHT, [0.0, 0.0, 1.0]).astype(np.float32)
    across /= np.linalg.norm(across)
    plane = np.stack([across, np.cross(_LIGHT, across)], axis=1).astype(np.float32)
    flat = lifted @ plane
    lit = facing > 0.0
    for shape in shapes:
        ends = np.stack([shape.start, shape.end]) @ plane
        low, high = ends.min(axis=0) - shape.radius, ends.max(axis=0) + shape.radius
        below = lit & ~hidden & ((flat >= low) & (flat <= high)).all(axis=1)
        rays = np.broadcast_to(_LIGHT, (int(below.sum()), 3))
        hidden[below] = np.isfinite(_hit(shape, lifted[below], rays)[0])
    return hidden
