# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The bridge without ROS: requests in, replies out."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from bridge_rig import WAIT_S, CountingEnv, Gate, Rig, RobotRig, got, refused
from gymnasium import spaces

from rl_bridge.bridge import Bridge
from rl_bridge.errors import SpecError
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.types import (
    Leaf,
    ResetRequest,
    StatusCode,
    StepRequest,
    StopReason,
    StopState,
)
from rl_bridge.wire import info_from_json, info_to_json, specs_from_json, specs_hash


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(CountingEnv(render_mode='rgb_array'))
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


def numbers(reply: Any) -> list[float]:
    return list(reply.observation[0].numbers)


# -- replies -------------------------------------------------------------------------------------


def test_a_reset_and_a_step_say_what_they_answer_and_when(rig: Rig) -> None:
    reset = rig.reset('ann')
    assert (reset.status.code, reset.reset_id, reset.bridge_id) == (0, 1, 'the bridge')
    assert reset.session
    assert reset.epoch > 100
    assert reset.episode == 1
    assert numbers(reset) == [0.0, 0.0]
    rig.wait(7)
    step = rig.step(1, reset.session)
    assert (step.status.code, step.session, step.step) == (0, reset.session, 1)
    assert (step.epoch, step.episode, step.bridge_id) == (reset.epoch, 1, 'the bridge')
    assert numbers(step) == [1.0, 0.5]
    assert (step.reward, step.terminated, step.truncated) == (1.0, False, False)
    assert info_from_json(step.info) == {'n': 1}
    assert step.stamp_ns == rig.now_ns
    assert step.stop.state == StopState.RUNNING
    assert list(step.applied_action) == []


def test_cartpole_bridged_is_cartpole() -> None:
    bridge = Bridge(HostedEnv(gymnasium.make('CartPole-v1')), bridge_id='b', first_epoch=0)
    bridge.open()
    local = gymnasium.make('CartPole-v1')
    session = ''
    actions = np.random.default_rng(3).integers(0, 2, 300)
    ends = 0
    over = True
    for number, action in enumerate(actions, start=1):
        if over:
            reset = bridge.reset(
                ResetRequest(
                    client_id='ann', session=session, reset_id=number, has_seed=True, seed=number
                )
            )
            session = reset.session
            observation, _ = local.reset(seed=number)
            assert list(reset.observation[0].numbers) == observation.tolist()
        reply = bridge.step(StepRequest(action=array('d', [action]), session=session, step=number))
        observation, reward, terminated, truncated, _ = local.step(action)
        assert list(reply.observation[0].numbers) == observation.tolist()
        assert (reply.reward, reply.terminated, reply.truncated) == (reward, terminated, truncated)
        over = reply.terminated or reply.truncated
        ends += over
    assert ends > 3


def test_the_specs_describe_the_environment_also_before_activation() -> None:
    env = CountingEnv(render_mode='rgb_array')
    rig = Rig(env, opened=False)
    reply = rig.bridge.get_specs()
    assert refused(reply, StatusCode.NOT_ACTIVE, 'not active')
    specs = specs_from_json(reply.specs)
    assert specs.action_space == env.action_space
    assert specs.observation_space == env.observation_space
    assert specs.render_modes == ['rgb_array']
    assert specs.env == 'CountingEnv'
    assert reply.specs_hash == specs_hash(reply.specs)
    assert (reply.authority, reply.lease, reply.control_period) == (0.15, 1.0, 0.0)
    rig.bridge.open()
    assert rig.bridge.get_specs().status.code == StatusCode.OK


def test_an_environment_whose_spaces_cannot_travel_is_refused_at_once() -> None:
    env = CountingEnv()
    env.observation_space = spaces.Space()
    with pytest.raises(SpecError):
        HostedEnv(env)


def test_seed_and_options_reach_the_environment(rig: Rig) -> None:
    rig.reset(has_seed=True, seed=11, options=info_to_json({'easy': True}))
    rig.reset(seed=12)
    assert env_of(rig).resets == [(11, {'easy': True}), (None, None)]


def test_transitions_are_told_in_order_with_their_requests(rig: Rig) -> None:
    session = rig.begin('ann')
    rig.step(1, session, action=(0.25, 0.0))
    rig.step(1, session, action=(0.25, 0.0))
    rig.step(7, session)
    assert [(run.step, run.reset, run.client_id) for run, _, _ in rig.transitions] == [
        (0, True, 'ann'),
        (1, False, 'ann'),
    ]
    assert list(rig.transitions[1][1].action) == [0.25, 0.0]
    assert numbers(rig.transitions[1][2]) == [1.0, 0.25]


