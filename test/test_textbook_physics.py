# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The textbook environments' worlds against closed forms, energies and what is known of them."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import pytest

import rl_bridge  # noqa: F401  (registers the environments)
from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.textbook.balancing_pole import BalancingPole, CartPole
from rl_bridge.textbook.cart import Cart
from rl_bridge.textbook.cart_target import CartTarget, CartTargetContinuous
from rl_bridge.textbook.grid_world import GridWorld
from rl_bridge.textbook.two_link_arm import TwoLinkArm, TwoLinks

UP, RIGHT, DOWN, LEFT = range(4)


def walked(world: GridWorld, *moves: int) -> list[tuple[Any, ...]]:
    return [world.step(move) for move in moves]


class TestGridWorld:
    def test_the_edge_stops_the_walker_on_every_side(self) -> None:
        world = GridWorld(layout=['S.', '.G'])
        for start, moves in ((0, (UP, LEFT)), (1, (UP, RIGHT)), (2, (DOWN, LEFT))):
            world.reset(options={'state': start})
            assert [step[0] for step in walked(world, *moves)] == [start, start]

    def test_a_wall_stops_the_walker(self) -> None:
        world = GridWorld(layout=['S#G', '...'])
        world.reset()
        assert world.step(RIGHT)[:4] == (0, -0.04, False, False)
        assert [step[0] for step in walked(world, DOWN, RIGHT, UP)] == [3, 4, 4]

    def test_the_goal_terminates_with_its_reward(self) -> None:
        world = GridWorld(layout=['SG'])
        world.reset()
        assert world.step(RIGHT)[:4] == (1, 1.0, True, False)

    def test_a_pit_terminates_with_its_reward(self) -> None:
        world = GridWorld(layout=['PSG'], pit_reward=-7.0)
        world.reset()
        assert world.step(LEFT)[:4] == (0, -7.0, True, False)

    def test_who_walks_in_circles_is_truncated_and_not_terminated(self) -> None:
        env = gymnasium.make('GridWorld-v0')
        env.reset(seed=0)
        steps = [env.step(UP) for _ in range(100)]
        assert [(step[2], step[3]) for step in steps] == [(False, False)] * 99 + [(False, True)]

    def test_the_walker_slips_as_often_as_it_is_told(self) -> None:
        world = GridWorld(layout=['...', '.S.', '..G'], slip=0.2)
        assert world.transitions(4, UP) == [
            (0.8, 1, -0.04, False), (0.1, 3, -0.04, False), (0.1, 5, -0.04, False),
        ]  # fmt: skip
        world.reset(seed=1)
        ends = {1: 0, 3: 0, 5: 0}
        for _ in range(2000):
            world.reset()
            ends[world.step(UP)[0]] += 1
        # Five deviations of a binomial: sqrt(2000 · 0.1 · 0.9) = 13.4.
        assert abs(ends[3] - 200) < 67 and abs(ends[5] - 200) < 67

    def test_value_iteration_over_its_transitions_solves_it(self) -> None:
        world = GridWorld()
        values = np.zeros(25)

        def worth(state: int, action: int) -> float:
            return sum(
                chance * (reward + (0.0 if over else values[following]))
                for chance, following, reward, over in world.transitions(state, action)
            )

        for _ in range(60):
            values = np.array([max(worth(s, a) for a in range(4)) for s in range(25)])
        state, _ = world.reset()
        total, over, steps = 0.0, False, 0
        while not over:
            best = max(range(4), key=lambda action: worth(state, action))
            state, reward, over, _, _ = world.step(best)
            total, steps = total + reward, steps + 1
        assert steps == 8 and total == pytest.approx(values[0]) == pytest.approx(1 - 7 * 0.04)

    @pytest.mark.parametrize(
        ('layout', 'says'),
        [
            ([], 'rows of text'),
            (['S.', 'G'], 'of one length'),
            ([1, 2], 'rows of text'),
            (['S?G'], r"'\?' is unknown"),
            (['..G'], 'no start'),
            (['S..'], 'no goal'),
            (['S#G'], 'no goal can be reached from the start in row 0, column 0'),
            (['SPG'], 'no goal can be reached'),
        ],
    )
    def test_a_layout_that_cannot_be_used_is_refused(self, layout: Any, says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            GridWorld(layout=layout)

    def test_a_probability_above_one_and_a_start_in_a_wall_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r'slip is 1\.5'):
            GridWorld(slip=1.5)
        with pytest.raises(LimitError, match="'state' is 1"):
            GridWorld(layout=['S#', '.G']).reset(options={'state': 1})


