# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""For the wire's tests: spaces and values drawn by hypothesis, and a comparison of bits."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from gymnasium import spaces
from hypothesis import settings
from hypothesis import strategies as st

# Not a profile: loading one would change the tests of other modules too.
THOROUGH = settings(deadline=None, derandomize=True, database=None, max_examples=250)

INTEGERS = ('int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64')
FLOATS = ('float16', 'float32', 'float64')
SHAPES = st.sampled_from([(), (1,), (3,), (2, 2), (0,), (2, 0), (1, 2, 3)])
NEW_GYMNASIUM = 'dtype' in inspect.signature(spaces.Discrete.__init__).parameters


@st.composite
def boxes(draw: st.DrawFn) -> spaces.Box:
    """Boxes of every dtype, with one bound, many or none, on either side."""
    dtype = np.dtype(draw(st.sampled_from(('bool', *INTEGERS, *FLOATS))))
    shape = draw(SHAPES)
    if dtype.kind == 'b':
        return spaces.Box(0, 1, shape, np.bool_)
    if dtype.kind == 'f':
        width = dtype.itemsize * 8
        number = st.floats(-1000, 1000, width=width) | st.sampled_from([-np.inf, np.inf])
    else:
        info = np.iinfo(dtype)
        number = st.integers(int(info.min), int(info.max)) | st.integers(0, 5)
    ends = st.tuples(number, number).map(sorted).filter(
        lambda pair: pair[0] < np.inf and pair[1] > -np.inf
    )
    count = 1 if draw(st.booleans()) else int(np.prod(shape))
    pairs = [draw(ends) for _ in range(count)]
    low = np.array([pair[0] for pair in pairs], dtype)
    high = np.array([pair[1] for pair in pairs], dtype)
    if count == 1:
        low, high = np.full(shape, low[0]), np.full(shape, high[0])
    return spaces.Box(low.reshape(shape), high.reshape(shape), dtype=dtype)


def discretes() -> st.SearchStrategy[spaces.Discrete]:
    """Discrete of every dtype this Gymnasium has, with a start."""

    def build(dtype: str, n: int, start: int) -> spaces.Discrete:
        if dtype == 'int64':
            return spaces.Discrete(n, start=start)
        return spaces.Discrete(n, start=abs(start) if dtype[0] == 'u' else start, dtype=dtype)

    dtypes = INTEGERS if NEW_GYMNASIUM else ('int64',)
    return st.builds(build, st.sampled_from(dtypes), st.integers(1, 60), st.integers(-60, 60))


def multi_discretes() -> st.SearchStrategy[spaces.MultiDiscrete]:
    """MultiDiscrete of one to three axes, every integer dtype, with starts."""

    def build(dtype: str, shape: tuple[int, ...], seed: int) -> spaces.MultiDiscrete:
        random = np.random.default_rng(seed)
        return spaces.MultiDiscrete(
            random.integers(1, 50, shape, dtype), dtype=np.dtype(dtype),
            start=random.integers(0 if dtype[0] == 'u' else -50, 50, shape, dtype),
        )

    shapes = st.sampled_from([(1,), (3,), (2, 3), (1, 2, 2), (0,), (0, 2)])
    return st.builds(build, st.sampled_from(INTEGERS), shapes, st.integers(0, 2**32))


def texts() -> st.SearchStrategy[spaces.Text]:
    """Text of several alphabets, as a string (whose order counts) and as a set."""

    def build(least: int, more: int, charset: Any) -> spaces.Text:
        return spaces.Text(least + more, min_length=least, charset=charset)

    charsets = st.sampled_from(['ab', 'zyx', '01', 'äöü€🦾', frozenset('qrs'), ' "\\\n'])
    return st.builds(build, st.integers(0, 3), st.integers(0, 4), charsets)


LEAF_SPACES = st.one_of(
    boxes(),
    discretes(),
    multi_discretes(),
    st.sampled_from([1, 4, (2,), (2, 3), (1, 1)]).map(spaces.MultiBinary),
    texts(),
)


