# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What comes to the bridge's door: proofs, replays, floods and things too large."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bridge_rig import MS, CountingEnv, Gate, Rig, RobotRig, got, refused

from rl_bridge import door
from rl_bridge.access import (
    Secret,
    authorized_claim,
    close_claim,
    heartbeat_claim,
    render_claim,
    reset_claim,
    step_claim,
)
from rl_bridge.client import LoopbackTransport, RemoteRobotEnv
from rl_bridge.door import BURST, RATE_HZ, Bucket
from rl_bridge.errors import ConfigError, NotAuthenticated
from rl_bridge.types import (
    AuthorizedRequest,
    ResetReply,
    ResetRequest,
    StatusCode,
    StepReply,
    StepRequest,
    StopReason,
    StopState,
    Verb,
)

KEY = b'a secret that clients share'
LEASE_MS = 1000


class Signing:
    """A client by the letter, which proves what it says and keeps what it sent."""

    def __init__(self, rig: Rig, key: bytes = KEY) -> None:
        self.rig = rig
        self.secret = Secret(key)
        self.session = ''
        self.epoch = rig.bridge.get_specs().epoch
        self.stamp_ns = rig.now_ns
        self.count = 0

    def reset_request(self, **fields: Any) -> ResetRequest:
        request = self.rig.reset_request(**{'epoch': self.epoch, **fields})
        request.auth = self.secret.prove(reset_claim(request))
        return request

    def step_request(self, step: int, *, epoch: int | None = None, **fields: Any) -> StepRequest:
        known = {'echo_ns': self.stamp_ns, **fields}
        request = self.rig.step_request(step, known.pop('session', self.session), **known)
        epoch = self.epoch if epoch is None else epoch
        request.auth = self.secret.prove(step_claim(request, epoch=epoch))
        return request

    def reset(self, **fields: Any) -> ResetReply:
        return self.heard(self.rig.bridge.reset(self.reset_request(**fields)))

    def step(self, step: int, **fields: Any) -> StepReply:
        return self.heard(self.rig.bridge.step(self.step_request(step, **fields)))

    def heard(self, reply: Any) -> Any:
        self.stamp_ns = reply.stamp_ns
        if reply.status.code == StatusCode.OK:
            self.session, self.epoch = reply.session, reply.epoch
        return reply

    def beat(self, count: int | None = None, **fields: Any) -> dict[str, Any]:
        self.count = self.count + 1 if count is None else count
        known = {'sender': 'ann', 'epoch': self.epoch, 'count': self.count, **fields}
        claim = heartbeat_claim(
            client_id=known['sender'], session=self.session, epoch=known['epoch'],
            count=known['count'])  # fmt: skip
        return {'session': self.session, **known, 'auth': self.secret.prove(claim)}

    def ask(self, verb: int = Verb.RECOVER, **fields: Any) -> AuthorizedRequest:
        known = {'bridge_id': 'the bridge', 'echo_ns': self.rig.now_ns, **fields}
        request = AuthorizedRequest(verb=verb, **known)
        request.auth = self.secret.prove(authorized_claim(verb=verb, **known))
        return request


@pytest.fixture
def env() -> CountingEnv:
    return CountingEnv(render_mode='rgb_array')


@pytest.fixture
def rig(env: CountingEnv) -> Iterator[Rig]:
    made = Rig(env, secret=Secret(KEY))
    yield made
    made.close()


@pytest.fixture
def ann(rig: Rig) -> Signing:
    return Signing(rig)


@pytest.fixture
def plain(env: CountingEnv) -> Iterator[Rig]:
    """A bridge without a secret."""
    made = Rig(env)
    yield made
    made.close()


def ok(reply: Any) -> bool:
    assert reply.status.code == StatusCode.OK, reply.status
    return True


# -- proofs --------------------------------------------------------------------------------------


def test_who_proves_the_secret_has_the_robot_as_ever(ann: Signing, env: CountingEnv) -> None:
    assert ok(ann.reset()) and ok(ann.step(1)) and ok(ann.step(2)) and ok(ann.reset())
    bridge = ann.rig.bridge
    assert bridge.heartbeat(**ann.beat())
    picture = ann.secret.prove(render_claim(ann.session, epoch=ann.epoch))
    assert ok(bridge.render(ann.session, auth=picture))
    release = ann.secret.prove(close_claim(ann.session, epoch=ann.epoch))
    assert ok(bridge.close_session(ann.session, auth=release))
    assert (env.steps, len(env.resets)) == (2, 2)


