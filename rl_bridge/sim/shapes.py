# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The shapes of which an arm is drawn, placed by its joint angles.

A UR5e takes them from ``ur5e.xml``; any other DH table gets plain ones. Neither needs MuJoCo.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from xml.etree import ElementTree

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.types import FloatArray

FLOOR = -0.5  # m below the base: the pedestal of ur5e.xml


@dataclass(frozen=True)
class Shape:
    """A cylinder with flat ends, or a sphere where both ends coincide; metres, RGB 0 to 1."""

    start: NDArray[np.float32]
    end: NDArray[np.float32]
    radius: float
    colour: tuple[float, float, float]


_Part = tuple[
    int, tuple[float, ...], tuple[float, ...], float, tuple[float, float, float]
]  # link, start and end in the frame of its joint, radius, colour


def arm_shapes(position: ArrayLike, *, dh: ArrayLike) -> Iterator[Shape]:
    """
    Yield an arm's shapes in the base frame.

    :param position: joint angles, shape (joints,), rad.
    :param dh: the arm's DH table, shape (joints, 4), as ``DhChain`` takes it.
    :raises LimitError: the angles are malformed or not finite.
    :raises ConfigError: the table is malformed.
    """
    table = np.asarray(dh, dtype=np.float64)
    frames = DhChain(table).frames(position)
    parts = _ur5e_parts() if is_ur5e(table) else _plain_parts(table)
    # A part turns with its joint: the frame before it, rotated about z by the joint's angle.
    angles = np.concatenate([[0.0], np.asarray(position, dtype=np.float64)])
    for link, start, end, radius, colour in parts:
        pose = frames[max(link - 1, 0)].copy()
        if link:
            cos, sin = math.cos(angles[link]), math.sin(angles[link])
            pose[:3, :3] = pose[:3, :3] @ [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]
        ends = (pose @ [*start, 1.0])[:3], (pose @ [*end, 1.0])[:3]
        yield Shape(ends[0].astype(np.float32), ends[1].astype(np.float32), radius, colour)


def is_ur5e(dh: FloatArray) -> bool:
    """
    Whether a DH table is a UR5e's, calibrated or not.

    A calibrated arm differs from the published table by millimetres, another by centimetres.
    """
    return dh.shape == UR5E_DH.shape and np.allclose(dh, UR5E_DH, rtol=0.0, atol=0.01)


@lru_cache(maxsize=1)
def _ur5e_parts() -> tuple[_Part, ...]:
    """Read the cylinders of ``ur5e.xml``, so that the picture shows what MuJoCo simulates."""
    text = resources.files('rl_bridge.sim').joinpath('ur5e.xml').read_text(encoding='utf-8')
    root = ElementTree.fromstring(text)
    plain = root.find('default/geom')
    base = root.find("worldbody/body[@name='base_link']")
    if plain is None or base is None:
        raise ConfigError('ur5e.xml has no default geom or no body base_link.')
    colours: dict[str | None, str] = {None: plain.get('rgba', '')}
    for group in root.findall('default/default'):
        geom = group.find('geom')
        if geom is not None:
            colours[group.get('class')] = geom.get('rgba', '')
    parts: list[_Part] = []
    body: ElementTree.Element | None = base
    link = 0
    while body is not None:
        for geom in body.findall('geom'):
            ends = tuple(float(number) for number in geom.get('fromto', '').split())
            red, green, blue, _ = (float(c) for c in colours[geom.get('class')].split())
            radius = float(geom.get('size', '0'))
            parts.append((link, ends[:3], ends[3:], radius, (red, green, blue)))
        body, link = body.find('body'), link + 1
    return tuple(parts)


def _plain_parts(dh: FloatArray) -> tuple[_Part, ...]:
    """Draw an arm of unknown looks: a joint at every axis, tubes along d and then along a."""
    parts: list[_Part] = [(0, (0, 0, FLOOR), (0, 0, 0), 0.085, (0.28, 0.31, 0.35))]
    reach = float(np.abs(dh[:, [0, 2]]).sum())
    radius = min(max(0.045 * reach, 0.008), 0.06)
    for i, (a, _, d, theta) in enumerate(dh, start=1):
        slim = radius * (1.0 - 0.5 * i / len(dh))
        elbow = (0.0, 0.0, float(d))
        tip = (float(a * math.cos(theta)), float(a * math.sin(theta)), float(d))
        parts.append((i, (0, 0, -1.3 * slim), (0, 0, 1.3 * slim), 1.25 * slim, (0.36, 0.62, 0.80)))
        for start, end in (((0.0, 0.0, 0.0), elbow), (elbow, tip)):
            if start != end:
                parts.append((i, start, end, slim, (0.86, 0.87, 0.88)))
                parts.append((i, end, end, slim, (0.78, 0.80, 0.82)))
    return tuple(parts)
