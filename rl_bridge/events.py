# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Stops and recoveries as they are recorded: what a record holds, its form on disk, reading it.

A log is one file of fixed size, text throughout, so that ``strings`` and ``grep`` find their way
in it too. Its first slot says how it is divided; each other one holds one record, a line::

    <CRC-32 of the rest, hexadecimal> <number of the record, growing> <JSON>

padded with spaces. Of the slots, the first quarter is for HOLDs. The record after the last slot of
its kind takes the first one again, so the oldest is lost first. A stop is written when it is
detected and again, in another slot, when more is known of it; the newest record counts.
:mod:`rl_bridge.safety.event_log` writes it.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rl_bridge.errors import ConfigError
from rl_bridge.types import StopReason, StopState

SLOTS = 2048
SLOT_BYTES = 2048
LEAST_SLOTS = 5
ENDING = '.log'
MAGIC = b'rl_bridge event log 1: '
#: Digits kept of a measured or commanded number: finer than any encoder of a robot's joint.
DIGITS = 7
MOST_CHARACTERS = 500  # of a sentence
#: What is left out first where a robot has so many joints that a record does not fit.
LONG_FIELDS = ('output', 'command', 'position')
#: Most times that a slot is read again which is being written at that moment.
ATTEMPTS = 3


@dataclass(slots=True, frozen=True, kw_only=True)
class StopEvent:
    """
    One stop or recovery, as far as it is known. Times: CLOCK_MONOTONIC in ns, 0 = not (yet).

    :param count: 1, 2, ... in the process that reports it; the same again completes a record.
    :param kind: 'stop', 'recovery', or another word for something worth recording.
    :param before: StopState that was left.
    :param state: StopState that was entered, with its reason and one sentence.
    :param bridge_id: the bridge whose commands were taken.
    :param command: last accepted command, one value per joint; with its epoch, episode, step and
        sequence; ``command_ns``: when it was taken.
    :param output: what was published to the controller last before the stop.
    :param position: measured, rad or m; ``max_speed``: of the fastest joint; ``state_ns``: when
        that state arrived.
    :param detected_ns: when the cause was seen.
    :param commanded_ns: when the stop output was published first.
    :param standstill_ns: since when the robot has been measured at rest.
    """

    count: int
    kind: str = 'stop'
    before: int = StopState.RUNNING
    state: int = StopState.STOPPED
    reason: int = StopReason.NONE
    message: str = ''
    bridge_id: str = ''
    epoch: int = 0
    episode: int = 0
    step: int = 0
    sequence: int = 0
    command: Sequence[float] = ()
    command_ns: int = 0
    output: Sequence[float] = ()
    position: Sequence[float] = ()
    max_speed: float = 0.0
    state_ns: int = 0
    detected_ns: int = 0
    commanded_ns: int = 0
    standstill_ns: int = 0


def folder() -> Path:
    """Return where logs are kept unless somebody says otherwise: in ROS's own folder."""
    return Path(os.environ.get('ROS_HOME') or '~/.ros').expanduser() / 'rl_bridge' / 'events'


_NUMBERS = ('command', 'output', 'position')
_NAMES = tuple(field.name for field in fields(StopEvent) if field.name not in _NUMBERS)


def as_fields(event: StopEvent) -> dict[str, Any]:
    """Return what a record holds of an event, JSON's types only; NaN becomes null."""
    kept = {name: _plain(getattr(event, name)) for name in _NAMES}
    for name in _NUMBERS:
        values = getattr(event, name)
        kept[name] = [] if values is None else [_plain(float(value)) for value in values]
    kept['message'] = event.message[:MOST_CHARACTERS]
    return kept


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return float(f'{value:.{DIGITS}g}') if math.isfinite(value) else None
    return int(value)  # type: ignore[call-overload]


def header(slots: int, slot_bytes: int) -> bytes:
    """Return the first slot."""
    text = (
        f'{slots} slots of {slot_bytes} bytes; '
        'read it with "rl_bridge events", one record a slot, the first slot is this one'
    )
    return (MAGIC + text.encode()).ljust(slot_bytes - 1) + b'\n'


def division(start: bytes) -> tuple[int, int] | None:
    """
    Return how many slots of how many bytes a log has.

    :param start: its first bytes, 64 at least.
    :return: None where this is not the beginning of an event log.
    """
    words = start[len(MAGIC) :].split(maxsplit=4)
    if not start.startswith(MAGIC) or len(words) < 4:
        return None
    try:
        slots, slot_bytes = int(words[0]), int(words[3])
    except ValueError:
        return None
    return (slots, slot_bytes) if slots >= LEAST_SLOTS and slot_bytes >= 256 else None


def pack(number: int, record: Mapping[str, Any], slot_bytes: int = SLOT_BYTES) -> bytes:
    """Return one slot; what does not fit is left out, the longest fields first."""
    left = dict(record)
    for name in (*LONG_FIELDS, 'message', None):
        line = f'{number:d} {json.dumps(left, allow_nan=False, separators=(",", ":"))}'.encode()
        if len(line) <= slot_bytes - 10 or name is None:
            break
        left[name] = left[name][:100] if name == 'message' else []
        left['cut'] = True
    return f'{zlib.crc32(line):08x} '.encode() + line.ljust(slot_bytes - 10) + b'\n'


def unpack(slot: bytes) -> tuple[int, dict[str, Any]] | None:
    """
    Return a slot's number and record.

    :return: None where it was never written.
    :raises ValueError: it was torn in writing, or spoiled since.
    """
    if not slot.strip(b'\0'):
        return None
    line = slot[9:].rstrip(b' \n')
    if slot[:9] != f'{zlib.crc32(line):08x} '.encode():
        raise ValueError('the checksum does not fit')
    number, _, text = line.partition(b' ')
    record = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError('not an object')
    return int(number), record


@dataclass(slots=True, frozen=True)
class Log:
    """
    What a file holds.

    :param records: by their number, oldest first.
    :param torn: how many slots cannot be read: one, where a computer lost power in writing.
    """

    path: Path
    records: dict[int, dict[str, Any]]
    torn: int


def read(path: Path) -> Log:
    """
    Read a log, also while it is being written.

    :raises ConfigError: the file cannot be read or is no event log.
    """
    try:
        with path.open('rb') as file:
            divided = division(file.read(256))
            if divided is None:
                raise ConfigError(f'{path} is not an event log of rl_bridge')
            slots, slot_bytes = divided
            found, torn = {}, 0
            for index in range(1, slots):
                for _ in range(ATTEMPTS):
                    file.seek(index * slot_bytes)
                    try:
                        entry = unpack(file.read(slot_bytes))
                    except ValueError:
                        continue
                    if entry is not None:
                        found[entry[0]] = entry[1]
                    break
                else:
                    torn += 1
    except OSError as error:
        raise ConfigError(f'{path} cannot be read: {error.strerror}') from error
    return Log(path, dict(sorted(found.items())), torn)


def merged(logs: Iterable[Log]) -> list[dict[str, Any]]:
    """Return each event once, as far as it is known, in the order of the wall clock."""
    newest: dict[tuple[Any, Any], dict[str, Any]] = {}
    for log in logs:
        for number, record in log.records.items():
            newest[record.get('run', str(log.path)), record.get('count', number)] = record
    return sorted(newest.values(), key=lambda record: record.get('wall_ns', 0))
