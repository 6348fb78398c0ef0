# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The fault table of docs/safety.md, made from the tests that prove its rows.

    @pytest.mark.fault(
        what='client killed', seen_by='guard: authority', within='150 ms', side='client',
        state='HOLD, AUTHORITY_EXPIRED', client='is gone')

stands above each of those tests. Further tests of the same row say ``what`` alone. What was
measured comes from benchmarks/results/faults.json, where it has a row of the same name.
``python test/fault_table.py`` writes the table into the page; test_fault_table.py holds the two
equal.
"""

from __future__ import annotations

import builtins
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rl_bridge import errors
from rl_bridge.types import StatusCode, StopReason, StopState

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / 'test'
PAGE = ROOT / 'docs' / 'safety.md'
RESULTS = ROOT / 'benchmarks' / 'results' / 'faults.json'
BEGIN, END = '<!-- fault table: test/fault_table.py -->', '<!-- end of the fault table -->'
WIDEST = 120

SIDES = {
    'client': 'The client',
    'link': 'The network between client and bridge',
    'bridge': 'The bridge',
    'guard': 'The guard',
    'robot': 'The robot and its driver',
    'operator': 'Whoever stands beside it',
}
COLUMNS = {
    'what': 'what happens',
    'seen_by': 'seen by',
    'within': 'within',
    'state': 'state, reason',
    'client': 'the client',
}
WORDS = {word.name for kind in (StopState, StopReason, StatusCode) for word in kind}


class FaultError(Exception):
    """A marker cannot be used; the message names where and why."""


@dataclass
class Fault:
    """A row: what the markers say, and the tests that carry them."""

    said: dict[str, str]
    where: str
    tests: list[str] = field(default_factory=list)


@dataclass
class Mark:
    """A marker: its arguments, the test that carries it, and where that is."""

    said: dict[str, Any]
    test: str
    where: str
    positional: int = 0


class Collector:
    """Pytest's plugin that notes every marker of the collected tests."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        for item in items:
            file, line, _ = item.location
            for mark in item.iter_markers('fault'):
                name = item.name if mark in _of_parameters(item) else item.originalname
                file = Path(file).name
                found = Mark(mark.kwargs, f'{file}::{name}', f'{file}:{line}', len(mark.args))
                if found not in self.marks:
                    self.marks.append(found)


def _of_parameters(item: pytest.Function) -> list[pytest.Mark]:
    """The markers that only one of a test's parameters has."""
    return [] if not hasattr(item, 'callspec') else list(item.callspec.marks)


def marks_of(folder: Path) -> list[Mark]:
    """
    Every marker of the tests in a folder, collected in a process of its own.

    :raises FaultError: a test file cannot be imported.
    """
    done = subprocess.run([sys.executable, __file__, '--collect', str(folder)], cwd=ROOT,
                          capture_output=True, text=True, timeout=120)
    said, _, found = done.stdout.rpartition('\n\0')
    if done.returncode:
        raise FaultError(f'the tests cannot be collected: {said or done.stderr}')
    return [Mark(**mark) for mark in json.loads(found)]


def print_marks(folder: str) -> int:
    """What ``marks_of`` runs; after a NUL, as tests print while they are imported."""
    collector = Collector()
    code = pytest.main(['--collect-only', '-q', folder], plugins=[collector])
    texts = [{**vars(mark), 'said': {name: value if isinstance(value, str) else repr(value)
                                     for name, value in mark.said.items()}}
             for mark in collector.marks]  # fmt: skip
    print('\n\0' + json.dumps(texts))
    return int(code)


def rows_of(marks: Iterable[Mark]) -> list[Fault]:
    """
    The rows in the order of the sides, then of files and lines.

    :raises FaultError: a marker lacks something, or two of them disagree.
    """
    rows: dict[str, Fault] = {}
    more = []
    for mark in marks:
        check_names(mark)
        if set(mark.said) == {'what'}:
            more.append(mark)
            continue
        check(mark.said, mark.where)
        fault = rows.setdefault(mark.said['what'], Fault(mark.said, mark.where))
        if fault.said != mark.said:
            raise FaultError(
                f'{mark.where} and {fault.where} say different things of '
                f'{mark.said["what"]!r}; let one of them say what only')
        fault.tests.append(mark.test)
    for mark in more:
        if mark.said['what'] not in rows:
            raise FaultError(f'{mark.where}: no marker has a whole row {mark.said["what"]!r}')
        rows[mark.said['what']].tests.append(mark.test)
    sides = list(SIDES)
    return sorted(rows.values(), key=lambda fault: sides.index(fault.said['side']))


