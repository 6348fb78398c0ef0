# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
One measured figure: rows, bounds, the machine it ran on; as tables, JSON and a plot.

    figure = Figure('loss', full=full)
    figure.row('5 %', {'p99 ms': 37.2, 'max ms': 61.0, 'moved twice': 0})
    figure.bound('Step at 5 % loss, max ms', 61.0, 100.0, holds=61.0 <= 100.0)
    figure.plot(lambda axes: axes.plot(times))
    return figure.finish()
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / 'benchmarks' / 'results'
MAIN = ''  # the name of the table that rows go to unless they name another
WIDTH = 110  # of the tables where they do not go to a terminal
DOTS_PER_INCH = 110


class Figure:
    """
    Collects what a benchmark measured, and says in the end whether it is what was claimed.

    :param name: of the benchmark's module, and of the files it writes.
    :param full: whether this is the published run, not the quick one.
    :param results: folder of the published results; quick ones go to ``quick`` below it.
    """

    def __init__(self, name: str, *, full: bool, results: Path = RESULTS) -> None:
        self.name = name
        self.full = full
        self.machine = machine()
        self.folder = results if full else results / 'quick'
        self._tables: dict[str, list[dict[str, Any]]] = {}
        self._bounds: list[dict[str, Any]] = []
        self._notes: list[str] = []
        self._plots: list[Callable[[Any], object]] = []

    def row(self, label: str, columns: Mapping[str, object], *, table: str = MAIN) -> None:
        """
        Add a row.

        :param columns: values by column name, the unit in the name ('max ms'); numbers, NumPy's
            included, texts, bools or None. NaN and infinities become None: nothing was measured.
        :param table: name of the table, which is made with its first row.
        :raises ValueError: the label is in this table already.
        """
        rows = self._tables.setdefault(table, [])
        if any(row['label'] == label for row in rows):
            raise ValueError(f'{self.name}: the table {table!r} has a row {label!r} already')
        rows.append({'label': label, **{name: plain(value) for name, value in columns.items()}})

    def bound(self, text: str, measured: object, limit: object, holds: bool) -> bool:
        """
        Hold something measured against what was claimed.

        :param text: what, with its unit: 'client killed, max ms'.
        :returns: ``holds``.
        """
        self._bounds.append(
            {'bound': text, 'measured': plain(measured), 'limit': plain(limit),
             'holds': bool(holds)})  # fmt: skip
        return bool(holds)

    def note(self, text: str) -> None:
        """Say what was left out and why, or what stands beside the figures."""
        self._notes.append(text)

    def plot(self, draw: Callable[[Any], object]) -> None:
        """
        Draw in the end, one panel below the other.

        :param draw: takes Matplotlib's Axes.
        """
        self._plots.append(draw)

    def result(self) -> dict[str, Any]:
        """Return all of it, as it goes into the JSON file."""
        return {
            'name': self.name,
            'full': self.full,
            'machine': self.machine,
            'rows': self._tables.get(MAIN, []),
            'tables': {name: rows for name, rows in self._tables.items() if name != MAIN},
            'bounds': self._bounds,
            'notes': self._notes,
        }

    def finish(self) -> int:
        """
        Print the tables, write JSON and plot.

        :returns: the exit status: 1 if a bound is missed.
        :raises ValueError: nothing was held against a bound; that proves nothing.
        """
        if not self._bounds:
            raise ValueError(f'{self.name}: no bound was checked, so this figure shows nothing')
        self.machine['load_after'] = round(os.getloadavg()[0], 2)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f'{self.name}.json'
        file.write_text(json.dumps(self.result(), indent=2, allow_nan=False) + '\n')
        if self._plots:
            self._draw(file.with_suffix('.png'))
        self._print(file)
        return int(not all(bound['holds'] for bound in self._bounds))

    def _print(self, file: Path) -> None:
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        form = 'full' if self.full else 'quick'
        for name, rows in self._tables.items():
            title = f'{self.name} ({form}): {name}' if name else f'{self.name} ({form})'
            console.print(table_of(title, rows))
        verdicts = [{**bound, 'holds': 'yes' if bound['holds'] else 'MISSED'}
                    for bound in self._bounds]  # fmt: skip
        console.print(table_of('bounds', verdicts))
        for text in self._notes:
            console.print(f'note: {text}', markup=False, highlight=False)
        about = ', '.join(f'{name} {value}' for name, value in self.machine.items())
        console.print(f'{about}\n{shown(file)}', markup=False, highlight=False)

    def _draw(self, file: Path) -> None:
        import matplotlib

        matplotlib.use('Agg')
        from matplotlib import pyplot

        count = len(self._plots)
        drawing, panels = pyplot.subplots(
            count, 1, figsize=(9.0, 4.2 * count), squeeze=False, layout='constrained'
        )
        for draw, axes in zip(self._plots, panels[:, 0], strict=True):
            draw(axes)
        drawing.savefig(file, dpi=DOTS_PER_INCH)
        pyplot.close(drawing)


def parse(
    name: str,
    *,
    add: Callable[[argparse.ArgumentParser], object] | None = None,
    arguments: list[str] | None = None,
) -> tuple[bool, argparse.Namespace]:
    """
    Read a benchmark's command line.

    :param add: adds the benchmark's own options.
    :param arguments: by default those of the process.
    :returns: whether the full run is asked for, and all options.
    """
    parser = argparse.ArgumentParser(prog=f'python -m benchmarks.{name}')
    parser.add_argument('--full', action='store_true', help='the published run; takes long')
    if add is not None:
        add(parser)
    options = parser.parse_args(arguments)
    return options.full, options


def machine() -> dict[str, Any]:
    """Return where and when this is measured."""
    return {
        'cpu': _cpu(),
        'cores': len(os.sched_getaffinity(0)),
        'kernel': platform.release(),
        'python': platform.python_version(),
        'ros': os.environ.get('ROS_DISTRO') or _distribution(),
        'commit': _commit(),
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'load_before': round(os.getloadavg()[0], 2),
    }


def plain(value: object) -> object:
    """Return what JSON can hold of a value; NaN and infinity, never measured, become None."""
    if hasattr(value, 'item'):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f'a figure holds numbers, texts, bools and None, not {value!r}')


def table_of(title: str, rows: list[dict[str, Any]]) -> Table:
    """Return a table with the columns of all rows, in the order in which they first appear."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=title, title_justify='left')
    for index, name in enumerate(names):
        heading = '' if name == 'label' else name
        table.add_column(heading, justify='right' if index else 'left', overflow='fold')
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    return table


def _cell(value: object) -> str:
    if value is None:
        return '-'
    if isinstance(value, float):
        return f'{value:,.0f}' if abs(value) >= 10_000 else f'{value:.4g}'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'{value:,}'
    return str(value).replace('[', r'\[')


def shown(file: Path) -> str:
    """Return a path as short as it can be said from the repository's root."""
    return str(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file)


def _cpu() -> str:
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()


def _distribution() -> str:
    """Return the ROS 2 whose wheels are installed beside this Python."""
    for name in ('jazzy', 'kilted'):
        with suppress(PackageNotFoundError):
            return f'{name}, rclpy {version(f"ros-{name}-rclpy")}'
    return 'none'


def _commit() -> str:
    """Return the commit of this checkout, with a + where files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(['git', *words], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ''

    commit = git('rev-parse', '--short=10', 'HEAD')
    return commit + '+' * bool(git('status', '--porcelain', '--untracked-files=no')) or 'unknown'
