# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The robot side without ROS: requests in, replies out, one hosted Gymnasium environment behind them.

``submit_reset`` and ``submit_step`` may be called from several threads. At most one request is
executed at a time and at most one reset waits for its turn; meanwhile others are answered at once
(busy, stale, replayed) or join it. The environment never runs twice for one request.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

from rl_bridge.access import NO_PROOF, Proof, Secret
from rl_bridge.decision import Decision, Join, Refuse, Replay, Run
from rl_bridge.door import MOST_SESSION, Door
from rl_bridge.errors import WireError, clause
from rl_bridge.hosted_env import HostedEnv, HostedEnvFailed
from rl_bridge.link_count import LinkCount
from rl_bridge.operators import Operators
from rl_bridge.pictures import Pictures
from rl_bridge.request_age import lay_too_long
from rl_bridge.reset_content import reset_content
from rl_bridge.session import Session
from rl_bridge.stage import OVERTAKEN, Outcome, Stage, without_result
from rl_bridge.turns import Answer, Turns, attempt, awaited
from rl_bridge.types import (
    AuthorizedReply,
    AuthorizedRequest,
    CloseReply,
    Link,
    RenderReply,
    ResetReply,
    ResetRequest,
    SpecsReply,
    Status,
    StatusCode,
    StepReply,
    StepRequest,
    Stop,
    StopReason,
    StopState,
)
from rl_bridge.wire import specs_hash, specs_to_json

Transition = Callable[[Run, Any, Any], None]


