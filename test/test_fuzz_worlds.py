# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The simulated worlds: a few of them, and the tools that explain a violation."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.simulation.faults import KINDS, Fault, draw
from benchmarks.simulation.kernel import MS, Killed, Process, S, Simulation
from benchmarks.simulation.shrink import kind_of, shortest
from benchmarks.simulation.world import History, World


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The halts of many broken robots are no news."""
    logger = logging.getLogger('rl_bridge')
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)


@pytest.mark.parametrize('seed', range(101, 105))
def test_a_world_full_of_faults_violates_nothing(seed: int) -> None:
    history = World(seed).run()
    assert history.violation == '', '\n'.join(history.trace[-40:])
    assert history.seen['applied'] > 50


def test_one_seed_gives_one_history() -> None:
    first, second = World(200, span_ns=10 * S).run(), World(200, span_ns=10 * S).run()
    assert first.trace == second.trace
    assert first.seen == second.seen


def test_all_kinds_of_faults_are_drawn() -> None:
    faults = draw(1, span_ns=1000 * S, every_ns=400 * MS)
    assert {fault.kind for fault in faults} == set(KINDS)
    assert [fault.at_ns for fault in faults] == sorted(fault.at_ns for fault in faults)


def test_a_violation_is_told_with_no_more_faults_than_it_needs() -> None:
    needed = {3, 17}

    def play(faults: Sequence[Fault]) -> History:
        there = needed <= {fault.at_ns for fault in faults}
        return History(1, 'step 7 of ann moved' if there else '', Counter(), list(faults))

    found = play([Fault(i, 'halt', 0.5) for i in range(40)])
    assert {fault.at_ns for fault in shortest(found, play=play).faults} == needed


def test_violations_are_of_one_kind_whatever_their_numbers_and_names() -> None:
    assert kind_of('step 7 of ann: epoch 0x1f') == kind_of('step 12 of bob: epoch 0x2')
    assert kind_of('step 7 of ann') != kind_of('reset 7 of ann')


def test_a_frozen_process_wakes_late_and_a_dead_one_never() -> None:
    world, process = Simulation(1), Process('somebody')
    begin_ns = world.now_ns
    process.frozen_until_ns = begin_ns + 500 * MS
    world.sleep(0.1, process)
    assert world.now_ns == begin_ns + 500 * MS
    process.alive = False
    with pytest.raises(Killed):
        world.sleep(0.1, process)
