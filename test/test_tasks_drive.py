# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The drive task against values worked out by hand, and its controller against made-up scans."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_bridge.errors import ConfigError, LimitError, RobotNotReady
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.sim.in_process_base import diff_drive_description
from rl_bridge.tasks.catalogue import make_task
from rl_bridge.tasks.drive import CLEAR, MARGIN, RADIUS, RELEASED, DriveTask
from rl_bridge.tasks.scripted_drive import DriveController
from rl_bridge.types import Reading, RobotDescription, RobotState, Sensor

BASE = diff_drive_description()
NO_ACTION = np.zeros(2, np.float32)
FAR = 8.0


def state(
    x: float = 0.0,
    y: float = 0.0,
    heading: float = 0.0,
    *,
    velocity: Any = (0.0, 0.0),
    scan: Any = FAR,
    bumper: bool | None = None,
) -> RobotState:
    turn = [0.0, 0.0, math.sin(heading / 2), math.cos(heading / 2)]
    sensors = {
        'pose': Reading(np.array([x, y, 0.0, *turn, *[0.0] * 6]), 0),
        'scan': Reading(np.zeros(36) + scan, 0),
    }
    if bumper is not None:
        sensors['bumper'] = Reading(np.array([float(bumper)]), 0)
    return RobotState(np.zeros(2), np.array(velocity, dtype=float), np.zeros(2), 0, sensors)


def begun(start: RobotState, goal: Any = (1.0, 0.0), **options: Any) -> DriveTask:
    task = DriveTask(BASE, **options)
    rng = np.random.default_rng(0)
    assert task.reset(rng=rng, state=start, options={'goal_m': list(goal)}) is None
    task.begin(start)
    return task


def nearest(clearance_m: float) -> np.ndarray:
    """A scan with one thing that far from the chassis."""
    scan = np.full(36, FAR)
    scan[5] = RADIUS + clearance_m
    return scan


# -- observation -------------------------------------------------------------------------------


def test_an_observation_is_goal_ahead_velocities_last_action_and_scan() -> None:
    here = state(1.0, 1.0, math.pi / 2, velocity=(0.25, -0.75), scan=np.linspace(1, 2, 36))
    task = begun(here, goal=(1.0, 3.0))  # the base faces it
    task.command(np.array([0.5, 1.5], np.float32), here)
    observation = task.observe(here)
    assert observation.dtype == np.float32 and observation.shape == (42,)
    assert observation[:2] == pytest.approx([2.0, 0.0], abs=1e-6)
    assert observation[2:6] == pytest.approx([0.5, -0.5, 1.0, 1.0])
    assert observation[6:] == pytest.approx(np.linspace(1, 2, 36))
    aside = task.observe(state(1.0, 1.0, math.pi))
    assert aside[:2] == pytest.approx([0.0, -2.0], abs=1e-6)  # to its right
    assert aside[6:] == pytest.approx(np.full(36, FAR))


@settings(max_examples=50, deadline=None)
@given(
    st.floats(-15, 15), st.floats(-15, 15), st.floats(-4, 4), st.floats(-2, 2), st.floats(0.05, 8)
)
def test_an_observation_lies_in_its_space_wherever_the_base_is(
    x: float, y: float, heading: float, speed: float, reading: float
) -> None:
    task = begun(state())
    observation = task.observe(state(x, y, heading, velocity=(speed, speed), scan=reading))
    assert task.observation_space.contains(observation)


def test_of_a_history_the_newest_reading_counts() -> None:
    here = state()
    past = np.stack([np.full(36, 1.0), np.full(36, 2.0)])
    sensors = {**here.sensors, 'scan': Reading(past, 0)}
    task = begun(here)
    observation = task.observe(dataclasses.replace(here, sensors=sensors))
    assert observation[6:] == pytest.approx(np.full(36, 2.0))


