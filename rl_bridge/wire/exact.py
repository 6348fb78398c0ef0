# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What an environment or a person hands over as a value, as an array: exact or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_bridge.errors import WireError
from rl_bridge.wire.paths import Where, first_true, index_text, path_of, short

# Above it two integers share one float64, so that nobody could tell which was meant.
MAX_SAFE_INTEGER = 2**53 - 1


def exact_array(
    value: object, dtype: np.dtype[Any], shape: tuple[int, ...], where: Where
) -> NDArray[Any]:
    """
    Return a value as an array, without any rounding.

    :param value: an array, a NumPy scalar, or numbers in nested lists or tuples.
    :param dtype: what every element has to fit exactly; NaN and infinity fit floating point.
    :param shape: what its shape has to be.
    :raises WireError: another shape, not numbers, or not exact in the dtype.
    """
    floating = dtype.kind == 'f'
    given = as_array(value, where, floating=floating)
    if given.shape != shape:
        raise WireError(f'{path_of(where)} has the shape {given.shape}, expected {shape}.')
    if given.dtype == dtype:
        return given
    if given.dtype == object:
        return _exact_integers(given, dtype, where)
    with np.errstate(all='ignore'):
        cast = given.astype(dtype)
    wrong = ~((cast == given) | ((cast != cast) & (given != given)))
    # float64 holds not every integer beyond 2^53, so that comparing proves nothing there.
    if (given.dtype.kind == 'f') != floating:
        wrong |= ~(np.abs(given.astype(np.float64)) <= MAX_SAFE_INTEGER)
    if wrong.any():
        at = first_true(wrong)
        raise WireError(
            f'{path_of(where)}{index_text(at)} = {given[at]} of dtype {given.dtype} is not exact '
            f'in the dtype {dtype} of the space; convert it where it is made, with astype or '
            f'gymnasium.wrappers.DtypeObservation.'
        )
    return cast


def as_array(value: object, where: Where, *, floating: bool) -> NDArray[Any]:
    """
    Return a value as an array of real numbers, in whatever dtype it has.

    :param floating: whether floating point is wanted. Integers in lists stay Python objects
        otherwise, since NumPy would round some mixtures of them.
    :raises WireError: it is no array of real numbers.
    """
    try:
        if floating or isinstance(value, (np.ndarray, np.generic)):
            given = np.asarray(value)
        else:
            given = np.array(value, dtype=object)
    except Exception as error:  # __array__ of a foreign object may raise anything
        raise WireError(f'{path_of(where)} is {short(value)}, no array: {error}') from error
    if given.dtype.kind in 'biuf' or (given.dtype.kind == 'O' and not floating):
        return given
    raise WireError(
        f'{path_of(where)} is {short(value)} of dtype {given.dtype}, expected real numbers.'
    )


def _exact_integers(given: NDArray[Any], dtype: np.dtype[Any], where: Where) -> NDArray[Any]:
    info = np.iinfo(dtype) if dtype.kind in 'iu' else None
    least, most = (info.min, info.max) if info else (0, 1)
    for at in np.ndindex(given.shape):
        number = given[at]
        path = f'{path_of(where)}{index_text(at)}'
        if not isinstance(number, (int, np.integer, np.bool_)):
            raise WireError(f'{path} is {short(number)}, expected an integer.')
        if not least <= int(number) <= most:
            raise WireError(f'{path} = {short(number)} does not fit the dtype {dtype}.')
    return given.astype(dtype)