@pytest.mark.fault(
    what='a request without the proof of the secret, or with a wrong one',
    seen_by='bridge',
    within='when it arrives',
    state='none: nothing moves',
    client='NotAuthenticated',
    side='client',
)
@pytest.mark.parametrize('key', [b'', b'another secret than that'], ids=['none', 'wrong'])
def test_who_does_not_prove_the_secret_moves_nothing(
    rig: Rig, ann: Signing, env: CountingEnv, key: bytes
) -> None:
    ann.reset()
    ann.step(1)
    before = (env.steps, len(env.resets), rig.bridge.session.epoch)
    eve = Signing(rig, key or KEY)
    eve.session, eve.epoch = ann.session, ann.epoch
    requests: list[Any] = [
        eve.reset_request(client='ann'), eve.reset_request(client='ann', session=ann.session),
        eve.reset_request(client='eve', takeover=True), eve.reset_request(client=''),
        eve.step_request(2), eve.step_request(1), eve.step_request(0, session=''),
    ]  # fmt: skip
    for request in requests:
        if not key:
            request.auth = array('B')
        call = rig.bridge.reset if isinstance(request, ResetRequest) else rig.bridge.step
        word = 'wrong' if key else 'no proof'
        assert refused(call(request), StatusCode.UNAUTHENTICATED, word, 'nothing moved')
    auth = eve.secret.prove(b'anything') if key else b''
    assert refused(rig.bridge.close_session(ann.session, auth=auth), StatusCode.UNAUTHENTICATED)
    assert refused(rig.bridge.render(ann.session, auth=auth), StatusCode.UNAUTHENTICATED)
    assert not rig.bridge.heartbeat(**{**eve.beat(), 'auth': auth})
    assert before == (env.steps, len(env.resets), rig.bridge.session.epoch)
    assert rig.bridge.session.session == ann.session
    assert ok(ann.step(2))


def test_a_proof_holds_for_what_was_said_and_nothing_else(ann: Signing, env: CountingEnv) -> None:
    ann.reset()
    request = ann.step_request(1)
    request.action[0] = -0.5
    assert refused(ann.rig.bridge.step(request), StatusCode.UNAUTHENTICATED)
    request = ann.step_request(1, epoch=ann.epoch - 1)
    assert refused(ann.rig.bridge.step(request), StatusCode.UNAUTHENTICATED)
    reset = ann.reset_request()
    reset.options = '{"in_place": true}'
    assert refused(ann.rig.bridge.reset(reset), StatusCode.UNAUTHENTICATED)
    assert (env.steps, len(env.resets)) == (0, 1)


@pytest.mark.parametrize(
    'fields', [{'client': '', 'reset_id': 0}, {'reset_id': 0}, {'epoch': 0}], ids=str
)
def test_a_reset_that_could_be_replayed_unnoticed_is_not_proven_by_anything(
    ann: Signing, env: CountingEnv, fields: dict[str, Any]
) -> None:
    assert refused(ann.reset(**fields), StatusCode.UNAUTHENTICATED)
    assert env.resets == []


def test_a_step_has_to_tell_how_old_it_is_where_a_secret_is_set(ann: Signing) -> None:
    ann.reset()
    assert refused(ann.step(1, echo_ns=0), StatusCode.UNAUTHENTICATED)


def test_nobody_works_by_hand_where_a_secret_is_set(
    rig: Rig, ann: Signing, env: CountingEnv
) -> None:
    assert refused(rig.reset(''), StatusCode.UNAUTHENTICATED)
    assert refused(rig.step(), StatusCode.UNAUTHENTICATED)
    assert refused(ann.step(0, session=''), StatusCode.UNAUTHENTICATED)
    assert refused(rig.bridge.render(''), StatusCode.UNAUTHENTICATED)
    assert (env.steps, env.resets) == (0, [])


