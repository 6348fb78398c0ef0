# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The whole robot side as processes, with the simulated arm, met as its users meet it."""

from __future__ import annotations

import os
import subprocess
import sys
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

import lifecycle_msgs.msg
from by_hand import ByHand
from lifecycle_msgs.srv import ChangeState, GetState
from std_srvs.srv import Trigger
from witness import Witness, witnessing

from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.errors import BridgeBusy, BridgeRestarted, SessionLost
from rl_bridge.observer_node import Observer
from rl_bridge.processes import RobotSide
from rl_bridge.tasks.scripted import ReachController
from rl_bridge.types import (
    CommandKind,
    ResetRequest,
    StatusCode,
    StepRequest,
    StopReason,
    StopState,
)
from rl_bridge_interfaces.srv import Reset

NAMESPACE = f'arm_{os.getpid()}'
BRIDGE = f'/{NAMESPACE}/robot_env'
TIMEOUT_S = 30.0
# Where a busy machine lets the bridge's tick wait for longer than 60 ms, that is noticed first.
NO_STEP_CAME = (StopReason.AUTHORITY_EXPIRED, StopReason.BRIDGE_SILENT)


@pytest.fixture(scope='module')
def side() -> Iterator[RobotSide]:
    with RobotSide(namespace=NAMESPACE, log_level='warn') as robot_side:
        yield robot_side


@pytest.fixture(scope='module')
def observer(side: RobotSide) -> Iterator[Observer]:
    with Observer(namespace=NAMESPACE) as found:
        yield found


@pytest.fixture(scope='module')
def witness(side: RobotSide) -> Iterator[Witness]:
    with witnessing(NAMESPACE) as found:
        person = ByHand(BRIDGE)
        while not found.commands:  # DDS tells nobody what came before the two had met
            person.call(Reset, 'reset')
        person.close()
        yield found


@pytest.fixture
def env(side: RobotSide) -> Iterator[Any]:
    made = make()
    yield made
    made.close()


@pytest.fixture
def transport(side: RobotSide) -> Iterator[RosTransport]:
    made = RosTransport(BRIDGE)
    made.get_specs(timeout_s=TIMEOUT_S)
    yield made
    made.close()


@pytest.fixture
def by_hand(side: RobotSide) -> Iterator[ByHand]:
    made = ByHand(BRIDGE)
    yield made
    made.close()


def make(**options: Any) -> Any:
    return gymnasium.make(
        'rl_bridge:RemoteRobot-v0', bridge=BRIDGE, connect_timeout_s=TIMEOUT_S, **options
    )


def test_the_arm_reaches_its_target_through_the_bridge(env: Any) -> None:
    controller = ReachController(env.action_space)
    observation, info = env.reset(seed=3)
    start, over, steps = info['distance_m'], False, 0
    while not over:
        observation, _, terminated, over, info = env.step(controller(observation))
        steps += 1
        assert not terminated
        assert 'stop_reason' not in info
    assert steps == 100
    assert info['is_success'], f'{info["distance_m"]} m away, from {start} m'
    assert info['timing']['period'] == pytest.approx(0.04)
    assert info['link']['round_trip_s'] > 0.0
    assert info['link']['calls'] > steps


def test_a_step_by_hand_moves_the_arm_and_then_it_holds(
    by_hand: ByHand, observer: Observer
) -> None:
    assert by_hand.call(Reset, 'reset').status.code == StatusCode.OK
    before = by_hand.step(0.0, 0.0)
    after = by_hand.step(0.1, 0.0)
    assert after.status.code == StatusCode.OK, after.status.message
    moved = after.observation[0].numbers[0] - before.observation[0].numbers[0]
    assert 0.0 < moved < 0.01
    rest = observer.wait_for(
        lambda sight: (
            sight.guard is not None
            and sight.guard.stop.state == StopState.HOLD
            and sight.guard.stop.reason in NO_STEP_CAME
            and sight.guard.standstill
        ),
        timeout_s=TIMEOUT_S,
    )
    assert rest.guard is not None
    assert list(rest.guard.output) == [0.0] * 6


def test_a_first_step_by_hand_begins_an_episode_where_the_arm_is(by_hand: ByHand) -> None:
    # Closing a session latches a stop; a reset by hand clears it, as a person would.
    by_hand.call(Reset, 'reset')
    reply = by_hand.step(0.1, 0.0)
    while not reply.truncated:
        reply = by_hand.step(0.0, 0.0)
        assert reply.status.code == StatusCode.OK, reply.status.message
    there = reply.observation[0].numbers[0]
    reply = by_hand.step(0.1, 0.0)
    assert reply.status.code == StatusCode.OK
    assert 'one was begun' in reply.status.message
    assert reply.observation[0].numbers[0] == pytest.approx(there, abs=0.02)


