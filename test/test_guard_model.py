# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The guard under random commands, ticks, states and clocks, against an oracle of its rules.

The oracle looks at what goes in and what comes out; it shares no code with the guard.
"""

from __future__ import annotations

import math
from array import array

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from rl_bridge.safety.checks import CHECKS
from rl_bridge.safety.guard_core import GuardCore
from rl_bridge.safety.guard_state import GuardCommand, Tick
from rl_bridge.types import (
    CommandKind,
    FloatArray,
    Limits,
    RobotDescription,
    StopState,
    forward_commands,
)

MS = 1_000_000
LOWER, UPPER = np.array([-1.0, -2.0]), np.array([1.0, 2.0])
SPEED, ACCELERATION = np.array([0.5, 1.0]), np.array([2.0, 4.0])
EFFORT = SPEED  # so that the same values are wild ones
ROBOT = RobotDescription(
    name='two_link',
    joints=('shoulder', 'elbow'),
    state_topic='joint_states',
    state_max_age_s=0.1,
    commands={
        'velocity': forward_commands('velocity', 'velocity/commands', 0.0, joints=2),
        'position': forward_commands('position', 'position/commands', 0.0, joints=2),
        'effort': forward_commands('effort', 'effort/commands', 0.0, joints=2),
    },
    limits=Limits(LOWER, UPPER, SPEED, ACCELERATION, EFFORT),
    standstill_speed=0.02,
    standstill_within_s=0.5,
)

WILD = st.one_of(
    st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=2),
    st.lists(st.floats(), max_size=3),
    st.just([math.nan, 0.0]),
    st.just([0.51, 0.0]),
)
NEAR = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=2)
BRIDGES = st.sampled_from(['a', 'a', 'a', 'b'])
STAMP_AGES = st.sampled_from([None, 0, 0, 0, 40 * MS, 300 * MS, -50 * MS])
AUTHORITIES = st.sampled_from([150 * MS, 150 * MS, 500 * MS, 0, -1, 10**18])


class GuardModel(RuleBasedStateMachine):
    """What may go in, and the rules that what comes out has to keep."""

    kind = 'velocity'

    @initialize()
    def start(self) -> None:
        self.core = GuardCore(ROBOT, self.kind)
        self.now = 5_000 * MS
        self.sequence = {'a': 0, 'b': 0}
        self.count = {'a': 0, 'b': 0}
        self.bound = ''
        self.bound_tick = 0
        self.bound_count = -1
        self.epoch = 0
        self.accepted_sequence = 0
        self.begun_epoch: int | None = None
        self.state: FloatArray | None = None
        self.state_ns = 0
        self.rests: list[FloatArray] = [] if self.kind == 'position' else [np.zeros(2)]
        self.target: FloatArray | None = None
        self.deadline = 0
        self.last: FloatArray | None = None
        self.last_ns = 0
        self.reseeded = False
        self.fast_since = 0
        self.longest_fast = 0

    @property
    def severity(self) -> int:
        return self.core.stop.state

    @rule(ms=st.integers(0, 120))
    def wait(self, ms: int) -> None:
        self.now += ms * MS

    @rule(who=BRIDGES, repeated=st.booleans())
    def tick(self, who: str, repeated: bool) -> None:
        before = self.severity
        self.count[who] += 0 if repeated else 1
        self.core.on_tick(Tick(who, self.count[who]), self.now)
        if who == self.bound and self.count[who] > self.bound_count:
            self.bound_tick, self.bound_count = self.now, self.count[who]
        assert self.severity == before

    @rule(
        position=st.one_of(
            st.lists(st.floats(-1.2, 1.2), min_size=2, max_size=2),
            st.lists(st.floats(), max_size=3),
        ),
        speed=st.sampled_from([0.0, 0.01, 0.3, math.nan, math.inf]),
    )
    def measure(self, position: list[float], speed: float) -> None:
        before = self.severity
        self.core.on_state(np.array(position), np.array([0.0, speed]), self.now)
        if len(position) == 2 and all(map(math.isfinite, [*position, speed])):
            self.state, self.state_ns = np.array(position), self.now
            self.fast_since = (self.fast_since or self.now) if speed > 0.02 else 0
            if self.fast_since:
                self.longest_fast = max(self.longest_fast, self.now - self.fast_since)
            if self.kind == 'position':
                self.rests.append(np.clip(self.state, LOWER, UPPER))
        assert self.severity >= before

    @rule(
        kind=st.sampled_from([*CommandKind, CommandKind.MOVE, CommandKind.MOVE, 7]),
        who=BRIDGES,
        epoch=st.integers(-1, 1),
        back=st.sampled_from([0, 0, 0, 0, 1, 3]),
        values=WILD,
        authority=AUTHORITIES,
        stamp_age=STAMP_AGES,
        reason=st.integers(0, 255),
    )
    def command(
        self,
        kind: int,
        who: str,
        epoch: int,
        back: int,
        values: list[float],
        authority: int,
        stamp_age: int | None,
        reason: int,
    ) -> None:
        self.sequence[who] += 1
        command = GuardCommand(
            kind=kind,
            bridge_id=who,
            epoch=max(0, self.epoch + epoch),
            sequence=self.sequence[who] - back,
            command=array('d', values),
            authority_ns=authority,
            stamp_ns=0 if stamp_age is None else self.now - stamp_age,
            reason=reason,
        )
        self.send(command)

    @rule(values=NEAR, begin=st.booleans(), at=NEAR, periods=st.integers(0, 8))
    def drive(self, values: list[float], begin: bool, at: list[float], periods: int) -> None:
        """All is alive, and a good command comes."""
        self.live(1, at, ticking=True, measuring=True)
        who = self.bound or 'a'
        kinds = [CommandKind.BEGIN, CommandKind.MOVE] if begin else [CommandKind.MOVE]
        for kind in kinds:
            self.sequence[who] += 1
            self.send(
                GuardCommand(
                    kind=kind,
                    bridge_id=who,
                    epoch=self.epoch,
                    sequence=self.sequence[who],
                    command=array('d', values),
                    authority_ns=150 * MS,
                    stamp_ns=self.now,
                )
            )
        self.live(periods, at, ticking=True, measuring=True)

    @rule(periods=st.integers(1, 40), at=NEAR, ticking=st.booleans(), measuring=st.booleans())
    def live(self, periods: int, at: list[float], ticking: bool, measuring: bool) -> None:
        """Time passes; the bridge ticks and the robot reports rest, or one of them is silent."""
        for _ in range(periods):
            self.now += 5 * MS
            if ticking:
                self.tick(self.bound or 'a', False)
            if measuring:
                self.measure(at, 0.0)
            self.update()

    @rule()
    def update(self) -> None:
        before, was_running = self.severity, self.severity == StopState.RUNNING
        output = self.core.update(self.now).output
        assert self.severity >= before
        if was_running and self.severity == StopState.RUNNING:
            assert self.now <= self.deadline, 'runs without authority'
            assert self.now - self.bound_tick <= 60 * MS, 'runs without its bridge'
            assert self.now - self.state_ns <= 100 * MS, 'runs on a stale state'
        if output is not None:
            self.judge(output)

    def send(self, command: GuardCommand) -> None:
        before = self.severity
        refused = self.core.on_command(command, self.now)
        if refused is not None:
            assert self.severity >= before
            return
        self.judge_origin(command)
        if command.kind == CommandKind.MOVE:
            self.judge_move(command, before)
        elif command.kind == CommandKind.BEGIN:
            assert before <= StopState.STOPPED
            self.begun_epoch = command.epoch
            self.target = None
            self.deadline = self.now + max(150 * MS, min(command.authority_ns, 2_000 * MS))
            self.reseeded = True
        elif command.kind == CommandKind.RECOVER:
            findings = [check(self.core._memory, self.now) for check in CHECKS]
            lasts = any(found and found.state >= StopState.FAULT for found in findings)
            assert self.severity == (before if lasts else min(before, StopState.STOPPED))
        else:
            assert command.kind in (CommandKind.HOLD, CommandKind.HALT)
            assert self.severity >= before

    def judge_origin(self, command: GuardCommand) -> None:
        assert command.epoch >= self.epoch, 'a fenced epoch came through'
        if command.bridge_id == self.bound:
            assert command.sequence > self.accepted_sequence, 'a replay came through'
        else:
            assert command.kind in (CommandKind.BEGIN, CommandKind.RECOVER)
            silent = self.now - self.bound_tick > 500 * MS
            assert not self.bound or silent, 'a second bridge came through'
            self.bound, self.bound_tick, self.bound_count = command.bridge_id, self.now, -1
            self.begun_epoch = None
        self.epoch, self.accepted_sequence = command.epoch, command.sequence

    def judge_move(self, command: GuardCommand, before: int) -> None:
        assert before <= StopState.HOLD, 'a latched stop was left by a move'
        assert self.begun_epoch == command.epoch, 'a move without its begin'
        assert self.state is not None
        assert self.now - self.state_ns <= 100 * MS
        assert self.now - self.bound_tick <= 60 * MS
        assert 0 < command.authority_ns <= 2_000 * MS
        assert command.stamp_ns == 0 or self.now - command.stamp_ns <= command.authority_ns
        values = np.array(command.command)
        self.assert_inside(values)
        self.target = values
        self.deadline = self.now + command.authority_ns
        if before == StopState.HOLD:
            self.reseeded = True

    def assert_inside(self, values: FloatArray) -> None:
        lower, upper = (LOWER, UPPER) if self.kind == 'position' else (-SPEED, SPEED)
        assert values.shape == (2,)
        assert np.isfinite(values).all()
        assert ((values >= lower) & (values <= upper)).all()

    def judge(self, output: FloatArray) -> None:
        if not self.bound:
            assert self.longest_fast >= 100 * MS, 'published before the first bridge'
            assert self.severity >= StopState.STOPPED
        self.assert_inside(output)
        last = [] if self.last is None else [self.last]
        if self.severity == StopState.RUNNING:
            starts = self.rests if self.reseeded else last
            assert any(self.reachable(start, output) for start in starts), 'too steep'
        elif self.kind != 'position':
            assert not output.any(), 'motion in a stop state'
        else:
            held = any(np.array_equal(output, rest) for rest in [*self.rests, *last])
            assert held, 'motion in a stop state'
        self.last, self.last_ns = output.copy(), self.now
        self.rests = self.rests[-1:]
        self.reseeded = False

    def reachable(self, start: FloatArray, output: FloatArray) -> bool:
        """Within the rate limit, and nowhere but towards the accepted target (or to rest)."""
        rate = ACCELERATION if self.kind == 'velocity' else SPEED
        elapsed = min((self.now - self.last_ns) / 1e9, 0.01)  # a late update is no large step
        target = start if self.target is None else self.target
        if self.kind == 'effort':
            return np.array_equal(output, start) or np.array_equal(output, target)
        low, high = np.minimum(start, target), np.maximum(start, target)
        if self.kind == 'velocity':  # a joint is braked before its position limit
            low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
        steep = np.abs(output - start) > rate * elapsed + 1e-12
        return not steep.any() and bool(((output >= low) & (output <= high)).all())


class PositionModel(GuardModel):
    """The same rules for the position interface."""

    kind = 'position'


class EffortModel(GuardModel):
    """The same rules for efforts, which are never slewed: none, or what was accepted."""

    kind = 'effort'


TestVelocityGuard = GuardModel.TestCase
TestPositionGuard = PositionModel.TestCase
TestEffortGuard = EffortModel.TestCase
TestVelocityGuard.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
TestPositionGuard.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
TestEffortGuard.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
