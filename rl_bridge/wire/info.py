# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
An environment's ``info`` as strict JSON and back, exactly.

None, bool, int of any size, finite float, str, list and dict with string keys are plain JSON. All
else is an object with the key ``$`` that names its type: ``{'$': 'tuple', 'items': [...]}``. A
dict that has the key ``$`` itself is written as ``{'$': 'dict', 'items': [[key, value], ...]}``,
as is one with other keys than strings. NumPy arrays and scalars travel as their bytes in base64. A
subclass (an enum, a named tuple) comes back as its base type, and what cannot travel (any other
object, object arrays, long double, whatever contains itself) as its repr.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.lib import format as npy_format

from rl_bridge.errors import WireError
from rl_bridge.wire.paths import short

MARK = '$'
MAX_DEPTH = 32
MAX_REPR = 400
MAX_EMPTY_ELEMENTS = 1024

# Python refuses to write and read longer integers in decimal (its own limit is 4300 digits).
_LONG_INTEGER_BITS = 8192
_PLAIN = frozenset((str, int, float, bool, type(None)))


def info_to_json(info: dict[Any, Any]) -> str:
    """
    Write an info.

    :param info: what ``step`` or ``reset`` returned.
    :return: strict JSON; '' for an empty one.
    :raises WireError: it is no dict.
    """
    if not isinstance(info, dict):
        raise WireError(f'info is {short(info)}, expected a dict.')
    if not info:
        return ''
    # Nearly every info is flat and plain, and JSON's own encoder writes it at once.
    if MARK not in info and _PLAIN.issuperset(map(type, info.values())):
        try:
            if set(map(type, info)) == {str}:
                return _ENCODER.encode(info)
        except ValueError:  # NaN, infinity, or a very long integer
            pass
    return _ENCODER.encode(_encode(info, ()))


def info_from_json(text: str) -> dict[Any, Any]:
    """
    Read what ``info_to_json`` wrote.

    :raises WireError: it is no strict JSON object, or one of its marked objects is wrong.
    """
    if text == '':
        return {}
    try:
        data = _DECODER.decode(text)
        if '"$"' in text:
            data = _decode(data, 0)
    except WireError:
        raise
    # RecursionError: nested thousands deep. TypeError: not text, or a key that cannot be one.
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f'info is no strict JSON: {error}') from error
    if not isinstance(data, dict):
        raise WireError(f'info is {short(data)}, expected a JSON object.')
    return data


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is not JSON')


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(',', ':'))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _encode(value: Any, inside: tuple[int, ...]) -> Any:
    """
    Turn a value into what JSON has.

    :param inside: ids of the containers around it, by which one that contains itself is found.
    """
    if value is None or value is True or value is False:
        return value
    # NumPy first: np.float64 is a float, and np.str_ a str.
    if isinstance(value, (np.generic, np.ndarray)):
        return _encode_numpy(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _encode_int(int(value))
    if isinstance(value, float):
        number = float(value)
        return number if math.isfinite(number) else {MARK: 'float', 'value': str(number)}
    if isinstance(value, bytes):
        return {MARK: 'bytes', 'data': base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple, dict)):
        if id(value) in inside or len(inside) >= MAX_DEPTH:
            return _repr_of(value)
        return _encode_container(value, (*inside, id(value)))
    return _repr_of(value)


def _encode_container(
    value: list[Any] | tuple[Any, ...] | dict[Any, Any], inside: tuple[int, ...]
) -> Any:
    if isinstance(value, dict):
        if MARK not in value and all(type(key) is str for key in value):
            return {key: _encode(item, inside) for key, item in value.items()}
        pairs = [[_encode(key, inside), _encode(item, inside)] for key, item in value.items()]
        return {MARK: 'dict', 'items': pairs}
    items = [_encode(item, inside) for item in value]
    return items if isinstance(value, list) else {MARK: 'tuple', 'items': items}


def _encode_int(value: int) -> Any:
    if value.bit_length() <= _LONG_INTEGER_BITS:
        return value
    return {MARK: 'int', 'value': hex(value)}


