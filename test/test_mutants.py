# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Each protection is switched off in turn, and the safety suite has to notice.

Three parts of the suite are tried: the simulated worlds, unit tests, and real processes. All of
them pass as long as nothing is switched off.
"""

from __future__ import annotations

import logging
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from guard_rig import GuardRig

from rl_bridge.types import CommandKind

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / 'mutants'), str(HERE.parent)]

from switches import MUTANTS, switched_off  # noqa: E402

from benchmarks.simulation.faults import Fault  # noqa: E402
from benchmarks.simulation.world import History, World  # noqa: E402

NOTHING = ''
#: What goes wrong in the worlds where a protection is needed most.
FAULTS = {
    'de-duplication': 'request replayed',
    'request age': 'requests late',
    'epoch': 'command replayed',
    'NaN': 'defective command',
    'guard': 'client frozen',
}
#: Tests that are about a protection; what they do not notice, they do not test.
UNIT_TESTS = {
    'de-duplication': 'test_session.py',
    'request age': 'test_session.py',
    'epoch': 'test_guard_core.py',
    'NaN': 'test_safety_limits.py',
    'guard': 'test_guard_core.py',
}
SECOND_NS = 10**9
WORLDS = 3
LAUNCH = str(HERE / 'mutants' / 'launch.py')


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The halts of many broken robots are no news."""
    logger = logging.getLogger('rl_bridge')
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)


def world_with(kind: str, seed: int, *, without: str) -> History:
    """Run one world full of one kind of fault, with one protection switched off."""
    dice = random.Random(seed)
    faults = [Fault(i * SECOND_NS // 2, kind, dice.random()) for i in range(1, 31)]
    with switched_off(without):
        return World(seed, faults=faults, span_ns=15 * SECOND_NS).run()


@pytest.mark.parametrize('name', MUTANTS)
def test_the_simulated_worlds_notice_what_is_switched_off(name: str) -> None:
    worlds = (world_with(FAULTS[name], seed, without=name) for seed in range(1, WORLDS + 1))
    assert any(history.violation for history in worlds)


@pytest.mark.parametrize('kind', FAULTS.values())
def test_the_simulated_worlds_are_fine_where_nothing_is_switched_off(kind: str) -> None:
    assert world_with(kind, 1, without=NOTHING).violation == ''


def unit_tests(file: str, without: str) -> int:
    """Run a test file with one protection switched off; return pytest's exit status."""
    words = [sys.executable, LAUNCH, without, 'pytest', '-x', '-q', '-p', 'no:cacheprovider']
    done = subprocess.run([*words, str(HERE / file)], capture_output=True, check=False, cwd=HERE)
    return done.returncode


@pytest.mark.parametrize('name', MUTANTS)
def test_the_unit_tests_notice_what_is_switched_off(name: str) -> None:
    assert unit_tests(UNIT_TESTS[name], name) == pytest.ExitCode.TESTS_FAILED


def test_the_unit_tests_pass_where_nothing_is_switched_off() -> None:
    assert unit_tests('test_safety_limits.py', NOTHING) == pytest.ExitCode.OK


def stopped_in_time(rig: GuardRig) -> bool:
    """A client that falls silent: is the robot told to rest?"""
    rig.drive(0.5, 0.0)
    rig.target = None
    rig.sleep_until(rig.last_move_ns + 600_000_000)
    return not any(rig.outputs[-1][1])


def refused_old_epoch(rig: GuardRig) -> bool:
    """A command of an epoch that is over: does the robot stay at rest?"""
    rig.begin(7)
    rig.begin(8)
    sequence = rig.send(CommandKind.MOVE, [0.5, 0.0], epoch=7)
    rig.send(CommandKind.HOLD)
    rig.wait(lambda: rig.status.sequence > sequence, 'HOLD was not taken')
    return not rig.moves and rig.status.rejected > 0


def refused_nan(rig: GuardRig) -> bool:
    """A command with NaN: is everything that is published finite, and is it told?"""
    rig.drive(0.5, 0.0)
    rig.target = None
    rig.send(CommandKind.MOVE, [0.5, math.nan])
    rig.sleep_until(rig.last_move_ns + 300_000_000)
    alive = rig.process.poll() is None
    finite = all(math.isfinite(value) for _, output in rig.outputs for value in output)
    return alive and finite and 'nan' in rig.status.stop.message


PROCESSES = {'guard': stopped_in_time, 'epoch': refused_old_epoch, 'NaN': refused_nan}


@pytest.mark.parametrize('name', PROCESSES)
def test_a_real_guard_process_shows_what_is_switched_off(name: str, tmp_path: Path) -> None:
    program = (LAUNCH, name, 'rl_bridge.safety.guard_node')
    with GuardRig(tmp_path, program=program) as rig:
        assert not PROCESSES[name](rig)


def test_a_real_guard_process_keeps_them_all_otherwise(tmp_path: Path) -> None:
    program = (LAUNCH, NOTHING, 'rl_bridge.safety.guard_node')
    with GuardRig(tmp_path, program=program) as rig:
        for holds in PROCESSES.values():
            assert holds(rig)
            rig.calm()
