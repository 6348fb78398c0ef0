# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The camera reach task: its marker is where the target is, and nothing else tells of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from rl_bridge.errors import ConfigError, LimitError, RobotNotReady
from rl_bridge.kinematics import UR5E_DH, DhChain
from rl_bridge.pinhole import Pinhole
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.sim.camera import ArmCamera, camera_sensor
from rl_bridge.tasks.camera_reach import (
    MARKER_COLOUR,
    CameraReachTask,
    ToolPlane,
    paint_disc,
)
from rl_bridge.tasks.reach_setup import UR5E_REACH_2
from rl_bridge.tasks.scripted_camera import CameraReachController, marker_place
from rl_bridge.types import Reading, RobotDescription, RobotState, Sensor, StopReason

VIEW = Pinhole(width=64, height=48)
HOME = np.array(UR5E_REACH_2.reference)
CAMERA = ArmCamera(VIEW)


def arm(**changes: Any) -> RobotDescription:
    """A UR5e with a camera; ``changes`` of that sensor."""
    sensor = dataclasses.replace(camera_sensor(VIEW), **changes)
    return dataclasses.replace(fake_description(6, dh=UR5E_DH), sensors={'camera': sensor})


def at(position: np.ndarray) -> RobotState:
    picture = Reading(CAMERA.picture(position), 1)
    return RobotState(position, np.zeros(6), np.zeros(6), 1, {'camera': picture})


def begun(seed: int = 0, **options: Any) -> CameraReachTask:
    task = CameraReachTask(arm(), joints=2)
    state = at(HOME)
    task.reset(rng=np.random.default_rng(seed), state=state, options=options)
    task.begin(state)
    return task


def test_an_observation_is_a_picture_and_the_joints() -> None:
    task = begun()
    observation = task.observe(at(HOME))
    assert task.observation_space.contains(observation)
    assert observation['image'].shape == (48, 64, 3)
    assert observation['joints'] == pytest.approx([-2.4, 1.5, 0.0, 0.0])


def test_the_target_shows_in_the_picture_and_nowhere_else() -> None:
    one, other = begun(1).observe(at(HOME)), begun(2).observe(at(HOME))
    assert np.array_equal(one['joints'], other['joints'])
    assert not np.array_equal(one['image'], other['image'])


def test_the_picture_that_came_is_left_as_it_is() -> None:
    task, state = begun(), at(HOME)
    before = state.sensors['camera'].values.copy()
    state.sensors['camera'].values.flags.writeable = False
    task.observe(state)
    assert np.array_equal(state.sensors['camera'].values, before)


@pytest.mark.parametrize('seed', range(8))
def test_the_marker_is_where_the_kinematics_put_the_target(seed: int) -> None:
    task = begun(seed)
    column, row = marker_place(task.observe(at(HOME))['image'])
    wanted = VIEW.seen(task.target_m)
    assert (column, row) == pytest.approx((wanted[0], wanted[1]), abs=0.15)


def test_a_given_target_beside_the_plane_shows_where_the_tool_can_meet_it() -> None:
    inside = begun(target_m=[0.1, -0.1, 0.8])
    tool = DhChain(UR5E_DH).forward(HOME)[:3, 3]
    seen = marker_place(inside.observe(at(HOME))['image'])
    plane = ToolPlane(UR5E_REACH_2, UR5E_DH)
    offset = plane.from_eye(VIEW.eye_m, VIEW.ray(*seen), HOME)
    assert offset == pytest.approx([-0.1 - tool[1], 0.8 - tool[2]], abs=0.01)


def test_a_point_of_the_plane_stays_and_another_keeps_its_coordinates() -> None:
    plane = ToolPlane(UR5E_REACH_2, UR5E_DH)
    moved = HOME + np.array([0.0, 0.3, -0.5, 0.0, 0.0, 0.0])
    tool = DhChain(UR5E_DH).forward(moved)[:3, 3]
    assert plane.nearest(tool, HOME) == pytest.approx(tool)
    assert plane.nearest(tool + np.array([0.2, 0.0, 0.0]), HOME) == pytest.approx(tool)


