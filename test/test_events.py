# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a record holds, reading logs, and the command `rl_bridge events`."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_bridge import cli
from rl_bridge.errors import ConfigError
from rl_bridge.events import (
    SLOT_BYTES,
    Log,
    StopEvent,
    as_fields,
    division,
    header,
    merged,
    pack,
    read,
    unpack,
)
from rl_bridge.safety.event_log import EventLog
from rl_bridge.types import StopReason, StopState

MS = 1_000_000  # in ns


def kept(event: StopEvent) -> dict[str, Any]:
    """What comes back of an event that was written."""
    entry = unpack(pack(1, as_fields(event)))
    assert entry is not None
    return entry[1]


# -- records --------------------------------------------------------------------------------------


def test_a_record_keeps_every_field_of_an_event() -> None:
    event = StopEvent(
        count=3, kind='recovery', before=StopState.FAULT, state=StopState.STOPPED,
        reason=StopReason.NO_STANDSTILL, message='jörg "said" so\n', bridge_id='b', epoch=2**63,
        episode=4, step=5, sequence=6, command=np.array([0.25, -1.5]), command_ns=7,
        output=(0.0, 0.0), position=[1.0, 2.0], max_speed=0.125, state_ns=8, detected_ns=9,
        commanded_ns=10, standstill_ns=11)
    record = kept(event)
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        assert record[field.name] == (list(value) if isinstance(value, tuple | np.ndarray)
                                      else value), field.name


def test_what_was_not_a_number_is_null() -> None:
    record = kept(StopEvent(count=1, command=(math.nan, math.inf, 1.0), max_speed=math.nan))
    assert record['command'] == [None, None, 1.0]
    assert record['max_speed'] is None


def test_numbers_are_kept_finer_than_an_encoder_measures() -> None:
    assert kept(StopEvent(count=1, position=(math.pi,)))['position'] == [3.141593]


@pytest.mark.parametrize(('joints', 'left_out'), [
    (6, []), (40, ['output']), (64, ['output', 'command']),
    (150, ['output', 'command', 'position'])])
def test_of_a_robot_with_many_joints_the_longest_fields_are_left_out_first(
    joints: int, left_out: list[str]
) -> None:
    values = [-1.234567e-05] * joints
    record = kept(StopEvent(count=1, message='m' * 300, command=values, output=values,
                            position=values))
    assert [name for name in ('output', 'command', 'position') if not record[name]] == left_out
    assert record.get('cut', False) is bool(left_out)
    assert record['message'] == 'm' * 300


def test_a_long_sentence_is_cut() -> None:
    assert kept(StopEvent(count=1, message='x' * 5000))['message'] == 'x' * 500
    record = kept(StopEvent(count=1, message='\u2028' * 500))  # each takes six bytes
    assert record['cut'] is True
    assert record['message'] == '\u2028' * 100


def test_a_slot_is_one_line_of_text_of_its_size() -> None:
    slot = pack(12, {'message': 'two\nlines'})
    assert len(slot) == SLOT_BYTES
    assert slot.count(b'\n') == 1
    assert slot.endswith(b' \n')
    assert slot.isascii()


@given(st.integers(1, SLOT_BYTES - 1), st.integers(0, SLOT_BYTES - 1))
def test_a_slot_torn_anywhere_is_recognised(length: int, start: int) -> None:
    old = pack(1, {'count': 1, 'message': 'a' * 1900})
    new = pack(2048, {'count': 2, 'message': 'b' * 900})
    torn = old[:start] + new[start : start + length] + old[start + length :]
    if torn in (old, new):
        assert unpack(torn) is not None
    else:
        with pytest.raises(ValueError, match='checksum'):
            unpack(torn)


@given(st.binary(min_size=1, max_size=300))
def test_noise_is_no_record(noise: bytes) -> None:
    if noise.strip(b'\0'):
        with pytest.raises(ValueError):
            unpack(noise)


def test_a_slot_that_was_never_written_is_empty() -> None:
    assert unpack(b'\0' * SLOT_BYTES) is None


@pytest.mark.parametrize('text', [b'[1, 2]', b'"x"', b'3', b'nonsense', b''])
def test_only_an_object_is_a_record(text: bytes) -> None:
    import zlib

    line = b'1 ' + text
    with pytest.raises(ValueError):
        unpack(f'{zlib.crc32(line):08x} '.encode() + line)


def test_the_first_slot_says_how_a_log_is_divided() -> None:
    assert division(header(64, 1024)) == (64, 1024)
    assert len(header(64, 1024)) == 1024


@pytest.mark.parametrize('start', [
    b'', b'something else', b'rl_bridge event log 1: ',
    b'rl_bridge event log 1: a slots of b bytes', b'rl_bridge event log 1: 8 slots of 10 bytes',
    b'rl_bridge event log 1: 4 slots of 2048 bytes',
    b'rl_bridge event log 2: 8 slots of 2048 bytes'])
