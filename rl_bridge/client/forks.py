# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What a fork does to a process with DDS in it: nothing of DDS works in the child any more.

Its threads are the parent's, so the child can neither use nor destroy it. Seen with Fast DDS 2.14:
a child that leaves by ``sys.exit`` hangs or crashes in the destructor of
``DomainParticipantFactory``, even where all participants had been closed before the fork.
"""

from __future__ import annotations

import ctypes
import os
import weakref

from rl_bridge.errors import ForkedClient

_connections: weakref.WeakSet[object] = weakref.WeakSet()
_first_pid = 0


def refuse_in_a_fork(bridge: str) -> None:
    """
    Note that this process uses DDS from now on.

    :raises ForkedClient: it was forked from one that did so.
    """
    global _first_pid
    _first_pid = _first_pid or os.getpid()
    if _first_pid != os.getpid():
        raise ForkedClient(forked_sentence(bridge, _first_pid))


def keep_out_of_forks(connection: object) -> None:
    """Let no forked child destroy a connection, which must be weakly referable."""
    _connections.add(connection)


def forked_sentence(bridge: str, pid: int) -> str:
    """
    Say what happened and how workers are made.

    :param pid: the process that the connection belongs to.
    """
    return (
        f'The connection to {bridge} belongs to process {pid} and does not survive the fork into '
        f"{os.getpid()}. Make the env in the worker itself and start workers with 'spawn' or "
        "'forkserver' (AsyncVectorEnv(..., context='spawn'))."
    )


def _defuse_child() -> None:
    """Keep all objects for ever, and leave with ``_exit`` before the C++ destructors run."""
    if not _first_pid:
        return
    for connection in list(_connections):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
    libc = ctypes.CDLL(None)
    if hasattr(libc, 'on_exit') and hasattr(libc, 'fcloseall'):  # glibc
        libc.on_exit(libc._exit, None)  # called with the exit status
        libc.on_exit(libc.fcloseall, None)  # registered later, so it runs first


os.register_at_fork(after_in_child=_defuse_child)
