# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The fault table of docs/safety.md, made from the tests that prove its rows.

    @pytest.mark.fault(
        what='client killed', seen_by='guard: authority', within='150 ms', side='client',
        state='HOLD, AUTHORITY_EXPIRED', client='is gone')

stands above each of those tests, read here without running or importing them. Tests that prove
the same row say ``what`` alone. What was measured comes from benchmarks/results/faults.json, where
it has a row of the same name. ``python test/fault_table.py`` writes the table into the page;
test_fault_table.py holds the two equal.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rl_bridge import errors
from rl_bridge.types import StatusCode, StopReason, StopState

ROOT = Path(__file__).resolve().parent.parent
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


def collect(folder: Path = ROOT / 'test') -> list[Fault]:
    """
    Return the rows in the order of the sides, then of files and lines.

    :raises FaultError: a marker lacks something, or two of them disagree.
    """
    rows: dict[str, Fault] = {}
    more: list[tuple[str, str, str]] = []  # of tests that say what only: what, test, where
    for path in sorted(folder.glob('test_*.py')):
        for name, call in marked(ast.parse(path.read_text(encoding='utf-8'))):
            where = f'{path.name}:{call.lineno}'
            said, test = words_of(call, where), f'{path.name}::{name}'
            if set(said) == {'what'}:
                more.append((said['what'], test, where))
                continue
            missing = {*COLUMNS, 'side'} - set(said)
            if missing:
                raise FaultError(f'{where}: the marker lacks {", ".join(sorted(missing))}')
            check(said, where)
            fault = rows.setdefault(said['what'], Fault(said, where))
            if fault.said != said:
                raise FaultError(
                    f'{where} and {fault.where} say different things of {said["what"]!r}; let '
                    'one of them say what only')
            fault.tests.append(test)
    for what, test, where in more:
        if what not in rows:
            raise FaultError(f'{where}: no other marker has a whole row {what!r}')
        rows[what].tests.append(test)
    sides = list(SIDES)
    return sorted(rows.values(), key=lambda fault: sides.index(fault.said['side']))


def marked(module: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every marker of a module, with the name of the test that carries it."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name.startswith('test_'):
            parts = (part for decorator in node.decorator_list for part in ast.walk(decorator))
            for part in parts:  # of pytest.param(marks=...) too
                if isinstance(part, ast.Call) and ast.unparse(part.func) == 'pytest.mark.fault':
                    yield node.name, part


def words_of(call: ast.Call, where: str) -> dict[str, str]:
    """A marker's arguments: keywords with plain texts."""
    try:
        said = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    except ValueError:
        said = {}
    known = {*COLUMNS, 'side'}
    rest = ', '.join(sorted(known - {'what'}))
    if (call.args or 'what' not in said or not set(said) <= known
            or not all(isinstance(text, str) and text.strip() for text in said.values())):
        raise FaultError(
            f'{where}: a marker has what, and {rest} or none of these, '
            'as keywords with plain texts')
    return {str(name): text for name, text in said.items()}


def check(said: dict[str, str], where: str) -> None:
    """Refuse a side, a state, a reason or an error that does not exist."""
    if said['side'] not in SIDES:
        raise FaultError(f'{where}: side {said["side"]!r} is none of {", ".join(SIDES)}')
    unknown = set(re.findall(r'\b[A-Z]+(?:_[A-Z]+)+\b', said['state'])) - WORDS
    if unknown:
        raise FaultError(f'{where}: there is no state or reason {", ".join(sorted(unknown))}')
    for name in re.findall(r'\b(?:[A-Z][a-z]+){2,}\b', said['client']):
        if not hasattr(errors, name):
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


def rewrite(file: Path = PAGE, folder: Path = ROOT / 'test', results: Path = RESULTS) -> int:
    """Write the table into the page; returns the exit status."""
    try:
        page = file.read_text(encoding='utf-8')
        faults = collect(folder)
        new = with_table(page, table(faults, measured(results)))
    except FaultError as error:
        print(f'rl_bridge: {file}: {error}', file=sys.stderr)
        return 1
    file.write_text(new, encoding='utf-8')
    print(f'{file}: {len(faults)} faults, {"unchanged" if new == page else "rewritten"}')
    return 0


if __name__ == '__main__':
    sys.exit(rewrite())