def test_an_action_is_both_velocities_and_its_bounds_are_the_robots_limits() -> None:
    task = begun(state())
    assert task.action_space.high == pytest.approx(BASE.limits.velocity)
    assert task.command(np.array([0.1, -0.2]), state()) == pytest.approx([0.1, -0.2])
    slower = dataclasses.replace(BASE.limits, velocity=np.array([0.3, 1.1]))
    bounds = DriveTask(dataclasses.replace(BASE, limits=slower)).action_space.high
    assert (bounds.astype(float) <= slower.velocity).all()  # float32(0.3) is above 0.3


# -- reward and end ----------------------------------------------------------------------------


def test_progress_is_what_a_period_brought_and_the_weights_make_the_reward() -> None:
    task = begun(state(), weights={'clearance': 2.0, 'action': 3.0})
    action = np.array([0.25, 0.0], np.float32)
    task.command(action, state())
    after = state(0.1, scan=nearest(0.75 * CLEAR))
    reward, terms = task.reward(action, after)
    assert terms == pytest.approx(
        {'progress': 0.1, 'arrived': 0.0, 'collision': 0.0, 'clearance': -0.25, 'action': -0.25}
    )
    assert reward == pytest.approx(0.1 - 0.5 - 0.75)
    assert task.reward(action, after)[0] == reward  # asked twice, the same
    assert not task.terminated(after)


def test_an_arrival_ends_the_episode_as_a_success() -> None:
    task = begun(state())
    there = state(0.9)
    task.command(NO_ACTION, state(0.8))
    assert task.terminated(there)
    assert task.reward(NO_ACTION, there)[0] == pytest.approx(0.1 + 10.0)
    info = task.info(there)
    assert info['is_success'] and not info['collision']
    assert info['distance_m'] == pytest.approx(0.1)
    assert not task.terminated(state(0.84))


def test_what_the_laser_sees_within_the_margin_is_a_collision() -> None:
    task = begun(state())
    clear, touching = state(scan=nearest(MARGIN + 0.001)), state(scan=nearest(MARGIN - 0.001))
    assert not task.terminated(clear)
    assert task.terminated(touching)
    assert task.reward(NO_ACTION, touching)[1]['collision'] == -1.0
    assert task.info(touching)['collision'] and not task.info(touching)['is_success']


def test_an_arrival_with_a_collision_is_none() -> None:
    task = begun(state())
    there = state(1.0, scan=nearest(0.0))
    assert task.terminated(there)
    assert not task.info(there)['is_success']
    assert task.reward(NO_ACTION, there)[1]['arrived'] == 0.0


def test_a_bumper_is_a_collision_at_once() -> None:
    task = begun(state(bumper=False))
    assert not task.terminated(state(bumper=False))
    assert task.terminated(state(bumper=True))


def test_an_episode_that_begins_in_contact_may_drive_free_and_not_come_back() -> None:
    start = state(scan=nearest(0.0), bumper=True)
    task = begun(start)
    for here in (start, state(scan=nearest(0.01), bumper=True)):
        task.observe(here)
        assert not task.terminated(here)
    assert task.terminated(state(scan=nearest(-RELEASED - 0.001)))  # presses on
    free = state(scan=nearest(MARGIN + RELEASED + 0.001), bumper=False)
    task.observe(free)
    assert not task.terminated(free)
    assert task.terminated(state(scan=nearest(0.0)))
    assert task.terminated(state(bumper=True))


def test_the_weights_are_changed_while_it_runs() -> None:
    task = begun(state())
    task.set_weight('progress', 5.0)
    task.command(NO_ACTION, state())
    assert task.reward(NO_ACTION, state(0.1))[0] == pytest.approx(0.5)
    assert task.weights['progress'] == 5.0
    with pytest.raises(ConfigError, match='no reward term'):
        task.set_weight('speed', 1.0)


# -- goals -------------------------------------------------------------------------------------


