# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The nodes of variable length, and the tree for a space.

Sequence writes a count and then its elements, OneOf an index and then the value, Graph the counts
of nodes, edges and edge links (-1 for None) and then their rows. A count is never trusted:
elements are read until the message ends, and rows only where they are as many as it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import WireError
from rl_bridge.wire.leaves import ArrayLeaf, DiscreteLeaf
from rl_bridge.wire.nodes import (
    ArrayNode,
    DictNode,
    Node,
    Reader,
    TextNode,
    TupleNode,
    Writer,
    length_of,
)
from rl_bridge.wire.paths import Where, path_of, short

# A message cannot contradict a count of elements without any content, so a limit has to do.
MAX_EMPTY_ELEMENTS = 1024

# As Graph.sample and Graph.from_jsonable make them.
_LINK = ArrayLeaf(spaces.Box(0, 2**31 - 1, (2,), np.int32))


class SequenceNode(Node):
    """Sequence: a count, then the elements."""

    fixed = False

    def __init__(self, element: Node, *, stack: bool) -> None:
        self._element = element
        self._stack = stack

    def write(self, value: Any, writer: Writer, where: Where) -> None:
        count = self._element.rows(value, where) if self._stack else length_of(value, where)
        _check_count(self._element, count, where)
        writer.integers((count,), where)
        if self._stack:
            self._element.write_rows(value, count, writer, where)
        else:
            for i, item in enumerate(value):
                self._element.write(item, writer, (where, i))

    def read(self, reader: Reader, where: Where) -> Any:
        (count,) = reader.integers(1, where)
        _check_count(self._element, count, where)
        if self._stack:
            return self._element.read_rows(count, reader, where)
        return tuple([self._element.read(reader, (where, i)) for i in range(count)])

    def layout(self, where: Where) -> list[str]:
        return [f'the count of {path_of(where)} (1)', 'the elements']


class OneOfNode(Node):
    """OneOf: the index of the chosen space, then the value."""

    fixed = False

    def __init__(self, choices: list[Node]) -> None:
        self._choices = tuple(choices)

    def write(self, value: Any, writer: Writer, where: Where) -> None:
        if not isinstance(value, tuple) or len(value) != 2:
            raise WireError(f'{path_of(where)} is {short(value)}, expected (index, value).')
        index, chosen = value
        if not isinstance(index, (int, np.integer)):
            raise WireError(f'{path_of(where)} has the index {short(index)}, expected an integer.')
        node = self._choice(int(index), where)
        writer.integers((int(index),), where)
        node.write(chosen, writer, (where, int(index)))

    def read(self, reader: Reader, where: Where) -> Any:
        (index,) = reader.integers(1, where)
        value = self._choice(index, where).read(reader, (where, index))
        return np.int64(index), value  # as OneOf.sample returns it

    def layout(self, where: Where) -> list[str]:
        return [f'the index of {path_of(where)} (1)', 'the value']

    def _choice(self, index: int, where: Where) -> Node:
        if not 0 <= index < len(self._choices):
            raise WireError(
                f'{path_of(where)} has the index {short(index)}, expected 0 to '
                f'{len(self._choices) - 1}.'
            )
        return self._choices[index]


