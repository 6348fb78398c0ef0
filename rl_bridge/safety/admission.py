# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Whether a command may be listened to at all: who sent it, in which epoch, how long ago."""

from __future__ import annotations

from rl_bridge.safety.guard_state import CommandFields, GuardMemory, Refusal, to_ns
from rl_bridge.types import CommandKind, StopReason

#: Two processes on one host read one monotonic clock; a stamp further ahead is another host's.
_FUTURE_NS = 1_000_000

#: Only these may come from a bridge that is not bound yet.
_BINDING = (CommandKind.BEGIN, CommandKind.RECOVER)


def origin(memory: GuardMemory, command: CommandFields, now_ns: int) -> Refusal | None:
    """
    Check that a command comes from the bound bridge, in the present epoch and for the first time.

    Another bridge may take the bound one's place by a BEGIN (or a RECOVER, without which a FAULT
    would outlive its bridge for ever), once the bound one was silent for ``bridge_stop_s``.
    """
    if not command.bridge_id:
        return Refusal('bridge', 'a command without bridge_id is refused')
    if command.epoch < memory.epoch:
        return Refusal(
            'epoch', f'epoch {command.epoch} is older than the present one, {memory.epoch}'
        )
    if command.bridge_id == memory.bridge_id:
        if command.sequence > memory.sequence:
            return None
        return Refusal(
            'sequence',
            f'sequence {command.sequence} is not newer than the last one, {memory.sequence}',
        )
    if command.kind not in _BINDING:
        return Refusal(
            'bridge', f'{command.bridge_id} is not the bridge this guard listens to; begin first'
        )
    if memory.bridge_id and now_ns - memory.tick_ns <= to_ns(memory.config.bridge_stop_s):
        return Refusal(
            'bridge',
            f'{command.bridge_id} wants to begin, but the bridge {memory.bridge_id} is alive: '
            'only one bridge may command a robot; end one of them',
        )
    return None


def authority(memory: GuardMemory, command: CommandFields, now_ns: int) -> Refusal | None:
    """
    Check how long a MOVE wants to have authority, and that it was not under way for longer.

    A stamp of 0 means that the sender does not tell; its age is then not checked.
    """
    most = to_ns(memory.config.max_authority_s)
    if not 0 < command.authority_ns <= most:
        return Refusal(
            'authority',
            f'a motion authority of {command.authority_ns / 1e9:g} s is refused; it must be above '
            f'0 and at most {most / 1e9:g} s (max_authority)',
        )
    age = age_ns(command, now_ns)
    if age > command.authority_ns:
        return Refusal(
            'age',
            f'the command was under way for {age / 1e6:.0f} ms, longer than its motion authority '
            f'of {command.authority_ns / 1e6:.0f} ms',
        )
    if age < -_FUTURE_NS:
        return Refusal(
            'age',
            "the command's stamp lies in the future; bridge and guard must run on one host",
        )
    return None


def age_ns(command: CommandFields, now_ns: int) -> int:
    """How long the command was under way."""
    return now_ns - command.stamp_ns if command.stamp_ns else 0


def stop_reason(command: CommandFields, otherwise: StopReason) -> StopReason:
    """The reason that a HOLD or HALT names, or ``otherwise`` where it names none that exists."""
    try:
        return StopReason(command.reason) or otherwise
    except ValueError:
        return otherwise
