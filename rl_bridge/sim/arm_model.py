# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What MuJoCo simulates of an arm: the UR5e's own ``ur5e.xml``, or capsules along any DH table.

A robot file's ``simulation`` says what its DH table does not: masses, radii, torques, friction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from xml.etree import ElementTree

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.robot_description import UNLIMITED
from rl_bridge.sim.shapes import FLOOR, is_ur5e
from rl_bridge.types import FloatArray, RobotDescription
from rl_bridge.yaml_section import Section

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
POSITION_JUMP = 0.04  # rad: 20 rad/s over 2 ms, JOINT_IGNORE_SPEED in external_control.urscript

#: Keys of a robot file's ``simulation`` that are about its arm; anything else there is not.
KEYS = (
    'link_mass',
    'link_radius',
    'max_effort',
    'max_velocity',
    'acceleration',
    'rotor_inertia',
    'damping',
    'dry_friction',
    'ready',
)
_OTHERS = ('camera',)  # keys of the same mapping that other simulators read

_SHORTEST = 0.001  # m. A shorter link is drawn as a sphere
_Point = tuple[float, float, float]


@dataclass(frozen=True)
class ArmModel:
    """
    An arm as ``SimulatedArm`` takes it; arrays have shape (joints,), in the order of ``joints``.

    :param name: for people.
    :param xml: MuJoCo's description: hinge joints and motors in the order of ``joints``.
    :param ready: joint angles to begin at, rad.
    :param max_velocity: fastest velocity that a command may ask for, rad/s.
    :param acceleration: fastest change of the joints' velocity, rad/s^2.
    :param position_jump: what the driver allows between two position commands, rad; 0 = any.
    """

    name: str
    joints: tuple[str, ...]
    xml: str
    ready: FloatArray
    max_velocity: FloatArray
    acceleration: FloatArray
    position_jump: float = 0.0


def ur5e_model() -> ArmModel:
    """Return the UR5e of ``ur5e.xml``."""
    return ArmModel(
        name='UR5e',
        joints=UR5E_JOINTS,
        xml=resources.files('rl_bridge.sim').joinpath('ur5e.xml').read_text(encoding='utf-8'),
        ready=np.array(UR5E_READY),
        max_velocity=np.full(6, MAX_VELOCITY),
        acceleration=np.full(6, ACCELERATION),
        position_jump=POSITION_JUMP,
    )


def arm_model(robot: RobotDescription) -> ArmModel:
    """
    Return the model of a robot file's arm.

    A file with the joints and the DH table of a UR5e, and nothing of its own under
    ``simulation``, gets ``ur5e_model``; a calibrated arm is some millimetres off it then. Any
    other one gets a model of capsules.

    :raises ConfigError: the file has no ``dh``, or a value under ``simulation`` makes no sense.
    """
    if robot.dh is None:
        raise ConfigError(
            f'{robot.name} has no dh, so that its arm cannot be simulated; add its '
            'Denavit-Hartenberg table to the robot file.'
        )
    section = Section(f'the robot file of {robot.name}', 'simulation', robot.simulation)
    section.only(optional=(*KEYS, *_OTHERS))
    own = any(section.has(key) for key in KEYS)
    if robot.joints == UR5E_JOINTS and is_ur5e(robot.dh) and not own:
        return ur5e_model()
    parts = _read(section, robot)
    return ArmModel(
        name=robot.name,
        joints=robot.joints,
        xml=_xml(robot, robot.dh, parts),
        ready=parts.ready,
        max_velocity=parts.max_velocity,
        acceleration=parts.acceleration,
    )


@dataclass(frozen=True)
class _Parts:
    """The values under ``simulation``, each of shape (joints,)."""

    mass: FloatArray
    radius: FloatArray
    max_effort: FloatArray
    max_velocity: FloatArray
    acceleration: FloatArray
    rotor_inertia: FloatArray
    damping: FloatArray
    dry_friction: FloatArray
    ready: FloatArray


def _read(section: Section, robot: RobotDescription) -> _Parts:
    joints, limits = len(robot.joints), robot.limits

    def numbers(key: str, otherwise: FloatArray | float, *, above: float | None) -> FloatArray:
        if section.has(key):
            return section.numbers(key, joints, above=above)
        return np.broadcast_to(np.asarray(otherwise, dtype=np.float64), joints)

    def not_negative(key: str, otherwise: float) -> FloatArray:
        values = numbers(key, otherwise, above=None)
        if (values < 0.0).any():
            raise section.fault(key, 'must not be negative')
        return values

    max_velocity = numbers('max_velocity', limits.velocity, above=0.0)
    if (max_velocity < limits.velocity).any():
        raise section.fault(
            'max_velocity', f'must reach limits.velocity, {limits.velocity.tolist()}'
        )
    max_effort = numbers('max_effort', 150.0 if limits.effort is None else limits.effort, above=0)
    if limits.effort is not None and (max_effort < limits.effort).any():
        raise section.fault('max_effort', f'must reach limits.effort, {limits.effort.tolist()}')
    ready = numbers(
        'ready', np.clip(0.0, limits.position_lower, limits.position_upper), above=None
    )
    if not ((ready >= limits.position_lower) & (ready <= limits.position_upper)).all():
        raise section.fault('ready', 'lies outside limits.position; move it inside')
    return _Parts(
        mass=numbers('link_mass', 1.0, above=0.0),
        radius=numbers('link_radius', 0.04, above=0.0),
        max_effort=max_effort,
        max_velocity=max_velocity,
        acceleration=numbers('acceleration', limits.acceleration, above=0.0),
        # The same assumptions as in ur5e.xml.
        rotor_inertia=not_negative('rotor_inertia', 0.1),
        damping=not_negative('damping', 0.5),
        dry_friction=not_negative('dry_friction', 0.0),
        ready=ready,
    )


