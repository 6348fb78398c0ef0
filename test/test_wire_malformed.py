# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Messages damaged in every way: a WireError, or a value that packs into the very same message."""

import warnings
from array import array

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from wire_spaces import SPACES, THOROUGH, value_of

from rl_bridge.errors import WireError
from rl_bridge.types import Leaf
from rl_bridge.wire import SpaceCodec

SEEDS = st.integers(0, 2**32 - 1)
FIELDS = ('numbers', 'integers', 'bytes', 'text')

# What may stand in a field after some accident or attack.
NONSENSE = [
    array('d', [np.nan]), array('d', [1e300, -np.inf]), array('d'), array('q', [2**62]),
    array('q', [-1]), array('q', [2**62, 2**62, 2**62]), array('q', [-(2**63)]), array('q'),
    array('f', [1.0]), array('i', [1]), array('b', [1]), array('B', [255] * 3), array('B'),
    [1.0], (), None, 3, 'a\ud800b', '\0', 'x' * 1000, '', b'ab', np.zeros(3), {}, object(),
]

WILD = {
    'd': st.sampled_from([np.nan, np.inf, 1e300, 0.1, -0.0]),
    'q': st.sampled_from([-1, 0, 1, 2, 5, 10**6, 2**62, -(2**63)]),
    'B': st.integers(0, 255),
    'f': None, 'i': None, 'b': None,
}


def damage(leaves, draw):
    """One to three accidents to a list of leaves."""
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(
            ['drop', 'repeat', 'swap', 'move', 'fill', 'cut', 'grow', 'change', 'alien']
        ))
        if kind == 'grow' or not leaves:
            leaves.insert(draw(st.integers(0, len(leaves))), Leaf())
            continue
        at = draw(st.integers(0, len(leaves) - 1))
        leaf = leaves[at]
        if kind == 'drop':
            del leaves[at]
        elif kind == 'repeat':
            leaves.insert(at, leaf)
        elif kind == 'swap':
            other = draw(st.integers(0, len(leaves) - 1))
            leaves[at], leaves[other] = leaves[other], leaf
        elif kind == 'alien':
            leaves[at] = draw(st.sampled_from([None, 3, 'leaf', object(), [], Leaf]))
        elif type(leaf) is Leaf:
            field, other = draw(st.sampled_from(FIELDS)), draw(st.sampled_from(FIELDS))
            if kind == 'move':
                content, empty = getattr(leaf, field), getattr(Leaf(), field)
                setattr(leaf, field, empty)
                setattr(leaf, other, content)
            elif kind == 'fill':
                setattr(leaf, field, draw(st.sampled_from(NONSENSE)))
            elif kind == 'cut' and type(getattr(leaf, field)) is array:
                setattr(leaf, field, getattr(leaf, field)[:-1])
            elif kind == 'change' and type(getattr(leaf, field)) is array:
                content = getattr(leaf, field)[:]
                numbers = WILD[content.typecode] if content else None
                if numbers is not None:
                    content[draw(st.integers(0, len(content) - 1))] = draw(numbers)
                    setattr(leaf, field, content)


def same_leaves(a, b):
    """Tell whether all fields are the same bits; what is empty may be empty in any way."""

    def contents(leaf):
        fields = [getattr(leaf, name) for name in FIELDS]
        return [field.tobytes() if isinstance(field, array) else field or b'' for field in fields]

    return list(map(contents, a)) == list(map(contents, b))


@THOROUGH
@given(SPACES, SEEDS, st.data())
def test_damaged_leaves_give_an_error_of_ours_or_the_value_they_say(space, seed, data):
    codec = SpaceCodec(space, name='observation')
    leaves = codec.pack(value_of(space, np.random.default_rng(seed), wild=True))
    damage(leaves, data.draw)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        try:
            value = codec.unpack(leaves)
        except WireError as error:
            assert 'observation' in str(error)
        else:
            assert same_leaves(codec.pack(value), leaves)


WILD_NUMBERS = st.sampled_from(
    [0.0, 1.0, -1.0, 0.5, 2.0, 1e6, 2.0**53, 2.0**62, 2.0**64, 1e300, np.nan, np.inf, -np.inf]
)


@THOROUGH
@given(SPACES, SEEDS, st.data())
def test_a_damaged_action_is_refused_or_lies_inside_its_space(space, seed, data):
    codec = SpaceCodec(space, name='action')
    try:
        numbers, texts = codec.flatten(value_of(space, np.random.default_rng(seed)))
    except WireError:  # an integer beyond 2^53
        numbers, texts = array('d', [0.0] * 3), []
    for _ in range(data.draw(st.integers(1, 3))):
        kind = data.draw(st.sampled_from(['cut', 'grow', 'change', 'text']))
        if kind == 'cut':
            numbers = numbers[:-1]
        elif kind == 'grow':
            numbers.append(data.draw(WILD_NUMBERS))
        elif kind == 'change' and len(numbers):
            numbers[data.draw(st.integers(0, len(numbers) - 1))] = data.draw(WILD_NUMBERS)
        elif kind == 'text':
            other = data.draw(st.sampled_from(['', 'a', '\ud800', 'x' * 99, None, 3]))
            texts = [*texts[:-1], other]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        try:
            value = codec.unflatten(numbers, texts)
        except WireError as error:
            assert 'action' in str(error)
            return
    codec.check(value)
    again, texts_again = codec.flatten(value)
    assert texts_again == texts
    assert np.allclose(again, numbers, rtol=1e-3)  # float16 rounds what was typed


