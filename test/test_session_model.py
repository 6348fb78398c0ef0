# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The session against a simple oracle, in whatever order clients, the network and time come up with.

The oracle keeps lists of what happened and answers by searching them; it shares no code and no
state layout with the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rl_bridge.decision import Decision, Join, Refuse, Replay, Run
from rl_bridge.past_sessions import REMEMBERED_SESSIONS
from rl_bridge.reset_memory import REMEMBERED_RESETS
from rl_bridge.session import Session
from rl_bridge.types import ResetRequest, Status, StatusCode, StepRequest

MS = 1_000_000
LEASE_NS = 1000 * MS
AUTHORITY_NS = 150 * MS
PROBLEM = Status(StatusCode.REJECTED, 'a problem of the content')
CLIENTS = ('ann', 'bob', 'cid')
SELDOM = st.sampled_from([False, False, False, False, True])
BEHIND = st.sampled_from([0, 0, 0, None, 1, 2, -1])  # epochs; None = it names none
FAULTS = st.sampled_from([None, None, None, PROBLEM])


@dataclass(eq=False)
class Work:
    """Something granted: a reset or a step."""

    run: Run
    lease: Lease | None  # None = by hand
    episode: int
    reset_id: int = 0
    reply: str = ''  # empty until finished
    fenced: bool = False


@dataclass(eq=False)
class Lease:
    """One session of one client, from its reset to its end."""

    client: str
    name: str
    alive_until_ns: int
    ended: bool = False
    steps: list[Work] = field(default_factory=list)
    resets: list[Work] = field(default_factory=list)


