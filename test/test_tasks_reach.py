# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The reach task against values worked out by hand, and its borders against random actions."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.tasks.catalogue import make_task
from rl_bridge.tasks.reach import ReachTask
from rl_bridge.tasks.reach_setup import UR5E_REACH_2, UR5E_REACH_6, ur5e_reach_setup
from rl_bridge.types import Limits, RobotDescription, RobotState

ARM = fake_description(6, dh=UR5E_DH)
CHAIN = DhChain(UR5E_DH)
PERIOD_S = 0.04
FORMS = [(joints, kind) for joints in (2, 6) for kind in ('velocity', 'position')]


def state(position: Any, velocity: Any = 0.0) -> RobotState:
    zeros = np.zeros(6)
    return RobotState(np.array(position, dtype=float), zeros + velocity, zeros, 0)


def begun(task: ReachTask, seed: int = 0) -> RobotState:
    """Begin an episode at the task's own start."""
    start = state(task.setup.reference)
    position = task.reset(rng=np.random.default_rng(seed), state=start, options={})
    task.begin(state(position))
    return state(position)


def tool(measured: RobotState) -> np.ndarray:
    return CHAIN.forward(measured.position)[:3, 3]


# -- reward ------------------------------------------------------------------------------------


def test_the_reward_is_senseacts_precision_formula_worked_out_by_hand() -> None:
    task = ReachTask(ARM, joints=6)
    start = state(UR5E_REACH_6.reference)
    target = tool(start) + np.array([0.0, 0.03, 0.04])  # 5 cm away
    task.reset(rng=np.random.default_rng(0), state=start, options={'target_m': target.tolist()})
    reward, terms = task.reward(np.zeros(6, np.float32), start)
    assert terms['distance'] == pytest.approx(-0.05)
    assert terms['precision'] == pytest.approx(math.exp(-0.25))  # 0.05^2 / 0.01
    # (-0.05 + 0.7788008) * 40 ms / 8 ms
    assert reward == pytest.approx(3.644004, abs=1e-6)


def test_the_distance_of_the_2_joint_form_leaves_x_out() -> None:
    task = ReachTask(ARM, joints=2)
    start = state(UR5E_REACH_2.reference)
    target = tool(start) + np.array([0.05, 0.03, 0.04])
    task.reset(rng=np.random.default_rng(0), state=start, options={'target_m': target})
    assert task.distance_m(start) == pytest.approx(0.05)


def test_velocity_and_action_terms_are_squared_sums_over_the_actuated_joints() -> None:
    task = ReachTask(ARM, joints=2, weights={'velocity': 2.0, 'action': 0.5})
    start = begun(task)
    moving = state(start.position, [9.0, 0.1, -0.2, 9.0, 9.0, 9.0])
    reward, terms = task.reward(np.array([0.3, -0.15], np.float32), moving)
    assert terms['velocity'] == pytest.approx(-(0.01 + 0.04))
    assert terms['action'] == pytest.approx(-(1.0 + 0.25), abs=1e-6)
    expected = terms['distance'] + terms['precision'] - 2.0 * 0.05 - 0.5 * 1.25
    assert reward == pytest.approx(expected * 5.0)


def test_the_best_reward_of_a_step_is_five_and_needs_the_tool_at_the_target() -> None:
    task = ReachTask(ARM, joints=6)
    start = state(UR5E_REACH_6.reference)
    options = {'target_m': tool(start)}
    task.reset(rng=np.random.default_rng(0), state=start, options=options)
    assert task.reward(np.zeros(6, np.float32), start)[0] == pytest.approx(5.0)
    assert task.info(start) == {'distance_m': pytest.approx(0.0, abs=1e-12), 'is_success': True}
    assert not task.terminated(start)


def test_a_weight_changes_the_next_reward() -> None:
    task = ReachTask(ARM, joints=2)
    start = begun(task)
    action = np.zeros(2, np.float32)
    _, terms = task.reward(action, start)
    task.set_weight('precision', 0.0)
    task.set_weight('distance', 3.0)
    assert task.reward(action, start)[0] == pytest.approx(3.0 * terms['distance'] * 5.0)


@pytest.mark.parametrize('value', [math.nan, math.inf, 1e7, 'much', None])
def test_a_weight_that_is_no_finite_number_is_refused(value: Any) -> None:
    task = ReachTask(ARM, joints=2)
    with pytest.raises(ConfigError, match="weight of 'distance'"):
        task.set_weight('distance', value)
    assert task.weights['distance'] == 1.0


