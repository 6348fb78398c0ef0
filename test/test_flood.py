# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A client that floods the bridge with requests of every kind, while another one works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import shared_memory

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

from rl_bridge.client import RemoteRobotEnv
from rl_bridge.client.lease import HEARTBEATS_PER_LEASE
from rl_bridge.processes import RobotSide
from rl_bridge.types import StatusCode

NAMESPACE = f'flood_{os.getpid()}'
BRIDGE = f'/{NAMESPACE}/robot_env'
FLOODER = Path(__file__).with_name('flooder.py')
STEPS = 60
MOST_GROWTH_KIB = 8192


@pytest.fixture(scope='module')
def process() -> Iterator[int]:
    """A bridge that hosts CartPole; its process id."""
    with RobotSide(
        namespace=NAMESPACE, simulated=False, guarded=False, log_level='error',
        parameters={'env': 'CartPole-v1'},
    ) as side:  # fmt: skip
        yield side.processes['robot_env'].pid


@pytest.fixture
def env(process: int) -> Iterator[RemoteRobotEnv]:
    made = RemoteRobotEnv(BRIDGE, connect_timeout_s=30.0, timeout_s=30.0)
    yield made
    made.close()


@contextmanager
def flood() -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, str(FLOODER), BRIDGE]
    flooder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert flooder.stdout is not None and flooder.stdout.readline() == 'ready\n'
        yield flooder
    finally:
        if flooder.poll() is None:
            shared_memory.kill(flooder)
        flooder.communicate()


def resident_kib(process: int) -> int:
    pages = int(Path(f'/proc/{process}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') // 1024


def belongings(process: int) -> tuple[int, int]:
    """Files and threads."""
    folder = Path(f'/proc/{process}')
    return len(list((folder / 'fd').iterdir())), len(list((folder / 'task').iterdir()))


def assert_as_alone(env: RemoteRobotEnv, *, seed: int, steps: int) -> None:
    """Step through episodes and compare every result with CartPole in this process, bit by bit."""
    local: Any = gymnasium.make('CartPole-v1')
    rng = np.random.default_rng(seed)
    over = True
    for _ in range(steps):
        if over:
            seed += 1
            assert np.array_equal(env.reset(seed=seed)[0], local.reset(seed=seed)[0])
        action = int(rng.integers(2))
        mine, alone = env.step(action), local.step(action)
        assert np.array_equal(mine[0], alone[0]) and mine[1:4] == alone[1:4]
        over = mine[2] or mine[3]
    local.close()


@pytest.mark.fault(
    what='a flood of requests, well-formed and not',
    seen_by='bridge: the rate of those without the lease; sizes',
    within='when they arrive',
    state='none: the holder goes on, later than usual',
    client='BridgeBusy for the one that floods, or no answer',
    side='client',
)
def test_the_holder_goes_on_and_nothing_grows_while_another_client_floods(
    env: RemoteRobotEnv, process: int
) -> None:
    assert_as_alone(env, seed=0, steps=STEPS)
    with flood() as flooder:
        assert_as_alone(env, seed=100, steps=STEPS)  # fills what has a fixed size
        before = resident_kib(process), *belongings(process)
        assert_as_alone(env, seed=200, steps=STEPS)
        after = resident_kib(process), *belongings(process)
        said, _ = flooder.communicate('')
        told = json.loads(said)
    assert after[0] - before[0] < MOST_GROWTH_KIB
    assert after[1:] == before[1:]
    assert told['sent'] > 1000
    refused = {int(code) for code in told['codes']} - {StatusCode.OK}  # the specs are for everyone
    assert StatusCode.RATE_LIMITED in refused
    assert refused <= {
        StatusCode.RATE_LIMITED, StatusCode.BUSY, StatusCode.MALFORMED, StatusCode.NO_SESSION,
        StatusCode.REJECTED, StatusCode.FENCED,
    }  # fmt: skip


def test_who_only_beats_keeps_its_lease_in_a_flood_and_a_killed_flooder_holds_nobody_up(
    env: RemoteRobotEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.reset(seed=5)
    session, beat = env._lease.session, env._lease.beat
    beaten = threading.Semaphore(0)

    def beat_and_tell() -> None:
        beat()
        beaten.release()

    with flood() as flooder:
        monkeypatch.setattr(env._lease, 'beat', beat_and_tell)
        for _ in range(3 * HEARTBEATS_PER_LEASE):  # as a learner in a long update
            assert beaten.acquire(timeout=30.0)
        env.step(0)
        shared_memory.kill(flooder)
    env.step(0)
    assert env._lease.session == session
    assert_as_alone(env, seed=6, steps=STEPS)
