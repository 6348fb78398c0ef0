# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Clients that reset, step, repeat, pause, take over, work by hand, die and come back."""

from __future__ import annotations

import copy
from array import array
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.simulation.kernel import MS, Link, Process, S
from rl_bridge.types import ResetRequest, StatusCode, StepRequest

if TYPE_CHECKING:
    from benchmarks.simulation.world import World

RETRY_NS = 250 * MS
STEP_TIMEOUT_NS, RESET_TIMEOUT_NS = 3 * S, 8 * S
HEARTBEAT_NS = 250 * MS
GONE = (StatusCode.NO_SESSION, StatusCode.STALE, StatusCode.GAP, StatusCode.UNKNOWN_OUTCOME)


@dataclass(slots=True)
class SentReset(ResetRequest):
    """A reset with what only the judge may know."""

    sent_ns: int = 0
    client: str = ''


@dataclass(slots=True)
class SentStep(StepRequest):
    """
    A step with what only the judge may know.

    :param sent_ns: when this copy was written, by the world's clock.
    """

    sent_ns: int = 0
    client: str = ''


@dataclass(slots=True)
class Named:
    """A request that only names a session: close, heartbeat; or nothing: halt, recover."""

    session: str = ''
    client_id: str = ''
    epoch: int = 0
    count: int = 0
    auth: Any = ()


