# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Where in a nested value something is, kept cheap until an error has to name it."""

from __future__ import annotations

import reprlib
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# ``(name,)`` for the whole value, ``(where, key)`` for a part of it.
Where: TypeAlias = 'tuple[Any, ...]'


# Cuts before it writes: the repr of a picture's array would take a second.
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 80
_REPR.maxlist = _REPR.maxtuple = _REPR.maxarray = _REPR.maxdict = 10


def path_of(where: Where) -> str:
    """
    Write a path as one would write it in Python, ``observation['arm'][3]``.

    :param where: a path; the root holds a name, every part its parent and a key.
    """
    if len(where) == 1:
        return str(where[0])
    return f'{path_of(where[0])}[{where[1]!r}]'


def short(value: object) -> str:
    """
    Show a value in an error: its repr, at most 80 characters, fast, and never an exception.

    :param value: anything, broken objects included.
    """
    try:
        text = _REPR.repr(value)
    except Exception:  # a foreign __repr__ may do anything
        text = f'<{type(value).__name__}>'
    text = ' '.join(text.split())
    return text if len(text) <= 80 else text[:77] + '...'


def first_true(wrong: NDArray[Any]) -> tuple[int, ...]:
    """
    Find the first element that is true, in C order.

    :param wrong: booleans of any shape, at least one of them true.
    """
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), np.shape(wrong)))


def index_text(at: tuple[int, ...]) -> str:
    """
    Write an index as one would in Python, ``[1, 2]``; nothing for the only element of a scalar.

    :param at: an index as ``first_true`` returns it.
    """
    return f'[{", ".join(map(str, at))}]' if at else ''
