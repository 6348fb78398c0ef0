# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A space as a tree of nodes that read and write its values, one class a kind of space.

A node knows the order of its parts and nothing of messages: ``Writer`` and ``Reader`` (streams.py)
put leaves into messages or into a flat action. Here are the nodes of fixed length; those of
variable length are in variable_nodes.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import WireError
from rl_bridge.wire.leaves import ArrayLeaf
from rl_bridge.wire.paths import Where, path_of, short


class Writer(Protocol):
    """Takes the leaves of a value in spec order."""

    strict: bool  # whether what only breaks containment is refused

    def array(
        self, leaf: ArrayLeaf, value: object, shape: tuple[int, ...], where: Where
    ) -> None: ...

    def integers(self, values: Sequence[int], where: Where) -> None: ...

    def text(self, value: str, where: Where) -> None: ...


class Reader(Protocol):
    """Gives the leaves of a value back in spec order."""

    strict: bool

    def array(self, leaf: ArrayLeaf, shape: tuple[int, ...], where: Where) -> Any: ...

    def integers(self, count: int, where: Where) -> list[int]: ...

    def text(self, where: Where) -> str: ...


class Node(ABC):
    """
    Reads and writes the values of one space.

    ``numbers`` and ``texts`` tell how many of them a flat action has at least for one value;
    exactly that many where ``fixed`` is true.
    """

    numbers = 1
    texts = 0
    fixed = True

    @abstractmethod
    def write(self, value: Any, writer: Writer, where: Where) -> None:
        """Write one value; raises WireError where it does not have the form of the space."""

    @abstractmethod
    def read(self, reader: Reader, where: Where) -> Any:
        """Read one value, fresh; raises WireError where the message does not have the form."""

    @abstractmethod
    def layout(self, where: Where) -> list[str]:
        """Name the parts of a flat action with their lengths, in order."""

    def _sum_up(self, parts: Iterable[Node]) -> None:
        parts = tuple(parts)
        self.numbers = sum(part.numbers for part in parts)
        self.texts = sum(part.texts for part in parts)
        self.fixed = all(part.fixed for part in parts)

    # Sequence(stack=True) and Graph hold values stacked as gymnasium.vector.utils.batch_space
    # does: arrays get one more axis, Dict and Tuple hold stacks, all else becomes a tuple.

    def rows(self, value: Any, where: Where) -> int:
        """Tell how many values are stacked."""
        return length_of(value, where)

    def write_rows(self, value: Any, count: int, writer: Writer, where: Where) -> None:
        """Write stacked values."""
        for i, item in enumerate(value):
            self.write(item, writer, (where, i))

    def read_rows(self, count: int, reader: Reader, where: Where) -> Any:
        """Read stacked values; the count was checked."""
        return tuple(self.read(reader, (where, i)) for i in range(count))


class ArrayNode(Node):
    """Box, Discrete, MultiDiscrete and MultiBinary."""

    def __init__(self, leaf: ArrayLeaf) -> None:
        self.leaf = leaf
        self.numbers = leaf.size

    def write(self, value: Any, writer: Writer, where: Where) -> None:
        writer.array(self.leaf, value, self.leaf.shape, where)

    def read(self, reader: Reader, where: Where) -> Any:
        return reader.array(self.leaf, self.leaf.shape, where)

    def layout(self, where: Where) -> list[str]:
        return [f'{path_of(where)} ({self.leaf.size})']

    def write_rows(self, value: Any, count: int, writer: Writer, where: Where) -> None:
        writer.array(self.leaf, value, (count, *self.leaf.shape), where)

    def read_rows(self, count: int, reader: Reader, where: Where) -> Any:
        return reader.array(self.leaf, (count, *self.leaf.shape), where)