class Client:
    """
    One user of the robot, with a clock of its own, who follows the rules of the real client.

    :param name: its client id; the same after a restart.
    :param drift: of its clock, as a share.
    """

    def __init__(self, world: World, name: str, *, drift: float) -> None:
        self.name = name
        self.process = Process(name)
        self.requests = Link(world.kernel, f'{name} > bridge', world.take_request, world.bridge_at)
        self.replies = Link(world.kernel, f'bridge > {name}', self._take_reply, self._self)
        self.sent: deque[tuple[str, Any]] = deque(maxlen=60)
        self.takes_over = False
        self.steps_done = 0
        self.waiting_since_ns = 0
        self._world = world
        self._drift = drift
        self._stood_still_ns = 0
        self._reset_ids = world.kernel.now_ns
        self._beats = 0
        self.epoch = 0
        self._forget()
        self.begin()

    def _self(self) -> Process:
        return self.process

    def _forget(self) -> None:
        self.session = ''
        self._step = 0
        self._stamp_ns = self._received_ns = 0
        self._running = self._in_doubt = False
        self._call: tuple[str, Any, int] | None = None
        self.sent.clear()

    # -- life -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start to work, and to beat."""
        kernel = self._world.kernel
        kernel.after(kernel.random.randrange(S), self._think, self.process)
        kernel.every(HEARTBEAT_NS, self._beat, self.process)

    def kill(self) -> None:
        """Die; come back later as a new process of the same name."""
        kernel = self._world.kernel
        self.process.alive = False
        kernel.after(kernel.random.randrange(100 * MS, 3 * S), self._restart)

    def _restart(self) -> None:
        if not self.process.alive:
            self.process = Process(self.name)
            self._forget()
            self.begin()

    def stand_still(self, for_ns: int) -> None:
        """Freeze with the whole machine: its monotonic clock stands still too (a suspend)."""
        self._stood_still_ns += for_ns
        self.freeze(for_ns)

    def freeze(self, for_ns: int) -> None:
        """Freeze the process alone (SIGSTOP)."""
        kernel = self._world.kernel
        self.process.frozen_until_ns = max(self.process.frozen_until_ns, kernel.now_ns + for_ns)

    def _clock_ns(self) -> int:
        now_ns = self._world.kernel.now_ns
        return round((now_ns - self._stood_still_ns) * (1.0 + self._drift))

    # -- what it does -----------------------------------------------------------------------------

    def _think(self) -> None:
        if self._call is not None:
            return
        kernel = self._world.kernel
        dice = kernel.random.random()
        if self.session and dice < 0.004:
            self._send('close', Named(self.session))
            self.session = ''
            self._running = False
            kernel.after(kernel.random.randrange(2 * S), self._think, self.process)
        elif self._running and dice < 0.985:
            self._ask_step()
        else:
            self._ask_reset()

    def think_soon(self) -> None:
        """Think for a while first; a learner sometimes pauses for an update."""
        kernel = self._world.kernel
        pause_ns = kernel.random.randrange(8 * MS)
        dice = kernel.random.random()
        if dice < 0.005:
            pause_ns = kernel.random.randrange(100 * MS, 2500 * MS)
        elif dice < 0.05:
            pause_ns = kernel.random.randrange(20 * MS, 200 * MS)
        kernel.after(pause_ns, self._think, self.process)

    def _ask_reset(self) -> None:
        self._reset_ids = max(self._reset_ids + 1, self._world.kernel.now_ns)
        request = SentReset(
            client_id=self.name, session='' if self._in_doubt else self.session,
            reset_id=self._reset_ids, takeover=self.takes_over, epoch=self.epoch,
            client=self.name)  # fmt: skip
        self._running = False
        self._in_doubt = True
        self._ask('reset', request, RESET_TIMEOUT_NS)

    def _ask_step(self) -> None:
        world = self._world
        action = world.judge.new_action(self.name, self.session, self._step + 1)
        request = SentStep(
            action=array('d', action), session=self.session, step=self._step + 1,
            client=self.name)  # fmt: skip
        self._in_doubt = True
        self._ask('step', request, STEP_TIMEOUT_NS)

    def _ask(self, kind: str, request: Any, timeout_ns: int) -> None:
        self._call = (kind, request, self._world.kernel.now_ns + timeout_ns)
        self._write()

    def _write(self) -> None:
        """Write the request anew, with the age it has now."""
        assert self._call is not None
        kind, request, end_ns = self._call
        request = copy.copy(request)
        request.sent_ns = self._world.kernel.now_ns
        if kind == 'step':
            request.echo_ns = self._stamp_ns
            request.elapsed_ns = self._clock_ns() - self._received_ns
        self._call = (kind, request, end_ns)
        self._send(kind, request)
        self._await(request)

    def _await(self, request: Any) -> None:
        self._world.kernel.after(RETRY_NS, lambda: self._repeat(request), self.process)

    def _repeat(self, request: Any) -> None:
        """Send the unanswered request again, the same one; give up in the end."""
        if self._call is None or self._call[1] is not request:
            return
        kind, _, end_ns = self._call
        if self._world.kernel.now_ns < end_ns:
            self._send(kind, request)
            self._await(request)
        else:
            self._world.judge.timed_out(self.name, kind)
            self._running, self._call = False, None
            self.think_soon()

    def _send(self, kind: str, request: Any) -> None:
        self.sent.append((kind, request))
        self.requests.send((kind, self, request))

    def _beat(self) -> None:
        if self.session:
            self._beats += 1
            beat = Named(self.session, self.name, self.epoch, self._beats)
            self._send('heartbeat', beat)

    # -- answers ----------------------------------------------------------------------------------

    def _take_reply(self, letter: Any) -> None:
        kind, _, reply = letter
        if self._call is None or self._call[0] != kind:
            return
        mine = self._call[1]
        if kind == 'reset' and reply.reset_id == mine.reset_id:
            self._on_reset(mine, reply)
        elif kind == 'step' and (reply.session, reply.step) == (mine.session, mine.step):
            self._on_step(mine, reply)

    def _note(self, reply: Any) -> None:
        self._received_ns = self._clock_ns()
        self._stamp_ns = int(reply.stamp_ns)

    def _on_reset(self, request: Any, reply: Any) -> None:
        self._note(reply)
        self._call = None
        code = reply.status.code
        self.epoch = max(self.epoch, reply.epoch)
        if reply.session:
            if reply.session != self.session:
                self._step = 0
            self.session = reply.session
        if code == StatusCode.OK:
            self._world.judge.begun(self.name, request, reply)
            self._in_doubt = False
            self._running = True
            self.takes_over = False
            self.think_soon()
        elif code in (StatusCode.NO_SESSION, StatusCode.STALE, StatusCode.FENCED):
            self.session = '' if code != StatusCode.FENCED else self.session
            self.think_soon()
        else:
            if code == StatusCode.BUSY:
                self.session = ''
            kernel = self._world.kernel
            kernel.after(kernel.random.randrange(50 * MS, S), self._think, self.process)

    def _on_step(self, request: Any, reply: Any) -> None:
        self._note(reply)
        code = reply.status.code
        assert self._call is not None
        if code == StatusCode.TOO_OLD and self._world.kernel.now_ns < self._call[2]:
            self._write()
            return
        self._call = None
        if code == StatusCode.OK:
            self._world.judge.stepped(self, request, reply)
            self._step = request.step
            self.steps_done += 1
            self._in_doubt = False
            self._running = not (reply.terminated or reply.truncated)
        elif code == StatusCode.NEEDS_RESET:
            self._in_doubt = self._running = False
        elif code in (StatusCode.REJECTED, StatusCode.MALFORMED, StatusCode.BUSY):
            self._in_doubt = False
            self._world.judge.refused(self.name, request, reply)
        else:
            self._running = False
            if code in GONE:
                self.session = ''
        self.think_soon()
