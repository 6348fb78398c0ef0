# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The rules of the session, one by one."""

from __future__ import annotations

import itertools

import pytest

from rl_bridge.decision import Decision, Join, Refuse, Replay, Run
from rl_bridge.past_sessions import REMEMBERED_SESSIONS
from rl_bridge.reset_memory import REMEMBERED_RESETS
from rl_bridge.session import Session
from rl_bridge.types import ResetRequest, Status, StatusCode, StepRequest

MS = 1_000_000
LEASE_MS = 1000
AUTHORITY_MS = 150


class Bench:
    """A session with a clock to turn and the shortest words for what clients send."""

    def __init__(self, *, authority_ms: int = AUTHORITY_MS) -> None:
        self.now_ns = 10**15
        self._reset_ids = itertools.count(1)
        names = itertools.count(1)
        self.session = Session(
            first_epoch=41,
            lease_s=LEASE_MS / 1e3,
            authority_s=authority_ms / 1e3,
            clock_ns=lambda: self.now_ns,
            new_session=lambda: f'session-{next(names)}',
        )

    def wait(self, ms: float) -> None:
        self.now_ns += round(ms * MS)

    def ask_reset(
        self,
        client: str = 'ann',
        *,
        session: str = '',
        number: int | None = None,
        takeover: bool = False,
        problem: Status | None = None,
    ) -> Decision:
        number = (next(self._reset_ids) if client else 0) if number is None else number
        request = ResetRequest(
            client_id=client, session=session, reset_id=number, takeover=takeover
        )
        return self.session.admit_reset(request, problem=problem)

    def ask_step(
        self,
        step: int = 0,
        *,
        session: str = '',
        echo_ns: int = 0,
        elapsed_ns: int = 0,
        problem: Status | None = None,
    ) -> Decision:
        request = StepRequest(session=session, step=step, echo_ns=echo_ns, elapsed_ns=elapsed_ns)
        return self.session.admit_step(request, problem=problem)

    def finish(self, run: Decision, *, goes_on: bool = True, why: str = '') -> str:
        """Execute what was granted; return its reply."""
        assert isinstance(run, Run)
        reply = f'reply to {"reset" if run.reset else "step"} {run.episode}.{run.step}'
        self.session.finish(run, reply, episode_running=goes_on, why=why)
        return reply

    def begin(self, client: str = 'ann', **options: bool) -> str:
        """Reset as ``client``; return its session."""
        run = self.ask_reset(client, **options)  # type: ignore[arg-type]
        self.finish(run)
        return self.session.session

    def make_step(self, step: int, session: str) -> str:
        return self.finish(self.ask_step(step, session=session))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refused(decision: Decision, code: StatusCode, *words: str) -> bool:
    assert isinstance(decision, Refuse), decision
    assert decision.status.code == code, decision
    for word in words:
        assert word in decision.status.message
    return True


# -- the lease -----------------------------------------------------------------------------------


def test_a_reset_without_a_session_takes_the_lease(bench: Bench) -> None:
    run = bench.ask_reset('ann')
    assert isinstance(run, Run)
    assert (run.client_id, run.session, run.reset, run.step) == ('ann', 'session-1', True, 0)
    assert run.epoch > 41
    assert bench.session.holder == 'ann'


def test_session_names_cannot_be_guessed_by_default() -> None:
    names = set()
    for number in range(1, 6):
        session = Session(first_epoch=0, lease_s=1, authority_s=0, clock_ns=lambda: 0)
        session.admit_reset(ResetRequest(client_id='ann', reset_id=number))
        names.add(session.session)
    assert len(names) == 5
    assert all(len(name) >= 32 for name in names)


def test_another_client_is_told_who_holds_the_lease(bench: Bench) -> None:
    bench.begin('ann')
    assert refused(bench.ask_reset('bob'), StatusCode.BUSY, 'ann holds the lease', 'takeover')


