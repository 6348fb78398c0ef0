# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The ready environment DriveToGoal-v0 as its users make it, and the simulated base under it."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

pytest.importorskip('mujoco', reason='the simulated base needs MuJoCo')

from rl_bridge.errors import ConfigError, LimitError, RobotStopped
from rl_bridge.robot_file import load_robot
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.robots.robot import PlaceableRobot, Robot
from rl_bridge.sim.base import RADIUS, SimulatedBase
from rl_bridge.sim.base_readings import BOOL
from rl_bridge.sim.gap import Gap
from rl_bridge.sim.in_process_base import SimulatedBaseRobot, diff_drive_description
from rl_bridge.sim.room import HALF_SIDE, Obstacle
from rl_bridge.tasks.scripted_drive import DriveController
from rl_bridge.types import RobotDescription, Sensor, StopReason, StopState

BASE = diff_drive_description()


def made(**options: Any) -> Any:
    return gymnasium.make('rl_bridge:DriveToGoal-v0', **options)


GAP = {
    'velocity_noise': 0.01,
    'position_noise': 0.005,
    'state_latency_s': 0.04,
    'state_jitter_s': 0.02,
    'dropped_states': 0.1,
    'friction_spread': 0.3,
    'mass_spread': 0.3,
    'seed': 5,
}


def test_the_scripted_controller_reaches_20_of_20_goals_without_contact() -> None:
    env = made(obstacles=8, room=1, carry_back=False, range_noise=0.01, gap=GAP)
    controller = DriveController(env.action_space)
    base = env.unwrapped.robot._base
    arrived = 0
    for seed in range(20):
        observation, info = env.reset(seed=seed)
        terminated = truncated = False
        while not (terminated or truncated):
            observation, _, terminated, truncated, info = env.step(controller(observation))
            assert not base.in_contact, (seed, info)
        assert info['is_success'], (seed, info)
        arrived += 1
    assert arrived == 20


def test_gymnasiums_own_checker_is_content() -> None:
    check_env(made(render_mode='rgb_array').unwrapped)


def test_a_picture_comes_with_every_step() -> None:
    env = made(render_mode='rgb_array')
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (480, 640, 3) and picture.dtype == np.uint8


def test_two_runs_with_one_seed_are_equal_bit_for_bit() -> None:
    def run(env: Any) -> list[bytes]:
        observation, info = env.reset(seed=7)
        found = [observation.tobytes(), repr(info).encode()]
        rng = np.random.default_rng(7)
        high = env.action_space.high
        for _ in range(100):
            observation, reward, *ends, info = env.step(rng.uniform(-high, high))
            found += [observation.tobytes(), np.float64(reward).tobytes(), repr(ends).encode()]
        return found

    env = made()
    first = run(env)
    assert first == run(env)  # again, after another episode
    assert first == run(made())  # and in another environment


def test_driving_into_a_wall_ends_the_episode_as_a_collision() -> None:
    env = made(obstacles=0)
    env.reset(seed=0, options={'goal_m': [0.0, 2.3]})
    terminated, reward = False, 0.0
    while not terminated:
        _, reward, terminated, truncated, info = env.step(np.array([0.5, 0.0], np.float32))
        assert not truncated
    assert info['collision'] and not info['is_success']
    assert reward < -9.0
    # Seen by the laser before anything was touched.
    robot = env.unwrapped.robot
    assert not robot._base.in_contact
    assert HALF_SIDE - RADIUS - robot._base.pose[0] < 0.04


def test_an_episode_begins_where_the_last_one_ended_or_is_carried_back() -> None:
    def places(carry_back: bool) -> list[np.ndarray]:
        env, found = made(carry_back=carry_back, obstacles=0), []
        for seed in range(2):
            env.reset(seed=seed)
            found.append(env.unwrapped.robot._base.pose)
            for _ in range(50):
                env.step(np.array([0.3, 0.3], np.float32))
        return found

    assert places(True) == [pytest.approx(np.zeros(3))] * 2
    first, second = places(False)
    assert first == pytest.approx(np.zeros(3))
    assert np.linalg.norm(second[:2]) > 0.3


# -- the robot under it ------------------------------------------------------------------------


def test_the_built_in_description_is_that_of_the_robot_file() -> None:
    pytest.importorskip('yaml', reason='robot files need PyYAML')
    files = load_robot('diff_drive.yaml')
    for name in RobotDescription.__dataclass_fields__:
        if name != 'limits':
            assert getattr(BASE, name) == getattr(files, name), name
    for name in ('position_lower', 'position_upper', 'velocity', 'acceleration'):
        assert (getattr(BASE.limits, name) == getattr(files.limits, name)).all()


def test_the_simulated_base_is_a_robot_and_cannot_be_put_somewhere_by_a_task() -> None:
    robot: Robot = SimulatedBaseRobot()
    assert not isinstance(robot, PlaceableRobot)
    robot.connect(timeout_s=1.0)
    found = robot.state()
    assert found.position == pytest.approx(np.zeros(2))
    assert found.sensors['pose'].values.shape == (13,)
    assert found.sensors['scan'].values.shape == (36,)


