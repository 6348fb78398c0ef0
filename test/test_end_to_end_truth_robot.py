# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Whatever fails at the robot: its client is told the truth, in time, and the robot comes to rest.

Processes, signals and DDS are real; the robot is a driver that does as the test says.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shared_memory

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

import lifecycle_msgs.msg
from by_hand import ByHand
from lifecycle_msgs.srv import ChangeState
from std_srvs.srv import Trigger
from truth_rig import TIMEOUT_S, Driver, make, robot_side

from rl_bridge.errors import (
    BridgeError,
    BridgeStopped,
    BridgeTimeout,
    BridgeUnavailable,
    EnvFailed,
    ResetRequired,
)
from rl_bridge.processes import RobotSide
from rl_bridge.types import StopReason, StopState

NAMESPACE = f'truth_{os.getpid()}'
BRIDGE = f'/{NAMESPACE}/robot_env'
SPEED = 0.4  # rad/s
# A call that takes longer than its time-out and this much hangs.
HANGS_S = 2.0


@pytest.fixture(scope='module')
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RobotSide, Driver]]:
    path = os.environ.get('PYTHONPATH', '')
    here = str(Path(__file__).resolve().parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', os.pathsep.join([here, path]))
        with robot_side(tmp_path_factory.mktemp('robot'), NAMESPACE) as made:
            yield made


@pytest.fixture
def side(cell: tuple[RobotSide, Driver]) -> RobotSide:
    return cell[0]


@pytest.fixture(scope='module')
def by_hand() -> Iterator[ByHand]:
    made = ByHand(BRIDGE)
    yield made
    made.close()


@pytest.fixture
def driver(cell: tuple[RobotSide, Driver], by_hand: ByHand) -> Iterator[Driver]:
    yield cell[1]
    cell[1].mend()
    recover(cell[1], by_hand)  # whatever a failed test left


def recover(driver: Driver, by_hand: ByHand) -> None:
    """Clear what only a person may, once there is no cause for it any more."""
    driver.wait_for(lambda: driver.at_rest)
    while driver.guard.stop.state >= StopState.FAULT:
        by_hand.call(Trigger, 'recover')
        seen = driver.guard
        driver.wait_for(lambda seen=seen: driver.guard is not seen)


@pytest.fixture
def env(driver: Driver) -> Iterator[Any]:
    made = make(NAMESPACE)
    made.reset()
    yield made
    made.close()


def inwards(driver: Driver) -> np.ndarray[Any, Any]:
    """Towards the middle, so that no test drives the robot to its limits."""
    return np.where(driver.position > 0.0, -SPEED, SPEED)


def stepped(env: Any, driver: Driver, action: Any) -> tuple[bool, dict[str, Any]]:
    """Make a step; what is observed as fresh has to be where the robot is."""
    observation, _, terminated, truncated, info = env.step(action)
    assert not terminated, 'a stop was taken for the end of the task'
    assert np.isfinite(observation).all()
    if not truncated:
        assert info['timing']['observation_age'] < 0.15
        # What a state that freezes hides until that is noticed is the most there may be between.
        assert np.abs(observation - driver.position).max() < 0.3
    return truncated, info


def drive(env: Any, driver: Driver) -> None:
    """Step until the robot moves."""
    action = inwards(driver)
    while not driver.moving:
        assert not stepped(env, driver, action)[0]


def until_over(env: Any, driver: Driver) -> dict[str, Any]:
    """Step on until the episode is over; return the last info."""
    action, end_s = inwards(driver), time.monotonic() + TIMEOUT_S
    while time.monotonic() < end_s:
        over, info = stepped(env, driver, action)
        if over:
            with pytest.raises(ResetRequired):
                env.step(action)
            return info
    raise AssertionError('the episode never ended')


def goes_on(env: Any, driver: Driver) -> None:
    """The next reset begins as if nothing had happened."""
    env.reset()
    drive(env, driver)


def raises(kind: type[BridgeError], call: Callable[[], Any], within_s: float) -> str:
    """The call raises this within its time-out; return the sentence."""
    begun_s = time.monotonic()
    with pytest.raises(kind) as raised:
        call()
    assert time.monotonic() - begun_s < within_s + HANGS_S, 'the call hung'
    return str(raised.value)


# -- the guard ------------------------------------------------------------------------------------


@pytest.mark.fault(what='guard killed')
def test_a_killed_guard_truncates_and_a_new_one_ends_the_motion(
    side: RobotSide, driver: Driver, env: Any
) -> None:
    drive(env, driver)
    shared_memory.kill(side.processes['guard'])
    assert until_over(env, driver)['stop_reason'] == 'GUARD_SILENT'
    driver.wait_for_stop(StopState.STOPPED, StopReason.UNCOMMANDED_MOTION)
    goes_on(env, driver)


@pytest.mark.fault(what='guard frozen, then goes on')
def test_a_guard_that_stands_still_truncates_and_goes_on_afterwards(
    side: RobotSide, driver: Driver, env: Any, by_hand: ByHand
) -> None:
    drive(env, driver)
    guard = side.processes['guard']
    guard.send_signal(signal.SIGSTOP)
    try:
        assert until_over(env, driver)['stop_reason'] == 'GUARD_SILENT'
    finally:
        guard.send_signal(signal.SIGCONT)
    recover(driver, by_hand)
    goes_on(env, driver)


# -- the robot and its state ----------------------------------------------------------------------


def silence(driver: Driver) -> None:
    driver.silent = True


def freeze(driver: Driver) -> None:
    driver.frozen = True


def jump(driver: Driver) -> None:
    driver.offset = 1.0


def break_sensor(driver: Driver) -> None:
    driver.offset = math.nan


def press(driver: Driver) -> None:
    driver.pressed = True


def fault(what: str) -> Any:
    return pytest.mark.fault(what=what)


@pytest.mark.parametrize(
    ('lie', 'reason'),
    [
        pytest.param(silence, 'STATE_STALE', marks=fault('joint states stop')),
        pytest.param(freeze, 'STATE_FROZEN', marks=fault('joint states frozen')),
        pytest.param(jump, 'STATE_JUMP', marks=fault('joint states jump')),
        pytest.param(break_sensor, 'STATE_INVALID', marks=fault('joint state not finite')),
    ],
)
def test_a_state_that_is_not_the_robots_never_is_an_observation(
    driver: Driver, env: Any, lie: Callable[[Driver], None], reason: str
) -> None:
    drive(env, driver)
    lie(driver)
    info = until_over(env, driver)
    assert info['stop_reason'] == reason
    driver.wait_for(lambda: driver.at_rest)
    driver.mend()
    goes_on(env, driver)


def test_a_reset_without_a_state_names_the_driver_and_not_the_client(driver: Driver) -> None:
    env = make(NAMESPACE)
    try:
        driver.silent = True
        withheld = driver.withheld
        driver.wait_for(lambda: driver.withheld > withheld + 40)
        sentence = raises(BridgeStopped, env.reset, 15.0)
        assert 'is its driver still running? Call' in sentence
        driver.mend()
        goes_on(env, driver)
    finally:
        env.close()


@pytest.mark.fault(what='emergency stop pressed')
def test_an_emergency_stop_truncates_and_is_left_only_by_release_recover_and_reset(
    driver: Driver, env: Any, by_hand: ByHand
) -> None:
    drive(env, driver)
    driver.pressed = True
    assert until_over(env, driver)['stop_reason'] == 'ROBOT_STOPPED'
    with pytest.raises(BridgeStopped) as raised:
        env.reset()
    assert (raised.value.state, raised.value.reason) == (
        StopState.ESTOP,
        StopReason.ROBOT_STOPPED,
    )
    assert 'Release' in str(raised.value) and 'recover' in str(raised.value)
    driver.mend()
    recover(driver, by_hand)
    goes_on(env, driver)


@pytest.mark.fault(what='emergency stop pressed')
def test_an_emergency_stop_during_a_reset_ends_it(
    driver: Driver, env: Any, by_hand: ByHand
) -> None:
    presses = threading.Thread(target=when_moving, args=(driver, lambda: press(driver)))
    presses.start()
    sentence = raises(BridgeStopped, lambda: env.reset(options={'to': far(driver)}), 15.0)
    presses.join()
    assert 'recover' in sentence
    driver.wait_for(lambda: driver.at_rest)
    driver.mend()
    recover(driver, by_hand)
    goes_on(env, driver)


def far(driver: Driver) -> float:
    return -1.0 if driver.position[0] > 0.0 else 1.0


def when_moving(driver: Driver, act: Callable[[], Any]) -> None:
    driver.wait_for(lambda: driver.moving)
    act()


# -- people ---------------------------------------------------------------------------------------


@pytest.mark.fault(what='~/halt')
def test_a_halt_truncates(driver: Driver, env: Any, by_hand: ByHand) -> None:
    drive(env, driver)
    assert by_hand.call(Trigger, 'halt').success
    assert until_over(env, driver)['stop_reason'] == 'HALT_REQUESTED'
    driver.wait_for(lambda: driver.at_rest)
    goes_on(env, driver)


@pytest.mark.fault(what='~/halt')
def test_a_halt_interrupts_a_reset(driver: Driver, env: Any, by_hand: ByHand) -> None:
    halts = threading.Thread(
        target=when_moving, args=(driver, lambda: by_hand.call(Trigger, 'halt'))
    )
    halts.start()
    sentence = raises(BridgeStopped, lambda: env.reset(options={'to': far(driver)}), 15.0)
    halts.join()
    assert 'a halt was requested' in sentence
    driver.wait_for(lambda: driver.at_rest)
    goes_on(env, driver)


@pytest.mark.fault(what='bridge deactivated in mid-episode')
def test_a_deactivated_bridge_says_so_and_serves_again(
    driver: Driver, env: Any, by_hand: ByHand
) -> None:
    drive(env, driver)
    change(by_hand, 'deactivate')
    driver.wait_for_stop(StopState.STOPPED, StopReason.DEACTIVATED)
    sentence = raises(BridgeUnavailable, lambda: env.step(inwards(driver)), 5.0)
    assert 'was deactivated' in sentence and 'activate' in sentence
    change(by_hand, 'activate')
    goes_on(env, driver)


def change(by_hand: ByHand, label: str) -> None:
    request = {'transition': lifecycle_msgs.msg.Transition(label=label)}
    assert by_hand.call(ChangeState, 'change_state', **request).success


# -- the learner ----------------------------------------------------------------------------------


@pytest.mark.fault(what='learner pauses 2 s')
def test_a_learner_that_pauses_finds_the_robot_at_rest_and_goes_on(
    driver: Driver, env: Any
) -> None:
    drive(env, driver)
    for _ in range(3):
        driver.wait_for_stop(
            StopState.HOLD, StopReason.AUTHORITY_EXPIRED, StopReason.BRIDGE_SILENT
        )
        rested = driver.position.copy()
        time.sleep(0.4)  # what is tested is that nothing happens meanwhile
        assert (driver.position == rested).all(), 'a robot in HOLD moved'
        over, info = stepped(env, driver, inwards(driver))
        assert not over and info['held_ms'] > 400.0
        drive(env, driver)


def client_process(*words: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, '-m', 'truth_client', BRIDGE, *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == 'moving'
    return process


@pytest.mark.fault(what='client killed')
def test_a_killed_client_leaves_the_robot_to_the_next_one(driver: Driver) -> None:
    shared_memory.kill(client_process())
    driver.wait_for_stop(StopState.STOPPED, StopReason.LEASE_EXPIRED)
    env = make(NAMESPACE)
    goes_on(env, driver)
    env.close()


@pytest.mark.fault(what='client stopped (SIGSTOP)')
def test_a_client_that_stood_still_learns_that_its_lease_is_lost(driver: Driver) -> None:
    client = client_process()
    client.send_signal(signal.SIGSTOP)
    try:
        driver.wait_for_stop(StopState.STOPPED, StopReason.LEASE_EXPIRED)
    finally:
        client.send_signal(signal.SIGCONT)
    assert 'SessionLost' in client.communicate(timeout=TIMEOUT_S)[0]


@pytest.mark.fault(
    what='the client gets Ctrl-C',
    seen_by='client: gives the lease back',
    within='at once',
    state='STOPPED, CLIENT_CLOSED',
    client='KeyboardInterrupt',
    side='client',
)
def test_a_client_that_is_interrupted_gives_the_lease_back(driver: Driver) -> None:
    client = client_process()
    client.send_signal(signal.SIGINT)
    assert 'KeyboardInterrupt' in client.communicate(timeout=TIMEOUT_S)[0]
    driver.wait_for_stop(StopState.STOPPED, StopReason.CLIENT_CLOSED)


# -- the task on the robot ------------------------------------------------------------------------


@pytest.mark.fault(what='the environment raises')
def test_a_task_that_raises_stops_the_robot(driver: Driver, env: Any) -> None:
    env.reset(options={'raises': True})
    sentence = raises(EnvFailed, lambda: env.step(inwards(driver)), 5.0)
    assert 'ValueError: this reward always fails' in sentence
    driver.wait_for_stop(StopState.STOPPED, StopReason.ENV_FAILED)
    goes_on(env, driver)


@pytest.mark.fault(what='bridge frozen by a C call')
def test_a_task_that_stalls_the_bridge_stops_the_robot(driver: Driver, env: Any) -> None:
    env.reset(options={'blocks_s': 1})
    assert until_over(env, driver)['stop_reason'] == 'BRIDGE_SILENT'
    driver.wait_for(lambda: driver.at_rest)
    goes_on(env, driver)


# -- the bridge -----------------------------------------------------------------------------------


@pytest.mark.fault(
    what='a second bridge, of another name, is started for the same robot',
    seen_by='the second bridge: the guard does not listen to it',
    within='at its configure, after connect_timeout',
    state='none: the first goes on',
    client='goes on',
    side='bridge',
)
def test_a_second_bridge_of_another_name_is_refused_and_the_first_ones_client_goes_on(
    side: RobotSide, driver: Driver, env: Any
) -> None:
    parameters = {**side.parameters, 'autostart': 'true', 'connect_timeout': '1.0'}
    words = [word for pair in parameters.items() for word in ('-p', ':='.join(pair))]
    ros = ['--ros-args', '-r', f'__ns:=/{NAMESPACE}', '-r', '__node:=other_env', *words]
    second = subprocess.Popen(
        [sys.executable, '-m', 'rl_bridge.node', *ros], stderr=subprocess.PIPE, text=True
    )
    try:
        while second.poll() is None:
            assert not stepped(env, driver, inwards(driver))[0]
    finally:
        second.kill()
        said = second.communicate()[1]
    assert second.returncode == 1
    assert 'The guard does not listen to' in said and 'Only one bridge may command' in said


@pytest.mark.fault(what='bridge stopped (SIGSTOP)')
def test_a_bridge_that_stands_still_is_a_time_out_and_then_goes_on(
    side: RobotSide, driver: Driver
) -> None:
    env = make(NAMESPACE, timeout_s=1.0)
    env.reset()
    drive(env, driver)
    bridge = side.processes['robot_env']
    bridge.send_signal(signal.SIGSTOP)
    try:
        sentence = raises(BridgeTimeout, lambda: env.step(inwards(driver)), 1.0)
        assert 'did not answer step' in sentence and 'Reset to go on' in sentence
        driver.wait_for_stop(StopState.STOPPED, StopReason.BRIDGE_SILENT)
    finally:
        bridge.send_signal(signal.SIGCONT)
    goes_on(env, driver)
    env.close()


@pytest.mark.fault(what='bridge killed')
def test_a_killed_bridge_is_a_time_out_and_a_new_one_says_so(
    side: RobotSide, driver: Driver
) -> None:
    env = make(NAMESPACE, timeout_s=1.0)
    env.reset()
    drive(env, driver)
    shared_memory.kill(side.processes['robot_env'])
    raises(BridgeTimeout, lambda: env.step(inwards(driver)), 1.0)
    driver.wait_for_stop(StopState.STOPPED, StopReason.BRIDGE_SILENT)
    begin_again(side)
    env.reset()
    env.close()


@pytest.mark.fault(what='Ctrl-C, bridge')
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_bridge_that_is_ended_halts_the_robot_first(
    side: RobotSide, driver: Driver, number: int
) -> None:
    env = make(NAMESPACE, timeout_s=1.0)
    env.reset()
    drive(env, driver)
    bridge = side.processes['robot_env']
    bridge.send_signal(number)
    driver.wait_for_stop(StopState.STOPPED, StopReason.SHUTDOWN)
    begun_s = time.monotonic()
    try:
        info = until_over(env, driver)
        assert info['stop_reason'] == 'SHUTDOWN'
    except (BridgeUnavailable, BridgeTimeout):
        assert time.monotonic() - begun_s < 1.0 + HANGS_S
    assert bridge.wait(TIMEOUT_S) == 0
    begin_again(side)
    env.close()


def begin_again(side: RobotSide) -> None:
    """Start the bridge anew, and wait until it serves."""
    side.processes['robot_env'] = subprocess.Popen(
        side.command('robot_env'), start_new_session=True
    )
    make(NAMESPACE).close()
