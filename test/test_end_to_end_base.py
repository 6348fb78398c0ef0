# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The whole robot side of a mobile base as processes: simulated base, guard and bridge."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import gymnasium
import pytest

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
pytest.importorskip('mujoco', reason='the simulated base needs MuJoCo')

from by_hand import ByHand
from std_srvs.srv import Trigger

from rl_bridge.observer_node import Observer
from rl_bridge.processes import RobotSide, share_file
from rl_bridge.tasks.scripted_drive import DriveController
from rl_bridge.types import StatusCode, StopState
from rl_bridge_interfaces.srv import Reset

NAMESPACE = f'base_{os.getpid()}'
BRIDGE = f'/{NAMESPACE}/robot_env'
TIMEOUT_S = 30.0
PARAMETERS = {
    'obstacles': '8',
    'room': '2',
    'velocity_noise': '0.002',
    'range_noise': '0.01',
}


@pytest.fixture(scope='module')
def side() -> Iterator[RobotSide]:
    with RobotSide(
        namespace=NAMESPACE,
        params_file=str(share_file('config', 'diff_drive_env.yaml')),
        parameters=PARAMETERS,
        log_level='warn',
    ) as robot_side:
        yield robot_side


@pytest.fixture
def by_hand(side: RobotSide) -> Iterator[ByHand]:
    made = ByHand(BRIDGE)
    yield made
    made.close()


def make(**options: Any) -> Any:
    return gymnasium.make(
        'rl_bridge:RemoteRobot-v0', bridge=BRIDGE, connect_timeout_s=TIMEOUT_S, **options
    )


def test_the_scripted_controller_drives_to_a_goal_past_obstacles_through_the_bridge(
    side: RobotSide,
) -> None:
    env = make(render_mode='rgb_array')
    controller = DriveController(env.action_space)
    try:
        observation, info = env.reset(seed=0, options={'goal_m': [0.5, -2.1]})
        terminated = truncated = False
        while not (terminated or truncated):
            observation, _, terminated, truncated, info = env.step(controller(observation))
            assert 'stop_reason' not in info
            assert info['clearance_m'] > 0.02
        assert info['is_success'], info
        picture = env.render()
    finally:
        env.close()
    assert picture.shape == (480, 640, 3) and picture.std() > 5


def test_a_step_by_hand_drives_and_a_halt_brakes(by_hand: ByHand) -> None:
    assert by_hand.call(Reset, 'reset').status.code == StatusCode.OK
    reply = by_hand.step(0.0, 1.0)
    assert reply.status.code == StatusCode.OK, reply.status.message
    assert reply.observation[0].numbers[5] == pytest.approx(1.0 / 1.5)
    with Observer(namespace=NAMESPACE) as observer:
        assert by_hand.call(Trigger, 'halt').success
        rest = observer.wait_for(
            lambda sight: (
                sight.guard is not None
                and sight.guard.stop.state == StopState.STOPPED
                and sight.guard.standstill
            ),
            timeout_s=TIMEOUT_S,
        )
    assert rest.guard is not None and list(rest.guard.output) == [0.0, 0.0]
    assert by_hand.step(0.0, 1.0).status.code == StatusCode.STOPPED