def test_a_reset_by_hand_is_refused_while_the_lease_is_held(bench: Bench) -> None:
    session = bench.begin('ann')
    assert refused(bench.ask_reset(''), StatusCode.BUSY, 'ann')
    assert refused(bench.ask_reset('', takeover=True), StatusCode.BUSY, 'ann')
    assert bench.session.session == session


def test_the_same_client_may_begin_again_and_its_old_session_ends(bench: Bench) -> None:
    old = bench.begin('ann')
    new = bench.begin('ann')
    assert new != old
    decision = bench.ask_step(1, session=old)
    assert refused(decision, StatusCode.NO_SESSION, 'a newer reset of the same client')


def test_a_reset_with_its_session_keeps_session_epoch_and_step_numbers(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.make_step(1, session)
    epoch = bench.session.epoch
    run = bench.ask_reset('ann', session=session)
    bench.finish(run)
    assert isinstance(run, Run)
    assert (run.session, run.epoch, run.episode) == (session, epoch, 2)
    bench.make_step(2, session)


def test_a_takeover_ends_the_old_session_and_names_the_former_holder(bench: Bench) -> None:
    old = bench.begin('ann')
    run = bench.ask_reset('bob', takeover=True)
    assert isinstance(run, Run)
    assert run.taken_from == 'ann'
    assert bench.session.holder == 'bob'
    assert refused(
        bench.ask_step(1, session=old), StatusCode.NO_SESSION, 'bob took the lease over'
    )


def test_a_takeover_of_a_free_lease_or_ones_own_takes_it_from_nobody(bench: Bench) -> None:
    for _ in range(2):
        run = bench.ask_reset('ann', takeover=True)
        assert isinstance(run, Run)
        assert run.taken_from == ''
        bench.finish(run)


def test_a_takeover_that_quotes_the_holders_session_still_fences_the_holder(bench: Bench) -> None:
    old = bench.begin('ann')
    run = bench.ask_reset('bob', session=old, takeover=True)
    assert isinstance(run, Run)
    assert (run.taken_from, run.client_id) == ('ann', 'bob')
    assert run.session != old
    assert bench.session.holder == 'bob'
    assert refused(bench.ask_step(1, session=old), StatusCode.NO_SESSION)


def test_somebody_elses_session_does_not_open_the_lease(bench: Bench) -> None:
    session = bench.begin('ann')
    assert refused(bench.ask_reset('bob', session=session), StatusCode.BUSY, 'ann')


def test_a_reset_of_an_ended_or_unknown_session_is_refused(bench: Bench) -> None:
    old = bench.begin('ann')
    bench.session.close(old)
    assert refused(bench.ask_reset('ann', session=old), StatusCode.NO_SESSION, 'closed')
    decision = bench.ask_reset('ann', session='of another process')
    assert refused(decision, StatusCode.NO_SESSION, 'restarted')
    assert bench.session.holder == ''


def test_epochs_only_grow(bench: Bench) -> None:
    epochs = [bench.session.epoch]
    for act in (
        lambda: bench.begin('ann'),
        lambda: bench.begin('bob', takeover=True),
        lambda: bench.session.close(bench.session.session),
        lambda: bench.finish(bench.ask_step()),
        lambda: bench.finish(bench.ask_reset('')),
        lambda: bench.begin('ann'),
        lambda: bench.session.end('over'),
    ):
        act()
        epochs.append(bench.session.epoch)
    assert epochs == sorted(set(epochs))


def test_a_lease_without_a_sign_of_life_expires_once(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.wait(LEASE_MS)
    assert bench.session.expire() == ''
    bench.wait(0.001)
    assert bench.session.expire() == 'ann'
    assert bench.session.expire() == ''
    assert bench.session.holder == ''
    decision = bench.ask_step(1, session=session)
    assert refused(decision, StatusCode.NO_SESSION, 'no heartbeat for 1 s')


def test_heartbeats_keep_the_lease(bench: Bench) -> None:
    session = bench.begin('ann')
    for _ in range(10):
        bench.wait(LEASE_MS - 1)
        assert bench.session.heartbeat(session)
    assert bench.session.holder == 'ann'


def test_a_heartbeat_of_another_session_or_none_keeps_nothing(bench: Bench) -> None:
    old = bench.begin('ann')
    bench.begin('ann')
    bench.wait(LEASE_MS - 1)
    assert not bench.session.heartbeat(old)
    assert not bench.session.heartbeat('')
    bench.wait(2)
    assert bench.session.expire() == 'ann'


def test_a_heartbeat_by_hand_is_none(bench: Bench) -> None:
    bench.finish(bench.ask_reset(''))
    assert not bench.session.heartbeat('')


def test_a_heartbeat_that_comes_too_late_does_not_revive_the_lease(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.wait(LEASE_MS + 1)
    assert not bench.session.heartbeat(session)


def test_a_step_even_a_refused_one_renews_the_lease(bench: Bench) -> None:
    session = bench.begin('ann')
    for step in (5, 1, 2):
        bench.wait(LEASE_MS - 1)
        bench.ask_step(step, session=session)
        assert bench.session.holder == 'ann'
    bench.wait(LEASE_MS)
    assert bench.session.expire() == ''


def test_an_expired_lease_is_free_for_the_next_client(bench: Bench) -> None:
    bench.begin('ann')
    bench.wait(LEASE_MS + 1)
    run = bench.ask_reset('bob')
    assert isinstance(run, Run)
    assert run.taken_from == ''


def test_a_client_that_dies_in_its_first_reset_loses_its_lease(bench: Bench) -> None:
    run = bench.ask_reset('ann')
    bench.wait(LEASE_MS)
    assert bench.session.expire() == ''
    bench.wait(1)
    assert bench.session.expire() == 'ann'
    assert isinstance(run, Run)
    assert not bench.session.is_current(run)
    decision = bench.ask_step(1, session=run.session)
    assert refused(decision, StatusCode.NO_SESSION, 'no copy of its first reset for 1 s')


def test_copies_of_its_first_reset_keep_the_lease_of_a_client_that_waits(bench: Bench) -> None:
    run = bench.ask_reset('ann', number=7)
    for _ in range(10):
        bench.wait(LEASE_MS)
        assert bench.ask_reset('ann', number=7) == Join(run)  # type: ignore[arg-type]
    bench.finish(run)
    bench.wait(LEASE_MS)
    assert bench.session.expire() == ''
    bench.wait(1)
    assert bench.session.expire() == 'ann'


def test_a_shorter_lease_leaves_time_for_the_copies_of_the_first_reset() -> None:
    now = [10**12]
    session = Session(first_epoch=1, lease_s=0.2, authority_s=0, clock_ns=lambda: now[0])
    run = session.admit_reset(ResetRequest(client_id='ann', reset_id=1))
    now[0] += 1000 * MS
    assert session.expire() == ''
    assert isinstance(run, Run)
    session.finish(run, 'reply', episode_running=True)
    now[0] += 200 * MS + 1
    assert session.expire() == 'ann'


def test_a_reset_of_a_known_session_needs_heartbeats_like_anything_else(bench: Bench) -> None:
    session = bench.begin('ann')
    run = bench.ask_reset('ann', session=session)
    bench.wait(LEASE_MS + 1)
    assert bench.session.expire() == 'ann'
    bench.finish(run)
    assert not bench.session.episode_running


def test_the_lease_expires_while_a_step_is_executed(bench: Bench) -> None:
    session = bench.begin('ann')
    run = bench.ask_step(1, session=session)
    bench.wait(LEASE_MS + 1)
    assert bench.session.expire() == 'ann'
    bench.finish(run)
    assert not bench.session.episode_running
    assert refused(bench.ask_step(2, session=session), StatusCode.NO_SESSION)


def test_closing_gives_the_lease_back(bench: Bench) -> None:
    session = bench.begin('ann')
    assert bench.session.close(session) == Status()
    assert bench.session.holder == ''
    assert isinstance(bench.ask_reset('bob'), Run)


def test_closing_twice_is_fine_and_says_why_there_was_nothing_to_close(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.session.close(session)
    status = bench.session.close(session)
    assert status.code == StatusCode.OK
    assert 'closed by its client' in status.message


@pytest.mark.parametrize('name', ['', 'unheard of', 'x' * 10_000])
def test_closing_a_session_that_never_was_is_refused(bench: Bench, name: str) -> None:
    bench.begin('ann')
    status = bench.session.close(name)
    assert status.code == StatusCode.NO_SESSION
    assert len(status.message) < 200
    assert bench.session.holder == 'ann'


def test_the_bridge_may_end_everything_from_its_side(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.session.end('the node was deactivated')
    decision = bench.ask_step(1, session=session)
    assert refused(decision, StatusCode.NO_SESSION, 'the node was deactivated')


# -- steps ---------------------------------------------------------------------------------------


def test_steps_count_from_one_and_are_granted_in_order(bench: Bench) -> None:
    session = bench.begin('ann')
    for step in range(1, 6):
        run = bench.ask_step(step, session=session)
        assert isinstance(run, Run)
        assert (run.step, run.session, run.client_id, run.reset) == (step, session, 'ann', False)
        bench.finish(run)


@pytest.mark.parametrize('step', [0, -1])
def test_a_step_of_a_session_has_a_number_from_one(bench: Bench, step: int) -> None:
    session = bench.begin('ann')
    assert refused(bench.ask_step(step, session=session), StatusCode.MALFORMED, f'step {step}')


def test_the_last_step_again_gets_the_identical_reply_and_is_not_run(bench: Bench) -> None:
    session = bench.begin('ann')
    for step in (1, 2):
        reply = bench.make_step(step, session)
        for _ in range(3):
            decision = bench.ask_step(step, session=session)
            assert isinstance(decision, Replay)
            assert decision.reply is reply


def test_a_step_that_is_being_executed_is_joined(bench: Bench) -> None:
    session = bench.begin('ann')
    run = bench.ask_step(1, session=session)
    decision = bench.ask_step(1, session=session)
    assert isinstance(decision, Join)
    assert decision.run is run


def test_an_older_step_is_stale(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.make_step(1, session)
    bench.make_step(2, session)
    assert refused(bench.ask_step(1, session=session), StatusCode.STALE, 'step 1', '2')


def test_a_step_too_far_ahead_is_a_gap_and_takes_no_number(bench: Bench) -> None:
    session = bench.begin('ann')
    decision = bench.ask_step(2, session=session)
    assert refused(decision, StatusCode.GAP, 'step 2', 'next one is 1', 'nothing moved')
    assert isinstance(bench.ask_step(1, session=session), Run)


def test_the_next_step_is_refused_while_one_is_executed(bench: Bench) -> None:
    session = bench.begin('ann')
    run = bench.ask_step(1, session=session)
    assert refused(bench.ask_step(2, session=session), StatusCode.BUSY, 'step 1 is still')
    bench.finish(run)
    assert isinstance(bench.ask_step(2, session=session), Run)


def test_a_step_during_a_reset_is_told_that_it_is_a_reset(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.ask_reset('ann', session=session)
    assert refused(bench.ask_step(1, session=session), StatusCode.BUSY, 'a reset is still')


def test_no_step_is_granted_after_the_episode_is_over(bench: Bench) -> None:
    session = bench.begin('ann')
    run = bench.ask_step(1, session=session)
    bench.finish(run, goes_on=False, why='the episode is over')
    decision = bench.ask_step(2, session=session)
    assert refused(decision, StatusCode.NEEDS_RESET, 'the episode is over')
    bench.finish(bench.ask_reset('ann', session=session))
    assert isinstance(bench.ask_step(2, session=session), Run)


def test_no_step_is_granted_after_a_failed_reset(bench: Bench) -> None:
    run = bench.ask_reset('ann')
    bench.finish(run, goes_on=False, why='the last reset failed')
    decision = bench.ask_step(1, session=bench.session.session)
    assert refused(decision, StatusCode.NEEDS_RESET, 'the last reset failed')


def test_an_unknown_session_is_told_that_its_last_step_is_in_doubt(bench: Bench) -> None:
    decision = bench.ask_step(7, session='of another process')
    assert refused(decision, StatusCode.NO_SESSION, 'restarted', 'whether its last step', 'reset')


def test_a_wrong_action_is_refused_without_taking_the_number(bench: Bench) -> None:
    session = bench.begin('ann')
    problem = Status(StatusCode.REJECTED, 'outside its bounds')
    decision = bench.ask_step(1, session=session, problem=problem)
    assert refused(decision, StatusCode.REJECTED, 'outside its bounds')
    assert isinstance(bench.ask_step(1, session=session), Run)


def test_a_wrong_action_is_no_matter_in_a_copy_of_an_executed_step(bench: Bench) -> None:
    session = bench.begin('ann')
    reply = bench.make_step(1, session)
    problem = Status(StatusCode.REJECTED, 'outside its bounds')
    assert bench.ask_step(1, session=session, problem=problem) == Replay(reply)


def test_a_reset_with_a_problem_is_refused_and_ends_nothing(bench: Bench) -> None:
    session = bench.begin('ann')
    problem = Status(StatusCode.SPECS_CHANGED, 'other specs')
    assert refused(bench.ask_reset('ann', problem=problem), StatusCode.SPECS_CHANGED)
    assert isinstance(bench.ask_step(1, session=session), Run)


def test_only_what_is_being_executed_can_be_finished(bench: Bench) -> None:
    run = bench.ask_reset('ann')
    waiting = bench.ask_reset('ann')
    assert isinstance(waiting, Run)
    with pytest.raises(ValueError, match='is not being executed'):
        bench.session.finish(waiting, 'too early', episode_running=True)
    bench.finish(run)
    with pytest.raises(ValueError, match='is not being executed'):
        bench.finish(run)


# -- fencing -------------------------------------------------------------------------------------


def test_a_reset_waits_for_the_step_that_is_being_executed(bench: Bench) -> None:
    session = bench.begin('ann')
    step = bench.ask_step(1, session=session)
    reset = bench.ask_reset('bob', takeover=True)
    assert bench.session.running is step
    bench.finish(step)
    assert bench.session.running is reset


def test_only_one_reset_waits(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.ask_step(1, session=session)
    assert isinstance(bench.ask_reset('bob', takeover=True), Run)
    decision = bench.ask_reset('cid', takeover=True)
    assert refused(decision, StatusCode.BUSY, 'another reset is already waiting')


def test_the_outcome_of_a_fenced_step_says_nothing_about_the_new_session(bench: Bench) -> None:
    session = bench.begin('ann')
    step = bench.ask_step(1, session=session)
    reset = bench.ask_reset('bob', takeover=True)
    bench.finish(step)
    assert not bench.session.episode_running
    bench.finish(reset)
    new = bench.session.session
    assert isinstance(bench.ask_step(1, session=new), Run), 'not a replay of step 1 of ann'


def test_a_fenced_reset_is_not_current_when_its_turn_comes(bench: Bench) -> None:
    session = bench.begin('ann')
    step = bench.ask_step(1, session=session)
    reset = bench.ask_reset('ann', session=session)
    assert isinstance(reset, Run)
    assert bench.session.is_current(reset)
    bench.session.close(session)
    assert not bench.session.is_current(reset)
    bench.finish(step)
    bench.finish(reset)
    assert not bench.session.episode_running


def test_what_was_granted_by_hand_is_fenced_by_the_end(bench: Bench) -> None:
    run = bench.ask_step()
    bench.session.end('the node was deactivated')
    bench.finish(run)
    assert not bench.session.episode_running
    again = bench.ask_step()
    assert isinstance(again, Run)
    assert again.begin


def test_an_older_step_does_not_restart_the_episode_that_a_reset_ended(bench: Bench) -> None:
    session = bench.begin('ann')
    step = bench.ask_step(1, session=session)
    reset = bench.ask_reset('ann', session=session)
    reply = bench.finish(step)
    assert not bench.session.episode_running
    assert bench.ask_step(1, session=session) == Replay(reply)
    bench.finish(reset, goes_on=False, why='the reset failed')
    decision = bench.ask_step(2, session=session)
    assert refused(decision, StatusCode.NEEDS_RESET, 'the reset failed')


# -- repeated and late resets --------------------------------------------------------------------


def test_a_reset_that_is_being_executed_is_joined(bench: Bench) -> None:
    run = bench.ask_reset('ann', number=5)
    decision = bench.ask_reset('ann', number=5)
    assert isinstance(decision, Join)
    assert decision.run is run


def test_a_reset_that_waits_is_joined(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.ask_step(1, session=session)
    run = bench.ask_reset('bob', number=5, takeover=True)
    decision = bench.ask_reset('bob', number=5, takeover=True)
    assert isinstance(decision, Join)
    assert decision.run is run


def test_the_last_reset_again_gets_the_identical_reply(bench: Bench) -> None:
    reply = bench.finish(bench.ask_reset('ann', number=5))
    bench.make_step(1, bench.session.session)
    decision = bench.ask_reset('ann', number=5)
    assert isinstance(decision, Replay)
    assert decision.reply is reply
    assert bench.session.episode_running


def test_a_failed_reset_is_replayed_too(bench: Bench) -> None:
    reply = bench.finish(bench.ask_reset('ann', number=5), goes_on=False, why='it failed')
    assert bench.ask_reset('ann', number=5) == Replay(reply)


def test_a_copy_of_a_waiting_reset_never_gets_the_reply_of_the_one_before(bench: Bench) -> None:
    session = bench.begin('ann')
    first = bench.ask_reset('ann', session=session, number=50)
    second = bench.ask_reset('ann', session=session, number=51)
    bench.finish(first)
    decision = bench.ask_reset('ann', session=session, number=51)
    assert isinstance(decision, Join)
    assert decision.run is second


def test_a_reset_repeated_after_its_session_ended_is_stale(bench: Bench) -> None:
    bench.finish(bench.ask_reset('ann', number=5))
    bench.session.close(bench.session.session)
    assert refused(bench.ask_reset('ann', number=5), StatusCode.STALE, 'executed before')
    assert bench.session.holder == ''


def test_a_repeated_takeover_does_not_take_the_lease_back(bench: Bench) -> None:
    bench.finish(bench.ask_reset('ann', number=5))
    bench.finish(bench.ask_reset('bob', number=6, takeover=True))
    bench.finish(bench.ask_reset('ann', number=7, takeover=True))
    decision = bench.ask_reset('bob', number=6, takeover=True)
    assert refused(decision, StatusCode.STALE)
    assert bench.session.holder == 'ann'


def test_a_reset_that_a_newer_one_overtook_on_the_way_is_stale(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.finish(bench.ask_reset('ann', session=session, number=8))
    decision = bench.ask_reset('ann', number=7)
    assert refused(decision, StatusCode.STALE, 'reset 7', 'older', '8')
    assert bench.session.session == session
    assert bench.session.episode_running


def test_a_refused_reset_is_not_granted_when_a_late_copy_finds_the_lease_free(
    bench: Bench,
) -> None:
    session = bench.begin('ann')
    first = bench.ask_reset('bob', number=5)
    bench.session.close(session)
    late = bench.ask_reset('bob', number=5)
    assert late == first
    assert refused(late, StatusCode.BUSY, 'ann')
    assert isinstance(bench.ask_reset('bob', number=6), Run)


def test_two_clients_may_count_alike(bench: Bench) -> None:
    bench.finish(bench.ask_reset('ann', number=5))
    assert isinstance(bench.ask_reset('bob', number=5, takeover=True), Run)


def test_resets_by_hand_and_without_a_number_are_all_new(bench: Bench) -> None:
    for client in ('', 'ann'):
        episodes = set()
        for _ in range(3):
            run = bench.ask_reset(client, number=0)
            assert isinstance(run, Run)
            bench.finish(run)
            episodes.add(run.episode)
        assert len(episodes) == 3


# -- two clocks ----------------------------------------------------------------------------------


def test_steps_in_time_were_never_held(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.wait(500)
    for step in range(1, 5):
        run = bench.ask_step(step, session=session)
        assert isinstance(run, Run)
        assert run.held_s == 0.0
        bench.finish(run)
        bench.wait(AUTHORITY_MS)


def test_a_pause_is_reported_as_held_and_a_heartbeat_does_not_shorten_it(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.make_step(1, session)
    for _ in range(4):
        bench.wait(500)
        assert bench.session.heartbeat(session)
    run = bench.ask_step(2, session=session)
    assert isinstance(run, Run)
    assert run.held_s == pytest.approx(2.0 - AUTHORITY_MS / 1e3)


def test_the_pause_before_the_first_step_of_an_episode_is_not_held(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.make_step(1, session)
    bench.wait(900)
    bench.finish(bench.ask_reset('ann', session=session))
    bench.wait(900)
    run = bench.ask_step(2, session=session)
    assert isinstance(run, Run)
    assert run.held_s == 0.0


def test_where_nothing_moves_nothing_is_held_or_too_old() -> None:
    bench = Bench(authority_ms=0)
    session = bench.begin('ann')
    stamp = bench.now_ns
    bench.make_step(1, session)
    bench.wait(900)
    run = bench.ask_step(2, session=session, echo_ns=stamp)
    assert isinstance(run, Run)
    assert run.held_s == 0.0


def test_a_request_under_way_for_longer_than_the_authority_is_too_old(bench: Bench) -> None:
    session = bench.begin('ann')
    stamp = bench.now_ns
    bench.wait(500 + AUTHORITY_MS)
    fits = bench.ask_step(1, session=session, echo_ns=stamp, elapsed_ns=500 * MS)
    bench.finish(fits)
    bench.wait(1)
    late = bench.ask_step(2, session=session, echo_ns=stamp, elapsed_ns=500 * MS)
    assert refused(late, StatusCode.TOO_OLD, '151 ms', '150 ms', 'nothing moved')
    fresh = bench.ask_step(2, session=session, echo_ns=bench.now_ns, elapsed_ns=0)
    assert isinstance(fresh, Run)


def test_a_copy_of_an_executed_step_is_answered_however_old_it_is(bench: Bench) -> None:
    session = bench.begin('ann')
    stamp = bench.now_ns
    reply = bench.make_step(1, session)
    bench.wait(900)
    assert bench.ask_step(1, session=session, echo_ns=stamp) == Replay(reply)


def test_without_an_echo_there_is_no_age_check(bench: Bench) -> None:
    session = bench.begin('ann')
    bench.wait(900)
    assert isinstance(bench.ask_step(1, session=session, elapsed_ns=0), Run)


def test_clocks_may_drift_while_a_learner_pauses(bench: Bench) -> None:
    session = bench.begin('ann')
    stamp = bench.now_ns
    for _ in range(20):
        bench.wait(500)
        bench.session.heartbeat(session)
    ahead = round(10_000 * MS * 1.0009)  # the client's clock runs 0.09 % fast over 10 s
    decision = bench.ask_step(1, session=session, echo_ns=stamp, elapsed_ns=ahead)
    assert isinstance(decision, Run)


@pytest.mark.parametrize(
    ('echo_ms', 'elapsed_ms'),
    [(1, 0), (-100, 200), (-100, -1), (-100, 2**62 // MS)],
    ids=['from the future', 'more elapsed than passed', 'negative', 'huge'],
)
def test_impossible_stamps_are_malformed(bench: Bench, echo_ms: int, elapsed_ms: int) -> None:
    session = bench.begin('ann')
    bench.wait(200)
    decision = bench.ask_step(
        1, session=session, echo_ns=bench.now_ns + echo_ms * MS, elapsed_ns=elapsed_ms * MS
    )
    assert refused(decision, StatusCode.MALFORMED, 'echo the stamp_ns of the last reply')


# -- by hand -------------------------------------------------------------------------------------


def test_the_first_step_by_hand_begins_an_episode_and_the_next_goes_on(bench: Bench) -> None:
    first = bench.ask_step()
    bench.finish(first)
    second = bench.ask_step()
    assert isinstance(first, Run)
    assert isinstance(second, Run)
    assert (first.begin, second.begin) == (True, False)
    assert (first.session, first.step, first.client_id) == ('', 0, '')
    assert (second.epoch, second.episode) == (first.epoch, first.episode)


def test_a_step_by_hand_after_the_episode_begins_another(bench: Bench) -> None:
    first = bench.ask_step()
    bench.finish(first, goes_on=False, why='the episode is over')
    second = bench.ask_step()
    assert isinstance(first, Run)
    assert isinstance(second, Run)
    assert second.begin
    assert second.episode == first.episode + 1
    assert second.epoch > first.epoch


def test_by_hand_is_refused_while_somebody_holds_the_lease(bench: Bench) -> None:
    session = bench.begin('ann')
    assert refused(bench.ask_step(), StatusCode.BUSY, 'ann')
    bench.session.close(session)
    assert isinstance(bench.ask_step(), Run)


def test_by_hand_has_no_numbers(bench: Bench) -> None:
    assert refused(bench.ask_step(3), StatusCode.MALFORMED, 'step 3 without a session')


def test_by_hand_is_refused_while_anything_is_executed(bench: Bench) -> None:
    run = bench.ask_step()
    assert refused(bench.ask_step(), StatusCode.BUSY, 'being executed')
    bench.finish(run)
    session = bench.begin('ann')
    run = bench.ask_step(1, session=session)
    bench.session.close(session)
    assert refused(bench.ask_step(), StatusCode.BUSY, 'being executed')


def test_a_wrong_action_by_hand_is_refused_and_begins_nothing(bench: Bench) -> None:
    epoch = bench.session.epoch
    decision = bench.ask_step(problem=Status(StatusCode.REJECTED, 'outside its bounds'))
    assert refused(decision, StatusCode.REJECTED)
    assert bench.session.epoch == epoch


def test_a_pause_by_hand_is_held_within_an_episode(bench: Bench) -> None:
    bench.finish(bench.ask_step())
    bench.wait(1000)
    run = bench.ask_step()
    assert isinstance(run, Run)
    assert run.held_s == pytest.approx(1.0 - AUTHORITY_MS / 1e3)


def test_a_client_takes_the_lease_from_somebody_stepping_by_hand(bench: Bench) -> None:
    by_hand = bench.ask_step()
    reset = bench.ask_reset('ann')
    assert isinstance(by_hand, Run)
    assert isinstance(reset, Run)
    assert reset.epoch > by_hand.epoch
    bench.finish(by_hand)
    assert not bench.session.episode_running


# -- memory --------------------------------------------------------------------------------------


def test_memory_is_bounded_whatever_comes(bench: Bench) -> None:
    for number in range(1, 3 * REMEMBERED_RESETS):
        bench.finish(bench.ask_reset('ann', number=number))
        bench.ask_reset(f'client {number}', number=number)
    assert len(bench.session._resets) == REMEMBERED_RESETS
    assert len(bench.session._past) == REMEMBERED_SESSIONS


def test_the_newest_reset_is_replayed_however_many_others_asked_since(bench: Bench) -> None:
    reply = bench.finish(bench.ask_reset('ann', number=10))
    for number in range(1, REMEMBERED_RESETS + 2):
        assert refused(bench.ask_reset('bob', number=number), StatusCode.BUSY)
    assert bench.ask_reset('ann', number=10) == Replay(reply)
    assert refused(bench.ask_reset('ann', number=9), StatusCode.STALE)
