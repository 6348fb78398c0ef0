# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""docs/safety.md names for every fault the test that proves what happens: fault_table.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import fault_table
import pytest
from fault_table import BEGIN, END, FaultError, collect, measured, table, with_table

WHOLE = '''
import pytest

@pytest.mark.fault(
    what='client killed', seen_by='guard: authority', within='150 ms', side='client',
    state='HOLD, AUTHORITY_EXPIRED', client='is gone')
def test_a_killed_client_ends_in_hold():
    pass
'''
MORE = '''
import pytest

@pytest.mark.parametrize('number', [
    1, pytest.param(2, marks=pytest.mark.fault(what='client killed'))])
def test_it_holds_twice(number):
    pass

@pytest.mark.fault(
    what='lights | out', seen_by='nobody', within='-', side='guard', state='none', client='-')
@pytest.mark.skipif(True, reason='read all the same')
def test_the_dark():
    pass

def not_a_test():
    pytest.mark.fault(what='nothing')
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'test_a.py').write_text(MORE)  # before the row it adds to
    (tmp_path / 'test_b.py').write_text(WHOLE)
    (tmp_path / 'support.py').write_text(WHOLE)
    return tmp_path


def test_the_page_has_the_table_of_the_tests() -> None:
    page = fault_table.PAGE.read_text(encoding='utf-8')
    now = with_table(page, table(collect(), measured()))
    assert page == now, 'run python test/fault_table.py'


def test_every_fault_that_is_measured_has_a_row() -> None:
    kinds = pytest.importorskip('benchmarks.rig.kinds', reason='needs ROS 2')
    rows = {fault.said['what'] for fault in collect()}
    assert {kind.what for kind in kinds.KINDS.values()} - rows == set()


def test_rows_come_from_the_markers_by_side_with_every_test_that_proves_them(folder: Path) -> None:
    first, second = collect(folder)
    assert first.said['what'] == 'client killed'
    assert first.tests == [
        'test_b.py::test_a_killed_client_ends_in_hold', 'test_a.py::test_it_holds_twice']
    assert second.tests == ['test_a.py::test_the_dark']


def test_the_table_shows_rows_measurements_and_tests(folder: Path) -> None:
    lines = table(collect(folder), {'client killed': '120 / 158 / 163'}).splitlines()
    assert '### The client' in lines
    assert ('| client killed | guard: authority | 150 ms | HOLD, AUTHORITY_EXPIRED | is gone '
            '| 120 / 158 / 163 | 1 |') in lines
    assert '| lights \\| out | nobody | - | none | - |  | 2 |' in lines
    assert '- 1: [test_a.py](../test/test_a.py), `test_it_holds_twice`' in lines


def test_a_long_name_gets_a_line_of_its_own() -> None:
    assert fault_table.proof(1, f'test_a.py::test_{"x" * 100}').splitlines()[1].startswith('  `')


@pytest.mark.parametrize(('marker', 'why'), [
    ("'client killed'", 'as keywords with plain texts'),
    ('what=name', 'as keywords with plain texts'),
    ("what='a', who='b'", 'as keywords with plain texts'),
    ("what=' '", 'as keywords with plain texts'),
    ('what=3', 'as keywords with plain texts'),
    ("seen_by='guard'", 'as keywords with plain texts'),
    ("what='a', side='client', state='HOLD'", 'the marker lacks client, seen_by, within'),
    ("what='a'", "no other marker has a whole row 'a'"),
    ("what='a', seen_by='b', within='c', client='d', state='HOLD', side='moon'",
     "side 'moon' is none of client, link"),
    ("what='a', seen_by='b', within='c', client='d', state='HOLD, STATE_SLOW', side='robot'",
     'there is no state or reason STATE_SLOW'),
    ("what='a', seen_by='b', within='c', client='LostSession', state='HOLD', side='robot'",
     'there is no error LostSession'),
    ("what='client killed', seen_by='b', within='c', client='d', state='HOLD', side='robot'",
     "say different things of 'client killed'"),
])  # fmt: skip
def test_a_marker_that_cannot_be_used_is_named(folder: Path, marker: str, why: str) -> None:
    (folder / 'test_c.py').write_text(
        f'import pytest\n\n@pytest.mark.fault({marker})\ndef test_c():\n    pass\n')
    with pytest.raises(FaultError, match=why) as refused:
        collect(folder)
    assert 'test_c.py:3' in str(refused.value)


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


def test_it_runs_as_a_script() -> None:
    script = Path(fault_table.__file__)
    code = (f'import sys; sys.path.insert(0, {str(script.parent)!r}); import fault_table; '
            'fault_table.collect()')
    done = subprocess.run([sys.executable, '-c', code], cwd=script.parent.parent,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
