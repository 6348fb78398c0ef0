# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Spaces and specs through strict JSON."""

import json
from collections import OrderedDict

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from wire_spaces import NEW_GYMNASIUM, SPACES, THOROUGH, same

from rl_bridge.errors import SpecError, WireError
from rl_bridge.wire import (
    Specs,
    space_from_json,
    space_to_json,
    specs_from_json,
    specs_hash,
    specs_to_json,
)


def through_json(space):
    """A space as the other side builds it, from a text with sorted keys."""
    text = json.dumps(space_to_json(space), sort_keys=True, allow_nan=False)
    return space_from_json(json.loads(text))


def assert_same_space(a, b):
    assert type(a) is type(b)
    assert a == b
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    if isinstance(a, spaces.Box):
        for name in ('low', 'high', 'bounded_below', 'bounded_above'):
            assert same(np.asarray(getattr(a, name)), np.asarray(getattr(b, name)))
    for part in ('spaces', 'feature_space', 'node_space', 'edge_space'):
        inner_a, inner_b = getattr(a, part, None), getattr(b, part, None)
        if isinstance(inner_a, dict):
            assert list(inner_a) == list(inner_b)
            inner_a, inner_b = tuple(inner_a.values()), tuple(inner_b.values())
        if isinstance(inner_a, spaces.Space):
            inner_a, inner_b = (inner_a,), (inner_b,)
        for x, y in zip(inner_a or (), inner_b or (), strict=True):
            assert_same_space(x, y)


@THOROUGH
@given(SPACES)
def test_every_space_comes_back_equal_with_its_dtype_and_shape(space):
    assert_same_space(through_json(space), space)


SAMPLED = [
    spaces.Box(-1, 1, (3,)),
    spaces.Box(-np.inf, np.inf, (2,), np.float64),
    spaces.Box(np.array([-np.inf, 0]), np.array([1, np.inf]), dtype=np.float64),
    spaces.Box(0, 255, (4, 4, 3), np.uint8),
    spaces.Box(-5, 5, (), np.int32),
    spaces.Box(-np.inf, 7, (3,), np.int64),
    spaces.Box(-np.inf, np.inf, (3,), np.int16),
    spaces.Discrete(7, start=-3),
    spaces.MultiDiscrete([[3, 4], [5, 6]], start=[[1, -2], [0, 9]]),
    spaces.MultiDiscrete([3, 4], dtype=np.uint8),
    spaces.MultiBinary(5),
    spaces.MultiBinary([2, 3]),
    spaces.Text(9, min_length=0, charset='zyxabc'),
    spaces.Dict([('z', spaces.Discrete(5)), ('a', spaces.Box(0, 1, (2,)))]),
    spaces.Tuple([spaces.Discrete(5), spaces.Tuple([spaces.MultiBinary(3)])]),
    spaces.Sequence(spaces.Box(0, 1, (2,))),
    spaces.Sequence(spaces.Discrete(9), stack=True),
    spaces.OneOf([spaces.Discrete(3), spaces.Box(0, 1, (2,))]),
    spaces.Graph(spaces.Box(0, 1, (2,)), spaces.Discrete(3)),
    spaces.Graph(spaces.Discrete(5), None),
]


@pytest.mark.parametrize('space', SAMPLED, ids=str)
def test_the_same_seed_gives_the_same_samples_on_both_sides(space):
    other = through_json(space)
    space.seed(7)
    other.seed(7)
    for _ in range(5):
        a, b = space.sample(), other.sample()
        assert same(a, b) or (isinstance(a, spaces.GraphInstance) and same(tuple(a), tuple(b)))


def test_a_bound_of_one_number_stays_one_number_and_infinity_is_a_string():
    assert space_to_json(spaces.Box(-1, np.inf, (100, 3))) == {
        'type': 'Box', 'dtype': 'float32', 'shape': [100, 3], 'low': -1.0, 'high': 'inf',
    }


def test_what_minari_wrote_can_be_read():
    space = space_from_json(
        {'type': 'Dict', 'subspaces': {
            'b': {'type': 'Box', 'dtype': 'float32', 'shape': [2],
                  'low': [-1.0, float('-inf')], 'high': [1.0, float('inf')]},
            'a': {'type': 'MultiDiscrete', 'dtype': 'int64', 'nvec': [[1, 2]], 'start': [[0, 0]]},
            't': {'type': 'Text', 'max_length': 5, 'min_length': 1, 'charset': 'abc'},
        }}
    )
    assert list(space.spaces) == ['b', 'a', 't']
    assert space['b'] == spaces.Box(
        np.array([-1, -np.inf], np.float32), np.array([1, np.inf], np.float32)
    )
    assert space['a'] == spaces.MultiDiscrete([[1, 2]])


def test_the_key_order_of_a_dict_outlives_sorted_json():
    space = spaces.Dict(OrderedDict([('z', spaces.Discrete(2)), ('a', spaces.Discrete(3))]))
    assert list(through_json(space).spaces) == ['z', 'a']


