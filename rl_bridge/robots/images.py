# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Pictures of sensor_msgs' Image and CompressedImage as arrays of the declared shape.

The size that a message claims is compared with the declared one before anything is decoded, so a
message costs no more memory than the robot file allows, whatever it claims.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.types import Sensor, StopReason

Pixels = NDArray[np.uint8]

#: Of sensor_msgs/image_encodings.hpp, with the order of the channels: those of 8 bits whose
#: meaning is known.
ENCODINGS: dict[str, tuple[int, ...]] = {
    'mono8': (0,),
    'rgb8': (0, 1, 2),
    'bgr8': (2, 1, 0),
    'rgba8': (0, 1, 2, 3),
    'bgra8': (2, 1, 0, 3),
}
FORMATS = ('JPEG', 'PNG')  # of CompressedImage; Pillow knows many more, which nobody sends
_MODES = ('L', 'RGB', 'RGBA')  # of Pillow
# A picture of noise, compressed, is a little larger than the picture, and has its tables besides.
_MOST_COMPRESSED, _TABLES = 2, 65536
# Luminance of ITU-R BT.601 in 16 bit fixed point, as Pillow has it: 0.299 R + 0.587 G + 0.114 B.
_LUMINANCE = np.array([19595, 38470, 7471], dtype=np.uint32)
_HALF, _BITS = 0x8000, 16


def refusal(sensor: Sensor, what: str) -> RobotNotReady:
    """Return the error about a reading that must not be used; ``what`` goes on its sentence."""
    return RobotNotReady(
        f'The sensor {sensor.name} on {sensor.topic} {what}', StopReason.STATE_INVALID
    )


def raw_picture(sensor: Sensor, message: Any) -> Pixels:
    """
    Return the pixels of a sensor_msgs/Image; they may share its memory.

    :param sensor: with ``shape`` (height, width, 1 for grey or 3 for RGB).
    :returns: of the sensor's shape, read-only; converted where the message has other channels.
    :raises RobotNotReady: another size, an encoding that is none of ``ENCODINGS``, or fewer bytes
        than rows.
    """
    order = ENCODINGS.get(message.encoding)
    if order is None:
        raise refusal(
            sensor,
            f'sends pictures of the encoding {message.encoding[:40]!r}; set one of '
            f'{", ".join(ENCODINGS)} in its driver.',
        )
    height, width, step = message.height, message.width, message.step
    _check_size(sensor, height, width)
    if step < width * len(order) or len(message.data) != height * step:
        raise refusal(
            sensor,
            f'sends {len(message.data)} bytes in rows of {step} for a picture of {width} x '
            f'{height} in {message.encoding}, which needs {height} rows of at least '
            f'{width * len(order)}: its driver fills them in wrongly.',
        )
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(height, step)
    pixels = rows[:, : width * len(order)].reshape(height, width, len(order))
    if order[0] != 0:
        pixels = pixels[..., order]
    return _as_declared(sensor, pixels)


def compressed_picture(sensor: Sensor, message: Any) -> Pixels:
    """
    Return the pixels of a sensor_msgs/CompressedImage with a JPEG or PNG in it.

    :param sensor: as of ``raw_picture``.
    :returns: as ``raw_picture``.
    :raises RobotNotReady: another size, no JPEG or PNG, or a damaged one.
    :raises ConfigError: Pillow is not installed.
    """
    image_module = require_pillow(sensor)
    most = _MOST_COMPRESSED * int(np.prod(sensor.shape)) + _TABLES
    if len(message.data) > most:
        raise refusal(
            sensor,
            f'sends a compressed picture of {len(message.data)} bytes; for the shape '
            f'{list(sensor.shape)} no more than {most} are decoded.',
        )
    try:
        with image_module.open(io.BytesIO(message.data), formats=FORMATS) as image:
            _check_size(sensor, image.height, image.width)
            if image.mode not in _MODES:
                raise refusal(
                    sensor,
                    f"sends pictures in Pillow's mode {image.mode}; it has to be one with 8 bits "
                    f'a channel, {", ".join(_MODES)}.',
                )
            pixels = np.asarray(image, dtype=np.uint8)
    # Decoders raise about anything for damaged data, SyntaxError for a PNG for example; the two
    # errors that say more pass.
    except (RobotNotReady, MemoryError):
        raise
    except Exception as fault:
        raise refusal(
            sensor,
            f'sends {message.format[:40]!r} that is no complete {" or ".join(FORMATS)}: '
            f'{" ".join(str(fault).split())[:120]}',
        ) from fault
    return _as_declared(sensor, pixels.reshape(*pixels.shape[:2], -1))


def require_pillow(sensor: Sensor) -> Any:
    """
    Return ``PIL.Image``.

    :raises ConfigError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as missing:
        raise ConfigError(
            f'the sensor {sensor.name} sends compressed pictures, which need Pillow: install '
            f'rl_bridge[images] or python3-pil'
        ) from missing
    return Image


def _check_size(sensor: Sensor, height: int, width: int) -> None:
    if (height, width) != sensor.shape[:2]:
        raise refusal(
            sensor,
            f'sends pictures {height} high and {width} wide, but its shape in the robot file is '
            f'{list(sensor.shape)}: correct the shape, or the resolution in its driver.',
        )


def _as_declared(sensor: Sensor, pixels: Pixels) -> Pixels:
    """Give grey, RGB or RGBA pixels of shape (height, width, channels) the declared channels."""
    have, wanted = pixels.shape[2], sensor.shape[2]
    if have == 1 and wanted == 3:
        pixels = np.repeat(pixels, 3, axis=2)
    elif wanted == 3:
        pixels = pixels[..., :3]
    elif have != 1:
        weighted = (pixels[..., :3] * _LUMINANCE).sum(axis=2, dtype=np.uint32)
        pixels = ((weighted + _HALF) >> _BITS).astype(np.uint8)[..., np.newaxis]
    declared = np.ascontiguousarray(pixels)
    declared.flags.writeable = False
    return declared