def test_numbers_that_no_message_can_carry_are_refused_not_raised(ann: Signing) -> None:
    ann.reset()
    request = ann.step_request(1)
    request.step = -1
    assert refused(ann.rig.bridge.step(request), StatusCode.UNAUTHENTICATED)


# -- replays -------------------------------------------------------------------------------------


@pytest.mark.fault(
    what='a request that was recorded is sent again',
    seen_by='bridge',
    within='when it arrives',
    state='none: nothing moves',
    client='the recorded answer, or FENCED, STALE, NO_SESSION',
    side='link',
)
def test_recorded_requests_move_nothing_ever_again(
    rig: Rig, ann: Signing, env: CountingEnv
) -> None:
    recorded: list[Any] = []
    for session in range(3):
        recorded.append(ann.reset_request(session='' if session == 2 else ann.session))
        ann.heard(rig.bridge.reset(recorded[-1]))
        for _ in range(3):
            recorded.append(ann.step_request(len(steps_of(recorded, ann.session)) + 1))
            assert ok(ann.heard(rig.bridge.step(recorded[-1])))
    done = (env.steps, len(env.resets))
    assert done == (9, 3)

    def replay() -> None:
        for request in recorded:
            call = rig.bridge.reset if isinstance(request, ResetRequest) else rig.bridge.step
            reply = call(request)
            assert reply.status.code in (
                StatusCode.OK, StatusCode.STALE, StatusCode.FENCED, StatusCode.NO_SESSION)
            assert (env.steps, len(env.resets)) == done

    replay()
    rig.wait(LEASE_MS + 1)
    rig.bridge.tick()
    assert rig.bridge.session.holder == ''
    replay()
    assert rig.bridge.session.holder == ''


def steps_of(recorded: list[Any], session: str) -> list[StepRequest]:
    return [
        request for request in recorded
        if isinstance(request, StepRequest) and request.session == session
    ]  # fmt: skip


def test_a_reset_that_was_under_way_over_a_restart_never_runs(
    ann: Signing, env: CountingEnv
) -> None:
    late = ann.reset_request()
    after = Rig(env, secret=Secret(KEY))
    after.bridge.session.epoch += 1 << 20  # as the time of a later start makes it
    assert refused(after.bridge.reset(late), StatusCode.FENCED, 'ask again')
    assert env.resets == []
    after.close()


def test_a_reset_that_came_while_the_bridge_was_inactive_never_runs(
    ann: Signing, env: CountingEnv
) -> None:
    bridge = ann.rig.bridge
    bridge.shut(reason=StopReason.DEACTIVATED, message='the bridge was deactivated')
    ann.epoch = bridge.get_specs().epoch
    early = ann.reset_request()
    assert refused(bridge.reset(early), StatusCode.NOT_ACTIVE)
    bridge.open()
    assert refused(bridge.reset(early), StatusCode.FENCED)
    assert env.resets == []


def test_a_refused_step_is_not_executed_after_the_next_reset(
    ann: Signing, env: CountingEnv
) -> None:
    ann.reset()
    env.distort = lambda result: (*result[:2], True, *result[3:])
    assert ann.step(1).terminated
    early = ann.step_request(2)
    assert refused(ann.rig.bridge.step(early), StatusCode.NEEDS_RESET)
    ann.rig.wait(1)
    ann.reset(session=ann.session)
    assert refused(ann.rig.bridge.step(early), StatusCode.STALE, 'before the last reset')
    assert env.steps == 1
    assert ok(ann.step(2))


def test_recorded_requests_do_not_keep_the_lease_of_a_client_that_is_gone(
    rig: Rig, ann: Signing
) -> None:
    ann.reset()
    ann.step(1)
    last = ann.step_request(2)
    ann.heard(rig.bridge.step(last))
    beats = [ann.beat(), ann.beat()]
    for beat in beats:
        assert rig.bridge.heartbeat(**beat)
    for _ in range(10):
        rig.wait(LEASE_MS / 10)
        assert ok(rig.bridge.step(last))
        for beat in beats:
            assert not rig.bridge.heartbeat(**beat)
    rig.wait(1)
    rig.bridge.tick()
    assert rig.bridge.session.holder == ''


