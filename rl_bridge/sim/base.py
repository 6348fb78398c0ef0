# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A physically simulated base with two driven wheels, in a room with cylinders and a laser.

A round chassis of a TurtleBot 2's size and weight, stepped by MuJoCo at 200 Hz. It is driven as
ros2_control's diff_drive_controller drives one: a linear and an angular velocity, followed within
acceleration limits, and at rest once the last command is older than 0.5 s. The wheels' grip is
limited: pushed against a wall they slip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.sim.gap import Gap
from rl_bridge.sim.room import HALF_SIDE, Obstacle
from rl_bridge.types import FloatArray

STEP_S = 0.005
COMMAND_TIMEOUT_S = 0.5  # cmd_vel_timeout of diff_drive_controller where nothing else is said
# Kobuki user guide: diameter 351.5 mm, height 124.8 mm, 0.7 m/s; TurtleBot 2: 6.3 kg in all.
RADIUS = 0.176  # m
HEIGHT = 0.125  # m
MASS = 6.3  # kg
SPEED = (0.5, 1.5)  # m/s, rad/s
ACCELERATION = (1.0, 3.0)  # m/s^2, rad/s^2
GRIP = 0.6  # of rubber on a floor, times the weight: the largest force of the wheels
LASER_RAYS = 360  # one per degree, as small rotating lasers have; the first one points backwards
LASER_RANGE = (0.05, 8.0)  # m
LASER_HEIGHT = 0.2  # m above the floor
GRAVITY = 9.81
NO_GAP = Gap()

_WALL = 0.1  # m, half of its thickness


