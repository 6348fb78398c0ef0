# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Whatever is decoded: a declared error, or a value that is what it has to be, nothing else."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces

from benchmarks.fuzzing import wild
from rl_bridge.errors import SpecError, WireError
from rl_bridge.types import Leaf
from rl_bridge.wire import (
    SpaceCodec,
    Specs,
    info_from_json,
    info_to_json,
    specs_from_json,
    specs_to_json,
)

SPACES: dict[str, spaces.Space[Any]] = {
    'box64': spaces.Box(-1.0, 1.0, (2,), np.float64),
    'box32': spaces.Box(np.float32(-0.3), np.float32(0.7), (2, 2), np.float32),
    'box16': spaces.Box(-1.0, np.inf, (3,), np.float16),
    'int8': spaces.Box(-5, 5, (2,), np.int8),
    'uint8': spaces.Box(0, 255, (2, 3), np.uint8),
    'int64': spaces.Box(-(2**60), 2**60, (2,), np.int64),
    'empty': spaces.Box(0.0, 1.0, (0,), np.float64),
    'discrete': spaces.Discrete(4, start=-2),
    'multi': spaces.MultiDiscrete(np.array([3, 5])),
    'bits': spaces.MultiBinary(3),
    'text': spaces.Text(5, min_length=1, charset='abcä'),
    'dict': spaces.Dict({'b': spaces.Box(-1.0, 1.0, (2,)), 'a': spaces.Discrete(3)}),
    'tuple': spaces.Tuple((spaces.Discrete(2), spaces.Text(3), spaces.Box(-2, 2, (1,)))),
    'sequence': spaces.Sequence(spaces.Box(-1.0, 1.0, (2,), np.float64)),
    'stacked': spaces.Sequence(spaces.Discrete(5), stack=True),
    'one of': spaces.OneOf((spaces.Discrete(3), spaces.Box(-1.0, 1.0, (2,)))),
    'graph': spaces.Graph(spaces.Box(-1.0, 1.0, (2,)), spaces.Discrete(4)),
}
CODECS = {name: SpaceCodec(space, name='action') for name, space in SPACES.items()}
SPECS = specs_to_json(
    Specs(
        action_space=SPACES['dict'], observation_space=SPACES['tuple'],
        render_modes=['rgb_array'], control_period=0.04, env='fuzzed', reward_terms=['near'],
    )
)  # fmt: skip
INFO = info_to_json(
    {
        'a': np.arange(3.0), 'b': (1, 2), 'c': {'d': float('nan'), 1: b'xy'}, 'e': np.int64(3),
        'f': [None, True, 'text', 2**70],
    }
)  # fmt: skip


class Undeclared(Exception):
    """A decoder let something through, or raised what nobody declared."""


def decode_action(name: str, numbers: Any, texts: Any) -> bool:
    """
    Decode a flat action.

    :returns: whether it was taken.
    :raises Undeclared: it was taken and does not lie in the space.
    """
    try:
        value = CODECS[name].unflatten(numbers, texts)
    except WireError:
        return False
    if not SPACES[name].contains(value):
        raise Undeclared(f'{numbers!r} {texts!r} became {value!r}, not of {SPACES[name]}')
    for leaf in _arrays(value):
        if leaf.dtype.kind == 'f' and not np.isfinite(leaf).all():
            raise Undeclared(f'{numbers!r} became {value!r}')
    return True


def decode_observation(name: str, leaves: Any) -> bool:
    """
    Unpack leaves.

    :raises Undeclared: what came out cannot be packed again.
    """
    codec = CODECS[name]
    try:
        value = codec.unpack(leaves)
    except WireError:
        return False
    try:
        codec.pack(value)
    except WireError as error:
        raise Undeclared(f'{leaves!r} became {value!r}, which is none: {error}') from error
    return True


def decode_json(kind: str, text: str) -> bool:
    """Read specs or info."""
    try:
        if kind == 'specs':
            specs_from_json(text)
        else:
            info_from_json(text)
    except (WireError, SpecError):
        return False
    return True


def leaf_of(
    numbers: list[float], integers: list[int], raw: bytes, text: str, which: int
) -> Leaf:
    """Return a leaf of which one field is filled, as a well-formed one has it."""
    leaf = Leaf()
    if which == 0:
        leaf.numbers = array('d', numbers)
    elif which == 1:
        leaf.integers = array('q', integers)
    elif which == 2:
        leaf.bytes = array('B', raw)
    else:
        leaf.text = text
    return leaf


def _arrays(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _arrays(part)]
    if isinstance(value, tuple):
        return [leaf for part in value for leaf in _arrays(part)]
    return [value] if isinstance(value, np.ndarray | np.generic) else []


# -- fast, from a seed ----------------------------------------------------------------------------

_NAMES = tuple(SPACES)
_SAMPLES: dict[str, list[list[Any]]] = {}


def wild_action(dice: random.Random) -> bool:
    """Decode an action of a space by chance."""
    name = dice.choice(_NAMES)
    count = CODECS[name]._root.numbers if CODECS[name]._root.fixed else dice.randrange(6)
    few = dice.random() < 0.5
    texts = [] if few else [wild.text(dice) for _ in range(dice.randrange(3))]
    return decode_action(name, wild.numbers_of(dice, count), texts)


def wild_observation(dice: random.Random) -> bool:
    """Unpack leaves that were packed well and damaged since."""
    name = dice.choice(_NAMES)
    if name not in _SAMPLES:
        SPACES[name].seed(7)
        _SAMPLES[name] = [CODECS[name].pack(SPACES[name].sample()) for _ in range(8)]
    leaves = [
        Leaf(leaf.numbers[:], leaf.integers[:], leaf.bytes[:], leaf.text)
        for leaf in dice.choice(_SAMPLES[name])
    ]
    for _ in range(dice.randint(1, 3)):
        _damage(dice, leaves)
    return decode_observation(name, leaves)


def _damage(dice: random.Random, leaves: list[Any]) -> None:
    at = dice.randrange(len(leaves) + 1)
    chance = dice.random()
    if at == len(leaves) or chance < 0.1:
        leaves.insert(at, dice.choice((Leaf(), Leaf(), None, 3, 'leaf', object())))
    elif chance < 0.2:
        del leaves[at]
    elif type(leaves[at]) is Leaf:
        leaf = leaves[at]
        kind = dice.choice(('numbers', 'integers', 'bytes', 'text'))
        if kind == 'text':
            leaf.text = wild.text(dice)
        elif chance < 0.3:
            setattr(leaf, kind, dice.choice(wild.NO_NUMBERS))
        else:
            code = {'numbers': 'd', 'integers': 'q', 'bytes': 'B'}[kind]
            content = getattr(leaf, kind)
            some: Callable[[], Any] = {
                'd': lambda: wild.number(dice), 'q': lambda: dice.choice(wild.INTEGERS),
                'B': lambda: dice.randrange(256),
            }[code]  # fmt: skip
            whole = type(content) is array and content.typecode == code
            if whole and content and chance < 0.7:
                content[dice.randrange(len(content))] = some()
            else:
                setattr(leaf, kind, array(code, (some() for _ in range(dice.randrange(6)))))


def wild_json(dice: random.Random) -> bool:
    """Read specs or info with accidents in them."""
    kind, whole = ('specs', SPECS) if dice.random() < 0.5 else ('info', INFO)
    return decode_json(kind, wild.damaged(dice, whole))