class CustomBox(spaces.Box):
    """A Box that the other side does not have."""


class CustomSpace(spaces.Space):
    """A space that nobody has."""


CANNOT_TRAVEL = [
    (spaces.Dict(a=CustomBox(0, 1)), r"space\['a'\].*CustomBox.*plain gymnasium.spaces.Box"),
    (spaces.Tuple([spaces.Discrete(2), CustomSpace()]), r'space\[1\].*CustomSpace'),
    (spaces.Box(0, 1, (1,), np.longdouble), r'space has the dtype .*float64'),
    (spaces.Box(0, 1, (1,), np.dtype('>f4')), r'space has the dtype .>f4.*native'),
    (spaces.Dict([(3, spaces.Discrete(2))]), r'space has the key 3.*string'),
    (spaces.Sequence(spaces.Text(3, charset='a\0')), r"space.space has '\\x00'.*charset"),
    (spaces.Text(3, charset='a\ud800'), r"'\\ud800'"),
    (spaces.Graph(spaces.Discrete(2), CustomBox(0, 1)), r'space.edge_space.*CustomBox'),
    ('no space', r"space is 'no space'"),
]


@pytest.mark.parametrize(('space', 'message'), CANNOT_TRAVEL, ids=lambda item: str(item)[:30])
def test_a_space_that_cannot_travel_is_refused_by_path(space, message):
    with pytest.raises(SpecError, match=message):
        space_to_json(space)


def test_too_many_elements_are_refused_before_anything_is_allocated():
    box = {'type': 'Box', 'dtype': 'uint8', 'shape': [2**40, 2**20], 'low': 0, 'high': 1}
    with pytest.raises(SpecError, match='the limit is'):
        space_from_json(box)


def test_deep_nesting_is_refused_both_ways():
    space, data = spaces.Discrete(2), {'type': 'Discrete', 'dtype': 'int64', 'n': 2, 'start': 0}
    for _ in range(40):
        space, data = spaces.Tuple([space]), {'type': 'Tuple', 'subspaces': [data]}
    with pytest.raises(SpecError, match='deeper'):
        space_to_json(space)
    with pytest.raises(SpecError, match='deeper'):
        space_from_json(data)


BOX = {'type': 'Box', 'dtype': 'float32', 'shape': [2], 'low': 0, 'high': 1}
DICT = {'type': 'Dict', 'keys': ['a'], 'subspaces': {'a': BOX}}
TEXT = {'type': 'Text', 'max_length': 3, 'min_length': 1, 'charset': 'ab'}
WRONG = [
    ({}, 'has the type None'),
    ([1], r'is \[1\], expected a JSON object'),
    ({'type': 'Cube'}, "type 'Cube'"),
    ({'type': ['Box']}, 'has the type'),
    ({'type': 'Box'}, "lacks 'dtype'"),
    ({**BOX, 'dtype': 'complex64'}, 'complex64'),
    ({**BOX, 'dtype': 7}, "'7'"),
    ({**BOX, 'shape': [-1]}, '-1 in its shape'),
    ({**BOX, 'shape': [2.0]}, '2.0 in its shape'),
    ({**BOX, 'shape': [1] * 33}, 'up to 32'),
    ({**BOX, 'shape': 2}, 'has the shape 2'),
    ({**BOX, 'low': [0]}, r'space.low is \[0\], expected a list of 2'),
    ({**BOX, 'low': [0, [0]]}, 'deeper than its shape'),
    ({**BOX, 'low': float('nan')}, 'no exact float32'),
    ({**BOX, 'low': 1e300}, 'no exact float32'),
    ({**BOX, 'low': 0.1}, 'no exact float32'),
    ({**BOX, 'low': '0'}, 'no exact float32'),
    ({**BOX, 'low': True}, 'no exact float32'),
    ({**BOX, 'low': 2}, 'no valid Box'),
    ({**BOX, 'low': 10**400}, 'no valid Box'),
    ({**BOX, 'dtype': 'int8', 'high': 200}, 'no exact int8'),
    ({**BOX, 'dtype': 'int8', 'high': 1.0}, 'no exact int8'),
    ({**BOX, 'dtype': 'bool', 'high': 2}, 'no exact bool'),
    ({**BOX, 'bounded_below': [True]}, 'bounded_below'),
    ({'type': 'Discrete', 'dtype': 'int64', 'n': 0, 'start': 0}, 'no valid Discrete'),
    ({'type': 'Discrete', 'dtype': 'float64', 'n': 1, 'start': 0}, 'float64'),
    ({'type': 'MultiDiscrete', 'dtype': 'int64', 'nvec': [[1], [1, 2]], 'start': 0}, 'no valid'),
    ({'type': 'MultiDiscrete', 'dtype': 'int64', 'nvec': [0], 'start': [0]}, 'no valid'),
    ({'type': 'MultiBinary', 'n': 'x'}, "'x' in its shape"),
    ({'type': 'MultiBinary', 'n': 0}, 'no valid MultiBinary'),
    ({**TEXT, 'charset': ['a']}, 'charset'),
    ({**TEXT, 'charset': '\0'}, 'charset'),
    ({**TEXT, 'min_length': 4}, 'no valid Text'),
    ({**TEXT, 'min_length': '1'}, 'no exact int64'),
    ({**DICT, 'keys': ['b']}, 'expected the keys'),
    ({**DICT, 'keys': None}, 'expected the keys'),
    ({**DICT, 'subspaces': []}, 'expected a JSON object'),
    ({**DICT, 'subspaces': {'a': {}}}, r"space\['a'\]"),
    ({'type': 'Tuple', 'subspaces': {}}, 'expected a list'),
    ({'type': 'Tuple', 'subspaces': [BOX, 3]}, r'space\[1\] is 3'),
    ({'type': 'OneOf', 'subspaces': []}, 'no valid OneOf'),
    ({'type': 'Graph', 'node_space': BOX, 'edge_space': 3}, 'space.edge_space is 3'),
    ({'type': 'Sequence', 'space': BOX, 'stack': 1}, 'true or false'),
]