class TextNode(Node):
    """Text: its length and characters are checked both ways."""

    numbers = 0
    texts = 1

    def __init__(self, space: spaces.Text) -> None:
        self._lengths = (space.min_length, space.max_length)
        self._characters = space.character_set

    def write(self, value: Any, writer: Writer, where: Where) -> None:
        self._check(value, where)
        writer.text(str(value), where)

    def read(self, reader: Reader, where: Where) -> Any:
        value = reader.text(where)
        self._check(value, where)
        return value

    def layout(self, where: Where) -> list[str]:
        return [f'{path_of(where)} (1 text)']

    def _check(self, value: object, where: Where) -> None:
        if not isinstance(value, str):
            raise WireError(f'{path_of(where)} is {short(value)}, expected a string.')
        least, most = self._lengths
        if not least <= len(value) <= most:
            raise WireError(
                f'{path_of(where)} = {short(value)} has {len(value)} characters, expected '
                f'{least} to {most}.'
            )
        foreign = set(value) - self._characters
        if foreign:
            raise WireError(
                f'{path_of(where)} = {short(value)} contains {min(foreign)!r}, which is not in '
                f'the charset of its Text space.'
            )


class DictNode(Node):
    """Dict: its parts in the order of the space's keys."""

    def __init__(self, parts: dict[str, Node]) -> None:
        self._parts = parts
        self._pairs = tuple(parts.items())
        self._sum_up(parts.values())

    def write(self, value: Any, writer: Writer, where: Where) -> None:
        self._check(value, where)
        for key, node in self._pairs:
            node.write(value[key], writer, (where, key))

    def read(self, reader: Reader, where: Where) -> Any:
        return {key: node.read(reader, (where, key)) for key, node in self._pairs}

    def layout(self, where: Where) -> list[str]:
        return [item for key, node in self._pairs for item in node.layout((where, key))]

    def rows(self, value: Any, where: Where) -> int:
        self._check(value, where)
        counts = {node.rows(value[key], (where, key)) for key, node in self._pairs}
        return _equal(counts, where)

    def write_rows(self, value: Any, count: int, writer: Writer, where: Where) -> None:
        for key, node in self._pairs:
            node.write_rows(value[key], count, writer, (where, key))

    def read_rows(self, count: int, reader: Reader, where: Where) -> Any:
        return {key: node.read_rows(count, reader, (where, key)) for key, node in self._pairs}

    def _check(self, value: Any, where: Where) -> None:
        if not isinstance(value, dict):
            raise WireError(f'{path_of(where)} is {short(value)}, expected a dict.')
        if value.keys() != self._parts.keys():
            raise WireError(
                f'{path_of(where)} has the keys {short(list(value))}, expected '
                f'{short(list(self._parts))}.'
            )


class TupleNode(Node):
    """Tuple: its parts in order."""

    def __init__(self, parts: list[Node]) -> None:
        self._parts = tuple(parts)
        self._sum_up(parts)

    def write(self, value: Any, writer: Writer, where: Where) -> None:
        self._check(value, where)
        for i, node in enumerate(self._parts):
            node.write(value[i], writer, (where, i))

    def read(self, reader: Reader, where: Where) -> Any:
        return tuple([node.read(reader, (where, i)) for i, node in enumerate(self._parts)])

    def layout(self, where: Where) -> list[str]:
        return [item for i, node in enumerate(self._parts) for item in node.layout((where, i))]

    def rows(self, value: Any, where: Where) -> int:
        self._check(value, where)
        counts = {node.rows(value[i], (where, i)) for i, node in enumerate(self._parts)}
        return _equal(counts, where)

    def write_rows(self, value: Any, count: int, writer: Writer, where: Where) -> None:
        for i, node in enumerate(self._parts):
            node.write_rows(value[i], count, writer, (where, i))

    def read_rows(self, count: int, reader: Reader, where: Where) -> Any:
        parts = enumerate(self._parts)
        return tuple([node.read_rows(count, reader, (where, i)) for i, node in parts])

    def _check(self, value: Any, where: Where) -> None:
        # Gymnasium's Tuple takes lists and arrays too.
        if length_of(value, where) != len(self._parts):
            raise WireError(
                f'{path_of(where)} has {len(value)} elements, expected {len(self._parts)}.'
            )


def length_of(value: Any, where: Where) -> int:
    """
    Count the elements of a tuple, list or array.

    :raises WireError: it is none of them.
    """
    if isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim):
        return len(value)
    raise WireError(f'{path_of(where)} is {short(value)}, expected a tuple or an array.')


def _equal(counts: set[int], where: Where) -> int:
    if len(counts) > 1:
        raise WireError(f'{path_of(where)} stacks unequal numbers of values: {sorted(counts)}.')
    return counts.pop() if counts else 0
