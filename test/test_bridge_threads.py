# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The bridge asked by many threads at once."""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bridge_rig import WAIT_S, CountingEnv, Gate, Rig, got, refused

from rl_bridge.turns import MAX_JOINED
from rl_bridge.types import StatusCode, StopReason, StopState


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(CountingEnv(render_mode='rgb_array'))
    yield rig
    rig.close()


@pytest.fixture
def often_switching() -> Iterator[None]:
    """Let threads change places every few microseconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def env_of(rig: Rig) -> CountingEnv:
    assert isinstance(rig.env, CountingEnv)
    return rig.env


def test_copies_of_a_step_that_come_while_it_runs_share_its_reply(rig: Rig) -> None:
    session = rig.begin()
    env_of(rig).during_step = gate = Gate()
    first = rig.later(rig.step, 1, session)
    gate.reached()
    copies = []
    for _ in range(5):
        copies.append(rig.later(rig.step, 1, session))
        rig.decided()
    gate.open()
    replies = [got(future) for future in (first, *copies)]
    stamps = {reply.stamp_ns for reply in replies}
    assert all(reply == replies[0] for reply in replies)
    assert stamps == {rig.now_ns}
    assert env_of(rig).steps == 1


def test_copies_of_a_reset_that_come_while_it_runs_share_its_reply(rig: Rig) -> None:
    env_of(rig).during_reset = gate = Gate()
    request = rig.reset_request('ann')
    first = rig.later(rig.bridge.reset, request)
    gate.reached()
    copies = []
    for _ in range(5):
        copies.append(rig.later(rig.bridge.reset, request))
        rig.decided()
    gate.open()
    replies = [got(future) for future in (first, *copies)]
    assert all(reply == replies[0] for reply in replies)
    assert len(env_of(rig).resets) == 1


def test_a_copy_waits_in_no_thread_of_the_bridge(rig: Rig) -> None:
    session = rig.begin()
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.step, 1, session)
    gate.reached()
    answers: list[Any] = []
    rig.bridge.submit_step(rig.step_request(1, session), answers.append)
    assert answers == [], 'submit came back at once, the answer comes later'
    gate.open()
    got(step)
    assert len(answers) == 1


def test_the_copies_that_wait_for_an_answer_are_bounded_and_the_newest_get_it(rig: Rig) -> None:
    session = rig.begin()
    env_of(rig).during_step = gate = Gate()
    answered: list[int] = []

    def submit(number: int) -> None:
        rig.bridge.submit_step(rig.step_request(1, session), lambda reply: answered.append(number))

    step = rig.later(submit, 0)
    gate.reached()
    for number in range(1, 2 * MAX_JOINED):
        submit(number)
    gate.open()
    got(step)
    assert answered == list(range(MAX_JOINED, 2 * MAX_JOINED))


def test_an_answer_that_cannot_be_sent_keeps_no_other_from_its_own(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(reply: Any) -> None:
        raise OSError('the client is gone')

    session = rig.begin()
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.bridge.submit_step, rig.step_request(1, session), fail)
    gate.reached()
    copy = rig.later(rig.step, 1, session)
    rig.decided()
    gate.open()
    got(step)
    assert got(copy).status.code == StatusCode.OK
    assert 'the client is gone' in caplog.text
    assert rig.step(2, session).status.code == StatusCode.OK


def test_while_a_step_runs_everybody_else_is_answered_at_once(rig: Rig) -> None:
    session = rig.begin('ann')
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.step, 1, session)
    gate.reached()
    assert refused(rig.step(2, session), StatusCode.BUSY, 'step 1')
    assert refused(rig.step(9, session), StatusCode.GAP)
    assert refused(rig.step(1, 'another'), StatusCode.NO_SESSION)
    assert refused(rig.step(), StatusCode.BUSY, 'ann')
    assert refused(rig.reset('bob'), StatusCode.BUSY, 'ann')
    assert rig.bridge.heartbeat(session)
    assert rig.bridge.get_specs().status.code == StatusCode.OK
    assert rig.bridge.stop().state == StopState.RUNNING
    rig.bridge.tick()
    assert not step.done()
    gate.open()
    assert got(step).status.code == StatusCode.OK


def test_while_a_reset_waits_a_further_one_is_refused_at_once(rig: Rig) -> None:
    session = rig.begin('ann')
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.step, 1, session)
    gate.reached()
    waiting = rig.later(lambda: rig.reset('bob', takeover=True))
    rig.decided()
    assert refused(rig.reset('cid', takeover=True), StatusCode.BUSY, 'already waiting')
    assert refused(rig.step(2, session), StatusCode.NO_SESSION, 'bob took the lease over')
    gate.open()
    assert got(step).truncated
    assert got(waiting).status.code == StatusCode.OK


def test_resets_take_turns_in_the_order_in_which_they_were_granted(rig: Rig) -> None:
    """
    A reset that takes over one that waits comes after it, so its first step finds nobody inside.
    """
    session = rig.begin('ann')
    gate = Gate()
    rig.bridge.on_transition = lambda *_: gate()
    step = rig.later(rig.step, 1, session)
    gate.reached()  # the step is executed, but its thread is still inside
    fenced = rig.later(lambda: rig.reset('bob', takeover=True))
    rig.decided()
    newest = rig.later(lambda: rig.reset('cid', takeover=True))
    rig.decided()
    gate.open()
    got(step)
    assert refused(got(fenced), StatusCode.NO_SESSION, 'ended before')
    reply = got(newest)
    assert reply.status.code == StatusCode.OK
    assert rig.step(1, reply.session).status.code == StatusCode.OK
    assert len(env_of(rig).resets) == 2


def test_a_fenced_reset_answers_with_the_number_that_was_asked(rig: Rig) -> None:
    session = rig.begin('ann')
    env_of(rig).during_step = gate = Gate()
    step = rig.later(rig.step, 1, session)
    gate.reached()
    reset = rig.later(rig.bridge.reset, rig.reset_request('ann', reset_id=77, session=session))
    rig.decided()
    rig.bridge.close_session(session)
    gate.open()
    got(step)
    reply = got(reset)
    assert refused(reply, StatusCode.NO_SESSION)
    assert (reply.reset_id, reply.session) == (77, '')


def test_the_next_step_may_come_before_the_last_ones_thread_has_left(rig: Rig) -> None:
    session = rig.begin('ann')
    gate = Gate()
    rig.bridge.on_transition = lambda *_: gate()
    first = rig.later(rig.step, 1, session)
    gate.reached()
    second = rig.later(rig.step, 2, session)
    rig.decided()
    assert env_of(rig).steps == 1
    gate.open()
    assert got(first).step == 1
    assert got(second).step == 2


@pytest.mark.usefixtures('often_switching')
@pytest.mark.parametrize('seed', range(4))
def test_many_threads_never_run_anything_twice_or_two_things_at_once(seed: int) -> None:
    """
    Clients of two names step with copies, take over, close and die, others halt and draw.
    """
    env = CountingEnv(render_mode='rgb_array')
    rig = Rig(env, authority_s=0.0)
    rig.bridge.on_transition = lambda run, *_: ran.append((run.session, run.episode, run.step))
    ran: list[tuple[str, int, int]] = []
    replies: dict[tuple[str, int], list[Any]] = {}
    asked: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    book = threading.Lock()
    end = threading.Event()
    network = ThreadPoolExecutor(max_workers=8)

    def submit(kind: str, request: Any) -> Any:
        """Ask twice at once, wait for both answers and return the first."""
        both = threading.Semaphore(0)
        got_here: list[Any] = []

        def answer(reply: Any) -> None:
            got_here.append(reply)
            with book:
                answered[kind] += 1
                if kind == 'step' and reply.status.code == StatusCode.OK:
                    replies.setdefault((reply.session, reply.step), []).append(reply)
            both.release()

        send = getattr(rig.bridge, f'submit_{kind}')
        with book:
            asked[kind] += 2
        network.submit(send, request, answer)
        send(request, answer)
        for _ in range(2):
            assert both.acquire(timeout=WAIT_S), f'no answer to {request}'
        return got_here[0]

    def client(name: str, number: int) -> None:
        chance = random.Random(seed * 100 + number)
        for _ in range(150):
            with book:
                request = rig.reset_request(name, takeover=chance.random() < 0.7)
            reply = submit('reset', request)
            for step in range(1, chance.randrange(1, 15)):
                if submit('step', rig.step_request(step, reply.session)).status.code:
                    break
            if chance.random() < 0.5:
                rig.bridge.close_session(reply.session)

    def others() -> None:
        chance = random.Random(seed)
        while not end.is_set():
            if chance.random() < 0.05:
                rig.bridge.halt(reason=StopReason.HALT_REQUESTED, message='a person said so')
            rig.bridge.tick()
            rig.bridge.render('')
            rig.step()
            rig.bridge.heartbeat(rig.bridge.session.session)

    clients = [rig.later(client, name, i) for i, name in enumerate(['ann', 'ann', 'bob', 'bob'])]
    bystander = rig.later(others)
    try:
        for future in clients:
            future.result(timeout=60)
    finally:
        end.set()
    got(bystander)
    network.shutdown()
    rig.close()

    assert env.most_inside == 1
    numbered = Counter(key for key in ran if key[0])
    assert numbered, 'something ran'
    assert max(numbered.values()) == 1
    assert answered == asked
    for (_, step), copies in replies.items():
        for reply in copies:
            reply.stamp_ns = copies[0].stamp_ns
            assert reply == copies[0]
            assert reply.step == step
    assert not rig.bridge.session.busy
    assert not rig.bridge._turns._waiting
