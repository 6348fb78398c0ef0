# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Where a camera sees a point, and where it looks through a pixel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_bridge.errors import ConfigError
from rl_bridge.pinhole import EYE_M, LOOK_AT_M, Pinhole, pinhole

SIZE = {'width': 64, 'height': 48}


def test_the_point_looked_at_appears_in_the_middle() -> None:
    column, row, depth = Pinhole(**SIZE).seen(LOOK_AT_M)
    assert (column, row) == pytest.approx((31.5, 23.5))
    assert depth == pytest.approx(math.dist(EYE_M, LOOK_AT_M))


def test_up_in_the_world_is_up_in_the_picture_and_left_is_left() -> None:
    camera = Pinhole(**SIZE, eye_m=(-2.0, 0.0, 0.5), look_at_m=(0.0, 0.0, 0.5), focal=1.0)
    up = camera.seen([0.0, 0.0, 0.7])
    assert (up[0], up[1]) == pytest.approx((31.5, 23.5 - 0.2 / 2.0 * 48))
    left = camera.seen([0.0, 0.2, 0.5])  # y is to the left for who looks along x
    assert (left[0], left[1]) == pytest.approx((31.5 - 0.2 / 2.0 * 48, 23.5))


@given(column=st.floats(-20.0, 84.0), row=st.floats(-20.0, 68.0), depth=st.floats(0.1, 50.0))
def test_what_is_on_the_ray_of_a_pixel_appears_in_it(
    column: float, row: float, depth: float
) -> None:
    camera = Pinhole(**SIZE)
    seen = camera.seen(camera.eye_m + depth * camera.ray(column, row))
    assert seen == pytest.approx([column, row, depth], abs=1e-6)


def test_what_is_behind_the_camera_appears_nowhere() -> None:
    camera = Pinhole(**SIZE)
    behind = camera.eye_m - camera.ray(31.5, 23.5)
    column, row, depth = camera.seen(behind)
    assert math.isnan(column)
    assert math.isnan(row)
    assert depth == pytest.approx(-1.0)


def test_many_points_are_seen_at_once() -> None:
    camera = Pinhole(**SIZE)
    points = np.array([LOOK_AT_M, (0.0, 0.0, 1.0)])
    assert np.array_equal(camera.seen(points)[1], camera.seen(points[1]))


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'width': 8}, 'width must be 16 to 2048 pixels, not 8'),
        ({'height': 4096}, 'height must be 16 to 2048 pixels, not 4096'),
        ({'width': 64.0}, 'width must be a whole number'),
        ({'eye_m': (0.0, 1.0)}, 'eye_m is'),
        ({'eye_m': 'here'}, 'eye_m is'),
        ({'look_at_m': (0.0, math.nan, 0.0)}, 'look_at_m is'),
        ({'look_at_m': (0.0, 1e4, 0.0)}, 'at most 1000'),
        ({'focal': 0.0}, 'focal must be 0.1 to 100'),
        ({'focal': math.nan}, 'focal must be 0.1 to 100'),
        ({'focal': 'long'}, 'focal must be a number'),
        ({'look_at_m': EYE_M}, 'or nowhere'),
        ({'look_at_m': (EYE_M[0], EYE_M[1], 0.0)}, 'straight up or down'),
    ],
)
def test_what_cannot_be_a_camera_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Pinhole(**{**SIZE, **values})


def test_a_view_written_by_a_person_is_read() -> None:
    assert pinhole(64, 48, None).focal_px == Pinhole(**SIZE).focal_px
    assert pinhole(64, 48, {'focal': 2.0}).focal_px == 96.0


@pytest.mark.parametrize('view', [{'zoom': 2.0}, [1.0], {1: 2}])
def test_a_view_with_anything_else_is_refused(view: Any) -> None:
    with pytest.raises(ConfigError, match='eye_m, look_at_m, focal'):
        pinhole(64, 48, view)