@pytest.mark.fault(
    what='~/halt',
    seen_by='bridge',
    within='when it arrives',
    state='STOPPED, HALT_REQUESTED',
    client='truncated, stop_reason; a reset goes on',
    side='operator',
)
def test_a_halt_by_hand_ends_the_episode_until_a_reset(by_hand: ByHand) -> None:
    by_hand.call(Reset, 'reset')
    assert by_hand.call(Trigger, 'halt').success
    reply = by_hand.step(0.1, 0.0)
    assert reply.status.code == StatusCode.STOPPED
    assert 'a halt was requested' in reply.status.message
    by_hand.call(Reset, 'reset')
    assert by_hand.step(0.1, 0.0).status.code == StatusCode.OK


@pytest.mark.fault(
    what='a request is repeated',
    seen_by='bridge: session and step number',
    within='when it arrives',
    state='unchanged: nothing moves twice',
    client='gets the same reply',
    side='link',
)
def test_the_same_step_sent_twice_moves_the_robot_once(
    transport: RosTransport, witness: Witness
) -> None:
    reset = transport.reset(ResetRequest(client_id='twice', reset_id=1), timeout_s=TIMEOUT_S)
    request = StepRequest(action=array('d', [0.1, 0.0]), session=reset.session, step=1)
    first = transport.step(request, timeout_s=TIMEOUT_S)
    again = transport.step(request, timeout_s=TIMEOUT_S)
    following = StepRequest(action=array('d', [0.0, 0.0]), session=reset.session, step=2)
    transport.step(following, timeout_s=TIMEOUT_S)
    transport.close_session(reset.session, timeout_s=TIMEOUT_S)
    # Commands arrive in order, so once step 2 is seen nothing of step 1 is still under way.
    witness.wait_for(lambda: witness.moves(reset.epoch, 2))
    assert witness.moves(reset.epoch, 1) == 1
    assert again.observation[0].numbers == first.observation[0].numbers
    assert again.reward == first.reward


def test_a_second_client_is_told_who_holds_the_lease(env: Any) -> None:
    env.reset(seed=0)
    other = make(client_id='the second')
    try:
        with pytest.raises(BridgeBusy, match=str(os.getpid())):
            other.reset(seed=0)
    finally:
        other.close()
    assert env.step(np.zeros(2, np.float32))[3] is False


@pytest.mark.fault(
    what='takeover',
    seen_by='bridge',
    within='when it arrives',
    state='STOPPED, TAKEOVER',
    client='the one before: SessionLost, names the new holder',
    side='operator',
)
def test_a_takeover_halts_the_robot_before_it_begins(env: Any, witness: Witness) -> None:
    env.reset(seed=0)
    env.step(np.full(2, 0.1, np.float32))
    witness.wait_for(lambda: witness.commands[-1].kind == CommandKind.MOVE)
    seen = len(witness.commands)
    other = make(client_id='the second', takeover=True)
    try:
        other.reset(seed=0)
        other.step(np.zeros(2, np.float32))
        with pytest.raises(SessionLost, match='the second took the lease over'):
            env.step(np.zeros(2, np.float32))
    finally:
        other.close()
    kinds = [(command.kind, command.reason) for command in witness.commands[seen:]]
    halt = kinds.index((CommandKind.HALT, StopReason.TAKEOVER))
    begin = next(number for number, kind in enumerate(kinds) if kind[0] == CommandKind.BEGIN)
    assert halt < begin


