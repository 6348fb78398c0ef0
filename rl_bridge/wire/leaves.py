# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
One array of a value <-> one field of a message, and <-> a stretch of a flat action.

Floating point travels in ``numbers`` (float64 holds float16 and float32 exactly), integers and
booleans in ``integers`` (uint64 bit by bit), uint8 in ``bytes``. A value is exact or refused: the
one rounding there is turns an action's float64 into the nearest float32 or float16.
"""

from __future__ import annotations

import math
from array import array
from typing import Any, ClassVar, NoReturn

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_bridge.errors import WireError
from rl_bridge.wire.exact import MAX_SAFE_INTEGER, as_array, exact_array
from rl_bridge.wire.paths import Where, first_true, index_text, path_of, short

FLOAT64 = np.dtype(np.float64)
INT64 = np.dtype(np.int64)


class ArrayLeaf:
    """
    The elements of a Box, Discrete, MultiDiscrete or MultiBinary.

    The methods take the shape, because Sequence and Graph stack any number of such values.

    :param space: a space that ``space_to_json`` accepted.
    """

    # What carries which kind of dtype: the field, its type code, its dtype.
    _CARRIERS: ClassVar[dict[str, tuple[str, str, Any]]] = {
        'f': ('numbers', 'd', FLOAT64),
        'i': ('integers', 'q', INT64),
        'b': ('integers', 'q', INT64),
        'u': ('integers', 'q', INT64),
    }

    def __init__(self, space: spaces.Space[Any]) -> None:
        assert space.dtype is not None and space.shape is not None
        self.dtype = np.dtype(space.dtype)
        self.shape = space.shape
        self.size = math.prod(space.shape)
        self.kind = type(space).__name__
        self.low, self.high = _bounds(space)
        self.field, self.typecode, self.carrier = self._CARRIERS[self.dtype.kind]
        if self.dtype == np.uint8:
            self.field, self.typecode, self.carrier = 'bytes', 'B', self.dtype
        elif self.dtype == np.uint64:
            self.carrier = self.dtype
        self.floating = self.dtype.kind == 'f'
        self.direct = self.dtype == self.carrier
        bounded = self.floating and np.isfinite(self.low).all() and np.isfinite(self.high).all()
        self._may_be_infinite = self.floating and not bounded
        self._flat_low, self._flat_high = self.low, self.high
        if not self.floating:
            # Flat integers lie within 2^53, so that int64 holds them and every bound that matters.
            self._flat_low = _to_int64(self.low)
            self._flat_high = _to_int64(self.high)

    def exact(self, value: object, shape: tuple[int, ...], where: Where) -> NDArray[Any]:
        """As ``exact_array``: the value in the space's dtype without any rounding."""
        if type(value) is np.ndarray and value.dtype == self.dtype and value.shape == shape:
            return value
        return exact_array(value, self.dtype, shape, where)

    def nearest(self, value: object, shape: tuple[int, ...], where: Where) -> NDArray[Any]:
        """As ``exact``, but a floating-point space takes the nearest number it has."""
        if self.floating and not (type(value) is np.ndarray and value.dtype == self.dtype):
            value = as_array(value, where, floating=True)
            if value.dtype.kind == 'f':
                with np.errstate(all='ignore'):
                    value = value.astype(self.dtype)
        return self.exact(value, shape, where)

    def to_wire(self, value: object, shape: tuple[int, ...], where: Where) -> array[Any]:
        """Return the contents of the field ``self.field``; raises as ``exact``."""
        data = self.exact(value, shape, where)
        carried = array(self.typecode)
        if not self.direct:
            carried.frombytes(data.astype(self.carrier).tobytes())
        elif data.nbytes > 4096 and data.flags.c_contiguous:
            carried.frombytes(data.reshape(-1).view(np.uint8).data)  # saves a copy
        else:
            carried.frombytes(data.tobytes())
        return carried

    def from_wire(self, carried: Any, shape: tuple[int, ...], where: Where) -> NDArray[Any]:
        """
        Return a fresh array made of a field's contents.

        :param carried: contents of the field ``self.field``.
        :raises WireError: not an ``array.array`` of that field's type code, another length, or a
            number which the space's dtype does not hold.
        """
        if type(carried) is not array or carried.typecode != self.typecode:
            raise WireError(
                f'{path_of(where)} came as {short(carried)}, expected an array.array of type code '
                f'{self.typecode!r} in the field {self.field}.'
            )
        if len(carried) != math.prod(shape):
            raise WireError(
                f'{path_of(where)} came with {len(carried)} {self.field}, expected '
                f'{math.prod(shape)} for the shape {shape}.'
            )
        given = np.frombuffer(carried, self.carrier)
        if self.direct:
            return given.copy().reshape(shape)
        with np.errstate(all='ignore'):
            value = given.astype(self.dtype)
        if value.astype(self.carrier).tobytes() != carried.tobytes():
            at = first_true(value.astype(self.carrier).view(INT64) != given.view(INT64))
            raise WireError(
                f'{path_of(where)}: {given[at]!r} came for the element {at[0]}, which does not '
                f'fit the dtype {self.dtype}.'
            )
        return value.reshape(shape)

    def to_flat(self, value: object, shape: tuple[int, ...], where: Where) -> bytes:
        """
        Return the value as the bytes of float64 numbers, for a flat action.

        :raises WireError: as ``exact``; also what is not finite, and an integer beyond 2^53.
        """
        data = self.nearest(value, shape, where)
        if self.floating:
            if not np.isfinite(data).all():
                at = first_true(~np.isfinite(data))
                raise WireError(f'{path_of(where)}{index_text(at)} = {data[at]} is not finite.')
        elif self.dtype.itemsize == 8:
            too_large = (data > MAX_SAFE_INTEGER) | (data < -MAX_SAFE_INTEGER)
            if too_large.any():
                at = first_true(too_large)
                _refuse_large(f'{path_of(where)}{index_text(at)}', int(data[at]))
        return data.astype(FLOAT64).tobytes()

    def from_flat(
        self, given: NDArray[np.float64], shape: tuple[int, ...], where: Where
    ) -> NDArray[Any]:
        """
        Return a fresh array inside the space, made of a stretch of a flat action.

        :param given: float64 of shape (number of elements,); the length was checked.
        :raises WireError: not finite, no integer where one belongs, or outside the bounds.
        """
        given = given.reshape(shape)
        if not self.floating:
            # Checked before it is narrowed: 300 would become 44 in an int8.
            value = self._integers(given, where)
            self._check(value, self._flat_low, self._flat_high, where)
            return value.astype(self.dtype)
        with np.errstate(all='ignore'):
            value = given.astype(self.dtype)
        self._check(value, self.low, self.high, where, shown=given)
        if self._may_be_infinite and not np.isfinite(value).all():
            at = first_true(~np.isfinite(value))
            raise WireError(
                f'{path_of(where)}{index_text(at)} = {given[at]} is not a finite {self.dtype}; '
                'an action has to be.'
            )
        return value

    def check(self, value: NDArray[Any], where: Where) -> None:
        """
        Check that an array of the space's dtype lies within its bounds; NaN never does.

        :raises WireError: naming the element, its value and its bounds.
        """
        self._check(value, self.low, self.high, where)

    def _check(
        self,
        value: NDArray[Any],
        low: NDArray[Any],
        high: NDArray[Any],
        where: Where,
        *,
        shown: NDArray[Any] | None = None,
    ) -> None:
        inside = (value >= low) & (value <= high)
        if inside.all():
            return
        at = first_true(~inside)
        number = (value if shown is None else shown)[at].item()
        lower = np.broadcast_to(low, value.shape)[at].item()
        upper = np.broadcast_to(high, value.shape)[at].item()
        if number != number:
            wrong = 'is no number for'
        elif number < lower:
            wrong = f'is below the bound {lower} of'
        else:
            wrong = f'is above the bound {upper} of'
        raise WireError(
            f'{path_of(where)}{index_text(at)} = {number} {wrong} {self.kind} of shape '
            f'{self.shape} and dtype {self.dtype}; send values within [{lower}, {upper}].'
        )

    def _integers(self, given: NDArray[np.float64], where: Where) -> NDArray[np.int64]:
        whole = (given == np.floor(given)) & (np.abs(given) <= MAX_SAFE_INTEGER)
        if not whole.all():
            at = first_true(~whole)
            path, number = f'{path_of(where)}{index_text(at)}', float(given[at])
            if number.is_integer():
                _refuse_large(path, int(number))
            raise WireError(f'{path} = {number} is no integer; send one, 1 or 1.0 for example.')
        return given.astype(np.int64)


