# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The client's half of the lease: who it is, what it holds, and the heartbeat that keeps it."""

from __future__ import annotations

import contextlib
import functools
import getpass
import itertools
import os
import secrets
import socket
import threading
import time
import weakref
from array import array

from rl_bridge.access import Secret, close_claim, heartbeat_claim
from rl_bridge.client.transport import Transport
from rl_bridge.errors import BridgeError
from rl_bridge.types import no_proof

HEARTBEATS_PER_LEASE = 4
RELEASE_TIMEOUT_S = 0.5


@functools.cache
def _client_id_of(pid: int) -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for this user
        user = str(os.getuid())
    return f'{user}@{socket.gethostname()}:{pid}:{secrets.token_hex(4)}'


def default_client_id() -> str:
    """
    Return ``user@host:pid:nonce``, the same for every env of this process.

    One name per process because gymnasium's ``check_env`` opens a second env while the first is
    open.
    """
    return _client_id_of(os.getpid())


# Grow over restarts too, for client ids that the user chose; a repeated number would get an old
# reply.
_reset_ids = itertools.count(time.time_ns())


def next_reset_id() -> int:
    """Return a number greater than all before it; shared by all envs of this process."""
    return next(_reset_ids)


class Lease:
    """
    A session held at a bridge, renewed by a daemon thread until released.

    The thread knows this object only weakly and shares no lock with the calls, so it neither keeps
    a forgotten env's robot reserved nor waits for a slow step.

    :param transport: where heartbeats and the release go.
    :param client_id: who holds the lease.
    :param lease_s: the bridge's lease in seconds; renewed four times within it.
    :param secret: proves heartbeats and the release; None = the bridge asks for no proof.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        client_id: str,
        lease_s: float,
        secret: Secret | None = None,
    ) -> None:
        self.client_id = client_id
        self.session = ''
        self.epoch = 0
        self._transport = transport
        self._secret = secret
        self._period_s = lease_s / HEARTBEATS_PER_LEASE
        self._pid = os.getpid()
        self._count = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether a session is held, as far as this side knows."""
        return bool(self.session)

    def take(self, session: str, epoch: int) -> None:
        """Note the session that the bridge gave and keep it alive."""
        # The epoch first: the thread reads the session to know whether to beat.
        self.epoch = epoch
        self.session = session
        if self._thread is None and self._period_s > 0:
            self._thread = threading.Thread(
                target=_beat,
                args=(weakref.ref(self), self._stop, self._period_s),
                name='rl_bridge heartbeat',
                daemon=True,
            )
            self._thread.start()

    def forget(self) -> None:
        """Stop renewing a session that has ended on the other side."""
        self.session = ''

    def close(self) -> None:
        """
        Release the session and end the thread; idempotent, nothing after a fork.

        A bridge that does not answer is not waited for: its lease expires by itself.
        """
        if os.getpid() != self._pid:
            return
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=RELEASE_TIMEOUT_S)
        session, self.session = self.session, ''
        if session:
            auth = self.prove(close_claim(session, epoch=self.epoch))
            with contextlib.suppress(BridgeError):
                self._transport.close_session(session, timeout_s=RELEASE_TIMEOUT_S, auth=auth)

    def prove(self, claim: bytes) -> array[int]:
        """Return the proof of what is claimed in this session's name; empty without a secret."""
        return no_proof() if self._secret is None else self._secret.prove(claim)

    def beat(self) -> None:
        """Renew the lease once, if one is held."""
        session, epoch = self.session, self.epoch
        if session:
            self._count += 1
            auth = self.prove(heartbeat_claim(
                client_id=self.client_id, session=session, epoch=epoch, count=self._count))
            self._transport.heartbeat(
                client_id=self.client_id, session=session, epoch=epoch, count=self._count,
                auth=auth)


def _beat(lease: weakref.ref[Lease], stop: threading.Event, period_s: float) -> None:
    while not stop.wait(period_s):
        held = lease()
        if held is None:
            return
        try:
            held.beat()
        except BridgeError:
            return  # the transport is closed: the lease ends by itself
        del held
