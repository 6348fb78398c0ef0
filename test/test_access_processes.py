# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A whole robot side with a shared secret: who may move the arm, and who may not."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import shared_memory

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')

from by_hand import ByHand
from std_srvs.srv import Trigger
from witness import Witness, witnessing

from rl_bridge.access import Secret, command_claim
from rl_bridge.cli import main
from rl_bridge.errors import NotAuthenticated
from rl_bridge.observer_node import Observer
from rl_bridge.processes import RobotSide
from rl_bridge.types import CommandKind, StatusCode, StopReason, StopState
from rl_bridge_interfaces.msg import Command, Heartbeat
from rl_bridge_interfaces.srv import Reset

NAMESPACE = f'access_{os.getpid()}'
BRIDGE = f'/{NAMESPACE}/robot_env'
TIMEOUT_S = 30.0
SECRET = b'known to bridge, guard and clients'
# Half a turn of the base away from where an episode begins: a reset motion of four seconds.
FAR_AWAY = '[3.0, -1.5708, 1.5708, -1.5708, -1.5708, 0.0]'


@pytest.fixture(scope='module')
def secret_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('secret') / 'secret'
    path.touch(0o600)
    path.write_bytes(SECRET)
    return path


@pytest.fixture(scope='module')
def side(secret_file: Path) -> Iterator[RobotSide]:
    parameters = {'secret_file': str(secret_file), 'initial_position': FAR_AWAY}
    with RobotSide(namespace=NAMESPACE, log_level='error', parameters=parameters) as robot_side:
        yield robot_side


@pytest.fixture(scope='module')
def observer(side: RobotSide) -> Iterator[Observer]:
    with Observer(namespace=NAMESPACE) as found:
        yield found


@pytest.fixture
def by_hand(side: RobotSide) -> Iterator[ByHand]:
    made = ByHand(BRIDGE)
    yield made
    made.close()


@pytest.fixture
def env(side: RobotSide, secret_file: Path) -> Iterator[Any]:
    made = make(secret_file=secret_file)
    yield made
    made.close()


def make(**options: Any) -> Any:
    return gymnasium.make(
        'rl_bridge:RemoteRobot-v0', bridge=BRIDGE, connect_timeout_s=TIMEOUT_S, **options
    )


@pytest.mark.fault(
    what='client killed in its first reset',
    seen_by='bridge: copies of the reset end',
    within='1 s (lease_time, never less than 1 s)',
    state='STOPPED, LEASE_EXPIRED',
    client='is gone; the next one resets and goes on',
    side='client',
)
def test_a_client_killed_in_its_first_reset_leaves_the_arm_at_rest_where_it_is(
    side: RobotSide, observer: Observer, secret_file: Path
) -> None:
    # The first test here: the arm is still far from where episodes begin.
    code = (
        'import gymnasium\n'
        f'gymnasium.make("rl_bridge:RemoteRobot-v0", bridge={BRIDGE!r},'
        f' connect_timeout_s={TIMEOUT_S}).reset(seed=0)\n'
        'print("reset", flush=True)\n'
        'input()\n'
    )
    client = subprocess.Popen(
        [sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, 'RL_BRIDGE_SECRET_FILE': str(secret_file)},
    )  # fmt: skip
    try:
        observer.wait_for(lambda sight: sight.speed > 0.4, timeout_s=TIMEOUT_S)
    finally:
        shared_memory.kill(client)
    assert client.communicate()[0] == '', 'it was killed before its reset was done'
    rest = observer.wait_for(
        lambda sight: (
            sight.guard is not None
            and sight.guard.stop.reason == StopReason.LEASE_EXPIRED
            and sight.guard.standstill
        ),
        timeout_s=TIMEOUT_S,
    )
    assert rest.guard is not None
    assert rest.guard.stop.state == StopState.STOPPED
    assert list(rest.guard.output) == [0.0] * 6


def test_who_has_the_secret_moves_the_arm_and_who_has_not_does_not(env: Any) -> None:
    with pytest.raises(NotAuthenticated, match='secret_file'):
        make()
    env.reset(seed=0)
    for _ in range(5):
        _, _, _, truncated, info = env.step(np.full(2, 0.1, np.float32))
        assert not truncated, info


