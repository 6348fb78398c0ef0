# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Torques, trajectories and commands to some of the joints, in process, on arms of robot files."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.robot_file import load_robot
from rl_bridge.sim.arm import SimulatedArm
from rl_bridge.sim.arm_model import arm_model
from rl_bridge.sim.in_process_robot import SimulatedRobot
from rl_bridge.types import CommandInterface, CommandOutput, RobotDescription, forward_commands

pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')


def scara(**values: Any) -> SimulatedArm:
    return SimulatedArm(model=arm_model(load_robot('scara.yaml')), **values)


def by_effort(file: str, *, timeout_s: float = 0.0) -> RobotDescription:
    robot = load_robot(file)
    joints = len(robot.joints)
    limits = dataclasses.replace(robot.limits, effort=np.full(joints, 5.0))
    interface = forward_commands('effort', 'effort/commands', timeout_s, joints=joints)
    return dataclasses.replace(
        robot, limits=limits, commands={**robot.commands, 'effort': interface}
    )


def test_a_torque_accelerates_the_joint_as_its_inertia_says() -> None:
    arm = scara()
    columns = np.zeros((3, 3))
    for column, unit in zip(columns, np.eye(3), strict=True):
        arm._mujoco.mj_mulM(arm._model, arm._data, column, unit)
    torque = np.array([0.5, -0.2, 0.1])
    arm.command_effort(torque)
    arm.advance(0.002)
    expected = np.linalg.solve(columns, torque) * 0.002
    assert arm.state()[1] == pytest.approx(expected, rel=0.02)
    assert arm.state()[2].tolist() == torque.tolist()


def test_an_arm_without_torque_falls_and_another_interface_catches_it() -> None:
    arm = SimulatedArm(model=arm_model(load_robot('modular6.yaml')))
    ready = arm.model.ready
    arm.command_effort(np.zeros(6))
    arm.advance(0.1)
    assert np.abs(arm.state()[0] - ready).max() > 0.02
    arm.halt()
    arm.advance(1.5)
    assert np.abs(arm.state()[1]).max() < 1e-3
    arm.command_position(ready)
    arm.advance(3.0)
    assert arm.state()[0] == pytest.approx(ready, abs=1e-5)


def test_an_old_torque_ends_after_its_time_out() -> None:
    arm = scara(effort_timeout_s=0.1)
    arm.command_effort([0.3, 0.0, 0.0])
    arm.advance(0.09)
    assert arm.state()[2][0] == 0.3
    arm.advance(0.03)
    assert arm.state()[2].tolist() == [0.0, 0.0, 0.0]


def test_a_torque_above_the_motors_is_refused_and_nothing_changes() -> None:
    arm = scara()
    with pytest.raises(LimitError, match=r'motor2 is 11 Nm, outside its limits -10 to 10 Nm'):
        arm.command_effort([0.0, 11.0, 0.0])
    arm.advance(0.1)
    assert arm.state()[0] == pytest.approx(arm.model.ready)


def test_a_trajectory_point_is_reached_evenly_within_its_time() -> None:
    arm = scara()
    start = arm.model.ready
    goal = start + np.array([0.4, -0.4, 0.2])
    arm.command_position(goal, within_s=1.0)
    arm.advance(0.5)
    # It gets up to speed first, and is a little faster for it.
    assert arm.state()[0] == pytest.approx(start + 0.5 * (goal - start), abs=0.02)
    assert arm.state()[1] == pytest.approx(1.05 * (goal - start), abs=0.03)
    arm.advance(0.8)
    assert arm.state()[0] == pytest.approx(goal, abs=1e-4)
    arm.advance(1.0)
    assert arm.state()[0] == pytest.approx(goal, abs=1e-9)


def test_a_new_trajectory_sets_out_from_where_the_old_one_has_come() -> None:
    arm = scara()
    start = arm.model.ready
    arm.command_position(start + 1.0, within_s=1.0)
    arm.advance(0.5)
    arm.command_position(start + 1.0, within_s=0.5)  # the same arrival
    speeds = []
    for _ in range(100):
        arm.advance(0.002)
        speeds.append(arm.state()[1].copy())
    assert np.ptp(speeds, axis=0).max() < 1e-3, 'it goes on as before'
    assert speeds[-1] == pytest.approx(1.15, abs=0.1)


@pytest.mark.parametrize('bad', [-0.1, math.nan, math.inf])
def test_a_time_that_makes_no_sense_is_refused(bad: float) -> None:
    arm = scara()
    with pytest.raises(LimitError, match='within a time not negative'):
        arm.command_position(arm.model.ready, within_s=bad)


