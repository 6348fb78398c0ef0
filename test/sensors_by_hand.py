# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Sensors and pictures for tests."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_bridge.types import Sensor

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'


def sensor(type_name: str, *shape: int, **more: Any) -> Sensor:
    """A sensor named eye on /eye, without bounds."""
    values = {'max_age_s': 0.5, 'lower': -math.inf, 'upper': math.inf, **more}
    return Sensor('eye', '/eye', type_name, shape, **values)


def picture_sensor(type_name: str, *shape: int, **more: Any) -> Sensor:
    return sensor(type_name, *shape, lower=0.0, upper=255.0, dtype='uint8', **more)


def noise(height: int, width: int, channels: int = 3, *, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


def raw(pixels: NDArray[np.uint8], encoding: str, *, padding: int = 0) -> dict[str, Any]:
    """The fields of an Image with these pixels, in the order of the encoding."""
    height, width, channels = pixels.shape
    rows = np.full((height, width * channels + padding), 77, dtype=np.uint8)
    rows[:, : width * channels] = pixels.reshape(height, -1)
    return {
        'height': height,
        'width': width,
        'encoding': encoding,
        'step': rows.shape[1],
        'data': rows.tobytes(),
    }


def compressed(pixels: NDArray[np.uint8], form: str = 'PNG', **options: Any) -> bytes:
    """The bytes of a picture as Pillow writes them."""
    from PIL import Image

    written = io.BytesIO()
    plain = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    Image.fromarray(plain).save(written, form, **options)
    return written.getvalue()
