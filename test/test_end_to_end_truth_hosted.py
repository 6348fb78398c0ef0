# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Whatever fails in a hosted environment or at its bridge: its client is told, and never hangs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import pytest

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

from bridge_process import hosting

from rl_bridge.errors import BridgeBusy, BridgeError, BridgeTimeout, EnvFailed, ResetRequired

TIMEOUT_S = 30.0
CALL_S = 1.0
# A call that takes longer than its time-out and this much hangs.
HANGS_S = 2.0


@pytest.fixture(scope='module')
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('gate') / 'gate'


@pytest.fixture(scope='module')
def bridge(gate: Path) -> Iterator[str]:
    namespace = f'truth_hosted_{os.getpid()}'
    kwargs = f"'{{gate: {gate}}}'"
    with hosting('hosted_envs:Patient-v0', namespace=namespace, env_kwargs=kwargs) as name:
        yield name


@pytest.fixture
def env(bridge: str) -> Iterator[Any]:
    made = make(bridge)
    made.reset()
    yield made
    made.close()


def make(bridge: str, **options: Any) -> Any:
    return gymnasium.make(
        'rl_bridge:RemoteRobot-v0',
        bridge=bridge,
        **{
            'connect_timeout_s': TIMEOUT_S, 'timeout_s': CALL_S, 'reset_timeout_s': CALL_S,
            **options,
        },
    )  # fmt: skip


def raises(kind: type[BridgeError], call: Callable[[], Any]) -> str:
    """The call raises this within its time-out; return the sentence."""
    begun_s = time.monotonic()
    with pytest.raises(kind) as raised:
        call()
    assert time.monotonic() - begun_s < CALL_S + HANGS_S, 'the call hung'
    return str(raised.value)


@pytest.mark.fault(what='the environment raises')
def test_an_environment_that_raises_is_named_and_the_next_reset_goes_on(env: Any) -> None:
    sentence = raises(EnvFailed, lambda: env.step(2))
    assert 'ValueError: this action always fails' in sentence and 'reset()' in sentence
    raises(ResetRequired, lambda: env.step(0))
    env.reset()
    assert env.step(0)[0] == 1


@pytest.mark.fault(what='the environment hangs')
def test_an_environment_that_hangs_is_a_time_out_and_goes_on_once_it_is_done(
    env: Any, gate: Path
) -> None:
    try:
        sentence = raises(BridgeTimeout, lambda: env.step(1))
        assert 'whether it was executed is unknown' in sentence and 'Reset' in sentence
        sentence = raises(BridgeError, env.reset)  # it hangs still
        assert 'reset' in sentence
    finally:
        gate.touch()
    end_s = time.monotonic() + TIMEOUT_S
    while True:
        try:
            env.reset()
            break
        except BridgeError:
            assert time.monotonic() < end_s
    assert env.step(0)[0] == 1
    gate.unlink()


def test_a_first_reset_that_raises_leaves_an_env_that_can_be_used(bridge: str, env: Any) -> None:
    """Gymnasium's own passive checker breaks the step after the reset that follows."""
    other = make(bridge, client_id='the other')
    try:
        raises(BridgeBusy, other.reset)
        env.close()
        other.reset()
        assert other.step(0)[0] == 1
    finally:
        other.close()


@pytest.mark.fault(what='Ctrl-C, bridge')
def test_a_bridge_that_is_ended_while_its_environment_hangs_ends_all_the_same(
    tmp_path: Path,
) -> None:
    namespace = f'truth_ended_{os.getpid()}'
    kwargs = f"'{{gate: {tmp_path / 'never'}}}'"
    with hosting('hosted_envs:Patient-v0', namespace=namespace, env_kwargs=kwargs) as name:
        env = make(name)
        env.reset()
        raises(BridgeTimeout, lambda: env.step(1))
        env.close()
        begun_s = time.monotonic()
    # `hosting` sent SIGTERM and waited for exit code 0.
    assert time.monotonic() - begun_s < 15.0
