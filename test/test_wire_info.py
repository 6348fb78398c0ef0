# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""An environment's info through strict JSON."""

import enum
import json
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from wire_spaces import THOROUGH, same

from rl_bridge.errors import WireError
from rl_bridge.wire import info_from_json, info_to_json

SETTINGS = settings(THOROUGH, max_examples=150)


def through_json(info):
    """An info as the other side gets it, from a text that any JSON reader takes."""
    text = info_to_json(info)

    def refuse(name):
        raise AssertionError(name)

    assert text == '' or isinstance(json.loads(text, parse_constant=refuse), dict)
    return info_from_json(text)


# Signalling NaN and long double aside, every dtype that holds no Python objects.
DTYPES = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(),
    hnp.floating_dtypes(sizes=(16, 32, 64)), hnp.complex_number_dtypes(sizes=(64, 128)),
    hnp.byte_string_dtypes(), hnp.unicode_string_dtypes(), hnp.datetime64_dtypes(),
    hnp.timedelta64_dtypes(),
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(),
    st.sampled_from([2**64, float('nan'), float('inf'), -0.0, '$', '\ud800', '\0']),
)
KEYS = st.one_of(
    st.text(max_size=3), st.sampled_from(['$', 'items', 'value']), st.integers(), st.none(),
    st.booleans(), st.floats(allow_nan=False), st.tuples(st.integers(), st.text(max_size=2)),
)
VALUES = st.recursive(
    PLAIN | ARRAYS | ARRAYS.filter(lambda array: array.size).map(lambda a: a.reshape(-1)[0]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
    ),
    max_leaves=8,
)


@SETTINGS
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_info_comes_back_down_to_types_and_bits(info):
    assert same(through_json(info), info)


def test_an_integer_too_long_for_decimals_comes_back():
    for number in (10**5000, -(10**5000), 2**8192, 2**8192 - 1, -(2**8192)):
        assert info_from_json(info_to_json({'x': number, 'y': [number]})) == {
            'x': number, 'y': [number]
        }


def test_numbers_that_json_has_not_come_back_in_a_flat_info():
    back = info_from_json(info_to_json({'a': float('nan'), 'b': float('inf'), 'c': -0.0}))
    assert same(back, {'a': float('nan'), 'b': float('inf'), 'c': -0.0})


def test_an_empty_info_is_an_empty_text():
    assert info_to_json({}) == ''
    assert info_from_json('') == {}


def test_a_plain_info_is_plain_json_to_read():
    assert info_to_json({'success': True, 'distance': 0.5}) == '{"success":true,"distance":0.5}'


@pytest.mark.parametrize(
    'value',
    [
        np.array([(1, 2.5)], [('a', '<i4'), ('b', '<f4')]),
        np.zeros(2, [('a', 'u1', (2, 3)), ('b', [('c', 'S3')])]),
        np.zeros(2, np.dtype({'names': ['a', 'b'], 'formats': ['u1', 'f8'], 'offsets': [0, 8]})),
        np.arange(6).reshape(2, 3).T,
        np.arange(6)[::2],
        np.array([1.5], '>f4'),
        np.float32(0.1),
        np.str_(''),
        np.str_('x\0'),
        np.bytes_(b''),
        np.bytes_(b'x\0'),
        np.void(b'abc'),
        np.zeros((2, 0)),
        np.array(['', 'ä']),
        np.datetime64('2026-01-01T00:00', 'ns'),
    ],
    ids=str,
)
def test_a_numpy_value_comes_back_with_its_dtype(value):
    back = through_json({'x': value})['x']
    # Not by their bytes: what lies between the fields of a structure is nobody's.
    assert (type(back), back.dtype, back.shape) == (type(value), value.dtype, value.shape)
    assert np.array_equal(back, value)
    if isinstance(back, np.ndarray):
        back.fill(0)  # it is fresh and writable


class Colour(enum.IntEnum):
    RED = 1


Point = namedtuple('Point', 'x y')


def test_a_subclass_comes_back_as_its_base_type():
    info = OrderedDict(c=Colour.RED, p=Point(1, 2), n=type('Name', (str,), {})('x'))
    assert same(through_json(info), {'c': 1, 'p': (1, 2), 'n': 'x'})
    assert same(through_json({'f': type('Metres', (float,), {})(1.5)}), {'f': 1.5})


