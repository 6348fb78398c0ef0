# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Waits for what a process says."""

from __future__ import annotations

from typing import IO


def lines_until(stream: IO[str] | None, word: str) -> list[str]:
    """Return the lines up to the first with ``word`` in it; fail where the stream ends before."""
    assert stream is not None
    lines = []
    for line in stream:
        lines.append(line)
        if word in line:
            return lines
    raise AssertionError(f'{word!r} never came: {"".join(lines)}')