def test_goals_are_drawn_by_the_seed_off_the_furniture_and_off_the_base() -> None:
    task = DriveTask(BASE)
    here = state(2.2, 2.2)

    def drawn(seed: int) -> list[float]:
        assert task.reset(rng=np.random.default_rng(seed), state=here, options={}) is None
        return list(task.episode_info()['goal_m'])

    goals = np.array([drawn(seed) for seed in range(100)])
    assert (np.abs(goals).max(axis=1) >= 2.0).all() and (np.abs(goals) <= 2.4).all()
    assert np.linalg.norm(goals - (2.2, 2.2), axis=1).min() >= 1.5
    assert drawn(7) == drawn(7) != drawn(8)
    assert task.goal_m == pytest.approx(drawn(8))


def test_goals_that_a_person_gave_are_drawn_from() -> None:
    task = DriveTask(BASE, goals=[[1.0, 0.0], [0.0, 2.0]])
    found = set()
    for seed in range(20):
        task.reset(rng=np.random.default_rng(seed), state=state(), options={})
        found.add(tuple(task.goal_m.tolist()))
    assert found == {(1.0, 0.0), (0.0, 2.0)}


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'target_m': [1.0, 0.0]}, "no reset option 'target_m'"),
        ({'goal_m': [1.0]}, 'A goal is x and y in m'),
        ({'goal_m': [1.0, math.nan]}, 'A goal is x and y in m'),
        ({'goal_m': 'there'}, 'A goal is x and y in m'),
        ({'goal_m': [30.0, 0.0]}, 'more than 20 m away'),
    ],
)
def test_a_reset_option_that_cannot_be_fulfilled_is_refused(
    options: dict[str, Any], sentence: str
) -> None:
    task = DriveTask(BASE)
    with pytest.raises(ConfigError, match=sentence):
        task.reset(rng=np.random.default_rng(0), state=state(), options=options)


def test_an_arena_with_no_place_for_a_goal_says_so() -> None:
    task = DriveTask(BASE, arena_m=0.5, furnished_m=0.0)
    with pytest.raises(ConfigError, match='make arena_m'):
        task.reset(rng=np.random.default_rng(0), state=state(), options={})


# -- what cannot be ----------------------------------------------------------------------------


def with_sensors(**sensors: Sensor | None) -> RobotDescription:
    found = {**BASE.sensors, **sensors}
    kept = {name: sensor for name, sensor in found.items() if sensor is not None}
    return dataclasses.replace(BASE, sensors=kept)