def test_a_weight_of_no_term_is_refused_and_the_terms_are_named() -> None:
    with pytest.raises(ConfigError, match='distance, precision, velocity, action'):
        ReachTask(ARM, joints=2, weights={'speed': 1.0})


# -- episodes ----------------------------------------------------------------------------------


@pytest.mark.parametrize('joints', [2, 6])
def test_targets_come_from_the_seed_and_lie_inside_the_box(joints: int) -> None:
    task = ReachTask(ARM, joints=joints)
    drawn = []
    for seed in range(200):
        begun(task, seed)
        assert (task.target_m >= task.setup.box_lower + 0.02).all()
        assert (task.target_m <= task.setup.box_upper - 0.02).all()
        drawn.append(tuple(task.target_m))
        again = ReachTask(ARM, joints=joints)
        begun(again, seed)
        assert tuple(again.target_m) == drawn[-1]
        assert again.episode_info() == {'target_m': list(drawn[-1])}
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(
    'target', [[0.0, 0.0], [0.0, 0.0, 2.0], [math.nan, 0.0, 0.7], 'there', None, [[0.0] * 3]]
)
def test_a_given_target_outside_the_box_or_malformed_is_refused(target: Any) -> None:
    task = ReachTask(ARM, joints=6)
    start = state(UR5E_REACH_6.reference)
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match='target_m'):
        task.reset(rng=rng, state=start, options={'target_m': target})
    with pytest.raises(ConfigError, match="no reset option 'goal'"):
        task.reset(rng=rng, state=start, options={'goal': [0.0, 0.0, 0.7]})


def test_an_observation_holds_what_senseacts_does_in_its_order() -> None:
    task = ReachTask(ARM, joints=2)
    start = begun(task)
    action = np.array([0.15, -0.3], np.float32)
    task.command(action, start)
    measured = state(start.position, [0.0, 0.06, -0.03, 0.0, 0.0, 0.0])
    observation = task.observe(measured)
    offset = (task.target_m - tool(measured))[1:]
    expected = [*start.position[1:3], 0.2, -0.1, *offset, 0.5, -1.0]
    assert observation == pytest.approx(expected, abs=1e-6)
    assert observation.dtype == np.float32
    task.begin(start)
    assert task.observe(start)[-2:].tolist() == [0.0, 0.0]  # no action of the last episode


@pytest.mark.parametrize(('joints', 'kind'), FORMS)
def test_observations_stay_inside_the_space_at_and_beyond_every_limit(
    joints: int, kind: str
) -> None:
    task = ReachTask(ARM, joints=joints, interface=kind)
    begun(task)
    for factor in (1.0, 1.01, -1.0, -1.01):
        measured = state(factor * ARM.limits.position_upper, factor * ARM.limits.velocity)
        assert task.observation_space.contains(task.observe(measured))


# -- commands ----------------------------------------------------------------------------------


def test_velocity_actions_move_the_actuated_joints_alone() -> None:
    task = ReachTask(ARM, joints=2)
    command = task.command(np.array([0.1, -0.2], np.float32), begun(task))
    assert command == pytest.approx([0.0, 0.1, -0.2, 0.0, 0.0, 0.0], abs=1e-7)


def test_position_actions_are_increments_of_the_last_command() -> None:
    task = ReachTask(ARM, joints=2, interface='position')
    start = begun(task)
    assert task.action_space.high == pytest.approx([0.3 * PERIOD_S] * 2)
    action = np.array([0.01, -0.01], np.float32)
    once = task.command(action, start)
    twice = task.command(action, start)  # the robot lags behind
    assert once - start.position == pytest.approx([0.0, 0.01, -0.01, 0.0, 0.0, 0.0], abs=1e-7)
    assert twice - start.position == pytest.approx([0.0, 0.02, -0.02, 0.0, 0.0, 0.0], abs=1e-7)


def test_a_position_command_never_runs_away_from_the_robot() -> None:
    task = ReachTask(ARM, joints=2, interface='position')
    start = begun(task)
    for _ in range(50):
        command = task.command(task.action_space.high, start)  # the robot does not move at all
    largest = 0.3 * (PERIOD_S + 0.1) + 0.3 * PERIOD_S
    assert np.abs(command - start.position).max() <= largest + 1e-9
    elsewhere = state(start.position + 0.3)
    assert np.abs(task.command(np.zeros(2), elsewhere) - elsewhere.position).max() <= largest


