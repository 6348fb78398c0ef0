# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Pictures as JPEG: close to what they were, refused where they are damaged, small on the wire."""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

pytest.importorskip('PIL', reason='JPEG needs Pillow')

from rl_bridge import env_factory
from rl_bridge.errors import ConfigError
from rl_bridge.jpeg import DecodeJpeg, EncodeJpeg, decoded, encoded, jpeg_problem
from rl_bridge.wire import SpaceCodec, space_from_json, space_to_json

SHAPE = (48, 64, 3)


class PictureEnv(gymnasium.Env[Any, Any]):
    """Shows one picture, alone or as a part of its observations."""

    action_space = spaces.Discrete(2)

    def __init__(self, shown: np.ndarray, *, key: str) -> None:
        image = spaces.Box(0, 255, shown.shape, np.uint8)
        joints = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = spaces.Dict({key: image, 'joints': joints}) if key else image
        self._shown = {key: shown, 'joints': np.full(1, 0.5, np.float32)} if key else shown

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self._shown, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self._shown, 0.0, False, False, {}


def picture() -> np.ndarray:
    across, down = np.meshgrid(np.arange(64), np.arange(48))
    return np.stack([across * 3, down * 4, 255 - across * 2], axis=2).astype(np.uint8)


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one.astype(int) - other.astype(int)).mean() < 3.0)


def test_what_comes_back_is_close_to_what_went_in_and_fresh() -> None:
    back = decoded(encoded(picture()), SHAPE)
    assert back.shape == SHAPE
    assert back.dtype == np.uint8
    assert back.flags.writeable
    assert close(back, picture())


def test_better_quality_takes_more_bytes() -> None:
    assert len(encoded(picture(), quality=30)) < len(encoded(picture(), quality=95))


@pytest.mark.parametrize('data', [b'', b'no picture', encoded(picture())[:200]])
def test_what_is_no_complete_jpeg_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match='no complete JPEG'):
        decoded(data, SHAPE)


@pytest.mark.parametrize('shape', [(48, 32, 3), (48, 64, 1)])
def test_a_picture_of_another_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match='correct the shape'):
        decoded(encoded(picture()), shape)


@pytest.mark.parametrize('key', ['', 'image'])
def test_an_observation_goes_there_and_back(key: str) -> None:
    inner = EncodeJpeg(PictureEnv(picture(), key=key), key=key)
    env = DecodeJpeg(inner, shape=SHAPE, key=key)
    there, _ = inner.reset(seed=0)
    assert inner.observation_space.contains(there)
    for observation in (env.reset(seed=0)[0], env.step(0)[0]):
        assert env.observation_space.contains(observation)
        assert close(observation[key] if key else observation, picture())
        assert not key or observation['joints'] == 0.5


def test_it_travels_as_its_bytes() -> None:
    env = EncodeJpeg(PictureEnv(picture(), key='image'))
    observation, _ = env.reset(seed=0)
    space = space_from_json(space_to_json(env.observation_space))
    leaves = SpaceCodec(env.observation_space).pack(observation)
    sent = sum(len(leaf.bytes) + 8 * len(leaf.integers) + 8 * len(leaf.numbers) for leaf in leaves)
    assert sent < observation['image'].size + 100
    back = SpaceCodec(space).unpack(leaves)
    assert np.array_equal(back['image'], observation['image'])


def test_the_bridge_knows_the_wrapper_by_its_name() -> None:
    inner = PictureEnv(picture(), key='image')
    env = env_factory.wrapped(inner, ['EncodeJpeg: {quality: 50}'])
    assert isinstance(env, EncodeJpeg)
    with pytest.raises(ConfigError, match='quality'):
        env_factory.wrapped(inner, ['EncodeJpeg: {quality: 500}'])


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'key': 'camera'}, "no 'camera'"),
        ({'key': 'joints'}, 'needs a picture'),
        ({'key': ''}, 'needs a picture'),
        ({'quality': 0}, '1 to 100'),
        ({'quality': True}, '1 to 100'),
    ],
)
def test_what_cannot_be_encoded_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        EncodeJpeg(PictureEnv(picture(), key='image'), **options)


def test_what_was_not_encoded_is_not_decoded() -> None:
    with pytest.raises(ConfigError, match='in EncodeJpeg'):
        DecodeJpeg(PictureEnv(picture(), key='image'), shape=SHAPE)


def test_without_pillow_the_sentence_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'PIL', None)
    monkeypatch.setitem(sys.modules, 'PIL.Image', None)
    assert 'install' in jpeg_problem()
    with pytest.raises(ConfigError, match='needs Pillow'):
        EncodeJpeg(PictureEnv(picture(), key='image'))


class _Grey(gymnasium.Env[Any, Any]):
    observation_space = spaces.Box(0, 255, (48, 64), np.uint8)
    action_space = spaces.Discrete(2)


def test_a_picture_without_colours_is_refused() -> None:
    with pytest.raises(ConfigError, match='height, width, 3'):
        EncodeJpeg(_Grey(), key='')
