# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The remote env against a scripted bridge, through the transport seam: no ROS anywhere."""

from __future__ import annotations

import copy
import gc
import math
import pickle
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from client_scripted_bridge import ACTION, NotingTransport, ScriptedBridge
from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from rl_bridge.client import LoopbackTransport, RemoteRobotEnv
from rl_bridge.errors import (
    ActionRejected,
    BridgeBusy,
    BridgeError,
    BridgeRestarted,
    BridgeStopped,
    BridgeTimeout,
    BridgeUnavailable,
    ConfigError,
    EnvFailed,
    LimitError,
    NotAuthenticated,
    OutcomeUnknown,
    ProtocolError,
    ResetRequired,
    SessionLost,
    SpecsChanged,
    Unsupported,
)
from rl_bridge.types import (
    PROTOCOL_VERSION,
    Leaf,
    RenderReply,
    Status,
    StatusCode,
    Stop,
    StopReason,
    StopState,
    Timing,
)
from rl_bridge.wire import info_from_json

NESTED_IN_ITSELF: dict[str, Any] = {}
NESTED_IN_ITSELF['self'] = NESTED_IN_ITSELF


def make(bridge: ScriptedBridge, **arguments: Any) -> RemoteRobotEnv:
    return RemoteRobotEnv('/arm/robot_env', transport=NotingTransport(bridge), **arguments)


@pytest.fixture
def bridge() -> ScriptedBridge:
    return ScriptedBridge()


@pytest.fixture
def env(bridge: ScriptedBridge) -> RemoteRobotEnv:
    return make(bridge)