class TestCart:
    @pytest.mark.parametrize('friction', [0.0, 0.5])
    def test_one_long_step_is_many_short_ones(self, friction: float) -> None:
        cart = Cart(friction=friction, wall_m=10.0)
        x, v, force = np.array([0.1]), np.array([-0.4]), np.array([0.7])
        long = cart.advance(x, v, force, 1.0)
        for _ in range(1000):
            x, v = cart.advance(x, v, force, 0.001)
        assert np.allclose(long, (x, v), rtol=0, atol=1e-12)

    def test_without_friction_it_falls_as_galilei_says(self) -> None:
        cart = Cart(mass_kg=2.0, friction=0.0, force_n=4.0, wall_m=10.0)
        x, v = cart.advance(np.zeros(1), np.zeros(1), np.array([4.0]), 1.5)
        assert x[0] == pytest.approx(0.5 * 2.0 * 1.5**2) and v[0] == pytest.approx(3.0)

    def test_with_friction_it_tends_to_the_terminal_speed(self) -> None:
        cart = Cart(friction=2.0, wall_m=1000.0)
        _, v = cart.advance(np.zeros(1), np.zeros(1), np.ones(1), 40.0)
        assert v[0] == pytest.approx(0.5, abs=1e-15)
        assert cart.top_speed == 0.5

    def test_a_wall_takes_its_speed(self) -> None:
        x, v = Cart().advance(np.array([0.99]), np.array([1.0]), np.ones(1), 0.1)
        assert (x[0], v[0]) == (1.0, 0.0)

    @pytest.mark.parametrize('friction', [0.0, 0.01, 0.5])
    def test_its_top_speed_is_never_exceeded(self, friction: float) -> None:
        cart = Cart(friction=friction)
        x, v, fastest = np.array([-1.0]), np.zeros(1), 0.0
        while x[0] < 1.0:
            x, v = cart.advance(x, v, np.ones(1), 0.01)
            fastest = max(fastest, float(v[0]))
        assert 0.0 < fastest <= cart.top_speed


