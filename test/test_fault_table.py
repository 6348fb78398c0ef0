# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""docs/safety.md names for every fault the test that proves what happens: fault_table.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fault_table
import pytest
from fault_table import (
    BEGIN,
    END,
    Fault,
    FaultError,
    Mark,
    marks_of,
    measured,
    rows_of,
    table,
    with_table,
)

ROW = {
    'what': 'client killed', 'seen_by': 'guard: authority', 'within': '150 ms', 'side': 'client',
    'state': 'HOLD, AUTHORITY_EXPIRED', 'client': 'is gone; BridgeStopped for the next one'}
TESTS = f'''
import pytest

print('said while it is imported')

@pytest.mark.parametrize('number', [
    1, pytest.param(2, marks=pytest.mark.fault(what='client killed'))])
def test_a_number(number):
    pass

@pytest.mark.fault(**{ROW!r})
@pytest.mark.parametrize('number', [1, 2])
def test_a_killed_client(number):
    pass

@pytest.mark.fault(
    what='lights | out', seen_by='nobody', within='-', side='guard', state='none', client='-')
@pytest.mark.skipif(True, reason='collected all the same')
def test_the_dark():
    pass
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'test_a.py').write_text(TESTS)
    return tmp_path


@pytest.fixture(scope='module')
def rows() -> list[Fault]:
    """Those of the tests that there are."""
    pytest.importorskip('rclpy', reason='tests of the rows need ROS 2')
    return rows_of(marks_of(fault_table.TESTS))


def mark(number: int = 1, **said: Any) -> Mark:
    return Mark(said, f'test_a.py::test_{number}', f'test_a.py:{number}')


def test_the_page_has_the_table_of_the_tests(rows: list[Fault]) -> None:
    page = fault_table.PAGE.read_text(encoding='utf-8')
    assert page == with_table(page, table(rows, measured())), 'run python test/fault_table.py'


def test_every_fault_that_is_measured_has_a_row(rows: list[Fault]) -> None:
    from benchmarks.rig.kinds import KINDS

    assert {kind.what for kind in KINDS.values()} - {row.said['what'] for row in rows} == set()


def test_rows_come_from_the_markers_with_every_test_that_proves_them(folder: Path) -> None:
    first, second = rows_of(marks_of(folder))
    assert first.said == ROW
    assert first.tests == ['test_a.py::test_a_killed_client', 'test_a.py::test_a_number[2]']
    assert second.tests == ['test_a.py::test_the_dark']


def test_tests_that_cannot_be_collected_are_named(folder: Path) -> None:
    (folder / 'test_b.py').write_text('import no_such_module')
    with pytest.raises(FaultError, match=r'cannot be collected: (?s:.*)no_such_module'):
        marks_of(folder)


def test_the_table_shows_rows_by_side_with_measurements_and_tests() -> None:
    dark = {**dict.fromkeys(ROW, '-'), 'what': 'lights | out', 'side': 'guard'}
    faults = rows_of([mark(1, **dark), mark(2, what='client killed'), mark(3, **ROW)])
    lines = table(faults, {'client killed': '120 / 158 / 163'}).splitlines()
    assert [line for line in lines if line.startswith('#')] == ['### The client', '### The guard']
    assert ('| client killed | guard: authority | 150 ms | HOLD, AUTHORITY_EXPIRED | is gone; '
            'BridgeStopped for the next one | 120 / 158 / 163 | 1 |') in lines
    assert '| lights \\| out | - | - | - | - |  | 2 |' in lines
    assert lines.index('- 1: [test_a.py](../test/test_a.py), `test_3`') < lines.index(
        '- 1: [test_a.py](../test/test_a.py), `test_2`')


def test_a_long_name_gets_a_line_of_its_own() -> None:
    assert fault_table.proof(1, f'test_a.py::test_{"x" * 100}').splitlines()[1].startswith('  `')


@pytest.mark.parametrize(('said', 'why'), [
    ({'what': ' '}, 'or what alone: client, seen_by, side, state, within'),
    ({'seen_by': 'b'}, 'or what alone: client, side, state, what, within'),
    ({**ROW, 'who': 'x'}, 'or what alone: who'),
    ({**ROW, 'within': ''}, 'or what alone: an argument without name or text'),
    ({'what': 'a'}, "no marker has a whole row 'a'"),
    ({**ROW, 'side': 'moon'}, "side 'moon' is none of client, link"),
    ({**ROW, 'state': 'HOLD, STATE_SLOW'}, 'there is no state or reason STATE_SLOW'),
    ({**ROW, 'client': 'LostSession'}, 'there is no error LostSession'),
    ({**ROW, 'within': '160 ms'}, "test_a.py:1 say different things of 'client killed'"),
])  # fmt: skip
def test_a_marker_that_cannot_be_used_is_named(said: dict[str, str], why: str) -> None:
    with pytest.raises(FaultError, match=re.escape(why)) as refused:
        rows_of([mark(1, **ROW), mark(7, **said)])
    assert 'test_a.py:7' in str(refused.value)


def test_a_marker_without_names_is_refused() -> None:
    with pytest.raises(FaultError, match='an argument without name or text'):
        rows_of([Mark(dict(ROW), 'test_a.py::test_1', 'test_a.py:1', positional=1)])


def test_measurements_come_from_the_published_run_where_it_has_them(tmp_path: Path) -> None:
    file = tmp_path / 'faults.json'
    assert measured(file) == {}
    file.write_text(json.dumps({'rows': [
        {'label': 'client killed', 'p50 ms': 120.2, 'p99 ms': 158.4, 'max ms': 163},
        {'label': 'takeover', 'p50 ms': 2.0, 'p99 ms': None, 'max ms': 3.0},
        {'label': 'left out', 'why': 'no root'}]}))
    assert measured(file) == {'client killed': '120 / 158 / 163'}


@pytest.mark.parametrize(('page', 'lacking'), [(f'x {END}', BEGIN), (f'{BEGIN} x', END)])
def test_a_page_without_the_marks_is_not_touched(page: str, lacking: str) -> None:
    with pytest.raises(FaultError, match=lacking):
        with_table(page, 'new')


def test_the_command_rewrites_what_stands_between_the_marks(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = folder / 'safety.md'
    page.write_text(f'# Safety\n\n{BEGIN}\nold\n{END}\n\nmore\n')
    where = {'file': page, 'folder': folder, 'results': folder / 'none.json'}
    assert fault_table.rewrite(**where) == 0
    assert capsys.readouterr().out == f'{page}: 2 faults, rewritten\n'
    text = page.read_text()
    assert text.startswith(f'# Safety\n\n{BEGIN}\n\n### The client\n')
    assert text.endswith(f'\n\n{END}\n\nmore\n')
    assert '\nold\n' not in text
    assert fault_table.rewrite(**where) == 0
    assert capsys.readouterr().out == f'{page}: 2 faults, unchanged\n'
    page.write_text('no marks')
    assert fault_table.rewrite(**where) == 1
    assert 'the page lacks the line' in capsys.readouterr().err
    assert page.read_text() == 'no marks'