def test_rewards_weights_and_infos_are_those_of_the_reach_task() -> None:
    task = begun()
    task.set_weight('precision', 0.0)
    reward, terms = task.reward(np.zeros(2), at(HOME))
    info = task.info(at(HOME))
    assert terms['distance'] == -info['distance_m']
    assert reward == pytest.approx(-info['distance_m'] * 0.04 / 0.008)
    assert task.weights['precision'] == 0.0
    assert not task.terminated(at(HOME))
    assert task.episode_info()['target_m'] == task.target_m.tolist()
    assert np.array_equal(task.command(np.zeros(2), at(HOME)), np.zeros(6))


@pytest.mark.parametrize(
    'reading',
    [None, Reading(np.zeros((48, 32, 3), np.uint8), 1), Reading(np.zeros((48, 64, 3)), 1)],
)
def test_a_state_without_the_declared_picture_gives_no_observation(
    reading: Reading | None,
) -> None:
    sensors = {} if reading is None else {'camera': reading}
    state = dataclasses.replace(at(HOME), sensors=sensors)
    with pytest.raises(RobotNotReady, match='needs a picture of camera') as caught:
        begun().observe(state)
    assert caught.value.reason == StopReason.STATE_INVALID


@pytest.mark.parametrize(
    'changes',
    [{'shape': (48, 64)}, {'shape': (48, 64, 4)}, {'dtype': 'float64'}, {'history': 2}],
)
def test_a_sensor_that_gives_no_colour_pictures_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match='needs pictures'):
        CameraReachTask(arm(**changes), joints=2)


def test_a_robot_without_that_camera_is_refused() -> None:
    with pytest.raises(ConfigError, match="no sensor 'wrist'"):
        CameraReachTask(arm(), joints=2, camera='wrist')


def test_a_setup_in_which_one_picture_does_not_tell_where_a_target_is_is_refused() -> None:
    with pytest.raises(ConfigError, match='one picture tells two coordinates'):
        CameraReachTask(arm(), joints=6)
    across = dataclasses.replace(UR5E_REACH_2, axes=(0, 2))
    with pytest.raises(ConfigError, match='do not lie in the plane'):
        ToolPlane(across, UR5E_DH)


@pytest.mark.parametrize('view', [{'focal': 6.0}, {'look_at_m': [-9.0, -0.4, 0.8]}])
def test_a_camera_that_does_not_see_the_whole_box_is_refused(view: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match='does not see the whole box'):
        CameraReachTask(arm(), joints=2, view=view)


@pytest.mark.parametrize('place', [(31.5, 23.5), (10.25, 7.8), (0.0, 0.0), (63.0, 47.0)])
def test_a_disc_is_painted_around_its_middle(place: tuple[float, float]) -> None:
    picture = np.full((48, 64, 3), 128, np.uint8)
    paint_disc(picture, *place, 3.0)
    rows, columns = np.indices((48, 64))
    away = np.hypot(rows - place[1], columns - place[0])
    assert (picture[away < 2.4] == MARKER_COLOUR).all()
    assert (picture[away > 3.6] == 128).all()


@pytest.mark.parametrize('place', [(-9.0, 5.0), (5.0, -9.0), (99.0, 5.0), (5.0, 99.0)])
def test_a_disc_outside_the_picture_changes_nothing(place: tuple[float, float]) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    paint_disc(picture, *place, 3.0)
    assert not picture.any()


def test_a_marker_is_found_to_a_tenth_of_a_pixel() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        picture = np.repeat(rng.integers(0, 256, (48, 64, 1)), 3, axis=2).astype(np.uint8)
        place = rng.uniform([6.0, 6.0], [57.0, 41.0])
        paint_disc(picture, *place, rng.uniform(0.8, 5.0))
        assert marker_place(picture) == pytest.approx(tuple(place), abs=0.12)


def test_without_a_marker_the_controller_says_so() -> None:
    task = begun()
    controller = CameraReachController(task.action_space, task.observation_space)
    blind = {'image': at(HOME).sensors['camera'].values, 'joints': np.zeros(4, np.float32)}
    with pytest.raises(LimitError, match='no marker'):
        controller(blind)


def test_a_controller_for_other_observations_is_refused() -> None:
    with pytest.raises(ConfigError, match='not that of a camera reach task'):
        CameraReachController(begun().action_space, spaces.Box(-1.0, 1.0, (8,)))


def test_a_sensor_of_a_robot_file_is_what_the_task_takes() -> None:
    sensor = camera_sensor(VIEW, name='eye')
    description = dataclasses.replace(arm(), sensors={'eye': sensor})
    assert isinstance(sensor, Sensor)
    assert CameraReachTask(description, joints=2, camera='eye').view.width == 64
