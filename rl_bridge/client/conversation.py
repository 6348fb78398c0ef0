# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The client's half of the session: which request comes next, and what an answer means for it."""

from __future__ import annotations

import time
from array import array

from rl_bridge.access import Secret, reset_claim, step_claim
from rl_bridge.client.lease import Lease, next_reset_id
from rl_bridge.client.refusals import NOTHING_MOVED, SESSION_ENDED, refusal
from rl_bridge.client.transport import Transport
from rl_bridge.errors import ProtocolError, ResetRequired
from rl_bridge.types import ResetReply, ResetRequest, StatusCode, StepReply, StepRequest

# Another client may begin between an answer and the next question, but hardly time and again.
MOST_FENCED = 3


class Conversation:
    """
    Numbers the steps, echoes the stamps, and never steps on where the last outcome is in doubt.

    A step whose answer never came (a time-out, Ctrl-C, an unreadable reply) may or may not have
    been executed. Then the next reset asks for a new session, whose steps count from 1 again.

    :param lease: takes and keeps the session.
    :param specs_hash: what the client's spaces were built from; sent with each reset.
    :param epoch: the newest that the bridge has told; a reset names it.
    :param secret: proves resets and steps; None = the bridge asks for no proof.
    """

    def __init__(
        self,
        transport: Transport,
        lease: Lease,
        *,
        specs_hash: str,
        epoch: int = 0,
        secret: Secret | None = None,
    ) -> None:
        self._transport = transport
        self._lease = lease
        self._specs_hash = specs_hash
        self._epoch = epoch
        self._secret = secret
        self._bridge_id = ''
        self._step = 0
        self._stamp_ns = 0
        self._received_ns = 0
        self._in_doubt = False
        self._no_episode: str | None = 'no episode was begun'

    def reset(
        self, *, seed: int | None, options: str, takeover: bool, timeout_s: float
    ) -> ResetReply:
        """
        Begin an episode, asking for the lease anew where the session has ended meanwhile.

        :param options: strict JSON; empty = none.
        :raises BridgeError: see ``RemoteRobotEnv.reset``.
        """
        end_s = time.monotonic() + timeout_s
        session = '' if self._in_doubt else self._lease.session
        self._doubt('the last reset did not finish')
        fenced = 0
        while True:
            request = ResetRequest(
                client_id=self._lease.client_id, session=session, reset_id=next_reset_id(),
                takeover=takeover, has_seed=seed is not None, seed=int(seed or 0),
                options=options, specs_hash=self._specs_hash, epoch=self._epoch)
            if self._secret is not None:
                request.auth = self._secret.prove(reset_claim(request))
            left_s = max(end_s - time.monotonic(), 0.001)
            reply = self._transport.reset(request, timeout_s=left_s)
            self._note(reply)
            self._epoch = int(reply.epoch) or self._epoch
            if reply.session:  # even a failed reset may have taken the lease
                self._take_session(reply)
            code = reply.status.code
            if code == StatusCode.OK:
                if not reply.session or reply.reset_id != request.reset_id:
                    raise self._misfit(f'reset {request.reset_id}', f'reset {reply.reset_id}')
                self._in_doubt = False
                self._no_episode = None
                return reply
            fenced += code == StatusCode.FENCED
            again = code == StatusCode.FENCED and fenced < MOST_FENCED
            if again or (code in (StatusCode.NO_SESSION, StatusCode.STALE) and session):
                # The session is over: an epoch ends with it.
                self._lease.forget()
                session = ''
                continue
            if code in SESSION_ENDED:
                self._lease.forget()
            raise refusal(reply, bridge=self._transport.bridge, call='reset')

    def require_episode(self) -> None:
        """
        Check that a step may be sent.

        :raises ResetRequired: the sentence says why not.
        """
        if self._no_episode is not None:
            raise ResetRequired(
                f'Cannot step {self._transport.bridge}: {self._no_episode}. Call reset() first.')

    def step(self, numbers: array[float], texts: list[str], *, timeout_s: float) -> StepReply:
        """
        Make the next step; one that was under way for too long is sent again with a fresh stamp.

        :param numbers: the flat action.
        :param texts: its text leaves.
        :raises BridgeError: see ``RemoteRobotEnv.step``.
        """
        request = StepRequest(
            action=numbers, action_text=texts, session=self._lease.session, step=self._step + 1)
        call = f'step {request.step}'
        left_s = timeout_s
        end_s = time.monotonic() + timeout_s
        self._doubt(f'whether {call} was executed is unknown')
        while True:
            request.echo_ns = self._stamp_ns
            request.elapsed_ns = time.monotonic_ns() - self._received_ns
            if self._secret is not None:
                request.auth = self._secret.prove(step_claim(request, epoch=self._lease.epoch))
            reply = self._transport.step(request, timeout_s=left_s)
            self._note(reply)
            code = reply.status.code
            if code == StatusCode.OK:
                if reply.session != request.session or reply.step != request.step:
                    raise self._misfit(call, f'step {reply.step} of another request')
                self._step = request.step
                self._in_doubt = False
                over = reply.terminated or reply.truncated
                self._no_episode = 'the episode is over' if over else None
                return reply
            left_s = end_s - time.monotonic()
            if code != StatusCode.TOO_OLD or left_s <= 0:
                break
        if code in NOTHING_MOVED:
            self._in_doubt = False
            needs_reset = code == StatusCode.NEEDS_RESET
            self._no_episode = 'no episode is running' if needs_reset else None
        else:
            self._no_episode = f'{call} ended the episode'
        if code in SESSION_ENDED:
            self._lease.forget()
        raise refusal(
            reply, bridge=self._transport.bridge, call=call, known_bridge_id=self._bridge_id)

    def unreadable(self, call: str, error: Exception) -> ProtocolError:
        """Note that an answer's content cannot be used; return what to raise."""
        self._doubt(f'the answer to {call} could not be read')
        return ProtocolError(
            f'{self._transport.bridge} answered {call} with what does not fit its specs: {error}')

    def _doubt(self, why: str) -> None:
        self._in_doubt = True
        self._no_episode = why

    def _note(self, reply: ResetReply | StepReply) -> None:
        self._received_ns = time.monotonic_ns()
        self._stamp_ns = int(reply.stamp_ns)

    def _take_session(self, reply: ResetReply) -> None:
        if reply.session != self._lease.session:
            self._step = 0
        self._lease.take(reply.session, int(reply.epoch))
        self._bridge_id = reply.bridge_id

    def _misfit(self, call: str, answer: str) -> ProtocolError:
        return ProtocolError(
            f'{self._transport.bridge} answered {call} with {answer}; install the same version of '
            'rl_bridge on both sides.')
