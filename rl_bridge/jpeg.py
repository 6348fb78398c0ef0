# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Pictures as JPEG, by Pillow; and two Gymnasium wrappers which let observations travel as that.

The bridge's environment is wrapped in ``EncodeJpeg``, the client's in ``DecodeJpeg``: a picture of
921,600 bytes becomes some 20,000, for links that carry no 25 of them a second as they are. JPEG is
lossy: the policy sees what a compressed camera topic would show it.
"""

from __future__ import annotations

import io
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError

Picture = NDArray[np.uint8]

QUALITY = 90


def jpeg_problem() -> str:
    """Return why there is no JPEG here, as one sentence; an empty string if there is."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        return 'JPEG needs Pillow: install rl_bridge[images] or python3-pil.'
    return ''


def encoded(picture: Picture, *, quality: int = QUALITY) -> bytes:
    """
    Return a picture as JPEG.

    :param picture: shape (height, width, 3), RGB.
    :param quality: 1 to 100.
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, 'JPEG', quality=quality)
    return buffer.getvalue()


def decoded(data: bytes, shape: tuple[int, ...]) -> Picture:
    """
    Return the picture that a JPEG shows, fresh.

    :param shape: (height, width, 3) which it has to have; nothing larger is decoded.
    :raises ConfigError: it is no JPEG, a damaged one, or one of another size.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=('JPEG',)) as image:
            came = (image.height, image.width, len(image.getbands()))
            if came == shape:
                return np.array(image, dtype=np.uint8)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise about anything for damaged data
        raise ConfigError(
            f'{len(data)} bytes came that are no complete JPEG: {error}; is the environment in '
            f'the bridge wrapped in EncodeJpeg?'
        ) from error
    raise ConfigError(f'A JPEG of the shape {came} came, expected {shape}: correct the shape.')


class EncodeJpeg(gymnasium.ObservationWrapper[Any, Any, Any]):
    """
    Turns the picture of an observation into the bytes of a JPEG, a stacked Sequence of uint8.

    :param env: its observations are a picture, or a Dict with one.
    :param key: of that Dict; '' = the observation is the picture itself.
    :param quality: 1 to 100.
    :raises ConfigError: there is no such picture, or Pillow is not installed.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], *, key: str = 'image', quality: int = QUALITY
    ) -> None:
        super().__init__(env)
        _check_pillow()
        if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
            raise ConfigError(f'The quality of a JPEG is 1 to 100, not {quality!r}.')
        space = _inside(env.observation_space, key)
        shape = space.shape or ()
        colour = isinstance(space, spaces.Box) and len(shape) == 3 and shape[2] == 3
        if not colour or space.dtype != np.uint8:
            raise ConfigError(
                f'EncodeJpeg needs a picture, uint8 of the shape (height, width, 3); '
                f'{key or "the observation"} is {space}.'
            )
        self._key, self._quality = key, quality
        data = spaces.Sequence(spaces.Box(0, 255, (), np.uint8), stack=True)
        self.observation_space = _replaced(env.observation_space, key, data)

    def observation(self, observation: Any) -> Any:
        """Return the observation with a JPEG for its picture."""
        picture = observation[self._key] if self._key else observation
        data = np.frombuffer(encoded(picture, quality=self._quality), np.uint8)
        return {**observation, self._key: data} if self._key else data


class DecodeJpeg(gymnasium.ObservationWrapper[Any, Any, Any]):
    """
    Turns the bytes of a JPEG in an observation back into a picture.

    :param env: a client of an environment in ``EncodeJpeg``.
    :param shape: of its pictures, (height, width, 3).
    :param key: as that of ``EncodeJpeg``.
    :raises ConfigError: there are no such bytes, or Pillow is not installed.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], *, shape: tuple[int, int, int], key: str = 'image'
    ) -> None:
        super().__init__(env)
        _check_pillow()
        space = _inside(env.observation_space, key)
        feature = space.feature_space if isinstance(space, spaces.Sequence) else None
        if feature is None or feature.dtype != np.uint8 or feature.shape != ():
            raise ConfigError(
                f'DecodeJpeg needs the bytes of a JPEG; {key or "the observation"} is {space}: '
                f'wrap the environment in the bridge in EncodeJpeg.'
            )
        self._key, self._shape = key, tuple(shape)
        picture = spaces.Box(0, 255, self._shape, np.uint8)
        self.observation_space = _replaced(env.observation_space, key, picture)

    def observation(self, observation: Any) -> Any:
        """
        Return the observation with its picture.

        :raises ConfigError: no complete JPEG came, or one of another size.
        """
        data = observation[self._key] if self._key else observation
        picture = decoded(np.asarray(data, dtype=np.uint8).tobytes(), self._shape)
        return {**observation, self._key: picture} if self._key else picture


def _check_pillow() -> None:
    problem = jpeg_problem()
    if problem:
        raise ConfigError(problem)


def _inside(space: spaces.Space[Any], key: str) -> spaces.Space[Any]:
    if not key:
        return space
    if not isinstance(space, spaces.Dict) or key not in space.spaces:
        raise ConfigError(f'The observation has no {key!r}: it is {space}.')
    return space[key]


def _replaced(space: spaces.Space[Any], key: str, part: spaces.Space[Any]) -> spaces.Space[Any]:
    if not key:
        return part
    assert isinstance(space, spaces.Dict)
    return spaces.Dict({**space.spaces, key: part})
