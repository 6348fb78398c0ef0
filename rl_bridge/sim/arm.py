# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A physically simulated UR5e with the inner controller that the real one has.

The arm's bodies, masses and torques are ``ur5e.xml``'s, stepped by MuJoCo at 500 Hz as the real
controller runs. Its servo computes torques from the model, so that gravity does not make it sag
(inverse dynamics control: B. Siciliano et al., Robotics: Modelling, Planning and Control, 2009,
section 8.5.2).
"""

from __future__ import annotations

import math
from importlib import import_module, resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.types import FloatArray

UR5E_JOINTS = (
    'shoulder_pan_joint',
    'shoulder_lift_joint',
    'elbow_joint',
    'wrist_1_joint',
    'wrist_2_joint',
    'wrist_3_joint',
)
STEP_S = 0.002
MAX_VELOCITY = math.pi  # 180 deg/s at every joint: UR5e User Manual 5.8
ACCELERATION = 40.0  # of speedj() in the driver's external_control.urscript
# Upright and bent, the flange in front of the base and clear of everything.
UR5E_READY = (0.0, -math.pi / 2, math.pi / 2, -math.pi / 2, -math.pi / 2, 0.0)

_STIFFNESS = 3600.0  # 1/s^2 of position error: a critically damped servo of 60 rad/s
_DAMPING = 120.0  # 1/s of velocity error
_LOOKAHEAD_S = 0.03  # of servoj() in the driver
_LARGEST_LAG = 0.005  # rad the reference may run ahead of a joint that is held or lacks torque
_LARGEST_VELOCITY_LAG = 0.1  # rad/s, likewise


class SimulatedArm:
    """
    A UR5e in MuJoCo, commanded as the real one through its velocity or position interface.

    Time passes only in ``advance``. All arrays have shape (6,), in the order of ``UR5E_JOINTS``.

    :param position: joint angles to begin at, rad.
    :param command_timeout_s: a velocity command older than this brings the arm to rest; 0 means it
        is held for ever, which is what ros2_control's forward controllers do (ros2_controllers
        issue 95). A position command is always held.
    :param acceleration: fastest change of the joints' velocity, rad/s^2.
    :param position_jump: a position command farther than this from both the last one and the
        measured position is refused, rad; 0 accepts any. The driver's script refuses 20 rad/s over
        one cycle of 2 ms, 0.04 rad (JOINT_IGNORE_SPEED in external_control.urscript).
    :param position_noise: standard deviation of the measured positions, rad.
    :param velocity_noise: standard deviation of the measured velocities, rad/s.
    :param seed: of the noise.
    :raises ConfigError: a parameter is negative or not finite, or MuJoCo is not installed.
    :raises LimitError: the position is malformed or outside the joints' ranges.
    """

    def __init__(
        self,
        *,
        position: ArrayLike = UR5E_READY,
        command_timeout_s: float = 0.0,
        acceleration: float = ACCELERATION,
        position_jump: float = 0.0,
        position_noise: float = 0.0,
        velocity_noise: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._command_timeout_s = _not_negative(command_timeout_s, 'command_timeout_s')
        self._acceleration = _not_negative(acceleration, 'acceleration')
        if self._acceleration == 0.0:
            raise ConfigError('acceleration must be above 0 rad/s^2, or the arm never moves.')
        self._position_jump = _not_negative(position_jump, 'position_jump')
        self._position_noise = _not_negative(position_noise, 'position_noise')
        self._velocity_noise = _not_negative(velocity_noise, 'velocity_noise')
        self._random = np.random.default_rng(seed)
        self._mujoco, self._model = _load()
        self._data = self._mujoco.MjData(self._model)
        self._lower, self._upper = self._model.jnt_range.T.copy()
        self._max_torque = self._model.actuator_ctrlrange[:, 1].copy()
        self.reset(position)

    @property
    def time_s(self) -> float:
        """Simulated seconds since the arm was made or reset."""
        return float(self._data.time)

    @property
    def position_range(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest angle of every joint, rad."""
        return self._lower.copy(), self._upper.copy()

    def reset(self, position: ArrayLike) -> None:
        """
        Put the arm at rest somewhere else at once, which only a simulated one can.

        :param position: joint angles, rad.
        :raises LimitError: they are malformed or outside the joints' ranges; nothing changed.
        """
        angles = self._checked_position(position)
        self._mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[:] = angles
        self._mujoco.mj_forward(self._model, self._data)
        self._left_s = 0.0
        self._reference = angles.copy()
        self._reference_velocity = np.zeros(6)
        self._wanted_velocity: FloatArray | None = np.zeros(6)
        self._wanted_position = angles.copy()
        self._commanded_at = 0.0
        self._torque = self._data.qfrc_bias.copy()
        self._mulled = np.zeros(6)

    def command_velocity(self, velocity: ArrayLike) -> None:
        """
        Move every joint at a velocity, as the driver's forward_velocity_controller does.

        :param velocity: rad/s.
        :raises LimitError: malformed, not finite or above ``MAX_VELOCITY``; nothing changed.
        """
        self._wanted_velocity = self._checked_velocity(velocity)
        self._commanded_at = self.time_s

    def command_position(self, position: ArrayLike) -> None:
        """
        Go to joint angles and stay there, as the driver's forward_position_controller does.

        :param position: rad.
        :raises LimitError: malformed, not finite, outside the joints' ranges or too far away at
            once (``position_jump``); nothing changed.
        """
        angles = self._checked_position(position)
        if self._position_jump:
            moved = self._wanted_velocity is not None
            before = self._reference if moved else self._wanted_position
            jump = min(
                float(np.abs(angles - before).max()),
                float(np.abs(angles - self._data.qpos).max()),
            )
            if jump > self._position_jump:
                raise LimitError(
                    f'A position command may lie {self._position_jump:g} rad from the last one or '
                    f'from the measured position, this one lies {jump:.3g} rad away: approach the '
                    f'target in small steps.'
                )
        self._wanted_position = angles
        self._wanted_velocity = None

    def halt(self) -> None:
        """Come to rest as fast as the acceleration allows, and stay."""
        self._wanted_velocity = np.zeros(6)
        self._commanded_at = self.time_s

    def state(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """
        Return the measured positions (rad), velocities (rad/s) and torques (Nm).

        The real driver's effort is the motors' current in ampere instead.
        """
        position, velocity = self._data.qpos.copy(), self._data.qvel.copy()
        if self._position_noise:
            position += self._random.normal(0.0, self._position_noise, 6)
        if self._velocity_noise:
            velocity += self._random.normal(0.0, self._velocity_noise, 6)
        return position, velocity, self._torque.copy()

    def advance(self, seconds: float) -> None:
        """
        Let time pass, in physics steps of 2 ms; what is left over counts for the next call.

        :param seconds: how long.
        :raises ConfigError: negative or not finite.
        """
        self._left_s += _not_negative(seconds, 'seconds')
        steps = int(self._left_s / STEP_S + 1e-6)
        self._left_s = max(0.0, self._left_s - steps * STEP_S)
        for _ in range(steps):
            self._step()

    def _step(self) -> None:
        mujoco, model, data = self._mujoco, self._model, self._data
        mujoco.mj_step1(model, data)
        # The reference is held close to the joints, so that one which lacks torque does not race
        # after it later.
        lag = (self._reference - data.qpos).clip(-_LARGEST_LAG, _LARGEST_LAG)
        before = data.qvel + (self._reference_velocity - data.qvel).clip(
            -_LARGEST_VELOCITY_LAG, _LARGEST_VELOCITY_LAG
        )
        change = self._acceleration * STEP_S
        velocity = before + (self._next_velocity() - before).clip(-change, change)
        acceleration = (velocity - before) / STEP_S
        acceleration += _STIFFNESS * lag + _DAMPING * (before - data.qvel)
        self._reference = data.qpos + lag + velocity * STEP_S
        self._reference_velocity = velocity
        mujoco.mj_mulM(model, data, self._mulled, acceleration)
        self._torque = self._within_torque(self._mulled, data.qfrc_bias - data.qfrc_passive)
        data.ctrl[:] = self._torque
        mujoco.mj_step2(model, data)

    def _within_torque(self, moving: FloatArray, holding: FloatArray) -> FloatArray:
        """
        Return the joints' torques, within what the motors have.

        Too much acceleration is scaled down at all joints alike: a single joint cut short would
        fling the others.
        """
        torque = moving + holding
        if (np.abs(torque) > self._max_torque).any():
            spare = np.maximum(self._max_torque - np.copysign(1.0, moving) * holding, 0.0)
            share = spare / np.maximum(np.abs(moving), 1e-9)
            torque = moving * min(1.0, float(share.min())) + holding
        return torque.clip(-self._max_torque, self._max_torque)

    def _next_velocity(self) -> FloatArray:
        """Return the velocity that the present command asks for, inside the joints' ranges."""
        if self._wanted_velocity is None:
            return self._approach(self._wanted_position - self._reference).clip(
                -MAX_VELOCITY, MAX_VELOCITY
            )
        age = self.time_s - self._commanded_at
        if self._command_timeout_s and age > self._command_timeout_s:
            self._wanted_velocity = np.zeros(6)
        wanted = self._wanted_velocity
        if not wanted.any():
            return wanted
        # Near the end of its range a joint slows down and stops there.
        return wanted.clip(
            self._approach(self._lower - self._reference),
            self._approach(self._upper - self._reference),
        )

    def _approach(self, distance: FloatArray) -> FloatArray:
        """
        Return the velocity from which a joint can still come to rest after a distance.

        Exponential with the look-ahead time when near; farther away the braking parabola that
        continues it smoothly.
        """
        # A tenth in reserve, because it is followed in steps of 2 ms.
        braking = 0.9 * self._acceleration
        near = braking * _LOOKAHEAD_S**2
        far = np.abs(distance)
        speed = np.where(
            far <= near,
            far / _LOOKAHEAD_S,
            np.sqrt(braking * np.maximum(2.0 * far - near, 0.0)),
        )
        return np.copysign(speed, distance)

    def _checked_velocity(self, velocity: ArrayLike) -> FloatArray:
        values = _six(velocity, 'velocity command')
        self._check_range(values, -MAX_VELOCITY, MAX_VELOCITY, 'velocity command', 'rad/s')
        return values.clip(-MAX_VELOCITY, MAX_VELOCITY)

    def _checked_position(self, position: ArrayLike) -> FloatArray:
        values = _six(position, 'position')
        self._check_range(values, self._lower, self._upper, 'position', 'rad')
        return values.clip(self._lower, self._upper)

    def _check_range(
        self,
        values: FloatArray,
        lower: FloatArray | float,
        upper: FloatArray | float,
        what: str,
        unit: str,
    ) -> None:
        low, high = np.broadcast_to(lower, 6), np.broadcast_to(upper, 6)
        for i, name in enumerate(UR5E_JOINTS):
            if not low[i] - 1e-6 <= values[i] <= high[i] + 1e-6:  # 1e-6: float32 senders
                raise LimitError(
                    f'The {what} of {name} is {values[i]:.6g} {unit}, outside its limits '
                    f'{low[i]:.6g} to {high[i]:.6g} {unit}.'
                )


def _load() -> tuple[Any, Any]:
    """Return MuJoCo, imported only where it is used, and its model of the arm."""
    try:
        mujoco = import_module('mujoco')
    except ImportError as error:
        raise ConfigError(
            "The simulated arm needs MuJoCo: pip install 'rl_bridge[sim]'."
        ) from error
    xml = resources.files('rl_bridge.sim').joinpath('ur5e.xml').read_text(encoding='utf-8')
    return mujoco, mujoco.MjModel.from_xml_string(xml)


def _six(values: ArrayLike, what: str) -> FloatArray:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise LimitError(f'A {what} is six numbers, not {values!r}.') from error
    if array.shape != (6,):
        raise LimitError(
            f'A {what} has one number for each of the six joints, this one has shape '
            f'{array.shape}.'
        )
    if not np.isfinite(array).all():
        raise LimitError(f'A {what} must be finite, not {array.tolist()}.')
    return array


def _not_negative(value: float, what: str) -> float:
    if not (math.isfinite(value) and value >= 0.0):
        raise ConfigError(f'{what} must be finite and not negative, not {value!r}.')
    return float(value)
