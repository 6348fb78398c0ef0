# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Halts, failures and what becomes of the episode, with a plain environment and a fake robot."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from bridge_rig import MS, CountingEnv, Gate, Rig, RobotRig, VelocityTask, got, refused

from rl_bridge.decision import Run
from rl_bridge.envs.robot_env import DOUBTFUL, RobotEnv
from rl_bridge.errors import ConfigError, LimitError, RobotNotReady
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.robots.fake_robot import FakeRobot
from rl_bridge.stage import EXPECTED, Stage
from rl_bridge.types import ResetRequest, StatusCode, StopReason, StopState
from rl_bridge.wire import info_from_json, info_to_json


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(CountingEnv())
    yield rig
    rig.close()


@pytest.fixture
def robots() -> Iterator[RobotRig]:
    rig = RobotRig()
    yield rig
    rig.close()


def env_of(rig: Rig) -> CountingEnv:
    assert isinstance(rig.env, CountingEnv)
    return rig.env


def halt(rig: Rig, message: str = 'a person said so') -> bool:
    return rig.bridge.halt(reason=StopReason.HALT_REQUESTED, message=message)


def numbers(reply: Any) -> list[float]:
    return list(reply.observation[0].numbers)


def truncated_by(reply: Any, reason: StopReason) -> bool:
    """Whether a stop ended the episode in a way no learner takes for a failure of its policy."""
    assert reply.status.code == StatusCode.OK, reply
    assert (reply.terminated, reply.truncated) == (False, True)
    assert reply.stop.state >= StopState.STOPPED
    assert reply.stop.reason == reason
    assert reply.observation
    return True


# -- before the first episode --------------------------------------------------------------------


def test_a_bridge_at_rest_is_idle(rig: Rig) -> None:
    stop = rig.bridge.stop()
    assert (stop.state, stop.reason) == (StopState.HOLD, StopReason.IDLE)
    rig.begin()
    assert rig.bridge.stop().state == StopState.RUNNING


# -- halts ---------------------------------------------------------------------------------------


def test_a_halt_reaches_the_robot_and_is_latched_until_a_reset(robots: RobotRig) -> None:
    session = robots.begin()
    robots.step(1, session)
    halt(robots)
    assert robots.robot.halts == [(StopReason.HALT_REQUESTED, 'a person said so')]
    assert robots.bridge.stop().state == StopState.STOPPED
    assert robots.reset('ann', session=session).stop.state < StopState.STOPPED
    assert robots.step(2, session).stop.state == StopState.RUNNING


def test_a_halt_between_two_steps_truncates_with_the_last_observation(robots: RobotRig) -> None:
    session = robots.begin()
    last = robots.step(1, session, action=(0.4, -0.2))
    halt(robots)
    reply = robots.step(2, session, action=(0.4, -0.2))
    assert truncated_by(reply, StopReason.HALT_REQUESTED)
    assert reply.observation == last.observation
    assert len(robots.robot.commands) == 1
    assert refused(robots.step(3, session), StatusCode.NEEDS_RESET, 'a person said so')


def test_a_halt_before_the_first_step_truncates_with_the_resets_observation(rig: Rig) -> None:
    env_of(rig).first = np.array([3.0, 4.0])
    session = rig.begin()
    halt(rig)
    reply = rig.step(1, session)
    assert truncated_by(reply, StopReason.HALT_REQUESTED)
    assert numbers(reply) == [3.0, 4.0]
    assert env_of(rig).steps == 0


def test_the_truncated_step_again_is_answered_alike(rig: Rig) -> None:
    session = rig.begin()
    halt(rig)
    first = rig.step(1, session)
    assert rig.step(1, session) == first


@pytest.mark.fault(what='~/halt')
def test_a_halt_during_a_step_truncates_that_step(rig: Rig) -> None:
    session = rig.begin()
    env_of(rig).during_step = gate = Gate()
    env_of(rig).distort = lambda result: (*result[:2], True, False, result[4])
    step = rig.later(rig.step, 1, session)
    gate.reached()
    halt(rig)
    gate.open()
    assert truncated_by(got(step), StopReason.HALT_REQUESTED)