def _graphs(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[spaces.Graph]:
    """Graph of Box and Discrete; later Gymnasiums take any space."""
    part = st.one_of(st.just(spaces.Discrete(4)), st.just(spaces.Box(-1, 1, (2,))))
    return st.builds(spaces.Graph, part, part | st.none())


def _compose(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.text(st.sampled_from('abXY_ä$'), min_size=1, max_size=3)
    pairs = st.lists(st.tuples(keys, parts), max_size=3, unique_by=lambda pair: pair[0])
    return st.one_of(
        pairs.map(spaces.Dict),
        st.lists(parts, max_size=3).map(spaces.Tuple),
        st.builds(spaces.Sequence, parts, stack=st.just(False)),
        st.builds(spaces.Sequence, LEAF_SPACES, stack=st.just(True)),
        st.lists(parts, min_size=1, max_size=3).map(spaces.OneOf),
        _graphs(parts),
    )


SPACES = st.recursive(LEAF_SPACES, _compose, max_leaves=6)


def value_of(space: spaces.Space[Any], random: np.random.Generator, *, wild: bool = False) -> Any:
    """
    Make a value of a space, of the types ``sample`` returns, which itself fails for some spaces.

    :param wild: any number of the dtype, NaN and infinity included, instead of one inside.
    """
    if isinstance(space, spaces.Discrete):
        return space.dtype.type(int(space.start) + int(random.integers(int(space.n))))
    if isinstance(space, spaces.MultiBinary):
        return random.integers(0, 2, space.shape, np.int8)
    if isinstance(space, spaces.Text):
        length = int(random.integers(space.min_length, space.max_length + 1))
        return ''.join(random.choice(list(space.characters), length))
    if isinstance(space, spaces.Dict):
        return {key: value_of(part, random, wild=wild) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(value_of(part, random, wild=wild) for part in space.spaces)
    if isinstance(space, spaces.OneOf):
        index = int(random.integers(len(space.spaces)))
        return np.int64(index), value_of(space.spaces[index], random, wild=wild)
    if isinstance(space, spaces.Sequence):
        return _sequence_value(space, random, wild)
    if isinstance(space, spaces.Graph):
        return _graph_value(space, random, wild)
    return _array_value(space, random, wild)


def _sequence_value(space: spaces.Sequence, random: np.random.Generator, wild: bool) -> Any:
    count = int(random.integers(0, 4))
    items = [value_of(space.feature_space, random, wild=wild) for _ in range(count)]
    return stack(space.feature_space, items) if space.stack else tuple(items)


def _graph_value(space: spaces.Graph, random: np.random.Generator, wild: bool) -> Any:
    count = int(random.integers(1, 4))
    nodes = stack(space.node_space, [value_of(space.node_space, random) for _ in range(count)])
    if space.edge_space is None or random.integers(3) == 0:
        return spaces.GraphInstance(nodes, None, None)
    links = random.integers(0, count, (int(random.integers(0, 4)), 2), np.int32)
    edges = stack(space.edge_space, [value_of(space.edge_space, random) for _ in links])
    return spaces.GraphInstance(nodes, edges, links)


def _array_value(space: Any, random: np.random.Generator, wild: bool) -> Any:
    dtype, size = space.dtype, int(np.prod(space.shape))
    if wild and dtype.kind == 'b':
        return random.integers(0, 2, space.shape).astype(bool)
    if wild:
        value = np.frombuffer(random.bytes(size * dtype.itemsize), dtype).reshape(space.shape)
        value = value.copy()
        if dtype.kind == 'f':
            # A signalling NaN does not outlive a conversion, in NumPy as little as here.
            value[value != value] = np.nan
        return value
    if isinstance(space, spaces.MultiDiscrete):
        low, high = space.start, space.start + (space.nvec - 1)
    else:
        low, high = space.low, space.high
    # Ends of the bounds as often as what lies between them.
    share = random.choice([0.0, 1.0, 0.5, 0.25], size=space.shape)
    value = np.empty(space.shape, dtype)
    for at in np.ndindex(*space.shape):
        a, b = low[at].item(), high[at].item()
        if dtype.kind == 'f':
            a = max(a, min(-1.0, b))
            b = min(b, max(1.0, a))
            value[at] = a if share[at] == 0 else b if share[at] == 1 else a + share[at] * (b - a)
        else:
            value[at] = a + int((int(b) - int(a)) * int(share[at] * 4) // 4)
    return value


def stack(space: spaces.Space[Any], items: list[Any]) -> Any:
    """Stack values as ``gymnasium.vector.utils.concatenate`` does, for zero of them too."""
    if isinstance(space, spaces.Dict):
        return {k: stack(part, [item[k] for item in items]) for k, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(stack(part, [x[i] for x in items]) for i, part in enumerate(space.spaces))
    if isinstance(space, (spaces.Text, spaces.Sequence, spaces.OneOf, spaces.Graph)):
        return tuple(items)
    if not items:
        return np.empty((0, *space.shape), space.dtype)
    return np.stack(items)


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are equal down to types, dtypes, shapes and bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return (a != a and b != b) or np.float64(a).tobytes() == np.float64(b).tobytes()
    return bool(a == b)