def test_a_listener_that_fails_harms_nobody(rig: Rig) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError('the disk is full')

    rig.bridge.on_transition = fail
    session = rig.begin()
    assert numbers(rig.step(1, session)) == [1.0, 0.5]
    assert numbers(rig.step(2, session)) == [2.0, 0.5]


def test_the_pause_of_a_learner_is_told_in_the_timing(rig: Rig) -> None:
    session = rig.begin()
    rig.step(1, session)
    rig.wait(650)
    assert rig.step(2, session).timing.held == pytest.approx(0.5)


# -- refusals ------------------------------------------------------------------------------------


def test_nothing_is_executed_before_the_bridge_is_opened() -> None:
    rig = Rig(CountingEnv(render_mode='rgb_array'), opened=False)
    for reply in (rig.reset('ann'), rig.reset(''), rig.step(), rig.bridge.render('')):
        assert refused(reply, StatusCode.NOT_ACTIVE, 'the bridge is not active')
    assert not rig.bridge.heartbeat('')
    assert env_of(rig).resets == []
    assert env_of(rig).steps == 0


def test_a_client_built_for_other_specs_is_refused(rig: Rig) -> None:
    specs = rig.bridge.get_specs()
    assert refused(rig.reset(specs_hash='0' * 64), StatusCode.SPECS_CHANGED, 'make a new client')
    assert rig.reset(specs_hash=specs.specs_hash).status.code == StatusCode.OK
    assert len(env_of(rig).resets) == 1


def test_a_negative_seed_is_refused(rig: Rig) -> None:
    assert refused(rig.reset(has_seed=True, seed=-1), StatusCode.MALFORMED, 'seed -1')
    assert env_of(rig).resets == []


@pytest.mark.fault(what='a malformed request')
@pytest.mark.parametrize('options', ['{', '[1]', 'NaN', '{"a": 1} x'])
def test_options_that_are_no_json_object_are_refused(rig: Rig, options: str) -> None:
    assert refused(rig.reset(options=options), StatusCode.MALFORMED, 'options')
    assert env_of(rig).resets == []


@pytest.mark.fault(what='a malformed request')
@pytest.mark.parametrize(
    'action',
    [(), (0.1,), (0.1, 0.2, 0.3), (2.0, 0.0), (float('nan'), 0.0), (float('inf'), 0.0)],
    ids=['empty', 'short', 'long', 'out of bounds', 'NaN', 'infinite'],
)
def test_an_action_outside_the_space_is_rejected_and_moves_nothing(
    rig: Rig, action: tuple[float, ...]
) -> None:
    session = rig.begin()
    reply = rig.step(1, session, action=action)
    assert refused(reply, StatusCode.REJECTED, 'nothing moved')
    assert refused(rig.step(action=action), StatusCode.BUSY)
    assert env_of(rig).steps == 0
    assert numbers(rig.step(1, session)) == [1.0, 0.5], 'the number was not taken'


def test_text_that_no_leaf_asks_for_is_rejected(rig: Rig) -> None:
    session = rig.begin()
    assert refused(rig.step(1, session, action_text=['surplus']), StatusCode.REJECTED)
    assert env_of(rig).steps == 0


def test_a_refusal_tells_the_stop_the_epoch_and_a_fresh_stamp(rig: Rig) -> None:
    rig.begin('ann')
    rig.bridge.halt(reason=StopReason.HALT_REQUESTED, message='a person said so')
    rig.wait(3)
    reply = rig.reset('bob')
    assert refused(reply, StatusCode.BUSY, 'ann')
    assert (reply.session, reply.reset_id, reply.bridge_id) == ('', 2, 'the bridge')
    assert reply.stop.reason == StopReason.HALT_REQUESTED
    assert reply.epoch == rig.bridge.session.epoch
    assert reply.stamp_ns == rig.now_ns


@pytest.mark.parametrize(
    ('step', 'code'),
    [(0, StatusCode.MALFORMED), (1, StatusCode.STALE), (4, StatusCode.GAP)],
)
def test_a_step_out_of_order_moves_nothing(rig: Rig, step: int, code: StatusCode) -> None:
    session = rig.begin()
    rig.step(1, session)
    rig.step(2, session)
    reply = rig.step(step, session)
    assert refused(reply, code)
    assert (reply.step, reply.session) == (step, session)
    assert env_of(rig).steps == 2