@pytest.mark.fault(what='the environment hangs')
def test_a_halt_during_a_step_stops_the_robot_while_the_environment_is_busy(
    robots: RobotRig,
) -> None:
    session = robots.begin()
    robots.task.during_command = gate = Gate()
    step = robots.later(robots.step, 1, session)
    gate.reached()
    halt(robots)
    assert robots.robot.stop().state == StopState.STOPPED
    gate.open()
    reply = got(step)
    assert truncated_by(reply, StopReason.HALT_REQUESTED)
    assert robots.robot.commands == []
    assert list(reply.applied_action) == [0.0, 0.0]


def test_a_step_by_hand_after_a_halt_is_refused_until_a_reset(robots: RobotRig) -> None:
    robots.step()
    halt(robots)
    assert refused(robots.step(), StatusCode.STOPPED, 'a person said so', 'reset to go on')
    assert len(robots.robot.commands) == 1
    robots.reset('')
    assert robots.step().stop.state == StopState.RUNNING


def test_a_halt_between_admission_and_reset_wins(rig: Rig) -> None:
    session = rig.begin()
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.step, 1, session)
    gate.reached()
    reset = rig.later(lambda: rig.reset('ann', session=session))
    rig.decided()
    halt(rig, 'a hand in the way')
    gate.open()
    got(step)
    assert refused(got(reset), StatusCode.STOPPED, 'a hand in the way', 'reset again')
    assert len(env_of(rig).resets) == 1
    assert rig.bridge.stop().message == 'a hand in the way'
    assert rig.reset('ann').status.code == StatusCode.OK


@pytest.mark.fault(what='~/halt')
def test_a_halt_during_a_reset_wins(robots: RobotRig) -> None:
    robots.task.during_reset = gate = Gate()
    reset = robots.later(robots.reset, 'ann')
    gate.reached()
    halt(robots, 'a hand in the way')
    gate.open()
    reply = got(reset)
    assert refused(reply, StatusCode.STOPPED, 'a hand in the way')
    assert reply.stop.state == StopState.STOPPED
    assert robots.robot.stop().state == StopState.STOPPED
    assert refused(robots.step(1, reply.session), StatusCode.NEEDS_RESET, 'a hand in the way')


def test_a_halt_just_before_the_robot_begins_is_repeated(robots: RobotRig) -> None:
    """
    The robot's begin clears a halt that came a moment earlier; the bridge must not leave it so.
    """
    begin = robots.robot.begin

    def halted_then_begun(*, timeout_s: float) -> None:
        halt(robots, 'a hand in the way')
        begin(timeout_s=timeout_s)

    robots.robot.begin = halted_then_begun  # type: ignore[method-assign]
    assert refused(robots.reset('ann'), StatusCode.STOPPED, 'a hand in the way')
    assert robots.robot.stop().state == StopState.STOPPED
    assert robots.robot.stop().message == 'a hand in the way'


def test_a_halt_the_robot_missed_is_repeated_with_the_next_tick(robots: RobotRig) -> None:
    robots.begin()
    halt(robots)
    robots.robot.begin(timeout_s=1.0)
    assert robots.robot.stop().state < StopState.STOPPED
    robots.bridge.tick()
    assert robots.robot.stop().state == StopState.STOPPED
    robots.bridge.tick()
    assert len(robots.robot.halts) == 2


def test_a_tick_halts_nobody_while_nothing_is_wrong(robots: RobotRig) -> None:
    session = robots.begin()
    robots.bridge.tick()
    robots.step(1, session)
    robots.bridge.tick()
    assert robots.robot.halts == []


def test_a_halt_while_a_step_by_hand_begins_moves_nothing(rig: Rig) -> None:
    env_of(rig).during_reset = gate = Gate()
    step = rig.later(rig.step)
    gate.reached()
    halt(rig, 'a hand in the way')
    gate.open()
    reply = got(step)
    assert refused(reply, StatusCode.STOPPED, 'a hand in the way')
    assert reply.stop.state == StopState.STOPPED
    assert env_of(rig).steps == 0


def test_the_first_of_several_halts_names_the_cause(rig: Rig) -> None:
    rig.begin()
    halt(rig, 'first')
    halt(rig, 'second')
    assert rig.bridge.stop().message == 'first'


# -- the ends of a lease -------------------------------------------------------------------------


