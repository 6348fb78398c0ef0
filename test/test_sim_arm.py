# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The simulated UR5e: its geometry, its servo, its command time-out, and what it refuses."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.sim.arm import MAX_VELOCITY, STEP_S, UR5E_JOINTS, UR5E_READY, SimulatedArm
from rl_bridge.sim.gap import Gap

mujoco = pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')

STRETCHED = np.zeros(6)  # horizontal: gravity pulls hardest
READY = np.array(UR5E_READY)
SIGNS = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])


@pytest.fixture(scope='module')
def model() -> Any:
    return SimulatedArm()._model


def test_the_bodies_stand_where_the_dh_table_says(model: Any) -> None:
    data, chain = mujoco.MjData(model), DhChain(UR5E_DH)
    links = [model.joint(name).bodyid[0] for name in UR5E_JOINTS]
    for position in np.random.default_rng(0).uniform(-math.pi, math.pi, (200, 6)):
        data.qpos[:] = position
        mujoco.mj_kinematics(model, data)
        frames = chain.frames(position)
        flange = data.site('tool0')
        assert flange.xpos == pytest.approx(frames[-1][:3, 3], abs=1e-6)
        assert flange.xmat.reshape(3, 3) == pytest.approx(frames[-1][:3, :3], abs=1e-6)
        assert data.xpos[links] == pytest.approx(frames[:-1, :3, 3], abs=1e-6)


def test_the_centres_of_mass_are_the_published_ones(model: Any) -> None:
    published = [  # in the frame after the link, as Universal Robots gives them
        (3.761, 0, -0.02561, 0.00193),
        (8.058, 0.2125, 0, 0.11336),
        (2.846, 0.15, 0, 0.0265),
        (1.37, 0, -0.0018, 0.01634),
        (1.3, 0, 0.0018, 0.01634),
        (0.365, 0, 0, -0.001159),
    ]
    data, frames = mujoco.MjData(model), DhChain(UR5E_DH).frames(READY)
    data.qpos[:] = READY
    mujoco.mj_kinematics(model, data)
    for i, (name, (mass, *centre)) in enumerate(zip(UR5E_JOINTS, published, strict=True)):
        body = model.joint(name).bodyid[0]
        assert model.body_mass[body] == pytest.approx(mass)
        assert data.xipos[body] == pytest.approx((frames[i + 1] @ [*centre, 1.0])[:3], abs=1e-9)


def test_the_joints_have_the_published_names_ranges_and_torques(model: Any) -> None:
    assert tuple(model.joint(i).name for i in range(model.njnt)) == UR5E_JOINTS
    assert tuple(model.actuator(i).name for i in range(model.nu)) == UR5E_JOINTS
    turn = 2 * math.pi
    assert model.jnt_range[:, 1] == pytest.approx([turn, turn, math.pi, turn, turn, turn])
    assert model.jnt_range[:, 0] == pytest.approx(-model.jnt_range[:, 1])
    assert model.actuator_ctrlrange[:, 1].tolist() == [150, 150, 150, 28, 28, 28]
    assert model.actuator_ctrlrange[:, 0].tolist() == [-150, -150, -150, -28, -28, -28]


def test_the_ready_pose_touches_nothing_and_has_the_flange_before_the_base() -> None:
    arm = SimulatedArm()
    assert arm._data.ncon == 0
    assert DhChain(UR5E_DH).forward(READY)[:3, 3] == pytest.approx([-0.4919, -0.1333, 0.4879])


@pytest.mark.parametrize('start', [READY, STRETCHED], ids=['ready', 'stretched'])
def test_gravity_does_not_move_an_arm_at_rest(start: np.ndarray) -> None:
    arm = SimulatedArm(position=start)
    arm.advance(5.0)
    position, velocity, _ = arm.state()
    assert position == pytest.approx(start, abs=1e-6)
    assert velocity == pytest.approx(np.zeros(6), abs=1e-6)


def test_the_effort_of_an_arm_at_rest_is_what_gravity_asks_for() -> None:
    arm = SimulatedArm(position=STRETCHED)
    arm.advance(0.1)
    # Moments about the shoulder lift's axis of the published masses, metres from it.
    lever = [
        (8.058, 0.2125),
        (2.846, 0.425 + 0.2422),
        (1.37, 0.8172),
        (1.3, 0.8172),
        (0.365, 0.8172),
    ]
    assert abs(arm.state()[2][1]) == pytest.approx(9.81 * sum(m * x for m, x in lever), rel=1e-3)