class NoRepr:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        ({1}, '{1}'),
        (1j, '1j'),
        (range(3), 'range(0, 3)'),
        (NoRepr(), '<NoRepr without a repr>'),
        (np.array([None]), 'array([None], dtype=object)'),
        (np.longdouble(1), repr(np.longdouble(1))),
        (np.ma.masked_array([1], [True]), repr(np.ma.masked_array([1], [True]))),
        (bytearray(1000), repr(bytearray(1000))[:397] + '...'),
    ],
    ids=lambda item: str(type(item)),
)
def test_what_cannot_travel_becomes_its_repr_of_bounded_length(value, text):
    assert through_json({'x': value, 'y': 1}) == {'x': text, 'y': 1}


def test_what_contains_itself_or_is_too_deep_becomes_its_repr():
    loop = []
    loop.append(loop)
    assert through_json({'x': loop}) == {'x': ['[[...]]']}
    deep = []
    for _ in range(100):
        deep = [deep]
    back, depth = through_json({'x': deep})['x'], 0
    while isinstance(back, list):
        back, depth = back[0], depth + 1
    assert depth == 31
    assert back.startswith('[[[')


@pytest.mark.parametrize('info', [None, [], 'info', 3])
def test_an_info_that_is_no_dict_is_refused(info):
    with pytest.raises(WireError, match='expected a dict'):
        info_to_json(info)


SCALAR = '{"$":"scalar","dtype":"<f4","data":"AAAAAA=="}'
WRONG = [
    '{', '[]', '3', 'null', '{"a":NaN}', '{"a":Infinity}', '{"a":1}x', '[' * 100000,
    '{"x":' + '[' * 3000 + ']' * 3000 + ',"$":1}',
    '{"x":' + '[' * 200 + '{"$":"dict","items":[]}' + ']' * 200 + '}',
    '{"$":"cube"}', '{"$":3}', '{"$":["dict"]}', '{"$":"dict"}', '{"$":"dict","items":3}',
    '{"$":"dict","items":[[1]]}', '{"$":"dict","items":[[[],1]]}', '{"$":"tuple","items":[]}',
    '{"a":{"$":"tuple","items":{}}}', '{"a":{"$":"float","value":"1.5"}}',
    '{"a":{"$":"float","value":[]}}', '{"a":{"$":"int","value":"x"}}',
    '{"a":{"$":"int","value":3}}', '{"a":{"$":"bytes","data":"?"}}',
    '{"a":{"$":"bytes","data":"\u00e4"}}', '{"a":{"$":"bytes","data":3}}',
    '{"a":{"$":"str_","value":3}}', '{"a":{"$":"bytes_","data":3}}',
    SCALAR,
    '{"a":' + SCALAR.replace('<f4', 'O') + '}', '{"a":' + SCALAR.replace('<f4', '|O') + '}',
    '{"a":' + SCALAR.replace('<f4', '<f8') + '}', '{"a":' + SCALAR.replace('<f4', 'x') + '}',
    '{"a":' + SCALAR.replace('"<f4"', '3') + '}', '{"a":' + SCALAR.replace('"<f4"', '[3]') + '}',
    '{"a":' + SCALAR.replace('"<f4"', '[["a","O"]]') + '}',
    '{"a":' + SCALAR.replace('"<f4"', '[["a","<f4",3]]') + '}',
    '{"a":' + SCALAR.replace('"<f4"', '"f4,f4,("') + '}',
    '{"a":{"$":"array","dtype":"<f4","shape":[1000000000000],"data":""}}',
    '{"a":{"$":"array","dtype":"V0","shape":[1000000000000],"data":""}}',
    '{"a":{"$":"array","dtype":"<f4","shape":[-1],"data":""}}',
    '{"a":{"$":"array","dtype":"<f4","shape":[true],"data":""}}',
    '{"a":{"$":"array","dtype":"<f4","shape":[' + '0,' * 99 + '0],"data":""}}',
    '{"a":{"$":"array","dtype":"<f4","shape":3,"data":""}}',
    None, b'\xff', 3,
]


@pytest.mark.parametrize('text', WRONG, ids=lambda text: str(text)[:60])
def test_a_text_that_is_no_info_is_one_clear_error(text):
    with pytest.raises(WireError, match='info'):
        info_from_json(text)


@SETTINGS
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3), st.data())
def test_a_damaged_text_gives_a_dict_or_an_error_of_ours(info, data):
    text = info_to_json(info)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(['', '0', '9', '-', '"', '[', '{', '$', 'O', '=', '\ud800']))
    try:
        assert isinstance(info_from_json(text[:at] + other + text[at + 1 :]), dict)
    except WireError as error:
        assert 'info' in str(error)