@pytest.mark.fault(
    what="the client's heartbeat ends",
    seen_by='bridge: lease',
    within='1 s (lease_time)',
    state='STOPPED, LEASE_EXPIRED',
    client='SessionLost',
    side='client',
)
def test_an_expired_lease_halts_with_the_next_tick(robots: RobotRig) -> None:
    session = robots.begin('ann')
    robots.step(1, session)
    robots.wait(1001)
    robots.bridge.tick()
    assert [reason for reason, _ in robots.robot.halts] == [StopReason.LEASE_EXPIRED]
    assert 'ann' in robots.robot.halts[0][1]


@pytest.mark.fault(what="the client's heartbeat ends")
@pytest.mark.parametrize(
    'notice',
    [
        lambda rig: rig.reset('bob'),
        lambda rig: rig.reset(''),
        lambda rig: rig.step(),
        lambda rig: rig.bridge.heartbeat('whose'),
        lambda rig: rig.bridge.close_session(rig.bridge.session.session),
        lambda rig: rig.bridge.render(''),
    ],
    ids=['reset', 'reset by hand', 'step by hand', 'heartbeat', 'close', 'render'],
)
def test_whoever_comes_first_after_a_lease_expired_finds_the_robot_halted(
    robots: RobotRig, notice: Callable[[RobotRig], Any]
) -> None:
    session = robots.begin('ann')
    robots.step(1, session)
    robots.wait(1001)
    notice(robots)
    assert [reason for reason, _ in robots.robot.halts] == [StopReason.LEASE_EXPIRED]
    assert len(robots.robot.commands) == 1


def test_closing_brings_the_robot_to_rest(robots: RobotRig) -> None:
    session = robots.begin('ann')
    robots.bridge.close_session(session)
    assert [reason for reason, _ in robots.robot.halts] == [StopReason.CLIENT_CLOSED]
    robots.bridge.close_session(session)
    assert len(robots.robot.halts) == 1


@pytest.mark.fault(
    what='the client closes in mid-motion',
    seen_by='bridge',
    within='when it arrives',
    state='STOPPED, CLIENT_CLOSED',
    client='has closed',
    side='client',
)
def test_closing_during_a_step_halts_and_the_step_is_still_answered(robots: RobotRig) -> None:
    session = robots.begin('ann')
    robots.task.during_command = gate = Gate()
    step = robots.later(robots.step, 1, session)
    gate.reached()
    robots.bridge.close_session(session)
    gate.open()
    assert truncated_by(got(step), StopReason.CLIENT_CLOSED)
    assert refused(robots.step(2, session), StatusCode.NO_SESSION, 'closed by its client')


def test_a_takeover_halts_before_anything_else_happens(robots: RobotRig) -> None:
    session = robots.begin('ann')
    robots.task.during_command = gate = Gate()
    step = robots.later(robots.step, 1, session)
    gate.reached()
    takeover = robots.later(lambda: robots.reset('bob', takeover=True))
    robots.decided()
    assert robots.robot.halts == [(StopReason.TAKEOVER, 'bob took the lease over from ann')]
    assert robots.robot.begins == 1
    gate.open()
    assert truncated_by(got(step), StopReason.TAKEOVER)
    assert got(takeover).status.code == StatusCode.OK
    assert robots.robot.begins == 2
    assert robots.robot.commands == []
    assert refused(robots.step(2, session), StatusCode.NO_SESSION, 'bob took the lease over')


@pytest.mark.parametrize('by_hand', [False, True])
def test_what_a_newer_reset_has_fenced_moves_nothing_any_more(
    robots: RobotRig, by_hand: bool
) -> None:
    session = '' if by_hand else robots.begin('ann')
    robots.task.during_command = gate = Gate()
    step = robots.later(robots.step, 0 if by_hand else 1, session)
    gate.reached()
    reset = robots.later(lambda: robots.reset('ann'))  # in a new session, after a crash perhaps
    robots.decided()
    assert [reason for reason, _ in robots.robot.halts] == [StopReason.TAKEOVER]
    gate.open()
    assert truncated_by(got(step), StopReason.TAKEOVER)
    assert got(reset).status.code == StatusCode.OK
    assert robots.robot.commands == []


