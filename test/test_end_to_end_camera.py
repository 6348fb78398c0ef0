# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The camera reach task as its users meet it: pictures of 640 x 480 through camera and bridge."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')
pytest.importorskip('PIL', reason='JPEG needs Pillow')

from bridge_process import hosting

from rl_bridge.errors import BridgeError
from rl_bridge.jpeg import DecodeJpeg
from rl_bridge.processes import RobotSide
from rl_bridge.tasks.scripted_camera import CameraReachController, marker_place

NAMESPACE = f'camera_{os.getpid()}'
TIMEOUT_S = 60.0
SHAPE = (480, 640, 3)


@pytest.fixture(scope='module')
def side() -> Iterator[RobotSide]:
    with RobotSide(
        namespace=NAMESPACE, params_file='camera_reach_env.yaml', log_level='warn'
    ) as robot_side:
        yield robot_side


@pytest.fixture(scope='module')
def env(side: RobotSide) -> Iterator[Any]:
    made = remote(f'/{NAMESPACE}/robot_env')
    yield made
    made.close()


def remote(bridge: str) -> Any:
    return gymnasium.make('rl_bridge:RemoteRobot-v0', bridge=bridge, connect_timeout_s=TIMEOUT_S)


def test_the_arm_reaches_the_marker_that_only_the_picture_shows(env: Any) -> None:
    controller = CameraReachController(env.action_space, env.observation_space)
    observation, info = env.reset(seed=4)
    first, truncated, steps = observation['image'], False, 0
    while not truncated:
        assert observation['image'].shape == SHAPE
        observation, _, terminated, truncated, info = env.step(controller(observation))
        steps += 1
        assert not terminated
        assert 'stop_reason' not in info
    assert steps == 100
    assert info['is_success'], info
    # The arm moved in the picture, the marker did not.
    assert (first != observation['image']).any(axis=2).sum() > 1000
    assert marker_place(first) == pytest.approx(marker_place(observation['image']), abs=0.1)


def test_without_fresh_pictures_the_robot_rests_and_the_error_names_the_camera(
    env: Any, side: RobotSide
) -> None:
    env.reset(seed=5)
    camera = side.processes['sim_camera']
    camera.terminate()
    assert camera.wait(TIMEOUT_S) == 0
    with pytest.raises(BridgeError, match='camera'):
        for _ in range(100):
            env.step(np.zeros(2, np.float32))


def test_pictures_travel_as_jpeg_to_a_client_that_asks_for_it() -> None:
    with hosting(
        'rl_bridge:CameraReach-v0',
        namespace=f'{NAMESPACE}_jpeg',
        wrappers='["EncodeJpeg: {quality: 90}"]',
    ) as bridge:
        local = gymnasium.make('rl_bridge:CameraReach-v0')
        env = DecodeJpeg(remote(bridge), shape=(120, 160, 3))
        wanted, _ = local.reset(seed=3)
        came, _ = env.reset(seed=3)
        assert env.observation_space == local.observation_space
        assert np.abs(came['image'].astype(int) - wanted['image']).mean() < 2.0
        assert np.array_equal(came['joints'], wanted['joints'])
        assert marker_place(came['image']) == pytest.approx(marker_place(wanted['image']), abs=0.3)
        env.close()
