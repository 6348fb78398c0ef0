# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Who may step the robot, and which step comes next: lease, epoch, sequence and episode.

Pure bookkeeping: no ROS, no threads, no environment. The clock is injected, in nanoseconds, and
must be
monotonic. The caller (:class:`rl_bridge.bridge.Bridge`) serialises the calls with one lock.

One holder, at most once:

* ``admit_reset`` / ``admit_step`` decide: :class:`Run` (execute it, then call ``finish``),
  :class:`Join` (this very
  request is being executed, answer with its reply), :class:`Replay` (it was executed, here is the
  reply)
  or :class:`Refuse`.
* The step's number is taken when the step is admitted, before anything moves. Whatever happens
  then, the same
  number is never run again.
* Numbers grow over the whole session, episodes included: a delayed step of the last episode can
  never pass for one
  of the next.

Two clocks on purpose: the *lease* is renewed by anything the client says, its heartbeat above all;
the *motion
authority* is renewed by a step alone, so that a live heartbeat never keeps a robot moving for a
hung trainer.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rl_bridge.types import Status, StatusCode

MAX_CLIENT_ID_LENGTH = 256
REMEMBERED_RESETS = 64
REMEMBERED_SESSIONS = 16


class ResetFields(Protocol):
    """The fields of a reset request that the session reads."""

    client_id: str
    session: str
    reset_id: int
    takeover: bool


class StepFields(Protocol):
    """The fields of a step request that the session reads."""

    session: str
    step: int
    echo_ns: int
    elapsed_ns: int


@dataclass(frozen=True, slots=True)
class Run:
    """
    Execute the request, then call :meth:`Session.finish`.

    :param session: the session it belongs to; empty = by hand.
    :param step: 0 for a reset and by hand.
    :param held_s: how long the motion authority had been over when the step came, in seconds.
    :param begin: a step by hand found no episode: begin one in place first.
    :param taken_from: client id of the former holder that a takeover ends; empty = none.
    """

    session: str
    client_id: str
    epoch: int
    episode: int
    step: int
    reset: bool
    held_s: float = 0.0
    begin: bool = False
    taken_from: str = ''


@dataclass(frozen=True, slots=True)
class Join:
    """The same request is being executed as ``run``; answer with its reply when it is there."""

    run: Run


