# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the figures loss and takeover count is found when it is there, fault by fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rl_bridge_interfaces.msg', reason='rl_bridge_interfaces is not built')


from benchmarks import loss
from benchmarks.figure import Figure
from benchmarks.loss import Outcome
from benchmarks.network.far_side import Journal
from benchmarks.network.numbered_env import Numbered
from benchmarks.network.robot_side import report
from benchmarks.rig.oracle import CommandRecord, OutputRecord, Recording, StatusRecord
from rl_bridge.types import CommandKind, StopReason, StopState

MS = 1_000_000


def command(number: int, kind: CommandKind, *, epoch: int = 1, step: int = 0) -> CommandRecord:
    return CommandRecord(
        arrived_ns=number * 40 * MS, kind=kind, bridge_id='bridge', epoch=epoch, step=step,
        sequence=number, values=(0.1, 0.1), authority_ns=150 * MS, stamp_ns=number * 40 * MS,
    )  # fmt: skip


def status(number: int, state: StopState, reason: StopReason = StopReason.NONE) -> StatusRecord:
    at_ns = number * 40 * MS
    return StatusRecord(at_ns, at_ns, 'guard', 'bridge', 1, number, state, reason,
                        detected_ns=at_ns if state else 0)  # fmt: skip


def test_a_run_without_faults_counts_its_steps_and_epochs_and_nothing_else() -> None:
    recording = Recording(
        commands=[
            command(1, CommandKind.BEGIN),
            command(2, CommandKind.MOVE, step=1),
            command(3, CommandKind.MOVE, step=2),
            command(4, CommandKind.HALT),
            command(5, CommandKind.BEGIN, epoch=2),
        ],
        outputs=[OutputRecord(2 * 40 * MS + MS, (0.1, 0.1))],
        statuses=[
            status(0, StopState.HOLD, StopReason.IDLE),
            status(1, StopState.RUNNING),
            status(4, StopState.STOPPED, StopReason.TAKEOVER),
        ],
    )
    assert report(recording) == {
        'commands': 5, 'steps': 2, 'twice': 0, 'epochs': 2, 'fenced': 0, 'holds': 0,
        'latched': {}, 'violations': [],
    }  # fmt: skip


def test_a_step_made_twice_is_counted_and_violates_an_invariant() -> None:
    moves = [command(2, CommandKind.MOVE, step=1), command(3, CommandKind.MOVE, step=1)]
    found = report(Recording(commands=[command(1, CommandKind.BEGIN), *moves]))
    assert (found['steps'], found['twice']) == (1, 1)
    assert len(found['violations']) == 1


def test_a_command_of_a_fenced_epoch_is_counted_and_violates_an_invariant() -> None:
    found = report(Recording(commands=[
        command(1, CommandKind.BEGIN),
        command(2, CommandKind.BEGIN, epoch=2),
        command(3, CommandKind.MOVE, epoch=1, step=1),
    ]))  # fmt: skip
    assert found['fenced'] == 1
    assert len(found['violations']) == 1


def test_holds_and_false_stops_are_told_apart() -> None:
    found = report(Recording(statuses=[
        status(1, StopState.HOLD, StopReason.AUTHORITY_EXPIRED),
        status(2, StopState.RUNNING),
        status(3, StopState.STOPPED, StopReason.STATE_STALE),
        status(4, StopState.STOPPED, StopReason.CLIENT_CLOSED),
    ]))  # fmt: skip
    assert found['holds'] == 1
    assert found['latched'] == {'STATE_STALE': 1}


def test_the_journal_tells_how_often_each_step_was_made(tmp_path: Path) -> None:
    journal = Journal(tmp_path / 'journal')
    assert journal.made() == {}
    env = Numbered(str(journal.path))
    env.reset()
    for number in (1, 2, 2, 3):
        observation = env.step(np.array([float(number)]))[0]
    env.close()
    assert observation.tolist() == [3.0, 4.0]
    assert journal.made() == {1: 1, 2: 2, 3: 1}
    assert journal.made(3) == {3: 1}


def outcome(longest_ms: float = 50.0) -> Outcome:
    return Outcome(
        steps_ns=[(0, 2 * MS), (10 * MS, int(longest_ms * MS)), (900 * MS, 800 * MS)],
        stalled=[False, False, True], asked=3, made=3)  # fmt: skip


def verdicts(found: Outcome, part: float, folder: Path) -> dict[str, bool]:
    figure = Figure('loss', full=False, results=folder)
    loss.judge(figure, {('lock-step', part): found})
    return {bound['bound']: bound['holds'] for bound in figure.result()['bounds']}


def test_the_longest_step_is_that_outside_of_the_machines_stalls(tmp_path: Path) -> None:
    assert outcome().times_ms().max() == 50.0
    assert outcome().times_ms(stalled=True).max() == 800.0
    assert all(verdicts(outcome(), 0.05, tmp_path).values())


@pytest.mark.parametrize('part, longest_ms', [(0.05, 101.0), (0.2, 251.0)])
def test_a_step_over_the_bound_misses_it(part: float, longest_ms: float, tmp_path: Path) -> None:
    missed = [text for text, holds in verdicts(outcome(longest_ms), part, tmp_path).items()
              if not holds]  # fmt: skip
    assert len(missed) == 1 and 'longest step' in missed[0]


@pytest.mark.parametrize('change, text', [
    ({'twice': 1}, 'made twice'), ({'wrong': 1}, 'without their answer'),
    ({'asked': 4}, 'without their answer'),
])  # fmt: skip
def test_a_step_twice_or_without_its_answer_misses_its_bound(
    change: dict[str, int], text: str, tmp_path: Path
) -> None:
    found = outcome()
    for name, value in change.items():
        setattr(found, name, value)
    missed = [bound for bound, holds in verdicts(found, 0.05, tmp_path).items() if not holds]
    assert len(missed) == 1 and text in missed[0]
