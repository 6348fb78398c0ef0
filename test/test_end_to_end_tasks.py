# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Each arm's task through guard and bridge, on the simulated arm, solved from observations."""

from __future__ import annotations

import os
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
pytest.importorskip('mujoco', reason='the simulated arms need MuJoCo')

from rl_bridge.processes import RobotSide
from rl_bridge.robot_file import load_robot
from rl_bridge.tasks.reach_setup import SETUPS
from rl_bridge.tasks.scripted import JointReachController, ReachController, TrackController

TIMEOUT_S = 30.0
NAMESPACE = f'tasks_{os.getpid()}'
HALF = 50
UPRIGHT = [0.0, -1.5707963, 1.5707963, -1.5707963, -1.5707963, 0.0]


def ran(
    robot: str, task: str, kwargs: str, begin: Any, make_controller: Any, interface: str
) -> list[dict[str, Any]]:
    """Run one episode through a whole robot side of its own; give every step's info."""
    parameters = {
        'robot_file': robot,
        'command_interface': interface,
        'task': task,
        'task_kwargs': f"'{kwargs}'",
        'initial_position': str([round(float(value), 6) for value in begin]),
    }
    namespace = f'{NAMESPACE}_{task}_{robot.partition(".")[0]}'
    infos = []
    with RobotSide(namespace=namespace, parameters=parameters, log_level='error'):
        env = gymnasium.make(
            'rl_bridge:RemoteRobot-v0',
            bridge=f'/{namespace}/robot_env',
            connect_timeout_s=TIMEOUT_S,
            reset_timeout_s=TIMEOUT_S,
        )
        try:
            controller = make_controller(env.action_space)
            observation, _ = env.reset(seed=2)
            truncated = False
            while not truncated:
                observation, _, terminated, truncated, info = env.step(controller(observation))
                assert not terminated
                infos.append(info)
        finally:
            env.close()
    assert 'stop_reason' not in infos[-1], infos[-1]
    assert len(infos) == 100
    return infos


@pytest.mark.parametrize(('robot', 'interface'), [('scara', 'velocity'), ('modular6', 'position')])
def test_a_tool_is_brought_within_1_mm_of_its_point_through_the_bridge(
    robot: str, interface: str
) -> None:
    setup, dh = SETUPS[robot], load_robot(f'{robot}.yaml').dh

    def controller(space: Any) -> ReachController:
        return ReachController(space, setup=setup, dh=dh, interface=interface)

    infos = ran(
        f'{robot}.yaml', 'reach', f'{{setup: {robot}}}', setup.reference, controller, interface
    )
    assert infos[-1]['distance_m'] < 0.001 and infos[-1]['is_success']
    assert set(infos[-1]['reward_terms']) == {'distance', 'precision', 'velocity', 'action'}


def test_joints_are_brought_to_their_goal_through_the_bridge() -> None:
    kwargs = f'{{reference: {UPRIGHT}, actions: first}}'
    speed = np.full(6, 0.3)

    def controller(space: Any) -> JointReachController:
        return JointReachController(space, actions='first', speed=speed)

    infos = ran('ur5e.yaml', 'joint_reach', kwargs, UPRIGHT, controller, 'velocity')
    assert infos[-1]['largest_error'] < 0.001


def test_a_moving_target_is_followed_through_the_bridge() -> None:
    setup = SETUPS['ur5e_6']

    def controller(space: Any) -> TrackController:
        return TrackController(space, setup=setup)

    kwargs = '{setup: ur5e_6, path: lissajous}'
    infos = ran('ur5e.yaml', 'track', kwargs, setup.reference, controller, 'velocity')
    # A robot in real time: a period that was missed on a busy machine leaves the tool behind.
    assert np.median([info['distance_m'] for info in infos[HALF:]]) < 0.005
