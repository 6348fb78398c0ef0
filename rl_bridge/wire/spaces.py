# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Gymnasium spaces as strict JSON and back.

The shape is that of ``minari.serialization`` (Farama Minari): ``{'type': 'Box', 'dtype': ...,
'shape': ..., 'low': ..., 'high': ...}``. What Minari leaves open is closed here: infinite bounds
are the strings ``'inf'`` and ``'-inf'`` (JSON has no Infinity), a bound that is one number for all
elements stays one number, the dtype of ``Discrete`` is kept, ``Dict`` carries its key order in
``keys`` (so that sorting a JSON object changes nothing), and Graph, Sequence and OneOf exist. What
Minari wrote can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import SpecError
from rl_bridge.wire.json_numbers import (
    BOX_DTYPES,
    INTEGER_DTYPES,
    checked_dtype,
    checked_shape,
    number_from_json,
    numbers_from_json,
    numbers_to_json,
)
from rl_bridge.wire.paths import short

Space: TypeAlias = 'spaces.Space[Any]'
Json: TypeAlias = 'dict[str, Any]'

# Deeper nesting is refused; no environment known to us goes beyond 5.
MAX_DEPTH = 32


def space_to_json(space: Space, *, name: str = 'space') -> Json:
    """
    Describe a space in strict JSON.

    :param space: a space of Gymnasium's own classes, nested as deep as 32.
    :param name: what errors call the space.
    :return: a dict of str, int, finite float, bool, None, list and dict only.
    :raises SpecError: the space cannot travel; the sentence names its path and the fix.
    """
    return _write(space, name, 0)


def space_from_json(data: Json, *, name: str = 'space') -> Space:
    """
    Build the space that ``space_to_json`` described: equal, of the same dtype and shape, and with
    the same samples for the same seed.

    :param data: what ``json.loads`` returned.
    :param name: what errors call the space.
    :raises SpecError: it describes no space; the sentence names the path.
    """
    return _read(data, name, 0)


def _write(space: Space, path: str, depth: int) -> Json:
    writer = _WRITERS.get(type(space))
    if writer is None:
        _refuse_class(space, path)
    if depth > MAX_DEPTH:
        raise SpecError(f'{path} is nested deeper than {MAX_DEPTH} spaces; flatten the space.')
    return {'type': type(space).__name__, **writer(space, path, depth + 1)}


def _read(data: object, path: str, depth: int) -> Space:
    if not isinstance(data, dict):
        raise SpecError(f'{path} is {short(data)}, expected a JSON object with a type.')
    name = data.get('type')
    reader = _READERS.get(name) if isinstance(name, str) else None
    if reader is None:
        raise SpecError(
            f'{path} has the type {short(name)}, expected one of {", ".join(_READERS)}; '
            'most likely the other side runs another version of rl_bridge.'
        )
    if depth > MAX_DEPTH:
        raise SpecError(f'{path} is nested deeper than {MAX_DEPTH} spaces.')
    try:
        return reader(data, path, depth + 1)
    except SpecError:
        raise
    except KeyError as error:
        raise SpecError(f'{path} of type {name} lacks {error.args[0]!r}.') from error
    # Gymnasium checks its arguments with all of these.
    except (ValueError, TypeError, OverflowError, AssertionError) as error:
        raise SpecError(f'{path} is no valid {name}: {error}') from error


def _refuse_class(space: object, path: str) -> NoReturn:
    if not isinstance(space, spaces.Space):
        raise SpecError(f'{path} is {short(space)}, expected a gymnasium space.')
    base = next((kind.__name__ for kind in type(space).__mro__ if kind in _WRITERS), None)
    fix = f'declare a plain gymnasium.spaces.{base}' if base else "declare one of Gymnasium's own"
    raise SpecError(
        f'{path} is of the custom class {type(space).__name__}, which the other side does not '
        f'have; {fix} (a wrapper can replace the space and convert the values).'
    )