class TestCartTarget:
    def test_a_controller_that_brakes_in_time_stops_at_every_target(self) -> None:
        env = gymnasium.make('CartTargetContinuous-v0')
        for seed in range(10):
            (x, v, target), _ = env.reset(seed=seed)
            terminated = truncated = False
            while not (terminated or truncated):
                push = np.clip(4.0 * (target - x) - 3.0 * v, -1.0, 1.0)
                (x, v, target), _, terminated, truncated, info = env.step([push])
            assert terminated and not truncated and info['distance'] <= 0.02

    def test_rushing_through_the_target_is_no_success(self) -> None:
        env = CartTarget(target=0.0, step_s=0.01)
        env.reset(options={'position': -0.5})
        nearest = 1.0
        for _ in range(150):
            _, _, terminated, _, info = env.step(2)
            nearest = min(nearest, info['distance'])
            assert not terminated
        assert nearest < 0.02

    def test_noise_is_in_what_is_seen_and_not_in_what_is(self) -> None:
        clean, noisy = (
            CartTargetContinuous(observation_noise=noise) for noise in ((0, 0), (0.05, 0.1))
        )
        seen = []
        options = {'position': 0.3, 'target': -0.4}
        clean.reset(seed=1, options=options)
        noisy.reset(seed=1, options=options)
        for i in range(500):
            push = [0.4 * math.sin(0.3 * i)]
            honest, reward, terminated, _, _ = clean.step(push)
            measured, other, same, _, _ = noisy.step(push)
            assert (reward, terminated) == (other, same)
            assert np.array_equal(clean.state, noisy.state)
            assert noisy.observation_space.contains(measured)
            seen.append(measured - honest)
        deviations = np.std(seen, axis=0)
        # Five deviations of a deviation from 500 samples: 5 / sqrt(1000) = 16 %.
        assert deviations[0] == pytest.approx(0.05, rel=0.16)
        assert deviations[1] == pytest.approx(0.1, rel=0.16) and deviations[2] == 0.0

    @pytest.mark.parametrize(
        ('options', 'says'),
        [
            ({'target': 1.5}, 'target is 1.5'),
            ({'target': math.nan}, 'target is nan'),
            ({'observation_noise': 0.1}, 'two standard deviations'),
            ({'observation_noise': (0.1, -1)}, 'velocity is -1'),
            ({'cart': {'mass': 1}}, "'mass'"),
            ({'cart': {'mass_kg': 0}}, 'mass_kg is 0'),
            ({'cart': {'friction': -1}}, 'friction is -1'),
            ({'step_s': math.inf}, 'step_s is inf'),
            ({'step_s': True}, 'step_s is True'),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, options: dict[str, Any], says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            CartTarget(**options)

    @pytest.mark.parametrize('bad', [1.5, math.nan, 'left', None])
    def test_a_place_beyond_the_walls_is_refused(self, bad: Any) -> None:
        with pytest.raises(LimitError, match="option 'position'"):
            CartTarget().reset(options={'position': bad})


class TestBalancingPole:
    def test_by_eulers_method_it_is_cart_pole_of_gymnasium_to_the_last_bit(self) -> None:
        theirs = gymnasium.make('CartPole-v1').unwrapped
        ours = BalancingPole(integrator='euler')
        rng = np.random.default_rng(0)
        for seed in range(20):
            theirs.reset(seed=seed)
            ours.reset(seed=seed)
            ended = False
            while not ended:
                action = int(rng.integers(2))
                ended, same = theirs.step(action)[2], ours.step(action)[2]
                assert np.array_equal(np.asarray(theirs.state), ours.state)  # type: ignore[attr-defined]
                assert ended == same

    def test_a_free_pole_keeps_its_energy_where_eulers_method_adds_some(self) -> None:
        pole = CartPole()
        start = np.array([0.0, 0.3, 2.0, 0.0])

        def gained(integrator: str, step_s: float) -> float:
            state = start
            for _ in range(round(10.0 / step_s)):
                state = pole.advance(state, 0.0, step_s, integrator)
            return pole.energy(state) - pole.energy(start)

        assert abs(gained('rk4', 0.02)) < 1e-3
        assert gained('euler', 0.02) > 0.5
        assert abs(gained('semi-implicit', 0.02)) < 0.2 * gained('euler', 0.02)

    def test_the_methods_agree_where_the_step_is_short(self) -> None:
        ends = []
        for integrator in ('rk4', 'semi-implicit', 'euler'):
            state = np.array([0.0, 0.0, 0.1, 0.0])
            for _ in range(50_00):
                state = CartPole().advance(state, 1.0, 1e-4, integrator)
            ends.append(state)
        assert np.allclose(ends[0], ends[1], atol=1e-3)
        assert np.allclose(ends[0], ends[2], atol=1e-3)

    def test_friction_takes_energy(self) -> None:
        pole = CartPole(cart_friction=0.0005, pole_friction=0.000002)
        state = np.array([0.0, 0.3, 2.0, 0.0])
        before = pole.energy(state)
        for _ in range(500):
            state = pole.advance(state, 0.0, 0.02, 'rk4')
        assert pole.energy(state) < before - 1e-4

    def test_a_controller_keeps_it_up_to_the_time_limit_which_truncates(self) -> None:
        env = gymnasium.make('BalancingPole-v0')
        observation, _ = env.reset(seed=0)
        total, terminated, truncated = 0.0, False, False
        while not (terminated or truncated):
            x, speed, angle, rate = observation
            push = int(angle + 0.3 * rate + 0.02 * x + 0.05 * speed > 0)
            observation, reward, terminated, truncated, _ = env.step(push)
            total += float(reward)
        assert (terminated, truncated, total) == (False, True, 500.0)

    def test_the_step_in_which_it_falls_earns_nothing_and_is_inside_the_space(self) -> None:
        env = BalancingPole()
        env.reset(seed=0)
        rewards, terminated = [], False
        while not terminated:
            observation, reward, terminated, truncated, _ = env.step(1)
            rewards.append(reward)
            assert env.observation_space.contains(observation) and not truncated
        assert rewards == [1.0] * (len(rewards) - 1) + [0.0]
        assert abs(observation[2]) > 12 * math.pi / 180

    @pytest.mark.parametrize(
        ('options', 'says'),
        [
            ({'integrator': 'heun'}, "integrator is 'heun'"),
            ({'angle_limit': 2.0}, 'below the cart'),
            ({'pole': {'mass': 1}}, "'mass'"),
            ({'pole': {'pole_kg': -1}}, 'pole_kg is -1'),
            ({'track_limit': 0}, 'track_limit is 0'),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, options: dict[str, Any], says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            BalancingPole(**options)


class TestTwoLinkArm:
    def test_a_free_arm_keeps_its_energy(self) -> None:
        links = TwoLinks(friction=0.0)
        angles, rates = np.array([0.3, 1.0]), np.array([1.0, -2.0])
        before = links.energy(angles, rates)
        for _ in range(2000):  # 5 s
            angles, rates = links.advance(angles, rates, np.zeros(2), 0.0025)
        assert links.energy(angles, rates) == pytest.approx(before, abs=1e-4)

    def test_a_torque_does_the_work_that_the_energy_shows(self) -> None:
        links = TwoLinks(friction=0.0, gravity=0.0)
        angles, rates = np.array([0.3, 1.0]), np.zeros(2)
        torques, work = np.array([1.0, -0.5]), 0.0
        begin = angles
        for _ in range(400):
            angles, rates = links.advance(angles, rates, torques, 0.005)
        work = float(torques @ (angles - begin))
        assert links.energy(angles, rates) == pytest.approx(work, abs=1e-6)

    def test_a_small_swing_of_the_stretched_arm_has_the_pendulums_period(self) -> None:
        # A second link without weight leaves a uniform rod: T = 2 pi sqrt(2 l / (3 g)).
        links = TwoLinks(masses=(1.0, 1e-9), lengths=(1.0, 1e-3), friction=0.0)
        angles, rates = np.array([-math.pi / 2 + 0.01, 0.0]), np.zeros(2)
        quarter = round(math.pi / 2 * math.sqrt(2 / (3 * 9.81)) / 1e-4)
        for _ in range(quarter):
            acceleration = links.acceleration(np.array([angles[0], 0.0]), rates, np.zeros(2))
            rates = np.array([rates[0] + 1e-4 * acceleration[0], 0.0])
            angles = np.array([angles[0] + 1e-4 * rates[0], 0.0])
        assert angles[0] == pytest.approx(-math.pi / 2, abs=1e-4)

    def test_the_mass_matrix_is_that_of_the_links_own_motion(self) -> None:
        links = TwoLinks(lengths=(0.7, 0.4), masses=(2.0, 0.5), gravity=0.0)
        angles, rates = np.array([0.4, -1.1]), np.array([0.8, -1.7])
        # Sum the kinetic energy of many pieces of both rods, from their places alone.
        energy, h = 0.0, 1e-6
        now, later = links.points(angles), links.points(angles + h * rates)
        for i, mass in enumerate(links.masses):
            for part in (np.arange(2000) + 0.5) / 2000:
                at = [p[i] + part * (p[i + 1] - p[i]) for p in (now, later)]
                energy += 0.5 * mass / 2000 * float(np.sum(((at[1] - at[0]) / h) ** 2))
        assert links.energy(angles, rates) == pytest.approx(energy, rel=1e-5)

    def test_a_controller_with_gravity_compensation_reaches_the_target(self) -> None:
        env = gymnasium.make('TwoLinkArm-v0')
        arm: TwoLinkArm = env.unwrapped  # type: ignore[assignment]
        for seed in range(3):
            env.reset(seed=seed)
            terminated = truncated = False
            while not (terminated or truncated):
                tip, elbow = arm.links.points(arm.angles)[2], arm.links.points(arm.angles)[1]
                wanted = np.array([0.0, math.pi / 2])
                gravity = arm.links.bias(arm.angles, np.zeros(2))
                torque = gravity + 30 * (wanted - arm.angles) - np.array([14, 6]) * arm.rates
                share = np.clip(torque / np.array([40.0, 15.0]), -1, 1)
                observation, _, terminated, truncated, info = env.step(share)
            assert terminated and not truncated and info['distance'] <= 0.05, (tip, elbow)
            assert np.allclose(observation[6:], arm.target - arm.links.points(arm.angles)[2])

    def test_the_default_torques_hold_the_arm_in_every_pose(self) -> None:
        links = TwoLinks()
        poses = np.stack(np.meshgrid(*[np.linspace(-math.pi, math.pi, 25)] * 2), axis=-1)
        needed = [links.bias(pose, np.zeros(2)) for pose in poses.reshape(-1, 2)]
        assert (np.abs(needed).max(axis=0) < [40.0, 15.0]).all()
        assert np.abs(needed).max(axis=0) == pytest.approx([19.62, 4.905])

    @pytest.mark.parametrize(
        ('options', 'says'),
        [
            ({'target': (2.0, 1.0)}, r'2\.236 m away; the arm reaches 0\.000 to 2\.000 m'),
            ({'target': (1.0,)}, 'two finite numbers'),
            ({'torques': (1.0,)}, 'two numbers in N m'),
            ({'torques': (1.0, 0.0)}, r'torques is 0\.0'),
            ({'links': {'lengths': (1.0,)}}, 'lengths is'),
            ({'links': {'masses': (1.0, -1.0)}}, r'masses is -1\.0'),
            ({'links': {'mass': 1}}, "'mass'"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, options: dict[str, Any], says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            TwoLinkArm(**options)