def test_a_step_by_hand_that_lay_in_a_bridge_that_stood_still_moves_nothing(
    robots: RobotRig,
) -> None:
    answers: list[Any] = []
    robots.bridge.submit_step(robots.step_request(), answers.append, waited_ns=160 * MS)
    assert refused(answers.pop(), StatusCode.TOO_OLD, '160 ms', '150 ms', 'send it again')
    assert not robots.transitions
    robots.bridge.submit_step(robots.step_request(), answers.append, waited_ns=140 * MS)
    assert answers.pop().status.code == StatusCode.OK


def test_a_takeover_during_anothers_reset_begins_once_that_has_failed(robots: RobotRig) -> None:
    robots.task.during_reset = gate = Gate()
    first = robots.later(robots.reset, 'ann')
    gate.reached()
    takeover = robots.later(lambda: robots.reset('bob', takeover=True))
    robots.decided()
    gate.open()
    assert got(first).status.code in (StatusCode.STOPPED, StatusCode.NO_SESSION)
    assert got(takeover).status.code == StatusCode.OK


def test_a_takeover_that_is_refused_halts_nobody(robots: RobotRig) -> None:
    session = robots.begin('ann')
    reply = robots.reset('bob', takeover=True, specs_hash='0')
    assert refused(reply, StatusCode.SPECS_CHANGED)
    assert robots.robot.halts == []
    assert robots.step(1, session).status.code == StatusCode.OK


@pytest.mark.fault(
    what='bridge deactivated in mid-episode',
    seen_by='bridge',
    within='at once',
    state='STOPPED, DEACTIVATED',
    client='truncated, stop_reason; then BridgeUnavailable',
    side='operator',
)
def test_deactivation_during_a_step_halts_and_the_step_is_still_answered(
    robots: RobotRig,
) -> None:
    session = robots.begin('ann')
    robots.task.during_command = gate = Gate()
    step = robots.later(robots.step, 1, session)
    gate.reached()
    robots.bridge.shut(reason=StopReason.DEACTIVATED, message='the node was deactivated')
    assert robots.robot.stop().state == StopState.STOPPED
    gate.open()
    assert truncated_by(got(step), StopReason.DEACTIVATED)


def test_a_reset_that_waited_through_a_deactivation_is_not_executed(rig: Rig) -> None:
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.step)
    gate.reached()
    reset = rig.later(rig.reset, '')
    rig.decided()
    rig.bridge.shut(reason=StopReason.DEACTIVATED, message='the node was deactivated')
    rig.bridge.open()
    gate.open()
    got(step)
    assert refused(got(reset), StatusCode.NO_SESSION, 'ended before this request was begun')
    assert len(env_of(rig).resets) == 1


# -- the robot's own stops -----------------------------------------------------------------------


def test_a_stop_of_the_guard_during_a_step_truncates_it(robots: RobotRig) -> None:
    session = robots.begin()
    robots.task.during_command = lambda: robots.robot.stop_with(
        StopState.STOPPED, StopReason.LIMIT_EXCEEDED
    )
    reply = robots.step(1, session)
    assert truncated_by(reply, StopReason.LIMIT_EXCEEDED)
    assert info_from_json(reply.info)['stop_reason'] == 'LIMIT_EXCEEDED'


def test_a_stop_of_the_guard_between_steps_truncates_the_next(robots: RobotRig) -> None:
    session = robots.begin()
    robots.step(1, session)
    robots.robot.stop_with(StopState.STOPPED, StopReason.LIMIT_EXCEEDED)
    assert truncated_by(robots.step(2, session), StopReason.LIMIT_EXCEEDED)
    assert len(robots.robot.commands) == 1


def test_a_hold_is_no_end_of_the_episode(robots: RobotRig) -> None:
    session = robots.begin()
    robots.robot.hold(reason=StopReason.AUTHORITY_EXPIRED, message='no step came')
    reply = robots.step(1, session)
    assert (reply.truncated, reply.stop.state) == (False, StopState.RUNNING)


def test_a_fault_stays_until_it_is_recovered(robots: RobotRig) -> None:
    session = robots.begin('ann')
    robots.robot.stop_with(StopState.FAULT, StopReason.NO_STANDSTILL, 'it still moves')
    reply = robots.reset('ann', session=session)
    assert refused(reply, StatusCode.STOPPED, 'it still moves')
    assert reply.stop.state == StopState.FAULT
    assert robots.bridge.recover().code == StatusCode.OK
    assert robots.bridge.stop().state == StopState.STOPPED
    assert robots.reset('ann', session=session).status.code == StatusCode.OK


