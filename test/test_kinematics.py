# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The Denavit-Hartenberg kinematics, against numbers worked out by hand and against itself."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from rl_bridge.errors import ConfigError, LimitError, RobotError
from rl_bridge.kinematics import UR5E_DH, DhChain, NoSolution

ARM = DhChain(UR5E_DH)
READY = np.array([0.0, -math.pi / 2, math.pi / 2, -math.pi / 2, -math.pi / 2, 0.0])


def random_positions(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-math.pi, math.pi, (count, 6))


def test_a_stretched_ur5e_reaches_as_far_as_its_lengths_add_up() -> None:
    pose = ARM.forward(np.zeros(6))
    assert pose[:3, 3] == pytest.approx([-0.425 - 0.3922, -0.1333 - 0.0996, 0.1625 - 0.0997])


def test_an_upright_ur5e_is_as_high_as_its_lengths_add_up() -> None:
    pose = ARM.forward([0.0, -math.pi / 2, 0.0, -math.pi / 2, 0.0, 0.0])
    assert pose[:3, 3] == pytest.approx([0.0, -0.1333 - 0.0996, 0.1625 + 0.425 + 0.3922 + 0.0997])


def test_theta_of_the_table_is_added_to_the_joint_angle() -> None:
    turned = UR5E_DH.copy()
    turned[:, 3] = READY
    assert DhChain(turned).forward(np.zeros(6)) == pytest.approx(ARM.forward(READY))


def test_every_frame_is_a_rigid_transform_that_ends_at_the_flange() -> None:
    for position in random_positions(20):
        frames = ARM.frames(position)
        assert frames.shape == (7, 4, 4)
        assert np.array_equal(frames[0], np.eye(4))
        assert np.array_equal(frames[-1], ARM.forward(position))
        for frame in frames:
            assert frame[:3, :3] @ frame[:3, :3].T == pytest.approx(np.eye(3), abs=1e-12)
            assert np.linalg.det(frame[:3, :3]) == pytest.approx(1.0)


def test_the_point_is_where_the_flange_is() -> None:
    for position in random_positions(50):
        assert ARM.point(position) == pytest.approx(ARM.forward(position)[:3, 3], abs=1e-12)


def test_the_jacobian_is_the_derivative_of_the_pose() -> None:
    step = 1e-6
    for position in random_positions(20):
        jacobian = ARM.jacobian(position)
        for joint in range(6):
            nudge = np.zeros(6)
            nudge[joint] = step
            ahead, behind = ARM.forward(position + nudge), ARM.forward(position - nudge)
            slope = (ahead - behind) / (2 * step)
            spin = slope[:3, :3] @ ARM.forward(position)[:3, :3].T
            assert jacobian[:3, joint] == pytest.approx(slope[:3, 3], abs=1e-8)
            assert jacobian[3:, joint] == pytest.approx(
                [spin[2, 1], spin[0, 2], spin[1, 0]], abs=1e-8
            )


def test_a_position_is_reached_from_the_ready_pose() -> None:
    for position in random_positions(50, seed=1):
        target = ARM.forward(READY + 0.3 * position)[:3, 3]
        found = ARM.inverse(target, start=READY)
        assert np.linalg.norm(ARM.forward(found)[:3, 3] - target) <= 1e-6


def test_a_whole_pose_is_reached_from_the_ready_pose() -> None:
    for position in random_positions(50, seed=2):
        pose = ARM.forward(READY + 0.2 * position)
        found = ARM.inverse(pose[:3, 3], rotation=pose[:3, :3], start=READY)
        assert ARM.forward(found) == pytest.approx(pose, abs=2e-6)


def test_a_half_turn_of_the_flange_is_reached() -> None:
    pose = ARM.forward(np.add(READY, [0, 0, 0, 0, 0, math.pi]))
    found = ARM.inverse(pose[:3, 3], rotation=pose[:3, :3], start=READY)
    assert ARM.forward(found) == pytest.approx(pose, abs=2e-6)


def test_what_is_reached_already_stays_as_it_is() -> None:
    pose = ARM.forward(READY)
    found = ARM.inverse(pose[:3, 3], rotation=pose[:3, :3], start=READY)
    assert np.array_equal(found, READY)


def test_the_solution_stays_inside_the_limits_given() -> None:
    lower, upper = READY - 0.5, READY + 0.5
    for position in random_positions(50, seed=3):
        target = ARM.forward(READY + 0.1 * position)[:3, 3]
        found = ARM.inverse(target, start=READY, lower=lower, upper=upper)
        assert (found >= lower).all() and (found <= upper).all()
        assert np.linalg.norm(ARM.forward(found)[:3, 3] - target) <= 1e-6


def test_a_target_out_of_reach_is_reported_with_its_distance() -> None:
    with pytest.raises(NoSolution, match='within reach') as caught:
        ARM.inverse([3.0, 0.0, 0.0], start=READY)
    assert isinstance(caught.value, RobotError)
    assert 1.5 < caught.value.distance_m < 3.0
    assert caught.value.angle_rad == 0.0
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.distance_m, str(again)) == (caught.value.distance_m, str(caught.value))


def test_a_target_behind_the_limits_is_reported() -> None:
    target = ARM.forward(np.add(READY, [1.0, 0, 0, 0, 0, 0]))[:3, 3]
    with pytest.raises(NoSolution):
        ARM.inverse(target, start=READY, lower=READY - 0.01, upper=READY + 0.01)


@pytest.mark.parametrize('bad', [np.zeros(5), np.zeros((1, 6)), 0.0])
def test_angles_of_another_shape_are_refused(bad: object) -> None:
    with pytest.raises(LimitError, match=r'shape \(6,\)'):
        ARM.forward(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_angles_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(LimitError, match='finite'):
        ARM.jacobian([0.0, 0.0, bad, 0.0, 0.0, 0.0])
    with pytest.raises(LimitError, match='target position must be finite'):
        ARM.inverse([0.0, bad, 0.0], start=READY)
    with pytest.raises(LimitError, match='rotation must be finite'):
        ARM.inverse([0.0, 0.3, 0.3], rotation=np.full((3, 3), bad), start=READY)


def test_a_table_of_another_shape_is_refused() -> None:
    for bad in (np.zeros((6, 3)), np.zeros((0, 4)), np.zeros(4)):
        with pytest.raises(ConfigError, match=r'shape \(joints, 4\)'):
            DhChain(bad)


def test_a_table_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ConfigError, match='not finite'):
        DhChain([[0.0, math.nan, 0.0, 0.0]])


def test_the_published_table_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match='read-only'):
        UR5E_DH[0, 0] = 1.0


def test_the_robot_files_table_is_the_published_one() -> None:
    yaml = pytest.importorskip('yaml', reason='robot files need PyYAML')
    text = (Path(__file__).parent.parent / 'config' / 'ur5e.yaml').read_text(encoding='utf-8')
    assert np.array_equal(yaml.safe_load(text)['dh'], UR5E_DH)