@dataclass(frozen=True, slots=True)
class Replay:
    """The same request was executed; this is its reply. Nothing moves twice."""

    reply: Any


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing is executed, for this reason."""

    status: Status


def _refuse(code: StatusCode, message: str) -> Refuse:
    return Refuse(Status(code, message))


class Session:
    """
    The lease and the sequence of one bridge.

    :param first_epoch: epochs start above this; it must grow over restarts of the bridge.
    :param lease_s: seconds without a sign of life after which the lease ends.
    :param authority_s: seconds after a step for which motion is authorised; 0 = nothing moves,
        no age check.
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
        self._lease_ns = round(lease_s * 1e9)
        self._authority_ns = round(authority_s * 1e9)
        self.epoch = first_epoch
        self.episode = 0
        self.step = 0
        self.session = ''
        self.holder = ''
        self.episode_running = False
        self._episode_end = 'no episode has been begun'
        self._lease_end_ns = 0
        self._authority_end_ns = 0
        self._running: Run | None = None
        self._pending: Run | None = None
        self._reply: Any = None
        self._reset_reply: Any = None
        self._reset_id = 0
        self._past_resets: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._past_sessions: OrderedDict[str, str] = OrderedDict()

    @property
    def busy(self) -> bool:
        """Whether a reset or step is being executed."""
        return self._running is not None

    # -- requests ---------------------------------------------------------------------------------
    # -------------

    def admit_reset(
        self, request: ResetFields, *, problem: Status | None = None
    ) -> Run | Join | Replay | Refuse:
        """
        Decide on a reset. A granted one fences every older session at once.

        :param problem: what is wrong with the request's content; refused with it once nothing
            else is wrong.
        """
        self.expire()
        client = request.client_id
        if len(client) > MAX_CLIENT_ID_LENGTH:
            return _refuse(
                StatusCode.MALFORMED,
                f'client_id has {len(client)} characters; {MAX_CLIENT_ID_LENGTH} are the most',
            )
        key = (client, request.reset_id)
        if client and request.reset_id and key in self._past_resets:
            return self._repeated_reset(request)
        if self.holder and self.holder != client and not (request.takeover and client):
            return self._busy_with_holder()
        if self._pending is not None:
            return _refuse(
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

    def admit_step(
        self, request: StepFields, *, problem: Status | None = None
    ) -> Run | Join | Replay | Refuse:
        """
        Decide on a step; see :meth:`admit_reset` for ``problem``. A refused step takes no number.
        """
        self.expire()
        if not request.session:
            return self._admit_by_hand(request, problem)
        if request.session != self.session:
            return self._unknown_session(request.session)
        now = self._clock_ns()
        self._lease_end_ns = now + self._lease_ns
        if request.step == self.step and request.step > 0:
            if self._running is not None and self._running.step == request.step:
                return Join(self._running)
            return Replay(self._reply)
        refusal = self._out_of_order(request.step) or self._too_old(request, now)
        if refusal is not None:
            return refusal
        if not self.episode_running:
            return _refuse(StatusCode.NEEDS_RESET, f'{self._episode_end}; reset to go on')
        if problem is not None:
            return Refuse(problem)
        self.step = request.step
        return self._run_step(now, self.session)

    def finish(self, run: Run, reply: Any, *, episode_running: bool, why: str = '') -> None:
        """
        Note the reply of an executed request, for whoever asks for it again.

        :param episode_running: whether a further step may follow.
        :param why: if not, what ended the episode, as a sentence's beginning.
        """
        self._running = self._pending
        self._pending = None
        if not self.is_current(run):
            return  # fenced meanwhile: its outcome says nothing about the present session
        if run.reset:
            self._reset_reply = reply
        else:
            self._reply = reply
        self.episode_running = episode_running
        if not episode_running:
            self._episode_end = why
        # Execution may take long (a reset moves the robot): the client's time counts from now.
        self._lease_end_ns = max(self._lease_end_ns, self._clock_ns() + self._lease_ns)

    def is_current(self, run: Run) -> bool:
        """Return whether ``run`` has not been fenced by a newer epoch."""
        return run.epoch == self.epoch and run.session == self.session

    def heartbeat(self, session: str) -> bool:
        """Renew the lease, never the motion authority; return whether ``session`` holds it."""
        self.expire()
        if not session or session != self.session:
            return False
        self._lease_end_ns = self._clock_ns() + self._lease_ns
        return True

    def close(self, session: str) -> Status:
        """Release the lease. Closing a session that has ended already is fine."""
        self.expire()
        if session and session == self.session:
            self._end_session('it was closed by its client', 'the session was closed')
            return Status()
        if session in self._past_sessions:
            return Status(StatusCode.OK, f'nothing to close: {self._past_sessions[session]}')
        return Status(StatusCode.NO_SESSION, f'session {session!r:.80} is not known here')

    def expire(self) -> str:
        """
        End the lease if its time is over; return the client id that lost it, or an empty string.
        """
        if not self.holder or self._clock_ns() <= self._lease_end_ns:
            return ''
        if any(
            run and run.reset and run.session == self.session
            for run in (self._running, self._pending)
        ):
            return ''  # its own reset is being executed: it does not know its session yet
        lost = self.holder
        self._end_session(
            f'its lease expired: no heartbeat for {self._lease_ns / 1e9:g} s',
            'the lease expired',
        )
        return lost

    def end(self, why: str) -> None:
        """End lease and episode from the bridge's side (deactivation, shutdown)."""
        self._end_session(why, why)

    def end_episode(self, why: str) -> None:
        """Demand a reset before the next step."""
        self.episode_running = False
        self._episode_end = why

    # -- parts of the decisions
    # --------------------------------------------------------------------------------

    def _grant(self, request: ResetFields) -> Run:
        taken_from = self.holder if self.holder and self.holder != request.client_id else ''
        now = self._clock_ns()
        if not (request.session and request.session == self.session):
            if taken_from:
                why = f'{request.client_id} took the lease over'
            else:
                why = 'a newer reset of the same client replaced it'
            self._end_session(why, why)
            self.epoch += 1
            self.step = 0
            if request.client_id:
                self.session = self._new_session()
                self.holder = request.client_id
        self.episode += 1
        self.end_episode('the reset has not finished')
        self._reset_id = request.reset_id
        self._reset_reply = None
        if request.client_id and request.reset_id:
            self._past_resets[(request.client_id, request.reset_id)] = None
            while len(self._past_resets) > REMEMBERED_RESETS:
                self._past_resets.popitem(last=False)
        self._lease_end_ns = now + self._lease_ns
        self._authority_end_ns = 0
        return Run(
            session=self.session,
            client_id=request.client_id,
            epoch=self.epoch,
            episode=self.episode,
            step=0,
            reset=True,
            taken_from=taken_from,
        )

    def _repeated_reset(self, request: ResetFields) -> Join | Replay | Refuse:
        newest = self.holder == request.client_id and self._reset_id == request.reset_id
        if newest and self._reset_reply is not None:
            return Replay(self._reset_reply)
        for run in (self._pending, self._running):
            if newest and run is not None and run.reset and self.is_current(run):
                return Join(run)
        return _refuse(
            StatusCode.STALE,
            'this reset was executed before and its session has ended; reset anew',
        )

    def _admit_by_hand(self, request: StepFields, problem: Status | None) -> Run | Refuse:
        if self.holder:
            return self._busy_with_holder()
        if request.step != 0:
            return _refuse(
                StatusCode.MALFORMED,
                f'step {request.step} without a session; reset with a client_id to get one, '
                'or send step 0',
            )
        if self._running is not None:
            return _refuse(
                StatusCode.BUSY, 'another request is being executed; try again when it is done'
            )
        if problem is not None:
            return Refuse(problem)
        if not self.episode_running:
            self.epoch += 1
            self.episode += 1
            self._authority_end_ns = 0
            return self._run_step(self._clock_ns(), '', begin=True)
        return self._run_step(self._clock_ns(), '')

    def _run_step(self, now: int, session: str, *, begin: bool = False) -> Run:
        held_ns = 0
        if self._authority_ns:
            if self._authority_end_ns:
                held_ns = max(0, now - self._authority_end_ns)
            self._authority_end_ns = now + self._authority_ns
        self._running = Run(
            session=session,
            client_id=self.holder,
            epoch=self.epoch,
            episode=self.episode,
            step=self.step if session else 0,
            reset=False,
            held_s=held_ns / 1e9,
            begin=begin,
        )
        return self._running

    def _out_of_order(self, step: int) -> Refuse | None:
        if step < 1:
            return _refuse(
                StatusCode.MALFORMED, f'step {step} with a session; its steps count from 1'
            )
        if step < self.step:
            return _refuse(
                StatusCode.STALE, f'step {step} is older than the last one, {self.step}'
            )
        if step > self.step + 1:
            return _refuse(
                StatusCode.GAP,
                f'step {step} came, but the next one is {self.step + 1}; nothing moved',
            )
        if self._running is not None:
            return _refuse(StatusCode.BUSY, f'step {self.step} is still being executed')
        return None

    def _too_old(self, request: StepFields, now: int) -> Refuse | None:
        if not request.echo_ns or not self._authority_ns:
            return None
        transit = now - request.echo_ns - request.elapsed_ns
        # Two clocks may drift apart while a learner pauses: 0.1 % is more than any quartz does.
        drift = request.elapsed_ns // 1000 + 1_000_000
        if request.echo_ns > now or request.elapsed_ns < 0 or transit < -drift:
            return _refuse(
                StatusCode.MALFORMED,
                f'echo_ns {request.echo_ns} and elapsed_ns {request.elapsed_ns} do not fit '
                f'the clock here ({now}): echo the stamp_ns of the last reply and the time since it came',
            )
        if transit > self._authority_ns:
            return _refuse(
                StatusCode.TOO_OLD,
                f'the request was under way for {transit / 1e6:.0f} ms; the motion authority is '
                f'{self._authority_ns / 1e6:.0f} ms; nothing moved',
            )
        return None

    def _busy_with_holder(self) -> Refuse:
        return _refuse(
            StatusCode.BUSY,
            f'{self.holder} holds the lease; wait until it closes, or reset with takeover',
        )

    def _unknown_session(self, session: str) -> Refuse:
        why = self._past_sessions.get(
            session,
            'it is not known here: most likely the bridge was restarted since, and whether its '
            'last step was executed is unknown',
        )
        return _refuse(StatusCode.NO_SESSION, f'the session has ended: {why}; reset to go on')

    def _end_session(self, why: str, episode_end: str) -> None:
        if self.session:
            self._past_sessions[self.session] = why
            while len(self._past_sessions) > REMEMBERED_SESSIONS:
                self._past_sessions.popitem(last=False)
        self.session = ''
        self.holder = ''
        self._reply = None
        self._reset_reply = None
        self.end_episode(episode_end)