def test_each_joint_follows_the_interface_that_commanded_it_last() -> None:
    arm = scara()
    ready = arm.model.ready
    arm.command_position(ready[:1] + 0.3, joints=[0])
    arm.command_velocity([0.2], joints=[1])
    arm.command_effort([0.3], joints=[2])
    arm.advance(1.0)
    position, velocity, effort = arm.state()
    assert position[0] == pytest.approx(ready[0] + 0.3, abs=1e-3)
    assert velocity[1] == pytest.approx(0.2, abs=0.01)
    assert effort[2] == 0.3
    assert position[2] > ready[2]
    arm.command_velocity([0.0, 0.0], joints=[1, 2])
    arm.advance(1.0)
    assert arm.state()[1] == pytest.approx(np.zeros(3), abs=1e-6)
    assert arm.state()[0][0] == pytest.approx(ready[0] + 0.3, abs=1e-6)


def test_each_velocity_has_its_own_time_out() -> None:
    arm = scara(command_timeout_s=0.2)
    arm.command_velocity([0.2, 0.2], joints=[0, 1])
    for _ in range(4):
        arm.advance(0.1)
        arm.command_velocity([0.2], joints=[1])
    arm.advance(0.1)
    assert arm.state()[1] == pytest.approx([0.0, 0.2, 0.0], abs=0.01)


def test_a_command_to_some_joints_has_as_many_values() -> None:
    arm = scara()
    with pytest.raises(LimitError, match='one number for each of the 2 joints'):
        arm.command_velocity([0.1], joints=[0, 1])
    with pytest.raises(LimitError, match=r'motor3 is 9 rad/s'):
        arm.command_velocity([0.1, 9.0], joints=[0, 2])


@pytest.mark.parametrize('bad', [[1.0, 0.0, 1.0], [1.0, -1.0, 1.0], math.nan])
def test_an_acceleration_that_makes_no_sense_is_refused(bad: Any) -> None:
    with pytest.raises(ConfigError, match='acceleration must be'):
        scara(acceleration=bad)


def test_a_robot_moves_by_torques_within_its_limits_and_a_stop_takes_them_away() -> None:
    robot = SimulatedRobot(interface='effort', description=by_effort('scara.yaml'))
    robot.begin(timeout_s=1.0)
    with pytest.raises(LimitError):
        robot.command(np.array([0.0, 6.0, 0.0]), authority_s=1.0)
    robot.command(np.array([0.5, 0.0, 0.0]), authority_s=1.0)
    robot.advance(0.1)
    assert robot.state().velocity[0] > 0.01
    assert robot.state().effort.tolist() == [0.5, 0.0, 0.0]
    robot.halt(reason=0, message='enough')
    robot.advance(0.1)
    assert robot.state().effort.tolist() == [0.0, 0.0, 0.0]


def test_a_robot_by_trajectory_arrives_when_its_file_says() -> None:
    description = load_robot('modular6_trajectory.yaml')
    robot = SimulatedRobot(interface='position', description=description)
    start = robot.state().position
    robot.begin(timeout_s=1.0)
    robot.command(start + 0.05, authority_s=1.0)
    robot.advance(0.06)
    early = robot.state().position - start
    assert early == pytest.approx(early[0], abs=1e-3), 'all joints together'
    assert 0.002 < early[0] < 0.03
    robot.advance(1.0)
    assert robot.state().position == pytest.approx(start + 0.05, abs=1e-5)


def test_a_robot_with_several_outputs_sends_each_joint_where_it_belongs() -> None:
    robot = load_robot('scara.yaml')
    outputs = (
        CommandOutput('gripper/command', (2,), 'std_msgs/msg/Float64', ('data',)),
        CommandOutput('arm/commands', (0, 1)),
    )
    robot = dataclasses.replace(
        robot, commands={'position': CommandInterface('position', outputs, 0.0)}
    )
    simulated = SimulatedRobot(interface='position', description=robot)
    goal = simulated.state().position + np.array([0.1, -0.2, 0.3])
    simulated.begin(timeout_s=1.0)
    simulated.command(goal, authority_s=1.0)
    simulated.advance(2.0)
    assert simulated.state().position == pytest.approx(goal, abs=1e-4)


def test_an_interface_that_the_file_has_not_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"The interface is 'position', not 'velocity'"):
        SimulatedRobot(description=load_robot('modular6_trajectory.yaml'))