def test_it_drives_on_command_and_rests_on_every_stop() -> None:
    robot = SimulatedBaseRobot()
    for stop in (robot.hold, robot.halt):
        robot.begin(timeout_s=1.0)
        robot.command(np.array([0.2, 0.4]), authority_s=0.15)
        robot.advance(0.3)
        assert robot.state().velocity == pytest.approx([0.2, 0.4], abs=0.01)
        stop(reason=StopReason.HALT_REQUESTED, message='enough')
        robot.advance(1.0)
        assert np.abs(robot.state().velocity).max() < 1e-3
    assert robot.stop().state == StopState.STOPPED
    with pytest.raises(RobotStopped, match='enough'):
        robot.command(np.array([0.2, 0.0]), authority_s=0.15)
    robot.recover()
    robot.close()
    robot.close()


def test_it_begins_not_over_a_halt() -> None:
    robot = SimulatedBaseRobot()
    robot.note(epoch=1, episode=1, step=0)
    robot.halt(reason=StopReason.HALT_REQUESTED, message='just in time')
    with pytest.raises(RobotStopped, match='just in time'):
        robot.begin(timeout_s=1.0)
    robot.note(epoch=1, episode=2, step=0)
    robot.begin(timeout_s=1.0)
    assert robot.stop().state == StopState.RUNNING


def test_it_refuses_commands_beyond_its_limits() -> None:
    robot = SimulatedBaseRobot()
    robot.begin(timeout_s=1.0)
    for bad in ([0.6, 0.0], [0.0, 1.6], [np.nan, 0.0], [0.1]):
        with pytest.raises(LimitError):
            robot.command(np.array(bad), authority_s=0.15)


def test_the_laser_measures_at_its_own_rate_and_the_odometry_always() -> None:
    robot = SimulatedBaseRobot(scan_period_s=0.1)
    robot.begin(timeout_s=1.0)
    stamps = []
    for _ in range(20):
        robot.command(np.array([0.2, 0.0]), authority_s=0.15)
        robot.advance(0.04)
        found = robot.state()
        assert found.sensors['pose'].stamp_ns == found.stamp_ns
        stamps.append(found.sensors['scan'].stamp_ns / 1e9)
    assert sorted(set(stamps)) == pytest.approx([0.0, 0.12, 0.2, 0.32, 0.4, 0.52, 0.6, 0.72, 0.8])


def test_states_arrive_late_and_in_order_where_the_gap_says_so() -> None:
    base = SimulatedBase(gap=Gap(state_latency_s=0.03, state_jitter_s=0.03, seed=1))
    robot = SimulatedBaseRobot(base=base)
    robot.begin(timeout_s=1.0)
    ages, stamps = [], []
    for step in range(1, 51):
        robot.command(np.array([0.2, 0.0]), authority_s=0.15)
        robot.advance(0.04)
        stamps.append(robot.state().stamp_ns)
        ages.append(step * 0.04 - stamps[-1] / 1e9)
    assert min(ages[5:]) >= 0.03 and max(ages[5:]) <= 0.03 + 0.03 + 0.02
    assert len({round(age, 3) for age in ages[5:]}) > 1
    assert stamps == sorted(stamps)


def test_a_bumper_and_a_history_are_measured_where_the_file_names_them() -> None:
    sensors = {
        'scan': dataclasses.replace(BASE.sensors['scan'], history=3),
        'bumper': Sensor('bumper', 'bumper', BOOL, (1,), 0.5, 0.0, 1.0),
    }
    description = dataclasses.replace(BASE, sensors=sensors)
    base = SimulatedBase(obstacles=[Obstacle(0.6, 0.0, 0.15)])
    robot = SimulatedBaseRobot(description=description, base=base, scan_period_s=0.04)
    robot.begin(timeout_s=1.0)
    assert robot.state().sensors['bumper'].values == pytest.approx([0.0])
    for _ in range(40):
        robot.command(np.array([0.5, 0.0]), authority_s=0.15)
        robot.advance(0.04)
    found = robot.state().sensors
    assert found['bumper'].values == pytest.approx([1.0])
    assert found['scan'].values.shape == (3, 36)
    assert 'pose' not in found


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'interface': 'position'}, "'velocity', not 'position'"),
        ({'scan_period_s': 0.0}, 'scan_period_s must be above 0'),
        ({'description': fake_description(6)}, 'two axes, linear and angular'),
        (
            {
                'description': dataclasses.replace(
                    BASE,
                    sensors={'imu': Sensor('imu', 'imu', 'sensor_msgs/msg/Imu', (10,), 1, -9, 9)},
                )
            },
            'The sensor imu of diff_drive is of the type sensor_msgs/msg/Imu',
        ),
    ],
)
def test_a_base_that_cannot_be_simulated_is_refused(
    options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        SimulatedBaseRobot(**options)
