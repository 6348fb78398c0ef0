# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Pictures of cameras: the right pixels of every encoding, or a sentence."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sensors_by_hand import COMPRESSED, IMAGE, compressed, noise, picture_sensor, raw

from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.robots.images import compressed_picture, raw_picture
from rl_bridge.types import StopReason

RGB = noise(4, 6)
ALPHA = noise(4, 6, 1, seed=1)
ORDERS: dict[str, Any] = {
    'rgb8': RGB,
    'bgr8': RGB[..., ::-1],
    'rgba8': np.concatenate((RGB, ALPHA), axis=2),
    'bgra8': np.concatenate((RGB[..., ::-1], ALPHA), axis=2),
}


def luminance(pixels: Any) -> Any:
    """ITU-R BT.601, in floating point."""
    return (pixels @ np.array([0.299, 0.587, 0.114]))[..., np.newaxis]


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('encoding', ORDERS)
def test_every_encoding_gives_rgb_whatever_its_rows_are_padded_with(
    encoding: str, padding: int
) -> None:
    message = SimpleNamespace(**raw(ORDERS[encoding], encoding, padding=padding))
    found = raw_picture(picture_sensor(IMAGE, 4, 6, 3), message)
    assert (found.dtype, found.shape, found.flags.c_contiguous) == (np.uint8, (4, 6, 3), True)
    assert np.array_equal(found, RGB)


@pytest.mark.parametrize('encoding', ORDERS)
def test_a_coloured_picture_becomes_grey_where_one_channel_is_declared(encoding: str) -> None:
    message = SimpleNamespace(**raw(ORDERS[encoding], encoding))
    found = raw_picture(picture_sensor(IMAGE, 4, 6, 1), message)
    assert np.abs(found - luminance(RGB)).max() <= 0.51


def test_a_grey_picture_is_passed_on_or_spread_over_three_channels() -> None:
    grey = noise(4, 6, 1)
    message = SimpleNamespace(**raw(grey, 'mono8', padding=2))
    assert np.array_equal(raw_picture(picture_sensor(IMAGE, 4, 6, 1), message), grey)
    spread = raw_picture(picture_sensor(IMAGE, 4, 6, 3), message)
    assert np.array_equal(spread, np.repeat(grey, 3, axis=2))


def test_a_picture_that_fits_is_not_copied_and_cannot_be_written_to() -> None:
    fields = raw(RGB, 'rgb8')
    found = raw_picture(picture_sensor(IMAGE, 4, 6, 3), SimpleNamespace(**fields))
    assert np.shares_memory(found, np.frombuffer(fields['data'], dtype=np.uint8))
    assert not found.flags.writeable


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        ({'height': 5}, r'pictures 5 high and 6 wide, but its shape .* is \[4, 6, 3\]'),
        ({'width': 2**31, 'height': 2**31}, 'pictures 2147483648 high'),
        ({'encoding': '16UC1'}, "encoding '16UC1'; set one of mono8, rgb8"),
        ({'step': 17}, 'rows of 17 for a picture of 6 x 4 in rgb8, which needs 4 rows of .* 18'),
        ({'step': 19}, 'sends 72 bytes in rows of 19'),
        ({'data': b'123'}, 'sends 3 bytes in rows of 18'),
        ({'data': bytes(73)}, 'sends 73 bytes in rows of 18'),
    ],
)
def test_a_picture_that_does_not_fit_is_refused(change: dict[str, Any], sentence: str) -> None:
    message = SimpleNamespace(**{**raw(RGB, 'rgb8'), **change})
    with pytest.raises(RobotNotReady, match=f'^The sensor eye on /eye .*{sentence}') as refused:
        raw_picture(picture_sensor(IMAGE, 4, 6, 3), message)
    assert refused.value.reason == StopReason.STATE_INVALID


# -- JPEG and PNG ---------------------------------------------------------------------------------