@pytest.mark.parametrize(('data', 'message'), WRONG, ids=lambda item: str(item)[:40])
def test_json_that_describes_no_space_is_refused_by_path(data, message):
    with pytest.raises(SpecError, match=message):
        space_from_json(data)


@THOROUGH
@given(SPACES, st.data())
def test_damaged_specs_give_a_space_or_an_error_of_ours(space, data):
    text = json.dumps(space_to_json(space))
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(['', '9', '-', '[', '"', '1e9']))
    damaged = text[:at] + other + text[at + 1 :]
    try:
        value = json.loads(damaged)
    except ValueError:
        return
    try:
        assert isinstance(space_from_json(value), spaces.Space)
    except SpecError as error:
        assert str(error).startswith('space')


@pytest.mark.skipif(not NEW_GYMNASIUM, reason='this Gymnasium has no dtype for Discrete')
def test_a_discrete_keeps_its_dtype():
    assert through_json(spaces.Discrete(5, start=2, dtype=np.uint8)).sample().dtype == np.uint8


SPECS = Specs(
    action_space=spaces.Box(-1, 1, (2,)),
    observation_space=spaces.Dict(image=spaces.Box(0, 255, (4, 4, 3), np.uint8)),
    render_modes=['rgb_array'],
    control_period=0.04,
    env='Reach',
    reward_terms=['distance', 'effort'],
)


def test_specs_come_back_equal_and_equal_specs_have_equal_hashes():
    text = specs_to_json(SPECS)
    assert specs_from_json(text) == SPECS
    assert specs_to_json(specs_from_json(text)) == text
    assert len(specs_hash(text)) == 64
    assert specs_hash(text) != specs_hash(text.replace('0.04', '0.05'))
    assert list(json.loads(text)) == sorted(json.loads(text))


@pytest.mark.parametrize('period', [float('nan'), float('inf'), -0.1])
def test_specs_refuse_a_control_period_that_is_no_time(period):
    with pytest.raises(SpecError, match='control_period'):
        specs_to_json(Specs(SPECS.action_space, SPECS.observation_space, control_period=period))


def test_specs_name_the_space_that_cannot_travel():
    with pytest.raises(SpecError, match=r"observation_space\['a'\] is of the custom class"):
        specs_to_json(Specs(SPECS.action_space, spaces.Dict(a=CustomBox(0, 1))))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'no strict JSON'),
        ('{', 'no strict JSON'),
        ('[' * 100000, 'no strict JSON'),
        (None, 'no strict JSON'),
        ('[]', 'expected a JSON object'),
        ('{}', "lack 'action_space'"),
        (specs_to_json(SPECS).replace('0.04', 'NaN'), 'NaN is not JSON'),
        (specs_to_json(SPECS).replace('0.04', '"x"'), 'control_period'),
        (specs_to_json(SPECS).replace('0.04', 'true'), 'control_period'),
        (specs_to_json(SPECS).replace('0.04', '-1'), 'control_period'),
        (specs_to_json(SPECS).replace('"Reach"', '3'), 'env is 3'),
        (specs_to_json(SPECS).replace('"distance"', '3'), 'reward_terms is 3'),
        (specs_to_json(SPECS).replace('["rgb_array"]', '"x"'), 'render_modes'),
        (specs_to_json(SPECS).replace('float32', 'float31'), 'action_space has the dtype'),
    ],
    ids=lambda item: str(item)[:30],
)
def test_specs_that_cannot_be_read_are_one_clear_error(text, message):
    with pytest.raises(WireError, match=message):
        specs_from_json(text)
