# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The gap between simulation and reality: what it does to an arm, to its states, and what not."""

from __future__ import annotations

import itertools
import math
from typing import Any

import gymnasium
import numpy as np
import pytest

from rl_bridge.errors import ConfigError
from rl_bridge.sim.arm import UR5E_READY, SimulatedArm
from rl_bridge.sim.gap import Gap, StateChannel
from rl_bridge.sim.in_process_robot import STATE_PERIOD_S, SimulatedRobot

pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')

READY = np.array(UR5E_READY)
NUMBERS = [
    'position_noise', 'velocity_noise', 'state_latency_s', 'state_jitter_s', 'dropped_states',
    'friction_spread', 'mass_spread',
]  # fmt: skip


@pytest.mark.parametrize('name', NUMBERS)
@pytest.mark.parametrize('bad', [-0.1, math.nan, math.inf])
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, bad: float) -> None:
    with pytest.raises(ConfigError, match=name):
        Gap(**{name: bad})


@pytest.mark.parametrize('name', ['dropped_states', 'friction_spread', 'mass_spread'])
def test_a_part_of_a_whole_is_below_one(name: str) -> None:
    with pytest.raises(ConfigError, match=f'{name} must be below 1, not 1.0'):
        Gap(**{name: 1.0})


@pytest.mark.parametrize('bad', [-1, 0.5, True])
def test_a_seed_is_a_whole_number(bad: Any) -> None:
    with pytest.raises(ConfigError, match='seed must be a whole number'):
        Gap(seed=bad)


def test_a_gap_without_values_is_none() -> None:
    gap = Gap(seed=5)
    assert not gap.delays
    assert not gap.varies
    assert all(Gap(**{name: 0.1}).delays for name in NUMBERS[2:5])
    assert all(Gap(**{name: 0.1}).varies for name in NUMBERS[5:])


def test_a_state_arrives_after_the_latency_and_not_before() -> None:
    channel = StateChannel[int](Gap(state_latency_s=0.02))
    channel.send(1, now_s=1.0)
    channel.send(2, now_s=1.008)
    assert channel.next_due_s() == pytest.approx(1.02)
    assert channel.arrived(now_s=1.019) == []
    assert channel.arrived(now_s=1.021) == [1]
    assert channel.arrived(now_s=1.021) == []
    assert channel.arrived(now_s=2.0) == [2]
    assert channel.next_due_s() == math.inf


def test_jitter_delays_by_up_to_its_size_and_keeps_the_order() -> None:
    channel = StateChannel[int](Gap(state_jitter_s=0.05, seed=1))
    arrivals: dict[int, float] = {}
    order: list[int] = []
    for i in range(4000):
        now = i * 0.001
        if i % 8 == 0 and i < 3900:
            channel.send(i, now_s=now)
        for sent in channel.arrived(now_s=now):
            arrivals[sent] = now
            order.append(sent)
    assert order == sorted(order)
    delays = np.array([arrivals[sent] - sent * 0.001 for sent in order])
    assert len(order) == 488
    assert delays.min() >= 0.0
    assert 0.03 < delays.max() <= 0.0511
    assert len(np.unique(np.round(delays, 4))) > 20


def test_the_given_part_of_the_states_is_lost() -> None:
    channel = StateChannel[int](Gap(dropped_states=0.25, seed=2))
    for i in range(4000):
        channel.send(i, now_s=float(i))
    assert len(channel.arrived(now_s=math.inf)) == pytest.approx(3000, rel=0.05)


def test_what_is_under_way_can_be_forgotten() -> None:
    channel = StateChannel[int](Gap(state_latency_s=0.1))
    channel.send(1, now_s=0.0)
    channel.clear()
    assert channel.arrived(now_s=1.0) == []


def test_each_reset_draws_other_masses_and_friction_within_their_spread() -> None:
    arm = SimulatedArm(gap=Gap(mass_spread=0.2, friction_spread=0.5, seed=4))
    nominal, bodies = SimulatedArm()._model, arm._model.jnt_bodyid
    masses, dampings = [], []
    for _ in range(20):
        arm.reset(READY)
        masses.append(arm._model.body_mass[bodies] / nominal.body_mass[bodies])
        dampings.append((arm._model.dof_damping / nominal.dof_damping).reshape(-1))
        inertia = arm._model.body_inertia[bodies] / nominal.body_inertia[bodies]
        assert inertia == pytest.approx(np.repeat(masses[-1][:, None], 3, axis=1))
    for factors, spread in ((np.array(masses), 0.2), (np.array(dampings), 0.5)):
        assert np.abs(factors - 1.0).max() <= spread + 1e-9
        assert np.abs(factors - 1.0).max() > 0.8 * spread
        assert (factors.std(axis=0) > 0.3 * spread).all()


