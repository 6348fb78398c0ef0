# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What every `make figure` prints, writes and returns: benchmarks/figure.py."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.figure import RESULTS, Figure, machine, parse, plain, shown


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_a_figure_within_its_bounds_writes_tables_json_and_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = Figure('loss', full=True, results=tmp_path)
    figure.row('5 % [each way]', {'p99 ms': np.float64(37.25), 'twice': np.int64(0)})
    figure.row('20 %', {'p99 ms': 120_000.0, 'steps': 100_000}, table='plain rclpy')
    assert figure.bound('Step at 5 %, max ms', 61.0, 100.0, holds=True)
    figure.note('no network namespaces [here]')
    drawn: list[Any] = []
    figure.plot(lambda axes: drawn.append(axes.plot([1, 2], [3, 4])))
    figure.plot(lambda axes: drawn.append(axes.set_title('second')))
    assert figure.finish() == 0
    result = read(tmp_path / 'loss.json')
    assert result['rows'] == [{'label': '5 % [each way]', 'p99 ms': 37.25, 'twice': 0}]
    assert list(result['tables']) == ['plain rclpy']
    assert result['bounds'] == [
        {'bound': 'Step at 5 %, max ms', 'measured': 61.0, 'limit': 100.0, 'holds': True}]
    assert result['full'] is True
    assert (tmp_path / 'loss.png').read_bytes().startswith(b'\x89PNG')
    assert len(drawn) == 2
    said = capsys.readouterr().out
    for text in ('loss (full)', '5 % [each way]', '37.25', '120,000', '100,000', 'plain rclpy',
                 'no network namespaces [here]', str(tmp_path / 'loss.json')):  # fmt: skip
        assert text in said
    assert 'MISSED' not in said


def test_a_missed_bound_is_said_and_is_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = Figure('faults', full=False, results=tmp_path)
    figure.bound('client killed, max ms', 160.0, 175.0, holds=True)
    assert not figure.bound('bridge killed, max ms', 80.0, 75.0, holds=False)
    assert figure.finish() == 1
    assert 'MISSED' in capsys.readouterr().out
    assert read(tmp_path / 'quick' / 'faults.json')['full'] is False
    assert not (tmp_path / 'quick' / 'faults.png').exists()


def test_quick_results_go_where_git_does_not_look() -> None:
    assert Figure('loss', full=False).folder == RESULTS / 'quick'
    assert Figure('loss', full=True).folder == RESULTS
    assert shown(RESULTS / 'quick') == 'benchmarks/results/quick'


def test_a_figure_without_bounds_is_none(tmp_path: Path) -> None:
    figure = Figure('loss', full=True, results=tmp_path)
    figure.row('5 %', {'max ms': 3.0})
    with pytest.raises(ValueError, match='no bound was checked'):
        figure.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_label_stands_once_in_a_table(tmp_path: Path) -> None:
    figure = Figure('loss', full=True, results=tmp_path)
    figure.row('5 %', {'max ms': 3.0})
    figure.row('5 %', {'max ms': 4.0}, table='another')
    with pytest.raises(ValueError, match="has a row '5 %' already"):
        figure.row('5 %', {'max ms': 5.0})


@pytest.mark.parametrize('value', [math.nan, math.inf, np.float64('-inf'), None])
def test_what_was_not_measured_is_none(value: object) -> None:
    assert plain(value) is None


@pytest.mark.parametrize(('value', 'kept'), [
    (np.int32(3), 3), (np.bool_(True), True), (0.5, 0.5), ('text', 'text'), (False, False)])
def test_scalars_are_kept(value: object, kept: object) -> None:
    assert plain(value) == kept
    assert type(plain(value)) is type(kept)


@pytest.mark.parametrize('value', [[1, 2], {'a': 1}, object()])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match='a figure holds numbers'):
        plain(value)


def test_the_machine_is_named() -> None:
    here = machine()
    assert list(here) == [
        'cpu', 'cores', 'kernel', 'python', 'ros', 'commit', 'date', 'load_before']
    assert here['cpu'] and here['cores'] >= 1
    assert here['date'].endswith('+00:00')


def test_the_command_line_asks_for_the_full_run() -> None:
    full, options = parse(
        'loss', add=lambda parser: parser.add_argument('--steps', type=int, default=5),
        arguments=['--full', '--steps', '7'])
    assert full
    assert options.steps == 7
    assert parse('loss', arguments=[])[0] is False


def test_an_unknown_option_ends_with_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse('loss', arguments=['--fulll=1'])
    assert ended.value.code == 2
    assert 'python -m benchmarks.loss' in capsys.readouterr().err
