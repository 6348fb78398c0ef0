# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A log whose reader stalls, vanishes or is flooded, and never stalls the writer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from rl_bridge.safety.bounded_log import MOST_CHARACTERS, PERIOD_NS, BoundedLog


class Pipe:
    """A pipe that blocks its writer when it is full, like the stderr of a started process."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def write(self, text: str) -> None:
        os.write(self.writer, f'{text}\n'.encode())

    def read(self) -> str:
        return os.read(self.reader, 1 << 20).decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    for end in (pipe.reader, pipe.writer):
        with contextlib.suppress(OSError):  # the test closed it
            os.close(end)


def test_an_entry_is_written(pipe: Pipe) -> None:
    BoundedLog({'info': pipe.write}, pipe.writer).say('info', 'all is well')
    assert pipe.read() == 'all is well\n'


def test_a_reader_that_stalls_does_not_stall_the_writer(pipe: Pipe) -> None:
    log = BoundedLog({'info': pipe.write}, pipe.writer)
    for i in range(1000):
        log.say('info', f'{i:04d}' + 'x' * 200)
    written = pipe.read().splitlines()
    assert 0 < len(written) < 1000
    log.say('info', 'on again')
    left_out = 1000 - len(written)
    assert pipe.read() == f'({left_out} entries before this one could not be written) on again\n'


def test_a_reader_that_is_gone_is_no_reason_to_fail(pipe: Pipe) -> None:
    log = BoundedLog({'info': pipe.write}, pipe.writer)
    os.close(pipe.reader)
    log.say('info', 'nobody listens')


def test_a_log_that_fails_is_counted_and_no_reason_to_fail(pipe: Pipe) -> None:
    def fail(text: str) -> None:
        raise OSError('no space left on device')

    log = BoundedLog({'error': fail, 'info': pipe.write}, pipe.writer)
    log.say('error', 'lost')
    log.say('info', 'kept')
    assert pipe.read() == '(1 entries before this one could not be written) kept\n'


def test_a_long_entry_is_cut_to_what_a_pipe_takes_at_once(pipe: Pipe) -> None:
    BoundedLog({'info': pipe.write}, pipe.writer).say('info', 'ä' * 5000)
    assert len(pipe.read()) == MOST_CHARACTERS + 1


def test_a_cause_that_repeats_is_written_once_a_second(pipe: Pipe) -> None:
    log = BoundedLog({'info': pipe.write}, pipe.writer)
    for i in range(100):
        log.say_rarely('info', 'epoch', f'epoch {i}', i * PERIOD_NS // 50)
        log.say_rarely('info', 'age', f'age {i}', i * PERIOD_NS // 50)
    assert pipe.read().split('\n')[:-1] == ['epoch 0', 'age 0', 'epoch 50', 'age 50']