@pytest.mark.fault(
    what='a request was under way for longer than the authority',
    seen_by='bridge: echo of its own clock',
    within='when it arrives',
    state='unchanged: TOO_OLD, nothing moves',
    client='sends it again by itself',
    side='link',
)
def test_a_step_that_was_under_way_too_long_can_be_sent_again_with_the_answers_stamp(
    rig: Rig,
) -> None:
    session = rig.begin()
    echo = rig.now_ns
    rig.wait(200)
    late = rig.step(1, session, echo_ns=echo)
    assert refused(late, StatusCode.TOO_OLD)
    assert env_of(rig).steps == 0
    assert rig.step(1, session, echo_ns=late.stamp_ns).status.code == StatusCode.OK


def test_a_step_after_the_episode_needs_a_reset(rig: Rig) -> None:
    env_of(rig).distort = lambda result: (*result[:2], True, *result[3:])
    session = rig.begin()
    assert rig.step(1, session).terminated
    assert refused(rig.step(2, session), StatusCode.NEEDS_RESET, 'the episode is over')
    assert env_of(rig).steps == 1


# -- once and only once --------------------------------------------------------------------------


@pytest.mark.fault(what='a request is repeated')
def test_the_same_step_twice_runs_once_and_answers_alike(rig: Rig) -> None:
    session = rig.begin()
    first = rig.step(1, session)
    rig.wait(5)
    again = rig.step(1, session, action=(-1.0, 0.0))
    assert env_of(rig).actions == [0.5]
    assert again.stamp_ns == rig.now_ns
    again.stamp_ns = first.stamp_ns
    assert again == first


@pytest.mark.fault(what='a request is repeated')
def test_the_same_reset_twice_runs_once_and_answers_alike(rig: Rig) -> None:
    request = rig.reset_request('ann', has_seed=True, seed=4)
    first = rig.bridge.reset(request)
    again = rig.bridge.reset(request)
    assert again == first
    assert env_of(rig).resets == [(4, None)]


def test_a_buffer_the_environment_writes_again_changes_no_reply(rig: Rig) -> None:
    held = np.zeros(2)
    env_of(rig).distort = lambda result: (held, *result[1:])
    session = rig.begin()
    reply = rig.step(1, session)
    held[:] = 9.0
    assert numbers(reply) == [0.0, 0.0]
    assert numbers(rig.step(1, session)) == [0.0, 0.0]


def test_a_late_step_is_never_taken_for_one_of_the_next_episode(rig: Rig) -> None:
    session = rig.begin()
    rig.step(1, session)
    rig.step(2, session)
    rig.reset('ann', session=session)
    assert refused(rig.step(1, session), StatusCode.STALE)
    assert numbers(rig.step(2, session)) == [2.0, 0.5], 'the reply of old'
    assert env_of(rig).steps == 2


# -- lease ---------------------------------------------------------------------------------------


def test_another_client_gets_busy_until_the_holder_closes(rig: Rig) -> None:
    session = rig.begin('ann')
    assert refused(rig.reset('bob'), StatusCode.BUSY, 'ann holds the lease')
    assert rig.bridge.close_session(session).status.code == StatusCode.OK
    assert rig.reset('bob').status.code == StatusCode.OK


def test_closing_an_unknown_session_is_told_so_and_halts_nothing(rig: Rig) -> None:
    session = rig.begin()
    assert refused(rig.bridge.close_session('nobody'), StatusCode.NO_SESSION)
    assert rig.step(1, session).stop.state == StopState.RUNNING


def test_heartbeats_keep_the_lease_through_the_bridge(rig: Rig) -> None:
    session = rig.begin()
    for _ in range(5):
        rig.live(999)
        assert rig.bridge.heartbeat(session)
    rig.live(1001)
    assert not rig.bridge.heartbeat(session)
    assert refused(rig.step(1, session), StatusCode.NO_SESSION, 'expired')


def test_a_bridge_that_stood_still_does_not_blame_its_client(rig: Rig) -> None:
    session = rig.begin()
    rig.live(400)
    rig.wait(5000)  # a hosted environment holds Python's lock
    rig.bridge.tick()
    assert rig.step(1, session).status.code == StatusCode.OK


def test_a_client_that_died_while_the_bridge_stood_still_loses_its_lease_after_it(
    rig: Rig,
) -> None:
    session = rig.begin()
    rig.live(400)
    rig.wait(5000)
    rig.live(500)
    assert rig.bridge.heartbeat(session), 'the 5 s are not counted'
    rig.wait(5000)
    rig.live(1100)
    assert refused(rig.step(1, session), StatusCode.NO_SESSION, 'expired')


