# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Kinematics of a serial arm from its Denavit-Hartenberg table: forward, differential, inverse.

The classic (distal) convention, as Universal Robots publishes its arms: frame i follows from frame
i - 1 by Rot_z(theta + q_i) Trans_z(d) Trans_x(a) Rot_x(alpha) (J. Denavit, R. S. Hartenberg, 1955;
B. Siciliano et al., Robotics: Modelling, Planning and Control, 2009, section 2.8.2).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from rl_bridge.errors import ConfigError, LimitError, RobotError
from rl_bridge.types import FloatArray

# UR5e, rows (a, alpha, d, theta): universal-robots.com, 'DH Parameters for calculations of
# kinematics and dynamics'. A single arm's calibration differs from it by about a millimetre.
UR5E_DH: FloatArray = np.array(
    [
        [0.0, math.pi / 2, 0.1625, 0.0],
        [-0.425, 0.0, 0.0, 0.0],
        [-0.3922, 0.0, 0.0, 0.0],
        [0.0, math.pi / 2, 0.1333, 0.0],
        [0.0, -math.pi / 2, 0.0997, 0.0],
        [0.0, 0.0, 0.0996, 0.0],
    ]
)
UR5E_DH.flags.writeable = False


class NoSolution(RobotError):
    """
    No joint angles were found that reach the target.

    :param distance_m: how far from the target the best attempt ended.
    :param angle_rad: how far its orientation ended from the wanted one; 0 where none was wanted.
    """

    def __init__(self, distance_m: float, angle_rad: float) -> None:
        super().__init__(
            f'No joint angles reach the target: the best attempt ended {distance_m * 1e3:.3g} mm '
            f'and {angle_rad:.3g} rad away. Choose a target within reach, or another start.'
        )
        self.distance_m = distance_m
        self.angle_rad = angle_rad

    def __reduce__(self) -> tuple[type[NoSolution], tuple[float, float]]:
        return type(self), (self.distance_m, self.angle_rad)


class DhChain:
    """
    A chain of revolute joints.

    :param dh: shape (joints, 4), rows (a, alpha, d, theta offset) in m, rad, m, rad, as in a robot
        file.
    :raises ConfigError: the table is of another shape or holds a number that is not finite.
    """

    def __init__(self, dh: ArrayLike) -> None:
        table = np.array(dh, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != 4 or len(table) == 0:
            raise ConfigError(
                f'A DH table has one row (a, alpha, d, theta) per joint, shape (joints, 4); this '
                f'one has shape {table.shape}.'
            )
        if not np.isfinite(table).all():
            raise ConfigError(f'The DH table holds a number that is not finite: {table.tolist()}.')
        self.joints = len(table)
        self._theta = table[:, 3]
        # Everything of a link that does not turn with its joint, computed once.
        self._fixed = np.stack([_fixed_transform(*row[:3]) for row in table])
        self._rows = [
            (a, math.cos(alpha), math.sin(alpha), d, theta)
            for a, alpha, d, theta in reversed(table.tolist())
        ]

    def frames(self, position: ArrayLike) -> FloatArray:
        """
        Return the pose of the base and of every link's frame in the base frame.

        :param position: joint angles, shape (joints,), rad.
        :return: shape (joints + 1, 4, 4), homogeneous; the last one is the tool flange.
        :raises LimitError: the angles are of another shape or not finite.
        """
        angles = self._checked(position) + self._theta
        turns = np.zeros((self.joints, 4, 4))
        turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
        turns[:, 1, 0] = np.sin(angles)
        turns[:, 0, 1] = -turns[:, 1, 0]
        turns[:, 2, 2] = turns[:, 3, 3] = 1.0
        links = turns @ self._fixed
        frames = np.empty((self.joints + 1, 4, 4))
        frames[0] = np.eye(4)
        for i in range(self.joints):
            np.matmul(frames[i], links[i], out=frames[i + 1])
        return frames

    def point(self, position: FloatArray) -> tuple[float, float, float]:
        """
        Return where the tool flange is in the base frame; ten times as fast as ``forward``.

        :param position: joint angles, shape (joints,), rad; not checked.
        :return: x, y, z in m.
        """
        x = y = z = 0.0
        # From the last link to the base: one point is carried along instead of whole poses.
        for (a, cos_alpha, sin_alpha, d, theta), angle in zip(
            self._rows, reversed(position.tolist()), strict=True
        ):
            along, across = x + a, cos_alpha * y - sin_alpha * z
            cos, sin = math.cos(theta + angle), math.sin(theta + angle)
            x, y, z = (
                cos * along - sin * across,
                sin * along + cos * across,
                sin_alpha * y + cos_alpha * z + d,
            )
        return x, y, z

    def forward(self, position: ArrayLike) -> FloatArray:
        """
        Return the pose of the tool flange in the base frame.

        :param position: joint angles, shape (joints,), rad.
        :return: shape (4, 4), homogeneous, metres.
        :raises LimitError: the angles are of another shape or not finite.
        """
        pose: FloatArray = self.frames(position)[-1]
        return pose

    def jacobian(self, position: ArrayLike) -> FloatArray:
        """
        Return the geometric Jacobian of the tool flange in the base frame.

        Column i is (z x (p - o), z) with the axis z and the origin o of joint i and the flange's
        position p (Siciliano et al., equation 3.30).

        :param position: joint angles, shape (joints,), rad.
        :return: shape (6, joints): m/s then rad/s for one rad/s of each joint.
        :raises LimitError: the angles are of another shape or not finite.
        """
        return _jacobian(self.frames(position))

    def inverse(
        self,
        target: ArrayLike,
        *,
        start: ArrayLike,
        rotation: ArrayLike | None = None,
        lower: ArrayLike | None = None,
        upper: ArrayLike | None = None,
        tolerance: float = 1e-6,
        iterations: int = 200,
    ) -> FloatArray:
        """
        Find joint angles near ``start`` that bring the tool flange to a target.

        Damped least squares with Levenberg-Marquardt's choice of the damping, which stays finite
        near singularities (S. R. Buss, Introduction to Inverse Kinematics, 2004, section 6).

        :param target: position in the base frame, shape (3,), m.
        :param start: joint angles to begin from, shape (joints,), rad.
        :param rotation: wanted orientation of the flange, shape (3, 3); None leaves it free.
        :param lower: lowest angles allowed, shape (joints,), rad; None for no limit.
        :param upper: highest angles allowed, shape (joints,), rad; None for no limit.
        :param tolerance: largest error left, in m and in rad.
        :param iterations: attempts before giving up.
        :return: shape (joints,), rad.
        :raises LimitError: an argument is of another shape or not finite.
        :raises NoSolution: no such angles were found.
        """
        goal = _checked_array(target, (3,), 'The target position')
        turn = None if rotation is None else _checked_array(rotation, (3, 3), 'The rotation')
        low = np.full(self.joints, -np.inf) if lower is None else self._checked(lower)
        high = np.full(self.joints, np.inf) if upper is None else self._checked(upper)
        angles = np.clip(self._checked(start), low, high)
        frames = self.frames(angles)
        error = _pose_error(frames[-1], goal, turn)
        damping = 1e-3
        for _ in range(iterations):
            if _size(error) <= tolerance:
                return angles
            jacobian = _jacobian(frames)[: len(error)]
            # A joint that rests at its limit and would leave it takes no part in this attempt.
            push = jacobian.T @ error
            held = ((angles <= low) & (push < 0)) | ((angles >= high) & (push > 0))
            jacobian[:, held] = 0.0
            square = jacobian @ jacobian.T
            square[np.diag_indices_from(square)] += damping
            candidate = np.clip(angles + jacobian.T @ np.linalg.solve(square, error), low, high)
            candidate_frames = self.frames(candidate)
            candidate_error = _pose_error(candidate_frames[-1], goal, turn)
            if np.linalg.norm(candidate_error) < np.linalg.norm(error):
                angles, frames, error = candidate, candidate_frames, candidate_error
                damping = max(damping * 0.2, 1e-12)
            else:
                damping = min(damping * 5.0, 1e3)
        if _size(error) <= tolerance:
            return angles
        raise NoSolution(float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:])))

    def _checked(self, position: ArrayLike) -> FloatArray:
        return _checked_array(position, (self.joints,), 'The joint angles')


