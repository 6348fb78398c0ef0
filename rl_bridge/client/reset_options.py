# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The options of a reset as strict JSON; what would only travel as its repr is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.wire import info_to_json

MAX_DEPTH = 16

_PLAIN = (bool, int, float, str, bytes, np.generic, np.ndarray, type(None))


def options_to_json(options: dict[str, Any] | None) -> str:
    """
    Write the options of a reset.

    :return: strict JSON; empty for none.
    :raises ConfigError: they are no dict, or hold what cannot travel; the sentence names it.
    """
    if options is None:
        return ''
    if not isinstance(options, dict):
        raise ConfigError(f'options is a {type(options).__name__}; a dict is needed.')
    stranger = _stranger(options, 'options', MAX_DEPTH)
    if stranger:
        raise ConfigError(
            f'{stranger} cannot travel; use what JSON has, tuples, bytes or NumPy values.')
    return info_to_json(options)


def _stranger(value: Any, path: str, depth: int) -> str:
    """Name the first value that cannot travel exactly, or return an empty string."""
    if isinstance(value, (list, tuple, dict)) and depth:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            found = _stranger(key, f'the key {key!r:.80} of {path}', depth - 1)
            found = found or _stranger(item, f'{path}[{key!r:.80}]', depth - 1)
            if found:
                return found
        return ''
    if isinstance(value, _PLAIN) and not (isinstance(value, np.ndarray) and value.dtype.hasobject):
        return ''
    return f'{path} = {value!r:.80}'
