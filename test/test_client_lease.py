# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The lease's heartbeat: it beats while a session is held, and for nobody who is gone."""

from __future__ import annotations

import gc
import getpass
import threading
import weakref
from typing import Any

import pytest
from client_scripted_bridge import ACTION, NotingTransport, ScriptedBridge

from rl_bridge.client import RemoteRobotEnv, lease
from rl_bridge.client.lease import Lease, default_client_id, next_reset_id
from rl_bridge.errors import BridgeUnavailable, SessionLost
from rl_bridge.types import StatusCode

WITHIN_S = 10.0


def beating() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name == 'rl_bridge heartbeat'}


@pytest.fixture
def bridge() -> ScriptedBridge:
    return ScriptedBridge(lease=0.02)


@pytest.fixture
def held(bridge: ScriptedBridge) -> Any:
    lease_held = Lease(NotingTransport(bridge), client_id='alice', lease_s=0.02)
    yield lease_held
    lease_held.close()


def test_the_lease_is_renewed_with_growing_counts_until_closed(
    bridge: ScriptedBridge, held: Lease
) -> None:
    held.take('s1', 5)
    for _ in range(3):
        assert bridge.beaten.acquire(timeout=WITHIN_S)
    thread = held._thread
    held.close()
    assert thread is not None and not thread.is_alive()
    assert bridge.beats[:3] == [('alice', 's1', 5, count) for count in (1, 2, 3)]
    assert bridge.closed == ['s1'] and not held.held


def test_nothing_is_renewed_before_a_session_is_held_or_after_it_was_forgotten(
    bridge: ScriptedBridge, held: Lease
) -> None:
    held.beat()
    held.take('s1', 5)
    held.forget()
    count = len(bridge.beats)
    held.beat()
    assert len(bridge.beats) == count
    held.close()
    assert bridge.closed == []


def test_a_new_session_is_renewed_by_the_same_thread(bridge: ScriptedBridge, held: Lease) -> None:
    held.take('s1', 5)
    thread = held._thread
    held.take('s2', 6)
    assert held._thread is thread
    while bridge.beaten.acquire(timeout=WITHIN_S):
        if bridge.beats[-1][1:3] == ('s2', 6):
            break
    else:
        pytest.fail('the new session was never renewed')


def test_a_forgotten_lease_ends_its_thread(bridge: ScriptedBridge) -> None:
    forgotten = Lease(NotingTransport(bridge), client_id='alice', lease_s=0.02)
    forgotten.take('s1', 5)
    thread = forgotten._thread
    assert thread is not None and thread.daemon
    gone = weakref.ref(forgotten)
    del forgotten
    thread.join(WITHIN_S)
    gc.collect()
    assert not thread.is_alive() and gone() is None


def test_a_transport_that_is_gone_ends_the_thread(bridge: ScriptedBridge) -> None:
    class Gone(NotingTransport):
        def heartbeat(self, **fields: Any) -> None:
            raise BridgeUnavailable('closed')

    held = Lease(Gone(bridge), client_id='alice', lease_s=0.02)
    held.take('s1', 5)
    thread = held._thread
    assert thread is not None
    thread.join(WITHIN_S)
    assert not thread.is_alive()
    held.close()


def test_a_bridge_without_a_lease_time_gets_no_heartbeat(bridge: ScriptedBridge) -> None:
    held = Lease(NotingTransport(bridge), client_id='alice', lease_s=0.0)
    held.take('s1', 5)
    assert held._thread is None and held.held
    held.close()


def test_after_a_fork_the_childs_close_does_nothing(
    bridge: ScriptedBridge, held: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.take('s1', 5)
    with monkeypatch.context() as child:
        child.setattr(lease.os, 'getpid', lambda: -1)
        held.close()
    assert held.held and bridge.closed == []


def test_a_heartbeat_goes_on_while_a_step_is_under_way(bridge: ScriptedBridge) -> None:
    beats_during_step = []

    class Slow(NotingTransport):
        def step(self, request: Any, *, timeout_s: float) -> Any:
            while bridge.beaten.acquire(blocking=False):
                pass
            for _ in range(3):
                beats_during_step.append(bridge.beaten.acquire(timeout=WITHIN_S))
            return super().step(request, timeout_s=timeout_s)

    env = RemoteRobotEnv(transport=Slow(bridge))
    env.reset()
    env.step(ACTION)
    env.close()
    assert beats_during_step == [True, True, True]


def test_a_closed_or_forgotten_env_beats_no_more(bridge: ScriptedBridge) -> None:
    before = beating()
    closed, forgotten = (RemoteRobotEnv(transport=NotingTransport(bridge)) for _ in range(2))
    closed.reset()
    forgotten.reset()
    threads = beating() - before
    assert len(threads) == 2
    closed.close()
    del forgotten
    gc.collect()
    for thread in threads:
        thread.join(WITHIN_S)
    assert not any(thread.is_alive() for thread in threads)
    assert bridge.closed == ['s1', 's1']


def test_a_lost_session_is_renewed_no_more(bridge: ScriptedBridge) -> None:
    env = RemoteRobotEnv(transport=NotingTransport(bridge))
    env.reset()
    bridge.refuse(StatusCode.NO_SESSION, 'taken over by bob')
    with pytest.raises(SessionLost, match='taken over by bob'):
        env.step(ACTION)
    assert not env._lease.held
    env.close()
    assert bridge.closed == []


def test_a_client_id_names_user_host_and_process() -> None:
    import os
    import socket

    who, pid, nonce = default_client_id().split(':')
    assert who == f'{getpass.getuser()}@{socket.gethostname()}'
    assert int(pid) == os.getpid() and len(nonce) == 8
    assert default_client_id() == default_client_id()


def test_a_user_without_a_name_is_named_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError('no such user')

    monkeypatch.setattr(lease.getpass, 'getuser', nameless)
    assert lease._client_id_of(-7).partition('@')[0].isdigit()


def test_reset_ids_grow_over_restarts_too() -> None:
    import time

    first = next_reset_id()
    assert next_reset_id() > first
    assert abs(first - time.time_ns()) < 86_400e9