class Bridge:
    """
    One hosted environment, offered to one client at a time.

    :param bridge_id: unique per process start.
    :param first_epoch: grows over restarts, see :class:`rl_bridge.session.Session`.
    :param control_period_s: 0 = lock-step.
    :param authority_s: motion authority in seconds; 0 = nothing moves.
    :param secret: what requests have to prove; None = nothing.
    """

    def __init__(
        self,
        hosted: HostedEnv,
        *,
        bridge_id: str,
        first_epoch: int,
        control_period_s: float = 0.0,
        authority_s: float = 0.0,
        lease_s: float = 1.0,
        secret: Secret | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.bridge_id = bridge_id
        self.session = Session(
            first_epoch=first_epoch, lease_s=lease_s, authority_s=authority_s, clock_ns=clock_ns
        )
        self.on_transition: Transition | None = None
        self._hosted = hosted
        self._clock_ns = clock_ns
        specs = specs_to_json(hosted.specs(control_period_s=control_period_s))
        self._specs = SpecsReply(
            bridge_id=bridge_id,
            specs=specs,
            specs_hash=specs_hash(specs),
            control_period=control_period_s,
            authority=authority_s,
            lease=lease_s,
            authenticated=secret is not None,
        )
        self.stage = Stage(hosted, clock_ns=clock_ns)
        self._open = False
        self._closed_because = 'the bridge is not active'
        self._book = threading.RLock()  # guards the session and what is noted above
        self._turns = Turns(self.session, self._book)
        self._door = Door(self.session, secret=secret, bridge_id=bridge_id, clock_ns=clock_ns)
        self._operators = Operators(self._door, self._book, self.stage, self.halt)
        self._link = LinkCount()
        self._pictures = Pictures(hosted, self.session, self._turns, self._closed)

    # -- life -------------------------------------------------------------------------------------

    def open(self) -> None:
        """Accept sessions from now on; what was refused until now is of an older epoch."""
        with self._book:
            self.session.end(self._closed_because)
            self._open = True

    def shut(self, *, reason: StopReason, message: str) -> None:
        """Halt the robot first, then end the session and refuse requests from now on."""
        with self._book:
            self.halt(reason=reason, message=message)
            self._open = False
            self._closed_because = message
            self.session.end(message)

    def close(self, *, timeout_s: float) -> bool:
        """
        Close the environment once the request being executed is done; none is from now on.

        :return: false if the environment is still busy after ``timeout_s``; it is then left alone.
        """
        with self._book:
            self._open = False
        with self._turns.any_turn(timeout_s=timeout_s) as free:
            if free:
                with contextlib.suppress(HostedEnvFailed):  # its log has the traceback
                    self._hosted.close()
            return free

    def _closed(self) -> Status | None:
        return None if self._open else Status(StatusCode.NOT_ACTIVE, self._closed_because)

    def tick(self) -> None:
        """Notice an expired lease; to be called every few ten milliseconds."""
        with self._book:
            self._notice_expiry()
            self.session.listening()
        self.stage.insist()

    def _notice_expiry(self) -> None:
        """Halt for an expired lease before a request finds it free; the book is held."""
        lost = self.session.expire()
        if lost:
            self.halt(
                reason=StopReason.LEASE_EXPIRED,
                message=f'the lease of {lost} expired: its heartbeat ended',
            )

    # -- stops ------------------------------------------------------------------------------------

    def stop(self) -> Stop:
        """Return whether motion is allowed at present."""
        return self.stage.stop()

    def halt(self, *, reason: StopReason, message: str) -> bool:
        """
        Bring the robot to rest, latched until a reset. Answers while the environment is busy.

        :return: false if the robot could not be told; it is tried again with every ``tick``.
        """
        return self.stage.halt(reason=reason, message=message)

    def recover(self) -> Status:
        """Turn a fault into a stop, which the next reset clears; refused if a secret is set."""
        return self._operators.recover()

    def authorized(self, request: AuthorizedRequest) -> AuthorizedReply:
        """Halt or recover for an operator who proves the secret, if there is one."""
        status = self._operators.authorized(request)
        return AuthorizedReply(status=status, bridge_id=self.bridge_id)

    # -- requests ---------------------------------------------------------------------------------

    def get_specs(self) -> SpecsReply:
        """Return what actions and observations look like, in the inactive state too."""
        with self._book:
            status = self._closed() or Status()
            return dataclasses.replace(
                self._specs, status=status, epoch=self.session.epoch, stamp_ns=self._clock_ns()
            )

    def refuse_specs(self) -> Status | None:
        """Return why whoever asks from outside is not told the specs now, or None."""
        with self._book:
            return self._door.specs()

    def link(self) -> Link:
        """Return what was seen of the link to the clients since the start."""
        with self._book:
            return self._link.seen()

    def heartbeat(self, session: str, **proven: Any) -> bool:
        """Renew the lease; return whether ``session`` holds it. See ``Door.heartbeat``."""
        with self._book:
            self._notice_expiry()
            return self._door.heartbeat(session, **proven) and self.session.heartbeat(session)

    def close_session(self, session: str, *, auth: Proof = NO_PROOF) -> CloseReply:
        """Release the lease; the robot comes to rest."""
        with self._book:
            self._notice_expiry()
            refusal = self._door.close(session, auth)
            held = bool(session) and session == self.session.session
            status = refusal or self.session.close(session)
            if held and refusal is None:
                # Before anybody else is admitted: this halt must not hit the next one's episode.
                self.halt(reason=StopReason.CLIENT_CLOSED, message='the client released the lease')
        return CloseReply(status=status, bridge_id=self.bridge_id)

    def render(self, session: str, *, auth: Proof = NO_PROOF) -> RenderReply:
        """Return one picture of the environment, height x width x 3, RGB."""
        with self._book:
            self._notice_expiry()
            refusal = self._door.render(session, auth) or self._pictures.begin(session)
        return RenderReply(status=refusal) if refusal is not None else self._pictures.take()

    def reset(self, request: ResetRequest) -> ResetReply:
        """Execute a reset and return its reply, for callers in the same process."""
        reply: ResetReply = awaited(self.submit_reset, request)
        return reply

    def step(self, request: StepRequest) -> StepReply:
        """Execute a step and return its reply, for callers in the same process."""
        reply: StepReply = awaited(self.submit_step, request)
        return reply

    def submit_reset(self, request: Any, answer: Answer) -> None:
        """
        Execute a reset, or join, replay or refuse it.

        :param request: fields of :class:`ResetRequest`.
        :param answer: called once with a :class:`ResetReply`, perhaps by another thread; of more
            than ``turns.MAX_JOINED`` copies of a request the oldest get none.
        """
        empty = ResetReply(reset_id=request.reset_id)
        if not self._passes(self._door.reset, request, empty, answer):
            return
        options, problem = reset_content(request, specs_hash=self._specs.specs_hash)
        with self._book:
            self._notice_expiry()
            halts, running = self.stage.halts, self.session.running
            decision = self._decide(
                lambda: self.session.admit_reset(request, problem=problem), answer
            )
            fenced = running and not self.session.is_current(running)
            if isinstance(decision, Run) and (decision.taken_from or fenced):
                whom = decision.taken_from or 'a request that was still being executed'
                why = f'{decision.client_id or "somebody"} took the lease over from {whom}'
                halts += self.halt(reason=StopReason.TAKEOVER, message=why)  # no reason to wait
        if isinstance(decision, Run):
            self._execute(
                decision, request, lambda run: self.stage.reset(run, request, options, halts))
        elif not isinstance(decision, Join):
            answer(self._answer_of(decision, empty))

    def submit_step(self, request: Any, answer: Answer, *, waited_ns: int = 0) -> None:
        """
        Execute a step, or join, replay or refuse it.

        :param request: fields of :class:`StepRequest`.
        :param answer: called once with a :class:`StepReply`, see :meth:`submit_reset`.
        :param waited_ns: how long it had lain in this process unseen.
        """
        empty = StepReply(step=request.step, session=request.session[:MOST_SESSION])
        if not self._passes(self._door.step, request, empty, answer):
            return
        action = None
        problem: Status | None = None
        try:
            action = self._hosted.decode(request.action, request.action_text)
        except WireError as error:
            problem = Status(StatusCode.REJECTED, f'{clause(error)}; nothing moved')
        with self._book:
            self._notice_expiry()
            if not request.session and problem is None:
                problem = lay_too_long(waited_ns, self._specs.authority) or self._latched()
            halts = self.stage.halts
            decision = self._decide(
                lambda: self.session.admit_step(request, problem=problem), answer
            )
        if isinstance(decision, Run):
            self._execute(decision, request, lambda run: self.stage.step(run, action, halts))
        elif not isinstance(decision, Join):
            answer(self._answer_of(decision, empty))

    # -- decisions --------------------------------------------------------------------------------

    def _passes(
        self, check: Callable[[Any], Status | None], request: Any, empty: Any, answer: Answer
    ) -> bool:
        """Let a request through whose size, rate and proof are right; answer another."""
        with self._book:
            self._notice_expiry()
            status = check(request)
            if status is None:
                return True
            self._link.refused()
        answer(self._answer_of(Refuse(status), empty))
        return False

    def _decide(self, admit: Callable[[], Decision], answer: Answer) -> Decision:
        closed = self._closed()
        decision = admit() if closed is None else Refuse(closed)
        self._link.decided(decision)
        if isinstance(decision, Run):
            self._turns.expect(decision, answer)
        elif isinstance(decision, Join):
            self._turns.join(decision.run, answer)
        return decision

    def _latched(self) -> Status | None:
        """Return why a step by hand must not begin; a client learns it from the reply."""
        stop = self.stop()
        if stop.state < StopState.STOPPED:
            return None
        return Status(StatusCode.STOPPED, f'{stop.message}; reset to go on, nothing moved')

    def _answer_of(self, decision: Replay | Refuse, empty: Any) -> Any:
        if isinstance(decision, Replay):
            return dataclasses.replace(decision.reply, stamp_ns=self._clock_ns())
        empty.status = decision.status
        empty.stop = self.stop()
        empty.bridge_id = self.bridge_id
        empty.epoch = self.session.epoch
        empty.episode = self.session.episode
        empty.stamp_ns = self._clock_ns()
        return empty

    # -- execution --------------------------------------------------------------------------------

    def _execute(self, run: Run, request: Any, work: Callable[[Run], Outcome]) -> None:
        with self._turns.turn_of(run):
            with self._book:
                current = self._open and self.session.is_current(run)
            if current:
                reply, goes_on, why = self.stage.perform(run, request, lambda: work(run))
            else:
                reply, goes_on, why = without_result(run, request, OVERTAKEN)
            reply.bridge_id = self.bridge_id
            reply.epoch = run.epoch
            reply.episode = run.episode
            reply.stamp_ns = self._clock_ns()
            self._turns.finish(run, reply, episode_running=goes_on, why=why)
            if self.on_transition is not None and reply.status.code == StatusCode.OK:
                attempt('a transition could not be told', self.on_transition, run, request, reply)
