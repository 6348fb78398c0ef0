# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Numbers, texts and fields that no friend sends: as strategies, and fast from a seed."""

from __future__ import annotations

import math
import random
from array import array
from typing import Any

from hypothesis import strategies as st

NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 0.5, math.nan, -math.nan, math.inf, -math.inf, 5e-324, 1.8e308,
    -1.7976931348623157e308, 2.0**53, 2.0**53 + 2, 2.0**63, -(2.0**63), 2.0**64, 1e300,
    1.0000000000000002, 0.9999999999999999, -1.0000000000000002, 2.0000000000000004,
)  # fmt: skip
INTEGERS = (0, 1, -1, 2, 3, 255, 256, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, -(2**63))
UNSIGNED = (0, 1, 2, 3, 255, 2**31, 2**32 - 1, 2**32, 2**53, 2**63, 2**64 - 1)
TEXTS = (
    '', 'a', 'ab', '\0', 'ä€🦾', 'a\ud800b', 'x' * 300, 'NaN', '{}', '[]', 'null', '\n', '"\\',
    '\x7f', '\u202e', '../../etc/passwd', '%s%n', '0' * 5000,
)  # fmt: skip
#: What a field of a message, or of a careless caller's object, may hold instead of numbers.
NO_NUMBERS: tuple[Any, ...] = (
    None, 3, 'text', b'bytes', {}, object(), [None], ['1'], [[1.0]], [1, 'a'], [True], (),
    array('q', [1, 2]), array('f', [1.0, 2.0]), array('B', [1, 2]), [10**400], [1j],
)  # fmt: skip

numbers = st.one_of(
    st.sampled_from(NUMBERS), st.floats(), st.floats(-1.0, 1.0), st.integers(-(2**70), 2**70)
)
number_lists = st.one_of(
    st.lists(st.floats() | st.sampled_from(NUMBERS), max_size=9).map(lambda v: array('d', v)),
    st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=2).map(lambda v: array('d', v)),
    st.lists(numbers, max_size=4),
    st.sampled_from(NO_NUMBERS),
)
texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=20))
text_lists = st.one_of(st.lists(texts, max_size=4), st.sampled_from((None, 3, 'ab', (), {1: 2})))


def number(dice: random.Random) -> float:
    """Return a number, a strange one every third time."""
    chance = dice.random()
    if chance < 0.35:
        return dice.choice(NUMBERS)
    if chance < 0.7:
        return dice.uniform(-1.0, 1.0)
    if chance < 0.85:
        return math.ldexp(dice.uniform(-1.0, 1.0), dice.randint(-1074, 1023))
    return float(dice.choice(INTEGERS))


def numbers_of(dice: random.Random, count: int) -> Any:
    """
    Return something for a field of numbers, of this count most of the time.

    Half of them are well-formed but for at most one number, which is where a check may look away.
    """
    chance = dice.random()
    if chance < 0.5:
        values = array('d', (dice.uniform(-1.0, 1.0) for _ in range(count)))
        if count and dice.random() < 0.6:
            values[dice.randrange(count)] = number(dice)
        return values
    if chance < 0.9:
        wrong = count if dice.random() < 0.5 else dice.choice((0, 1, 2, 3, 5, 17, 1000))
        return array('d', (number(dice) for _ in range(wrong)))
    if chance < 0.97:
        return [number(dice) for _ in range(count)]
    return dice.choice(NO_NUMBERS)


def message_numbers(dice: random.Random, count: int) -> array[float]:
    """Return numbers as a message class holds them: float64, nothing else."""
    while True:
        values = numbers_of(dice, count)
        if type(values) is array and values.typecode == 'd':
            return values


def text(dice: random.Random) -> str:
    """Return a text, a strange one most of the time."""
    if dice.random() < 0.7:
        return dice.choice(TEXTS)
    return ''.join(chr(dice.randrange(1, 0x500)) for _ in range(dice.randrange(12)))


def damaged(dice: random.Random, whole: str) -> str:
    """Return a text with one to four accidents."""
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(whole) + 1)
        to = min(len(whole), at + dice.randrange(12))
        patch = dice.choice(
            ('', '{', '}', '[', ']', '"', ',', ':', '0', '-1', '1e999', 'null', 'true', '{"$":',
             '"ndarray"', 'NaN', 'Infinity', '\\u0000', '\ud800', '9' * 30, whole[at:to] * 2)
        )  # fmt: skip
        whole = whole[:at] + patch + whole[to:]
    return whole
