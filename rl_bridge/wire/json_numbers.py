# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Dtypes, shapes and numbers of a space in strict JSON: checked and exact, infinity a string."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_bridge.errors import SpecError
from rl_bridge.wire.paths import short

INTEGER_DTYPES = ('int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64')
FLOAT_DTYPES = ('float16', 'float32', 'float64')
BOX_DTYPES = ('bool', *INTEGER_DTYPES, *FLOAT_DTYPES)

# A larger array is refused before anything is allocated; a 4K picture has 25 million elements.
MAX_ELEMENTS = 2**26
MAX_DIMENSIONS = 32  # NumPy 1's own limit


def checked_dtype(dtype: object, allowed: tuple[str, ...], path: str) -> str:
    """
    Return the name of a dtype that can travel.

    :param dtype: a dtype or its name.
    :raises SpecError: it is not among those allowed.
    """
    name = str(dtype)
    if name not in allowed:
        native = isinstance(dtype, np.dtype) and not dtype.isnative
        fix = 'the native byte order' if native else f'one of {", ".join(allowed)}'
        raise SpecError(f'{path} has the dtype {short(name)}, which cannot travel; use {fix}.')
    return name


def checked_shape(shape: object, path: str) -> tuple[int, ...]:
    """
    Return a shape that NumPy can have and memory can hold.

    :param shape: a list or tuple of integers.
    :raises SpecError: anything else, or more than ``MAX_ELEMENTS``.
    """
    if not isinstance(shape, (list, tuple)) or len(shape) > MAX_DIMENSIONS:
        raise SpecError(
            f'{path} has the shape {short(shape)}, expected up to {MAX_DIMENSIONS} integers.'
        )
    for length in shape:
        if type(length) is not int or length < 0:
            raise SpecError(f'{path} has {short(length)} in its shape, expected integers >= 0.')
    if math.prod(shape) > MAX_ELEMENTS:
        raise SpecError(
            f'{path} has the shape {tuple(shape)}: {math.prod(shape)} elements, the limit is '
            f'{MAX_ELEMENTS}; send less, a smaller picture for example.'
        )
    return tuple(shape)


def numbers_to_json(values: NDArray[Any]) -> Any:
    """
    Write an array as nested lists, or as one number where all elements are the same bits.

    :param values: numbers or booleans, no NaN; infinity becomes ``'inf'`` or ``'-inf'``.
    """
    if values.size and values.tobytes() == values.reshape(-1)[:1].tobytes() * values.size:
        return _number_to_json(values.reshape(-1)[0].item())
    return _map_nested(_number_to_json, values.tolist())


def _map_nested(function: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_map_nested(function, item) for item in value]
    return function(value)


def _number_to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def numbers_from_json(
    value: object, dtype: str, shape: tuple[int, ...], path: str
) -> NDArray[Any]:
    """
    Read what ``numbers_to_json`` wrote.

    :param value: nested lists of that shape, or one number for all elements.
    :raises SpecError: another shape, or a number that is not exact in the dtype.
    """
    if isinstance(value, list):
        flat: list[object] = []
        _flatten_exact(value, shape, flat, path)
        numbers = [number_from_json(item, dtype, path) for item in flat]
        return np.array(numbers, dtype=dtype).reshape(shape)
    return np.full(shape, number_from_json(value, dtype, path), dtype=dtype)


def _flatten_exact(
    value: object, shape: tuple[int, ...], into: list[object], path: str
) -> None:
    if not shape:
        if isinstance(value, list):
            raise SpecError(f'{path} is nested deeper than its shape.')
        into.append(value)
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        raise SpecError(f'{path} is {short(value)}, expected a list of {shape[0]}.')
    for item in value:
        _flatten_exact(item, shape[1:], into, path)


def number_from_json(value: object, dtype: str, path: str) -> Any:
    """
    Read one number.

    :param value: an int, float or bool as JSON has them, ``'inf'`` or ``'-inf'``.
    :raises SpecError: it is not exact in the dtype.
    """
    if dtype in FLOAT_DTYPES:
        if value in ('inf', '-inf'):
            return float(str(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            with np.errstate(over='ignore'):
                exact = np.array(value, dtype=dtype).item()
            if exact == value:
                return exact
    elif dtype == 'bool':
        if type(value) in (bool, int) and value in (0, 1):
            return bool(value)
    elif type(value) is int:
        info = np.iinfo(dtype)
        if info.min <= value <= info.max:
            return value
    raise SpecError(f'{path} is {short(value)}, which is no exact {dtype}.')
