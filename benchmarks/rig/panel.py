# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Memory that a lane shares with the processes it forks: wishes one way, stamps the other.

An order costs no system call and is seen at the next look, so it disturbs no measurement.
"""

from __future__ import annotations

import ctypes
import mmap
from enum import IntEnum

CLIENTS = 8


class Wish(IntEnum):
    """What a client is to do."""

    WAIT = 0
    DRIVE = 1
    PAUSE = 2


class ClientPanel(ctypes.Structure):
    """
    One client.

    Written by the lane: ``wish``; ``direction``, the velocity to ask for, rad/s; ``again``,
    whether to begin another episode when one is over. Written by the client: ``ready``, connected
    and without a session; ``asked_ns``, when the last reset was sent; ``paused_ns``, since when it
    pauses, 0 = it does not; counts of ``steps``, ``resets``, of steps ``held`` before, of
    ``stops`` (truncated with a stop reason) and of ``errors``.
    """

    _fields_ = [
        ('direction', ctypes.c_double),
        *((name, ctypes.c_int64) for name in (
            'wish', 'again', 'ready', 'asked_ns', 'paused_ns', 'steps', 'resets', 'held',
            'stops', 'errors',
        )),
    ]  # fmt: skip

    def clear(self) -> None:
        """Make it that of a client that has not started yet."""
        ctypes.memset(ctypes.addressof(self), 0, ctypes.sizeof(self))


class Panel(ctypes.Structure):
    """
    All of it.

    ``freeze_ms`` asks the hosted task to hold the interpreter lock for so long, once, in the place
    ``freeze_in`` (0 before a command, 1 after it); it answers with ``frozen_ns``.
    """

    _fields_ = [
        ('clients', ClientPanel * CLIENTS),
        ('freeze_ms', ctypes.c_int64),
        ('freeze_in', ctypes.c_int64),
        ('frozen_ns', ctypes.c_int64),
    ]


def shared_panel() -> Panel:
    """Return a panel that this process shares with all it forks from now on."""
    return Panel.from_buffer(mmap.mmap(-1, ctypes.sizeof(Panel)))