def test_one_seed_gives_the_same_arm_and_another_seed_another_one() -> None:
    def run(seed: int) -> np.ndarray:
        arm = SimulatedArm(gap=Gap(mass_spread=0.2, position_noise=1e-3, seed=seed))
        arm.command_velocity(np.full(6, 0.3))
        arm.advance(0.5)
        return np.concatenate(arm.state())

    assert np.array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_an_arm_that_is_heavier_than_known_sags_first_and_holds_its_place_then() -> None:
    arm = SimulatedArm(gap=Gap(mass_spread=0.3, seed=7))
    arm.advance(0.02)
    sagged = np.abs(arm.state()[0] - READY).max()
    assert 1e-6 < sagged < 0.02
    arm.advance(2.0)
    assert arm.state()[0] == pytest.approx(READY, abs=1e-6)


def test_a_late_robot_shows_the_state_of_then() -> None:
    prompt = SimulatedRobot()
    late = SimulatedRobot(gap=Gap(state_latency_s=0.04))
    for robot in (prompt, late):
        robot.begin(timeout_s=1.0)
        robot.command(np.full(6, 0.3), authority_s=1.0)
    seen = []
    for _ in range(10):
        prompt.advance(0.04)
        late.advance(0.04)
        seen.append((prompt.state(), late.state()))
    for (before, _), (_, after) in itertools.pairwise(seen):
        assert after.stamp_ns == before.stamp_ns
        assert after.position == pytest.approx(before.position, abs=1e-12)
    assert seen[-1][0].position[0] - seen[-1][1].position[0] == pytest.approx(0.012, rel=0.1)


def test_lost_states_leave_the_one_before() -> None:
    robot = SimulatedRobot(gap=Gap(dropped_states=0.9, seed=3))
    robot.begin(timeout_s=1.0)
    robot.command(np.full(6, 0.3), authority_s=1.0)
    stamps = []
    for _ in range(200):
        robot.advance(STATE_PERIOD_S)
        stamps.append(robot.state().stamp_ns)
    assert stamps == sorted(stamps)
    assert 8 < len(set(stamps)) < 40


def test_a_placed_robot_shows_at_once_where_it_is() -> None:
    robot = SimulatedRobot(gap=Gap(state_latency_s=0.5))
    robot.begin(timeout_s=1.0)
    robot.command(np.full(6, 0.3), authority_s=1.0)
    robot.advance(0.3)
    robot.place(READY + 0.1)
    assert robot.state().position == pytest.approx(READY + 0.1)
    robot.advance(0.3)
    assert robot.state().position == pytest.approx(READY + 0.1)


def test_the_gap_changes_nothing_of_what_is_not_its_own() -> None:
    """States that are late, noisy or lost leave the motion as it is, bit for bit."""

    def run(gap: Gap | None) -> np.ndarray:
        robot = SimulatedRobot(gap=gap)
        robot.begin(timeout_s=1.0)
        for _ in range(10):
            robot.command(np.full(6, 0.3), authority_s=1.0)
            robot.advance(0.04)
            robot.state()
        position: np.ndarray = robot._arm._data.qpos.copy()
        return position

    measured = Gap(
        position_noise=0.01, state_latency_s=0.1, state_jitter_s=0.02, dropped_states=0.3
    )
    assert np.array_equal(run(None), run(measured))


def test_an_arm_of_ones_own_has_its_own_gap() -> None:
    arm = SimulatedArm(gap=Gap(state_latency_s=0.04))
    robot = SimulatedRobot(arm=arm)
    robot.advance(0.02)
    assert robot.state().stamp_ns == 0
    with pytest.raises(ConfigError, match='give your own arm its own'):
        SimulatedRobot(arm=arm, gap=Gap())


@pytest.mark.parametrize('name', ['UrReacher2-v0', 'ScaraReach-v0'])
def test_a_ready_environment_takes_a_gap(name: str) -> None:
    def first(**gap: float) -> np.ndarray:
        env = gymnasium.make(f'rl_bridge:{name}', gap=gap)
        observation: np.ndarray = env.reset(seed=1)[0]
        env.close()
        return observation

    assert np.array_equal(first(position_noise=0.01), first(position_noise=0.01))
    assert not np.array_equal(first(position_noise=0.01), first(position_noise=0.01, seed=2))
    with pytest.raises(ConfigError, match='state_latency_s must be finite'):
        first(state_latency_s=-1.0)
