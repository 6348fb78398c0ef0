# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The simulated arm with a camera, in lock-step, and the camera reach task on it."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')

from rl_bridge.errors import ConfigError
from rl_bridge.pinhole import Pinhole
from rl_bridge.robots.robot import PlaceableRobot
from rl_bridge.sim.camera import ArmCamera
from rl_bridge.sim.camera_robot import SimulatedCameraRobot
from rl_bridge.tasks.reach_setup import UR5E_REACH_2
from rl_bridge.tasks.scripted_camera import CameraReachController

SIZE = {'width': 64, 'height': 48}


def made(**options: Any) -> Any:
    return gymnasium.make('rl_bridge:CameraReach-v0', **SIZE, **options)


def test_its_state_shows_the_arm_where_it_is() -> None:
    robot = SimulatedCameraRobot(**SIZE)
    assert isinstance(robot, PlaceableRobot)
    robot.place(np.array(UR5E_REACH_2.reference))
    state = robot.state()
    reading = state.sensors['camera']
    assert reading.stamp_ns == state.stamp_ns
    assert np.array_equal(reading.values, ArmCamera(Pinhole(**SIZE)).picture(state.position))
    robot.place(np.array(UR5E_REACH_2.reference) + 0.2)
    assert not np.array_equal(robot.state().sensors['camera'].values, reading.values)


@pytest.mark.parametrize('kind', ['velocity', 'position'])
def test_gymnasiums_own_checker_is_content(kind: str) -> None:
    check_env(made(interface=kind, render_mode='rgb_array').unwrapped)


@pytest.mark.parametrize('kind', ['velocity', 'position'])
def test_a_controller_that_looks_for_the_marker_reaches_its_targets(kind: str) -> None:
    env = made(interface=kind)
    controller = CameraReachController(env.action_space, env.observation_space, interface=kind)
    for seed in range(2):
        observation, info = env.reset(seed=seed)
        truncated, steps = False, 0
        while not truncated:
            observation, _, terminated, truncated, info = env.step(controller(observation))
            steps += 1
            assert not terminated
        assert steps == 100
        assert info['distance_m'] < 0.01, (seed, info)


def test_two_runs_with_one_seed_are_equal_bit_for_bit() -> None:
    def run() -> list[bytes]:
        env = made()
        observation, _ = env.reset(seed=3)
        found = []
        for _ in range(10):
            found += [observation['image'].tobytes(), observation['joints'].tobytes()]
            observation, *_ = env.step(np.array([0.2, -0.1], np.float32))
        return found

    assert run() == run()


def test_another_view_is_the_cameras_and_the_tasks() -> None:
    view = {'eye_m': [-2.5, 0.3, 0.9], 'look_at_m': [0.0, 0.0, 0.5], 'focal': 1.4}
    env = made(view=view)
    controller = CameraReachController(env.action_space, env.observation_space, view=view)
    observation, info = env.reset(seed=1)
    for _ in range(100):
        observation, *_, info = env.step(controller(observation))
    assert info['distance_m'] < 0.01


@pytest.mark.parametrize('options', [{'view': {'zoom': 2}}, {'joints': 6}])
def test_what_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        made(**options)
