# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Stops are on record whatever happens to the process, the file and the disk."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rl_bridge.errors import ConfigError
from rl_bridge.events import SLOT_BYTES, SLOTS, StopEvent, merged, read
from rl_bridge.safety import event_log
from rl_bridge.safety.event_log import EventLog
from rl_bridge.types import StopState

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 20.0


@contextmanager
def opened(path: Path | str = '', **options: Any) -> Iterator[EventLog]:
    log = EventLog(path, source=options.pop('source', '/guard'), **options)
    try:
        yield log
    finally:
        log.close()


def stop(count: int, **known: Any) -> StopEvent:
    return StopEvent(count=count, detected_ns=time.monotonic_ns(), **known)


def wait_until(true: Any, what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until, f'{what} did not come true within {PATIENCE_S:g} s'
        time.sleep(0.002)


def spoil(path: Path, slot: int, *, of: int = SLOT_BYTES, offset: int = 40) -> None:
    """Overwrite a part of a slot, as a write that was cut off in the middle."""
    with path.open('r+b') as file:
        file.seek(slot * of + offset)
        file.write(b'\xff' * 16)


# -- what is written ------------------------------------------------------------------------------


def test_a_stop_is_recorded_when_detected_and_completed_at_standstill(tmp_path: Path) -> None:
    detected_ns, wall_ns = time.monotonic_ns(), time.time_ns()
    with opened(tmp_path / 'guard.log') as log:
        log.write(StopEvent(count=1, message='out of time', detected_ns=detected_ns))
        wait_until(lambda: log.written == 1, 'the record at detection')
        (early,) = merged([read(log.path)])
        assert (early['message'], early['standstill_ns']) == ('out of time', 0)
        log.write(StopEvent(count=1, message='out of time', detected_ns=detected_ns,
                            commanded_ns=detected_ns + 5, standstill_ns=detected_ns + 9))
        assert log.close()
        assert log.written == 1
    found = read(log.path)
    assert list(found.records) == [1, 2]
    (event,) = merged([found])
    assert event['standstill_ns'] - event['detected_ns'] == 9
    assert event['source'] == '/guard'
    assert event['pid'] == os.getpid()
    assert abs(event['wall_ns'] - wall_ns) < 1_000_000_000


def test_all_the_space_is_taken_at_the_start(tmp_path: Path) -> None:
    with opened(tmp_path / 'guard.log'):
        status = (tmp_path / 'guard.log').stat()
    assert status.st_size == SLOTS * SLOT_BYTES == 4 * 2**20
    assert status.st_blocks * 512 >= status.st_size


def test_the_newest_records_replace_the_oldest(tmp_path: Path) -> None:
    with opened(tmp_path / 'guard.log', slots=9) as log:
        for count in range(1, 12):
            log.write(stop(count))
    found = read(log.path)
    assert list(found.records) == [6, 7, 8, 9, 10, 11]
    assert [record['count'] for record in found.records.values()] == [6, 7, 8, 9, 10, 11]
    assert log.path.stat().st_size == 9 * SLOT_BYTES


def test_a_learner_that_pauses_all_night_pushes_no_stop_out(tmp_path: Path) -> None:
    path = tmp_path / 'guard.log'
    count = 0
    for _ in range(2):  # reopened in between
        with opened(path, slots=17) as log:
            for state in (StopState.STOPPED, StopState.FAULT, *[StopState.HOLD] * 20):
                count += 1
                log.write(stop(count, state=state))
    states = [(number, record['state']) for number, record in read(path).records.items()]
    assert [state for _, state in states if state != StopState.HOLD] == [2, 3, 2, 3]
    assert [number for number, state in states if state == StopState.HOLD] == [41, 42, 43, 44]


def test_a_reopened_log_goes_on_where_the_last_process_ended(tmp_path: Path) -> None:
    path = tmp_path / 'guard.log'
    for _ in range(3):
        with opened(path, slots=8) as log:
            log.write(stop(1))
            log.write(stop(2))
    assert list(read(path).records) == [1, 2, 3, 4, 5, 6]
    assert len(merged([read(path)])) == 6  # six events: counts are those of a process


def test_a_reopened_log_keeps_the_division_it_was_made_with(tmp_path: Path) -> None:
    path = tmp_path / 'guard.log'
    with opened(path, slots=6, slot_bytes=1024) as log:
        log.write(stop(1))
    with opened(path) as log:
        log.write(stop(1))
    assert path.stat().st_size == 6 * 1024
    assert list(read(path).records) == [1, 2]


def test_a_torn_record_is_left_out_and_its_number_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / 'guard.log'
    with opened(path, slots=8) as log:
        for count in (1, 2, 3):
            log.write(stop(count))
    spoil(path, 4)
    found = read(path)
    assert (list(found.records), found.torn) == ([1, 2], 1)
    with opened(path) as log:
        log.write(stop(1, message='after the power came back'))
    found = read(path)
    assert (list(found.records), found.torn) == ([1, 2, 3], 0)
    assert found.records[3]['message'] == 'after the power came back'


def test_an_older_record_that_was_spoiled_costs_that_record_only(tmp_path: Path) -> None:
    path = tmp_path / 'guard.log'
    with opened(path, slots=8) as log:
        for count in (1, 2, 3):
            log.write(stop(count))
    spoil(path, 2)
    with opened(path) as log:
        log.write(stop(1))
    assert list(read(path).records) == [2, 3, 4]


@pytest.mark.parametrize('content', [b'', b'\0' * SLOT_BYTES * 3])
def test_a_file_that_a_killed_process_had_only_just_made_is_used(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / 'guard.log'
    path.write_bytes(content)
    with opened(path, slots=8) as log:
        log.write(stop(1))
    assert list(read(path).records) == [1]
    assert path.stat().st_size == 8 * SLOT_BYTES


def test_a_file_that_was_cut_short_gets_its_space_back(tmp_path: Path) -> None:
    path = tmp_path / 'guard.log'
    with opened(path, slots=8) as log:
        for count in range(1, 7):
            log.write(stop(count))
    os.truncate(path, 4 * SLOT_BYTES)
    with opened(path) as log:
        log.write(stop(1))
    assert list(read(path).records) == [1, 2, 3]
    assert path.stat().st_size == 8 * SLOT_BYTES


def test_a_file_that_is_cut_short_while_in_use_does_not_harm_the_process(tmp_path: Path) -> None:
    with opened(tmp_path / 'guard.log', slots=8) as log:
        log.write(stop(1))
        wait_until(lambda: log.written == 1, 'the first record')
        os.truncate(log.path, 0)
        log.write(stop(2))
        assert log.close()
        assert log.written == 2


def test_an_event_that_cannot_be_recorded_is_said_and_the_next_one_is(tmp_path: Path) -> None:
    said: list[str] = []
    with opened(tmp_path / 'guard.log', slots=8, say=said.append) as log:
        log.write(stop(1, message=None))
        log.write(stop(2))
    assert len(said) == 1
    assert said[0].startswith('an event could not be recorded: TypeError')
    assert [record['count'] for record in read(log.path).records.values()] == [2]


def test_the_end_by_a_defect_is_recorded_beside_the_counted_events(tmp_path: Path) -> None:
    with opened(tmp_path / 'guard.log', slots=8) as log:
        log.write(stop(1))
        log.write(stop(2))
        log.write_failure('a defect')
    assert [event['message'] for event in merged([read(log.path)])] == ['', '', 'a defect']
    assert log.written == 2


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / 'guard.log', source='/guard', slots=8)
    log.write(stop(1))
    assert log.close()
    assert log.close()
    log.write(stop(2))
    assert list(read(log.path).records) == [1]


def test_several_threads_may_write(tmp_path: Path) -> None:
    with opened(tmp_path / 'bridge.log') as log:
        def report(first: int) -> None:
            for count in range(first, first + 100):
                log.write(stop(count))

        threads = [threading.Thread(target=report, args=(first,)) for first in (1, 101, 201)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {record['count'] for record in read(log.path).records.values()} == set(range(1, 301))


def test_a_reader_sees_only_whole_records_while_a_process_writes(tmp_path: Path) -> None:
    with opened(tmp_path / 'guard.log') as log:
        done = threading.Event()

        def report() -> None:
            count = 0
            while not done.is_set():
                if count < log.written + 500:
                    count += 1
                    log.write(stop(count, message='x' * (count % 400)))

        writer = threading.Thread(target=report)
        writer.start()
        try:
            newest = 0
            while newest < 3 * SLOTS:  # the ring has been written all over, twice
                found = read(log.path)
                assert found.torn == 0
                assert all(len(record['message']) == record['count'] % 400
                           for record in found.records.values())
                newest = max(found.records, default=0)
        finally:
            done.set()
            writer.join()


# -- the process ----------------------------------------------------------------------------------

KILLED_IN_WRITING = '''
import sys, time
from rl_bridge.events import StopEvent
from rl_bridge.safety.event_log import EventLog
from rl_bridge.types import StopState
log = EventLog(sys.argv[1], source='/guard')
count = 0
while True:
    count += 1
    log.write(StopEvent(count=count, message='x' * 300, detected_ns=time.monotonic_ns()))
    while log.written < count:
        time.sleep(0)
    print(count, flush=True)
'''


def test_what_was_written_outlives_the_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / 'guard.log'
    for _ in range(3):
        before = max(read(path).records, default=0) if path.exists() else 0
        process = subprocess.Popen(
            [sys.executable, '-c', KILLED_IN_WRITING, str(path)], stdout=subprocess.PIPE,
            text=True, cwd=ROOT)
        assert process.stdout is not None
        for _ in range(50):
            last = int(process.stdout.readline())
        process.kill()
        last = int((process.stdout.read().split() or [str(last)])[-1])
        process.wait()
        found = read(path)
        assert found.torn == 0
        assert max(found.records) >= before + last


# -- the disk -------------------------------------------------------------------------------------

SMALL_DISK = '''
import os, subprocess, sys, time
from pathlib import Path
sys.path.insert(0, 'test')
from test_safety_event_log import *
folder = Path(sys.argv[1])
subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={sys.argv[2]}', 'tmpfs', folder], check=True)
path = folder / 'guard.log'

def fill():
    with (folder / 'filler').open('wb', buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError as error:
            assert error.errno == 28, error
    assert os.statvfs(folder).f_bavail == 0
'''


def on_a_small_disk(folder: Path, size: str, what: str) -> str:
    """Run some code with a small tmpfs of its own on this folder; return what it printed."""
    alone = ['unshare', '--mount'] + ['--map-root-user'] * (os.geteuid() != 0)
    try:
        subprocess.run([*alone, 'mount', '-t', 'tmpfs', 'tmpfs', folder], check=True, timeout=20,
                       capture_output=True)
    except (OSError, subprocess.SubprocessError):
        pytest.skip('no small disk: mount namespaces are not allowed here')
    done = subprocess.run([*alone, sys.executable, '-c', SMALL_DISK + what, str(folder), size],
                          cwd=ROOT, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.fault(
    what='the disk is full when guard or bridge starts',
    seen_by='event log',
    within='at its start, at configure',
    state='it does not start; the sentence has path, bytes and fix',
    client='BridgeUnavailable',
    side='guard',
)
def test_a_full_disk_at_the_start_is_refused_with_bytes_and_fix(tmp_path: Path) -> None:
    said = on_a_small_disk(tmp_path, '1m', '''
try:
    EventLog(path, source='/guard')
except ConfigError as error:
    print(error)
assert not path.exists()
''')
    assert said == (
        f'the event log {tmp_path}/guard.log needs 4,194,304 bytes and 1,048,576 are free there; '
        'make room, or name a place that can be written with the parameter event_log\n')


@pytest.mark.fault(
    what='the disk fills up later',
    seen_by='nobody: the space was taken at the start',
    within='-',
    state='unchanged: stops are recorded',
    client='notices nothing',
    side='guard',
)
def test_a_disk_that_fills_up_later_loses_no_record(tmp_path: Path) -> None:
    said = on_a_small_disk(tmp_path, '5m', '''
said = []
with opened(path, say=said.append) as log:
    log.write(stop(1))
    fill()
    for count in range(2, 3001):
        log.write(stop(count))
        while count % 500 == 0 and log.written < count:
            time.sleep(0.001)
    assert log.close()
found = read(path)
print(min(found.records), max(found.records), len(found.records), found.torn, said)
''')
    assert said == '1465 3000 1536 0 []\n'


@pytest.mark.fault(what='the disk fills up later')
def test_where_space_cannot_be_taken_beforehand_records_wait_for_room(tmp_path: Path) -> None:
    # A hole in the file is what a file system that copies on write makes of every slot.
    said = on_a_small_disk(tmp_path, '1m', '''
event_log.RETRY_S = 0.01
said = []
with opened(path, slots=64, say=said.append) as log:
    subprocess.run(['fallocate', '--punch-hole', '--offset', '4096', '--length', str(60 * 2048),
                    path], check=True)
    fill()
    for count in range(1, 101):
        log.write(stop(count))
    wait_until(lambda: said, 'the sentence')
    (folder / 'filler').unlink()
    wait_until(lambda: max(read(path).records, default=0) >= 64, 'the records')
    assert log.close()
counts = [record['count'] for record in read(path).records.values()]
print(counts == list(range(counts[0], 101)), len(counts), *said, sep='|')
''')
    fine, count, full, again = said.strip().split('|')
    assert (fine, count) == ('True', '48')
    assert full == (f'the event log {tmp_path}/guard.log cannot be written: No space left on '
                    'device; stops work without it, and what cannot be recorded now is when it '
                    'can')
    assert again == f'the event log {tmp_path}/guard.log can be written again'


def test_of_what_waits_for_room_the_oldest_is_lost_first(tmp_path: Path) -> None:
    said = on_a_small_disk(tmp_path, '1m', '''
event_log.RETRY_S, event_log.MOST_WAITING = 0.01, 10
said = []
with opened(path, slots=64, say=said.append) as log:
    subprocess.run(['fallocate', '--punch-hole', '--offset', '4096', '--length', str(60 * 2048),
                    path], check=True)
    fill()
    log.write(stop(1))
    wait_until(lambda: said, 'the sentence')
    for count in range(2, 101):
        log.write(stop(count))
    (folder / 'filler').unlink()
    wait_until(lambda: 100 in [record['count'] for record in read(path).records.values()],
               'the last record')
    assert log.close()
print([record['count'] for record in read(path).records.values()])
''')
    assert said == f'{[1, *range(91, 101)]}\n'


def test_a_close_on_a_disk_that_stays_full_says_that_records_are_missing(tmp_path: Path) -> None:
    said = on_a_small_disk(tmp_path, '1m', '''
with opened(path, slots=64) as log:
    subprocess.run(['fallocate', '--punch-hole', '--offset', '4096', '--length', str(60 * 2048),
                    path], check=True)
    fill()
    for count in range(1, 10):
        log.write(stop(count))
    print(log.close(timeout_s=30.0), log.close(), log.written < 9)
''')
    assert said == 'False False True\n'


# -- the file -------------------------------------------------------------------------------------


def test_a_place_that_cannot_be_written_is_named_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(ConfigError, match=(
        r'file/guard\.log cannot be made: Not a directory; name a place that can be written '
        'with the parameter event_log')):
        EventLog(tmp_path / 'file' / 'guard.log', source='/guard')
    with pytest.raises(ConfigError, match='cannot be made: Is a directory; name a place'):
        EventLog(tmp_path, source='/guard')


def test_a_folder_of_somebody_else_is_named_with_the_fix(tmp_path: Path) -> None:
    closed = tmp_path / 'closed'
    closed.mkdir(mode=0o500)
    nobody = 65534 if os.geteuid() == 0 else os.geteuid()  # root may write anywhere
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    me = os.geteuid()
    os.seteuid(nobody)
    try:
        with pytest.raises(ConfigError, match='cannot be made: Permission denied; name a place'):
            EventLog(closed / 'guard.log', source='/guard')
    finally:
        os.seteuid(me)


def test_another_kind_of_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / 'notes.txt'
    path.write_text('my notes, longer than nothing\n')
    with pytest.raises(ConfigError, match=r'notes\.txt is there already and no event log; name'):
        EventLog(path, source='/guard')
    assert path.read_text() == 'my notes, longer than nothing\n'
    os.mkfifo(tmp_path / 'pipe')
    for special in (tmp_path / 'pipe', Path('/dev/null')):
        with pytest.raises(ConfigError, match='is no regular file; name another'):
            EventLog(special, source='/guard')


def test_a_log_in_use_is_refused_when_it_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / 'guard.log'
    in_use = pytest.raises(ConfigError, match='is in use: another process writes to it; end that')
    with opened(path, slots=8), in_use:
        EventLog(path, source='/guard')
    with opened(path) as log:  # it is free afterwards
        assert log.path == path


def test_by_default_it_is_named_after_the_node_in_the_folder_of_ros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('ROS_HOME', str(tmp_path / 'ros'))
    with opened(source='/cell_3/guard', slots=8) as log:
        assert log.path == tmp_path / 'ros' / 'rl_bridge' / 'events' / 'cell_3_guard.log'
    monkeypatch.delenv('ROS_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    with opened(source='/guard', slots=8) as log:
        assert log.path == tmp_path / '.ros' / 'rl_bridge' / 'events' / 'guard.log'


def test_by_default_a_second_process_of_that_name_writes_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('ROS_HOME', str(tmp_path))
    with opened(slots=8) as first, opened(slots=8) as second:
        assert (first.path.name, second.path.name) == ('guard.log', 'guard-2.log')
        monkeypatch.setattr(event_log, 'MOST_NAMESAKES', 2)
        with pytest.raises(ConfigError, match='2 processes write to the event logs'):
            EventLog(source='/guard')
    with opened() as third:
        assert third.path == first.path