def test_a_heartbeat_counts_up_and_belongs_to_its_epoch(rig: Rig, ann: Signing) -> None:
    ann.reset()
    assert rig.bridge.heartbeat(**ann.beat(7))
    assert not rig.bridge.heartbeat(**ann.beat(7))
    assert not rig.bridge.heartbeat(**ann.beat(6))
    assert not rig.bridge.heartbeat(**ann.beat(8, epoch=ann.epoch - 1))
    assert not rig.bridge.heartbeat(**{**ann.beat(8), 'count': 9})
    assert not rig.bridge.heartbeat(**{**ann.beat(8), 'sender': 'bob'})
    assert rig.bridge.heartbeat(**ann.beat(8))
    assert not rig.bridge.heartbeat(**{**ann.beat(9), 'count': -1})
    ann.reset()  # a new session counts anew
    assert rig.bridge.heartbeat(**ann.beat(1))


def test_a_recorded_release_ends_no_later_session(rig: Rig, ann: Signing) -> None:
    ann.reset()
    release = ann.secret.prove(close_claim(ann.session, epoch=ann.epoch))
    first = ann.session
    rig.bridge.close_session(first, auth=release)
    ann.epoch = rig.bridge.session.epoch
    assert ok(ann.reset())
    rig.bridge.close_session(first, auth=release)
    assert refused(rig.bridge.close_session(ann.session, auth=release), StatusCode.UNAUTHENTICATED)
    assert rig.bridge.session.session == ann.session


# -- operators -----------------------------------------------------------------------------------


@pytest.fixture
def robots() -> Iterator[RobotRig]:
    made = RobotRig(secret=Secret(KEY))
    yield made
    made.close()


def fault(robots: RobotRig) -> Signing:
    ann = Signing(robots)
    ann.reset()
    robots.robot.stop_with(StopState.FAULT, StopReason.NO_STANDSTILL, 'it moves on')
    return ann


def test_who_proves_the_secret_recovers_and_others_do_not(robots: RobotRig) -> None:
    ann = fault(robots)
    status = robots.bridge.recover()
    assert status.code == StatusCode.UNAUTHENTICATED and 'rl_bridge recover' in status.message
    plain = AuthorizedRequest(verb=Verb.RECOVER, bridge_id='the bridge', echo_ns=robots.now_ns)
    assert refused(robots.bridge.authorized(plain), StatusCode.UNAUTHENTICATED)
    assert robots.bridge.stop().state == StopState.FAULT
    assert ok(robots.bridge.authorized(ann.ask()))
    assert robots.bridge.stop().state == StopState.STOPPED


def test_whoever_sees_danger_may_halt(robots: RobotRig) -> None:
    Signing(robots).reset()
    assert robots.bridge.halt(reason=StopReason.HALT_REQUESTED, message='stop!')
    assert robots.bridge.stop().state == StopState.STOPPED


def test_an_operator_may_also_halt_with_a_proof(robots: RobotRig) -> None:
    ann = Signing(robots)
    ann.reset()
    assert ok(robots.bridge.authorized(ann.ask(Verb.HALT)))
    assert robots.bridge.stop().reason == StopReason.HALT_REQUESTED