def _write_box(space: spaces.Box[Any], path: str, depth: int) -> Json:
    data: Json = {
        'dtype': checked_dtype(space.dtype, BOX_DTYPES, path),
        'shape': list(checked_shape(space.shape, path)),
        'low': numbers_to_json(space.low),
        'high': numbers_to_json(space.high),
    }
    # An integer Box keeps "unbounded", which decides how it samples, beside its bounds.
    for key, flags, bound in (
        ('bounded_below', space.bounded_below, space.low),
        ('bounded_above', space.bounded_above, space.high),
    ):
        if not np.array_equal(flags, np.isfinite(bound)):
            data[key] = numbers_to_json(flags)
    return data


def _read_box(data: Json, path: str, depth: int) -> Space:
    dtype = checked_dtype(data['dtype'], BOX_DTYPES, path)
    shape = checked_shape(data['shape'], path)
    low = numbers_from_json(data['low'], dtype, shape, f'{path}.low')
    high = numbers_from_json(data['high'], dtype, shape, f'{path}.high')
    space = spaces.Box(low=low, high=high, shape=shape, dtype=np.dtype(dtype))
    for key in ('bounded_below', 'bounded_above'):
        if key in data:
            setattr(space, key, numbers_from_json(data[key], 'bool', shape, f'{path}.{key}'))
    return space


def _write_discrete(space: spaces.Discrete[Any], path: str, depth: int) -> Json:
    dtype = checked_dtype(space.dtype, INTEGER_DTYPES, path)
    return {'dtype': dtype, 'start': int(space.start), 'n': int(space.n)}


def _read_discrete(data: Json, path: str, depth: int) -> Space:
    dtype = checked_dtype(data['dtype'], INTEGER_DTYPES, path)
    n = int(number_from_json(data['n'], dtype, f'{path}.n'))
    start = int(number_from_json(data['start'], dtype, f'{path}.start'))
    if dtype == 'int64':  # Gymnasium before 1.2 takes no dtype
        return spaces.Discrete(n, start=start)
    return spaces.Discrete(n, start=start, dtype=dtype)


def _write_multi_discrete(space: spaces.MultiDiscrete[Any], path: str, depth: int) -> Json:
    return {
        'dtype': checked_dtype(space.dtype, INTEGER_DTYPES, path),
        'shape': list(checked_shape(space.shape, path)),
        'nvec': space.nvec.tolist(),
        'start': space.start.tolist(),
    }


def _read_multi_discrete(data: Json, path: str, depth: int) -> Space:
    dtype = checked_dtype(data['dtype'], INTEGER_DTYPES, path)
    # Minari writes no shape, and what it writes is never of size 0.
    shape = checked_shape(data.get('shape', np.shape(data['nvec'])), path)
    return spaces.MultiDiscrete(
        numbers_from_json(data['nvec'], dtype, shape, f'{path}.nvec'),
        dtype=np.dtype(dtype),
        start=numbers_from_json(data['start'], dtype, shape, f'{path}.start'),
    )


def _write_multi_binary(space: spaces.MultiBinary, path: str, depth: int) -> Json:
    checked_shape(space.shape, path)
    return {'n': list(space.n) if isinstance(space.n, tuple) else int(space.n)}


def _read_multi_binary(data: Json, path: str, depth: int) -> Space:
    n = data['n']
    shape = checked_shape(n if isinstance(n, list) else [n], path)
    return spaces.MultiBinary(shape if isinstance(n, list) else n)


def _write_text(space: spaces.Text, path: str, depth: int) -> Json:
    for character in space.character_list:
        # A ROS string is UTF-8 that ends at the first NUL.
        if len(character) != 1 or character == '\0' or '\ud800' <= character <= '\udfff':
            raise SpecError(
                f'{path} has {character!r} in its charset, which a ROS string cannot carry; '
                'take it out of the charset.'
            )
    return {
        'max_length': int(space.max_length),
        'min_length': int(space.min_length),
        'charset': ''.join(space.character_list),
    }


def _read_text(data: Json, path: str, depth: int) -> Space:
    if not isinstance(data['charset'], str):
        raise SpecError(f'{path}.charset is {short(data["charset"])}, expected a string.')
    text = spaces.Text(
        number_from_json(data['max_length'], 'int64', f'{path}.max_length'),
        min_length=number_from_json(data['min_length'], 'int64', f'{path}.min_length'),
        charset=data['charset'],
    )
    _write_text(text, path, depth)
    return text