class TestEpisodes:
    def test_a_reset_carries_seed_options_hash_and_client(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        observation, info = env.reset(seed=7, options={'in_place': True})
        request = bridge.resets[-1]
        assert (request.has_seed, request.seed) == (True, 7)
        assert info_from_json(request.options) == {'in_place': True}
        assert request.specs_hash == bridge.specs_reply.specs_hash
        assert request.client_id and request.session == '' and request.takeover is False
        assert observation.dtype == np.float32 and observation.tolist() == [0, 0] and info == {}

    def test_a_reset_without_seed_says_so(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        assert bridge.resets[-1].has_seed is False and bridge.resets[-1].options == ''

    def test_a_step_gives_plain_python_values(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        bridge.script.append(
            {'reward': np.float32(2.5), 'terminated': np.bool_(True), 'truncated': np.False_})
        observation, reward, terminated, truncated, info = env.step(ACTION)
        assert np.array_equal(observation, ACTION)
        assert type(reward) is float and reward == 2.5
        assert terminated is True and truncated is False and info == {}

    def test_every_observation_has_a_buffer_of_its_own(self, env: RemoteRobotEnv) -> None:
        env.reset()
        first = env.step(ACTION)[0]
        kept = first.copy()
        second = env.step(-ACTION)[0]
        assert not np.shares_memory(first, second) and np.array_equal(first, kept)
        first[0] = 0.0  # writable

    def test_steps_count_on_over_the_episodes_of_a_session(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        for _ in range(2):
            env.reset()
            env.step(ACTION)
            env.step(ACTION)
        assert [step.step for step in bridge.steps] == [1, 2, 3, 4]
        assert [reset.session for reset in bridge.resets] == ['', 's1']
        assert bridge.resets[1].reset_id > bridge.resets[0].reset_id

    def test_steps_count_from_one_in_a_new_session(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        env.step(ACTION)
        bridge.session = 's2'
        env.reset()
        env.step(ACTION)
        assert (bridge.steps[-1].session, bridge.steps[-1].step) == ('s2', 1)

    def test_a_request_echoes_the_last_stamp_and_the_time_since(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        stamp_of_reset = bridge.stamp_ns
        env.step(ACTION)
        assert bridge.steps[-1].echo_ns == stamp_of_reset
        assert 0 < bridge.steps[-1].elapsed_ns < 60e9

    def test_a_step_before_the_first_reset_sends_nothing(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        with pytest.raises(ResetNeeded, match='no episode was begun'):
            env.step(ACTION)
        assert bridge.steps == []

    @pytest.mark.parametrize('end', ['terminated', 'truncated'])
    def test_a_step_after_the_end_of_an_episode_sends_nothing(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, end: str
    ) -> None:
        env.reset()
        bridge.script.append({end: True})
        env.step(ACTION)
        with pytest.raises(ResetRequired, match='the episode is over'):
            env.step(ACTION)
        assert len(bridge.steps) == 1

    def test_takeover_is_asked_for_until_it_is_granted_once(self, bridge: ScriptedBridge) -> None:
        env = make(bridge, takeover=True)
        bridge.refuse(StatusCode.BUSY, 'another reset is already waiting')
        with pytest.raises(BridgeBusy):
            env.reset()
        env.reset()
        env.reset()
        assert [reset.takeover for reset in bridge.resets] == [True, True, False]


class TestBadInput:
    @pytest.mark.parametrize(
        'action',
        [
            np.array([0.0, math.nan], np.float32),
            np.array([0.0, math.inf], np.float32),
            np.array([0.0, 1.5], np.float32),
            np.zeros(3, np.float32),
            np.zeros((2, 1), np.float32),
            'left',
            None,
        ],
    )
    def test_an_action_outside_the_space_is_not_sent(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, action: Any
    ) -> None:
        env.reset()
        with pytest.raises(ActionRejected, match='nothing was sent'):
            env.step(action)
        assert bridge.steps == []
        env.step(ACTION)  # the episode goes on
        assert bridge.steps[-1].step == 1

    def test_the_largest_seed_travels(self, bridge: ScriptedBridge, env: RemoteRobotEnv) -> None:
        env.reset(seed=2**63 - 1)
        assert bridge.resets[-1].seed == 2**63 - 1

    def test_a_larger_seed_is_refused_with_the_limit_named(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        with pytest.raises(LimitError, match=r'9223372036854775808.*2\*\*63 - 1'):
            env.reset(seed=2**63)
        assert bridge.resets == []

    def test_a_negative_seed_is_refused_as_gymnasium_does(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        with pytest.raises(gymnasium.error.Error):
            env.reset(seed=-1)
        assert bridge.resets == []

    @pytest.mark.parametrize('options', [
        [1], 'x', {'f': object()}, {'f': [1, print]}, {(object(),): 1}, {'f': np.array([None])},
        NESTED_IN_ITSELF])
    def test_options_that_cannot_travel_are_refused(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, options: Any
    ) -> None:
        with pytest.raises(ConfigError, match='options'):
            env.reset(options=options)
        assert bridge.resets == []

    def test_numpy_values_in_options_arrive_as_they_were(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        target = np.array([0.1, 0.2])
        env.reset(options={'target': target, 'tries': np.int16(3), 'pair': (1, b'x')})
        arrived = info_from_json(bridge.resets[-1].options)
        assert arrived['target'].tolist() == [0.1, 0.2] and arrived['target'].dtype == np.float64
        assert arrived['tries'].dtype == np.int16 and arrived['pair'] == (1, b'x')

    @pytest.mark.parametrize('name', ['timeout_s', 'reset_timeout_s', 'connect_timeout_s'])
    @pytest.mark.parametrize('value', [0, -1.0, math.nan, math.inf, '5', None])
    def test_a_timeout_must_be_finite_and_positive(
        self, bridge: ScriptedBridge, name: str, value: Any
    ) -> None:
        with pytest.raises(ConfigError, match=name):
            make(bridge, **{name: value})

    def test_an_empty_client_id_is_refused(self, bridge: ScriptedBridge) -> None:
        with pytest.raises(ConfigError, match='client_id'):
            make(bridge, client_id='')


class TestRefusals:
    CASES = (
        (StatusCode.MALFORMED, ActionRejected, 'the episode goes on'),
        (StatusCode.REJECTED, ActionRejected, 'the episode goes on'),
        (StatusCode.NOT_ACTIVE, BridgeUnavailable, 'lifecycle set /loopback activate'),
        (StatusCode.BUSY, BridgeBusy, 'takeover=True'),
        (StatusCode.NO_SESSION, SessionLost, 'reset()'),
        (StatusCode.STALE, SessionLost, 'reset()'),
        (StatusCode.GAP, SessionLost, 'reset()'),
        (StatusCode.NEEDS_RESET, ResetRequired, 'reset()'),
        (StatusCode.STOPPED, BridgeStopped, 'reset()'),
        (StatusCode.UNKNOWN_OUTCOME, OutcomeUnknown, 'never run again'),
        (StatusCode.ENV_FAILED, EnvFailed, 'log of the bridge'),
        (StatusCode.SPECS_CHANGED, SpecsChanged, 'new client'),
        (StatusCode.UNSUPPORTED, Unsupported, 'Leave it out'),
        (StatusCode.FENCED, SessionLost, 'reset() again'),
        (StatusCode.UNAUTHENTICATED, NotAuthenticated, 'secret_file'),
        (StatusCode.RATE_LIMITED, BridgeBusy, 'Wait a second'),
    )

    def test_every_status_but_ok_and_too_old_is_a_case_here(self) -> None:
        assert {case[0] for case in self.CASES} == set(StatusCode) - {
            StatusCode.OK, StatusCode.TOO_OLD}

    @pytest.mark.parametrize(('code', 'error', 'advice'), CASES)
    def test_a_refused_step_raises_its_error_and_a_reset_goes_on(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, code: StatusCode,
        error: type[Exception], advice: str,
    ) -> None:
        env.reset()
        bridge.refuse(code, 'the cause as the bridge says it.')
        with pytest.raises(error) as caught:
            env.step(ACTION)
        assert isinstance(caught.value, BridgeError)
        sentence = str(caught.value)
        assert 'the cause as the bridge says it' in sentence and advice in sentence
        assert '/loopback' in sentence and 'step 1' in sentence
        bridge.session = 's2'
        env.reset()
        assert env.step(ACTION)[1] == 0.5

    @pytest.mark.parametrize('code', [StatusCode.REJECTED, StatusCode.MALFORMED])
    def test_after_a_rejected_action_the_same_number_is_used_again(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, code: StatusCode
    ) -> None:
        env.reset()
        env.step(ACTION)
        bridge.refuse(code)
        with pytest.raises(ActionRejected):
            env.step(ACTION)
        env.step(-ACTION)
        assert [step.step for step in bridge.steps] == [1, 2, 2]

    @pytest.mark.parametrize(
        'code',
        sorted({case[0] for case in CASES} - {
            StatusCode.REJECTED, StatusCode.MALFORMED}))
    def test_after_any_other_refusal_a_step_needs_a_reset(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, code: StatusCode
    ) -> None:
        env.reset()
        bridge.refuse(code)
        with pytest.raises(BridgeError):
            env.step(ACTION)
        with pytest.raises(ResetRequired):
            env.step(ACTION)
        assert len(bridge.steps) == 1

    @pytest.mark.parametrize(
        ('code', 'error'),
        [
            (StatusCode.MALFORMED, ProtocolError),
            (StatusCode.REJECTED, LimitError),
            (StatusCode.NOT_ACTIVE, BridgeUnavailable),
            (StatusCode.BUSY, BridgeBusy),
            (StatusCode.STOPPED, BridgeStopped),
            (StatusCode.ENV_FAILED, EnvFailed),
            (StatusCode.SPECS_CHANGED, SpecsChanged),
            (StatusCode.TOO_OLD, SessionLost),
            (99, ProtocolError),
        ],
    )
    def test_a_refused_reset_raises_its_error_and_the_next_one_goes_on(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, code: int, error: type[Exception]
    ) -> None:
        bridge.refuse(code, 'bob@lab holds it')
        with pytest.raises(error, match='bob@lab holds it'):
            env.reset()
        with pytest.raises(ResetRequired):
            env.step(ACTION)
        env.reset()
        env.step(ACTION)

    def test_an_unknown_status_names_the_versions(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        bridge.refuse(200, 'new')
        with pytest.raises(ProtocolError, match=r'status 200.*same version'):
            env.step(ACTION)

    def test_an_ok_where_none_can_be_is_not_taken_for_one(self, bridge: ScriptedBridge) -> None:
        from rl_bridge.client.refusals import refusal

        error = refusal(replace(bridge.specs_reply), bridge='/b', call='step 1')
        assert isinstance(error, ProtocolError)

    def test_an_unknown_session_at_another_process_is_a_restart(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        bridge.refuse(StatusCode.NO_SESSION, 'session unknown', bridge_id='bridge-2')
        with pytest.raises(BridgeRestarted, match='restarted'):
            env.step(ACTION)

    @pytest.mark.parametrize(
        ('state', 'advice'),
        [
            (StopState.STOPPED, 'Call reset'),
            (StopState.FAULT, '/loopback/recover'),
            (StopState.ESTOP, 'emergency'),
        ],
    )
    def test_a_stop_carries_its_state_and_reason_and_the_way_out(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, state: StopState, advice: str
    ) -> None:
        env.reset()
        stop = Stop(state, StopReason.NO_STANDSTILL, 'moving')
        bridge.refuse(StatusCode.STOPPED, 'the arm still moves', stop=stop)
        with pytest.raises(BridgeStopped, match=advice) as caught:
            env.step(ACTION)
        assert (caught.value.state, caught.value.reason) == (state, StopReason.NO_STANDSTILL)

    @pytest.mark.parametrize('code', [StatusCode.NO_SESSION, StatusCode.STALE])
    def test_a_reset_of_a_lost_session_asks_for_the_lease_anew(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, code: StatusCode
    ) -> None:
        env.reset()
        env.step(ACTION)
        bridge.refuse(code, 'expired')
        bridge.session = 's2'
        env.reset()
        assert [reset.session for reset in bridge.resets] == ['', 's1', '']
        assert bridge.resets[2].reset_id > bridge.resets[1].reset_id
        env.step(ACTION)
        assert (bridge.steps[-1].session, bridge.steps[-1].step) == ('s2', 1)

    def test_a_reset_that_failed_with_a_session_gives_that_session_back_at_close(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        bridge.refuse(StatusCode.ENV_FAILED, 'no', session='s1')
        with pytest.raises(EnvFailed):
            env.reset()
        env.close()
        assert bridge.closed == ['s1']


class TestTimeAndDoubt:
    def test_a_request_that_is_too_old_is_sent_again_with_the_fresh_stamp(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        bridge.refuse(StatusCode.TOO_OLD, 'late', stamp_ns=777)
        bridge.refuse(StatusCode.TOO_OLD, 'late', stamp_ns=888)
        assert env.step(ACTION)[1] == 0.5
        assert [step.echo_ns for step in bridge.steps[1:]] == [777, 888]
        assert {step.step for step in bridge.steps} == {1}
        assert {tuple(step.action) for step in bridge.steps} == {(0.25, -0.5)}

    def test_one_that_stays_too_old_ends_with_the_call_timeout_and_the_step_is_free_again(
        self, bridge: ScriptedBridge
    ) -> None:
        class Slow(NotingTransport):
            def step(self, request: Any, *, timeout_s: float) -> Any:
                bridge.refuse(StatusCode.TOO_OLD, 'under way for 0.3 s')
                return super().step(request, timeout_s=timeout_s)

        env = RemoteRobotEnv(transport=Slow(bridge), timeout_s=0.01)
        env.reset()
        with pytest.raises(SessionLost, match=r'under way for 0\.3 s.*Nothing moved'):
            env.step(ACTION)

    @pytest.mark.parametrize(
        'interruption', [BridgeTimeout('/arm', 'step 2', 5.0), KeyboardInterrupt()])
    def test_a_step_without_an_answer_leaves_no_way_but_a_reset_in_a_new_session(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, interruption: BaseException
    ) -> None:
        env.reset()
        env.step(ACTION)
        bridge.script.append(interruption)
        with pytest.raises(type(interruption)):
            env.step(ACTION)
        with pytest.raises(ResetRequired, match='step 2 was executed is unknown'):
            env.step(-ACTION)
        assert len(bridge.steps) == 2
        bridge.session = 's2'
        env.reset()
        assert bridge.resets[-1].session == ''
        env.step(ACTION)
        assert (bridge.steps[-1].session, bridge.steps[-1].step) == ('s2', 1)

    def test_a_reset_without_an_answer_can_be_tried_again(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        bridge.script.append(BridgeTimeout('/arm', 'reset', 60.0))
        with pytest.raises(BridgeTimeout):
            env.reset()
        with pytest.raises(ResetRequired, match='did not finish'):
            env.step(ACTION)
        env.reset()
        assert bridge.resets[-1].session == ''

    @pytest.mark.parametrize('wrong', [{'step': 9}, {'session': 'other'}])
    def test_an_answer_to_another_step_is_never_taken(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, wrong: dict[str, Any]
    ) -> None:
        env.reset()
        bridge.script.append(wrong)
        with pytest.raises(ProtocolError):
            env.step(ACTION)
        with pytest.raises(ResetRequired):
            env.step(ACTION)

    @pytest.mark.parametrize('wrong', [{'reset_id': 1}, {'session': ''}])
    def test_an_answer_to_another_reset_is_never_taken(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, wrong: dict[str, Any]
    ) -> None:
        bridge.script.append(wrong)
        with pytest.raises(ProtocolError):
            env.reset()

    @pytest.mark.parametrize('observation', [[], [Leaf()], [Leaf(text='x')], [Leaf(), Leaf()]])
    def test_an_observation_that_cannot_be_read_ends_the_episode(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, observation: list[Leaf]
    ) -> None:
        env.reset()
        bridge.script.append({'observation': observation})
        with pytest.raises(ProtocolError, match='does not fit its specs'):
            env.step(ACTION)
        with pytest.raises(ResetRequired, match='could not be read'):
            env.step(ACTION)
        bridge.script.append({'observation': observation})
        with pytest.raises(ProtocolError, match='does not fit its specs'):
            env.reset()
        env.reset()
        env.step(ACTION)


class TestInfo:
    TIMING = Timing(
        period=0.04, lateness=0.001, observation_age=0.002, held=0.25, missed=3, round_trip=0.003)

    def test_a_paced_bridge_tells_its_timing(self) -> None:
        bridge = ScriptedBridge(control_period=0.04)
        env = make(bridge)
        env.reset()
        bridge.script.append({'timing': self.TIMING, 'info': '{"distance": 0.5}'})
        info = env.step(ACTION)[4]
        assert info == {
            'distance': 0.5,
            'held_ms': 250.0,
            'link': {'round_trip_s': 0.003},
            'timing': {
                'period': 0.04, 'lateness': 0.001, 'observation_age': 0.002, 'held': 0.25,
                'missed': 3},
        }
        assert env.metadata['render_fps'] == 25

    def test_lock_step_leaves_the_envs_own_info_alone(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        bridge.script.append({'info': '{"timing": "mine"}'})
        assert env.step(ACTION)[4] == {'timing': 'mine'}

    def test_a_stop_is_named_and_the_applied_action_given(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        from array import array

        env.reset()
        bridge.script.append({
            'stop': Stop(StopState.STOPPED, StopReason.LEASE_EXPIRED, 'gone'),
            'truncated': True, 'applied_action': array('d', [0.0, -0.5])})
        _, _, terminated, truncated, info = env.step(ACTION)
        assert (terminated, truncated) == (False, True)
        assert info['stop_reason'] == 'LEASE_EXPIRED'
        assert info['applied_action'].dtype == np.float64
        assert info['applied_action'].tolist() == [0.0, -0.5]

    def test_a_hold_is_no_stop(self, bridge: ScriptedBridge, env: RemoteRobotEnv) -> None:
        env.reset()
        bridge.script.append({'stop': Stop(StopState.HOLD, StopReason.AUTHORITY_EXPIRED)})
        assert 'stop_reason' not in env.step(ACTION)[4]

    def test_an_unknown_stop_reason_is_given_as_its_number(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        bridge.script.append({'stop': Stop(StopState.STOPPED, 200)})
        assert env.step(ACTION)[4]['stop_reason'] == '200'


class TestEpochs:
    def test_a_reset_names_the_newest_epoch_that_was_told(
        self, bridge: ScriptedBridge
    ) -> None:
        bridge.specs_reply = replace(bridge.specs_reply, epoch=3)
        env = make(bridge)
        env.reset()
        bridge.script.append({'epoch': 9})
        env.reset()
        env.reset()
        assert [reset.epoch for reset in bridge.resets] == [3, 5, 9]

    def test_a_fenced_reset_is_asked_for_again_in_the_epoch_that_is(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        bridge.refuse(StatusCode.FENCED, epoch=70)
        bridge.refuse(StatusCode.FENCED, epoch=71)
        env.reset()
        tried = bridge.resets[1:]
        assert [reset.epoch for reset in tried] == [5, 70, 71]
        assert [reset.session for reset in tried] == ['s1', '', '']
        assert len({reset.reset_id for reset in tried}) == 3
        assert env.step(ACTION)[1] == 0.5

    def test_a_reset_that_is_always_too_late_gives_up(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        for epoch in range(70, 73):
            bridge.refuse(StatusCode.FENCED, 'another was first', epoch=epoch)
        with pytest.raises(SessionLost, match=r'another was first.*call reset\(\) again'):
            env.reset()
        assert len(bridge.resets) == 3
        env.reset()
        assert bridge.resets[-1].epoch == 72


class TestConnecting:
    def test_another_version_is_refused(self, bridge: ScriptedBridge) -> None:
        bridge.specs_reply = replace(bridge.specs_reply, protocol=PROTOCOL_VERSION + 1)
        both = rf'version {PROTOCOL_VERSION + 1} .*version {PROTOCOL_VERSION};'
        with pytest.raises(ProtocolError, match=both):
            make(bridge)

    def test_specs_that_do_not_match_their_hash_are_refused(self, bridge: ScriptedBridge) -> None:
        bridge.specs_reply = replace(bridge.specs_reply, specs_hash='0' * 64)
        with pytest.raises(ProtocolError, match='hash'):
            make(bridge)

    def test_specs_that_cannot_be_read_are_refused(self, bridge: ScriptedBridge) -> None:
        from rl_bridge.wire import specs_hash

        bridge.specs_reply = replace(
            bridge.specs_reply, specs='{"no": 1}', specs_hash=specs_hash('{"no": 1}'))
        with pytest.raises(ProtocolError, match='cannot be used'):
            make(bridge)

    def test_a_bridge_that_is_still_being_configured_is_waited_for(
        self, bridge: ScriptedBridge
    ) -> None:
        good = bridge.specs_reply
        answers = [replace(good, status=Status(StatusCode.NOT_ACTIVE, 'not configured')), good]

        class Starting(NotingTransport):
            def get_specs(self, *, timeout_s: float) -> Any:
                return answers.pop(0)

        env = RemoteRobotEnv(transport=Starting(bridge))
        assert answers == [] and env.action_space == bridge.specs.action_space

    def test_one_that_stays_unconfigured_is_unavailable(self, bridge: ScriptedBridge) -> None:
        bridge.specs_reply = replace(
            bridge.specs_reply, status=Status(StatusCode.NOT_ACTIVE, 'not configured'))
        with pytest.raises(BridgeUnavailable, match=r'not configured.*lifecycle'):
            make(bridge, connect_timeout_s=0.01)

    def test_two_envs_of_a_process_share_a_client_id_unless_one_is_given(
        self, bridge: ScriptedBridge
    ) -> None:
        for env in (make(bridge), make(bridge), make(bridge, client_id='carol')):
            env.reset()
        first, second, third = (reset.client_id for reset in bridge.resets)
        assert first == second and third == 'carol'
        assert len({reset.reset_id for reset in bridge.resets}) == 3


class TestPictures:
    def test_a_picture_is_fetched_for_the_holder(self) -> None:
        bridge = ScriptedBridge(render_modes=('human', 'rgb_array'))
        env = make(bridge, render_mode='rgb_array')
        assert env.metadata['render_modes'] == ['rgb_array']
        env.reset()
        picture = env.render()
        assert picture.shape == (2, 3, 3) and picture.dtype == np.uint8
        assert picture.ravel().tolist() == list(range(18)) and bridge.rendered == ['s1']
        picture[0, 0, 0] = 9
        assert env.render()[0, 0, 0] == 0

    @pytest.mark.parametrize('mode', ['rgb_array', 'human'])
    def test_a_mode_that_the_robot_side_lacks_is_refused_at_once(
        self, bridge: ScriptedBridge, mode: str
    ) -> None:
        with pytest.raises(Unsupported, match=mode):
            make(bridge, render_mode=mode)

    def test_without_a_mode_gymnasiums_warning_is_given(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        assert env.metadata['render_modes'] == []
        with pytest.warns(UserWarning, match='without specifying any render mode'):
            assert env.render() is None
        assert bridge.rendered == []

    def test_a_picture_of_another_size_than_it_says_is_refused(self) -> None:
        bridge = ScriptedBridge(render_modes=('rgb_array',))
        env = make(bridge, render_mode='rgb_array')
        bridge.picture = replace(bridge.picture, height=3)
        with pytest.raises(ProtocolError, match=r'18 bytes for shape \(3, 3, 3\)'):
            env.render()

    def test_a_refused_picture_raises(self) -> None:
        bridge = ScriptedBridge(render_modes=('rgb_array',))
        env = make(bridge, render_mode='rgb_array')
        bridge.picture = RenderReply(status=Status(StatusCode.UNSUPPORTED, 'no renderer'))
        with pytest.raises(Unsupported, match='no renderer'):
            env.render()


class TestTheEnd:
    def test_closing_gives_the_lease_back_once(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.reset()
        env.close()
        env.close()
        assert bridge.closed == ['s1']

    def test_closing_without_a_session_releases_nothing(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv
    ) -> None:
        env.close()
        assert bridge.closed == []

    @pytest.mark.parametrize(
        'error', [BridgeTimeout('/arm', 'close', 0.5), BridgeUnavailable('gone')])
    def test_closing_ignores_a_dead_bridge(
        self, bridge: ScriptedBridge, error: BridgeError
    ) -> None:
        class Dead(NotingTransport):
            def close_session(
                self, session: str, *, timeout_s: float, auth: Any = b''
            ) -> Any:
                assert timeout_s <= 1.0
                raise error

        env = RemoteRobotEnv(transport=Dead(bridge))
        env.reset()
        env.close()

    def test_a_transport_that_was_passed_in_stays_open(self, bridge: ScriptedBridge) -> None:
        transport = LoopbackTransport(bridge)
        RemoteRobotEnv(transport=transport).close()
        assert transport.get_specs(timeout_s=1).bridge_id == 'bridge-1'

    def test_a_closed_loopback_refuses(self, bridge: ScriptedBridge) -> None:
        transport = LoopbackTransport(bridge)
        transport.close()
        transport.heartbeat(client_id='', session='', epoch=0, count=0)
        with pytest.raises(BridgeUnavailable, match='closed'):
            transport.get_specs(timeout_s=1)

    @pytest.mark.parametrize('call', ['reset', 'step', 'render'])
    def test_a_closed_env_says_so(
        self, bridge: ScriptedBridge, env: RemoteRobotEnv, call: str
    ) -> None:
        env.close()
        with pytest.raises(ClosedEnvironmentError, match='closed'):
            getattr(env, call)(*([ACTION] if call == 'step' else []))
        assert bridge.steps == bridge.resets == []

    def test_a_forgotten_env_gives_the_lease_back(self, bridge: ScriptedBridge) -> None:
        env = make(bridge)
        env.reset()
        del env
        gc.collect()
        assert bridge.closed == ['s1']

    def test_an_env_that_could_not_be_made_leaves_the_lease_alone(
        self, bridge: ScriptedBridge
    ) -> None:
        with pytest.raises(Unsupported):
            make(bridge, render_mode='human')
        gc.collect()
        assert bridge.closed == []

    @pytest.mark.parametrize('copied', [pickle.dumps, copy.copy, copy.deepcopy])
    def test_an_env_is_not_copied(self, env: RemoteRobotEnv, copied: Any) -> None:
        with pytest.raises(TypeError, match='cannot be pickled or copied'):
            copied(env)