def check_names(mark: Mark) -> None:
    """Refuse a marker that has neither all of the texts nor what alone."""
    names, whole = set(mark.said), {*COLUMNS, 'side'}
    if mark.positional or names not in ({'what'}, whole) or not all(
            text.strip() for text in mark.said.values()):
        wrong = ', '.join(sorted(names ^ whole)) or 'an argument without name or text'
        raise FaultError(
            f'{mark.where}: a marker has {", ".join([*COLUMNS, "side"])}, or what alone: {wrong}')


def check(said: dict[str, str], where: str) -> None:
    """Refuse a side, a state, a reason or an error that does not exist."""
    if said['side'] not in SIDES:
        raise FaultError(f'{where}: side {said["side"]!r} is none of {", ".join(SIDES)}')
    unknown = set(re.findall(r'\b[A-Z]+(?:_[A-Z]+)+\b', said['state'])) - WORDS
    if unknown:
        raise FaultError(f'{where}: there is no state or reason {", ".join(sorted(unknown))}')
    for name in re.findall(r'\b(?:[A-Z][a-z]+){2,}\b', said['client']):
        if not hasattr(errors, name) and not hasattr(builtins, name):
            raise FaultError(f'{where}: there is no error {name} for the client')


def measured(file: Path = RESULTS) -> dict[str, str]:
    """What the published run measured, in ms, by the rows' names; empty without such a run."""
    if not file.exists():
        return {}
    rows: list[dict[str, Any]] = json.loads(file.read_text())['rows']
    found = {}
    for row in rows:
        values = [row.get(f'{name} ms') for name in ('p50', 'p99', 'max')]
        if all(isinstance(value, int | float) for value in values):
            found[row['label']] = ' / '.join(f'{value:.0f}' for value in values)
    return found


def table(faults: list[Fault], times: dict[str, str]) -> str:
    """The table as Markdown, one for each side, and below each the tests by number."""
    parts, number = [], 0
    for side, title in SIDES.items():
        rows = [fault for fault in faults if fault.said['side'] == side]
        if not rows:
            continue
        headings = [*COLUMNS.values(), 'measured, ms', 'test']
        lines = [f'### {title}', '', row_of(headings), row_of(['---'] * len(headings))]
        proofs = []
        for fault in rows:
            number += 1
            cells = [fault.said[name] for name in COLUMNS]
            lines.append(row_of([*cells, times.get(fault.said['what'], ''), str(number)]))
            proofs += [proof(number, test) for test in fault.tests]
        parts.append('\n'.join([*lines, '', *proofs]))
    return '\n\n'.join(parts)


def row_of(cells: list[str]) -> str:
    return '| ' + ' | '.join(cell.replace('|', '\\|') for cell in cells) + ' |'


def proof(number: int, test: str) -> str:
    """A test as a line of the page, its name on a line of its own where both do not fit."""
    file, _, name = test.partition('::')
    start = f'- {number}: [{file}](../test/{file})'
    line = f'{start}, `{name}`'
    return line if len(line) <= WIDEST else f'{start},\n  `{name}`'


def with_table(page: str, new: str) -> str:
    """
    The page with another table between the two marks.

    :raises FaultError: one of the marks is not there.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise FaultError(f'the page lacks the line {BEGIN if not begin else END}')
    return f'{before}{BEGIN}\n\n{new}\n\n{END}{after}'


def rewrite(file: Path = PAGE, folder: Path = TESTS, results: Path = RESULTS) -> int:
    """Write the table into the page; returns the exit status."""
    try:
        page = file.read_text(encoding='utf-8')
        faults = rows_of(marks_of(folder))
        new = with_table(page, table(faults, measured(results)))
    except FaultError as error:
        print(f'rl_bridge: {file}: {error}', file=sys.stderr)
        return 1
    file.write_text(new, encoding='utf-8')
    print(f'{file}: {len(faults)} faults, {"unchanged" if new == page else "rewritten"}')
    return 0


if __name__ == '__main__':
    sys.exit(print_marks(sys.argv[2]) if sys.argv[1:2] == ['--collect'] else rewrite())