@pytest.mark.parametrize('leaves', [None, 3, 'leaves', Leaf(), {}, {'a': Leaf()}, iter([Leaf()])])
def test_what_is_no_list_of_leaves_is_refused(leaves):
    with pytest.raises(WireError, match='expected a list of leaves'):
        SpaceCodec(spaces.Discrete(2)).unpack(leaves)


SEQUENCES = [
    spaces.Sequence(spaces.Discrete(2)),
    spaces.Sequence(spaces.Discrete(2), stack=True),
    spaces.Sequence(spaces.Box(0, 1, (0,))),
    spaces.Sequence(spaces.Box(0, 1, (0,)), stack=True),
    spaces.Sequence(spaces.Tuple([])),
    spaces.Sequence(spaces.Dict({})),
    spaces.Sequence(spaces.Dict(a=spaces.Text(3), b=spaces.Discrete(2)), stack=True),
]


@pytest.mark.parametrize('count', [2**62, 10**9, 1025, -1, -(2**63)])
@pytest.mark.parametrize('space', SEQUENCES, ids=str)
def test_a_huge_or_negative_count_allocates_nothing(space, count):
    leaf = Leaf(integers=array('q', [count]))
    with pytest.raises(WireError, match='value'):
        SpaceCodec(space).unpack([leaf])
    with pytest.raises(WireError, match='value'):
        SpaceCodec(space).unflatten([float(count)])


@pytest.mark.parametrize(
    'counts', [[2**62, -1, -1], [1, 2**62, 2**62], [0, -1, 2**62], [-1, -1, -1]]
)
def test_huge_or_negative_counts_of_a_graph_allocate_nothing(counts):
    codec = SpaceCodec(spaces.Graph(spaces.Box(0, 1, (0,)), spaces.Discrete(2)))
    rows = [Leaf(), Leaf(integers=array('q', [0])), Leaf()]
    with pytest.raises(WireError, match='value'):
        codec.unpack([Leaf(integers=array('q', counts)), *rows])
    with pytest.raises(WireError, match='value'):
        codec.unflatten([float(count) for count in counts])


BOX = spaces.Box(-1, 1, (2,))


@pytest.mark.parametrize(
    ('space', 'leaf', 'message'),
    [
        (BOX, Leaf(numbers=array('d', [0])), 'with 1 numbers, expected 2'),
        (BOX, Leaf(), 'came with 0 numbers'),
        (BOX, Leaf(integers=array('q', [0, 0])), 'another field than numbers'),
        (spaces.Box(-1, 1, (1,)), Leaf(numbers=array('d', [0.1])), 'not fit the dtype float32'),
        (spaces.Box(-1, 1, (1,)), Leaf(numbers=array('d', [1e300])), 'does not fit'),
        (spaces.Box(-1, 1, (1,)), Leaf(numbers=array('f', [1])), "type code 'd'"),
        (spaces.Box(-1, 1, (1,)), Leaf(numbers=[1.0]), "type code 'd'"),
        (spaces.Box(0, 9, (1,), np.int8), Leaf(integers=array('q', [300])), 'fit the dtype int8'),
        (spaces.Box(0, 1, (1,), np.bool_), Leaf(integers=array('q', [2])), 'fit the dtype bool'),
        (spaces.Discrete(2), Leaf(integers=array('q', [1]), text='x'), 'another field'),
        (spaces.Text(3), Leaf(text='a\ud800'), 'charset'),
        (spaces.Text(3), Leaf(text=3), 'expected a string'),
        (spaces.Discrete(2), Leaf(text=3), 'expected a leaf'),
        (spaces.Discrete(2), None, 'expected a leaf'),
        (spaces.Text(3), Leaf(text=['a']), 'expected a string'),
        (spaces.Tuple([]), Leaf(), '1 leaves more than it has'),
        (spaces.OneOf([spaces.Discrete(2)]), Leaf(integers=array('q', [5])), 'index 5'),
        (spaces.OneOf([spaces.Discrete(2)]), Leaf(integers=array('q', [0] * 2)), '1 int64'),
        (spaces.OneOf([spaces.Discrete(2)]), Leaf(integers=array('q', [0])), 'ends before'),
    ],
    ids=str,
)
def test_each_damage_is_named(space, leaf, message):
    with pytest.raises(WireError, match=message):
        SpaceCodec(space).unpack([leaf])