# -- by hand -------------------------------------------------------------------------------------


def test_a_step_by_hand_begins_an_episode_if_none_runs(rig: Rig) -> None:
    reply = rig.step()
    assert reply.status.code == StatusCode.OK
    assert 'one was begun' in reply.status.message
    assert (reply.session, reply.step) == ('', 0)
    assert rig.step().status.message == ''
    assert env_of(rig).resets == [(None, None)]
    assert env_of(rig).steps == 2


def test_a_robot_begins_in_place_for_a_step_by_hand(robots: RobotRig) -> None:
    started: list[dict[str, Any] | None] = []
    reset = robots.env.reset

    def noted(*, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        started.append(options)
        return reset(seed=seed, options=options)

    robots.env.reset = noted  # type: ignore[method-assign]
    assert robots.step(action=(0.1, 0.0)).status.code == StatusCode.OK
    assert started == [{'in_place': True}]
    assert [noted.values.tolist() for noted in robots.robot.commands] == [[0.1, 0.0]]


def test_a_step_by_hand_whose_episode_cannot_begin_says_why(rig: Rig) -> None:
    def fail() -> None:
        raise RuntimeError('no power')

    env_of(rig).during_reset = fail
    assert refused(rig.step(), StatusCode.ENV_FAILED, 'reset', 'RuntimeError: no power')
    assert env_of(rig).steps == 0


def test_a_reset_by_hand_begins_without_a_session(rig: Rig) -> None:
    reply = rig.reset('')
    assert (reply.status.code, reply.session) == (StatusCode.OK, '')
    assert rig.step().status.message == ''
    assert len(env_of(rig).resets) == 1


# -- pictures ------------------------------------------------------------------------------------


def test_a_picture_is_rows_of_rgb_bytes(rig: Rig) -> None:
    env_of(rig).picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)[:, ::-1]
    reply = rig.bridge.render('')
    assert (reply.status.code, reply.height, reply.width) == (StatusCode.OK, 2, 4)
    assert bytes(reply.data) == np.ascontiguousarray(env_of(rig).picture).tobytes()


def test_only_the_holder_renders(rig: Rig) -> None:
    session = rig.begin('ann')
    assert refused(rig.bridge.render(''), StatusCode.BUSY, 'ann')
    assert rig.bridge.render(session).status.code == StatusCode.OK


def test_a_session_that_has_ended_renders_nothing(rig: Rig) -> None:
    session = rig.begin('ann')
    rig.bridge.close_session(session)
    assert refused(rig.bridge.render(session), StatusCode.NO_SESSION, 'has ended')
    assert refused(rig.bridge.render('never known'), StatusCode.NO_SESSION, 'has ended')


def test_an_environment_without_pictures_says_so() -> None:
    assert refused(
        Rig(CountingEnv()).bridge.render(''), StatusCode.UNSUPPORTED, 'render mode None'
    )


@pytest.mark.parametrize(
    'picture',
    [None, np.zeros((4, 6)), np.zeros((4, 6, 4), np.uint8), np.zeros((4, 6, 3))],
    ids=['nothing', 'flat', 'four channels', 'floats'],
)
def test_a_picture_of_another_kind_is_a_failure(rig: Rig, picture: Any) -> None:
    env_of(rig).picture = picture
    assert refused(rig.bridge.render(''), StatusCode.ENV_FAILED, 'render')


def test_render_that_raises_is_a_failure_that_stops_nothing(rig: Rig) -> None:
    def fail() -> None:
        raise SystemExit(3)

    session = rig.begin()
    env_of(rig).during_render = fail
    assert refused(rig.bridge.render(session), StatusCode.ENV_FAILED, 'SystemExit: 3')
    assert rig.step(1, session).status.code == StatusCode.OK


def test_no_picture_waits_behind_a_step(rig: Rig) -> None:
    session = rig.begin()
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.step, 1, session)
    gate.reached()
    assert refused(rig.bridge.render(session), StatusCode.BUSY, 'being used')
    gate.open()
    got(step)
    assert rig.bridge.render(session).status.code == StatusCode.OK


def test_a_second_picture_does_not_wait_for_the_first(rig: Rig) -> None:
    env_of(rig).during_render = gate = Gate()
    first = rig.later(rig.bridge.render, '')
    gate.reached()
    assert refused(rig.bridge.render(''), StatusCode.BUSY, 'being used')
    gate.open()
    assert got(first).status.code == StatusCode.OK