def test_a_stop_without_a_valid_state_truncates_with_the_last_observation(
    robots: RobotRig,
) -> None:
    session = robots.begin()
    last = robots.step(1, session)

    def lose_the_state() -> None:
        robots.robot.stale = True

    robots.task.during_command = lose_the_state
    reply = robots.step(2, session)
    assert truncated_by(reply, StopReason.STATE_STALE)
    assert (reply.observation, reply.info) == (last.observation, last.info)
    assert refused(robots.step(3, session), StatusCode.NEEDS_RESET, 'stale')


@pytest.mark.fault(what='joint state not finite')
@pytest.mark.parametrize('reason', sorted(DOUBTFUL))
def test_what_is_measured_under_a_doubtful_state_is_never_an_observation(
    robots: RobotRig, reason: StopReason
) -> None:
    session = robots.begin()
    last = robots.step(1, session, action=(0.4, -0.2))
    robots.robot.advance(0.1)  # it is elsewhere now, and measured there
    robots.task.during_command = lambda: robots.robot.stop_with(StopState.STOPPED, reason)
    reply = robots.step(2, session, action=(0.4, -0.2))
    assert truncated_by(reply, reason)
    assert reply.observation == last.observation


def test_a_reset_that_ends_in_a_doubtful_state_gives_no_observation(robots: RobotRig) -> None:
    robots.task.during_reset = lambda: robots.robot.stop_with(
        StopState.STOPPED, StopReason.STATE_JUMP, 'it jumped'
    )
    reply = robots.reset('ann')
    assert refused(reply, StatusCode.STOPPED, 'it jumped')
    assert (reply.stop.reason, reply.observation) == (StopReason.STATE_JUMP, [])


def test_the_age_of_an_observation_that_comes_again_is_its_true_one() -> None:
    now_ns = 10**12
    robot = FakeRobot(lock_step=False, clock_ns=lambda: now_ns)
    task = VelocityTask()

    def sleep(seconds: float) -> None:
        nonlocal now_ns
        now_ns += round(seconds * 1e9)

    env = RobotEnv(
        robot, task, period_s=0.04, authority_s=0.15, clock_ns=lambda: now_ns, sleep=sleep
    )
    stage = Stage(HostedEnv(env), clock_ns=lambda: now_ns)
    run = Run(session='s', client_id='ann', epoch=1, episode=1, step=0, reset=True)
    assert stage.reset(run, ResetRequest(), None, stage.halts)[1]
    run = dataclasses.replace(run, step=1, reset=False)
    first = stage.step(run, np.zeros(2), stage.halts)[0]
    now_ns += 70 * MS
    stage.halt(reason=StopReason.HALT_REQUESTED, message='a person said so')
    again = stage.step(run, np.zeros(2), stage.halts)[0]
    assert again.observation == first.observation
    age_s = first.timing.observation_age + 0.07
    assert again.timing.observation_age == pytest.approx(age_s)


@pytest.mark.parametrize(
    ('said', 'told'),
    [
        (StopReason.GUARD_SILENT, StopReason.GUARD_SILENT),
        (StopReason.NOT_ALONE, StopReason.NOT_ALONE),
        (StopReason.NONE, StopReason.STATE_STALE),
    ],
)
def test_a_failed_reset_tells_the_robots_own_reason(
    robots: RobotRig, said: StopReason, told: StopReason
) -> None:
    def begin(*, timeout_s: float) -> None:
        raise RobotNotReady('The robot says why.', said)

    robots.robot.begin = begin  # type: ignore[method-assign]
    reply = robots.reset('ann')
    assert refused(reply, StatusCode.STOPPED, 'The robot says why')
    assert reply.stop.reason == told


@pytest.mark.parametrize('reason', [StopReason.CLIENT_CLOSED, StopReason.LEASE_EXPIRED])
def test_a_halt_that_somebody_wanted_is_no_warning(
    rig: Rig, caplog: pytest.LogCaptureFixture, reason: StopReason
) -> None:
    caplog.set_level(logging.INFO, 'rl_bridge')
    rig.begin()
    rig.bridge.halt(reason=reason, message='this is why')
    level = logging.INFO if reason in EXPECTED else logging.WARNING
    assert ('rl_bridge', level, 'halt: this is why') in caplog.record_tuples


