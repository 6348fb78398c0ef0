# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""An arm of capsules from a robot file: its geometry, its limits, its accuracy, its refusals."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.robot_description import UNLIMITED
from rl_bridge.robot_file import load_robot
from rl_bridge.sim.arm import SimulatedArm
from rl_bridge.sim.arm_model import UR5E_JOINTS, arm_model, ur5e_model
from rl_bridge.sim.gap import Gap
from rl_bridge.sim.in_process_robot import ur5e_description
from rl_bridge.types import RobotDescription

mujoco = pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')

FILES = ['scara.yaml', 'modular6.yaml']


def with_simulation(robot: RobotDescription, **values: object) -> RobotDescription:
    return dataclasses.replace(robot, simulation={**robot.simulation, **values})


@pytest.mark.parametrize('file', FILES)
def test_the_bodies_and_the_flange_stand_where_the_dh_table_says(file: str) -> None:
    robot = load_robot(file)
    assert robot.dh is not None
    model = mujoco.MjModel.from_xml_string(arm_model(robot).xml)
    data, chain = mujoco.MjData(model), DhChain(robot.dh)
    joints = len(robot.joints)
    for position in np.random.default_rng(0).uniform(-math.pi, math.pi, (50, joints)):
        data.qpos[:] = position
        mujoco.mj_kinematics(model, data)
        frames = chain.frames(position)
        flange = data.site('tool0')
        assert flange.xpos == pytest.approx(frames[-1][:3, 3], abs=1e-9)
        assert flange.xmat.reshape(3, 3) == pytest.approx(frames[-1][:3, :3], abs=1e-9)
        links = [model.joint(name).bodyid[0] for name in robot.joints]
        assert data.xpos[links] == pytest.approx(frames[:-1, :3, 3], abs=1e-9)


@pytest.mark.parametrize('file', FILES)
def test_masses_torques_and_ranges_are_the_robot_files(file: str) -> None:
    robot = load_robot(file)
    model = mujoco.MjModel.from_xml_string(arm_model(robot).xml)
    assert tuple(model.joint(i).name for i in range(model.njnt)) == robot.joints
    assert model.body_mass[model.jnt_bodyid] == pytest.approx(robot.simulation['link_mass'])
    assert model.actuator_ctrlrange[:, 1] == pytest.approx(robot.simulation['max_effort'])
    assert model.jnt_range[:, 0] == pytest.approx(robot.limits.position_lower)
    assert model.jnt_range[:, 1] == pytest.approx(robot.limits.position_upper)


@pytest.mark.parametrize('file', FILES)
@pytest.mark.parametrize(
    'gap', [Gap(), Gap(friction_spread=0.5, mass_spread=0.3, seed=1)], ids=['known', 'unknown']
)
@pytest.mark.parametrize('dry_friction', [0.0, 2.0])
def test_the_flange_settles_far_within_a_millimetre(
    file: str, gap: Gap, dry_friction: float
) -> None:
    robot = load_robot(file)
    joints = len(robot.joints)
    robot = with_simulation(robot, dry_friction=[dry_friction] * joints)
    assert robot.dh is not None
    arm, chain = SimulatedArm(model=arm_model(robot), gap=gap), DhChain(robot.dh)
    for offset in np.random.default_rng(0).uniform(-0.3, 0.3, (3, joints)):
        goal = arm.model.ready + offset
        arm.command_position(goal)
        arm.advance(3.0)
        error = np.subtract(chain.point(arm.state()[0]), chain.point(goal))
        assert np.linalg.norm(error) < (5e-5 if dry_friction else 1e-6)
    assert arm._data.ncon == 0


def test_links_that_always_touch_are_no_contact() -> None:
    # The fifth link of modular6 is shorter than its radius: the fourth and the sixth overlap.
    arm = SimulatedArm(model=arm_model(load_robot('modular6.yaml')))
    arm.advance(0.1)
    assert arm._data.ncon == 0
    assert 'body1="link_4" body2="link_6"' in arm.model.xml
    assert 'body1="link_2" body2="link_4"' not in arm.model.xml


def test_the_ur5e_keeps_its_own_model_unless_its_file_says_otherwise() -> None:
    own = ur5e_model().xml
    assert arm_model(load_robot('ur5e.yaml')).xml == own
    assert arm_model(ur5e_description()).xml == own
    assert arm_model(with_simulation(ur5e_description(), camera={})).xml == own
    heavy = with_simulation(ur5e_description(), link_mass=[9.0] * 6)
    model = mujoco.MjModel.from_xml_string(arm_model(heavy).xml)
    assert model.body_mass[model.jnt_bodyid] == pytest.approx(np.full(6, 9.0))
    calibrated = dataclasses.replace(ur5e_description(), dh=UR5E_DH + 1e-4)
    assert arm_model(calibrated).xml == own
    longer = dataclasses.replace(ur5e_description(), dh=UR5E_DH + 0.05)
    assert arm_model(longer).xml != own
    assert arm_model(longer).joints == UR5E_JOINTS


def test_a_joint_without_position_limits_turns_without_end() -> None:
    robot = load_robot('scara.yaml')
    endless = np.full(3, UNLIMITED)
    limits = dataclasses.replace(robot.limits, position_lower=-endless, position_upper=endless)
    arm = SimulatedArm(model=arm_model(dataclasses.replace(robot, limits=limits)))
    arm.command_velocity([1.0, 0.0, 0.0])
    arm.advance(12.0)
    assert arm.state()[0][0] > 10.0
    assert arm.position_range[1].tolist() == [math.inf] * 3


@pytest.mark.parametrize(
    ('key', 'bad', 'sentence'),
    [
        ('link_masses', [1.0] * 3, r'simulation.link_masses .* is unknown; use .*link_mass'),
        ('link_mass', [1.0] * 2, r'simulation.link_mass'),
        ('link_mass', [1.0, 0.0, 1.0], r'simulation.link_mass\[1\]'),
        ('link_mass', 'heavy', r'simulation.link_mass'),
        ('link_radius', [0.1, math.nan, 0.1], r'simulation.link_radius\[1\]'),
        ('max_effort', [-1.0] * 3, r'simulation.max_effort\[0\]'),
        ('max_velocity', [1.0] * 3, r'simulation.max_velocity .* must reach limits.velocity'),
        ('acceleration', [0.0] * 3, r'simulation.acceleration\[0\]'),
        ('rotor_inertia', [-0.1] * 3, r'simulation.rotor_inertia .* must not be negative'),
        ('damping', [-0.1] * 3, r'simulation.damping .* must not be negative'),
        ('dry_friction', [0.1, 0.1, -0.1], r'simulation.dry_friction .* must not be negative'),
        ('ready', [0.0, 0.0, 4.0], r'simulation.ready .* lies outside limits.position'),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(key: str, bad: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        arm_model(with_simulation(load_robot('scara.yaml'), **{key: bad}))


def test_an_effort_limit_that_the_motors_do_not_have_is_refused() -> None:
    robot = load_robot('scara.yaml')
    limits = dataclasses.replace(robot.limits, effort=np.full(3, 20.0))
    with pytest.raises(ConfigError, match=r'simulation.max_effort .* must reach limits.effort'):
        arm_model(dataclasses.replace(robot, limits=limits))


def test_a_robot_without_dh_is_no_arm() -> None:
    with pytest.raises(ConfigError, match='scara has no dh'):
        arm_model(dataclasses.replace(load_robot('scara.yaml'), dh=None))