class DiscreteLeaf(ArrayLeaf):
    """A Discrete: alone it is a NumPy scalar, as ``Discrete.sample`` returns; stacked an array."""

    def to_wire(self, value: object, shape: tuple[int, ...], where: Where) -> array[Any]:
        """As ``ArrayLeaf.to_wire``."""
        if type(value) is np.int64 and self.dtype == INT64 and not shape:
            return array('q', (int(value),))
        return super().to_wire(value, shape, where)

    def from_wire(self, carried: Any, shape: tuple[int, ...], where: Where) -> Any:
        """As ``ArrayLeaf.from_wire``; a scalar of the space's dtype for the shape ()."""
        value = super().from_wire(carried, shape, where)
        return value if shape else value[()]

    def from_flat(
        self, given: NDArray[np.float64], shape: tuple[int, ...], where: Where
    ) -> Any:
        """As ``ArrayLeaf.from_flat``; a scalar of the space's dtype for the shape ()."""
        value = super().from_flat(given, shape, where)
        return value if shape else value[()]


def _bounds(space: spaces.Space[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lowest and highest value of each element, in the space's dtype."""
    if isinstance(space, spaces.Box):
        return space.low, space.high
    if isinstance(space, spaces.MultiBinary):
        return np.zeros((), np.int8), np.ones((), np.int8)
    if isinstance(space, spaces.Discrete):
        first, count = np.asarray(space.start), np.asarray(space.n)
    else:
        assert isinstance(space, spaces.MultiDiscrete)
        first, count = space.start, space.nvec
    # start + n - 1 may lie above the dtype, and then the dtype's own end is the bound.
    room = np.iinfo(first.dtype).max - np.maximum(first, 0)
    return first, np.asarray(first + np.minimum(count - 1, room), first.dtype)


def _to_int64(bound: NDArray[Any]) -> NDArray[np.int64]:
    """An integer bound as int64; what lies beyond 2^53 becomes the next number beyond it."""
    if bound.dtype == np.uint64:  # which int64 does not hold before it is cut
        bound = np.minimum(bound, np.uint64(MAX_SAFE_INTEGER + 1))
    limit = np.int64(MAX_SAFE_INTEGER + 1)
    wide: NDArray[np.int64] = np.clip(bound.astype(np.int64), -limit, limit)
    return wide


def _refuse_large(path: str, number: int) -> NoReturn:
    raise WireError(
        f'{path} = {number} lies beyond 2^53, where a float64 action cannot tell integers apart; '
        f'send values within [-{MAX_SAFE_INTEGER}, {MAX_SAFE_INTEGER}].'
    )
