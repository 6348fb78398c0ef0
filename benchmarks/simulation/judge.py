# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What must hold at every moment. It sees all processes and the true time, and shares no code with
what it judges.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from benchmarks.simulation.kernel import MS
from benchmarks.simulation.plant import ACCELERATION, MAX_AGE_S, SPEED, STOP_MAX_AGE_S
from rl_bridge.types import CommandKind, StatusCode, StopState

if TYPE_CHECKING:
    from benchmarks.simulation.world import World

Action = tuple[float, ...]
AUTHORITY_NS = 150 * MS
GUARD_PERIOD_NS = 5 * MS
TICK_HOLD_NS = 60 * MS
STATE_AGE_NS = round(MAX_AGE_S * 1e9)
STOP_AGE_NS = round(STOP_MAX_AGE_S * 1e9)


class Judge:
    """
    Takes note of everything and of the first thing that must not be.

    :ivar violation: one sentence; empty = none yet.
    """

    def __init__(self, world: World) -> None:
        self.violation = ''
        self.seen: Counter[str] = Counter()
        self._world = world
        self._owners: dict[Action, tuple[str, str, int]] = {}
        self._applied: Counter[Action] = Counter()
        self._moved: Counter[Action] = Counter()
        self._by_hand: set[Action] = set()
        self._sent_ns: dict[Action, int] = {}
        self._told_epoch = 0
        self._guard = GuardBook()

    def blame(self, text: str) -> None:
        """Note that something happened that must not."""
        if not self.violation:
            self.violation = text
            self._world.kernel.note(f'VIOLATION: {text}')
            self._world.kernel.over = True

    # -- clients ----------------------------------------------------------------------------------

    def new_action(self, client: str, session: str, step: int) -> Action:
        """Return an action that nobody sent before: its value tells whose it is."""
        dice = self._world.kernel.random
        action = (dice.uniform(-0.45, 0.45), dice.uniform(-0.9, 0.9))
        self._owners[action] = (client, session, step)
        if not session:
            self._by_hand.add(action)
        return action

    def asked(self, bridge: Any, kind: str, request: Any) -> None:
        """A request arrived at a bridge."""
        self.seen[f'{kind} asked'] += 1
        if kind == 'step':
            # The newest copy that has come: what an older one repeats was not executed for it.
            action = tuple(request.action)
            self._sent_ns[action] = max(self._sent_ns.get(action, 0), request.sent_ns)
        if kind not in ('heartbeat',):
            who = getattr(request, 'client', '') or getattr(request, 'client_id', '')
            number = getattr(request, 'step', getattr(request, 'reset_id', ''))
            self._world.kernel.note(f'{bridge.process} < {kind} {number} of {who or "by hand"}')

    def answered(self, bridge: Any, request: Any, reply: Any) -> None:
        """A bridge answered a request."""
        name = StatusCode(reply.status.code).name
        self.seen[f'answered {name}'] += 1
        self._world.kernel.note(f'{bridge.process} > {name}: {reply.status.message[:90]}')
        self._check_observation(reply)

    def begun(self, client: str, request: Any, reply: Any) -> None:
        """A client was told that its episode began."""
        self.seen['episodes'] += 1
        self._told_epoch = max(self._told_epoch, reply.epoch)
        if not reply.session or reply.reset_id != request.reset_id:
            self.blame(f'{client} was told of another reset: {reply}')

    def stepped(self, client: Any, request: Any, reply: Any) -> None:
        """A client was told that its step was executed."""
        self.seen['steps'] += 1
        action = tuple(request.action)
        count = self._applied[action]
        if count > 1:
            self.blame(f'step {request.step} of {client.name} was applied {count} times')
        if count == 0 and not reply.truncated:
            self.blame(f'step {request.step} of {client.name} was told done and never applied')
        if reply.terminated and reply.stop.state >= StopState.STOPPED:
            self.blame(f'a stop came as a failure to {client.name}: {reply}')

    def refused(self, client: str, request: Any, reply: Any) -> None:
        """A client was told that its step moved nothing."""
        if self._applied[tuple(request.action)]:
            name = StatusCode(reply.status.code).name
            self.blame(f'step {request.step} of {client} moved and was told {name}')

    def timed_out(self, _client: str, kind: str) -> None:
        """A client gave up waiting."""
        self.seen[f'{kind} timed out'] += 1

    def _check_observation(self, reply: Any) -> None:
        leaves = getattr(reply, 'observation', None)
        if not leaves or reply.status.code != StatusCode.OK:
            return
        values = list(leaves[0].numbers)
        if not all(map(math.isfinite, values)):
            self.blame(f'an observation is not finite: {values}')
        age_ns = self._world.age_of(values)
        if age_ns is None:
            self.blame(f'an observation was never measured: {values}')

    # -- bridge -----------------------------------------------------------------------------------

    def applied(self, action: Action) -> None:
        """The task was asked for the command of an action."""
        self.seen['applied'] += 1
        self._applied[action] += 1
        if self._applied[action] > 1 and action not in self._by_hand:
            client, session, step = self._owners[action]
            self.blame(f'step {step} of {client} ({session}) was executed twice')

    def command_sent(self, bridge: Any, command: Any) -> None:
        """A bridge sent a command."""
        kind = CommandKind(command.kind).name
        self.seen[f'sent {kind}'] += 1
        self._world.kernel.note(f'{bridge.process} {kind} epoch {command.epoch:#x}'
                                f' step {command.step}')
        if command.kind != CommandKind.MOVE:
            return
        present = bridge.bridge.session.epoch
        if command.epoch != present:
            self.blame(f'epoch {command.epoch:#x} moves while {present:#x} is the present one')
        if not bridge.active:
            self.blame('an inactive bridge moves the robot')
        sent_ns = self._sent_ns.get(tuple(command.command))
        if command.step and sent_ns is not None:
            age_ns = self._world.kernel.now_ns - sent_ns
            # Under way for one authority at most, and waiting in the bridge for one at most.
            if age_ns > 2 * AUTHORITY_NS + 10 * MS:
                self.blame(f'an action is sent on {age_ns / 1e6:.0f} ms after it was asked')

    # -- guard ------------------------------------------------------------------------------------

    def guard_started(self) -> None:
        """A new guard knows nothing."""
        self._guard = GuardBook()

    def tick(self, guard: Any, tick: Any) -> None:
        """The guard is about to take a tick."""
        if tick.sender == self._guard.bound and tick.count > self._guard.count:
            self._guard.tick_ns, self._guard.count = self._world.kernel.now_ns, tick.count

    def accompanied(self, company: bool) -> None:
        """The guard was told whether it is alone."""
        self._guard.company = company

    def robot_told(self, running: bool) -> None:
        """The guard is about to take what the robot tells of its own stop."""
        self._guard.pressed = not running
        self._guard.told_ns = self._world.kernel.now_ns

    def measured(self, guard: Any, position: Any, velocity: Any) -> None:
        """The guard is about to take a state."""
        values = [*position.tolist(), *velocity.tolist()]
        if all(map(math.isfinite, values)):
            self._guard.state_ns = self._world.kernel.now_ns

    def command_decided(self, guard: Any, command: Any, refusal: Any, before: Any) -> None:
        """The guard took or refused a command."""
        book, now_ns = self._guard, self._world.kernel.now_ns
        after = guard.core.stop
        if refusal is not None:
            self.seen[f'refused for {refusal.cause}'] += 1
            self._world.kernel.note(f'{guard.process} refused: {refusal.message[:90]}')
            if after.state < before.state:
                self.blame('a refused command lowered the stop')
            return
        if command.epoch < book.epoch:
            self.blame(f'the guard took epoch {command.epoch:#x} after {book.epoch:#x}')
        if command.bridge_id == book.bound and command.sequence <= book.sequence:
            self.blame(f'the guard took sequence {command.sequence} again')
        if command.bridge_id != book.bound:
            book.tick_ns, book.count = now_ns, -1
        book.bound, book.epoch = command.bridge_id, command.epoch
        book.sequence = command.sequence
        if command.kind == CommandKind.MOVE:
            self._moved_by(command, before, now_ns)
        elif command.kind == CommandKind.BEGIN:
            book.begun = command.epoch
            book.until_ns = now_ns + max(AUTHORITY_NS, command.authority_ns)
            if before.state > StopState.STOPPED:
                self.blame(f'a begin left {StopState(before.state).name}')
        elif command.kind != CommandKind.RECOVER and after.state < before.state:
            self.blame('a stop lowered the stop')

    def _moved_by(self, command: Any, before: Any, now_ns: int) -> None:
        book = self._guard
        action = tuple(command.command)
        if before.state > StopState.HOLD:
            self.blame(f'a move was taken in {StopState(before.state).name}')
        if book.begun != command.epoch:
            self.blame('a move was taken without its begin')
        if command.stamp_ns and now_ns - command.stamp_ns > command.authority_ns:
            self.blame('a move older than its authority was taken')
        sent_ns = self._sent_ns.get(action)
        if command.step and sent_ns is not None and now_ns - sent_ns > AUTHORITY_NS + 10 * MS:
            age_ms = (now_ns - sent_ns) / 1e6
            self.blame(f'an action was taken {age_ms:.0f} ms after its client had sent it')
        book.until_ns = command.stamp_ns + command.authority_ns
        if command.step and action in self._owners:
            self._moved[action] += 1
            if self._moved[action] > 1 and action not in self._by_hand:
                self.blame(f'the guard took the step {self._owners[action]} twice')
        if command.epoch < self._told_epoch:
            self.blame(f'epoch {command.epoch:#x} moves though {self._told_epoch:#x} was told')

    def updated(self, guard: Any, before: Any, output: Any) -> None:
        """The guard decided what to publish."""
        book, now_ns = self._guard, self._world.kernel.now_ns
        stop = guard.core.stop
        if stop.state < before.state:
            self.blame('an update lowered the stop')
        if stop is not before:
            self._world.kernel.note(f'{guard.process}: {StopState(stop.state).name} '
                                    f'{stop.message[:90]}')
            self.seen[f'{StopState(stop.state).name}'] += 1
        running = stop.state == StopState.RUNNING
        # What a late update may not make up for, as the guard has it.
        book.ramped_s += min(now_ns - book.updated_ns, 2 * GUARD_PERIOD_NS) / 1e9
        book.updated_ns = now_ns
        if running:
            book.stopped_at, book.ramped_s = book.output, 0.0
        if running and self._world.robot.stop_status is not None:
            if book.pressed:
                self.blame("the guard runs although the robot's own stop is pressed")
            if now_ns - book.told_ns > STOP_AGE_NS:
                self.blame("the guard runs although the robot's own stop is not known")
        if running and book.company:
            self.blame('the guard runs although it is not alone')
        if running and before.state == StopState.RUNNING:
            if now_ns > book.until_ns:
                self.blame('the guard runs without authority')
            if now_ns - book.tick_ns > TICK_HOLD_NS:
                self.blame('the guard runs without its bridge')
            if now_ns - book.state_ns > STATE_AGE_NS:
                self.blame('the guard runs on a stale state')
        if output is not None:
            self._judge_output(output.tolist(), running=running, now_ns=now_ns)

    def _judge_output(self, output: list[float], *, running: bool, now_ns: int) -> None:
        book = self._guard
        if not book.bound and any(output):
            self.blame('motion before the first bridge')
        if len(output) != 2 or not all(map(math.isfinite, output)):
            self.blame(f'the output {output} is not two finite numbers')
            return
        if any(abs(v) > limit for v, limit in zip(output, SPEED, strict=True)):
            self.blame(f'the output {output} exceeds the velocity limits')
        if running and any(output):  # rest may always come at once
            elapsed_s = 2 * GUARD_PERIOD_NS / 1e9
            for value, last, most in zip(output, book.output, ACCELERATION, strict=True):
                if abs(value - last) > most * elapsed_s + 1e-9:
                    self.blame(f'the output goes from {book.output} to {output} at once')
        elif not running and self._ramping(output):
            pass
        elif not running and any(output):
            self.blame(f'the output {output} in a stop state')
        book.output = output


    def _ramping(self, output: list[float]) -> bool:
        """Return whether this slows down from what was published before."""
        if self._world.robot.halt['velocity'] != 'ramp':
            return False
        pairs = list(zip(output, self._guard.output, strict=True))
        if not all(abs(value) <= abs(last) and value * last >= 0 for value, last in pairs):
            return False
        left_s = self._guard.ramped_s - 2 * GUARD_PERIOD_NS / 1e9  # two updates to begin with
        began = zip(output, self._guard.stopped_at, ACCELERATION, strict=True)
        return all(
            abs(value) <= max(0.0, abs(start) - most * left_s) + 1e-9
            for value, start, most in began)


class GuardBook:
    """What the judge knows of one life of the guard."""

    def __init__(self) -> None:
        self.bound = ''
        self.epoch = self.sequence = 0
        self.begun = -1
        self.until_ns = self.tick_ns = self.state_ns = 0
        self.count = -1
        self.output = [0.0, 0.0]
        self.pressed = False
        self.told_ns = 0
        self.company = False
        self.stopped_at = [0.0, 0.0]
        self.ramped_s = 0.0
        self.updated_ns = 0
