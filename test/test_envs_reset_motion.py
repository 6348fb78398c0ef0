# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The line to where an episode begins: inside the limits, at rest at both its ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_bridge.envs.reset_motion import JointLine, ResetSettings
from rl_bridge.errors import ConfigError
from rl_bridge.types import Limits

JOINTS = 3
ANGLES = st.lists(st.floats(-6.0, 6.0), min_size=JOINTS, max_size=JOINTS).map(np.array)
RATES = st.lists(st.floats(0.1, 5.0), min_size=JOINTS, max_size=JOINTS).map(np.array)


@given(start=ANGLES, end=ANGLES, velocity=RATES, acceleration=RATES)
def test_the_line_keeps_every_limit_and_ends_at_rest_at_its_end(
    start: np.ndarray, end: np.ndarray, velocity: np.ndarray, acceleration: np.ndarray
) -> None:
    settings = ResetSettings(speed=1.0, acceleration=2.0)
    limits = Limits(np.full(JOINTS, -7.0), np.full(JOINTS, 7.0), velocity, acceleration)
    line = JointLine(start, end, limits=limits, settings=settings)
    times = np.linspace(0.0, line.duration_s, 400)
    positions, velocities = (np.array(part) for part in zip(*map(line.at, times), strict=True))
    assert (np.abs(velocities) <= np.minimum(velocity, 1.0) + 1e-9).all()
    step_s = times[1]
    most = np.minimum(acceleration, 2.0)
    assert (np.abs(np.diff(velocities, axis=0)) <= (most + 1e-6) * step_s + 1e-9).all()
    assert positions[0] == pytest.approx(start, abs=1e-9)
    assert velocities[0] == pytest.approx(0.0, abs=1e-9)
    for time_s in (line.duration_s, line.duration_s + 1.0):
        position, at_rest = line.at(time_s)
        assert position == pytest.approx(end, abs=1e-9)
        assert at_rest == pytest.approx(0.0, abs=1e-9)
    # The position is the integral of the velocity, but for the corners between two samples.
    travelled = (velocities[1:] + velocities[:-1]) / 2 * step_s
    assert (np.abs(np.diff(positions, axis=0) - travelled) <= most * step_s**2 + 1e-9).all()


def test_the_slowest_joint_sets_the_pace_and_all_arrive_at_once() -> None:
    limits = Limits(np.full(2, -7.0), np.full(2, 7.0), np.array([1.0, 0.1]), np.full(2, 9.0))
    line = JointLine(np.zeros(2), np.ones(2), limits=limits, settings=ResetSettings(speed=1.0))
    position, velocity = line.at(line.duration_s / 2)
    assert position == pytest.approx([0.5, 0.5])
    assert velocity == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize('value', [0.0, -1.0, math.nan, math.inf])
def test_settings_that_would_not_move_or_not_end_are_refused(value: float) -> None:
    with pytest.raises(ConfigError, match='timeout_s'):
        ResetSettings(timeout_s=value)