def test_a_reset_without_a_state_says_why_and_halts(robots: RobotRig) -> None:
    robots.robot.stale = True
    assert refused(robots.reset('ann'), StatusCode.STOPPED, 'No state came')
    assert robots.bridge.stop().reason == StopReason.STATE_STALE


def test_steps_of_a_robot_carry_the_applied_action_and_are_noted(robots: RobotRig) -> None:
    session = robots.begin()
    reply = robots.step(1, session, action=(0.5, -0.25))
    assert list(reply.applied_action) == [0.5, -0.25]
    assert 'applied_action' not in info_from_json(reply.info)
    assert 'timing' not in info_from_json(reply.info)
    noted = robots.robot.commands[0]
    assert (noted.epoch, noted.episode, noted.step) == (reply.epoch, reply.episode, 1)


def test_a_step_by_hand_announces_no_begin_to_the_robot(robots: RobotRig) -> None:
    """
    For a robot step 0 announces a begin, which forgives the halts before it.
    """
    noted: list[int] = []
    note = robots.robot.note

    def watched(*, step: int, **others: Any) -> None:
        noted.append(step)
        note(step=step, **others)

    robots.robot.note = watched  # type: ignore[method-assign]
    robots.step()
    robots.step()
    assert noted == [0, 1, 1]


def test_a_stage_without_an_observation_answers_a_stop_without_one() -> None:
    stage = Stage(HostedEnv(CountingEnv()))
    stage.halt(reason=StopReason.HALT_REQUESTED, message='a person said so')
    run = Run(session='s', client_id='ann', epoch=1, episode=1, step=1, reset=False)
    reply, goes_on, why = stage.step(run, np.zeros(2), stage.halts)
    assert refused(reply, StatusCode.STOPPED, 'a person said so', 'nothing moved')
    assert (goes_on, why) == (False, 'the robot was stopped (a person said so)')


# -- environments that fail ----------------------------------------------------------------------


class OddError(Exception):
    """Whose text has lines and no end."""

    def __str__(self) -> str:
        return 'first line\n' + 'x' * 10_000


@pytest.mark.fault(what='the environment raises')
@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (ValueError('bad luck'), 'ValueError: bad luck'),
        (SystemExit(2), 'SystemExit: 2'),
        (KeyboardInterrupt(), 'KeyboardInterrupt'),
        (OddError(), 'OddError: first line x'),
    ],
    ids=['ValueError', 'SystemExit', 'KeyboardInterrupt', 'endless'],
)
@pytest.mark.parametrize('where', ['reset', 'step'])
def test_an_environment_that_raises_is_a_failure_with_its_name(
    rig: Rig, where: str, error: BaseException, words: str
) -> None:
    def fail() -> None:
        raise error

    session = rig.begin() if where == 'step' else ''
    setattr(env_of(rig), f'during_{where}', fail)
    reply = rig.step(1, session) if where == 'step' else rig.reset('ann')
    assert refused(reply, StatusCode.ENV_FAILED, where, words)
    assert len(reply.status.message) < 1000
    assert reply.observation == []
    assert reply.stop.reason == StopReason.ENV_FAILED
    decision = rig.step(2 if where == 'step' else 1, rig.bridge.session.session)
    assert refused(decision, StatusCode.NEEDS_RESET, 'failed')


def test_after_a_failure_the_next_reset_goes_on(rig: Rig) -> None:
    def fail() -> None:
        raise ValueError

    session = rig.begin()
    env_of(rig).during_step = fail
    rig.step(1, session)
    env_of(rig).during_step = lambda: None
    rig.reset('ann', session=session)
    reply = rig.step(2, session)
    assert (reply.status.code, reply.stop.state) == (StatusCode.OK, StopState.RUNNING)


def test_a_failed_step_again_is_answered_alike_and_not_run(rig: Rig) -> None:
    def fail() -> None:
        raise ValueError('bad luck')

    session = rig.begin()
    env_of(rig).during_step = fail
    assert rig.step(1, session) == rig.step(1, session)
    assert env_of(rig).steps == 1


