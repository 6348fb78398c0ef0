# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Who may step the robot, and which step comes next: lease, epoch, sequence and episode.

Pure bookkeeping: no ROS, no threads, no environment. The clock is injected, in nanoseconds, and
must be monotonic. The caller (:class:`rl_bridge.bridge.Bridge`) serialises the calls with one lock
and executes what is granted in the order in which it was granted.

One holder, at most once:

* ``admit_reset`` / ``admit_step`` decide: :class:`Run` (execute it, then call ``finish``),
  :class:`Join` (this very request is being executed, answer with its reply), :class:`Replay` (it
  was executed, here is the reply) or :class:`Refuse`.
* The step's number is taken when the step is admitted, before anything moves. Whatever happens
  then, the same number is never run again.
* Numbers grow over the whole session, episodes included: a delayed step of the last episode can
  never pass for one of the next.
* A reset that was answered, be it with a refusal, is never granted later: its sender has gone on.
* Whatever ends a session or an episode by hand starts a new epoch; what was granted in an older
  one is fenced, and so is a reset that names an older one.
* A step that echoes a reply from before the last reset belongs to what was before it.

Two clocks on purpose: the *lease* is renewed by anything the client says, its heartbeat above all,
and by the copies of its first reset, before it knows its session; the *motion authority* is
renewed by a step alone, so that a live heartbeat never keeps a robot moving for a hung trainer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from rl_bridge.decision import Decision, Join, Refuse, Replay, ResetFields, Run, StepFields, refuse
from rl_bridge.lease import Lease
from rl_bridge.past_sessions import PastSessions
from rl_bridge.request_age import sent_ns, too_old
from rl_bridge.reset_memory import ResetMemory
from rl_bridge.types import Status, StatusCode