class SimulatedBase:
    """
    A differential-drive base in a room; time passes only in ``advance``.

    :param obstacles: what stands in the room.
    :param pose: where the base starts: x and y in m, heading in rad.
    :param command_timeout_s: a command older than this brings the base to rest; 0 = never.
    :param speed: largest linear (m/s) and angular (rad/s) velocity; more is cut, as by the
        controller.
    :param acceleration: likewise, m/s^2 and rad/s^2.
    :param range_noise: standard deviation of a ray of the laser, m.
    :param grip: friction of the wheels.
    :param mass: kg.
    :param gap: between simulation and reality; of poses the noise is in m and rad. Friction is
        that of the wheels, mass the chassis', drawn again whenever the base is carried back. How
        late states arrive is up to who passes them on.
    :raises ConfigError: a parameter is negative or not finite, or MuJoCo is not installed.
    """

    def __init__(
        self,
        *,
        obstacles: Sequence[Obstacle] = (),
        pose: ArrayLike = (0.0, 0.0, 0.0),
        command_timeout_s: float = COMMAND_TIMEOUT_S,
        speed: ArrayLike = SPEED,
        acceleration: ArrayLike = ACCELERATION,
        range_noise: float = 0.0,
        grip: float = GRIP,
        mass: float = MASS,
        gap: Gap = NO_GAP,
    ) -> None:
        self._command_timeout_s = _number(command_timeout_s, 'command_timeout_s')
        self._range_noise = _number(range_noise, 'range_noise')
        self._speed = _two_above_zero(speed, 'speed')
        self._acceleration = _two_above_zero(acceleration, 'acceleration')
        mass = _number(mass, 'mass', above_zero=True)
        self._grip = _number(grip, 'grip', above_zero=True)
        self.gap = gap
        self.obstacles = tuple(obstacles)
        self._random = np.random.default_rng(gap.seed)
        self._mujoco = _mujoco()
        self._model = self._mujoco.MjModel.from_xml_string(_xml(self.obstacles, mass))
        self._data = self._mujoco.MjData(self._model)
        # What the controller believes of the three ways to move: mass and moment of inertia.
        self._body_inertia = self._model.body_inertia[1].copy()
        self._inertia = np.array([mass, mass, self._body_inertia[2]])
        self.ray_angles = np.linspace(-math.pi, math.pi, LASER_RAYS, endpoint=False)
        self._geom = np.zeros((1, 1), dtype=np.int32)  # mj_ray tells in it what it hit
        self._steps = 0
        self._start = _pose(pose)
        self.carry_back()

    @property
    def time_s(self) -> float:
        """Simulated seconds since the base was made."""
        return self._steps * STEP_S

    @property
    def pose(self) -> FloatArray:
        """Where the base really is: x and y in m, heading in rad."""
        x, y, heading = self._data.qpos
        return np.array([x, y, math.remainder(heading, math.tau)])

    @property
    def in_contact(self) -> bool:
        """Whether the base touches a wall or a cylinder at present."""
        return bool(self._data.ncon > 0)

    @property
    def at_rest(self) -> bool:
        """Whether the base neither moves nor is driven."""
        return not self._driven.any() and float(np.abs(self._data.qvel).max()) < 0.01

    def carry_back(self) -> None:
        """Put the base at rest where it started, as a person would."""
        heavier = grip = 1.0
        if self.gap.varies:
            spread = np.array([self.gap.mass_spread, self.gap.friction_spread])
            heavier, grip = 1.0 + spread * self._random.uniform(-1.0, 1.0, 2)
            self._model.body_mass[1] = self._inertia[0] * heavier
            self._model.body_inertia[1] = self._body_inertia * heavier
            self._mujoco.mj_setConst(self._model, self._data)
        # The wheels' largest forces; they stand as far apart as the chassis is wide.
        weight = self._inertia[0] * heavier * GRAVITY
        self._push = self._grip * grip * weight * np.array([1.0, 1.0, RADIUS])
        self._mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[:] = self._start
        self._mujoco.mj_forward(self._model, self._data)
        self._left_s = 0.0
        self._wanted = np.zeros(2)
        self._driven = np.zeros(2)
        self._commanded_at = -math.inf

    def command(self, velocity: ArrayLike) -> None:
        """
        Drive.

        :param velocity: forwards in m/s and to the left in rad/s; cut to what the base can do.
        :raises LimitError: not two finite numbers; nothing changed.
        """
        values = _finite(velocity, 2)
        if values is None:
            raise LimitError(f'A command is two finite velocities, not {velocity!r}.')
        self._wanted = values.clip(-self._speed, self._speed)
        self._commanded_at = self.time_s

    def halt(self) -> None:
        """Come to rest as fast as the acceleration allows, and stay."""
        self._wanted = np.zeros(2)

    def velocity(self) -> FloatArray:
        """Return the measured velocity: forwards in m/s, to the left in rad/s."""
        heading, (vx, vy, turning) = self._data.qpos[2], self._data.qvel
        measured = np.array([math.cos(heading) * vx + math.sin(heading) * vy, turning])
        if self.gap.velocity_noise:
            measured += self._random.normal(0.0, self.gap.velocity_noise, 2)
        return measured

    def measured_pose(self) -> FloatArray:
        """Return the pose that odometry has: x and y in m, heading in rad."""
        measured = self.pose
        if self.gap.position_noise:
            measured += self._random.normal(0.0, self.gap.position_noise, 3)
        return measured

    def scan(self) -> FloatArray:
        """
        Measure with the laser at the chassis' middle.

        :return: distances in m, shape (``LASER_RAYS``,), from the back round by the right side;
            inf where nothing is in range.
        """
        x, y, heading = self._data.qpos
        angles = self.ray_angles + heading
        rays = np.zeros((LASER_RAYS, 3))
        rays[:, 0], rays[:, 1] = np.cos(angles), np.sin(angles)
        origin = np.array([x, y, LASER_HEIGHT])
        found = np.empty(LASER_RAYS)
        for i, ray in enumerate(rays):  # mj_multiRay has another signature in every release
            found[i] = self._mujoco.mj_ray(
                self._model, self._data, origin, ray, None, 1, 1, self._geom
            )
        missed = (found < 0.0) | (found > LASER_RANGE[1])
        if self._range_noise:
            found += self._random.normal(0.0, self._range_noise, LASER_RAYS)
        return np.where(missed, math.inf, found.clip(*LASER_RANGE))

    def advance(self, seconds: float) -> None:
        """
        Let time pass, in physics steps of 5 ms; what is left over counts for the next call.

        :param seconds: how long.
        :raises ConfigError: negative or not finite.
        """
        self._left_s += _number(seconds, 'seconds')
        steps = int(self._left_s / STEP_S + 1e-6)
        self._left_s = max(0.0, self._left_s - steps * STEP_S)
        for _ in range(steps):
            self._step()

    def _step(self) -> None:
        age = self.time_s - self._commanded_at
        if self._command_timeout_s and age > self._command_timeout_s:
            self._wanted = np.zeros(2)
        change = self._acceleration * STEP_S
        self._driven += (self._wanted - self._driven).clip(-change, change)
        data, heading = self._data, self._data.qpos[2]
        forwards, turning = self._driven
        wanted = np.array([forwards * math.cos(heading), forwards * math.sin(heading), turning])
        force = self._inertia * (wanted - data.qvel) / STEP_S
        data.qfrc_applied[:] = force.clip(-self._push, self._push)
        self._mujoco.mj_step(self._model, data)
        self._steps += 1