@pytest.mark.parametrize(
    'result',
    [
        (np.zeros(3), 1.0, False, False, {}),
        (np.array([np.nan, 0.0]), 1.0, False, False, {}),
        (None, 1.0, False, False, {}),
        (np.zeros(2), float('nan'), False, False, {}),
        (np.zeros(2), float('inf'), False, False, {}),
        (np.zeros(2), None, False, False, {}),
        (np.zeros(2), 1.0, np.zeros(2), False, {}),
        (np.zeros(2), 1.0, False, False, None),
        (np.zeros(2), 1.0, False),
        None,
    ],
    ids=[
        'shape', 'NaN', 'nothing', 'reward NaN', 'reward infinite', 'no reward',
        'terminated twice', 'no info', 'too short', 'no tuple',
    ],
)  # fmt: skip
def test_what_the_spaces_do_not_allow_never_reaches_a_client(rig: Rig, result: Any) -> None:
    session = rig.begin()
    env_of(rig).distort = lambda _: result
    reply = rig.step(1, session)
    assert refused(reply, StatusCode.ENV_FAILED, 'step of the hosted environment')
    assert (reply.observation, reply.reward) == ([], 0.0)


@pytest.mark.parametrize('first', [np.zeros(3), np.array([0.0, np.nan]), 'text'])
def test_a_first_observation_outside_its_space_is_a_failure(rig: Rig, first: Any) -> None:
    env_of(rig).first = first
    assert refused(rig.reset('ann'), StatusCode.ENV_FAILED, 'reset of the hosted environment')


def test_no_observation_of_an_older_episode_stands_in_after_a_failed_reset(rig: Rig) -> None:
    def fail() -> None:
        raise ValueError

    session = rig.begin()
    rig.step(1, session)
    env_of(rig).during_reset = fail
    rig.reset('ann', session=session)
    reply = rig.step(2, session)
    assert refused(reply, StatusCode.NEEDS_RESET)
    assert reply.observation == []


# -- values an environment refuses ---------------------------------------------------------------


def test_a_refused_option_of_a_reset_clears_no_stop(robots: RobotRig) -> None:
    session = robots.begin('ann')
    halt(robots, 'a hand in the way')
    options = info_to_json({'in_place': 'perhaps'})
    reply = robots.reset('ann', session=session, options=options)
    assert refused(reply, StatusCode.REJECTED, 'in_place')
    assert robots.bridge.stop().message == 'a hand in the way'
    assert refused(robots.step(1, session), StatusCode.NEEDS_RESET, 'in_place')
    assert robots.reset('ann', session=session).status.code == StatusCode.OK


def test_a_refused_option_of_the_first_reset_begins_nothing(robots: RobotRig) -> None:
    reply = robots.reset('ann', options=info_to_json({'in_place': 'perhaps'}))
    assert refused(reply, StatusCode.REJECTED, 'in_place')
    assert robots.robot.begins == 0
    assert robots.reset('ann', session=reply.session).status.code == StatusCode.OK


@pytest.mark.parametrize('error', [ConfigError('no'), LimitError('too far')])
def test_a_value_refused_inside_a_step_is_a_failure_of_the_environment(
    rig: Rig, error: Exception
) -> None:
    """
    REJECTED would tell the client that the number was not taken, but it was.
    """

    def fail() -> None:
        raise error

    session = rig.begin()
    env_of(rig).during_step = fail
    assert refused(rig.step(1, session), StatusCode.ENV_FAILED, str(error))
    assert refused(rig.step(2, session), StatusCode.NEEDS_RESET)


@pytest.mark.fault(what='a task commands beyond the limits')
def test_a_task_that_commands_beyond_the_limits_moves_nothing(robots: RobotRig) -> None:
    session = robots.begin()
    robots.task.factor = 1000.0
    assert refused(robots.step(1, session), StatusCode.ENV_FAILED)
    assert robots.robot.commands == []
    assert robots.bridge.stop().state == StopState.STOPPED


# -- what nobody foresaw -------------------------------------------------------------------------


