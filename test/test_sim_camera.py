# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the simulated camera shows: the arm where its kinematics say, at the declared size."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from rl_bridge.errors import LimitError
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.pinhole import Pinhole
from rl_bridge.sim import camera
from rl_bridge.sim.camera import ArmCamera, camera_sensor
from rl_bridge.sim.shapes import Shape, arm_shapes
from rl_bridge.tasks.reach_setup import UR5E_REACH_2

VIEW = Pinhole(width=160, height=120)
HOME = np.asarray(UR5E_REACH_2.reference)


def drawn(position: np.ndarray, view: Pinhole = VIEW) -> np.ndarray:
    return ArmCamera(view).picture(position)


def arm_alone(position: np.ndarray, view: Pinhole = VIEW) -> np.ndarray:
    """Which pixels show something else than floor and sky."""
    empty = ArmCamera(view)._background
    return (drawn(position, view) != empty).any(axis=2)


def test_a_picture_has_the_declared_shape_and_is_fresh() -> None:
    eye = ArmCamera(VIEW)
    first = eye.picture(HOME)
    kept = first.copy()
    assert first.shape == camera_sensor(VIEW).shape == (120, 160, 3)
    assert first.dtype == np.uint8
    eye.picture(HOME + 0.3)
    assert np.array_equal(first, kept)


def test_the_same_pose_gives_the_same_picture_whatever_was_drawn_before() -> None:
    eye = ArmCamera(VIEW)
    first = eye.picture(HOME)
    other = eye.picture(HOME + 0.3)
    assert not np.array_equal(first, other)
    assert np.array_equal(eye.picture(HOME), first)


@pytest.mark.parametrize('turn', [0.0, 0.4, -0.5])
def test_the_tool_appears_where_the_kinematics_say(turn: float) -> None:
    position = HOME + np.array([0.0, turn, -turn, 0.0, 0.0, 0.0])
    tool = DhChain(UR5E_DH).forward(position)[:3, 3]
    column, row = (round(number) for number in VIEW.seen(tool)[:2])
    assert arm_alone(position)[row - 2 : row + 3, column - 2 : column + 3].any()


def test_every_shape_covers_the_middle_of_itself_and_nothing_is_far_from_a_shape() -> None:
    mask = arm_alone(HOME)
    allowed = np.zeros_like(mask)
    rows, columns = np.indices(mask.shape)
    for shape in arm_shapes(HOME, dh=UR5E_DH):
        middle = VIEW.seen((shape.start + shape.end) / 2.0)
        if 0 <= middle[0] < 160 and 0 <= middle[1] < 120:
            assert mask[round(middle[1]), round(middle[0])]
        for part in np.linspace(0.0, 1.0, 60):
            column, row, depth = VIEW.seen(shape.start + part * (shape.end - shape.start))
            reach = 1.2 * shape.radius * VIEW.focal_px / (depth - shape.radius) + 1.5
            allowed |= np.hypot(rows - row, columns - column) <= reach
    assert not (mask & ~allowed).any()


@pytest.mark.parametrize('nearer_first', [True, False])
def test_a_nearer_shape_hides_a_farther_one(
    nearer_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ball(depth: float, colour: tuple[float, float, float]) -> Shape:
        middle = (VIEW.eye_m + depth * VIEW.ray(80.0, 60.0)).astype(np.float32)
        return Shape(middle, middle, 0.1, colour)

    balls = [ball(1.0, (1.0, 0.0, 0.0)), ball(1.5, (0.0, 0.0, 1.0))]
    shapes = balls if nearer_first else balls[::-1]
    monkeypatch.setattr(camera, 'arm_shapes', lambda position, dh: shapes)
    red, green, blue = drawn(HOME)[60, 80]
    assert red > 100
    assert (green, blue) == (0, 0)


def test_small_and_large_pictures_show_the_same() -> None:
    large = drawn(HOME, Pinhole(width=320, height=240)).astype(float)
    pooled = large.reshape(120, 2, 160, 2, 3).mean(axis=(1, 3))
    difference = np.abs(pooled - drawn(HOME)).max(axis=2)
    assert np.median(difference) < 4.0
    assert (difference > 60.0).mean() < 0.03  # edges alone


def test_an_arm_behind_the_camera_is_not_drawn() -> None:
    view = Pinhole(width=160, height=120, eye_m=(2.0, 0.0, 0.8), look_at_m=(4.0, 0.0, 0.8))
    assert not arm_alone(HOME, view).any()


def test_an_arm_outside_the_picture_is_not_drawn() -> None:
    view = Pinhole(width=160, height=120, look_at_m=(0.0, -9.0, 0.4))
    assert not arm_alone(HOME, view).any()


def test_a_camera_inside_the_arm_draws_no_nonsense() -> None:
    view = Pinhole(width=160, height=120, eye_m=(0.0, 0.001, 0.1), look_at_m=(1.0, 0.0, 0.1))
    assert drawn(HOME, view).shape == (120, 160, 3)


def test_a_camera_under_the_floor_sees_no_floor() -> None:
    view = Pinhole(width=160, height=120, eye_m=(-2.0, 0.0, -0.9), look_at_m=(0.0, 0.0, -0.5))
    assert np.isinf(ArmCamera(view)._floor).all()


def test_an_arm_of_another_make_is_drawn_from_its_table_alone() -> None:
    table = [[0.0, math.pi / 2, 0.3, 0.0], [0.4, 0.0, 0.0, 0.0], [0.3, 0.0, 0.0, 0.0]]
    eye = ArmCamera(VIEW, dh=table)
    one, other = eye.picture([1.57, 0.5, 0.5]), eye.picture([1.57, 1.0, 0.5])
    assert not np.array_equal(one, other)


def test_angles_that_are_no_numbers_are_refused() -> None:
    eye = ArmCamera(VIEW)
    with pytest.raises(LimitError):
        eye.picture([0.0, math.nan, 0.0, 0.0, 0.0, 0.0])
    with pytest.raises(LimitError):
        eye.picture([0.0, 0.0])


def test_drawing_needs_neither_mujoco_nor_ros_nor_pillow() -> None:
    code = (
        'import sys\n'
        "for name in ('mujoco', 'rclpy', 'PIL', 'yaml'): sys.modules[name] = None\n"
        'from rl_bridge.pinhole import Pinhole\n'
        'from rl_bridge.sim.camera import ArmCamera\n'
        'print(ArmCamera(Pinhole(width=64, height=48)).picture([0.0] * 6).shape)\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '(48, 64, 3)'
