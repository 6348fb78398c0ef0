# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Teams of carts: their rules, as a ParallelEnv and as one env, here and behind bridges."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

pytest.importorskip('pettingzoo', reason='teams of carts need PettingZoo')

from pettingzoo.test import parallel_api_test, parallel_seed_test

from rl_bridge.bridge import Bridge
from rl_bridge.client import LoopbackTransport
from rl_bridge.errors import BridgeError, ConfigError, EnvFailed, LimitError
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.textbook.cart_team import CartTeam, closest
from rl_bridge.textbook.multi_cart import MultiCart, parallel_env, remote_parallel_env
from rl_bridge.textbook.multi_cart_joint import MultiCartJoint
from rl_bridge.textbook.planar_cart import PlanarCart


class Placed(PlanarCart):
    """A cart that a test puts where it wants it, with a speed."""

    def __init__(self, *numbers: float, **options: Any) -> None:
        super().__init__(**options)
        self.numbers = np.array(numbers)
        self.closed = 0

    def reset(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        super().reset()
        self.position, self.velocity, self.target = self.numbers.reshape(3, 2).copy()
        return self._observation(), {}

    def close(self) -> None:
        self.closed += 1
        super().close()


def team_of(*carts: PlanarCart, **options: Any) -> MultiCart:
    team = MultiCart(CartTeam(carts, **options))
    team.reset(seed=0)
    return team


STILL = {'cart_0': np.zeros(2, np.float32), 'cart_1': np.zeros(2, np.float32)}
LEFT = (-0.5, 0.0, 0.0, 0.0, -0.5, 0.0)
RIGHT = (0.5, 0.0, 0.0, 0.0, 0.5, 0.0)
FAR = (0.5, 0.0, 0.0, 0.0, -0.5, 0.8)


def test_pettingzoos_own_checks_are_content() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        parallel_api_test(parallel_env(carts=3), num_cycles=300)
        parallel_seed_test(lambda: parallel_env(carts=2), num_cycles=20)


class TestRules:
    def test_a_team_that_stands_at_its_targets_has_arrived(self) -> None:
        team = team_of(Placed(*LEFT), Placed(*RIGHT))
        _, rewards, terminated, truncated, infos = team.step(STILL)
        assert set(terminated.values()) == {True} and set(truncated.values()) == {False}
        assert rewards == {'cart_0': 0.0, 'cart_1': 0.0} and team.agents == []
        assert not infos['cart_0']['collided']

    def test_one_that_passes_its_target_at_speed_has_not(self) -> None:
        team = team_of(Placed(*LEFT), Placed(0.45, 0.0, 0.5, 0.0, 0.5, 0.0))
        infos = team.step(STILL)[4]
        assert infos['cart_1']['distance'] < 0.05 and team.agents

    def test_who_touches_another_ends_the_episode_and_pays_more_than_all_the_rest(self) -> None:
        near = (-0.4, 0.0, 0.0, 0.0, 0.5, 0.0)
        team = team_of(
            Placed(*LEFT), Placed(*near), Placed(*FAR), own_share=1.0, max_steps=50)
        actions = {name: np.zeros(2, np.float32) for name in team.agents}
        _, rewards, terminated, _, infos = team.step(actions)
        assert all(terminated.values()) and team.agents == []
        hit = [infos[name]['collided'] for name in team.possible_agents]
        assert hit == [True, True, False]
        assert max(rewards['cart_0'], rewards['cart_1']) < -50 * 2 * np.sqrt(2)
        assert rewards['cart_2'] == pytest.approx(-np.hypot(1.0, 0.8), abs=1e-6)

    def test_fast_carts_do_not_pass_through_each_other_within_a_step(self) -> None:
        team = team_of(
            Placed(-0.3, 0.0, 2.0, 0.0, 0.5, 0.0, step_s=0.5),
            Placed(0.3, 0.0, -2.0, 0.0, -0.5, 0.0, step_s=0.5))
        observations, _, terminated, _, infos = team.step(STILL)
        assert observations['cart_0'][2] > 0.2 and observations['cart_1'][2] < -0.2  # x
        assert all(terminated.values()) and infos['cart_0']['collided']

    @pytest.mark.parametrize(
        ('start', 'end', 'near'),
        [
            ((-1.0, 0.2), (1.0, 0.2), 0.2),
            ((1.0, 0.0), (2.0, 0.0), 1.0),
            ((3.0, 4.0), (3.0, 4.0), 5.0),
        ],
    )
    def test_the_closest_point_of_a_way(self, start: Any, end: Any, near: float) -> None:
        assert closest(np.array(start), np.array(end)) == pytest.approx(near)
        assert closest(np.array(end), np.array(start)) == pytest.approx(near)

    def test_the_end_of_time_truncates_and_does_not_terminate(self) -> None:
        team = team_of(Placed(*LEFT), Placed(*FAR), max_steps=3)
        steps = [team.step(STILL) for _ in range(3)]
        assert [step[3]['cart_1'] for step in steps] == [False, False, True]
        assert not any(step[2]['cart_1'] for step in steps)
        with pytest.raises((ResetNeeded, KeyError)):
            team.step(STILL)

    def test_own_and_common_rewards_are_mixed_as_told(self) -> None:
        def rewards(share: float) -> list[float]:
            team = team_of(Placed(*LEFT), Placed(*FAR), own_share=share)
            return list(team.step(STILL)[1].values())

        own, mixed, common = rewards(1.0), rewards(0.5), rewards(0.0)
        assert own[0] == 0.0 and own[1] < -1.0
        assert common[0] == common[1] == pytest.approx(sum(own) / 2)
        assert mixed == pytest.approx([(a + b) / 2 for a, b in zip(own, common, strict=True)])

    def test_every_agent_sees_the_others_from_where_it_is(self) -> None:
        team = team_of(Placed(*LEFT), Placed(*FAR))
        first, second = (team.reset()[0][name] for name in team.possible_agents)
        assert first == pytest.approx([0, 0, -0.5, 0, 0, 0, 1.0, 0.0])
        assert second == pytest.approx([0, 0, 0.5, 0, -1.0, 0.8, -1.0, 0.0])
        assert team.state() == pytest.approx([*LEFT[:2], 0, 0, *LEFT[4:], *FAR])
        assert team.render() is None

    def test_starts_and_targets_lie_apart(self) -> None:
        team = parallel_env(carts=6)
        for seed in range(20):
            team.reset(seed=seed)
            state = team.state().reshape(6, 6)
            for places in (state[:, :2], state[:, 4:]):
                gaps = [np.linalg.norm(a - b) for i, a in enumerate(places) for b in places[:i]]
                assert min(gaps) >= 0.24 - 1e-6 and np.abs(places).max() <= 0.8


class TestWhatGoesWrong:
    def test_a_cart_that_was_stopped_truncates_the_teams_episode(self) -> None:
        halted = gymnasium.wrappers.TimeLimit(PlanarCart(), 2)
        team = MultiCart(CartTeam([PlanarCart(), halted]))
        team.reset(seed=0)
        first, second = team.step(STILL), team.step(STILL)
        assert not any(first[3].values())
        assert all(second[3].values()) and not any(second[2].values()) and team.agents == []

    @pytest.mark.parametrize('at_once', [False, True])
    def test_a_cart_that_cannot_go_on_is_named_and_a_reset_goes_on(self, at_once: bool) -> None:
        team = team_of(PlanarCart(), PlanarCart(), at_once=at_once)
        with pytest.raises(LimitError, match='the action'):
            team.step({**STILL, 'cart_1': np.full(2, 2.0)})
        assert team.agents == []
        with pytest.raises(ResetNeeded):
            team.step({})
        team.reset(seed=1)
        team.step(STILL)
        team.close()

    def test_an_action_that_is_missing_moves_nothing(self) -> None:
        team = team_of(PlanarCart(), PlanarCart())
        before = team.state()
        with pytest.raises(KeyError, match='cart_1'):
            team.step({'cart_0': np.ones(2, np.float32)})
        assert np.array_equal(before, team.state()) and len(team.agents) == 2
        team.step(STILL)

    def test_closing_closes_every_cart_even_if_one_objects(self) -> None:
        class Clinging(Placed):
            def close(self) -> None:
                raise OSError('no')

        last = Placed(*RIGHT)
        team = team_of(Clinging(*LEFT), last)
        with pytest.raises(OSError, match='no'):
            team.close()
        assert last.closed == 1
        team.close()
        assert last.closed == 1

    @pytest.mark.parametrize(
        ('options', 'says'),
        [
            ({'carts': 1}, 'at least 2'),
            ({'carts': 2.5}, 'whole number'),
            ({'carts': 40}, '40 carts of radius 0.08 m do not fit'),
            ({'radius_m': 0.0}, 'radius_m is 0'),
            ({'max_steps': 0}, 'max_steps is 0'),
            ({'own_share': 1.5}, 'own_share is 1.5'),
            ({'render_mode': 'human'}, "'human'"),
            ({'cart': {'wheels': 4}}, "'wheels'"),
            ({'step_s': 0.0}, 'step_s is 0'),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, options: dict[str, Any], says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            parallel_env(**options)

    def test_carts_of_other_spaces_are_no_team(self) -> None:
        with pytest.raises(ConfigError, match=r'cart 1 has the spaces.*PlanarCart-v0'):
            CartTeam([PlanarCart(), gymnasium.make('Pendulum-v1')])
        with pytest.raises(ConfigError, match='all need the same'):
            CartTeam([PlanarCart(), PlanarCart(cart={'wall_m': 2.0})])

    @pytest.mark.parametrize('bad', [(0.0, 1.1), (0.0,), 'here'])
    def test_a_place_beyond_the_walls_is_refused(self, bad: Any) -> None:
        with pytest.raises(LimitError, match="option 'target'"):
            PlanarCart().reset(options={'target': bad})

    def test_without_pettingzoo_the_joint_form_is_named(self) -> None:
        code = (
            "import sys; sys.modules['pettingzoo'] = None\n"
            'import rl_bridge.textbook.multi_cart_joint\n'
            'import rl_bridge.textbook.multi_cart\n'
        )
        done = subprocess.run(
            [sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=False)
        assert 'install rl_bridge[multi], or use MultiCartJoint-v0' in done.stderr


def test_the_joint_form_is_the_same_world() -> None:
    joint = MultiCartJoint(carts=2)
    several = parallel_env(carts=2, own_share=0.0)
    seen, info = joint.reset(seed=4)
    several.reset(seed=int(np.random.Generator(np.random.PCG64(4)).integers(2**31)))
    assert np.array_equal(seen, several.state()) and info['collided'] == [False, False]
    rng = np.random.default_rng(0)
    for _ in range(30):
        action = rng.uniform(-1, 1, 4).astype(np.float32)
        seen, reward, terminated, truncated, info = joint.step(action)
        _, rewards, ends, _, infos = several.step({'cart_0': action[:2], 'cart_1': action[2:]})
        assert np.array_equal(seen, several.state()) and not truncated
        assert reward == pytest.approx(rewards['cart_0']) and terminated == ends['cart_0']
        assert info['distances'] == [i['distance'] for i in infos.values()]
        if terminated:
            break


def assert_same_episodes(here: MultiCart, there: MultiCart, *, steps: int) -> None:
    """The same values, bit for bit."""
    rng = np.random.default_rng(1)
    episode = 0
    for _ in range(steps):
        if not here.agents:
            assert repr(here.reset(seed=episode)) == repr(there.reset(seed=episode))
            episode += 1
        actions = {name: rng.uniform(-1, 1, 2).astype(np.float32) for name in here.agents}
        ours, theirs = here.step(actions), there.step(actions)
        for name in here.possible_agents:
            assert ours[0][name].tobytes() == theirs[0][name].tobytes()
        assert repr(ours[1:]) == repr(theirs[1:])
        assert here.state().tobytes() == there.state().tobytes()
    assert episode > 1


def loopback(env: gymnasium.Env[Any, Any]) -> LoopbackTransport:
    bridge = Bridge(HostedEnv(env), bridge_id='cart', first_epoch=0)
    bridge.open()
    return LoopbackTransport(bridge)


class TestBehindBridges:
    @pytest.fixture
    def remote(self) -> Iterator[MultiCart]:
        bridges = [loopback(gymnasium.make('PlanarCart-v0')) for _ in range(3)]
        team = remote_parallel_env(bridges=bridges, max_steps=40, render_mode='rgb_array')
        yield team
        team.close()

    def test_a_team_behind_bridges_is_the_local_one_bit_for_bit(self, remote: MultiCart) -> None:
        here = parallel_env(carts=3, max_steps=40, render_mode='rgb_array')
        assert_same_episodes(here, remote, steps=1000)
        assert np.array_equal(here.render(), remote.render())

    def test_closing_the_team_releases_every_bridge(self) -> None:
        bridges = [loopback(gymnasium.make('PlanarCart-v0')) for _ in range(2)]
        team = remote_parallel_env(bridges=bridges)
        team.reset(seed=0)
        held = [bridge._target.session.holder for bridge in bridges]  # type: ignore[attr-defined]
        team.close()
        left = [bridge._target.session.holder for bridge in bridges]  # type: ignore[attr-defined]
        assert all(held) and not any(left)

    def test_a_cart_whose_bridge_fails_ends_the_step_of_all(self) -> None:
        broken = PlanarCart()
        bridges = [loopback(PlanarCart()), loopback(broken)]
        team = remote_parallel_env(bridges=bridges)
        team.reset(seed=0)
        broken.step = lambda action: 1 / 0  # type: ignore[method-assign, assignment]
        with pytest.raises(EnvFailed, match='ZeroDivisionError'):
            team.step(STILL)
        assert team.agents == []
        del broken.step
        team.reset(seed=0)
        team.step(STILL)
        team.close()

    def test_one_name_is_no_list_of_bridges(self) -> None:
        with pytest.raises(ConfigError, match="bridges is '/robot_env'; a list"):
            remote_parallel_env(bridges='/robot_env')

    def test_a_bridge_that_cannot_be_reached_releases_the_others(self) -> None:
        gone = loopback(PlanarCart())
        gone.close()
        with pytest.raises(BridgeError):
            remote_parallel_env(bridges=[loopback(PlanarCart()), gone], connect_timeout_s=0.1)
