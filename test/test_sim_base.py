# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The simulated base: how it drives, what its laser sees, when it touches, what it refuses."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.sim.base import (
    ACCELERATION,
    COMMAND_TIMEOUT_S,
    LASER_RANGE,
    LASER_RAYS,
    MASS,
    RADIUS,
    STEP_S,
    SimulatedBase,
)
from rl_bridge.sim.gap import Gap
from rl_bridge.sim.room import (
    CLEAR_MIDDLE,
    FURNISHED,
    GAP,
    HALF_SIDE,
    MOST,
    RADII,
    Obstacle,
    furnished,
)
from rl_bridge.tasks.drive import FURNISHED as TASKS_FURNISHED

pytest.importorskip('mujoco', reason='the simulated base needs MuJoCo')


def drive(base: SimulatedBase, velocity: list[float], seconds: float) -> None:
    """Command again and again, as a controller's client does."""
    for _ in range(round(seconds / 0.1)):
        base.command(velocity)
        base.advance(0.1)


# -- the room ----------------------------------------------------------------------------------


@pytest.mark.parametrize('seed', range(20))
def test_obstacles_leave_room_for_the_start_the_goals_and_a_way_between_them(seed: int) -> None:
    placed = furnished(count=MOST, seed=seed)
    assert len(placed) == MOST
    for i, thing in enumerate(placed):
        assert RADII[0] <= thing.radius <= RADII[1]
        assert math.hypot(thing.x, thing.y) - thing.radius >= CLEAR_MIDDLE
        assert max(abs(thing.x), abs(thing.y)) + thing.radius <= FURNISHED
        for other in placed[:i]:
            apart = math.hypot(thing.x - other.x, thing.y - other.y)
            assert apart >= thing.radius + other.radius + GAP


def test_no_obstacle_stands_where_the_task_draws_its_goals() -> None:
    assert FURNISHED <= TASKS_FURNISHED


def test_a_seed_gives_the_same_room_and_another_one_another() -> None:
    assert furnished(count=5, seed=3) == furnished(count=5, seed=3)
    assert furnished(count=5, seed=3) != furnished(count=5, seed=4)
    assert furnished(count=0, seed=3) == ()


