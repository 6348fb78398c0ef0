# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What holds for every textbook environment: checkers, seeds, the bridge, pictures, bad input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import rl_bridge  # noqa: F401  (registers the environments)
from rl_bridge.bridge import Bridge
from rl_bridge.client import LoopbackTransport, RemoteRobotEnv
from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.textbook.canvas import PAPER, Canvas
from rl_bridge.textbook.catalogue import ENVS, register_all
from rl_bridge.textbook.runge_kutta import runge_kutta_4

STEPS = 1000
PAGE = Path(__file__).resolve().parents[1] / 'docs' / 'textbook.md'
LOCK_STEP = [name for name in ENVS if name != 'DoublePendulum-v0']
NOISY = {'observation_noise': (0.01, 0.02)}
FORMS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in LOCK_STEP),
    ('CartTarget-v0', NOISY),
    ('GridWorld-v0', {'slip': 0.2}),
]


def trajectory(env: Any, *, steps: int) -> Iterator[tuple[Any, ...]]:
    """Yield everything an environment says, episodes and actions from fixed seeds."""
    env.action_space.seed(5)
    episode, over = 0, True
    for _ in range(steps):
        if over:
            observation, info = env.reset(seed=episode)
            episode += 1
            yield np.asarray(observation).tobytes(), repr(info)
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        yield (
            np.asarray(observation).tobytes(), np.float64(reward).tobytes(), terminated,
            truncated, repr(info))  # fmt: skip
        over = terminated or truncated


@pytest.mark.parametrize('name', ENVS)
def test_gymnasiums_own_checker_is_content(name: str) -> None:
    env = gymnasium.make(name, render_mode='rgb_array')
    check_env(env.unwrapped)
    env.close()


@pytest.mark.parametrize(('name', 'options'), FORMS)
def test_a_seed_gives_the_same_trajectory_bit_for_bit(name: str, options: dict[str, Any]) -> None:
    first, second = (gymnasium.make(name, **options) for _ in range(2))
    assert list(trajectory(first, steps=300)) == list(trajectory(second, steps=300))


@pytest.mark.parametrize('name', LOCK_STEP)
def test_another_seed_begins_or_goes_on_elsewhere(name: str) -> None:
    env = gymnasium.make(name, **({'slip': 0.5} if name == 'GridWorld-v0' else {}))

    def run(seed: int) -> list[bytes]:
        env.action_space.seed(1)
        found = [env.reset(seed=seed)[0]]
        found += [env.step(env.action_space.sample())[0] for _ in range(4)]
        return [np.asarray(value).tobytes() for value in found]

    assert run(1) != run(2) and run(1) == run(1)


@pytest.mark.parametrize(('name', 'options'), FORMS)
def test_a_bridged_trajectory_is_the_local_one_bit_for_bit(
    name: str, options: dict[str, Any]
) -> None:
    bridge = Bridge(
        HostedEnv(gymnasium.make(name, **options)), bridge_id='textbook', first_epoch=0)
    bridge.open()
    there = RemoteRobotEnv(transport=LoopbackTransport(bridge))
    here = gymnasium.make(name, **options)
    assert list(trajectory(there, steps=STEPS)) == list(trajectory(here, steps=STEPS))
    there.close()


def test_a_bridged_picture_is_the_local_one() -> None:
    hosted, here = (
        gymnasium.make('BalancingPole-v0', render_mode='rgb_array') for _ in range(2)
    )
    bridge = Bridge(HostedEnv(hosted), bridge_id='textbook', first_epoch=0)
    bridge.open()
    there = RemoteRobotEnv(transport=LoopbackTransport(bridge), render_mode='rgb_array')
    for env in (here, there):
        env.reset(seed=1)
        env.step(1)
    assert np.array_equal(np.asarray(here.render()), there.render())
    there.close()


@pytest.mark.parametrize('name', [name for name in LOCK_STEP if ENVS[name][1]])
def test_only_the_time_limit_truncates(name: str) -> None:
    env = gymnasium.make(name)
    assert env.spec is not None and env.spec.max_episode_steps == ENVS[name][1]
    bare = env.unwrapped
    bare.reset(seed=0)
    bare.action_space.seed(3)
    terminated, steps = False, 0
    while not terminated and steps < 600:
        _, _, terminated, truncated, _ = bare.step(bare.action_space.sample())
        assert truncated is False
        steps += 1


@pytest.mark.parametrize('name', LOCK_STEP)
def test_a_picture_shows_the_state(name: str) -> None:
    env = gymnasium.make(name, render_mode='rgb_array')
    env.reset(seed=0)
    first = env.render()
    assert isinstance(first, np.ndarray) and first.dtype == np.uint8 and first.shape[2] == 3
    env.action_space.seed(2)
    for _ in range(5):
        env.step(env.action_space.sample())
    assert not np.array_equal(first, env.render())
    env.close()
    env.close()


@pytest.mark.parametrize('name', LOCK_STEP)
def test_there_is_no_step_without_an_episode_and_none_after_its_end(name: str) -> None:
    env = gymnasium.make(name).unwrapped
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.close()
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())


@pytest.mark.parametrize('name', LOCK_STEP)
def test_a_bad_action_is_refused_and_moves_nothing(name: str) -> None:
    env, twin = gymnasium.make(name).unwrapped, gymnasium.make(name).unwrapped
    env.reset(seed=0)
    twin.reset(seed=0)
    if isinstance(env.action_space, gymnasium.spaces.Discrete):
        bad: list[Any] = [-1, int(env.action_space.n), 0.5, None, np.array([0])]
    else:
        shape = env.action_space.shape
        assert shape is not None
        bad = [
            np.full(shape, np.nan), np.full(shape, 1.01), np.zeros((*shape, 1)), 'left',
        ]  # fmt: skip
    for action in bad:
        with pytest.raises(LimitError, match='the action'):
            env.step(action)
    action = env.action_space.sample()
    assert repr(env.step(action)) == repr(twin.step(action))