def test_nobody_works_by_hand_but_everybody_may_halt(by_hand: ByHand, env: Any) -> None:
    env.reset(seed=0)
    assert by_hand.step(0.1, 0.0).status.code == StatusCode.UNAUTHENTICATED
    assert by_hand.call(Reset, 'reset').status.code == StatusCode.UNAUTHENTICATED
    assert not by_hand.call(Trigger, 'recover').success
    env.step(np.zeros(2, np.float32))
    assert by_hand.call(Trigger, 'halt').success
    assert env.step(np.zeros(2, np.float32))[4]['stop_reason'] == 'HALT_REQUESTED'


def test_the_commands_of_an_operator(
    env: Any, secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env.reset(seed=0)
    assert main(['halt', BRIDGE]) == 0
    assert 'halted' in capsys.readouterr().out
    assert env.step(np.zeros(2, np.float32))[4]['stop_reason'] == 'HALT_REQUESTED'
    assert main(['recover', BRIDGE]) == 1
    assert 'no proof' in capsys.readouterr().err
    assert main(['recover', BRIDGE, '--secret-file', str(secret_file)]) == 0
    assert 'recovered' in capsys.readouterr().out


@pytest.mark.fault(
    what='commands or ticks of somebody who has not the secret, or recorded ones',
    seen_by='guard',
    within='when they arrive',
    state='unchanged: they are refused and counted',
    client='goes on',
    side='bridge',
)
def test_the_guard_listens_to_no_spoofed_and_no_recorded_command(
    env: Any, observer: Observer, side: RobotSide
) -> None:
    with witnessing(NAMESPACE) as witness:
        while not [c for c in witness.commands if c.kind == CommandKind.MOVE]:
            env.reset(seed=0)
            env.step(np.zeros(2, np.float32))
        env.unwrapped.close()
        at_rest = observer.wait_for(
            lambda sight: sight.guard is not None and sight.guard.stop.state == StopState.STOPPED
            and sight.guard.standstill, timeout_s=TIMEOUT_S)
        assert at_rest.guard is not None
        before = at_rest.guard.rejected
        sent = spoof(witness, guard_id=at_rest.guard.guard_id)
        seen = observer.wait_for(
            lambda sight: sight.guard is not None and sight.guard.rejected >= before + sent,
            timeout_s=TIMEOUT_S)
        assert seen.guard is not None
        assert seen.guard.stop.state == StopState.STOPPED
        assert all(not any(output) for output in witness.outputs[-20:])
        assert seen.speed < 0.01


def spoof(witness: Witness, *, guard_id: str) -> int:
    """Send what was recorded, and what a stranger would make of it; return how much."""
    recorded = [copy.deepcopy(command) for command in witness.commands]
    last = recorded[-1]
    spoofed = []
    for kind in (CommandKind.BEGIN, CommandKind.MOVE, CommandKind.RECOVER):
        for key in (None, b'what a stranger would guess'):
            command = Command(
                kind=int(kind), bridge_id=last.bridge_id, epoch=last.epoch + 1, episode=1, step=1,
                sequence=last.sequence + 100, command=array('d', [0.5] * 6),
                authority_ns=150_000_000, stamp_ns=time.monotonic_ns(),
            )  # fmt: skip
            if key is not None:
                command.auth = Secret(key).prove(command_claim(command, guard_id=guard_id))
            spoofed.append(command)
    publisher = witness.node.create_publisher(Command, 'robot_env/command', 100)
    ticks = witness.node.create_publisher(Heartbeat, 'robot_env/tick', 1)
    end_s = time.monotonic() + TIMEOUT_S
    while publisher.get_subscription_count() < 2:  # the guard, and the witness itself
        assert time.monotonic() < end_s, 'the guard does not listen'
        time.sleep(0.01)
    for command in [*recorded[-20:], *spoofed]:
        publisher.publish(command)
        ticks.publish(Heartbeat(sender=last.bridge_id, count=2**40))
    return len(recorded[-20:]) + len(spoofed)


def test_after_all_that_the_bridge_still_ticks_for_its_guard(env: Any) -> None:
    # A forged tick with a count of its own choice would have made the real ones look old.
    env.reset(seed=1)
    for _ in range(10):
        assert env.step(np.full(2, -0.1, np.float32))[3] is False

