# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Flat pictures of lines, discs and boxes, drawn with NumPy alone: no OpenGL, no window.

Each shape is drawn by its signed distance field, which also smooths its edge over one pixel
(I. Quilez, 2D distance functions). The arm's pictures (``sim.picture``) are ray-traced in three
dimensions; these need none of that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = tuple[float, float, float]
Picture = NDArray[np.uint8]
_Floats = NDArray[np.float64]

PAPER: Colour = (0.95, 0.96, 0.97)
INK: Colour = (0.25, 0.29, 0.34)
GREY: Colour = (0.78, 0.81, 0.84)
BLUE: Colour = (0.23, 0.47, 0.74)
ORANGE: Colour = (0.95, 0.35, 0.15)
GREEN: Colour = (0.25, 0.62, 0.38)
RED: Colour = (0.80, 0.22, 0.22)
COLOURS: tuple[Colour, ...] = (BLUE, GREEN, (0.58, 0.38, 0.70), (0.75, 0.56, 0.16), INK)


class Canvas:
    """
    A picture in world coordinates: x to the right, y up.

    :param centre: world coordinates of the middle.
    :param span: world length that the smaller side of the picture shows.
    :param width: pixels.
    :param height: pixels.
    """

    def __init__(
        self,
        *,
        centre: ArrayLike = (0.0, 0.0),
        span: float,
        width: int = 400,
        height: int = 400,
    ) -> None:
        self._scale = min(width, height) / span  # pixels per unit of the world
        self._middle = (width / 2, height / 2)
        self._centre = np.asarray(centre, dtype=np.float64)
        self._pixels: _Floats = np.empty((height, width, 3))
        self._pixels[:] = PAPER

    def disc(self, at: ArrayLike, *, radius: float, colour: Colour) -> None:
        """Draw a filled circle."""
        self.line(at, at, thickness=2 * radius, colour=colour)

    def line(
        self, start: ArrayLike, end: ArrayLike, *, thickness: float, colour: Colour
    ) -> None:
        """Draw a straight line with round ends, ``thickness`` in units of the world."""
        a, b = self._pixel(start), self._pixel(end)
        radius = thickness / 2 * self._scale
        part, x, y = self._around(np.minimum(a, b) - radius, np.maximum(a, b) + radius)
        along = b - a
        length = float(along @ along)
        dx, dy = x - a[0], y - a[1]
        t = np.clip((dx * along[0] + dy * along[1]) / length, 0.0, 1.0) if length else 0.0
        self._paint(part, np.hypot(dx - t * along[0], dy - t * along[1]) - radius, colour)

    def box(
        self, centre: ArrayLike, *, width: float, height: float, colour: Colour
    ) -> None:
        """Draw a filled rectangle with upright sides."""
        middle = self._pixel(centre)
        half = np.array([width, height]) / 2 * self._scale
        part, x, y = self._around(middle - half, middle + half)
        distance = np.maximum(np.abs(x - middle[0]) - half[0], np.abs(y - middle[1]) - half[1])
        self._paint(part, distance, colour)

    def picture(self) -> Picture:
        """Return what was drawn: uint8 of shape (height, width, 3), RGB."""
        return np.clip(self._pixels * 255.0 + 0.5, 0, 255).astype(np.uint8)

    def _pixel(self, point: ArrayLike) -> _Floats:
        x, y = (np.asarray(point, dtype=np.float64) - self._centre) * self._scale
        return np.array([self._middle[0] + x, self._middle[1] - y])

    def _around(
        self, low: _Floats, high: _Floats
    ) -> tuple[tuple[slice, slice], _Floats, _Floats]:
        """Return the pixels between two corners, and their coordinates."""
        height, width = self._pixels.shape[:2]
        most = (width, height)
        first = [min(max(int(np.floor(low[i])) - 1, 0), most[i]) for i in (0, 1)]
        last = [min(max(int(np.ceil(high[i])) + 1, 0), most[i]) for i in (0, 1)]
        x = np.arange(first[0], last[0])[None, :] + 0.5
        y = np.arange(first[1], last[1])[:, None] + 0.5
        return (slice(first[1], last[1]), slice(first[0], last[0])), x, y

    def _paint(self, part: tuple[slice, slice], distance: _Floats, colour: Colour) -> None:
        cover = np.clip(0.5 - distance, 0.0, 1.0)[:, :, None]
        self._pixels[part] += cover * (np.asarray(colour) - self._pixels[part])