@pytest.mark.parametrize('start', [READY, STRETCHED], ids=['ready', 'stretched'])
@pytest.mark.parametrize(('speed', 'stops_within'), [(0.05, 0.1), (0.5, 0.15), (2.5, 0.2)])
def test_a_velocity_command_is_reached_soon_and_ends_soon(
    start: np.ndarray, speed: float, stops_within: float
) -> None:
    arm = SimulatedArm(position=start)
    wanted = speed * SIGNS
    arm.command_velocity(wanted)
    arm.advance(0.1)
    assert arm.state()[1] == pytest.approx(wanted, rel=0.06, abs=0.002)
    arm.advance(0.05)
    assert arm.state()[1] == pytest.approx(wanted, rel=0.02, abs=0.002)
    arm.command_velocity(np.zeros(6))
    arm.advance(stops_within)
    assert np.abs(arm.state()[1]).max() < 0.01
    rest = arm.state()[0]
    arm.advance(1.0)
    assert arm.state()[0] == pytest.approx(rest, abs=1e-4)


def test_the_velocity_changes_no_faster_than_the_acceleration_allows() -> None:
    arm = SimulatedArm(acceleration=2.0)
    arm.command_velocity(np.full(6, 1.0))
    before = arm.state()[1]
    for _ in range(200):
        arm.advance(STEP_S)
        velocity = arm.state()[1]
        assert np.abs(velocity - before).max() <= 2.0 * STEP_S * 1.05
        before = velocity
    assert before == pytest.approx(np.full(6, 0.8), rel=0.02)


def test_no_joint_gets_more_torque_than_its_motor_has() -> None:
    arm = SimulatedArm(position=STRETCHED)
    limits = np.array([150, 150, 150, 28, 28, 28])
    largest = np.zeros(6)
    for sign in (1.0, -1.0, 1.0):
        arm.command_velocity(sign * 3.0 * SIGNS)
        for _ in range(50):
            arm.advance(STEP_S)
            largest = np.maximum(largest, np.abs(arm.state()[2]))
    assert (largest <= limits + 1e-9).all()
    assert (largest >= limits * 0.999).any(), 'the test never reached a limit'


def test_a_lack_of_torque_makes_no_joint_overshoot() -> None:
    arm = SimulatedArm(position=STRETCHED)
    arm.command_velocity(3.0 * SIGNS)
    for _ in range(150):
        arm.advance(STEP_S)
        assert np.abs(arm.state()[1]).max() < 3.0 + 0.15


def test_a_velocity_command_is_held_for_ever_without_a_time_out() -> None:
    arm = SimulatedArm()
    arm.command_velocity([0.1, 0, 0, 0, 0, 0])
    arm.advance(10.0)
    assert arm.state()[1][0] == pytest.approx(0.1, abs=1e-3)


def test_an_old_velocity_command_brings_the_arm_to_rest() -> None:
    arm = SimulatedArm(command_timeout_s=0.2)
    arm.command_velocity(0.5 * SIGNS)
    arm.advance(0.19)
    assert arm.state()[1] == pytest.approx(0.5 * SIGNS, abs=0.01)
    arm.advance(0.15)
    assert np.abs(arm.state()[1]).max() < 0.01
    rest = arm.state()[0]
    arm.advance(1.0)
    assert arm.state()[0] == pytest.approx(rest, abs=1e-4)


def test_a_renewed_velocity_command_keeps_the_arm_moving() -> None:
    arm = SimulatedArm(command_timeout_s=0.1)
    for _ in range(20):
        arm.command_velocity([0.3, 0, 0, 0, 0, 0])
        arm.advance(0.09)
    assert arm.state()[1][0] == pytest.approx(0.3, abs=1e-3)


def test_a_position_command_is_reached_and_held_beyond_the_time_out() -> None:
    arm = SimulatedArm(command_timeout_s=0.1)
    target = READY + 0.4 * SIGNS
    arm.command_position(target)
    fastest = 0.0
    for _ in range(500):
        arm.advance(STEP_S)
        fastest = max(fastest, float(np.abs(arm.state()[1]).max()))
    assert arm.state()[0] == pytest.approx(target, abs=1e-4)
    assert 1.0 < fastest < MAX_VELOCITY + 0.15
    arm.advance(2.0)
    assert arm.state()[0] == pytest.approx(target, abs=1e-6)