def rotation_vector(rotation: FloatArray) -> FloatArray:
    """
    Return axis times angle of a rotation matrix (Siciliano et al., section 2.5).

    :param rotation: shape (3, 3).
    :return: shape (3,), rad; its norm is at most half a turn.
    """
    skew = 0.5 * np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    sin = float(np.linalg.norm(skew))
    cos = 0.5 * (float(np.trace(rotation)) - 1.0)
    angle = math.atan2(sin, cos)
    if sin > 1e-9:
        return skew * (angle / sin)
    if cos > 0.0:
        return skew
    # Half a turn: the skew part vanishes, the axis is in the symmetric one.
    outer = 0.5 * (rotation + np.eye(3))
    column = outer[:, int(np.argmax(np.diag(outer)))]
    return angle * column / float(np.linalg.norm(column))


def rotation_matrix(vector: ArrayLike) -> FloatArray:
    """
    Return the rotation matrix of axis times angle, by Rodrigues' formula.

    :param vector: shape (3,), rad.
    :return: shape (3, 3).
    :raises LimitError: the vector is of another shape or not finite.
    """
    turn = _checked_array(vector, (3,), 'The rotation vector')
    angle = float(np.linalg.norm(turn))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = turn / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix: FloatArray = (
        np.eye(3) + math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)
    )
    return matrix


def _fixed_transform(a: float, alpha: float, d: float) -> FloatArray:
    cos, sin = math.cos(alpha), math.sin(alpha)
    return np.array([[1, 0, 0, a], [0, cos, -sin, 0], [0, sin, cos, d], [0, 0, 0, 1.0]])


def _jacobian(frames: FloatArray) -> FloatArray:
    axes = frames[:-1, :3, 2]
    arms = frames[-1, :3, 3] - frames[:-1, :3, 3]
    return np.concatenate([np.cross(axes, arms).T, axes.T])


def _pose_error(pose: FloatArray, goal: FloatArray, rotation: FloatArray | None) -> FloatArray:
    """Return what is missing from the pose to the goal: (3,) m, or (6,) m and rotation vector."""
    offset = goal - pose[:3, 3]
    if rotation is None:
        return offset
    return np.concatenate([offset, rotation_vector(rotation @ pose[:3, :3].T)])


def _size(error: FloatArray) -> float:
    return max(float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:])))


def _checked_array(values: ArrayLike, shape: tuple[int, ...], what: str) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        raise LimitError(f'{what} must have shape {shape}, not {array.shape}.')
    if not np.isfinite(array).all():
        raise LimitError(f'{what} must be finite, not {array.tolist()}.')
    return array
