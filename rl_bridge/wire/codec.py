# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Values of a space <-> leaves of a message, and <-> a flat action that a person can type."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import WireError
from rl_bridge.types import Leaf
from rl_bridge.wire.nodes import ArrayNode
from rl_bridge.wire.paths import short
from rl_bridge.wire.spaces import space_to_json
from rl_bridge.wire.streams import (
    Checker,
    FlatReader,
    FlatWriter,
    LeafReader,
    LeafWriter,
    field_of,
)
from rl_bridge.wire.variable_nodes import node_of


class SpaceCodec:
    """
    Packs and unpacks the values of one space.

    Every value is exact or refused. What comes back is fresh, of the space's own dtype and shape:
    an environment that returns a Python ``int`` for a Discrete is given back as the equal NumPy
    scalar ``Discrete.sample`` returns, and edge links of a graph as int32.

    :param space: a space of Gymnasium's own classes.
    :param name: what errors call the value, ``'action'`` or ``'observation'``.
    :raises SpecError: the space cannot travel.
    """

    def __init__(self, space: spaces.Space[Any], *, name: str = 'value') -> None:
        space_to_json(space)  # the one place that decides what can travel
        self.space = space
        self._where = (name,)
        self._root = node_of(space)
        # Most spaces are one array, and skip the walk through the tree.
        self._only = self._root.leaf if isinstance(self._root, ArrayNode) else None

    def pack(self, value: Any, leaf_type: Callable[[], Any] = Leaf) -> list[Any]:
        """
        Turn a value into leaves; whether it lies inside its bounds is not checked.

        :param value: a value of the space, NaN and infinity included.
        :param leaf_type: class of the leaves, called without arguments.
        :raises WireError: a wrong form, shape or dtype, or a text outside its Text space.
        """
        if self._only is not None:
            leaf = leaf_type()
            content = self._only.to_wire(value, self._only.shape, self._where)
            setattr(leaf, self._only.field, content)
            return [leaf]
        writer = LeafWriter(leaf_type)
        self._root.write(value, writer, self._where)
        return writer.leaves

    def unpack(self, leaves: Sequence[Any]) -> Any:
        """
        Turn leaves into the value they were packed from, with fresh buffers.

        :param leaves: objects with the fields numbers, integers, bytes and text.
        :raises WireError: they do not have the form of the space.
        """
        if not isinstance(leaves, (list, tuple)):
            name = self._where[0]
            raise WireError(f'{name} came as {short(leaves)}, expected a list of leaves.')
        only = self._only
        if only is not None and len(leaves) == 1:
            return only.from_wire(
                field_of(leaves[0], only.field, self._where), only.shape, self._where
            )
        reader = LeafReader(leaves)
        value = self._root.read(reader, self._where)
        reader.finish(self._where)
        return value

    def flatten(self, value: Any) -> tuple[array[float], list[str]]:
        """
        Turn an action into numbers and texts in spec order; bounds are not checked.

        :param value: a value of the space; a floating-point space takes the nearest number.
        :return: numbers of type code 'd', and the texts apart.
        :raises WireError: a wrong form, shape or dtype, not finite, or an integer beyond 2^53.
        """
        writer = FlatWriter()
        self._root.write(value, writer, self._where)
        return writer.numbers, writer.texts

    def unflatten(self, numbers: Sequence[float], texts: Sequence[str] = ()) -> Any:
        """
        Turn numbers and texts, typed by hand perhaps, into an action inside the space.

        :param numbers: in spec order; an integer may come as 1.0.
        :param texts: in spec order.
        :raises WireError: the sentence names the element, its value, its bound and the fix.
        """
        if type(numbers) is not array or numbers.typecode != 'd':
            numbers = self._typed(numbers)
        if not isinstance(texts, (list, tuple)):
            raise WireError(f'{self._where[0]} has the texts {short(texts)}, expected a list.')
        root = self._root
        if root.fixed and (len(numbers) != root.numbers or len(texts) != root.texts):
            raise WireError(self._wrong_length(len(numbers), len(texts)))
        reader = FlatReader(numbers, texts, self._order)
        value = root.read(reader, self._where)
        reader.finish(self._where)
        return value

    def check(self, value: Any) -> None:
        """
        Check that a value lies inside the space.

        :raises WireError: it does not; the sentence names the element, its value and its bound.
        """
        self._root.write(value, Checker(), self._where)

    def _typed(self, numbers: object) -> array[float]:
        try:
            if isinstance(numbers, (list, tuple, array, np.ndarray)):
                return array('d', numbers)
            problem = None
        except (TypeError, ValueError, OverflowError) as error:
            problem = error
        raise WireError(f'{self._where[0]} is {short(numbers)}, expected numbers.') from problem

    def _wrong_length(self, numbers: int, texts: int) -> str:
        expected = f'{self._root.numbers} numbers'
        given = f'{numbers} numbers'
        if self._root.texts or texts:
            expected += f' and {self._root.texts} texts'
            given += f' and {texts} texts'
        return f'{self._where[0]} has {given}, expected {expected} in the order: {self._order()}.'

    def _order(self) -> str:
        return ', '.join(self._root.layout(self._where))