class GraphNode(Node):
    """Graph: three counts, then the rows of nodes, edges and edge links; -1 stands for None."""

    numbers = 3
    fixed = False

    def __init__(self, node: Node, edge: Node | None) -> None:
        self._node = node
        self._edge = edge

    def write(self, value: Any, writer: Writer, where: Where) -> None:
        if not isinstance(value, spaces.GraphInstance):
            raise WireError(f'{path_of(where)} is {short(value)}, expected a GraphInstance.')
        counts = [self._node.rows(value.nodes, (where, 'nodes')), -1, -1]
        if value.edges is not None and self._edge is not None:
            counts[1] = self._edge.rows(value.edges, (where, 'edges'))
        elif value.edges is not None:
            raise WireError(f'{path_of(where)} has edges, but its space has no edge_space.')
        if value.edge_links is not None:
            counts[2] = length_of(value.edge_links, (where, 'edge_links'))
        self._check_counts(counts, writer.strict, where)
        writer.integers(counts, where)
        self._node.write_rows(value.nodes, counts[0], writer, (where, 'nodes'))
        if self._edge is not None and value.edges is not None:
            self._edge.write_rows(value.edges, counts[1], writer, (where, 'edges'))
        if value.edge_links is not None:
            inner = (where, 'edge_links')
            writer.array(_LINK, value.edge_links, (counts[2], 2), inner)
            if writer.strict:
                _check_links(np.asarray(value.edge_links), counts[0], inner)

    def read(self, reader: Reader, where: Where) -> Any:
        counts = reader.integers(3, where)
        self._check_counts(counts, reader.strict, where)
        edges = links = None
        nodes = self._node.read_rows(counts[0], reader, (where, 'nodes'))
        if self._edge is not None and counts[1] >= 0:
            edges = self._edge.read_rows(counts[1], reader, (where, 'edges'))
        if counts[2] >= 0:
            inner = (where, 'edge_links')
            links = reader.array(_LINK, (counts[2], 2), inner)
            if reader.strict:
                _check_links(links, counts[0], inner)
        return spaces.GraphInstance(nodes, edges, links)

    def layout(self, where: Where) -> list[str]:
        counts = f'the counts of nodes, edges and edge links of {path_of(where)} (3; -1 for None)'
        return [counts, 'their rows']

    def _check_counts(self, counts: Sequence[int], strict: bool, where: Where) -> None:
        nodes, edges, links = counts
        _check_count(self._node, nodes, (where, 'nodes'))
        if edges != -1:
            if self._edge is None:
                raise WireError(f'{path_of(where)} has edges, but its space has no edge_space.')
            _check_count(self._edge, edges, (where, 'edges'))
        if links != -1:
            _check_count(ArrayNode(_LINK), links, (where, 'edge_links'))
        if strict and edges != links:
            raise WireError(
                f'{path_of(where)} has {edges} edges and {links} edge links, expected as many of '
                'the one as of the other.'
            )


def node_of(space: spaces.Space[Any]) -> Node:
    """
    Build the tree for a space.

    :param space: a space that ``space_to_json`` accepted.
    """
    if isinstance(space, spaces.Discrete):
        return ArrayNode(DiscreteLeaf(space))
    if isinstance(space, spaces.Text):
        return TextNode(space)
    if isinstance(space, spaces.Dict):
        return DictNode({key: node_of(part) for key, part in space.spaces.items()})
    if isinstance(space, spaces.Tuple):
        return TupleNode([node_of(part) for part in space.spaces])
    if isinstance(space, spaces.Sequence):
        return SequenceNode(node_of(space.feature_space), stack=space.stack)
    if isinstance(space, spaces.OneOf):
        return OneOfNode([node_of(part) for part in space.spaces])
    if isinstance(space, spaces.Graph):
        edge = space.edge_space
        return GraphNode(node_of(space.node_space), None if edge is None else node_of(edge))
    return ArrayNode(ArrayLeaf(space))


def _check_count(element: Node, count: int, where: Where) -> None:
    """Refuse a count that the rest of the message cannot contradict by being too short."""
    if count < 0:
        raise WireError(f'{path_of(where)} has the count {count}, expected 0 or more.')
    if count > MAX_EMPTY_ELEMENTS and element.numbers + element.texts == 0:
        raise WireError(
            f'{path_of(where)} has {count} elements without content, the limit is '
            f'{MAX_EMPTY_ELEMENTS}.'
        )


def _check_links(links: Any, nodes: int, where: Where) -> None:
    if links.size and not (links.min() >= 0 and links.max() < nodes):
        raise WireError(
            f'{path_of(where)} reaches from node {links.min()} to {links.max()}, but there are '
            f'{nodes} nodes; send indices within [0, {nodes - 1}].'
        )