@pytest.mark.parametrize('name', ENVS)
def test_a_render_mode_that_is_unknown_is_refused_by_name(name: str) -> None:
    creator = gymnasium.envs.registration.load_env_creator(gymnasium.spec(name).entry_point)
    with pytest.raises(ConfigError, match="'ascii'"):
        creator(render_mode='ascii')


def test_a_window_needs_pygame_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pygame', None)
    with pytest.raises(ConfigError, match=r'needs pygame.*rgb_array'):
        gymnasium.make('GridWorld-v0', render_mode='human')
    assert gymnasium.make('GridWorld-v0').unwrapped.metadata['render_modes'] == ['rgb_array']


class PaintedScreen:
    """As much of pygame as a window uses; CI has neither pygame nor a display."""

    def __init__(self) -> None:
        self.shown: list[Any] = []
        self.quits = 0
        self.display = self.time = self.event = self.surfarray = self
        self.init = self.pump = self.flip = lambda: None

    def set_mode(self, size: tuple[int, int]) -> tuple[int, int]:
        return size

    def set_caption(self, title: str) -> None:
        assert title == 'BalancingPole'

    def blit_array(self, screen: tuple[int, int], pixels: Any) -> None:
        assert pixels.shape == (*screen, 3)
        self.shown.append(pixels)

    def Clock(self) -> PaintedScreen:  # noqa: N802
        return self

    def tick(self, fps: float) -> None:
        assert fps == 50

    def quit(self) -> None:
        self.quits += 1


def test_a_window_shows_every_state_where_there_is_a_display(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = PaintedScreen()
    monkeypatch.setitem(sys.modules, 'pygame', screen)
    for name in ('DISPLAY', 'WAYLAND_DISPLAY', 'SDL_VIDEODRIVER'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match='needs a display'):
        gymnasium.make('BalancingPole-v0', render_mode='human')
    monkeypatch.setenv('SDL_VIDEODRIVER', 'dummy')
    env = gymnasium.make('BalancingPole-v0', render_mode='human')
    env.reset(seed=0)
    env.step(1)
    assert len(screen.shown) == 2 and not np.array_equal(screen.shown[0], screen.shown[1])
    env.close()
    assert screen.quits == 1


def test_registering_twice_changes_nothing() -> None:
    before = {name: gymnasium.spec(name) for name in ENVS}
    register_all()
    assert all(gymnasium.spec(name) is spec for name, spec in before.items())


def test_the_page_shows_every_id_with_its_spaces_and_its_steps() -> None:
    page = PAGE.read_text(encoding='utf-8')
    rows = re.findall(r'^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|', page, re.MULTILINE)
    shown = {name: (seen, action, steps) for name, seen, action, steps in rows if '-v' in name}
    assert list(shown) == list(ENVS)

    def size(space: gymnasium.Space[Any]) -> str:
        if isinstance(space, gymnasium.spaces.Discrete):
            return f'Discrete({space.n})'
        assert isinstance(space, gymnasium.spaces.Box)
        return f'Box({space.shape[0]})'

    for name, (seen, action, steps) in shown.items():
        env = gymnasium.make(name)
        assert seen.startswith(size(env.observation_space)), name
        assert action.startswith(size(env.action_space)), name
        limit = ENVS[name][1]
        assert steps == ("200, the team's" if 'Multi' in name else str(limit or 'none')), name


@pytest.mark.filterwarnings('ignore:.*precision lowered.*')
@pytest.mark.parametrize('name', [name for name in LOCK_STEP if name != 'GridWorld-v0'])
def test_gymnasiums_rescaling_works_from_the_declared_bounds(name: str) -> None:
    env = gymnasium.wrappers.RescaleObservation(gymnasium.make(name), -1.0, 1.0)
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(3):
        observation = env.step(env.action_space.sample())[0]
    assert np.isfinite(observation).all() and np.abs(observation).max() <= 1.0


class TestCanvas:
    def test_a_disc_covers_its_area(self) -> None:
        drawing = Canvas(span=2.0, width=200, height=200)
        drawing.disc((0.0, 0.0), radius=0.5, colour=(0.0, 0.0, 0.0))
        darkness = 1.0 - drawing.picture()[:, :, 0] / 255.0 / PAPER[0]
        assert darkness.sum() == pytest.approx(np.pi * 50**2, rel=0.01)

    def test_y_is_up_and_what_lies_outside_is_left_out(self) -> None:
        drawing = Canvas(span=2.0, width=40, height=20)
        blank = drawing.picture()
        drawing.line((9.0, 9.0), (9.0, 20.0), thickness=0.1, colour=(0.0, 0.0, 0.0))
        assert np.array_equal(blank, drawing.picture())
        drawing.box((1.5, 0.5), width=0.4, height=0.4, colour=(0.0, 0.0, 0.0))
        assert drawing.picture()[5, 35].tolist() == [0, 0, 0]
        assert drawing.picture()[15, 35].tolist() == blank[15, 35].tolist()


def test_runge_kuttas_error_falls_with_the_fourth_power_of_the_step() -> None:
    def error(steps: int) -> float:
        state = np.array([1.0, 0.0])
        for _ in range(steps):
            state = runge_kutta_4(lambda at: np.array([at[1], -at[0]]), state, 1.0 / steps)
        return float(abs(state[0] - np.cos(1.0)))

    assert error(10) / error(20) == pytest.approx(16.0, rel=0.1)
