# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""``rl_bridge events``: recorded stops and recoveries, as a table or for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from enum import IntEnum
from pathlib import Path
from typing import Any

from rl_bridge.errors import ConfigError
from rl_bridge.events import ENDING, Log, folder, merged, read
from rl_bridge.types import StopReason, StopState

WIDTH = 130  # where the table does not go to a terminal
COLOURS = {'HOLD': 'cyan', 'STOPPED': 'yellow', 'FAULT': 'red', 'ESTOP': 'bold red'}
MS = 1e-6  # of a nanosecond


def show(paths: Sequence[str], *, last: int = 0, as_json: bool = False) -> int:
    """
    Print what the logs hold, oldest first.

    :param paths: files or folders; none: the folder where logs are kept by default.
    :param last: only so many of the newest; 0: all.
    :param as_json: one JSON object a line.
    :returns: the exit status.
    :raises ConfigError: there is no log, or one cannot be read.
    """
    logs = [read(path) for path in files(paths)]
    events = merged(logs)[-last:]
    if as_json:
        for event in events:
            print(json.dumps(named(event)))
    else:
        _print(events, logs)
    for log in logs:
        if log.torn:
            lost = f'{log.torn} record{"s" * (log.torn > 1)} of {log.path} cannot be read'
            print(f'rl_bridge: {lost}: torn when the computer lost power, or spoiled since',
                  file=sys.stderr)  # fmt: skip
    return 0


def files(paths: Iterable[str]) -> list[Path]:
    """
    Return the logs that are meant.

    :raises ConfigError: a folder has none.
    """
    found: list[Path] = []
    asked = [Path(text).expanduser() for text in paths]
    for path in asked or [folder()]:
        if asked and not path.is_dir():
            found.append(path)
            continue
        below = sorted(path.glob(f'*{ENDING}'))
        if not below:
            raise ConfigError(
                f'{path} has no event log; guard and bridge make theirs when they start: name the '
                'file that their parameter event_log names'
            )
        found += below
    return found


def named(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event with the wall clock as ISO 8601, states and reasons as words."""
    return {
        'time': _when(event).astimezone(timezone.utc).isoformat(timespec='milliseconds'),
        **event,
        'before': _word(StopState, event.get('before')),
        'state': _word(StopState, event.get('state')),
        'reason': _word(StopReason, event.get('reason')),
    }


def latency_ms(event: dict[str, Any], since: str, until: str) -> float | None:
    """Return the time between two stamps of an event; None where one of them is not there."""
    first, second = event.get(since) or 0, event.get(until) or 0
    return (second - first) * MS if first and second else None


def _when(event: dict[str, Any]) -> datetime:
    seconds: float = event.get('wall_ns', 0) * 1e-9
    return datetime.fromtimestamp(seconds).astimezone()


def _word(kind: type[IntEnum], number: Any) -> str:
    try:
        return str(kind(number).name)
    except ValueError:  # of a newer version
        return str(number)


def _print(events: list[dict[str, Any]], logs: list[Log]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=f'{len(events)} stops and recoveries of {", ".join(str(log.path) for log in logs)}',
        title_justify='left',
        caption='ms: age of the last command when the cause was seen; from there to the first '
        'stop output; to standstill',
        caption_justify='left',
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
    )
    for name in ('time', 'by', 'state', 'cause'):
        table.add_column(name, overflow='fold', no_wrap=name in ('time', 'state'))
    for name in ('episode', 'step', 'age', 'output', 'rest'):
        table.add_column(name, justify='right')
    for event in events:
        state, reason = named(event)['state'], named(event)['reason']
        change = Text(f'{named(event)["before"]} -> ')
        table.add_row(
            f'{_when(event):%Y-%m-%d %H:%M:%S.%f}'[:-3],
            str(event.get('source', '')),
            change.append(state, COLOURS.get(state, '')),
            Text(f'{reason}: {event.get("message", "")}'),
            str(event.get('episode', '')),
            str(event.get('step', '')),
            _milliseconds(latency_ms(event, 'command_ns', 'detected_ns')),
            _milliseconds(latency_ms(event, 'detected_ns', 'commanded_ns')),
            _milliseconds(latency_ms(event, 'detected_ns', 'standstill_ns')),
        )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def _milliseconds(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'
