# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Values as leaves and as flat actions: exact, or refused with one clear sentence."""

from array import array

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import concatenate, create_empty_array
from hypothesis import given
from hypothesis import strategies as st
from wire_spaces import SPACES, THOROUGH, same, value_of

from rl_bridge.errors import SpecError, WireError
from rl_bridge.types import Leaf
from rl_bridge.wire import SpaceCodec

SEEDS = st.integers(0, 2**32 - 1)


def name_of(item):
    """A test's name; the longest integer has none."""
    return 'long' if isinstance(item, int) and item > 2**64 else str(item)[:30]


@THOROUGH
@given(SPACES, SEEDS, st.booleans())
def test_every_value_comes_back_down_to_the_bits(space, seed, wild):
    codec = SpaceCodec(space)
    value = value_of(space, np.random.default_rng(seed), wild=wild)
    back = codec.unpack(codec.pack(value))
    assert same(back, value)


@THOROUGH
@given(SPACES, SEEDS)
def test_every_action_within_2_to_the_53_comes_back_down_to_the_bits(space, seed):
    codec = SpaceCodec(space, name='action')
    value = value_of(space, np.random.default_rng(seed))
    codec.check(value)
    try:
        numbers, texts = codec.flatten(value)
    except WireError as error:
        assert 'beyond 2^53' in str(error)
        return
    assert (numbers.typecode, type(texts)) == ('d', list)
    assert same(codec.unflatten(numbers, texts), value)
    assert same(codec.unflatten(list(numbers), tuple(texts)), value)


SAMPLED = [
    spaces.Box(-1, 1, (18,)),
    spaces.Box(0, 255, (8, 8, 3), np.uint8),
    spaces.Box(-9, 9, (), np.float64),
    spaces.Discrete(5, start=-2),
    spaces.MultiDiscrete([[3, 4], [5, 6]], dtype=np.int16),
    spaces.MultiBinary([2, 3]),
    spaces.Text(8, min_length=0),
    spaces.Dict(z=spaces.Discrete(2), a=spaces.Tuple([spaces.Text(3), spaces.MultiBinary(3)])),
    spaces.OneOf([spaces.Discrete(3), spaces.Box(0, 1, (2,))]),
    spaces.Graph(spaces.Box(0, 1, (2,)), spaces.Discrete(3)),
    spaces.Graph(spaces.Discrete(3), None),
]
SAMPLED += [spaces.Sequence(space) for space in SAMPLED]
STACKED = [spaces.Sequence(space, stack=True) for space in SAMPLED[:8]]


@pytest.mark.parametrize('space', SAMPLED + STACKED, ids=str)
def test_what_gymnasium_samples_comes_back_both_ways(space):
    codec = SpaceCodec(space)
    space.seed(3)
    for _ in range(4):
        value = space.sample()
        assert same(codec.unpack(codec.pack(value)), value)
        back = codec.unflatten(*codec.flatten(value))
        assert same(back, value)
        assert back in space


@pytest.mark.parametrize('space', SAMPLED[:11], ids=str)
def test_stacks_are_those_of_gymnasium(space):
    codec = SpaceCodec(spaces.Sequence(space, stack=True))
    items = [space.sample() for _ in range(3)]
    stacked = concatenate(space, items, create_empty_array(space, 3))
    assert same(codec.unpack(codec.pack(stacked)), stacked)


def test_each_kind_of_number_travels_in_its_field():
    space = spaces.Tuple([
        spaces.Box(0, 1, (1,), np.float16), spaces.Box(0, 9, (1,), np.int8),
        spaces.Box(0, 1, (1,), np.bool_), spaces.Box(0, 9, (1,), np.uint8), spaces.Text(3),
    ])
    leaves = SpaceCodec(space).pack(space.sample())
    filled = [
        [name for name in ('numbers', 'integers', 'bytes', 'text') if len(getattr(leaf, name))]
        for leaf in leaves
    ]
    assert filled == [['numbers'], ['integers'], ['integers'], ['bytes'], ['text']]


def test_uint64_travels_bit_by_bit():
    codec = SpaceCodec(spaces.Box(0, 2**64 - 1, (2,), np.uint64))
    (leaf,) = codec.pack(np.array([2**64 - 1, 2**63], np.uint64))
    assert leaf.integers == array('q', [-1, -(2**63)])
    assert codec.unpack([leaf]).tolist() == [2**64 - 1, 2**63]


