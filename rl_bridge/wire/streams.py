# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Where nodes write to and read from: the leaves of a message, or a flat action."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rl_bridge.errors import WireError
from rl_bridge.wire.exact import MAX_SAFE_INTEGER
from rl_bridge.wire.leaves import ArrayLeaf
from rl_bridge.wire.paths import Where, path_of, short


class LeafWriter:
    """
    Appends leaves to a list.

    :param leaf_type: class of the leaves, called without arguments.
    """

    strict = False

    def __init__(self, leaf_type: Callable[[], Any]) -> None:
        self.leaves: list[Any] = []
        self._leaf_type = leaf_type

    def array(
        self, leaf: ArrayLeaf, value: object, shape: tuple[int, ...], where: Where
    ) -> None:
        """Append a leaf with the elements of an array."""
        self._append(leaf.field, leaf.to_wire(value, shape, where))

    def integers(self, values: Sequence[int], where: Where) -> None:
        """Append a leaf with integers."""
        self._append('integers', array('q', values))

    def text(self, value: str, where: Where) -> None:
        """Append a leaf with a text."""
        self._append('text', value)

    def _append(self, field: str, content: Any) -> None:
        leaf = self._leaf_type()
        setattr(leaf, field, content)
        self.leaves.append(leaf)


class LeafReader:
    """
    Takes leaves from a list.

    :param leaves: objects with the fields numbers, integers, bytes and text.
    """

    strict = False

    def __init__(self, leaves: Sequence[Any]) -> None:
        self._leaves = leaves
        self._next = 0

    def array(self, leaf: ArrayLeaf, shape: tuple[int, ...], where: Where) -> Any:
        """Take a leaf with an array of that shape."""
        return leaf.from_wire(self._take(leaf.field, where), shape, where)

    def integers(self, count: int, where: Where) -> list[int]:
        """Take a leaf with that many integers."""
        values = self._take('integers', where)
        if type(values) is not array or values.typecode != 'q' or len(values) != count:
            raise WireError(f'{path_of(where)} came as {short(values)}, expected {count} int64.')
        return values.tolist()

    def text(self, where: Where) -> str:
        """Take a leaf with a text."""
        value = self._take('text', where)
        if not isinstance(value, str):
            raise WireError(f'{path_of(where)} came as {short(value)}, expected a string.')
        return value

    def finish(self, where: Where) -> None:
        """Check that no leaf is left over."""
        left = len(self._leaves) - self._next
        if left:
            raise WireError(f'{path_of(where)} came with {left} leaves more than it has.')

    def _take(self, field: str, where: Where) -> Any:
        if self._next >= len(self._leaves):
            raise WireError(
                f'The message ends before {path_of(where)}: it has {len(self._leaves)} leaves.'
            )
        leaf = self._leaves[self._next]
        self._next += 1
        return field_of(leaf, field, where)


_FIELDS = ('numbers', 'integers', 'bytes', 'text')
_OTHERS = {name: tuple(other for other in _FIELDS if other != name) for name in _FIELDS}


def field_of(leaf: Any, field: str, where: Where) -> Any:
    """
    Return the field of a leaf that has to be filled.

    :raises WireError: another field is filled, or it is no leaf at all.
    """
    first, second, third = _OTHERS[field]
    try:
        if len(getattr(leaf, first)) or len(getattr(leaf, second)) or len(getattr(leaf, third)):
            raise WireError(
                f'{path_of(where)} came in another field than {field}, the only one to be filled.'
            )
        return getattr(leaf, field)
    except (AttributeError, TypeError) as error:
        raise WireError(f'{path_of(where)} came as {short(leaf)}, expected a leaf.') from error


class FlatWriter:
    """Collects a flat action: float64 numbers, and texts apart from them."""

    strict = False

    def __init__(self) -> None:
        self.numbers = array('d')
        self.texts: list[str] = []

    def array(
        self, leaf: ArrayLeaf, value: object, shape: tuple[int, ...], where: Where
    ) -> None:
        """Append the elements of an array."""
        self.numbers.frombytes(leaf.to_flat(value, shape, where))

    def integers(self, values: Sequence[int], where: Where) -> None:
        """Append integers."""
        self.numbers.extend(values)

    def text(self, value: str, where: Where) -> None:
        """Append a text."""
        self.texts.append(value)


class FlatReader:
    """
    Takes a flat action apart; every value has to lie inside its space.

    :param numbers: float64.
    :param texts: strings.
    :param order: names the parts in order, for an error about their number.
    """

    strict = True

    def __init__(
        self, numbers: array[float], texts: Sequence[str], order: Callable[[], str]
    ) -> None:
        self._numbers = np.frombuffer(numbers, np.float64)
        self._texts = texts
        self._order = order
        self._next = 0
        self._next_text = 0

    def array(self, leaf: ArrayLeaf, shape: tuple[int, ...], where: Where) -> Any:
        """Take the elements of an array of that shape."""
        count = leaf.size
        if shape is not leaf.shape:
            count *= shape[0]
        return leaf.from_flat(self._take(count, where), shape, where)

    def integers(self, count: int, where: Where) -> list[int]:
        """Take that many integers."""
        values = self._take(count, where).tolist()
        for value in values:
            if not value.is_integer() or abs(value) > MAX_SAFE_INTEGER:
                raise WireError(f'{path_of(where)} has {value} for a count or an index.')
        return [int(value) for value in values]

    def text(self, where: Where) -> str:
        """Take a text."""
        if self._next_text >= len(self._texts):
            raise WireError(
                f'{path_of(where)} is missing: {len(self._texts)} texts came; the order is: '
                f'{self._order()}.'
            )
        value = self._texts[self._next_text]
        self._next_text += 1
        return value

    def finish(self, where: Where) -> None:
        """Check that nothing is left over."""
        numbers = self._numbers.size - self._next
        texts = len(self._texts) - self._next_text
        if numbers or texts:
            raise WireError(
                f'{path_of(where)} came with {numbers} numbers and {texts} texts more than it '
                f'has; the order is: {self._order()}.'
            )

    def _take(self, count: int, where: Where) -> Any:
        end = self._next + count
        if end > self._numbers.size:
            raise WireError(
                f'{path_of(where)} needs {count} numbers, only {self._numbers.size - self._next} '
                f'are left; the order is: {self._order()}.'
            )
        taken = self._numbers[self._next : end]
        self._next = end
        return taken


class Checker:
    """Takes a value apart to check that it lies inside its space, and keeps nothing."""

    strict = True

    def array(
        self, leaf: ArrayLeaf, value: object, shape: tuple[int, ...], where: Where
    ) -> None:
        """Check dtype, shape and bounds of an array."""
        leaf.check(leaf.nearest(value, shape, where), where)

    def integers(self, values: Sequence[int], where: Where) -> None:
        """Nothing to check: the node made them."""

    def text(self, value: str, where: Where) -> None:
        """Nothing to check: the node did."""
