# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Writes stops and recoveries to a file of fixed size without ever waiting for a disk.

Who reports an event only puts it into a queue. One thread writes what is queued into the page
cache, where it survives the end of the process; a second one has the disk keep it. A mapped file
would do without the first thread, but storing to it waits while its page is on the way to a busy
disk, and kills the process (SIGBUS) where the file was cut short: neither is for a guard.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from rl_bridge.errors import ConfigError
from rl_bridge.events import (
    ENDING,
    SLOT_BYTES,
    SLOTS,
    StopEvent,
    as_fields,
    division,
    folder,
    header,
    pack,
    unpack,
)
from rl_bridge.types import StopReason, StopState

#: Between two attempts to write to a file that cannot be written now.
RETRY_S = 1.0
#: Records kept in memory while nothing can be written.
MOST_WAITING = SLOTS
#: One slot of so many is for HOLDs, so that a learner that pauses all night pushes nothing out.
HOLDS_PART = 4
#: Logs of one node's name in use at once: in several ROS domains of this machine, say.
MOST_NAMESAKES = 99

Entry = tuple[StopEvent, int]  # an event and the wall clock less the monotonic one, ns


class EventLog:
    """
    The event log of one process; any of its threads may write.

    Open it after the process has set its scheduling: the threads inherit it, and one that holds
    Python's lock at a lower priority would keep the others waiting.

    :param path: the file; made with all of its space taken where there is none. Empty: in
        ``folder()``, named after the node, or beside that where another process writes to it.
    :param source: full name of the node that reports, '/guard' say.
    :param say: called, by a thread of this log's, with one sentence when the file cannot be
        written and when it can be again.
    :param slots: of a new file, the first of them for its description.
    :raises ConfigError: the file cannot be made, has no space, is in use, or is no event log.
    """

    def __init__(
        self,
        path: str | Path = '',
        *,
        source: str,
        say: Callable[[str], object] | None = None,
        slots: int = SLOTS,
        slot_bytes: int = SLOT_BYTES,
    ) -> None:
        self._say = say or (lambda text: None)
        self._about = {'source': source, 'run': secrets.token_hex(6), 'pid': os.getpid()}
        self.path, self._file = _open(path, source)
        try:
            slots, self._slot_bytes = _divide(self.path, self._file, slots, slot_bytes)
            self._holds, self._others = _rings(self._file, slots, self._slot_bytes)
            self._number = max(self._holds.newest, self._others.newest)
        except BaseException:
            os.close(self._file)
            raise
        self._written = 0
        self._highest = 0  # count of an event in the file
        self._failing: set[str] = set()
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._unsynced: SimpleQueue[bool] = SimpleQueue()
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._write_all, name='event writer', daemon=True),
            threading.Thread(target=self._sync_all, name='event sync', daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def written(self) -> int:
        """How many events of this process are in the file, each counted once."""
        return self._written

    def write(self, event: StopEvent) -> None:
        """Record an event, or what more is known of one. Never waits for anything."""
        if self._queue.qsize() >= MOST_WAITING:  # as in the file, the oldest is lost first
            with suppress(Empty):
                self._queue.get_nowait()
        self._queue.put((event, time.time_ns() - time.monotonic_ns()))

    def write_failure(self, message: str) -> None:
        """Record that the process ends by a defect of its own, which has no count."""
        now_ns = time.monotonic_ns()
        self.write(
            StopEvent(
                count=0,
                state=StopState.FAULT,
                reason=StopReason.SHUTDOWN,
                message=message,
                detected_ns=now_ns,
                commanded_ns=now_ns,
            )
        )

    def close(self, *, timeout_s: float = 2.0) -> bool:
        """
        Write what is left and let go of the file; idempotent.

        :param timeout_s: a disk that takes longer is left alone.
        :returns: whether all of it is on the disk.
        """
        if self._file < 0:
            return not self._failing
        self._ending.set()
        self._queue.put(None)
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                return False
        os.close(self._file)
        self._file = -1
        return not self._failing

    def _write_all(self) -> None:
        """Write until the end of the queue; a write that fails is tried again till it does not."""
        while (entry := self._queue.get()) is not None:
            while not self._attempt('written', self._put, *entry):
                if self._ending.is_set():
                    break
                self._ending.wait(RETRY_S)
            self._unsynced.put(True)
        self._unsynced.put(False)

    def _sync_all(self) -> None:
        while self._unsynced.get():
            self._attempt('kept on disk', os.fdatasync, self._file)

    def _put(self, event: StopEvent, offset_ns: int) -> None:
        record = {**self._about, 'wall_ns': event.detected_ns + offset_ns, **as_fields(event)}
        number = self._number + 1
        slot = pack(number, record, self._slot_bytes)
        ring = self._holds if event.state == StopState.HOLD else self._others
        if os.pwrite(self._file, slot, ring.next * self._slot_bytes) < len(slot):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        ring.written(number, ring.next)
        self._number = number
        if event.count > self._highest:
            self._highest = event.count
            self._written += 1

    def _attempt(self, done: str, work: Callable[..., object], *arguments: object) -> bool:
        """Do it and return whether it need not be done again; say when that changes."""
        try:
            work(*arguments)
        except OSError as error:
            if done not in self._failing:
                self._failing.add(done)
                self._say(
                    f'the event log {self.path} cannot be {done}: {error.strerror}; stops work '
                    'without it, and what cannot be recorded now is when it can'
                )
            return False
        except Exception as error:  # a record that cannot be made; the next one may be
            self._say(f'an event could not be recorded: {error!r}')
            return True
        if done in self._failing:
            self._failing.remove(done)
            self._say(f'the event log {self.path} can be {done} again')
        return True


class _InUse(ConfigError):
    """Another process writes to this file."""


def _open(path: str | Path, source: str) -> tuple[Path, int]:
    """Open the file, or the first of the default ones that nobody uses, and lock it."""
    if path:
        chosen = Path(path).expanduser()
        return chosen, _lock(chosen)
    name = source.strip('/').replace('/', '_') or 'node'
    for number in range(1, MOST_NAMESAKES + 1):
        chosen = folder() / (f'{name}{ENDING}' if number == 1 else f'{name}-{number}{ENDING}')
        with suppress(_InUse):
            return chosen, _lock(chosen)
    raise ConfigError(
        f'{MOST_NAMESAKES} processes write to the event logs {folder() / name}*{ENDING}; '
        'name another file with the parameter event_log'
    )


def _lock(path: Path) -> int:
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise _cannot(path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise ConfigError(
                f'the event log {path} is no regular file; name another with the parameter '
                'event_log'
            )
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise _InUse(
            f'the event log {path} is in use: another process writes to it; end that one, or '
            'name another file with the parameter event_log'
        ) from error
    except BaseException:
        os.close(file)
        raise
    return file


def _divide(path: Path, file: int, slots: int, slot_bytes: int) -> tuple[int, int]:
    """Describe a new file in its first slot, take all of its space, return slots and size."""
    start = os.pread(file, slot_bytes, 0)
    new = not start.strip(b'\0')
    if not new:
        found = division(start)
        if found is None:
            raise ConfigError(
                f'{path} is there already and no event log; name another file with the parameter '
                'event_log'
            )
        slots, slot_bytes = found
    size = slots * slot_bytes
    try:
        os.posix_fallocate(file, 0, size)
        if new:
            os.pwrite(file, header(slots, slot_bytes), 0)
        os.fdatasync(file)
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)  # so that the file's name is kept too
        finally:
            os.close(parent)
    except OSError as error:
        if new:
            with suppress(OSError):
                path.unlink()
        raise _cannot(path, error, size) from error
    return slots, slot_bytes


@dataclass(slots=True)
class _Ring:
    """
    Slots that are written in turn.

    :param newest: number of the newest record in them.
    """

    first: int
    last: int
    next: int
    newest: int = 0

    def written(self, number: int, place: int) -> None:
        """Go on after this slot if it holds the newest record."""
        if number > self.newest:
            self.newest = number
            self.next = place + 1 if place < self.last else self.first


def _rings(file: int, slots: int, slot_bytes: int) -> tuple[_Ring, _Ring]:
    """Return where the next HOLD goes, and where any other event; a torn slot is used again."""
    holds = (slots - 1) // HOLDS_PART
    rings = (_Ring(1, holds, 1), _Ring(holds + 1, slots - 1, holds + 1))
    content = os.pread(file, slots * slot_bytes, 0)
    for place in range(1, len(content) // slot_bytes):
        with suppress(ValueError):
            entry = unpack(content[place * slot_bytes : (place + 1) * slot_bytes])
            if entry is not None:
                rings[place > holds].written(entry[0], place)
    return rings


def _cannot(path: Path, error: OSError, size: int = 0) -> ConfigError:
    fix = 'name a place that can be written with the parameter event_log'
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        usage = os.statvfs(path.parent)
        return ConfigError(
            f'the event log {path} needs {size:,} bytes and {usage.f_bavail * usage.f_frsize:,} '
            f'are free there; make room, or {fix}'
        )
    return ConfigError(f'the event log {path} cannot be made: {error.strerror}; {fix}')