def _encode_numpy(value: np.generic | np.ndarray[Any, Any]) -> Any:
    # As an array they would lose the NULs at their end.
    if isinstance(value, np.str_):
        return {MARK: 'str_', 'value': str.__str__(value)}
    if isinstance(value, np.bytes_):
        return {MARK: 'bytes_', 'data': base64.b64encode(value).decode()}
    dtype = value.dtype
    # Long double differs between machines; a masked array is more than its data.
    if (
        dtype.hasobject
        or dtype.kind not in 'biufcSUmMV'
        or dtype.char in 'gG'
        or isinstance(value, np.ma.MaskedArray)
        or value.size > _most_elements(dtype)
    ):
        return _repr_of(value)
    encoded = {
        MARK: 'array',
        'dtype': npy_format.dtype_to_descr(dtype),
        'shape': list(value.shape),
        'data': base64.b64encode(value.tobytes()).decode(),
    }
    if isinstance(value, np.generic):
        encoded[MARK] = 'scalar'
        del encoded['shape']
    return encoded


def _repr_of(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # a foreign __repr__ may do anything
        text = f'<{type(value).__name__} without a repr>'
    return text if len(text) <= MAX_REPR else text[: MAX_REPR - 3] + '...'


def _decode(value: Any, depth: int) -> Any:
    if isinstance(value, (list, dict)) and depth > 4 * MAX_DEPTH:
        raise WireError(f'info is nested deeper than {4 * MAX_DEPTH}.')
    if isinstance(value, list):
        return [_decode(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if MARK not in value:
        return {key: _decode(item, depth + 1) for key, item in value.items()}
    kind = value[MARK]
    decoder = _DECODERS.get(kind) if isinstance(kind, str) else None
    if decoder is None:
        raise WireError(f'info has an object of the type {short(kind)}, which nobody knows.')
    try:
        return decoder(value, depth + 1)
    except Exception as error:  # NumPy reads the dtype, and may raise anything
        raise WireError(f'info has a wrong object {short(value)}: {error}') from error


def _decode_dict(value: dict[str, Any], depth: int) -> Any:
    items = _list(value['items'])
    pairs = [(_decode(key, depth + 1), _decode(item, depth + 1)) for key, item in items]
    return dict(pairs)


def _decode_tuple(value: dict[str, Any], depth: int) -> Any:
    return tuple([_decode(item, depth) for item in _list(value['items'])])


def _decode_float(value: dict[str, Any], depth: int) -> Any:
    if value['value'] not in ('nan', 'inf', '-inf'):
        raise ValueError('expected nan, inf or -inf')
    return float(value['value'])


def _decode_int(value: dict[str, Any], depth: int) -> Any:
    return int(value['value'], 16)


def _decode_bytes(value: dict[str, Any], depth: int) -> Any:
    return _base64(value['data'])


def _decode_str_(value: dict[str, Any], depth: int) -> Any:
    if not isinstance(value['value'], str):
        raise ValueError('expected a string')
    return np.str_(value['value'])


def _decode_bytes_(value: dict[str, Any], depth: int) -> Any:
    return np.bytes_(_base64(value['data']))


def _decode_array(value: dict[str, Any], depth: int) -> Any:
    shape = _list(value['shape'])
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError('expected a shape of integers')
    dtype = _dtype(value['dtype'])
    data = _base64(value['data'])
    count = math.prod(shape)
    if len(data) != count * dtype.itemsize or count > _most_elements(dtype):
        raise ValueError(f'expected {count} elements of {dtype}')
    return np.ndarray(shape, dtype, data).copy()


def _decode_scalar(value: dict[str, Any], depth: int) -> Any:
    return _decode_array({**value, 'shape': []}, depth)[()]


_DECODERS: dict[str, Callable[[dict[str, Any], int], Any]] = {
    'dict': _decode_dict,
    'tuple': _decode_tuple,
    'float': _decode_float,
    'int': _decode_int,
    'bytes': _decode_bytes,
    'str_': _decode_str_,
    'bytes_': _decode_bytes_,
    'array': _decode_array,
    'scalar': _decode_scalar,
}


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError('expected a list')
    return value


def _base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError('expected base64')
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f'expected base64: {error}') from error


def _dtype(description: object) -> np.dtype[Any]:
    dtype = npy_format.descr_to_dtype(_descr(description))
    if dtype.hasobject:
        raise ValueError('object arrays are not decoded')
    return dtype


def _most_elements(dtype: np.dtype[Any]) -> float:
    """Elements without any bytes, of the dtype U0 for example, are not bounded by the message."""
    return math.inf if dtype.itemsize else MAX_EMPTY_ELEMENTS


def _descr(value: Any) -> Any:
    """What ``dtype_to_descr`` returned: JSON has turned its tuples into lists."""
    if isinstance(value, str):
        return value
    return [
        (
            tuple(name) if isinstance(name, list) else name,
            _descr(kind),
            *(tuple(_list(shape)) for shape in rest),
        )
        for name, kind, *rest in _list(value)
    ]