@pytest.mark.parametrize('acceleration', [3.0, 10.0, 40.0])
def test_a_far_position_is_approached_without_overshoot(acceleration: float) -> None:
    arm = SimulatedArm(acceleration=acceleration)
    target = np.add(READY, [1.5, 0, 0, 0, 0, 0])
    arm.command_position(target)
    for _ in range(1000):
        arm.advance(STEP_S)
        assert arm.state()[0][0] < target[0] + 1e-4
    assert arm.state()[0] == pytest.approx(target, abs=1e-4)


def test_a_velocity_command_takes_over_from_a_position_command_and_back() -> None:
    arm = SimulatedArm()
    arm.command_position(np.add(READY, [1.0, 0, 0, 0, 0, 0]))
    arm.advance(0.1)
    arm.command_velocity(np.zeros(6))
    arm.advance(0.3)
    stopped = arm.state()[0]
    assert 0.01 < stopped[0] < 0.9
    arm.command_position(READY)
    arm.advance(1.0)
    assert arm.state()[0] == pytest.approx(READY, abs=1e-4)


def test_halt_ends_either_kind_of_motion() -> None:
    arm = SimulatedArm()
    arm.command_velocity(0.5 * SIGNS)
    arm.advance(0.2)
    arm.halt()
    arm.advance(0.15)
    assert np.abs(arm.state()[1]).max() < 0.01
    arm.command_position(READY)
    arm.advance(0.05)
    assert np.abs(arm.state()[1]).max() > 0.1
    arm.halt()
    arm.advance(0.2)
    assert np.abs(arm.state()[1]).max() < 0.01
    assert np.abs(arm.state()[0] - READY).max() > 0.005


def test_a_joint_stops_at_the_end_of_its_range() -> None:
    arm = SimulatedArm(position=[0, -math.pi / 2, 0, 0, 0, 6.0])
    arm.command_velocity([0, 0, 0, 0, 0, MAX_VELOCITY])
    arm.advance(1.0)
    position, velocity, _ = arm.state()
    assert position[5] == pytest.approx(2 * math.pi, abs=0.01)
    assert abs(velocity[5]) < 0.01
    arm.command_velocity([0, 0, 0, 0, 0, -0.5])
    arm.advance(0.5)
    assert arm.state()[1][5] == pytest.approx(-0.5, abs=0.01)


def test_the_floor_stops_the_arm() -> None:
    arm = SimulatedArm(position=STRETCHED)
    arm.command_velocity([0, 0.5, 0, 0, 0, 0])
    arm.advance(4.0)
    lowest = DhChain(UR5E_DH).frames(arm.state()[0])[:, 2, 3].min()
    assert -0.5 < lowest < -0.3
    assert np.abs(arm.state()[1]).max() < 0.1


def test_time_left_over_counts_for_the_next_call() -> None:
    arm = SimulatedArm()
    for _ in range(100):
        arm.advance(0.0003)
    assert arm.time_s == pytest.approx(0.03)
    arm.advance(0.008)
    assert arm.time_s == pytest.approx(0.038)


def test_reset_puts_the_arm_at_rest_elsewhere() -> None:
    arm = SimulatedArm()
    arm.command_velocity(0.5 * SIGNS)
    arm.advance(0.3)
    arm.reset(STRETCHED)
    position, velocity, effort = arm.state()
    assert np.array_equal(position, STRETCHED)
    assert np.array_equal(velocity, np.zeros(6))
    assert abs(effort[1]) > 40
    assert arm.time_s == 0.0
    arm.advance(0.5)
    assert arm.state()[0] == pytest.approx(STRETCHED, abs=1e-6)


def test_the_state_is_the_callers_own() -> None:
    arm = SimulatedArm()
    for values in (*arm.state(), *arm.position_range):
        values[:] = 99.0
    arm.advance(0.1)
    assert arm.state()[0] == pytest.approx(READY, abs=1e-6)
    assert arm.position_range[1][2] == pytest.approx(math.pi)