class SessionMachine(RuleBasedStateMachine):
    """Clients that reset, step, repeat, arrive late, pause, die, take over and work by hand."""

    @initialize()
    def start(self) -> None:
        self.now_ns = 10**12
        self.names = 0
        self.session = Session(
            first_epoch=7,
            lease_s=LEASE_NS / 1e9,
            authority_s=AUTHORITY_NS / 1e9,
            clock_ns=lambda: self.now_ns,
            new_session=self.new_name,
        )
        self.lease: Lease | None = None
        self.leases: list[Lease] = []
        self.queue: list[Work] = []  # being executed, then waiting
        self.granted: list[Work] = []
        self.answered_resets: dict[tuple[str, int], Decision] = {}
        self.numbers = dict.fromkeys(CLIENTS, 0)
        self.episode = 0
        self.epoch = 7
        self.reset_ns = 0  # when the last reset was granted
        self.stepping = False  # whether the episode goes on
        self.last_step_ns = 0  # of this episode; 0 = none

    def new_name(self) -> str:
        self.names += 1
        return f'session {self.names}'

    # -- what the oracle knows -------------------------------------------------------------------

    def let_expire(self) -> None:
        lease = self.lease
        if lease is not None and self.now_ns > lease.alive_until_ns:
            self.end_lease()

    def hear_from(self, lease: Lease | None, at_ns: int) -> None:
        """Its client lived at this time."""
        assert lease is not None
        lease.alive_until_ns = max(lease.alive_until_ns, at_ns + LEASE_NS)

    def end_lease(self) -> None:
        """Whatever was granted until now, by hand too, has no say in what comes."""
        if self.lease is not None:
            self.lease.ended = True
        self.lease = None
        self.epoch += 1
        self.stepping = False
        for work in self.granted:
            work.fenced = True

    # -- resets ----------------------------------------------------------------------------------

    @rule(
        client=st.sampled_from(('ann', 'ann', *CLIENTS)),
        takeover=SELDOM,
        quote=st.sampled_from(['own', 'own', 'own', 'none', 'present', 'past', 'nonsense']),
        fault=FAULTS,
        behind=BEHIND,
    )
    def new_reset(
        self, client: str, takeover: bool, quote: str, fault: Status | None, behind: int | None
    ) -> None:
        self.numbers[client] += 2  # odd numbers are lost on the way and may come late
        quoted = self.quoted(client, quote)
        self.reset(client, self.numbers[client], takeover, quoted, fault, behind)

    @rule(
        client=st.sampled_from(CLIENTS), back=st.integers(0, 6), takeover=SELDOM, behind=BEHIND
    )
    def repeated_or_late_reset(
        self, client: str, back: int, takeover: bool, behind: int | None
    ) -> None:
        if self.numbers[client] - back > 0:
            self.reset(client, self.numbers[client] - back, takeover, '', None, behind)

    def quoted(self, client: str, quote: str) -> str:
        if quote == 'nonsense':
            return 'never heard of'
        if quote == 'present':
            return self.lease.name if self.lease else ''
        own = [lease.name for lease in self.leases if lease.client == client]
        past = [lease.name for lease in self.leases if lease.ended]
        names = {'own': own, 'past': past}.get(quote, [])
        return names[-1] if names else ''

    def reset(
        self,
        client: str,
        number: int,
        takeover: bool,
        quoted: str,
        fault: Status | None,
        behind: int | None = None,
    ) -> None:
        self.let_expire()
        epoch = 0 if behind is None else self.epoch - behind
        request = ResetRequest(
            client_id=client, session=quoted, reset_id=number, takeover=takeover, epoch=epoch
        )
        before = self.lease
        decision = self.session.admit_reset(request, problem=fault)
        mine = before is not None and before.client == client
        newest = before.resets[-1] if before is not None else None
        earlier = self.answered_resets.get((client, number))
        if mine and newest is not None and number == newest.reset_id:
            self.expect_copy(decision, newest)
            if not newest.reply:  # its client waits for the answer
                self.hear_from(before, self.now_ns)
        elif mine and newest is not None and number < newest.reset_id:
            self.expect_refusal(decision, StatusCode.STALE)
        elif isinstance(earlier, Refuse):
            assert decision == earlier, 'a refused reset stays refused'
        elif earlier is not None:
            self.expect_refusal(decision, StatusCode.STALE)
        else:
            self.answered_resets[client, number] = decision
            if behind:
                self.expect_refusal(decision, StatusCode.FENCED)
            elif before is not None and not mine and not takeover:
                assert before.client in self.expect_refusal(decision, StatusCode.BUSY)
            elif quoted and (before is None or quoted != before.name):
                self.expect_refusal(decision, StatusCode.NO_SESSION)
            elif len(self.queue) == 2:
                self.expect_refusal(decision, StatusCode.BUSY)
            elif fault is not None:
                assert decision == Refuse(fault)
            else:
                self.note_reset(decision, client, number, keeps=mine and bool(quoted))

    def note_reset(self, decision: Decision, client: str, number: int, *, keeps: bool) -> None:
        assert isinstance(decision, Run)
        before = self.lease
        taken_from = before.client if before is not None and before.client != client else ''
        assert decision.taken_from == taken_from
        if not keeps:
            self.end_lease()
            self.lease = Lease(client, decision.session, 0)
            assert decision.session not in [lease.name for lease in self.leases]
            self.leases.append(self.lease)
        assert self.lease is not None
        self.lease.alive_until_ns = self.now_ns + LEASE_NS
        self.reset_ns = self.now_ns
        work = self.note_granted(decision, self.lease, new_episode=True)
        work.reset_id = number
        self.lease.resets.append(work)
        assert (decision.reset, decision.client_id) == (True, client)
        assert decision.session == self.lease.name

    @rule(number=st.sampled_from([None, 0, 0, 0, 0, 1]), takeover=SELDOM, fault=FAULTS)
    def by_hand(self, number: int | None, takeover: bool, fault: Status | None) -> None:
        if number is None:
            self.reset_by_hand(takeover, fault)
        else:
            self.step_by_hand(number, fault)

    def reset_by_hand(self, takeover: bool, fault: Status | None) -> None:
        self.let_expire()
        decision = self.session.admit_reset(ResetRequest(takeover=takeover), problem=fault)
        if self.lease is not None:
            assert self.lease.client in self.expect_refusal(decision, StatusCode.BUSY)
        elif len(self.queue) == 2:
            self.expect_refusal(decision, StatusCode.BUSY)
        elif fault is not None:
            assert decision == Refuse(fault)
        else:
            assert isinstance(decision, Run)
            assert (decision.session, decision.client_id, decision.taken_from) == ('', '', '')
            self.end_lease()
            self.reset_ns = self.now_ns
            self.note_granted(decision, None, new_episode=True)

    @rule(client=st.sampled_from(CLIENTS), anew=SELDOM, count=st.integers(0, 4))
    def ordinary_episode(self, client: str, anew: bool, count: int) -> None:
        """Whoever holds the lease goes on, else this client takes it; all is answered in time."""
        while self.queue:
            self.finish(goes_on=True)
        self.let_expire()
        self.session.expire()
        lease = self.lease
        client = lease.client if lease is not None else client
        self.numbers[client] += 2
        quoted = '' if lease is None or anew else lease.name
        self.reset(client, self.numbers[client], False, quoted, None)
        self.finish(goes_on=True)
        self.ordinary_steps(count)

    # -- steps -----------------------------------------------------------------------------------

    @precondition(lambda self: self.leases)
    @rule(
        which=st.sampled_from([-1, -1, -1, -1, -2, -3]),
        ahead=st.sampled_from([1, 1, 1, 0, 0, -1, -2, 2, 5]),
        age_ms=st.sampled_from([None, 0, 0, 100, 150, 151, 4000, -50]),
        pause_ms=st.sampled_from([0, 0, 0, 30, 3000]),
        fault=FAULTS,
    )
    def step(
        self, which: int, ahead: int, age_ms: int | None, pause_ms: int, fault: Status | None
    ) -> None:
        lease = self.leases[max(which, -len(self.leases))]
        self.ask_step(lease, ahead, age_ms, fault, pause_ms=pause_ms)

    def ordinary_steps(self, count: int) -> None:
        lease = self.lease
        assert lease is not None
        for _ in range(count):
            self.ask_step(lease, 1, 0, None)
            if self.queue:
                self.finish(goes_on=True)

    def ask_step(
        self,
        lease: Lease,
        ahead: int,
        age_ms: int | None,
        fault: Status | None,
        *,
        pause_ms: int = 0,
    ) -> None:
        self.let_expire()
        number = len(lease.steps) + ahead
        request = StepRequest(session=lease.name, step=number)
        if age_ms is not None:
            request.elapsed_ns = pause_ms * MS
            request.echo_ns = self.now_ns - request.elapsed_ns - age_ms * MS
        decision = self.session.admit_step(request, problem=fault)
        if lease.ended:
            self.expect_refusal(decision, StatusCode.NO_SESSION)
            return
        self.hear_from(lease, self.now_ns - max(0, age_ms or 0) * MS)
        before_reset = age_ms is not None and request.echo_ns < self.reset_ns
        last = len(lease.steps)
        if number < 1:
            self.expect_refusal(decision, StatusCode.MALFORMED)
        elif number == last:
            self.expect_copy(decision, lease.steps[-1])
        elif number < last:
            self.expect_refusal(decision, StatusCode.STALE)
        elif number > last + 1:
            self.expect_refusal(decision, StatusCode.GAP)
        elif before_reset:
            self.expect_refusal(decision, StatusCode.STALE)
        elif self.queue:
            self.expect_refusal(decision, StatusCode.BUSY)
        elif age_ms is not None and age_ms > 150:
            self.expect_refusal(decision, StatusCode.TOO_OLD)
        elif age_ms is not None and age_ms < 0:
            self.expect_refusal(decision, StatusCode.MALFORMED)
        elif not self.stepping:
            self.expect_refusal(decision, StatusCode.NEEDS_RESET)
        elif fault is not None:
            assert decision == Refuse(fault)
        else:
            assert isinstance(decision, Run)
            self.expect_held(decision)
            lease.steps.append(self.note_granted(decision, lease, new_episode=False))
            assert (decision.step, decision.session) == (len(lease.steps), lease.name)
            assert (decision.client_id, decision.begin) == (lease.client, False)

    def step_by_hand(self, number: int, fault: Status | None) -> None:
        self.let_expire()
        decision = self.session.admit_step(StepRequest(step=number), problem=fault)
        if self.lease is not None:
            assert self.lease.client in self.expect_refusal(decision, StatusCode.BUSY)
        elif number:
            self.expect_refusal(decision, StatusCode.MALFORMED)
        elif self.queue:
            self.expect_refusal(decision, StatusCode.BUSY)
        elif fault is not None:
            assert decision == Refuse(fault)
        else:
            assert isinstance(decision, Run)
            assert decision.begin is not self.stepping
            if decision.begin:
                self.last_step_ns = 0
                self.epoch += 1
            self.expect_held(decision)
            self.note_granted(decision, None, new_episode=decision.begin)
            assert (decision.step, decision.session, decision.client_id) == (0, '', '')

    # -- execution, signs of life, ends ----------------------------------------------------------

    @precondition(lambda self: self.queue)
    @rule(goes_on=st.sampled_from([True, True, True, False]))
    def finish(self, goes_on: bool) -> None:
        work = self.queue.pop(0)
        work.reply = f'reply {len(self.granted)}.{len(self.queue)}.{id(work)}'
        assert self.session.is_current(work.run) is not work.fenced
        self.session.finish(work.run, work.reply, episode_running=goes_on, why='it is over')
        if work.fenced:
            return
        if work.lease is not None:
            self.hear_from(work.lease, self.now_ns)
        if work.episode == self.episode:
            self.stepping = goes_on

    @precondition(lambda self: self.leases)
    @rule(which=st.sampled_from([-1, -1, -1, -2]))
    def heartbeat(self, which: int) -> None:
        self.let_expire()
        lease = self.leases[max(which, -len(self.leases))]
        assert self.session.heartbeat(lease.name) is (not lease.ended)
        if not lease.ended:
            self.hear_from(lease, self.now_ns)

    @rule(ms=st.sampled_from([1, 1, 40, 40, 150, 151, 300, 600, 1001]))
    def let_time_pass(self, ms: int) -> None:
        self.now_ns += ms * MS

    @rule()
    def tick(self) -> None:
        holder = self.lease.client if self.lease is not None else ''
        self.let_expire()
        assert self.session.expire() == (holder if self.lease is None else '')

    @precondition(lambda self: self.leases)
    @rule(how=st.sampled_from(['close', 'close older', 'deactivate', 'no heartbeat']))
    def end(self, how: str) -> None:
        self.tick()
        if how == 'deactivate':
            self.session.end('the bridge was deactivated')
            self.end_lease()
        elif how == 'no heartbeat':
            self.let_the_lease_run_out()
        else:
            lease = self.leases[-1 if how == 'close' else 0]
            known = lease in self.leases[-REMEMBERED_SESSIONS:]
            code = self.session.close(lease.name).code
            assert code == (StatusCode.OK if known else StatusCode.NO_SESSION)
            if not lease.ended:
                self.end_lease()

    def let_the_lease_run_out(self) -> None:
        """The last nanosecond still belongs to the holder, the next does not."""
        lease = self.lease
        if lease is not None:
            self.now_ns = lease.alive_until_ns
            assert self.session.expire() == ''
            self.now_ns += 1
            assert self.session.expire() == lease.client
            self.end_lease()

    # -- expectations ----------------------------------------------------------------------------

    def note_granted(self, run: Run, lease: Lease | None, *, new_episode: bool) -> Work:
        if new_episode:
            self.episode += 1
            self.stepping = False
            if run.reset:
                self.last_step_ns = 0
        work = Work(run, lease, self.episode)
        assert run.episode == self.episode
        self.granted.append(work)
        self.queue.append(work)
        return work

    def expect_refusal(self, decision: Decision, code: StatusCode) -> str:
        assert isinstance(decision, Refuse), (decision, code)
        assert decision.status.code == code, (decision, code)
        assert decision.status.message
        return decision.status.message

    def expect_copy(self, decision: Decision, work: Work) -> None:
        if work.reply:
            assert isinstance(decision, Replay), decision
            assert decision.reply is work.reply
        else:
            assert isinstance(decision, Join), decision
            assert decision.run is work.run

    def expect_held(self, run: Run) -> None:
        held_ns = 0
        if self.last_step_ns:
            held_ns = max(0, self.now_ns - self.last_step_ns - AUTHORITY_NS)
        assert run.held_s == held_ns / 1e9
        self.last_step_ns = self.now_ns

    # -- what always holds -----------------------------------------------------------------------

    @invariant()
    def every_step_is_granted_at_most_once(self) -> None:
        numbered = [(work.run.session, work.run.step) for work in self.granted if work.run.session]
        steps = [key for key in numbered if key[1]]
        assert len(steps) == len(set(steps))

    @invariant()
    def every_reset_is_granted_at_most_once(self) -> None:
        keys = [(work.run.client_id, work.reset_id) for work in self.granted if work.reset_id]
        assert len(keys) == len(set(keys))

    @invariant()
    def nothing_of_an_older_epoch_is_granted_after_a_newer(self) -> None:
        epochs = [work.run.epoch for work in self.granted]
        assert epochs == sorted(epochs)
        assert self.session.epoch == self.epoch
        assert all(epoch > 7 for epoch in epochs)
        owners: dict[int, Lease | None] = {}
        for work in self.granted:
            assert owners.setdefault(work.run.epoch, work.lease) is work.lease

    @invariant()
    def at_most_one_is_executed_and_one_waits(self) -> None:
        assert len(self.queue) <= 2
        assert self.session.busy is bool(self.queue)
        assert self.session.running is (self.queue[0].run if self.queue else None)

    @invariant()
    def holder_session_and_number_are_those_of_the_lease(self) -> None:
        if self.lease is None:
            assert (self.session.holder, self.session.session) == ('', '')
        else:
            assert self.session.holder == self.lease.client
            assert self.session.session == self.lease.name
            assert self.session.step == len(self.lease.steps)
        assert self.session.episode_running is self.stepping

    @invariant()
    def memory_is_bounded(self) -> None:
        session: Any = self.session
        assert len(session._resets) <= REMEMBERED_RESETS
        assert len(session._past) <= REMEMBERED_SESSIONS


SessionMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=60, deadline=None, print_blob=True
)
TestSessionAgainstOracle = SessionMachine.TestCase
