# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A physically simulated arm with the inner controller that a real one has.

The arm's bodies, masses and torques are its ``ArmModel``'s, stepped by MuJoCo at 500 Hz as a real
controller runs. Its servo computes torques from the model, so that gravity does not make it sag
(inverse dynamics control: B. Siciliano et al., Robotics: Modelling, Planning and Control, 2009,
section 8.5.2).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rl_bridge.errors import ConfigError
from rl_bridge.sim.arm_model import (
    ACCELERATION,
    MAX_VELOCITY,
    STEP_S,
    UR5E_JOINTS,
    UR5E_READY,
    ArmModel,
    ur5e_model,
)
from rl_bridge.sim.gap import Gap
from rl_bridge.sim.wanted_motion import WantedMotion
from rl_bridge.types import FloatArray

__all__ = [
    'ACCELERATION', 'MAX_VELOCITY', 'STEP_S', 'UR5E_JOINTS', 'UR5E_READY', 'SimulatedArm',
]  # fmt: skip

_STIFFNESS = 3600.0  # 1/s^2 of position error: a critically damped servo of 60 rad/s
_DAMPING = 120.0  # 1/s of velocity error
# 1/s^3 of the position error's integral, where the arm differs from what its controller knows.
# s^3 + 120 s^2 + 3600 s + 40000 has its roots at -82 and -19 +- 11i: settled within 0.3 s.
_INTEGRAL = 40000.0
_LARGEST_LAG = 0.005  # rad the reference may run ahead of a joint that is held or lacks torque
_LARGEST_VELOCITY_LAG = 0.1  # rad/s, likewise


