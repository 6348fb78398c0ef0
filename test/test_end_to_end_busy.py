# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""While the hosted environment is busy or broken, the node answers everybody else."""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import pytest

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

import lifecycle_msgs.msg
from bridge_process import hosting
from by_hand import ByHand
from lifecycle_msgs.srv import ChangeState, GetState
from std_srvs.srv import Trigger

from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.errors import BridgeBusy, EnvFailed
from rl_bridge.types import ResetRequest, StatusCode, StepReply, StepRequest
from rl_bridge_interfaces.srv import GetSpecs

TIMEOUT_S = 30.0


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / 'gate'


@pytest.fixture
def bridge(gate: Path) -> Iterator[str]:
    kwargs = f"'{{gate: {gate}}}'"
    namespace = f'busy_{os.getpid()}'
    with hosting('hosted_envs:Patient-v0', namespace=namespace, env_kwargs=kwargs) as name:
        yield name


def wait_until_inside(gate: Path) -> None:
    """Wait until the environment is in the step that lasts."""
    end_s = time.monotonic() + TIMEOUT_S
    while not gate.with_suffix('.inside').exists():
        assert time.monotonic() < end_s, 'the step did not come to the environment'


def make(bridge: str, **options: object) -> gymnasium.Env[int, int]:
    return gymnasium.make(
        'rl_bridge:RemoteRobot-v0', bridge=bridge, connect_timeout_s=TIMEOUT_S, **options
    )


def test_a_busy_environment_delays_nobody_else(bridge: str, gate: Path) -> None:
    transport = RosTransport(bridge)
    transport.get_specs(timeout_s=TIMEOUT_S)
    while (
        reset := transport.reset(ResetRequest(client_id='a', reset_id=1), timeout_s=TIMEOUT_S)
    ).status.code == StatusCode.NOT_ACTIVE:
        pass
    replies: list[StepReply] = []
    request = StepRequest(action=array('d', [1.0]), session=reset.session, step=1)

    def step() -> None:
        replies.append(transport.step(request, timeout_s=TIMEOUT_S))

    waiting = threading.Thread(target=step)
    waiting.start()
    wait_until_inside(gate)
    other = make(bridge, client_id='b')
    by_hand = ByHand(bridge)
    try:
        with pytest.raises(BridgeBusy, match='a holds the lease'):
            other.reset()
        assert by_hand.call(GetState, 'get_state').current_state.label == 'active'
        assert by_hand.call(GetSpecs, 'get_specs').status.code == StatusCode.OK
        assert by_hand.step(0.0).status.code == StatusCode.BUSY
        assert by_hand.call(Trigger, 'halt').success
        assert waiting.is_alive()
        gate.touch()
        waiting.join(TIMEOUT_S)
        assert replies[0].truncated, 'a step that was halted ends the episode'
        assert not replies[0].terminated
    finally:
        gate.touch()
        other.close()
        by_hand.close()
        waiting.join(TIMEOUT_S)
        transport.close()


@pytest.mark.fault(
    what='the environment hangs',
    seen_by='guard: motion authority; client: call time-out',
    within='150 ms; the time-out of its call',
    state='HOLD, AUTHORITY_EXPIRED',
    client='BridgeTimeout; halt and deactivate work',
    side='bridge',
)
def test_a_bridge_with_a_hanging_environment_can_be_deactivated(bridge: str, gate: Path) -> None:
    by_hand = ByHand(bridge)
    try:
        while by_hand.step(0.0).status.code == StatusCode.NOT_ACTIVE:
            pass
        hanging = ByHand(bridge)
        step = threading.Thread(target=hanging.step, args=(1.0,))
        step.start()
        wait_until_inside(gate)
        request = {'transition': lifecycle_msgs.msg.Transition(label='deactivate')}
        assert by_hand.call(ChangeState, 'change_state', **request).success
        assert by_hand.step(0.0).status.code == StatusCode.NOT_ACTIVE
        assert step.is_alive()
    finally:
        gate.touch()
        step.join(TIMEOUT_S)
        hanging.close()
        by_hand.close()


@pytest.mark.fault(
    what='the environment raises',
    seen_by='bridge',
    within='at once',
    state='STOPPED, ENV_FAILED',
    client='EnvFailed with the exception; a reset goes on',
    side='bridge',
)
def test_an_environment_that_raises_ends_the_episode_and_not_the_bridge(bridge: str) -> None:
    env = make(bridge)
    try:
        env.reset()
        with pytest.raises(EnvFailed, match='ValueError: this action always fails'):
            env.step(2)
        env.reset()
        assert env.step(0)[0] == 1
    finally:
        env.close()
