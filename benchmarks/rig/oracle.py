# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What must never happen, told from what an independent recorder saw.

Pure functions: recorded commands, outputs, statuses and measured speeds in, one sentence for each
violation out. Nothing of rl_bridge decides here; only its numbers of kinds and states are used.
All times are nanoseconds of one CLOCK_MONOTONIC; ``arrived_ns`` is the recorder's, ``stamp_ns``
the sender's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rl_bridge.types import CommandKind, StopReason, StopState

#: An output below this is rest, rad/s; stop outputs are exact zeros, so this only has to be small.
REST = 1e-9
#: How much later than the end of an authority a moving output may still arrive. The guard looks
#: every 5 ms; the rest is scheduling and the way.
LATE_NS = 25_000_000


@dataclass(slots=True, frozen=True)
class CommandRecord:
    """A command from a bridge as it arrived; the fields are those of ``msg/Command``."""

    arrived_ns: int
    kind: int
    bridge_id: str = ''
    epoch: int = 0
    episode: int = 0
    step: int = 0
    sequence: int = 0
    values: tuple[float, ...] = ()
    authority_ns: int = 0
    stamp_ns: int = 0


@dataclass(slots=True, frozen=True)
class OutputRecord:
    """What arrived at the controller."""

    arrived_ns: int
    values: tuple[float, ...]

    @property
    def moves(self) -> bool:
        """Whether it asks any joint to move; what is not finite surely does."""
        return not all(abs(value) <= REST for value in self.values)


@dataclass(slots=True, frozen=True)
class StatusRecord:
    """A status of the guard as it arrived; the fields are those of ``msg/GuardStatus``."""

    arrived_ns: int
    stamp_ns: int
    guard_id: str = ''
    bridge_id: str = ''
    epoch: int = 0
    sequence: int = 0
    state: int = StopState.RUNNING
    reason: int = 0
    message: str = ''
    standstill: bool = False
    events: int = 0
    detected_ns: int = 0
    commanded_ns: int = 0
    standstill_ns: int = 0


@dataclass(slots=True, frozen=True)
class SpeedRecord:
    """The fastest joint's true speed at a time, told by the robot itself."""

    at_ns: int
    speed: float


@dataclass(slots=True, frozen=True)
class ToldStop:
    """A stop that the guard's statuses told: it came after one stamp and by the other."""

    after_ns: int
    by_ns: int
    state: int
    reason: int


@dataclass(slots=True, frozen=True)
class EventRecord:
    """What the event log says about one stop."""

    state: int
    reason: int
    detected_ns: int


@dataclass(slots=True)
class Recording:
    """Everything one recorder saw, each list in the order of arrival."""

    commands: list[CommandRecord] = field(default_factory=list)
    outputs: list[OutputRecord] = field(default_factory=list)
    statuses: list[StatusRecord] = field(default_factory=list)
    speeds: list[SpeedRecord] = field(default_factory=list)


def each_step_once(commands: Iterable[CommandRecord]) -> list[str]:
    """No step moves the robot twice: a pair of epoch and step has one MOVE, whoever sends it."""
    seen: dict[tuple[int, int], CommandRecord] = {}
    violations = []
    for command in commands:
        # Step 0 is a reset's own motion, which sends many.
        if command.kind != CommandKind.MOVE or command.step == 0:
            continue
        first = seen.setdefault((command.epoch, command.step), command)
        if first is not command:
            violations.append(
                f'step {command.step} of epoch {command.epoch} was applied twice: as sequence '
                f'{first.sequence} and as {command.sequence}'
            )
    return violations


def no_old_epoch(
    commands: Iterable[CommandRecord], statuses: Iterable[StatusRecord] = ()
) -> list[str]:
    """
    Nothing of a fenced epoch is sent or accepted.

    A bridge's own commands never fall back to an older epoch or sequence. The guard's last
    accepted epoch never falls either; what another bridge, woken from a long stop, still sends is
    its right as long as the guard does not accept it.
    """
    violations = []
    newest: dict[str, CommandRecord] = {}
    for command in commands:
        last = newest.get(command.bridge_id)
        if last is not None and command.sequence <= last.sequence:
            violations.append(
                f'bridge {command.bridge_id} sent sequence {command.sequence} after '
                f'{last.sequence}'
            )
        elif last is not None and command.epoch < last.epoch:
            violations.append(
                f'bridge {command.bridge_id} sent a command of epoch {command.epoch} after one '
                f'of {last.epoch}'
            )
        else:
            newest[command.bridge_id] = command
    accepted: dict[str, int] = {}
    for status in statuses:
        before = accepted.get(status.guard_id, 0)
        if status.epoch < before:
            violations.append(
                f'the guard accepted a command of epoch {status.epoch} after one of {before}'
            )
        accepted[status.guard_id] = max(before, status.epoch)
    return violations


def none_older_than_authority(
    commands: Sequence[CommandRecord],
    outputs: Iterable[OutputRecord],
    *,
    late_ns: int = LATE_NS,
) -> list[str]:
    """
    Every moving output stands on a MOVE whose authority had not run out.

    The authority counts from the command's stamp, when its step left the client. It is the stamp
    that tells what the guard may have known, not when the command came here: on a busy machine a
    datagram to the recorder alone gets lost and is sent again.
    """
    violations = []
    moves = sorted(
        (command for command in commands if command.kind == CommandKind.MOVE),
        key=lambda command: command.stamp_ns,
    )
    until_ns = 0
    position = 0
    for output in outputs:
        while position < len(moves) and moves[position].stamp_ns <= output.arrived_ns:
            until_ns = max(until_ns, moves[position].stamp_ns + moves[position].authority_ns)
            position += 1
        if output.moves and output.arrived_ns > until_ns + late_ns:
            violations.append(
                f'the controller was told to move {(output.arrived_ns - until_ns) / 1e6:.1f} ms '
                f'after the last authority had ended: {output.values}'
                if until_ns
                else f'the controller was told to move without any MOVE: {output.values}'
            )
    return violations


