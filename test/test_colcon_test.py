# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What `make test` says and what it finds left behind: colcon_test.py and shared_memory.py."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import colcon_test
import pytest
import shared_memory

HOLDER = '''
import sys, time
with open(sys.argv[1], 'w') as held:
    print('held', flush=True)
    time.sleep(600)
'''


@pytest.fixture
def file() -> Iterator[Path]:
    """A name in /dev/shm, removed afterwards."""
    path = shared_memory.SHARED_MEMORY / f'rl_bridge_test_{uuid.uuid4().hex}'
    yield path
    path.unlink(missing_ok=True)


def holder(file: Path, *, mark: str = '') -> subprocess.Popen[str]:
    """A process that keeps the file open, and is known to have it open."""
    process = subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(file)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, colcon_test.MARK: mark})
    assert process.stdout is not None
    assert process.stdout.readline() == 'held\n'
    return process


def test_a_file_counts_as_used_while_its_process_lives(file: Path) -> None:
    process = holder(file)
    assert file.name in shared_memory.own()
    assert file.name in shared_memory.used_by(process.pid)
    assert shared_memory.unused({file.name}) == set()
    process.kill()
    process.communicate()
    assert shared_memory.unused({file.name}) == {file.name}


def test_what_a_killed_process_used_is_noted_and_swept(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(shared_memory.NOTES, str(tmp_path / 'notes'))
    process = holder(file)
    shared_memory.kill(process)
    process.communicate()
    noted = set((tmp_path / 'notes').read_text().split())
    assert file.name in noted & shared_memory.USED_BY_THE_KILLED
    shared_memory.sweep({file.name})
    assert not file.exists()


def test_a_process_the_tests_left_is_named_and_ended(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(colcon_test, 'PATIENCE_S', 0.0)
    mark = uuid.uuid4().hex
    process = holder(file, mark=mark)
    assert list(colcon_test.marked_processes(mark)) == [process.pid]
    (said,) = colcon_test.end_left_processes(mark)
    process.communicate(timeout=10)
    assert said.startswith(f'process {process.pid}: ')
    assert colcon_test.end_left_processes(mark) == []


def test_the_tests_of_both_packages_are_counted(tmp_path: Path) -> None:
    python, interfaces = tmp_path / 'rl_bridge', tmp_path / 'rl_bridge_interfaces/test_results/x'
    for folder in (python, interfaces):
        folder.mkdir(parents=True)
    (python / 'pytest.xml').write_text(
        '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>')
    (interfaces / 'lint.xml').write_text('<testsuite tests="3" failures="0" errors="0"/>')
    total = colcon_test.count(tmp_path)
    assert total == {'tests': 10, 'failures': 1, 'errors': 1, 'skipped': 2}
    assert ' 2 failed, 6 passed, 2 skipped in 1.5s ' in colcon_test.closing_line(total, 1.5)


def test_a_clean_run_names_no_failures() -> None:
    total = {'tests': 5, 'failures': 0, 'errors': 0, 'skipped': 0}
    assert colcon_test.closing_line(total, 2.0).strip('=') == ' 5 passed in 2.0s '