@pytest.mark.fault(
    what='client killed',
    seen_by='guard: motion authority; bridge: lease',
    within='150 ms after its last command was sent; lease 1 s',
    state='HOLD, AUTHORITY_EXPIRED; then STOPPED, LEASE_EXPIRED',
    client='is gone; the next one resets and goes on',
    side='client',
)
def test_a_killed_client_leaves_the_arm_at_rest_and_the_next_one_goes_on(
    side: RobotSide, observer: Observer
) -> None:
    client = subprocess.Popen([sys.executable, '-m', 'rl_bridge.demo_client', BRIDGE])
    try:
        moving = observer.wait_for(
            lambda sight: (
                sight.speed > 0.1
                and sight.guard is not None
                and sight.guard.stop.state == StopState.RUNNING
            ),
            timeout_s=TIMEOUT_S,
        )
    finally:
        shared_memory.kill(client)
    rest = observer.wait_for(
        lambda sight: (
            sight.time_ns > moving.time_ns
            and sight.guard is not None
            and sight.guard.stop.reason in NO_STEP_CAME
            and sight.guard.standstill
        ),
        timeout_s=TIMEOUT_S,
    )
    assert rest.guard is not None and list(rest.guard.output) == [0.0] * 6
    observer.wait_for(
        lambda sight: (
            sight.guard is not None and sight.guard.stop.reason == StopReason.LEASE_EXPIRED
        ),
        timeout_s=TIMEOUT_S,
    )
    env = make(client_id='the next one')
    try:
        env.reset(seed=1)
        assert env.step(np.zeros(2, np.float32))[2:4] == (False, False)
    finally:
        env.close()


def test_a_picture_comes_from_the_robot_side(side: RobotSide) -> None:
    env = make(render_mode='rgb_array')
    try:
        env.reset(seed=0)
        picture = env.render()
    finally:
        env.close()
    assert picture.shape == (480, 640, 3) and picture.dtype == np.uint8
    assert picture.std() > 5


def test_gymnasiums_check_env_passes_on_the_remote_env(env: Any) -> None:
    from gymnasium.utils.env_checker import check_env

    check_env(env.unwrapped)


def test_stable_baselines3s_check_env_passes_on_the_remote_env(env: Any) -> None:
    checker = pytest.importorskip(
        'stable_baselines3.common.env_checker', reason='Stable-Baselines3 is not installed'
    )
    checker.check_env(env.unwrapped)


def test_the_bridge_survives_twenty_lifecycle_cycles_without_a_leak(
    side: RobotSide, by_hand: ByHand
) -> None:
    process = Path('/proc') / str(side.processes['robot_env'].pid)

    def cycle() -> tuple[int, int]:
        for transition in (
            'deactivate',
            'activate',
            'deactivate',
            'cleanup',
            'configure',
            'activate',
        ):
            request = {'transition': lifecycle_msgs.msg.Transition(label=transition)}
            changed = by_hand.call(ChangeState, 'change_state', **request)
            assert changed.success, f'{transition} was refused'
        assert by_hand.call(Reset, 'reset').status.code == StatusCode.OK
        assert by_hand.step(0.1, 0.0).status.code == StatusCode.OK
        return len(list((process / 'fd').iterdir())), len(list((process / 'task').iterdir()))

    first = [cycle() for _ in range(3)][-1]
    last = [cycle() for _ in range(17)][-1]
    assert last == first, 'file descriptors or threads leak'


def test_an_impossible_transition_is_refused_and_ends_nothing(by_hand: ByHand) -> None:
    request = {'transition': lifecycle_msgs.msg.Transition(label='configure')}
    assert not by_hand.call(ChangeState, 'change_state', **request).success
    assert by_hand.call(GetState, 'get_state').current_state.label == 'active'


@pytest.mark.fault(
    what='bridge killed',
    seen_by='guard: tick',
    within='60 ms without a tick; 500 ms',
    state='HOLD, BRIDGE_SILENT; then STOPPED, BRIDGE_SILENT',
    client='BridgeUnavailable, or BridgeRestarted once a new one runs',
    side='bridge',
)
def test_a_killed_bridge_leaves_the_arm_at_rest_and_a_new_one_goes_on(
    side: RobotSide, observer: Observer, env: Any
) -> None:
    env.reset(seed=0)
    for _ in range(10):
        env.step(env.action_space.high)
    shared_memory.kill(side.processes['robot_env'])
    rest = observer.wait_for(
        lambda sight: (
            sight.guard is not None
            and sight.guard.stop.reason == StopReason.BRIDGE_SILENT
            and sight.guard.standstill
        ),
        timeout_s=TIMEOUT_S,
    )
    assert rest.guard is not None and list(rest.guard.output) == [0.0] * 6
    side.processes['robot_env'] = subprocess.Popen(
        side.command('robot_env'), start_new_session=True
    )
    transport = RosTransport(BRIDGE)
    try:
        while transport.get_specs(timeout_s=TIMEOUT_S).status.code != StatusCode.OK:
            pass
    finally:
        transport.close()
    with pytest.raises(BridgeRestarted):
        env.step(env.action_space.high)
    env.reset(seed=0)
    assert env.step(np.zeros(2, np.float32))[2:4] == (False, False)