def test_an_observation_may_hold_nan_infinity_and_what_lies_outside_its_bounds():
    codec = SpaceCodec(spaces.Box(-1, 1, (4,)))
    value = np.array([np.nan, np.inf, -np.inf, 7], np.float32)
    assert same(codec.unpack(codec.pack(value)), value)


def test_what_comes_back_is_fresh_and_writable():
    for space in (spaces.Box(-1, 1, (3,), np.float64), spaces.Box(0, 9, (3000, 3), np.uint8)):
        codec = SpaceCodec(space)
        value = np.ones(space.shape, space.dtype)
        leaves = codec.pack(value)
        first, second = codec.unpack(leaves), codec.unpack(leaves)
        first[:] = 0
        assert value.all()
        assert second.all()


def test_a_picture_need_not_be_contiguous():
    codec = SpaceCodec(spaces.Box(0, 255, (64, 48, 3), np.uint8))
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    turned = picture.transpose(1, 0, 2)[::-1]
    assert np.array_equal(codec.unpack(codec.pack(turned)), turned)


@pytest.mark.parametrize('value', [3, np.int64(3), np.int8(3), np.array(3), np.uint64(3)])
def test_a_discrete_comes_back_as_the_scalar_that_sample_returns(value):
    codec = SpaceCodec(spaces.Discrete(5))
    assert same(codec.unpack(codec.pack(value)), np.int64(3))
    assert same(codec.unflatten(*codec.flatten(value)), np.int64(3))


def test_lists_and_other_dtypes_are_taken_where_they_are_exact():
    codec = SpaceCodec(spaces.Box(0, 9, (2,), np.uint8))
    for value in ([1, 2], (1, 2), np.array([1, 2]), np.array([1.0, 2.0]), [True, np.int8(2)]):
        assert same(codec.unpack(codec.pack(value)), np.array([1, 2], np.uint8))
    codec = SpaceCodec(spaces.Box(0, 9, (2,), np.float32))
    for value in ([0.5, 1], np.array([0.5, 1]), np.array([0.5, 1], np.float16)):
        assert same(codec.unpack(codec.pack(value)), np.array([0.5, 1], np.float32))
    codec = SpaceCodec(spaces.Box(0, 2**64 - 1, (2,), np.uint64))
    assert codec.unpack(codec.pack([1, 2**64 - 1])).tolist() == [1, 2**64 - 1]


NOT_EXACT = [
    (spaces.Box(-1, 1, (2,)), np.array([0.5, 0.1]), r'value\[1\] = 0.1 of dtype float64'),
    (spaces.Box(-1, 1, (2,)), [2**24 + 1, 0], r'value\[0\] = 16777217'),
    (spaces.Box(-1, 1, (1,), np.float16), np.array([1e6]), 'float16'),
    (spaces.Box(-1, 1, (1,), np.float64), np.array([2**60 + 1]), 'not exact'),
    (spaces.Box(0, 9, (2,), np.uint8), np.array([1, 256]), r'value\[1\] = 256'),
    (spaces.Box(0, 9, (2,), np.uint8), [1, -1], r'value\[1\] = -1 does not fit the dtype uint8'),
    (spaces.Box(0, 9, (2,), np.uint8), [1, 2.0], r'value\[1\] is 2.0, expected an integer'),
    (spaces.Box(0, 9, (2,), np.uint8), [1, None], r'value\[1\] is None'),
    (spaces.Box(0, 9, (1,), np.int64), np.array([1.5]), '1.5'),
    (spaces.Box(0, 9, (1,), np.int64), np.array([np.nan]), 'nan'),
    (spaces.Box(0, 9, (1,), np.int64), np.array([2.0**60]), 'not exact'),
    (spaces.Box(0, 9, (1,), np.int64), np.array([2**63], np.uint64), 'not exact'),
    (spaces.Box(0, 2**64 - 1, (1,), np.uint64), np.array([-1]), 'not exact'),
    (spaces.Box(0, 1, (1,), np.bool_), np.array([2]), 'not exact'),
    (spaces.Box(0, 1, (1,), np.bool_), [2], 'does not fit the dtype bool'),
    (spaces.Discrete(3), 2**63, 'does not fit the dtype int64'),
    (spaces.Discrete(3), 10**5000, '<int> does not fit'),
    (spaces.Discrete(3), 1.5, 'expected an integer'),
    (spaces.Discrete(3), 'x', 'expected an integer'),
    (spaces.Discrete(3), None, 'expected an integer'),
    (spaces.Discrete(3), np.array([1]), r'has the shape \(1,\), expected \(\)'),
    (spaces.Box(-1, 1, (2,)), np.zeros(3, np.float32), r'has the shape \(3,\), expected \(2,\)'),
    (spaces.Box(-1, 1, (2,)), [[1], [2, 3]], 'value is'),
    (spaces.Box(-1, 1, (2,)), ['a', 'b'], 'expected real numbers'),
    (spaces.Box(-1, 1, (2,)), np.array([1j, 2]), 'expected real numbers'),
    (spaces.Box(-1, 1, (2,)), None, 'expected real numbers'),
    (spaces.Box(-1, 1, (2,)), [10**400, 1], 'expected real numbers'),
]