def test_a_png_gives_its_pixels_and_a_jpeg_nearly_so() -> None:
    pytest.importorskip('PIL')
    eye = picture_sensor(COMPRESSED, 32, 48, 3)
    sent = np.zeros((32, 48, 3), dtype=np.uint8)
    sent[:, 24:] = (200, 100, 50)
    found = compressed_picture(eye, SimpleNamespace(format='png', data=compressed(sent)))
    assert np.array_equal(found, sent) and not found.flags.writeable
    data = compressed(sent, 'JPEG', quality=95)
    near = compressed_picture(eye, SimpleNamespace(format='rgb8; jpeg compressed bgr8', data=data))
    assert np.abs(near[:, 34:].astype(int) - (200, 100, 50)).max() <= 4
    assert near[:, :14].max() <= 4


def test_grey_and_transparent_pictures_get_the_declared_channels() -> None:
    pytest.importorskip('PIL')
    grey = noise(4, 6, 1)
    message = SimpleNamespace(format='png', data=compressed(grey))
    spread = compressed_picture(picture_sensor(COMPRESSED, 4, 6, 3), message)
    assert np.array_equal(spread, np.repeat(grey, 3, axis=2))
    message = SimpleNamespace(format='png', data=compressed(ORDERS['rgba8']))
    assert np.array_equal(compressed_picture(picture_sensor(COMPRESSED, 4, 6, 3), message), RGB)
    found = compressed_picture(picture_sensor(COMPRESSED, 4, 6, 1), message)
    assert np.abs(found - luminance(RGB)).max() <= 0.51


def damaged() -> dict[str, tuple[bytes, str]]:
    whole = compressed(noise(40, 60), 'JPEG')
    png = bytearray(compressed(noise(40, 60)))
    png[60] ^= 0xFF
    return {
        'cut off': (whole[: len(whole) // 2], 'no complete JPEG or PNG: .*truncated'),
        'flipped': (bytes(png), 'no complete JPEG or PNG'),
        'empty': (b'', 'no complete JPEG or PNG: cannot identify'),
        'a gif': (compressed(noise(40, 60), 'GIF'), 'no complete JPEG or PNG: cannot identify'),
        'larger': (compressed(noise(40, 61)), r'pictures 40 high and 61 wide, but'),
        'cmyk': (_cmyk(), "Pillow's mode CMYK; it has to be one with 8 bits"),
        'too much': (bytes(3 * 40 * 60 * 2 + 70_000), 'compressed picture of 84400 bytes'),
    }


def _cmyk() -> bytes:
    import io

    from PIL import Image

    written = io.BytesIO()
    Image.new('CMYK', (60, 40)).save(written, 'JPEG')
    return written.getvalue()


@pytest.mark.parametrize(
    'case', ['cut off', 'flipped', 'empty', 'a gif', 'larger', 'cmyk', 'too much']
)
def test_a_damaged_or_foreign_picture_is_refused(case: str) -> None:
    pytest.importorskip('PIL')
    data, sentence = damaged()[case]
    message = SimpleNamespace(format='jpeg', data=data)
    with pytest.raises(RobotNotReady, match=f'^The sensor eye on /eye .*{sentence}') as refused:
        compressed_picture(picture_sensor(COMPRESSED, 40, 60, 3), message)
    assert refused.value.reason == StopReason.STATE_INVALID


def test_a_png_that_claims_to_be_huge_is_refused_before_it_is_decoded() -> None:
    pytest.importorskip('PIL')
    import struct
    import zlib

    # Only the header is true: 60000 x 60000 pixels would be 10.8 GB.
    header = b'IHDR' + struct.pack('>IIBBBBB', 60_000, 60_000, 8, 2, 0, 0, 0)
    data = b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + header
    data += struct.pack('>I', zlib.crc32(header))
    with pytest.raises(RobotNotReady, match=r'^The sensor eye on /eye '):
        compressed_picture(
            picture_sensor(COMPRESSED, 40, 60, 3), SimpleNamespace(format='png', data=data)
        )


def test_without_pillow_the_sentence_names_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, 'PIL', None)
    with pytest.raises(ConfigError, match=r'eye sends compressed .* install rl_bridge\[images\]'):
        compressed_picture(picture_sensor(COMPRESSED, 4, 6, 3), SimpleNamespace(data=b''))
