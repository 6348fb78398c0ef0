# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Closed smooth paths of a moving target that an arm can follow."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import DhChain
from rl_bridge.tasks.tool_way import ToolWay
from rl_bridge.tasks.workspace import Workspace
from rl_bridge.types import FloatArray

KINDS = ('circle', 'lissajous', 'random')
SOFT_START_S = 0.8  # in which the target comes to its full speed
DRAWS = 60
SAMPLES = 60  # of a lap, at which it is checked that the arm can follow
FOLLOWED_M = 1e-3
SPEED_SHARE = 0.8  # of the joints' highest speed, so that there is room to catch up
MARGIN_M = 0.01
HARMONICS = 3

Curve = Callable[[float], FloatArray]  # of a share of a lap, to a point in m


class TargetPath:
    """
    A closed path that begins at rest where the tool is.

    :param curve: the point at a share of a lap, periodic.
    :param lap_s: time of a lap at full speed, s.
    """

    def __init__(self, curve: Curve, *, lap_s: float) -> None:
        self._curve = curve
        self._lap_s = lap_s

    def at(self, time_s: float) -> FloatArray:
        """Return the point at a time, base frame, shape (3,), m."""
        if time_s < SOFT_START_S:
            passed_s = time_s**2 / (2.0 * SOFT_START_S)
        else:
            passed_s = time_s - SOFT_START_S / 2.0
        return self._curve(passed_s / self._lap_s)


class PathMaker:
    """
    Draws paths that stay in the box and that the joints can follow.

    :param workspace: the box and the joint ranges.
    :param chain: kinematics of the arm.
    :param speed_max: of every joint, rad/s.
    :param kind: 'circle', 'lissajous' or 'random' (smooth in joint space).
    :param size_m: radius of the circle, half the width of the figure; not used for 'random'.
    :param lap_s: time of a lap, s.
    :raises ConfigError: a value cannot be used.
    """

    def __init__(
        self,
        workspace: Workspace,
        chain: DhChain,
        *,
        speed_max: float,
        kind: str,
        size_m: float,
        lap_s: float,
    ) -> None:
        if kind not in KINDS:
            raise ConfigError(f'path is {kind!r}; it is one of {", ".join(map(repr, KINDS))}.')
        for name, value in (('size_m', size_m), ('lap_s', lap_s)):
            if not (math.isfinite(value) and value > 0.0):
                raise ConfigError(f'{name} of the target path is {value!r}; it must be above 0.')
        self._workspace = workspace
        self._setup = workspace.setup
        self._chain = chain
        self._speed_max = speed_max
        self._kind = kind
        self._size_m = size_m
        self._lap_s = lap_s
        self._way = ToolWay(self._setup, chain)

    def draw(self, rng: np.random.Generator, start: FloatArray) -> TargetPath:
        """
        Draw a path.

        :param rng: the only source of randomness.
        :param start: joint positions whose tool is where the path begins, shape (joints,), rad.
        :raises ConfigError: no path of this kind and size can be followed from there.
        """
        makers = {'circle': self._circle, 'lissajous': self._lissajous, 'random': self._random}
        for _ in range(DRAWS):
            curve = makers[self._kind](rng, start)
            if self._in_box(curve) and (self._kind == 'random' or self._followed(curve, start)):
                return TargetPath(curve, lap_s=self._lap_s)
        raise ConfigError(
            f'No {self._kind} path was found that stays in the box and that the joints follow at '
            f'{self._speed_max:g} rad/s: choose a smaller size_m, a longer lap_s or another '
            f'reference.'
        )

    def _circle(self, rng: np.random.Generator, start: FloatArray) -> Curve:
        begin = self._tool(start)
        first, second = self._plane(rng)
        angle = rng.uniform(0.0, 2.0 * math.pi)

        def arm(turn: float) -> FloatArray:
            return self._size_m * (math.cos(turn) * first + math.sin(turn) * second)

        centre = begin - arm(angle)
        return lambda share: centre + arm(angle + 2.0 * math.pi * share)

    def _lissajous(self, rng: np.random.Generator, start: FloatArray) -> Curve:
        begin = self._tool(start)
        first, second = self._plane(rng)

        def point(share: float) -> FloatArray:
            turn = 2.0 * math.pi * share
            offset = math.sin(turn) * first + math.sin(2.0 * turn) * second
            where: FloatArray = begin + self._size_m * offset
            return where

        return point

    def _random(self, rng: np.random.Generator, start: FloatArray) -> Curve:
        """A few harmonics of each actuated joint, as wide as its speed and range allow."""
        actuated = list(self._setup.actuated)
        count = len(actuated)
        orders = np.arange(1, HARMONICS + 1)
        sizes = rng.uniform(0.2, 1.0, (count, HARMONICS)) / orders**2
        phases = rng.uniform(0.0, 2.0 * math.pi, (count, HARMONICS))
        # Bounds of the sums: nothing is sampled here.
        fastest = (sizes * orders).sum(axis=1) * 2.0 * math.pi / self._lap_s
        widest = 2.0 * sizes.sum(axis=1)
        here = start[actuated]
        room = np.minimum(here - self._setup.range_lower, self._setup.range_upper - here)
        scale = np.minimum(SPEED_SHARE * self._speed_max / fastest, np.maximum(room, 0.0) / widest)
        sizes *= (scale * rng.uniform(0.3, 1.0))[:, None]
        offset = (sizes * np.sin(phases)).sum(axis=1)

        def point(share: float) -> FloatArray:
            angles = start.copy()
            turns = 2.0 * math.pi * share * orders + phases
            angles[actuated] = here + (sizes * np.sin(turns)).sum(axis=1) - offset
            return self._tool(angles)

        return point

    def _plane(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Return two perpendicular unit vectors along the setup's axes, shape (3,) each."""
        axes = list(self._setup.axes)
        if len(axes) < 2:
            raise ConfigError(f'A {self._kind} path needs a setup with two axes or three.')
        basis = np.linalg.qr(rng.normal(size=(len(axes), 2)))[0]
        vectors = np.zeros((2, 3))
        vectors[:, axes] = basis.T
        return vectors[0], vectors[1]

    def _in_box(self, curve: Curve) -> bool:
        shares = np.arange(SAMPLES) / SAMPLES
        return all(self._workspace.contains(curve(share), margin_m=MARGIN_M) for share in shares)

    def _followed(self, curve: Curve, start: FloatArray) -> bool:
        """Return whether the joints can follow one lap."""
        actuated, axes = list(self._setup.actuated), list(self._setup.axes)
        most = SPEED_SHARE * self._speed_max * self._lap_s / SAMPLES
        position = start.copy()
        for i in range(1, SAMPLES + 1):
            target = curve(i / SAMPLES)[axes]
            way = self._way.to(position, target - self._tool(position)[axes])
            position[actuated] += way
            left = self._way.left(position, target)
            if float(np.abs(way).max()) > most or float(np.linalg.norm(left)) > FOLLOWED_M:
                return False
        return True

    def _tool(self, position: FloatArray) -> FloatArray:
        tool: FloatArray = self._chain.forward(position)[:3, 3]
        return tool
