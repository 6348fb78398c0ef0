# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The picture of an arm: it shows it where the kinematics say it is, and needs numpy alone."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.sim.picture import _SAMPLES, _scene, draw_arm

READY = np.array([0.0, -math.pi / 2, math.pi / 2, -math.pi / 2, -math.pi / 2, 0.0])
SIZE = {'width': 320, 'height': 240}


def pixel_of(point: np.ndarray) -> tuple[int, int]:
    """Row and column at which a point of the base frame appears."""
    scene = _scene(**SIZE)
    right, down, forward = scene.view @ (point - scene.eye)
    scale = scene.focal / _SAMPLES / forward
    return round(down * scale + SIZE['height'] / 2), round(right * scale + SIZE['width'] / 2)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.abs(before.astype(int) - after.astype(int)).max(axis=2) > 24


def test_a_picture_has_the_size_asked_for_and_shows_something() -> None:
    picture = draw_arm(READY, width=200, height=120)
    assert picture.shape == (120, 200, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 5


def test_the_same_arm_gives_the_same_picture() -> None:
    assert np.array_equal(draw_arm(READY, **SIZE), draw_arm(READY, **SIZE))


def test_the_target_is_drawn_where_it_is() -> None:
    target = np.array([-0.3, -0.5, 0.6])
    marked = changed(draw_arm(READY, **SIZE), draw_arm(READY, target=target, **SIZE))
    row, column = pixel_of(target)
    assert marked[row, column]
    red, green, blue = draw_arm(READY, target=target, **SIZE)[row, column].astype(int)
    assert red > green + 60 > blue


def test_a_target_behind_the_arm_is_hidden_by_it() -> None:
    scene = _scene(**SIZE)
    upper_arm = np.array([0.0, -0.138, 0.4])
    behind = upper_arm + 0.3 * (upper_arm - scene.eye) / np.linalg.norm(upper_arm - scene.eye)
    row, column = pixel_of(behind)
    marked = changed(draw_arm(READY, **SIZE), draw_arm(READY, target=behind, **SIZE))
    assert not marked[row, column]


@pytest.mark.parametrize('joint', range(5))
def test_the_arm_is_drawn_where_the_kinematics_say(joint: int) -> None:
    moved = READY.copy()
    moved[joint] += 0.6
    wrist = DhChain(UR5E_DH).frames(moved)[5, :3, 3].astype(np.float32)
    picture, empty = draw_arm(moved, **SIZE), draw_arm([0, math.pi / 2, 0, 0, 0, 0], **SIZE)
    row, column = pixel_of(wrist)
    assert changed(picture, empty)[row - 2 : row + 3, column - 2 : column + 3].any()
    assert changed(picture, draw_arm(READY, **SIZE)).sum() > 20


def test_the_whole_reach_stays_in_the_picture() -> None:
    for pose in ([0, -math.pi / 2, 0, -math.pi / 2, 0, 0], [0] * 6, [math.pi, 0, 0, 0, 0, 0]):
        row, column = pixel_of(DhChain(UR5E_DH).forward(pose)[:3, 3])
        assert 0 <= row < SIZE['height']
        assert 0 <= column < SIZE['width']


def test_an_arm_of_another_table_is_drawn_too() -> None:
    dh = np.array([[0, math.pi / 2, 0.3, 0], [-0.4, 0, 0, 0.3], [-0.35, 0, 0, 0]])
    chain, angles = DhChain(dh), np.array([0.5, -1.0, 1.0])
    picture, other = draw_arm(angles, dh=dh, **SIZE), draw_arm(-angles, dh=dh, **SIZE)
    for frame in chain.frames(angles)[2:]:
        row, column = pixel_of(frame[:3, 3])
        assert changed(picture, other)[row - 1 : row + 2, column - 1 : column + 2].any()


@pytest.mark.parametrize('bad', [np.zeros(5), np.full(6, math.nan)])
def test_malformed_angles_are_refused(bad: Any) -> None:
    with pytest.raises(LimitError, match='joint angles'):
        draw_arm(bad)


@pytest.mark.parametrize('bad', [[0.0, 0.0], [0.0, 0.0, math.nan]])
def test_a_malformed_target_is_refused(bad: Any) -> None:
    with pytest.raises(LimitError, match='target'):
        draw_arm(READY, target=bad)


@pytest.mark.parametrize(('name', 'bad'), [('width', 15), ('height', 0), ('width', 100_000)])
def test_a_size_that_makes_no_sense_is_refused_by_name(name: str, bad: int) -> None:
    with pytest.raises(ConfigError, match=f'{name} must be'):
        draw_arm(READY, **{name: bad})


def test_a_malformed_table_is_refused() -> None:
    with pytest.raises(ConfigError, match='DH table'):
        draw_arm(READY, dh=np.zeros((6, 3)))


def test_a_picture_needs_neither_mujoco_nor_matplotlib_nor_ros() -> None:
    program = (
        'import sys\n'
        "for name in ('mujoco', 'matplotlib', 'rclpy', 'PIL'):\n"
        '    sys.modules[name] = None\n'
        'from rl_bridge.sim.picture import draw_arm\n'
        'assert draw_arm([0.0] * 6, width=64, height=48).shape == (48, 64, 3)\n'
    )
    subprocess.run([sys.executable, '-c', program], check=True, timeout=60)