def test_anything_else_is_not_the_beginning_of_a_log(start: bytes) -> None:
    assert division(start) is None


# -- reading --------------------------------------------------------------------------------------


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder with the log of a guard and that of a bridge, which saw a stop in between."""
    guard = EventLog(tmp_path / 'guard.log', source='/guard', slots=16)
    bridge = EventLog(tmp_path / 'robot_env.log', source='/robot_env', slots=16)
    first = StopEvent(
        count=1, state=StopState.HOLD, reason=StopReason.AUTHORITY_EXPIRED, episode=3, step=17,
        message='no step for 150 ms [late]', command_ns=50 * MS, detected_ns=200 * MS)
    guard.write(first)
    bridge.write(StopEvent(count=1, reason=StopReason.LEASE_EXPIRED, detected_ns=1000 * MS,
                           message='the client is silent'))
    guard.write(StopEvent(count=2, before=StopState.HOLD, state=StopState.FAULT, reason=99,
                          message='of a newer version', detected_ns=1500 * MS))
    guard.write(dataclasses.replace(first, commanded_ns=201 * MS, standstill_ns=288 * MS))
    assert guard.close()
    assert bridge.close()
    return tmp_path


def test_logs_are_merged_by_the_clock_and_each_event_is_listed_once(logs: Path) -> None:
    events = merged(read(path) for path in sorted(logs.iterdir()))
    assert [(event['source'], event['count']) for event in events] == [
        ('/guard', 1), ('/robot_env', 1), ('/guard', 2)]
    assert events[0]['standstill_ns'] == 288 * MS


def test_records_of_an_unknown_kind_are_listed_all_the_same() -> None:
    log = Log(Path('x.log'), {7: {'wall_ns': 2}, 8: {}}, torn=0)
    assert merged([log]) == [{}, {'wall_ns': 2}]


def test_what_is_no_log_is_said(tmp_path: Path) -> None:
    (tmp_path / 'a.log').write_text('hello')
    with pytest.raises(ConfigError, match=r'a\.log is not an event log of rl_bridge'):
        read(tmp_path / 'a.log')
    with pytest.raises(ConfigError, match=r'b\.log cannot be read: No such file or directory'):
        read(tmp_path / 'b.log')


# -- the command ----------------------------------------------------------------------------------


def test_the_command_lists_time_cause_and_latencies(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['events', str(logs)]) == 0
    said = capsys.readouterr().out
    rows = [line for line in said.splitlines() if '->' in line]
    assert [row.split()[2] for row in rows] == ['/guard', '/robot_env', '/guard']
    for text in ('RUNNING -> HOLD', 'AUTHORITY_EXPIRED', '3', '17', '150.0', '1.0', '88.0'):
        assert text in rows[0]
    assert '[late]' in said
    assert 'HOLD -> FAULT' in rows[2]
    assert '99: of a newer version' in rows[2]
    assert rows[2].split()[-3:] == ['-', '-', '-']


def test_the_command_writes_one_json_object_a_line(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['events', '--json', '--last', '2', str(logs / 'guard.log'),
                     str(logs / 'robot_env.log')]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first['state'], first['reason']) == ('STOPPED', 'LEASE_EXPIRED')
    assert (second['before'], second['state'], second['reason']) == ('HOLD', 'FAULT', '99')
    assert first['time'] < second['time']
    assert first['time'].endswith('+00:00')


def test_without_a_path_the_folder_of_ros_is_listed(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / 'home'
    monkeypatch.setenv('ROS_HOME', str(home))
    assert cli.main(['events']) == 1
    assert 'has no event log; guard and bridge make theirs' in capsys.readouterr().err
    (home / 'rl_bridge').mkdir(parents=True)
    logs.joinpath('guard.log').rename(home / 'guard.log')
    (home / 'rl_bridge' / 'events').mkdir()
    (home / 'guard.log').rename(home / 'rl_bridge' / 'events' / 'guard.log')
    assert cli.main(['events']) == 0
    assert capsys.readouterr().out.count('->') == 2


def test_the_command_says_how_many_records_are_lost(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (logs / 'guard.log').open('r+b') as file:
        file.seek(4 * SLOT_BYTES + 100)
        file.write(b'spoiled')
    assert cli.main(['events', str(logs / 'guard.log')]) == 0
    assert f'1 record of {logs}/guard.log cannot be read' in capsys.readouterr().err


def test_the_command_works_while_the_log_is_being_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = EventLog(tmp_path / 'guard.log', source='/guard')
    try:
        assert cli.main(['events', str(log.path)]) == 0
        assert capsys.readouterr().out.startswith('0 stops and recoveries')
    finally:
        log.close()


@pytest.mark.parametrize('number', ['0', '-1', 'many'])
def test_only_a_number_of_events_can_be_asked_for(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(['events', f'--last={number}'])
    assert ended.value.code == 2
    assert 'is no whole number above 0' in capsys.readouterr().err