def test_a_step_waits_for_the_picture_being_drawn(rig: Rig) -> None:
    session = rig.begin()
    env_of(rig).during_render = gate = Gate()
    picture = rig.later(rig.bridge.render, session)
    gate.reached()
    step = rig.later(rig.step, 1, session)
    rig.decided()
    assert env_of(rig).steps == 0
    gate.open()
    assert got(picture).status.code == StatusCode.OK
    assert got(step).status.code == StatusCode.OK
    assert env_of(rig).most_inside == 1


# -- life ----------------------------------------------------------------------------------------


def test_shutting_halts_first_and_ends_the_session(robots: RobotRig) -> None:
    session = robots.begin('ann')
    robots.bridge.shut(reason=StopReason.DEACTIVATED, message='the node was deactivated')
    assert robots.robot.halts == [(StopReason.DEACTIVATED, 'the node was deactivated')]
    assert refused(robots.step(1, session), StatusCode.NOT_ACTIVE, 'deactivated')
    robots.bridge.open()
    assert refused(robots.step(1, session), StatusCode.NO_SESSION, 'deactivated')
    assert refused(robots.step(), StatusCode.STOPPED, 'deactivated', 'reset to go on')
    assert robots.reset('ann').status.code == StatusCode.OK


def test_a_robot_that_cannot_be_halted_does_not_keep_the_bridge_open(robots: RobotRig) -> None:
    def fail(**_: Any) -> None:
        raise OSError('no route to the robot')

    robots.begin()
    robots.robot.halt = fail  # type: ignore[method-assign]
    robots.bridge.shut(reason=StopReason.SHUTDOWN, message='the bridge ends')
    assert refused(robots.reset(), StatusCode.NOT_ACTIVE, 'the bridge ends')


def test_closing_closes_the_environment_once_it_is_free(rig: Rig) -> None:
    session = rig.begin()
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.step, 1, session)
    gate.reached()
    rig.bridge.shut(reason=StopReason.SHUTDOWN, message='the bridge ends')
    assert not rig.bridge.close(timeout_s=0.01)
    assert env_of(rig).closes == 0
    gate.open()
    assert got(step).status.code == StatusCode.OK
    assert rig.bridge.close(timeout_s=WAIT_S)
    assert env_of(rig).closes == 1


def test_nothing_is_executed_on_a_closed_environment(rig: Rig) -> None:
    assert rig.bridge.close(timeout_s=WAIT_S)
    assert refused(rig.step(), StatusCode.NOT_ACTIVE)
    assert env_of(rig).steps == 0


def test_an_environment_that_fails_to_close_is_closed_for_us(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise SystemExit('window gone')

    env_of(rig).during_close = fail
    assert rig.bridge.close(timeout_s=WAIT_S)
    assert 'close of the hosted environment failed' in caplog.text


def test_a_bridge_that_was_closed_while_a_picture_waited_draws_none(rig: Rig) -> None:
    gate = Gate()
    rig.bridge.on_transition = lambda *_: gate()
    step = rig.later(rig.step)
    gate.reached()  # the step is executed, but its thread is still inside
    picture = rig.later(rig.bridge.render, '')
    while not rig.bridge._pictures._rendering:
        assert not picture.done()
    rig.bridge.shut(reason=StopReason.DEACTIVATED, message='the node was deactivated')
    gate.open()
    got(step)
    assert refused(got(picture), StatusCode.NOT_ACTIVE, 'deactivated')


def test_an_attribute_called_robot_makes_no_robot_of_an_environment() -> None:
    env: Any = CountingEnv()
    env.robot = object()
    env.task = env.robot
    rig = Rig(env)
    session = rig.begin()
    assert rig.step(1, session).status.code == StatusCode.OK
    assert rig.bridge.stop().state == StopState.RUNNING


def test_the_reward_terms_of_a_robots_task_are_in_the_specs(robots: RobotRig) -> None:
    specs = json.loads(robots.bridge.get_specs().specs)
    assert specs['reward_terms'] == ['still']


def test_observations_are_packed_into_the_leaves_that_are_asked_for() -> None:
    class OwnLeaf(Leaf):
        pass

    bridge = Bridge(HostedEnv(CountingEnv(), leaf_type=OwnLeaf), bridge_id='b', first_epoch=0)
    bridge.open()
    reply = bridge.reset(ResetRequest())
    assert [type(leaf) for leaf in reply.observation] == [OwnLeaf]