@pytest.mark.parametrize(
    ('count', 'seed', 'sentence'),
    [(-1, 0, '0 to 8'), (9, 0, '0 to 8'), (3, -1, 'must not be negative')],
)
def test_a_room_that_cannot_be_is_refused(count: int, seed: int, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        furnished(count=count, seed=seed)


# -- driving -----------------------------------------------------------------------------------


def test_it_drives_straight_ahead_within_its_acceleration() -> None:
    base = SimulatedBase()
    speeds = []
    for _ in range(100):
        base.command([0.4, 0.0])
        base.advance(STEP_S)
        speeds.append(base.velocity()[0])
    growth = np.diff([0.0, *speeds]) / STEP_S
    assert growth.max() <= ACCELERATION[0] + 1e-6
    assert speeds[-1] == pytest.approx(0.4, abs=1e-6)
    # A ramp of 0.4 s and 0.1 s of full speed.
    assert base.pose == pytest.approx([0.08 + 0.04, 0.0, 0.0], abs=0.005)


def test_it_turns_on_the_spot_to_the_left() -> None:
    base = SimulatedBase()
    drive(base, [0.0, 1.0], 2.0)
    assert base.pose[:2] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert base.pose[2] == pytest.approx(2.0 - 0.5 / ACCELERATION[1], abs=0.02)


def test_it_drives_a_circle_of_speed_over_turning() -> None:
    base = SimulatedBase()
    places = []
    for _ in range(150):
        drive(base, [0.3, 0.6], 0.1)
        places.append(base.pose[:2])
    circle = np.array(places[20:])
    middle = (circle.min(axis=0) + circle.max(axis=0)) / 2
    assert np.linalg.norm(circle - middle, axis=1) == pytest.approx(0.5, abs=0.02)


def test_velocities_beyond_its_limits_are_cut() -> None:
    base = SimulatedBase(speed=(0.3, 0.7))
    drive(base, [5.0, -5.0], 1.5)
    assert base.velocity() == pytest.approx([0.3, -0.7], abs=1e-4)


def test_a_command_ends_after_the_time_out_and_the_base_brakes() -> None:
    base = SimulatedBase()
    drive(base, [0.3, 0.0], 1.0)
    base.advance(COMMAND_TIMEOUT_S - 0.15)
    assert base.velocity()[0] == pytest.approx(0.3)
    base.advance(0.1 + 2 * STEP_S + 0.3 / ACCELERATION[0])
    assert base.velocity() == pytest.approx([0.0, 0.0], abs=1e-9)


def test_without_a_time_out_a_command_is_held() -> None:
    base = SimulatedBase(command_timeout_s=0.0)
    base.command([0.2, 0.0])
    base.advance(5.0)
    assert base.velocity()[0] == pytest.approx(0.2)


def test_a_halt_brakes_and_a_person_may_carry_it_back() -> None:
    base = SimulatedBase(pose=(-1.0, 0.5, 1.0))
    drive(base, [0.4, 0.2], 2.0)
    base.halt()
    base.advance(0.4 / ACCELERATION[0] + STEP_S)
    assert base.velocity() == pytest.approx([0.0, 0.0], abs=1e-6)
    before_s = base.time_s
    base.carry_back()
    assert base.pose == pytest.approx([-1.0, 0.5, 1.0])
    assert base.time_s == before_s > 0.0


@pytest.mark.parametrize(
    'bad', [[math.nan, 0.0], [0.0, math.inf], [0.1], [0.1, 0.0, 0.0], 'fast', None]
)
def test_a_malformed_command_is_refused_and_changes_nothing(bad: Any) -> None:
    base = SimulatedBase()
    base.command([0.2, 0.0])
    with pytest.raises(LimitError, match='two finite velocities'):
        base.command(bad)
    base.advance(0.4)
    assert base.velocity()[0] == pytest.approx(0.2)


# -- contact and laser -------------------------------------------------------------------------


def test_a_wall_stops_it_and_is_felt_until_it_backs_off() -> None:
    base = SimulatedBase(pose=(HALF_SIDE - 0.5, 0.0, 0.0))
    assert not base.in_contact
    drive(base, [0.5, 0.0], 3.0)
    assert base.in_contact
    assert base.pose[0] == pytest.approx(HALF_SIDE - RADIUS, abs=0.01)
    assert abs(base.velocity()[0]) < 0.01
    drive(base, [-0.3, 0.0], 1.0)
    assert not base.in_contact
    assert base.pose[0] < HALF_SIDE - RADIUS - 0.1


def test_an_obstacle_in_the_way_is_touched_and_not_moved() -> None:
    base = SimulatedBase(obstacles=[Obstacle(1.0, 0.0, 0.15)])
    drive(base, [0.5, 0.0], 4.0)
    assert base.in_contact
    assert base.pose[0] == pytest.approx(1.0 - 0.15 - RADIUS, abs=0.01)


def test_the_laser_measures_walls_and_cylinders_where_they_are() -> None:
    heading = 0.3
    base = SimulatedBase(obstacles=[Obstacle(1.0, 0.0, 0.15)], pose=(0.0, 0.0, heading))
    ranges, angles = base.scan(), base.ray_angles
    assert ranges.shape == (LASER_RAYS,)
    towards = int(np.abs(angles + heading).argmin())  # world direction 0
    assert ranges[towards] == pytest.approx(0.85, abs=0.001)
    for wall in (0.5, 1.0, 1.5):  # the other three walls, as parts of pi
        ray = int(np.abs(np.exp(1j * (angles + heading)) - np.exp(1j * wall * math.pi)).argmin())
        assert ranges[ray] == pytest.approx(HALF_SIDE, abs=0.001)


def test_the_laser_never_sees_the_base_itself_and_nothing_below_its_range() -> None:
    base = SimulatedBase(pose=(HALF_SIDE - RADIUS, 0.0, 0.0))
    assert base.scan().min() == pytest.approx(RADIUS, abs=0.001)
    noisy = SimulatedBase(range_noise=10.0, gap=Gap(seed=1)).scan()
    assert noisy.min() == LASER_RANGE[0] and noisy.max() == LASER_RANGE[1]


def test_the_noise_is_that_of_its_seed() -> None:
    def measured(seed: int) -> tuple[list[float], list[float]]:
        gap = Gap(velocity_noise=0.01, position_noise=0.01, seed=seed)
        base = SimulatedBase(range_noise=0.02, gap=gap)
        assert base.pose == pytest.approx([0.0, 0.0, 0.0])
        assert np.abs(base.measured_pose()).min() > 0.0
        return base.scan().tolist(), base.velocity().tolist()

    assert measured(1) == measured(1)
    assert measured(1) != measured(2)
    spread = np.array(measured(1)[0]) - SimulatedBase().scan()
    assert spread.std() == pytest.approx(0.02, rel=0.2)


def test_a_base_of_another_mass_and_grip_is_driven_all_the_same() -> None:
    gap = Gap(mass_spread=0.5, friction_spread=0.5, seed=4)
    base, pushes = SimulatedBase(gap=gap), []
    for _ in range(5):
        base.carry_back()
        pushes.append(base._push[0])
        drive(base, [0.4, 0.0], 1.0)
        assert base.velocity()[0] == pytest.approx(0.4, abs=0.01)
    assert len(set(pushes)) == 5
    assert base._model.body_mass[1] != pytest.approx(MASS, rel=0.01)


# -- what cannot be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'command_timeout_s': -1.0}, 'command_timeout_s must be finite and not negative'),
        ({'range_noise': -0.1}, 'range_noise'),
        ({'mass': 0.0}, 'mass must be finite and above 0'),
        ({'grip': 0.0}, 'grip must be finite and above 0'),
        ({'speed': (0.5, 0.0)}, 'speed must be two numbers above 0'),
        ({'acceleration': (1.0,)}, 'acceleration must be two numbers above 0'),
        ({'pose': (0.0, 0.0)}, 'A pose is x and y'),
        ({'pose': (4.0, 0.0, 0.0)}, 'within 3.024 of the middle'),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(
    options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        SimulatedBase(**options)


def test_time_only_goes_forwards() -> None:
    with pytest.raises(ConfigError, match='seconds must be finite and not negative'):
        SimulatedBase().advance(-0.1)


def test_without_mujoco_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'mujoco', None)
    with pytest.raises(ConfigError, match='pip install'):
        SimulatedBase()