@pytest.mark.parametrize(
    ('description', 'options', 'sentence'),
    [
        (fake_description(6), {}, 'two axes'),
        (fake_description(2), {}, "needs the sensor 'pose'"),
        (with_sensors(scan=None), {}, "needs the sensor 'scan'"),
        (
            with_sensors(pose=dataclasses.replace(BASE.sensors['pose'], shape=(7,))),
            {},
            r"'pose' of diff_drive has the shape \[7\]; the drive task needs \[13\]",
        ),
        (
            with_sensors(scan=dataclasses.replace(BASE.sensors['scan'], shape=(6, 6))),
            {},
            'a list of sectors',
        ),
        (BASE, {'interface': 'position'}, "'velocity', not 'position'"),
        (BASE, {'period_s': 0.0}, 'period_s of the drive task must be above 0'),
        (BASE, {'radius_m': math.nan}, 'radius_m'),
        (BASE, {'arrived_m': -1.0}, 'arrived_m'),
        (BASE, {'margin_m': 0.0}, 'margin_m'),
        (BASE, {'arena_m': math.inf}, 'arena_m'),
        (BASE, {'furnished_m': 2.4}, 'furnished_m must be 0 to below arena_m'),
        (BASE, {'radius_m': 9.0}, 'which the sensor scan cannot tell'),
        (BASE, {'scan_begins_rad': math.nan}, 'scan_begins_rad'),
        (BASE, {'goals': []}, 'A goal is x and y'),
        (BASE, {'goals': [[1.0, 2.0, 3.0]]}, 'A goal is x and y'),
        (BASE, {'weights': {'speed': 1.0}}, 'no reward term'),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_its_reason(
    description: RobotDescription, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        DriveTask(description, **options)


def test_a_state_without_the_sensor_is_not_acted_on() -> None:
    task = begun(state())
    blind = dataclasses.replace(state(), sensors={})
    with pytest.raises(RobotNotReady, match="measures no 'scan'"):
        task.observe(blind)


def test_it_is_found_by_its_name() -> None:
    assert isinstance(make_task('drive', BASE, interface='velocity'), DriveTask)


# -- picture -----------------------------------------------------------------------------------


def test_the_picture_shows_goal_and_base_where_they_are() -> None:
    task = begun(state(-1.0, 0.0), goal=(2.0, 1.0))
    picture = task.picture(state(-1.0, 0.0, scan=1.0), width=340, height=340).astype(int)
    assert picture.shape == (340, 340, 3)

    def at(x: float, y: float) -> np.ndarray:
        pixel = 2 * 3.4 / 340
        return picture[int(170 - y / pixel), int(170 + x / pixel)]

    red, green, blue = at(2.0, 1.0)
    assert red > 200 and green < 120 and blue < 80  # the goal
    red, green, blue = at(-1.1, 0.1)
    assert blue > 150 and red < 100  # the chassis
    assert at(-0.5, 0.1).min() > 235  # seen to be free
    assert at(1.2, -2.1).max() < 225  # not seen
    assert at(0.0, 0.0).max() < 240  # a hit or the edge of what is seen


def test_a_picture_of_no_size_is_refused() -> None:
    with pytest.raises(ConfigError, match='width must be 16 to 2048'):
        begun(state()).picture(state(), width=8, height=100)


# -- the scripted controller -------------------------------------------------------------------


def action(here: RobotState, goal: Any) -> np.ndarray:
    task = begun(here, goal=goal)
    return DriveController(task.action_space)(task.observe(here))


def test_the_controller_drives_to_a_goal_ahead_and_turns_to_one_behind() -> None:
    ahead = action(state(), (2.0, 0.0))
    assert ahead[0] == pytest.approx(0.5) and abs(ahead[1]) < 0.01
    left = action(state(), (0.0, 2.0))
    assert left[0] == 0.0 and left[1] == pytest.approx(1.5)
    right = action(state(), (-2.0, -0.2))
    assert right[0] == 0.0 and right[1] == pytest.approx(-1.5)


def test_the_controller_turns_aside_for_what_stands_in_its_way_and_slows_down() -> None:
    scan = np.full(36, FAR)
    scan[17:19] = 0.6
    free, blocked = action(state(), (2.0, 0.0)), action(state(scan=scan), (2.0, 0.0))
    assert abs(blocked[1]) > 0.5
    assert blocked[0] < free[0]


def test_the_controller_never_drives_into_what_is_right_ahead() -> None:
    scan = np.full(36, FAR)
    scan[14:22] = 0.25
    assert action(state(scan=scan), (0.3, 0.0))[0] == 0.0
    assert np.isfinite(action(state(scan=0.3), (2.0, 0.0))).all()  # walled in
    assert action(state(scan=0.2), (2.0, 0.0))[0] == 0.0


@pytest.mark.parametrize('bad', [np.zeros(5), np.full(42, np.nan), np.zeros((2, 42))])
def test_the_controller_refuses_what_is_no_observation(bad: np.ndarray) -> None:
    controller = DriveController(DriveTask(BASE).action_space)
    with pytest.raises(LimitError, match='six and then the sectors'):
        controller(bad)


def test_the_controller_refuses_another_action_space() -> None:
    with pytest.raises(ConfigError, match='not the action space of a drive task'):
        DriveController(DriveTask(BASE).observation_space)