def all_finite_and_inside(
    outputs: Iterable[OutputRecord], *, lower: Sequence[float], upper: Sequence[float]
) -> list[str]:
    """Every output has one finite value per joint inside the limits."""
    violations = []
    for output in outputs:
        if len(output.values) != len(lower):
            violations.append(f'an output has {len(output.values)} values, not {len(lower)}')
            continue
        for joint, value in enumerate(output.values):
            if not (math.isfinite(value) and lower[joint] <= value <= upper[joint]):
                violations.append(
                    f'joint {joint} was told {value:g}; its limits are {lower[joint]:g} to '
                    f'{upper[joint]:g}'
                )
    return violations


def none_in_a_stop_state(
    outputs: Sequence[OutputRecord], statuses: Sequence[StatusRecord], *, late_ns: int = LATE_NS
) -> list[str]:
    """
    Between a stop and the next RUNNING the controller gets the stop output and nothing after it.

    Outputs come in order, so however late they are: once the first rest has come, all is rest. An
    output sent before the stop may still be under way, for ``late_ns`` at most.
    """
    violations = []
    outputs = sorted(outputs, key=lambda output: output.arrived_ns)
    position = 0
    for begin_ns, end_ns, status in _stops(statuses):
        while position < len(outputs) and outputs[position].arrived_ns < begin_ns:
            position += 1
        rested = False
        while position < len(outputs) and outputs[position].arrived_ns < end_ns:
            output = outputs[position]
            position += 1
            rested = rested or not output.moves
            late = output.arrived_ns > begin_ns + late_ns
            if output.moves and (rested or late):
                after_ms = (output.arrived_ns - begin_ns) / 1e6
                violations.append(
                    f'the controller was told to move {after_ms:.1f} ms into '
                    f'{StopState(status.state).name}: {output.values}'
                )
    return violations


def at_rest_in_a_stop_state(
    speeds: Iterable[SpeedRecord], statuses: Sequence[StatusRecord], *, speed: float = REST
) -> list[str]:
    """From a verified standstill to the next RUNNING no joint moves faster than ``speed``."""
    violations = []
    stops = [
        (status.standstill_ns, end_ns, status)
        for begin_ns, end_ns, first in _stops(statuses)
        for status in statuses
        if begin_ns <= status.stamp_ns < end_ns and status.standstill_ns >= begin_ns
    ]
    for record in speeds:
        for begin_ns, end_ns, status in stops:
            if begin_ns <= record.at_ns < end_ns and not record.speed <= speed:
                violations.append(
                    f'the robot moved at {record.speed:g} in {StopState(status.state).name} after '
                    'its standstill'
                )
                break
    return violations


def told_stops(statuses: Iterable[StatusRecord]) -> list[ToldStop]:
    """
    Find the stops that statuses told, each once; a severer stop is another one.

    The HOLD between two episodes is none: nothing went wrong. Nor is a lesser state: that is a
    recovery.
    """
    stops = []
    before: dict[str, StatusRecord] = {}
    for status in sorted(statuses, key=lambda status: status.stamp_ns):
        last = before.get(status.guard_id)
        before[status.guard_id] = status
        cause = (status.state, status.reason)
        if last is None or status.state < last.state or cause == (last.state, last.reason):
            continue
        if cause != (StopState.HOLD, StopReason.IDLE):
            stops.append(ToldStop(last.stamp_ns, status.stamp_ns, *cause))
    return stops


def every_stop_recorded(told: Iterable[ToldStop], events: Sequence[EventRecord]) -> list[str]:
    """Every stop that was told is in the event log."""
    return [
        f'{StopState(stop.state).name}, {StopReason(stop.reason).name}, told at {stop.by_ns}, is '
        'not in the event log'
        for stop in told
        if not any(
            (event.state, event.reason) == (stop.state, stop.reason)
            and stop.after_ns <= event.detected_ns <= stop.by_ns
            for event in events
        )
    ]


def violations(
    recording: Recording,
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    late_ns: int = LATE_NS,
) -> list[str]:
    """Run every invariant that needs nothing but the recording."""
    commands, outputs, statuses = recording.commands, recording.outputs, recording.statuses
    return [
        *each_step_once(commands),
        *no_old_epoch(commands, statuses),
        *none_older_than_authority(commands, outputs, late_ns=late_ns),
        *all_finite_and_inside(outputs, lower=lower, upper=upper),
        *none_in_a_stop_state(outputs, statuses, late_ns=late_ns),
        *at_rest_in_a_stop_state(recording.speeds, statuses),
    ]


def _stops(statuses: Sequence[StatusRecord]) -> list[tuple[int, int, StatusRecord]]:
    """
    From the guard's own stamps: when each stretch without RUNNING began and ended.

    Another guard is another robot side: what was open is cut off at its first word.
    """
    stops = []
    first: StatusRecord | None = None
    last: StatusRecord | None = None
    for status in sorted(statuses, key=lambda status: status.stamp_ns):
        changed = first is not None and status.guard_id != first.guard_id
        if first is not None and (changed or status.state == StopState.RUNNING):
            stops.append((first.stamp_ns, status.stamp_ns, first))
            first = None
        if first is None and status.state != StopState.RUNNING:
            first = status
        last = status
    if first is not None and last is not None:
        stops.append((first.stamp_ns, last.stamp_ns + 1, first))
    return stops