def test_an_operator_learns_that_the_robot_could_not_be_told(
    robots: RobotRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(**_: Any) -> None:
        raise RuntimeError('the cable is cut')

    ann = Signing(robots)
    ann.reset()
    monkeypatch.setattr(robots.robot, 'halt', deaf)
    reply = robots.bridge.authorized(ann.ask(Verb.HALT))
    assert refused(reply, StatusCode.STOPPED, 'could not be told')


def test_what_an_operator_asked_once_is_not_done_again(robots: RobotRig) -> None:
    ann = fault(robots)
    recorded = ann.ask()
    assert ok(robots.bridge.authorized(recorded))
    robots.robot.stop_with(StopState.FAULT, StopReason.NO_STANDSTILL, 'again')
    for wait_ms in (0, 1, 4000, 60_000):
        robots.wait(wait_ms)
        assert refused(robots.bridge.authorized(recorded), StatusCode.UNAUTHENTICATED, 'before')
    assert robots.bridge.stop().state == StopState.FAULT


@pytest.mark.parametrize(
    'fields',
    [{'bridge_id': 'another'}, {'echo_ns': 1}, {'echo_ns': 10**15 - 5001 * MS},
     {'echo_ns': 10**15 + 1}],
    ids=['another bridge', 'ages ago', 'too old', 'not yet'],
)  # fmt: skip
def test_what_an_operator_asks_is_for_this_bridge_and_now(
    robots: RobotRig, fields: dict[str, Any]
) -> None:
    ann = fault(robots)
    assert refused(robots.bridge.authorized(ann.ask(**fields)), StatusCode.UNAUTHENTICATED)
    assert robots.bridge.stop().state == StopState.FAULT


def test_an_unknown_verb_is_malformed(rig: Rig, ann: Signing) -> None:
    assert refused(rig.bridge.authorized(ann.ask(7)), StatusCode.MALFORMED, 'verb 7')


def test_without_a_secret_everybody_recovers_either_way() -> None:
    robots = RobotRig()
    robots.robot.stop_with(StopState.FAULT, StopReason.NO_STANDSTILL, 'it moves on')
    assert ok(robots.bridge.authorized(AuthorizedRequest(verb=Verb.RECOVER)))
    assert robots.bridge.stop().state == StopState.STOPPED
    assert robots.bridge.recover().code == StatusCode.OK
    robots.close()


# -- the client ----------------------------------------------------------------------------------


@pytest.fixture
def untimed(env: CountingEnv) -> Iterator[Rig]:
    """A bridge with the secret whose clock stands still while clients count theirs."""
    made = Rig(env, secret=Secret(KEY), authority_s=0.0)
    yield made
    made.close()


def client(rig: Rig, **arguments: Any) -> RemoteRobotEnv:
    return RemoteRobotEnv(transport=LoopbackTransport(rig.bridge), **arguments)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / 'secret'
    path.touch(0o600)
    path.write_bytes(KEY)
    return path


def test_a_client_with_the_secret_works_as_without(
    untimed: Rig, env: CountingEnv, secret_file: Path
) -> None:
    remote = client(untimed, secret_file=secret_file, render_mode='rgb_array')
    for _ in range(2):
        remote.reset()
        for _ in range(3):
            remote.step(np.array([0.5, 0.0]))
    assert remote.render().shape == (4, 6, 3)
    assert (env.steps, len(env.resets)) == (6, 2)
    assert untimed.bridge.session.holder
    remote.close()
    assert not untimed.bridge.session.holder


def test_a_client_finds_the_secret_in_its_environment(
    untimed: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('RL_BRIDGE_SECRET', KEY.decode())
    remote = client(untimed)
    remote.reset()
    remote.step(np.array([0.5, 0.0]))
    remote.close()


def test_a_client_without_the_secret_is_told_so_before_it_asks_for_anything(rig: Rig) -> None:
    with pytest.raises(NotAuthenticated, match=r'secret_file.*RL_BRIDGE_SECRET_FILE'):
        client(rig)


def test_a_client_with_another_secret_is_told_so_at_its_reset(
    rig: Rig, secret_file: Path, env: CountingEnv
) -> None:
    secret_file.write_bytes(KEY + b'!')
    remote = client(rig, secret_file=str(secret_file))
    with pytest.raises(NotAuthenticated, match=r'proof of the shared secret is wrong'):
        remote.reset()
    assert env.resets == []


def test_a_client_with_a_secret_is_warned_of_a_bridge_without(
    plain: Rig, secret_file: Path
) -> None:
    with pytest.warns(UserWarning, match='asks for no proof.*Set secret_file'):
        remote = client(plain, secret_file=secret_file)
    remote.reset()
    remote.close()


def test_a_client_whose_secret_cannot_be_read_is_not_made(rig: Rig, secret_file: Path) -> None:
    secret_file.chmod(0o644)
    with pytest.raises(ConfigError, match='0644'):
        client(rig, secret_file=secret_file)


def test_the_specs_tell_whether_a_proof_is_needed(rig: Rig, plain: Rig) -> None:
    assert rig.bridge.get_specs().authenticated
    assert not plain.bridge.get_specs().authenticated
    assert rig.bridge.get_specs().epoch == rig.bridge.session.epoch
    assert rig.bridge.get_specs().stamp_ns == rig.now_ns


# -- rates ---------------------------------------------------------------------------------------


def test_a_bucket_lets_a_burst_through_and_then_as_much_as_its_rate() -> None:
    bucket = Bucket(rate_hz=10.0, burst=3)
    now = 10**12
    assert [bucket.take(now) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(now + 99 * MS), bucket.take(now + 101 * MS)] == [False, True]
    assert not bucket.take(now + 150 * MS)
    assert [bucket.take(now + 3_600_000 * MS) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(now)  # a clock that stands still or goes back fills nothing


def flood(rig: Rig, ask: Callable[[], Any]) -> int:
    """Ask until it is too much; return how many were answered otherwise."""
    for count in range(2 * BURST):
        if ask().status.code == StatusCode.RATE_LIMITED:
            return count
    raise AssertionError('never too many')


@pytest.mark.fault(
    what='a client floods the bridge with requests',
    seen_by='bridge: the rate of those without the lease',
    within=f'{BURST} requests, then {RATE_HZ:g} a second',
    state='none: the holder goes on',
    client='BridgeBusy for the one that floods',
    side='client',
)
@pytest.mark.parametrize('what', ['resets', 'steps by hand', 'steps', 'renders', 'closes'])
def test_others_are_limited_while_the_holder_never_is(plain: Rig, what: str) -> None:
    session = plain.begin('ann')
    bridge = plain.bridge
    ask: dict[str, Callable[[], Any]] = {
        'resets': lambda: plain.reset('bob'),
        'steps by hand': lambda: plain.step(),
        'steps': lambda: plain.step(1, 'a session of nobody'),
        'renders': lambda: bridge.render('a session of nobody'),
        'closes': lambda: bridge.close_session('a session of nobody'),
    }
    assert flood(plain, ask[what]) == BURST
    for step in range(1, 2 * BURST):
        assert ok(plain.step(step, session))
    assert ok(plain.reset('ann', session=session))
    assert ask[what]().status.code == StatusCode.RATE_LIMITED
    plain.wait(1000 / RATE_HZ)
    assert ask[what]().status.code != StatusCode.RATE_LIMITED
    assert ask[what]().status.code == StatusCode.RATE_LIMITED


def test_the_specs_are_told_no_faster_than_that(plain: Rig) -> None:
    plain.begin('ann')
    answers = [plain.bridge.refuse_specs() for _ in range(BURST + 1)]
    assert answers[:-1] == [None] * BURST
    assert answers[-1] is not None and answers[-1].code == StatusCode.RATE_LIMITED


def test_nobody_is_limited_while_nobody_holds_the_lease(plain: Rig) -> None:
    for _ in range(2 * BURST):
        assert ok(plain.step())
        assert plain.bridge.refuse_specs() is None


def test_nothing_of_a_flood_is_kept(plain: Rig) -> None:
    plain.begin('ann')
    kept = len(plain.bridge.session._resets)
    flood(plain, lambda: plain.reset('bob'))
    full = len(plain.bridge.session._resets)
    assert full == kept + BURST
    for _ in range(100):
        plain.reset('bob')
    assert len(plain.bridge.session._resets) == full


def test_a_flood_without_proofs_does_not_keep_out_who_has_one(
    rig: Rig, ann: Signing, env: CountingEnv
) -> None:
    flood(rig, lambda: rig.reset('eve'))
    assert ok(ann.reset())
    assert refused(ann.reset(client='bob'), StatusCode.BUSY, 'ann')
    rig.bridge.session.end('a test ended it')
    ann.epoch = rig.bridge.session.epoch
    assert ok(ann.reset(client='bob'))
    assert len(rig.bridge.session._resets) == 3


def test_a_holder_by_name_alone_is_limited_where_a_secret_is_set(rig: Rig, ann: Signing) -> None:
    ann.reset()
    assert flood(rig, lambda: rig.reset('ann')) == BURST
    assert flood(rig, lambda: rig.step(1, ann.session)) == 0
    assert ok(ann.step(1))


# -- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('fields', 'most'),
    [
        ({'client_id': 'x' * (door.MOST_CLIENT_ID + 1)}, door.MOST_CLIENT_ID),
        ({'session': 'x' * (door.MOST_SESSION + 1)}, door.MOST_SESSION),
        ({'specs_hash': 'x' * (door.MOST_SESSION + 1)}, door.MOST_SESSION),
        ({'options': ' ' * (door.MOST_OPTIONS + 1)}, door.MOST_OPTIONS),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else '',
)
def test_a_reset_too_large_is_refused_before_it_is_read(
    plain: Rig, env: CountingEnv, fields: dict[str, Any], most: int
) -> None:
    name = next(iter(fields))
    sizes = (str(most + 1), str(most))
    assert refused(plain.reset(**fields), StatusCode.MALFORMED, name, *sizes)
    assert env.resets == [] and plain.bridge.session.holder == ''


class Unwalkable(list[Any]):
    """Has a length and nothing else."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Any:
        raise AssertionError('walked')


@pytest.mark.parametrize(
    ('fields', 'name'),
    [
        ({'session': 'x' * (door.MOST_SESSION + 1)}, 'session'),
        ({'action': Unwalkable(door.MOST_NUMBERS + 1)}, 'action'),
        ({'action_text': Unwalkable(door.MOST_TEXTS + 1)}, 'action_text'),
        ({'action_text': ['x' * door.MOST_TEXT, 'x']}, 'action_text'),
    ],
    ids=['session', 'action', 'many texts', 'long texts'],
)
def test_a_step_too_large_is_refused_before_it_is_walked(
    plain: Rig, env: CountingEnv, fields: dict[str, Any], name: str
) -> None:
    reply = plain.bridge.step(StepRequest(**fields))
    assert refused(reply, StatusCode.MALFORMED, name, 'is the most')
    assert env.steps == 0 and len(reply.session) <= door.MOST_SESSION


def test_the_longest_names_are_taken(plain: Rig) -> None:
    assert ok(plain.reset('x' * door.MOST_CLIENT_ID, options=' ' * (door.MOST_OPTIONS - 2) + '{}'))


@pytest.mark.parametrize('call', ['render', 'close_session'])
def test_a_session_too_long_is_no_session_to_other_calls(plain: Rig, call: str) -> None:
    reply = getattr(plain.bridge, call)('x' * (door.MOST_SESSION + 1))
    assert refused(reply, StatusCode.MALFORMED, 'session')


# -- the link ------------------------------------------------------------------------------------


def test_the_link_counts_requests_copies_late_ones_and_refused_ones(plain: Rig) -> None:
    reset = plain.reset_request('ann')
    session = plain.bridge.reset(reset).session
    plain.bridge.reset(reset)
    plain.step(1, session)
    plain.step(1, session)
    late = plain.step(2, session, echo_ns=plain.now_ns)
    assert ok(late)
    plain.wait(200)
    assert refused(plain.step(3, session, echo_ns=plain.now_ns - 200 * MS), StatusCode.TOO_OLD)
    plain.step(3, 'x' * 1000)
    link = plain.bridge.link()
    assert (link.requests, link.repeated, link.late, link.refused) == (7, 2, 1, 1)


def test_a_copy_that_joins_is_counted_as_one(plain: Rig, env: CountingEnv) -> None:
    gate = Gate()
    env.during_reset = gate
    request = plain.reset_request('ann')
    first = plain.later(plain.bridge.reset, request)
    gate.reached()
    copy = plain.later(plain.bridge.reset, request)
    plain.decided()
    gate.open()
    assert ok(got(first)) and ok(got(copy))
    assert (plain.bridge.link().requests, plain.bridge.link().repeated) == (2, 1)


def test_the_round_trip_is_smoothed_and_told_with_every_step(plain: Rig) -> None:
    session = plain.begin('ann')
    plain.wait(100)

    def took(step: int, ms: float) -> float:
        request = plain.step_request(
            step, session, echo_ns=plain.now_ns - round((ms + 20) * MS), elapsed_ns=20 * MS)
        return plain.bridge.step(request).timing.round_trip

    assert took(1, 8.0) == pytest.approx(0.008)
    assert plain.bridge.link().round_trip == pytest.approx(0.008)
    assert took(2, 16.0) == pytest.approx(0.016)
    assert plain.bridge.link().round_trip == pytest.approx(0.009)
    assert plain.bridge.link().round_trip_max == pytest.approx(0.016)
    assert plain.step(3, session).timing.round_trip == 0.0
    assert plain.bridge.link().round_trip == pytest.approx(0.009)