@pytest.mark.fault(what='a step breaks off in the bridge')
@pytest.mark.parametrize('where', ['reset', 'step'])
def test_a_defect_is_answered_as_unknown_and_the_bridge_goes_on(
    robots: RobotRig, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise MemoryError('defect')

    session = robots.begin('ann')
    note, robots.robot.note = robots.robot.note, fail  # type: ignore[method-assign]
    reply = robots.step(1, session) if where == 'step' else robots.reset('ann', session=session)
    assert refused(reply, StatusCode.UNKNOWN_OUTCOME, where, 'MemoryError: defect')
    assert 'Traceback' in caplog.text
    assert robots.bridge.stop().reason == StopReason.ENV_FAILED
    robots.robot.note = note  # type: ignore[method-assign]
    assert robots.reset('ann', session=session).status.code == StatusCode.OK


@pytest.mark.fault(
    what='a step breaks off in the bridge',
    seen_by='bridge',
    within='at once',
    state='STOPPED, ENV_FAILED',
    client='OutcomeUnknown: it may have moved, and is never run again',
    side='bridge',
)
def test_the_robot_is_told_how_old_a_step_is_already(robots: RobotRig) -> None:
    ages: list[float] = []
    robots.robot.note = lambda *, age_s=0.0, **_: ages.append(age_s)  # type: ignore[method-assign]
    session = robots.begin('ann')
    echo_ns = robots.step(1, session).stamp_ns
    robots.wait(200)
    robots.bridge.step(
        robots.step_request(2, session, echo_ns=echo_ns, elapsed_ns=150_000_000)
    )
    assert ages[-1] == pytest.approx(0.05), 'on the way for 50 ms of the 200'


def test_the_time_that_a_step_by_hand_took_to_begin_an_episode_makes_it_no_older(
    robots: RobotRig,
) -> None:
    ages: list[float] = []
    begin = robots.robot.begin

    def slowly(**times: float) -> None:
        robots.wait(140)
        begin(**times)

    robots.robot.begin = slowly  # type: ignore[method-assign]
    robots.robot.note = lambda *, age_s=0.0, **_: ages.append(age_s)  # type: ignore[method-assign]
    robots.step()
    assert ages[-1] == 0.0


def test_a_step_in_doubt_is_never_run_again(robots: RobotRig) -> None:
    calls: list[int] = []

    def fail(*, step: int, **_: Any) -> None:
        calls.append(step)
        raise MemoryError

    session = robots.begin('ann')
    robots.robot.note = fail  # type: ignore[method-assign]
    first = robots.step(1, session)
    assert robots.step(1, session) == first
    assert calls == [1]


def unreachable(**_: Any) -> None:
    raise OSError('no route to the robot')


def test_a_halt_that_does_not_reach_the_robot_is_tried_again_with_every_tick(
    robots: RobotRig, caplog: pytest.LogCaptureFixture
) -> None:
    robots.begin('ann')
    reach, robots.robot.halt = robots.robot.halt, unreachable  # type: ignore[method-assign]
    assert not robots.bridge.halt(reason=StopReason.HALT_REQUESTED, message='a person said so')
    assert robots.bridge.stop().state == StopState.STOPPED, 'nothing is commanded any more'
    for _ in range(3):
        robots.bridge.tick()
    assert caplog.text.count('could not be halted') == 1, 'said once, not with every tick'
    robots.robot.halt = reach  # type: ignore[method-assign]
    robots.bridge.tick()
    assert robots.robot.halts == [(StopReason.HALT_REQUESTED, 'a person said so')]
    assert halt(robots)


def test_a_takeover_whose_halt_does_not_reach_the_robot_begins_nothing(robots: RobotRig) -> None:
    session = robots.begin('ann')
    reach, robots.robot.halt = robots.robot.halt, unreachable  # type: ignore[method-assign]
    reply = robots.reset('bob', takeover=True)
    assert refused(reply, StatusCode.STOPPED, 'bob took the lease over', 'reset again')
    assert robots.robot.begins == 1
    assert refused(robots.step(1, session), StatusCode.NO_SESSION, 'bob')
    robots.robot.halt = reach  # type: ignore[method-assign]
    assert robots.reset('bob', session=reply.session).status.code == StatusCode.OK


def test_a_robot_that_cannot_be_halted_blocks_nobody(robots: RobotRig) -> None:
    session = robots.begin('ann')
    robots.robot.halt = unreachable  # type: ignore[method-assign]
    robots.robot.stale = True
    assert truncated_by(robots.step(1, session), StopReason.STATE_STALE)
    assert not robots.bridge.session.busy
    robots.wait(1001)
    assert refused(robots.step(), StatusCode.STOPPED)
    assert robots.bridge.session.holder == ''