def test_two_arms_with_the_same_commands_move_alike_bit_for_bit() -> None:
    gap = Gap(position_noise=1e-4, velocity_noise=1e-3, seed=7)
    arms = [SimulatedArm(gap=gap) for _ in range(2)]
    states = []
    for arm in arms:
        arm.command_velocity(0.3 * SIGNS)
        arm.advance(0.5)
        arm.command_position(READY)
        arm.advance(0.5)
        states.append(np.concatenate(arm.state()))
    assert np.array_equal(*states)


def test_noise_has_the_given_size_and_leaves_the_arm_alone() -> None:
    arm = SimulatedArm(gap=Gap(position_noise=1e-3, velocity_noise=1e-2, seed=1))
    samples = np.array([np.concatenate(arm.state()[:2]) for _ in range(2000)])
    assert samples[:, :6].std(axis=0) == pytest.approx(np.full(6, 1e-3), rel=0.1)
    assert samples[:, 6:].std(axis=0) == pytest.approx(np.full(6, 1e-2), rel=0.1)
    assert np.array_equal(arm._data.qpos, READY)


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_a_command_that_is_not_finite_is_refused_and_moves_nothing(bad: float) -> None:
    arm = SimulatedArm()
    values = np.zeros(6)
    values[3] = bad
    for command in (arm.command_velocity, arm.command_position, arm.reset):
        with pytest.raises(LimitError, match='must be finite'):
            command(values)
    arm.advance(0.1)
    assert arm.state()[0] == pytest.approx(READY, abs=1e-6)


@pytest.mark.parametrize('bad', [[], [0.0] * 5, [0.0] * 7, [[0.0] * 6], 0.0, 'abc', [None] * 6])
def test_a_command_of_another_shape_is_refused(bad: Any) -> None:
    arm = SimulatedArm()
    for command in (arm.command_velocity, arm.command_position, arm.reset):
        with pytest.raises(LimitError, match=r'6|finite'):
            command(bad)


def test_a_velocity_above_the_limit_is_refused_and_the_old_one_stays() -> None:
    arm = SimulatedArm()
    arm.command_velocity([0.2, 0, 0, 0, 0, 0])
    with pytest.raises(LimitError, match=r'elbow_joint is 3\.2 rad/s, outside its limits'):
        arm.command_velocity([0, 0, 3.2, 0, 0, 0])
    arm.advance(0.1)
    assert arm.state()[1] == pytest.approx([0.2, 0, 0, 0, 0, 0], abs=0.01)


def test_a_velocity_at_the_limit_in_single_precision_is_taken() -> None:
    SimulatedArm().command_velocity(np.full(6, np.pi, dtype=np.float32))


def test_a_position_outside_the_range_is_refused() -> None:
    with pytest.raises(LimitError, match=r'elbow_joint is 3\.3 rad'):
        SimulatedArm().command_position([0, 0, 3.3, 0, 0, 0])


def test_a_position_jump_is_refused_as_the_drivers_script_does() -> None:
    arm = SimulatedArm(position_jump=0.04)
    with pytest.raises(LimitError, match=r'0.04 rad .* lies 0.05 rad away'):
        arm.command_position(READY + 0.05)
    arm.advance(0.1)
    assert arm.state()[0] == pytest.approx(READY, abs=1e-6)
    for i in range(1, 26):
        arm.command_position(READY + 0.002 * i)
        arm.advance(STEP_S)
    with pytest.raises(LimitError):
        arm.command_position(READY + 0.15)
    arm.advance(0.5)
    assert arm.state()[0] == pytest.approx(READY + 0.05, abs=1e-4)


@pytest.mark.parametrize(
    'name',
    ['command_timeout_s', 'effort_timeout_s', 'acceleration', 'position_jump'],
)
@pytest.mark.parametrize('bad', [-0.1, math.nan, math.inf])
def test_a_parameter_that_makes_no_sense_is_refused_by_name(name: str, bad: float) -> None:
    with pytest.raises(ConfigError, match=name):
        SimulatedArm(**{name: bad})


def test_no_acceleration_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match='above 0'):
        SimulatedArm(acceleration=0.0)


@pytest.mark.parametrize('bad', [-0.1, math.nan, math.inf])
def test_time_that_runs_backwards_is_refused(bad: float) -> None:
    with pytest.raises(ConfigError, match='seconds'):
        SimulatedArm().advance(bad)


def test_a_missing_mujoco_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'mujoco', None)
    with pytest.raises(ConfigError, match=r'rl_bridge\[sim\]'):
        SimulatedArm()