def _xml(robot: RobotDescription, dh: FloatArray, parts: _Parts) -> str:
    """
    Describe the arm to MuJoCo.

    As in ur5e.xml the frame of each link's body is that of its joint: z is the axis, and body k+1
    sits at Trans(a, 0, d) Rot_x(alpha) of row k, turned about z by the offset theta of its row.
    """
    root = ElementTree.Element('mujoco', model=robot.name)
    _add(root, 'compiler', angle='radian', autolimits='true')
    _add(root, 'option', timestep=STEP_S, integrator='implicitfast', gravity=(0, 0, -9.81))
    world = _add(root, 'worldbody')
    _add(world, 'light', pos=(1, -1.5, 3), dir=(-0.3, 0.45, -1))
    _add(world, 'geom', name='floor', type='plane', pos=(0, 0, FLOOR), size=(3, 3, 0.1))
    body = _add(world, 'body', name='base_link')
    _add(
        body, 'geom', type='cylinder', fromto=(0, 0, FLOOR, 0, 0, 0), size=0.085, friction=0.6,
        rgba=(0.28, 0.31, 0.35, 1),
    )  # fmt: skip
    actuators = ElementTree.Element('actuator')
    before = (0.0, 0.0, 0.0, 0.0)
    for i, joint in enumerate(robot.joints):
        a, alpha, d, theta = dh[i].tolist()
        body = _add(
            body,
            'body',
            name=f'link_{i + 1}',
            pos=(before[0], 0.0, before[2]),
            quat=_quaternion(before[1], theta),
        )
        _add_joint(body, joint, i, robot, parts)
        _add_capsules(body, a, d, float(parts.radius[i]), float(parts.mass[i]))
        effort = float(parts.max_effort[i])
        _add(actuators, 'motor', name=joint, joint=joint, ctrlrange=(-effort, effort))
        before = (a, alpha, d, theta)
    a, alpha, d, _ = before
    _add(body, 'site', name='tool0', pos=(a, 0, d), quat=_quaternion(alpha, 0.0), size=0.006)
    contact = _add(root, 'contact')
    _add(contact, 'exclude', body1='base_link', body2='link_1')
    for i, j in _touching(dh, parts.radius):
        _add(contact, 'exclude', body1=f'link_{i + 1}', body2=f'link_{j + 1}')
    root.append(actuators)
    return ElementTree.tostring(root, encoding='unicode')


def _add_joint(
    body: ElementTree.Element, name: str, i: int, robot: RobotDescription, parts: _Parts
) -> None:
    lower, upper = robot.limits.position_lower[i], robot.limits.position_upper[i]
    values: dict[str, object] = {
        'name': name,
        'type': 'hinge',
        'axis': (0, 0, 1),
        'armature': float(parts.rotor_inertia[i]),
        'damping': float(parts.damping[i]),
        'frictionloss': float(parts.dry_friction[i]),
    }
    if max(-lower, upper) < UNLIMITED:
        values['range'] = (float(lower), float(upper))
    _add(body, 'joint', **values)


def _add_capsules(
    body: ElementTree.Element, a: float, d: float, radius: float, mass: float
) -> None:
    """Add a capsule along d and one along a, with the mass by their lengths; else a sphere."""
    ends: list[tuple[_Point, _Point]] = [((0, 0, 0), (0, 0, d)), ((0, 0, d), (a, 0, d))]
    lengths = [abs(d), abs(a)]
    long = [k for k in (0, 1) if lengths[k] >= _SHORTEST]
    rgba = (0.86, 0.87, 0.88, 1)
    if not long:
        _add(body, 'geom', type='sphere', size=radius, mass=mass, friction=0.6, rgba=rgba)
    for k in long:
        share = mass * lengths[k] / sum(lengths[m] for m in long)
        _add(
            body, 'geom', type='capsule', fromto=(*ends[k][0], *ends[k][1]), size=radius,
            mass=share, friction=0.6, rgba=rgba,
        )  # fmt: skip


def _touching(dh: FloatArray, radius: FloatArray) -> list[tuple[int, int]]:
    """
    Return pairs of links, not neighbours, that would touch in every pose.

    They do where what lies between them along the arm is shorter than both their radii.
    """
    lengths = np.abs(dh[:, 0]) + np.abs(dh[:, 2])
    return [
        (i, j)
        for i in range(len(dh))
        for j in range(i + 2, len(dh))
        if lengths[i + 1 : j].sum() <= radius[i] + radius[j]
    ]


def _quaternion(alpha: float, theta: float) -> tuple[float, float, float, float]:
    """Return Rot_x(alpha) Rot_z(theta) as w, x, y, z."""
    ca, sa = math.cos(alpha / 2), math.sin(alpha / 2)
    ct, st = math.cos(theta / 2), math.sin(theta / 2)
    return ca * ct, sa * ct, -sa * st, ca * st


def _add(parent: ElementTree.Element, tag: str, **values: object) -> ElementTree.Element:
    texts = {
        name: ' '.join(map(repr, value)) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
    }
    return ElementTree.SubElement(parent, tag, texts)