def _write_dict(space: spaces.Dict, path: str, depth: int) -> Json:
    subspaces = {}
    for key, subspace in space.spaces.items():
        if not isinstance(key, str):
            raise SpecError(f'{path} has the key {key!r}, which is no string; use string keys.')
        subspaces[key] = _write(subspace, f'{path}[{key!r}]', depth)
    return {'keys': list(subspaces), 'subspaces': subspaces}


def _read_dict(data: Json, path: str, depth: int) -> Space:
    subspaces = data['subspaces']
    if not isinstance(subspaces, dict):
        raise SpecError(f'{path}.subspaces is {short(subspaces)}, expected a JSON object.')
    keys = data.get('keys', list(subspaces))
    if not isinstance(keys, list) or sorted(map(repr, keys)) != sorted(map(repr, subspaces)):
        raise SpecError(f'{path}.keys is {short(keys)}, expected the keys of subspaces.')
    # A list of pairs is the form whose order every Gymnasium keeps.
    return spaces.Dict([(key, _read(subspaces[key], f'{path}[{key!r}]', depth)) for key in keys])


def _write_tuple(space: spaces.Tuple[Any] | spaces.OneOf[Any], path: str, depth: int) -> Json:
    subspaces = enumerate(space.spaces)
    return {'subspaces': [_write(item, f'{path}[{i}]', depth) for i, item in subspaces]}


def _read_subspaces(data: Json, path: str, depth: int) -> list[Space]:
    subspaces = data['subspaces']
    if not isinstance(subspaces, list):
        raise SpecError(f'{path}.subspaces is {short(subspaces)}, expected a list.')
    return [_read(item, f'{path}[{i}]', depth) for i, item in enumerate(subspaces)]


def _write_graph(space: spaces.Graph, path: str, depth: int) -> Json:
    edges = space.edge_space
    return {
        'node_space': _write(space.node_space, f'{path}.node_space', depth),
        'edge_space': None if edges is None else _write(edges, f'{path}.edge_space', depth),
    }


def _read_graph(data: Json, path: str, depth: int) -> Space:
    edges = data['edge_space']
    nodes = _read(data['node_space'], f'{path}.node_space', depth)
    return spaces.Graph(
        nodes,  # type: ignore[arg-type,unused-ignore]  # Gymnasium before 1.3: Box and Discrete
        None if edges is None else _read(edges, f'{path}.edge_space', depth),  # type: ignore[arg-type,unused-ignore]
    )


def _write_sequence(space: spaces.Sequence, path: str, depth: int) -> Json:
    return {
        'space': _write(space.feature_space, f'{path}.space', depth),
        'stack': bool(space.stack),
    }


def _read_sequence(data: Json, path: str, depth: int) -> Space:
    if not isinstance(data['stack'], bool):
        raise SpecError(f'{path}.stack is {short(data["stack"])}, expected true or false.')
    return spaces.Sequence(_read(data['space'], f'{path}.space', depth), stack=data['stack'])


_WRITERS: dict[type, Callable[[Any, str, int], Json]] = {
    spaces.Box: _write_box,
    spaces.Discrete: _write_discrete,
    spaces.MultiDiscrete: _write_multi_discrete,
    spaces.MultiBinary: _write_multi_binary,
    spaces.Text: _write_text,
    spaces.Dict: _write_dict,
    spaces.Tuple: _write_tuple,
    spaces.Graph: _write_graph,
    spaces.Sequence: _write_sequence,
    spaces.OneOf: _write_tuple,
}

_READERS: dict[str, Callable[[Json, str, int], Space]] = {
    'Box': _read_box,
    'Discrete': _read_discrete,
    'MultiDiscrete': _read_multi_discrete,
    'MultiBinary': _read_multi_binary,
    'Text': _read_text,
    'Dict': _read_dict,
    'Tuple': lambda data, path, depth: spaces.Tuple(_read_subspaces(data, path, depth)),
    'Graph': _read_graph,
    'Sequence': _read_sequence,
    'OneOf': lambda data, path, depth: spaces.OneOf(_read_subspaces(data, path, depth)),
}
