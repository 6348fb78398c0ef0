# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Somebody on the network, who sees all that is said and does not know the secret."""

from __future__ import annotations

import copy
import random
from array import array
from collections import Counter, deque
from typing import Any

from benchmarks.fuzzing import wild
from benchmarks.fuzzing.gate import BRIDGE, gated
from rl_bridge.access import (
    GuardAccess,
    Secret,
    authorized_claim,
    close_claim,
    command_claim,
    heartbeat_claim,
    reset_claim,
    step_claim,
    tick_claim,
)
from rl_bridge.safety.guard_state import GuardCommand
from rl_bridge.types import (
    AuthorizedRequest,
    CommandKind,
    ResetRequest,
    StatusCode,
    StepRequest,
    Verb,
)

MS = 1_000_000
LOW, HIGH = -0.45, 0.45


class Accepted(Exception):
    """The bridge, or the guard, did what the intruder asked."""


class Intruder:
    """
    Replays, tampers with and makes up requests, between those of a client that knows the secret.

    :param dice: all that is random.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._secret = Secret(dice.randbytes(32))
        self._stranger = Secret(dice.randbytes(32))
        self.bridge, self.robot = gated(secret=self._secret)
        self.sent: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self._heard: deque[tuple[str, Any]] = deque(maxlen=400)
        self._reset_id = self._beats = 0
        self._session, self._epoch, self._step, self._stamp_ns = '', 0, 0, 0
        self._access = GuardAccess(self._secret, guard_id='guard')
        self._commands: deque[Any] = deque(maxlen=100)

    # -- the client -------------------------------------------------------------------------------

    def client(self) -> None:
        """Make one good request, which the intruder hears."""
        dice = self._dice
        if not self._session or dice.random() < 0.03:
            self._good_reset()
        elif dice.random() < 0.2:
            self._beats += 1
            beat: dict[str, Any] = {
                'session': self._session, 'sender': 'friend', 'epoch': self._epoch,
                'count': self._beats}  # fmt: skip
            claim = heartbeat_claim(
                client_id='friend', session=self._session, epoch=self._epoch, count=self._beats)
            beat['auth'] = self._secret.prove(claim)
            if not self.bridge.heartbeat(**beat):
                raise AssertionError('a good heartbeat was refused')
            self._heard.append(('heartbeat', beat))
        elif dice.random() < 0.02:
            auth = self._secret.prove(close_claim(self._session, epoch=self._epoch))
            self._heard.append(('close', (self._session, auth)))
            self.bridge.close_session(self._session, auth=auth)
            self._session = ''
        else:
            self._good_step()
        self._good_command()

    def _good_reset(self) -> None:
        self._reset_id += 1
        request = ResetRequest(
            client_id='friend', reset_id=self._reset_id, epoch=self.bridge.session.epoch,
            options=self._dice.choice(('', '{"in_place": true}')))  # fmt: skip
        request.auth = self._secret.prove(reset_claim(request))
        self._heard.append(('reset', copy.copy(request)))
        reply = self.bridge.reset(request)
        if reply.status.code != StatusCode.OK:
            raise AssertionError(f'a good reset was refused: {reply.status}')
        if reply.session != self._session:
            self._beats = 0
        self._session, self._epoch, self._step = reply.session, reply.epoch, 0
        self._stamp_ns = reply.stamp_ns

    def _good_step(self) -> None:
        dice = self._dice
        request = StepRequest(
            action=array('d', (dice.uniform(LOW, HIGH), dice.uniform(LOW, HIGH))),
            session=self._session, step=self._step + 1, echo_ns=self._stamp_ns,
            elapsed_ns=self.robot.now_ns - self._stamp_ns)  # fmt: skip
        request.auth = self._secret.prove(step_claim(request, epoch=self._epoch))
        if dice.random() < 0.3:  # the intruder is faster: the request itself, changed, comes first
            self._attack('step', copy.copy(request))
        self._heard.append(('step', copy.copy(request)))
        reply = self.bridge.step(request)
        if reply.status.code != StatusCode.OK:
            raise AssertionError(f'a good step was refused: {reply.status}')
        self._step += 1
        self._stamp_ns = reply.stamp_ns
        if reply.truncated or reply.terminated:
            self._session = ''

    def _good_command(self) -> None:
        command = GuardCommand(
            kind=int(CommandKind.MOVE), bridge_id=BRIDGE, epoch=self._epoch, sequence=self._beats,
            command=array('d', [0.1, 0.2]), authority_ns=150 * MS, stamp_ns=self.robot.now_ns)
        command.auth = self._secret.prove(command_claim(command, guard_id='guard'))
        if self._access.command_problem(command, self.robot.now_ns):
            raise AssertionError('a good command was refused')
        self._commands.append(command)

    # -- the intruder -----------------------------------------------------------------------------

    def one(self) -> None:
        """
        Try something.

        :raises Accepted: it had an effect.
        """
        self.robot.advance(0.005)  # slow enough to be refused for what is asked, not for the rate
        chance = self._dice.random()
        if chance < 0.12:
            self._attack_guard()
        elif chance < 0.2 or not self._heard:
            self._attack(*self._made_up())
        else:
            kind, request = self._dice.choice(self._heard)
            self._attack(kind, copy.copy(request))

    def _made_up(self) -> tuple[str, Any]:
        dice, session = self._dice, self.bridge.session
        if dice.random() < 0.5:
            step = StepRequest(
                action=array('d', [0.3, 0.3]), session=dice.choice((session.session, '')),
                step=dice.choice((0, session.step + 1)), echo_ns=self._stamp_ns,
                elapsed_ns=self.robot.now_ns - self._stamp_ns)  # fmt: skip
            return 'step', step
        reset = ResetRequest(
            client_id=dice.choice(('friend', 'intruder', '')), takeover=dice.random() < 0.7,
            reset_id=self._reset_id + dice.randint(0, 5), epoch=session.epoch)  # fmt: skip
        return 'reset', reset

    def _attack(self, kind: str, request: Any) -> None:
        before = self._state()
        if kind == 'reset' or kind == 'step':
            how = self._tamper(kind, request)
            reply = (self.bridge.reset if kind == 'reset' else self.bridge.step)(request)
            code, taken = reply.status.code, False
            if how != 'replayed':
                taken = code == StatusCode.OK  # a replay gets the kept reply: nothing is done
        elif kind == 'heartbeat':
            how = self._dice.choice(('replayed', 'other count'))
            if how == 'other count':
                request = {**request, 'count': request['count'] + 1000}
            taken, code = self.bridge.heartbeat(**request), StatusCode.UNAUTHENTICATED
        elif kind == 'close':
            session, auth = request
            how = self._dice.choice(('replayed', 'other session'))
            if how == 'other session':
                session = self.bridge.session.session
            code, taken = self.bridge.close_session(session, auth=auth).status.code, False
        else:
            raise AssertionError(kind)
        self.sent[f'{kind}, {how}'] += 1
        self.answers[StatusCode(code).name] += 1
        if taken or self._state() != before:
            raise Accepted(f'{kind} {how}: {request}, answered {StatusCode(code).name}')

    def _tamper(self, kind: str, request: Any) -> str:
        """Change one thing, or nothing; or prove with another secret."""
        dice = self._dice
        how = dice.choice(('replayed', 'content', 'number', 'proof', 'no proof', 'other secret'))
        if kind == 'step' and how == 'replayed' and request.step > self.bridge.session.step:
            how = 'content'  # sent first by the intruder, unchanged, it is the client's own step
        if how == 'content' and kind == 'step':
            request.action = wild.numbers_of(dice, 2)
            if type(request.action) is not array or request.action.typecode != 'd':
                request.action = array('d', [0.44, -0.44])
        elif how == 'content':
            request.takeover = not request.takeover
            request.client_id = dice.choice(('intruder', 'friend'))
        elif how == 'number' and kind == 'step':
            request.step = self.bridge.session.step + 1
            request.echo_ns = self._stamp_ns + dice.randint(0, 3)
            request.session = self.bridge.session.session
            request.elapsed_ns += 1
        elif how == 'number':
            request.reset_id = self._reset_id + dice.randint(1, 9)
            request.epoch = self.bridge.session.epoch
        elif how == 'proof':
            proof = array('B', bytes(request.auth) or dice.randbytes(32))
            proof[dice.randrange(len(proof))] ^= 1 << dice.randrange(8)
            request.auth = proof
        elif how == 'no proof':
            request.auth = array('B', dice.choice((b'', b'\0' * 32, dice.randbytes(31))))
        elif how == 'other secret':
            claim = (
                reset_claim(request) if kind == 'reset'
                else step_claim(request, epoch=self.bridge.session.epoch)
            )  # fmt: skip
            request.auth = self._stranger.prove(claim)
        return how

    def _attack_guard(self) -> None:
        """The same between bridge and guard; and an operator who is none."""
        dice = self._dice
        if dice.random() < 0.3 or not self._commands:
            request = AuthorizedRequest(
                verb=Verb.RECOVER, bridge_id=BRIDGE, echo_ns=self.robot.now_ns)  # fmt: skip
            claim = authorized_claim(
                verb=request.verb, bridge_id=request.bridge_id, echo_ns=request.echo_ns)
            request.auth = dice.choice((array('B'), self._stranger.prove(claim)))
            code = self.bridge.authorized(request).status.code
            taken, how = code == StatusCode.OK, 'operator, made up'
        elif dice.random() < 0.3:
            tick = GuardCommand(kind=0, bridge_id='', epoch=0, sequence=0)
            claim = tick_claim(bridge_id=BRIDGE, count=10**6)
            proven: Any = type('Tick', (), {})()
            proven.sender, proven.count = BRIDGE, 10**6
            proven.auth = dice.choice((tick.auth, self._stranger.prove(claim)))
            taken, how = self._access.tick_is_proven(proven), 'tick, made up'
        else:
            command = copy.copy(dice.choice(self._commands))
            how = dice.choice(('values', 'sequence', 'kind', 'proof'))
            if how == 'values':
                command.command = array('d', [0.1, dice.uniform(LOW, HIGH)])
            elif how == 'sequence':
                command.sequence += dice.randint(1, 10**6)
            elif how == 'kind':
                command.kind = int(CommandKind.RECOVER)
            else:
                command.auth = self._stranger.prove(command_claim(command, guard_id='guard'))
            taken = not self._access.command_problem(command, self.robot.now_ns)
            how = f'command, other {how}'
        self.sent[how] += 1
        if taken:
            raise Accepted(how)

    def _state(self) -> tuple[Any, ...]:
        """Return everything that a request of the intruder must not change."""
        session, core = self.bridge.session, self.robot.core
        status = core.status(self.robot.now_ns)
        return (
            session.session, session.holder, session.epoch, session.step, session.episode,
            session._lease._end_ns, core.stop, status.sequence, self.robot.outputs)  # fmt: skip
