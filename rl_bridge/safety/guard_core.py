# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The guard without ROS: which command is accepted, and what is published to the controller.

All times are passed in as nanoseconds of one monotonic clock. One thread calls it.
"""

from __future__ import annotations

import math
from array import array

import numpy as np

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.events import StopEvent
from rl_bridge.safety.admission import age_ns, authority, origin, stop_reason
from rl_bridge.safety.checks import CHECKS, UNBOUND_CHECKS, Check
from rl_bridge.safety.guard_state import (
    CommandFields,
    Decision,
    GuardConfig,
    GuardMemory,
    GuardStatus,
    HeartbeatFields,
    Measured,
    Refusal,
    RobotStop,
    to_ns,
)
from rl_bridge.safety.limits import (
    SEED_TOLERANCE,
    check_command,
    checked_shape,
    is_usable,
    outside_range,
)
from rl_bridge.safety.motion import Motion
from rl_bridge.safety.state_checks import STATE_CHECKS, note
from rl_bridge.safety.stop_state import IDLE, StopLatch
from rl_bridge.safety.stopping import Stopping
from rl_bridge.types import (
    CommandKind,
    FloatArray,
    RobotDescription,
    Stop,
    StopReason,
    StopState,
)

#: Of a motion that would have to start there.
JUMPED = 'the measured position has jumped; a motion may start from the next one that fits'


class GuardCore:
    """
    The gate through which every motion command goes.

    :param robot: the robot with its limits.
    :param kind: command interface, 'velocity', 'position' or 'effort'.
    :param guard_id: names this guard in its status.
    :param start: the first stop, a HOLD; its message may tell how the guard runs.
    :param checks: run at every update, in this order.
    :param state_checks: run at every measured state while the robot may move.
    :raises ConfigError: the robot has no such command interface.
    """

    def __init__(
        self,
        robot: RobotDescription,
        kind: str,
        *,
        guard_id: str = '',
        config: GuardConfig | None = None,
        start: Stop = IDLE,
        checks: tuple[Check, ...] = CHECKS,
        state_checks: tuple[Check, ...] = STATE_CHECKS,
    ) -> None:
        if kind not in robot.commands:
            raise ConfigError(
                f'{robot.name} has no command interface {kind!r}; its robot file has '
                f'{", ".join(sorted(robot.commands))}'
            )
        self.guard_id = guard_id
        self.rejected = 0
        self._memory = GuardMemory(robot, kind, config or GuardConfig(), StopLatch(start))
        self._motion = Motion(self._memory)
        self._stopping = Stopping(self._memory, self._motion)
        self._checks = checks
        self._state_checks = state_checks
        self._seen_stop = start

    @property
    def stop(self) -> Stop:
        """Whether motion is allowed, and if not, why."""
        return self._memory.latch.current

    @property
    def at_rest(self) -> bool:
        """Whether nothing needs a quick reaction: at standstill in a stop, or given up on."""
        memory = self._memory
        stopped = not memory.latch.running
        return stopped and (memory.record.verified or self.stop.state >= StopState.FAULT)

    @property
    def bound(self) -> bool:
        """Whether a bridge has begun."""
        return bool(self._memory.bridge_id)

    @property
    def slowing_down(self) -> bool:
        """Whether a controlled stop is under way."""
        return self._motion.ramping

    def take_events(self) -> list[StopEvent]:
        """Return stops and recoveries that are new, or of which more is known now."""
        return self._stopping.book.take()

    def status(self, now_ns: int) -> GuardStatus:
        """Return what the guard reports at this time."""
        memory, record, measured = self._memory, self._memory.record, self._memory.measured
        fresh = memory.fresh(now_ns)
        published = self._motion.published
        return GuardStatus(
            guard_id=self.guard_id,
            bridge_id=memory.bridge_id,
            epoch=memory.epoch,
            episode=memory.episode,
            step=memory.step,
            sequence=memory.sequence,
            stop=self.stop,
            standstill=fresh is not None and fresh.max_speed <= memory.robot.standstill_speed,
            max_speed=0.0 if measured is None else measured.max_speed,
            output=array('d', () if published is None else published.tolist()),
            rejected=self.rejected,
            limited=self._motion.limited,
            detected_ns=record.detected_ns,
            commanded_ns=record.commanded_ns,
            standstill_ns=record.standstill_ns,
            stamp_ns=now_ns,
        )

    def on_tick(self, tick: HeartbeatFields, now_ns: int) -> None:
        """Take the bridge's sign of life; another bridge's, or a repeated one, is none."""
        memory = self._memory
        bound = bool(memory.bridge_id) and tick.sender == memory.bridge_id
        if bound and tick.count > memory.tick_count:
            memory.tick_count = tick.count
            memory.tick_ns = now_ns

    def on_state(
        self, position: FloatArray, velocity: FloatArray, now_ns: int, *, header_ns: int = 0
    ) -> None:
        """
        Take a measured state.

        :param position: shape (joints,), rad or m.
        :param velocity: shape (joints,), rad/s or m/s.
        :param header_ns: the driver's own stamp; 0 = it sets none.
        """
        memory = self._memory
        try:
            position = checked_shape(position, memory.robot)
            velocity = checked_shape(velocity, memory.robot)
        except LimitError as fault:
            self.on_invalid_state(f'the measured state cannot be used: {fault}', now_ns)
            return
        measured = Measured(position, velocity, float(np.abs(velocity).max()), now_ns, header_ns)
        note(memory, measured)
        if memory.latch.running:
            self._stopping.run(self._state_checks, now_ns)
        self._stopping.watch_standstill(measured)

    def on_invalid_state(self, message: str, now_ns: int) -> None:
        """Take note of a state that cannot be used: STOPPED, once a bridge is bound."""
        if self._memory.bridge_id:
            self.halt(StopState.STOPPED, StopReason.STATE_INVALID, message, now_ns)

    def on_robot_stop(self, status: RobotStop) -> None:
        """Take what the robot tells of its own stop."""
        self._memory.robot_stop = status

    def on_company(self, who: str) -> None:
        """Take note who else acts on the robot, as one sentence; empty for nobody."""
        self._memory.company = who

    def on_second_stage(self, outcome: str, now_ns: int) -> None:
        """Take note that the second stage was called."""
        self._stopping.second_stage(outcome, now_ns)

    def halt(self, state: StopState, reason: StopReason, message: str, now_ns: int) -> None:
        """Stop with at least this severity; the next update publishes the stop output."""
        self._stopping.halt(state, reason, message, now_ns)

    def on_command(self, command: CommandFields, now_ns: int) -> Refusal | None:
        """
        Take a command from a bridge.

        :returns: why it was refused, None if it was accepted.
        """
        refusal = origin(self._memory, command, now_ns) or self._execute(command, now_ns)
        if refusal is not None:
            self.rejected += 1
        return refusal

    def refuse(self, message: str) -> Refusal:
        """Count a command that does not prove where it comes from."""
        self.rejected += 1
        return Refusal('access', message)

    def update(self, now_ns: int) -> Decision:
        """Run the checks and decide what is published now; to be called at the guard's rate."""
        memory = self._memory
        self._stopping.run(self._checks if memory.bridge_id else UNBOUND_CHECKS, now_ns)
        self._stopping.look_for_motion(now_ns)
        running, record = memory.latch.running, memory.record
        if running:
            self._motion.advance(now_ns)
        else:
            self._motion.slow_down(now_ns)
        output = self._motion.release(now_ns, repeat=not (running or record.verified))
        if output is not None:
            self._stopping.published(output, now_ns)
        changed = self._stopping.changed or self.stop is not self._seen_stop
        self._stopping.changed = False
        self._seen_stop = self.stop
        return Decision(output, changed, self._stopping.second_stage_due(now_ns))

    def _execute(self, command: CommandFields, now_ns: int) -> Refusal | None:
        kind = command.kind
        if kind == CommandKind.MOVE:
            return self._move(command, now_ns)
        if kind == CommandKind.BEGIN:
            return self._begin(command, now_ns)
        if kind == CommandKind.HOLD:
            reason = stop_reason(command, StopReason.IDLE)
            self.halt(StopState.HOLD, reason, command.message, now_ns)
        elif kind == CommandKind.HALT:
            reason = stop_reason(command, StopReason.HALT_REQUESTED)
            self.halt(StopState.STOPPED, reason, command.message, now_ns)
        elif kind == CommandKind.RECOVER:
            self._stopping.recover(self._checks, now_ns)
        else:
            return Refusal(
                'kind', f'there is no command kind {kind}; use one version of bridge and guard'
            )
        self._accept(command, now_ns)
        return None

    def _begin(self, command: CommandFields, now_ns: int) -> Refusal | None:
        memory = self._memory
        if memory.company:
            self.halt(StopState.FAULT, StopReason.NOT_ALONE, memory.company, now_ns)
        if self._blind:
            return Refusal('check', JUMPED)
        if not memory.latch.begin():
            return Refusal('stopped', f'no episode may begin: {self._why()}; recover first')
        self._accept(command, now_ns)
        self._stopping.book.closed()
        memory.begun = True
        memory.outside, memory.outside_box = None, math.inf
        wanted_ns = command.authority_ns
        if not 0 < wanted_ns <= to_ns(memory.config.max_authority_s):
            wanted_ns = to_ns(memory.config.begin_authority_s)
        memory.deadline_ns = now_ns + wanted_ns
        self._motion.seed(now_ns, keep=False)
        self._stopping.run(self._checks, now_ns)
        measured = memory.fresh(now_ns)
        if memory.kind == 'position' and measured is not None:
            joint = outside_range(measured.position, memory.robot, tolerance=SEED_TOLERANCE)
            if joint is not None:
                self.halt(
                    StopState.STOPPED,
                    StopReason.LIMIT_EXCEEDED,
                    f'{memory.robot.joints[joint]} is measured at {measured.position[joint]:g}, '
                    'outside its position range; jog it back inside by hand, then reset',
                    now_ns,
                )
        return None

    def _move(self, command: CommandFields, now_ns: int) -> Refusal | None:
        memory = self._memory
        if not memory.begun or command.epoch != memory.epoch:
            return Refusal('begin', f'no BEGIN of epoch {command.epoch} came before this command')
        try:
            values = check_command(command.command, memory.robot, memory.kind)
        except LimitError as fault:
            # The bridge checks before it sends, so this is a defect: nothing of it is trusted.
            usable = is_usable(command.command, memory.robot)
            reason = StopReason.LIMIT_EXCEEDED if usable else StopReason.COMMAND_INVALID
            self.halt(StopState.STOPPED, reason, f'a command was refused: {fault}', now_ns)
            return Refusal('value', str(fault))
        if self.stop.state > StopState.HOLD:
            return Refusal('stopped', f'motion is forbidden: {self._why()}')
        refusal = authority(memory, command, now_ns)
        if refusal is not None:
            return refusal
        for check in self._checks:
            finding = check(memory, now_ns)
            # An authority that ran out a moment ago is what this command renews.
            if finding is not None and finding.reason != StopReason.AUTHORITY_EXPIRED:
                return Refusal('check', f'motion is not possible now: {finding.message}')
        if not memory.latch.running:
            if self._blind:
                return Refusal('check', JUMPED)
            self._motion.resume(now_ns)
            memory.latch.resume()
            self._stopping.book.closed()
        self._accept(command, now_ns)
        self._motion.aim(values)
        memory.deadline_ns = now_ns - max(0, age_ns(command, now_ns)) + command.authority_ns
        memory.moved = True
        memory.command, memory.command_ns = tuple(command.command), now_ns
        return None

    @property
    def _blind(self) -> bool:
        """Whether a motion would have to start from a position that is not to be believed."""
        return self._memory.kind == 'position' and self._memory.suspect

    def _accept(self, command: CommandFields, now_ns: int) -> None:
        """Remember whose command was accepted; an older epoch is fenced from here on."""
        memory = self._memory
        if command.bridge_id != memory.bridge_id:
            memory.bridge_id = command.bridge_id
            memory.bound_ns = memory.tick_ns = now_ns
            memory.tick_count = -1
            memory.begun = False
        if command.epoch > memory.epoch:
            memory.begun = False
        memory.epoch = command.epoch
        memory.episode, memory.step = command.episode, command.step
        memory.sequence = command.sequence
        if command.kind != CommandKind.MOVE:
            self._stopping.changed = True  # the bridge waits for the status that confirms it

    def _why(self) -> str:
        stop = self.stop
        name = f'{StopState(stop.state).name} ({StopReason(stop.reason).name}'
        return f'{name}: {stop.message})' if stop.message else f'{name})'