class Session:
    """
    The lease and the sequence of one bridge.

    :param first_epoch: epochs start above this; it must grow over restarts of the bridge.
    :param lease_s: seconds without a sign of life after which the lease ends.
    :param authority_s: seconds after a step for which motion is authorised; 0 = nothing moves, no
        age check.
    :param clock_ns: monotonic clock in nanoseconds.
    :param new_session: makes a fresh, unguessable session name.
    """

    def __init__(
        self,
        *,
        first_epoch: int,
        lease_s: float,
        authority_s: float,
        clock_ns: Callable[[], int],
        new_session: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._clock_ns = clock_ns
        self._new_session = new_session
        self._lease = Lease(lease_s)
        self._authority_ns = round(authority_s * 1e9)
        self.epoch = first_epoch
        self.episode = 0
        self.step = 0
        self.session = ''
        self.holder = ''
        self.episode_running = False
        self._episode_end = ''
        self._granted_ns = 0  # when the last reset was
        self._authority_end_ns = 0
        self._running: Run | None = None
        self._pending: Run | None = None
        self._reply: Any = None
        self._resets = ResetMemory()
        self._past = PastSessions()

    @property
    def running(self) -> Run | None:
        """The request being executed."""
        return self._running

    @property
    def busy(self) -> bool:
        """Whether a reset or step is being executed."""
        return self._running is not None

    # -- requests --------------------------------------------------------------------------------

    def admit_reset(self, request: ResetFields, *, problem: Status | None = None) -> Decision:
        """
        Decide on a reset. A granted one fences every older session at once.

        :param problem: what is wrong with the request's content; refused with it once nothing else
            is wrong.
        """
        self.expire()
        repeated = self._resets.recall(request.client_id, request.reset_id)
        if repeated is not None:
            if isinstance(repeated, Join) and self.is_current(repeated.run):
                self._lease.renew(self._clock_ns())  # it waits for its answer, so it lives
            return repeated
        decision = self._new_reset(request, problem)
        self._resets.note(request.client_id, request.reset_id, decision)
        return decision

    def admit_step(self, request: StepFields, *, problem: Status | None = None) -> Decision:
        """
        Decide on a step; see :meth:`admit_reset` for ``problem``. A refused step takes no number.
        """
        self.expire()
        if not request.session:
            return self._admit_by_hand(request, problem)
        if request.session != self.session:
            return self._past.refuse(request.session)
        now = self._clock_ns()
        # A copy that was under way for long says little about its sender now.
        self._lease.renew(sent_ns(request, now_ns=now))
        if 0 < request.step == self.step:
            running = self._running
            if running is not None and not running.reset and self.is_current(running):
                return Join(running)
            return Replay(self._reply)
        refusal = self._out_of_order(request) or too_old(
            request, now_ns=now, authority_ns=self._authority_ns
        )
        if refusal is not None:
            return refusal
        if not self.episode_running:
            return refuse(StatusCode.NEEDS_RESET, f'{self._episode_end}; reset to go on')
        if problem is not None:
            return Refuse(problem)
        self.step = request.step
        round_trip_ns = max(0, now - request.echo_ns - request.elapsed_ns)
        return self._run_step(now, round_trip_ns=round_trip_ns if request.echo_ns else 0)

    def finish(self, run: Run, reply: Any, *, episode_running: bool, why: str = '') -> None:
        """
        Note the reply of an executed request, for whoever asks for it again.

        :param episode_running: whether a further step may follow.
        :param why: if not, what ended the episode, as a sentence's beginning.
        :raises ValueError: ``run`` is not what is being executed.
        """
        if run is not self._running:
            raise ValueError(f'{run} is not being executed, {self._running} is')
        self._running, self._pending = self._pending, None
        if not self.is_current(run):
            return  # fenced meanwhile: its outcome says nothing about the present session
        if run.reset:
            self._resets.keep_reply(run, reply)
        else:
            self._reply = reply
        newest = run.episode == self.episode
        if run.reset and newest:
            self._lease.named = True
        # Execution may take long (a reset moves the robot): the client's time counts from now.
        self._lease.renew(self._clock_ns())
        if not newest:
            return  # a newer reset of the same session waits: the episode is no longer this one
        self.episode_running = episode_running
        if not episode_running:
            self._episode_end = why

    def is_current(self, run: Run) -> bool:
        """Return whether ``run`` has not been fenced by a newer epoch."""
        return run.epoch == self.epoch

    def heartbeat(self, session: str) -> bool:
        """Renew the lease, never the motion authority; return whether ``session`` holds it."""
        self.expire()
        if not session or session != self.session:
            return False
        self._lease.renew(self._clock_ns())
        return True

    def close(self, session: str) -> Status:
        """Release the lease. Closing a session that has ended already is fine."""
        self.expire()
        if session and session == self.session:
            self._end_session('it was closed by its client')
            return Status()
        return self._past.close(session)

    def expire(self) -> str:
        """
        End the lease if its time is over.

        :return: the client id that lost it, or nothing. Ask before any request: those end it too.
        """
        if not self.holder or not self._lease.over(self._clock_ns()):
            return ''
        lost = self.holder
        what = 'heartbeat' if self._lease.named else 'copy of its first reset'
        self._end_session(f'its lease expired: no {what} for {self._lease.length_ns / 1e9:g} s')
        return lost

    def listening(self) -> None:
        """Note that requests are heard; to be called every few ten ms. See :class:`Lease`."""
        self._lease.listening(self._clock_ns())

    def end(self, why: str) -> None:
        """End lease and episode from the bridge's side (deactivation, shutdown)."""
        self._end_session(why)

    # -- parts of the decisions ------------------------------------------------------------------

    def _new_reset(self, request: ResetFields, problem: Status | None) -> Run | Refuse:
        client = request.client_id
        if request.epoch and request.epoch != self.epoch:
            return refuse(
                StatusCode.FENCED,
                f'the reset names epoch {request.epoch}, and this is {self.epoch}; ask again',
            )
        if self.holder and self.holder != client and not (request.takeover and client):
            return self._busy_with_holder()
        if request.session and request.session != self.session:
            return self._past.refuse(request.session)
        if self._pending is not None:
            return refuse(
                StatusCode.BUSY, 'another reset is already waiting; try again when it is done'
            )
        if problem is not None:
            return Refuse(problem)
        run = self._grant(request)
        if self._running is None:
            self._running = run
        else:
            self._pending = run
        return run

    def _grant(self, request: ResetFields) -> Run:
        client = request.client_id
        taken_from = self.holder if self.holder != client else ''
        if not (request.session and request.session == self.session and self.holder == client):
            if taken_from:
                why = f'{client} took the lease over'
            else:
                why = 'a newer reset of the same client replaced it'
            self._end_session(why)
            self.step = 0
            if client:
                self.session = self._new_session()
                self.holder = client
                self._lease.named = False
        self.episode += 1
        self.episode_running = False
        self._granted_ns = self._clock_ns()
        self._lease.begin(self._granted_ns)
        self._authority_end_ns = 0
        return Run(
            session=self.session,
            client_id=client,
            epoch=self.epoch,
            episode=self.episode,
            step=0,
            reset=True,
            taken_from=taken_from,
        )

    def _admit_by_hand(self, request: StepFields, problem: Status | None) -> Run | Refuse:
        if self.holder:
            return self._busy_with_holder()
        if request.step != 0:
            return refuse(
                StatusCode.MALFORMED,
                f'step {request.step} without a session; reset with a client_id to get one, or '
                'send step 0',
            )
        if self._running is not None:
            return refuse(
                StatusCode.BUSY, 'another request is being executed; try again when it is done'
            )
        if problem is not None:
            return Refuse(problem)
        begin = not self.episode_running
        if begin:
            self.epoch += 1
            self.episode += 1
            self._authority_end_ns = 0
        return self._run_step(self._clock_ns(), begin=begin)

    def _run_step(self, now: int, *, begin: bool = False, round_trip_ns: int = 0) -> Run:
        held_ns = 0
        if self._authority_ns:
            if self._authority_end_ns:
                held_ns = max(0, now - self._authority_end_ns)
            self._authority_end_ns = now + self._authority_ns
        self._running = Run(
            session=self.session,
            client_id=self.holder,
            epoch=self.epoch,
            episode=self.episode,
            step=self.step if self.session else 0,
            reset=False,
            held_s=held_ns / 1e9,
            begin=begin,
            sent_ns=now - round_trip_ns,
            round_trip_s=round_trip_ns / 1e9,
        )
        return self._running

    def _out_of_order(self, request: StepFields) -> Refuse | None:
        step = request.step
        if step < 1:
            return refuse(
                StatusCode.MALFORMED, f'step {step} with a session; its steps count from 1'
            )
        if step < self.step:
            return refuse(StatusCode.STALE, f'step {step} is older than the last one, {self.step}')
        if step > self.step + 1:
            return refuse(
                StatusCode.GAP,
                f'step {step} came, but the next one is {self.step + 1}; nothing moved',
            )
        if 0 < request.echo_ns < self._granted_ns:
            return refuse(
                StatusCode.STALE, f'step {step} echoes a reply from before the last reset'
            )
        if self._running is not None:
            what = 'a reset' if self._running.reset else f'step {self._running.step}'
            return refuse(StatusCode.BUSY, f'{what} is still being executed; nothing moved')
        return None

    def _busy_with_holder(self) -> Refuse:
        return refuse(
            StatusCode.BUSY,
            f'{self.holder} holds the lease; wait until it closes, or reset with takeover',
        )

    def _end_session(self, why: str) -> None:
        if self.session:
            self._past.ended(self.session, why)
        self.epoch += 1  # fences whatever was granted before
        self.session = ''
        self.holder = ''
        self._reply = None
        self._resets.session_ended()
        self.episode_running = False