def _xml(obstacles: Sequence[Obstacle], mass: float) -> str:
    """Return the room and the base as MuJoCo's XML; the base is the only body that moves."""
    far, high = HALF_SIDE + _WALL, 0.25
    walls = [
        f'<geom type="box" pos="{x * far} {y * far} {high}" '
        f'size="{_WALL if x else far + _WALL} {_WALL if y else far + _WALL} {high}"/>'
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    things = [
        f'<geom type="cylinder" pos="{thing.x!r} {thing.y!r} {high}" '
        f'size="{thing.radius!r} {high}"/>'
        for thing in obstacles
    ]
    return f'''
<mujoco model="base">
  <option timestep="{STEP_S}" gravity="0 0 0"/>
  <worldbody>
    {''.join(walls + things)}
    <body name="base" pos="0 0 {HEIGHT / 2}">
      <joint type="slide" axis="1 0 0"/>
      <joint type="slide" axis="0 1 0"/>
      <joint type="hinge" axis="0 0 1"/>
      <geom type="cylinder" size="{RADIUS} {HEIGHT / 2}" mass="{mass!r}"/>
    </body>
  </worldbody>
</mujoco>'''


def _mujoco() -> Any:
    """Return MuJoCo, imported only where it is used."""
    try:
        return import_module('mujoco')
    except ImportError as error:
        raise ConfigError(
            "The simulated base needs MuJoCo: pip install 'rl_bridge[sim]'."
        ) from error


def _finite(values: ArrayLike, count: int) -> FloatArray | None:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return array if array.shape == (count,) and np.isfinite(array).all() else None


def _two_above_zero(values: ArrayLike, what: str) -> FloatArray:
    array = _finite(values, 2)
    if array is None or not (array > 0.0).all():
        raise ConfigError(f'{what} must be two numbers above 0, not {values!r}.')
    return array


def _pose(pose: ArrayLike) -> FloatArray:
    array = _finite(pose, 3)
    most = HALF_SIDE - RADIUS
    if array is None or not (np.abs(array[:2]) <= most).all():
        raise ConfigError(
            f'A pose is x and y in m, within {most:g} of the middle of the room, and a heading in '
            f'rad, not {pose!r}.'
        )
    return array


def _number(value: float, what: str, *, above_zero: bool = False) -> float:
    if not (math.isfinite(value) and value >= 0.0) or (above_zero and value == 0.0):
        least = 'above 0' if above_zero else 'not negative'
        raise ConfigError(f'{what} must be finite and {least}, not {value!r}.')
    return float(value)