class SimulatedArm:
    """
    An arm in MuJoCo, commanded as a real one through its velocity, position or effort interface.

    Time passes only in ``advance``. All arrays have shape (joints,), in the model's order. Each
    command may be for some of the joints; the others go on with theirs.

    :param model: the arm; None = ``ur5e_model()``.
    :param position: joint angles to begin at, rad; None = the model's ``ready``.
    :param command_timeout_s: a velocity command older than this brings the joint to rest; 0 means
        it is held for ever, which is what ros2_control's forward controllers do (ros2_controllers
        issue 95). A position command is always held.
    :param effort_timeout_s: a torque command older than this ends: no torque, and the arm falls.
    :param acceleration: fastest change of the joints' velocity, rad/s^2, for all or for each
        joint; None = the model's.
    :param position_jump: a position command farther than this from both the last one and the
        measured position is refused, rad; 0 accepts any. The UR5e's driver refuses 0.04
        (``ArmModel.position_jump``).
    :param gap: how the arm differs from its model, and its noise.
    :raises ConfigError: a parameter is negative or not finite, or MuJoCo is not installed.
    :raises LimitError: the position is malformed or outside the joints' ranges.
    """

    def __init__(
        self,
        *,
        model: ArmModel | None = None,
        position: ArrayLike | None = None,
        command_timeout_s: float = 0.0,
        effort_timeout_s: float = 0.0,
        acceleration: ArrayLike | None = None,
        position_jump: float = 0.0,
        gap: Gap = Gap(),  # noqa: B008 (frozen)
    ) -> None:
        self.model = ur5e_model() if model is None else model
        self.gap = gap
        timeouts = (
            _not_negative(command_timeout_s, 'command_timeout_s'),
            _not_negative(effort_timeout_s, 'effort_timeout_s'),
        )
        most = self._checked_acceleration(acceleration)
        self._change = most * STEP_S  # of a velocity in one step
        jump = _not_negative(position_jump, 'position_jump')
        self._random = np.random.default_rng(gap.seed)
        self._mujoco, self._model = _load(self.model.xml)
        self._data = self._mujoco.MjData(self._model)
        # The range of a joint without limits is 0 to 0 to MuJoCo.
        endless = np.where(self._model.jnt_limited, 0.0, np.inf)
        self._lower = self._model.jnt_range[:, 0] - endless
        self._upper = self._model.jnt_range[:, 1] + endless
        self._max_torque = self._model.actuator_ctrlrange[:, 1].copy()
        self._wanted = WantedMotion(
            model=self.model,
            lower=self._lower,
            upper=self._upper,
            max_effort=self._max_torque,
            acceleration=most,
            timeouts=timeouts,
            position_jump=jump,
        )
        # The controller's own model, where the arm differs from it.
        self._known_model = copy.deepcopy(self._model) if gap.varies else self._model
        if gap.varies:
            self._known_model.opt.disableflags |= self._mujoco.mjtDisableBit.mjDSBL_CONTACT
            self._known_data = self._mujoco.MjData(self._known_model)
        self._integrates = gap.varies or bool(self._model.dof_frictionloss.any())
        self.reset(self.model.ready if position is None else position)

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
        angles = self._wanted.checked_position(position)
        if self.gap.varies:
            self._vary()
        self._mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[:] = angles
        self._mujoco.mj_forward(self._model, self._data)
        self._left_s = 0.0
        self._reference = angles.copy()
        self._reference_velocity = np.zeros(len(angles))
        self._wanted.reset(angles)
        self._torque = self._data.qfrc_bias.copy()
        self._mulled = np.zeros(len(angles))
        self._correction = np.zeros(len(angles))

    def command_velocity(
        self, velocity: ArrayLike, *, joints: Sequence[int] | None = None
    ) -> None:
        """
        Move joints at a velocity, as a forward_velocity_controller does.

        :param velocity: rad/s.
        :param joints: indices of the joints that it is for; None = all.
        :raises LimitError: malformed, not finite or faster than the arm can; nothing changed.
        """
        self._wanted.want_velocity(velocity, joints, now_s=self.time_s)

    def command_position(
        self,
        position: ArrayLike,
        *,
        joints: Sequence[int] | None = None,
        within_s: float = 0.0,
    ) -> None:
        """
        Go to joint angles and stay there, as a forward_position_controller does.

        :param position: rad.
        :param joints: indices of the joints that it is for; None = all.
        :param within_s: travel there evenly for this time, as a joint_trajectory_controller does;
            0 = as fast as possible.
        :raises LimitError: malformed, not finite, outside the joints' ranges or too far away at
            once (``position_jump``); nothing changed.
        """
        self._wanted.want_position(
            position,
            joints,
            within_s=within_s,
            now_s=self.time_s,
            reference=self._reference,
            measured=self._data.qpos,
        )

    def command_effort(self, effort: ArrayLike, *, joints: Sequence[int] | None = None) -> None:
        """
        Put torques on joints, as a forward_effort_controller does: gravity comes on top of them.

        :param effort: Nm.
        :param joints: indices of the joints that it is for; None = all.
        :raises LimitError: malformed, not finite or above the motors' torque; nothing changed.
        """
        self._wanted.want_effort(effort, joints, now_s=self.time_s)

    def halt(self) -> None:
        """Come to rest as fast as the acceleration allows, and stay."""
        self._wanted.rest(now_s=self.time_s)

    def state(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """
        Return the measured positions (rad), velocities (rad/s) and torques (Nm).

        A real UR5e's driver gives the motors' current in ampere instead.
        """
        position, velocity = self._data.qpos.copy(), self._data.qvel.copy()
        if self.gap.position_noise:
            position += self._random.normal(0.0, self.gap.position_noise, len(position))
        if self.gap.velocity_noise:
            velocity += self._random.normal(0.0, self.gap.velocity_noise, len(velocity))
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
        mujoco, data, wanted = self._mujoco, self._data, self._wanted
        mujoco.mj_step1(self._model, data)
        known = self._known_state() if self.gap.varies else data
        # The reference is held close to the joints, so that one which lacks torque does not race
        # after it later.
        lag = (self._reference - data.qpos).clip(-_LARGEST_LAG, _LARGEST_LAG)
        before = data.qvel + (self._reference_velocity - data.qvel).clip(
            -_LARGEST_VELOCITY_LAG, _LARGEST_VELOCITY_LAG
        )
        change, now_s = self._change, data.time
        velocity = before + (wanted.next_velocity(self._reference, now_s) - before).clip(
            -change, change
        )
        acceleration = (velocity - before) / STEP_S
        acceleration += _STIFFNESS * lag + _DAMPING * (before - data.qvel)
        if self._integrates:
            # Not where a joint is held or lacks torque: it would race after it later.
            self._correction += _INTEGRAL * STEP_S * np.where(np.abs(lag) < _LARGEST_LAG, lag, 0.0)
            acceleration += self._correction
        self._reference = data.qpos + lag + velocity * STEP_S
        self._reference_velocity = velocity
        if wanted.any_effort:
            acceleration[wanted.by_effort] = 0.0
        mujoco.mj_mulM(self._known_model, known, self._mulled, acceleration)
        self._torque = self._within_torque(self._mulled, known.qfrc_bias - known.qfrc_passive)
        if wanted.any_effort:
            self._apply_efforts(now_s)
        data.ctrl[:] = self._torque
        mujoco.mj_step2(self._model, data)

    def _known_state(self) -> Any:
        """Return MuJoCo's data as the controller computes them from the measured state."""
        self._known_data.qpos[:] = self._data.qpos
        self._known_data.qvel[:] = self._data.qvel
        self._mujoco.mj_step1(self._known_model, self._known_data)
        return self._known_data

    def _apply_efforts(self, now_s: float) -> None:
        chosen, torques = self._wanted.efforts(now_s)
        self._torque[chosen] = torques[chosen]
        # Where another interface takes over, it begins with the motion as it is.
        self._reference[chosen] = self._data.qpos[chosen]
        self._reference_velocity[chosen] = self._data.qvel[chosen]
        self._correction[chosen] = 0.0

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

    def _vary(self) -> None:
        """Draw the arm's own friction and masses anew."""
        model, known, gap = self._model, self._known_model, self.gap
        joints, links = self._random.uniform(-1.0, 1.0, (2, model.nv))
        friction = 1.0 + gap.friction_spread * joints
        model.dof_damping[:] = known.dof_damping.reshape(-1) * friction
        model.dof_frictionloss[:] = known.dof_frictionloss * friction
        bodies = model.jnt_bodyid  # one link for each joint
        mass = 1.0 + gap.mass_spread * links
        model.body_mass[bodies] = known.body_mass[bodies] * mass
        model.body_inertia[bodies] = known.body_inertia[bodies] * mass[:, None]
        self._mujoco.mj_setConst(model, self._data)

    def _checked_acceleration(self, acceleration: ArrayLike | None) -> FloatArray:
        if acceleration is None:
            return self.model.acceleration
        count = len(self.model.joints)
        values = np.broadcast_to(np.asarray(acceleration, dtype=np.float64), count)
        for value in values.tolist():
            if _not_negative(value, 'acceleration') == 0.0:
                raise ConfigError('acceleration must be above 0 rad/s^2, or the arm never moves.')
        return values


def _load(xml: str) -> tuple[Any, Any]:
    """Return MuJoCo, imported only where it is used, and its model of the arm."""
    try:
        mujoco = import_module('mujoco')
    except ImportError as error:
        raise ConfigError(
            "The simulated arm needs MuJoCo: pip install 'rl_bridge[sim]'."
        ) from error
    try:
        return mujoco, mujoco.MjModel.from_xml_string(xml)
    except ValueError as error:
        raise ConfigError(f'MuJoCo cannot simulate this arm: {error}') from error


def _not_negative(value: float, what: str) -> float:
    if not (math.isfinite(value) and value >= 0.0):
        raise ConfigError(f'{what} must be finite and not negative, not {value!r}.')
    return float(value)