@pytest.mark.parametrize(('space', 'value', 'message'), NOT_EXACT, ids=name_of)
def test_what_is_not_exact_in_the_dtype_is_refused_not_rounded(space, value, message):
    with pytest.raises(WireError, match=message):
        SpaceCodec(space).pack(value)


class BrokenArray:
    """An object that fails in every way NumPy may touch it."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError('broken')

    def __repr__(self):
        raise RuntimeError('broken')


def test_a_broken_object_is_one_clear_error():
    with pytest.raises(WireError, match='is <BrokenArray'):
        SpaceCodec(spaces.Box(-1, 1, (2,))).pack(BrokenArray())


FORMS = [
    (spaces.Dict(a=spaces.Discrete(2)), [1], 'expected a dict'),
    (spaces.Dict(a=spaces.Discrete(2)), {'b': 1}, r"has the keys \['b'\], expected \['a'\]"),
    (spaces.Dict(a=spaces.Discrete(2)), {'a': 1, 'b': 1}, 'has the keys'),
    (spaces.Dict(a=spaces.Box(0, 1, (2,))), {'a': [0, 'x']}, r"value\['a'\]"),
    (spaces.Tuple([spaces.Discrete(2)]), (1, 2), 'has 2 elements, expected 1'),
    (spaces.Tuple([spaces.Discrete(2)]), 3, 'expected a tuple'),
    (spaces.Tuple([spaces.Discrete(2)]), np.array(3), 'expected a tuple'),
    (spaces.Tuple([spaces.Tuple([spaces.Discrete(2)])]), ((1.5,),), r'value\[0\]\[0\] is 1.5'),
    (spaces.Text(3), 7, 'expected a string'),
    (spaces.Text(3), 'abcd', 'has 4 characters, expected 1 to 3'),
    (spaces.Text(3), '', 'has 0 characters'),
    (spaces.Text(3), 'a-b', "contains '-', which is not in the charset"),
    (spaces.Text(3), 'a\ud800', 'not in the charset'),
    (spaces.Text(3), 'a\0', 'not in the charset'),
    (spaces.Sequence(spaces.Discrete(2)), 3, 'expected a tuple'),
    (spaces.Sequence(spaces.Discrete(2)), (1, 'x'), r"value\[1\] is 'x'"),
    (spaces.Sequence(spaces.Discrete(2), stack=True), 1, 'expected a tuple'),
    (spaces.Sequence(spaces.Tuple([])), ((),) * 1025, '1025 elements without content'),
    (
        spaces.Sequence(spaces.Dict(a=spaces.Discrete(2), b=spaces.Discrete(2)), stack=True),
        {'a': np.zeros(2, int), 'b': np.zeros(3, int)}, r'unequal numbers of values: \[2, 3\]',
    ),
    (
        spaces.Sequence(spaces.Tuple([spaces.Discrete(2), spaces.Text(2)]), stack=True),
        (np.zeros(2, int), ('a',)), r'unequal numbers of values: \[1, 2\]',
    ),
    (spaces.OneOf([spaces.Discrete(2)]), 3, r'expected \(index, value\)'),
    (spaces.OneOf([spaces.Discrete(2)]), (1, 1), 'has the index 1, expected 0 to 0'),
    (spaces.OneOf([spaces.Discrete(2)]), (-1, 1), 'has the index -1'),
    (spaces.OneOf([spaces.Discrete(2)]), (0.0, 1), 'expected an integer'),
    (spaces.OneOf([spaces.Discrete(2)]), (0, 'x'), r"value\[0\] is 'x'"),
]
GRAPH = spaces.Graph(spaces.Discrete(3), spaces.Discrete(3))
NODES = np.array([0, 1])
FORMS += [
    (GRAPH, (NODES, None, None), 'expected a GraphInstance'),
    (GRAPH, spaces.GraphInstance(None, None, None), r"value\['nodes'\] is None"),
    (
        spaces.Graph(spaces.Discrete(3), None), spaces.GraphInstance(NODES, NODES, None),
        'has edges, but its space has no edge_space',
    ),
    (GRAPH, spaces.GraphInstance(NODES, NODES, np.zeros((2, 3), int)), 'edge_links'),
    (GRAPH, spaces.GraphInstance(NODES, NODES, np.zeros((2, 2))[0]), 'edge_links'),
    (GRAPH, spaces.GraphInstance(NODES, 3, None), r"value\['edges'\] is 3"),
]


@pytest.mark.parametrize(('space', 'value', 'message'), FORMS, ids=name_of)
def test_a_value_of_another_form_is_refused_by_path(space, value, message):
    codec = SpaceCodec(space)
    for call in (codec.pack, codec.flatten, codec.check):
        with pytest.raises(WireError, match=message):
            call(value)


def test_a_space_that_cannot_travel_has_no_codec():
    with pytest.raises(SpecError, match='of the custom class Mine'):
        SpaceCodec(type('Mine', (spaces.Box,), {})(0, 1))


# --- actions ---


def test_a_value_typed_by_hand_is_an_action():
    codec = SpaceCodec(spaces.Box(-1, 1, (2,)), name='action')
    assert same(codec.unflatten([0.1, 0]), np.array([0.1, 0], np.float32))
    assert same(SpaceCodec(spaces.Discrete(3)).unflatten([1.0]), np.int64(1))
    assert same(
        SpaceCodec(spaces.Box(0, 1, (2,), np.bool_)).unflatten([0, 1]), np.array([False, True])
    )


def test_a_bound_may_be_typed_in_decimals_that_the_dtype_rounds():
    codec = SpaceCodec(spaces.Box(-0.7, 0.7, (1,)))  # float32(0.7) is less than 0.7
    assert codec.unflatten([0.7]).item() == np.float32(0.7)


def test_the_client_sends_the_number_that_the_space_has():
    codec = SpaceCodec(spaces.Box(-1, 1, (1,)))
    numbers, _ = codec.flatten([0.1])
    assert numbers[0] == float(np.float32(0.1))


REFUSED = [
    (spaces.Box(-1, 1, (2,)), [0, 3.5],
     r'action\[1\] = 3.5 is above the bound 1.0 of Box of shape \(2,\) and dtype float32; '
     r'send values within \[-1.0, 1.0\]'),
    (spaces.Box(-1, 1, (2,)), [-1.5, 0], r'action\[0\] = -1.5 is below the bound -1.0'),
    (spaces.Box(-1, 1, (2,)), [0, float('nan')], r'action\[1\] = nan is no number'),
    (spaces.Box(-1, 1, (2,)), [0, float('inf')], r'action\[1\] = inf is above'),
    (spaces.Box(-1, 1, (2,)), [0, 1e300], r'action\[1\] = 1e\+300 is above'),
    (spaces.Box(-np.inf, np.inf, (2,)), [0, -np.inf], r'action\[1\] = -inf is not a finite'),
    (spaces.Box(-np.inf, np.inf, (2,)), [0, 1e300], r'action\[1\] = 1e\+300 is not a finite'),
    (spaces.Box(-np.inf, np.inf, (1,)), [np.nan], 'is no number'),
    (spaces.Box(np.array([0, 5.0]), np.array([1, 6.0]), dtype=np.float64), [0, 7],
     r'above the bound 6.0 .*\[5.0, 6.0\]'),
    (spaces.Box(0, 9, (2, 2), np.int32), [0, 0, 0, 1.5], r'action\[1, 1\] = 1.5 is no integer'),
    (spaces.Box(0, 9, (1,), np.int8), [300], r'action\[0\] = 300 is above the bound 9'),
    (spaces.Box(0, 9, (1,), np.int8), [np.nan], 'nan is no integer'),
    (spaces.Box(0, 9, (1,), np.int8), [-np.inf], 'inf is no integer'),
    (spaces.Box(-2**63, 2**63 - 1, (1,), np.int64), [2.0**53], 'beyond 2\\^53'),
    (spaces.Box(0, 2**64 - 1, (1,), np.uint64), [-1], 'below the bound 0'),
    (spaces.Box(2**60, 2**61, (1,), np.int64), [5], 'is below the bound'),
    (spaces.Box(0, 1, (1,), np.bool_), [2], 'action.0. = 2 is above the bound 1'),
    (spaces.Box(0, 1, (1,), np.bool_), [0.5], 'no integer'),
    (spaces.MultiBinary(2), [0, 2], 'above the bound 1'),
    (spaces.MultiDiscrete([3, 4], start=[1, 1]), [1, 5], r'action\[1\] = 5 is above the bound 4'),
    (spaces.Discrete(3, start=5), [4], r'action = 4 is below the bound 5'),
    (spaces.Discrete(3), [1.5], 'action = 1.5 is no integer'),
    (spaces.Box(-1, 1, (2,)), [0], r'action has 1 numbers, expected 2 .*action \(2\)'),
    (spaces.Box(-1, 1, (2,)), [0, 0, 0], 'action has 3 numbers, expected 2'),
    (spaces.Dict(b=spaces.Discrete(2), a=spaces.Box(0, 1, (3,))), [0],
     r"expected 4 numbers in the order: action\['b'\] \(1\), action\['a'\] \(3\)"),
    (spaces.Tuple([spaces.Discrete(2), spaces.Text(3)]), [0],
     r'has 1 numbers and 0 texts, expected 1 numbers and 1 texts .*action\[1\] \(1 text\)'),
    (spaces.Box(-1, 1, (2,)), None, 'expected numbers'),
    (spaces.Box(-1, 1, (2,)), ['a', 1], 'expected numbers'),
    (spaces.Box(-1, 1, (1,)), b'12345678', 'expected numbers'),
    (spaces.Box(-1, 1, (1,)), 'a', 'expected numbers'),
    (spaces.Box(-1, 1, (1,)), np.zeros((2, 2)), 'expected numbers'),
    (spaces.Box(-1, 1, (1,)), [10**400], 'expected numbers'),
    (spaces.Sequence(spaces.Discrete(2)), [3, 0, 0], r'action\[2\] needs 1 numbers, only 0 are '
     r'left; the order is: the count of action \(1\), the elements'),
    (spaces.Sequence(spaces.Discrete(2)), [1, 0, 0], '1 numbers and 0 texts more than it has'),
    (spaces.Sequence(spaces.Discrete(2)), [-1], 'has the count -1'),
    (spaces.Sequence(spaces.Discrete(2)), [1.5, 0], 'has 1.5 for a count'),
    (spaces.Sequence(spaces.Discrete(2)), [np.inf], 'has inf for a count'),
    (spaces.Sequence(spaces.Discrete(2)), [2.0**60], 'for a count'),
    (spaces.Sequence(spaces.Box(0, 1, (0,))), [2.0**50], 'elements without content'),
    (spaces.Sequence(spaces.Box(0, 1, (0,)), stack=True), [2.0**50], 'elements without content'),
    (spaces.Sequence(spaces.Box(0, 1, (9,)), stack=True), [2.0**50, 1], 'are left'),
    (spaces.Sequence(spaces.Text(3)), [2.0**50], r'action\[0\] is missing: 0 texts came'),
    (spaces.OneOf([spaces.Discrete(2)]), [1, 1], 'has the index 1'),
    (spaces.OneOf([spaces.Discrete(2)]), [0], r'order is: the index of action \(1\), the value'),
    (GRAPH, [1, -1, -1, 7], r"action\['nodes'\]\[0\] = 7 is above"),
    (GRAPH, [1], r'order is: the counts of nodes, edges and edge links of action \(3; -1'),
    (GRAPH, [1, 1, -1, 0, 0], '1 edges and -1 edge links'),
    (GRAPH, [1, 1, 1, 0, 0, 0, 1], r'reaches from node 0 to 1, but there are 1 nodes'),
    (GRAPH, [1, -2, -1, 0], 'has the count -2'),
    (spaces.Graph(spaces.Discrete(3), None), [1, 1, 1, 0], 'has no edge_space'),
]


@pytest.mark.parametrize(('space', 'numbers', 'message'), REFUSED, ids=name_of)
def test_an_action_outside_its_space_is_refused_with_the_fix(space, numbers, message):
    with pytest.raises(WireError, match=message):
        SpaceCodec(space, name='action').unflatten(numbers)


@pytest.mark.parametrize('text', [7, 'abcd', 'a-b', '\ud800', None])
def test_a_text_outside_its_space_is_refused(text):
    with pytest.raises(WireError, match='action'):
        SpaceCodec(spaces.Text(3), name='action').unflatten([], [text])


@pytest.mark.parametrize('texts', [None, 3, 'abc'])
def test_texts_that_are_no_list_are_refused(texts):
    with pytest.raises(WireError, match='action'):
        SpaceCodec(spaces.Text(3), name='action').unflatten([], texts)


@pytest.mark.parametrize(
    ('space', 'value', 'message'),
    [
        (spaces.Box(-1, 1, (2,)), np.array([0, np.nan]), r'value\[1\] = nan is not finite'),
        (spaces.Box(-1, 1, (1,), np.float16), np.array([1e6]), 'inf is not finite'),
        (spaces.Box(-2**63, 2**62, (1,), np.int64), [2**53], r'value\[0\] = 9007199254740992'),
        (spaces.Box(-2**63, 2**62, (1,), np.int64), [-2**63], 'beyond 2\\^53'),
        (spaces.Box(0, 2**64 - 1, (1,), np.uint64), [2**64 - 1], 'beyond 2\\^53'),
    ],
    ids=str,
)
def test_an_action_that_a_float64_cannot_carry_is_refused_where_it_is_made(space, value, message):
    with pytest.raises(WireError, match=message):
        SpaceCodec(space).flatten(value)


def test_the_largest_integers_of_an_action_are_exact():
    codec = SpaceCodec(spaces.Box(-2**63, 2**63 - 1, (2,), np.int64))
    value = np.array([2**53 - 1, 1 - 2**53])
    assert same(codec.unflatten(*codec.flatten(value)), value)


@pytest.mark.parametrize(
    ('space', 'value', 'message'),
    [
        (spaces.Box(-1, 1, (2,)), [0, 1.5], r'value\[1\] = 1.5 is above the bound 1.0'),
        (spaces.Box(-1, 1, (2,)), [0, np.nan], 'no number'),
        (spaces.Discrete(3), 3, 'value = 3 is above the bound 2'),
        (spaces.Sequence(spaces.Discrete(3)), (1, 3), r'value\[1\] = 3 is above'),
        (GRAPH, spaces.GraphInstance(NODES, NODES, np.array([[0, 1], [0, 2]])), 'to 2, but'),
        (GRAPH, spaces.GraphInstance(NODES, None, np.zeros((0, 2), int)), '-1 edges and 0'),
    ],
    ids=str,
)
def test_check_names_what_lies_outside(space, value, message):
    with pytest.raises(WireError, match=message):
        SpaceCodec(space).check(value)


def test_edge_links_come_back_as_int32_as_gymnasium_makes_them():
    codec = SpaceCodec(GRAPH)
    value = spaces.GraphInstance(NODES, NODES, np.array([[0, 1], [1, 1]], np.int64))
    back = codec.unpack(codec.pack(value))
    assert back.edge_links.dtype == np.int32
    assert np.array_equal(back.edge_links, value.edge_links)


def test_the_bound_of_a_discrete_is_exact_where_its_end_leaves_the_dtype():
    space = spaces.MultiDiscrete([200], dtype=np.uint8, start=[100])
    codec = SpaceCodec(space)
    assert codec.unflatten([255]).item() == 255
    with pytest.raises(WireError, match='above the bound 255'):
        codec.unflatten([256])


def test_leaves_may_be_of_any_class_with_the_four_fields():
    class Other(Leaf):
        pass

    (leaf,) = SpaceCodec(spaces.Discrete(3)).pack(1, Other)
    assert type(leaf) is Other
    assert SpaceCodec(spaces.Discrete(3)).unpack((leaf,)) == 1