@given(joints=st.sampled_from([2, 6]), data=st.data())
@settings(max_examples=40, deadline=None)
def test_no_actions_lead_out_of_the_box_or_a_joints_range(joints: int, data: Any) -> None:
    task = ReachTask(ARM, joints=joints)
    measured = begun(task)
    place, actuated = task.setup, list(task.setup.actuated)
    high = task.action_space.high
    for _ in range(12):
        signs = data.draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=joints, max_size=joints))
        action = np.array(signs, np.float32) * high
        for _ in range(40):
            command = task.command(action, measured)
            assert np.isfinite(command).all()
            assert (np.abs(command) <= 0.3 + 1e-6).all()
            measured = state(measured.position + command * PERIOD_S)
            point, angles = tool(measured), measured.position[actuated]
            assert (point >= place.box_lower - 1e-3).all()
            assert (point <= place.box_upper + 1e-3).all()
            assert (angles >= place.range_lower).all()
            assert (angles <= place.range_upper).all()


@pytest.mark.parametrize('joints', [2, 6])
def test_from_outside_the_box_only_the_way_back_is_open(joints: int) -> None:
    task = ReachTask(ARM, joints=joints)
    position = task.setup.reference.copy()
    position[1:3] = math.radians(-120.0), math.radians(130.0)  # below the box
    outside = state(position)
    begun(task)
    assert tool(outside)[2] < task.setup.box_lower[2]
    jacobian = CHAIN.jacobian(position)[2]
    lifted = 0
    for sign in (1.0, -1.0):
        action = np.zeros(joints, np.float32)
        action[task.setup.actuated.index(1)] = sign * task.action_space.high[0]
        climb = float(jacobian @ task.command(action, outside))
        assert climb >= 0.0
        lifted += climb > 0.0
    assert lifted == 1


# -- what cannot be ----------------------------------------------------------------------------


def described(**changes: Any) -> RobotDescription:
    return dataclasses.replace(ARM, **changes)


@pytest.mark.parametrize(
    ('description', 'options', 'sentence'),
    [
        (ARM, {'interface': 'effort'}, "not 'effort'"),
        (ARM, {'joints': 3}, 'not 3'),
        (ARM, {'period_s': 0.0}, 'above 0 s'),
        (ARM, {'speed_max': 0.0}, 'speed_max'),
        (ARM, {'speed_max': 1.5}, 'velocity limit'),
        (ARM, {'speed_max': math.nan}, 'speed_max'),
        (described(dh=None), {}, 'DH table'),
        (fake_description(2, dh=UR5E_DH[:2]), {}, 'for 6 joints'),
        (
            described(limits=Limits(-np.ones(6), np.ones(6), np.ones(6), np.ones(6))),
            {},
            'position limits',
        ),
    ],
)
def test_a_robot_or_value_that_does_not_fit_is_refused(
    description: RobotDescription, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ReachTask(description, **options)


def test_a_setup_without_reachable_targets_is_refused_instead_of_searched_for_ever() -> None:
    far = dataclasses.replace(
        ur5e_reach_setup(2), box_lower=np.full(3, 5.0), box_upper=np.full(3, 6.0)
    )
    task = ReachTask(ARM, setup=far)
    start = state(far.reference)
    with pytest.raises(ConfigError, match='No target was found'):
        task.reset(rng=np.random.default_rng(0), state=start, options={})


def test_tasks_are_made_by_name() -> None:
    task = make_task('reach', ARM, interface='position', joints=6)
    assert isinstance(task, ReachTask)
    same = make_task('rl_bridge.tasks.reach:ReachTask', ARM, interface='velocity')
    assert isinstance(same, ReachTask)


@pytest.mark.parametrize(
    ('name', 'options', 'sentence'),
    [
        ('push', {}, "there is 'reach'"),
        ('no_such_module:Task', {}, 'cannot be imported'),
        ('rl_bridge.tasks.reach:NoTask', {}, 'cannot be imported'),
        ('reach', {'colour': 'red'}, 'colour'),
    ],
)
def test_a_task_that_cannot_be_made_is_refused(
    name: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        make_task(name, ARM, interface='velocity', **options)
