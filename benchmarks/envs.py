# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Every ready environment through a bridge: the same as local, or in time on a robot behind topics.

    python -m benchmarks.envs [--full] [--only UrReacher2-v0,scara_env.yaml]

Environments in lock-step run beside their local twin: 1,000 steps, bit for bit. Ready robots run
as their processes: no period may be missed, no observation be too old, and ~/halt has to end the
episode with the robot at rest. Then all of them again, eight in one launch under /robot_0 to
/robot_7. One picture of each goes into a contact sheet, ``envs_frames.png``.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import rl_bridge  # noqa: F401 (registers the environments)
from benchmarks.figure import Figure, parse, shown
from benchmarks.gallery.robots import Drive, drive, side
from benchmarks.gallery.trajectories import Trajectory, bridged, compare, compare_with, hosting
from rl_bridge.processes import share_file

OURS = ('rl_bridge.envs.', 'rl_bridge.textbook.')
STEPS = 1000
ROBOT_STEPS = {False: 250, True: 1000}
FLEET_STEPS = 250
NAMESPACES = 8  # in one launch; seven whole robot sides at once are too much for two cores
LARGEST_AGE = 2.5  # control periods that an observation may be old
COLUMNS = 5


def main(arguments: list[str] | None = None) -> int:
    """Run the figure; returns the exit status."""
    full, options = parse('envs', add=_options, arguments=arguments)
    only = options.only.split(',') if options.only else []
    figure = Figure('envs', full=full)
    frames: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix='rl_bridge_envs_') as folder:
        log = Path(folder) / 'log'
        for number, env_id in enumerate(ready_envs()):
            if not only or env_id in only:
                _lock_step(figure, env_id, number, log, frames)
        robots = [name for name in ready_robots() if not only or name in only]
        for number, name in enumerate(robots):
            with side(name, f'gallery_{number}'):
                result = drive(f'gallery_{number}', steps=ROBOT_STEPS[full], check=True)
            frames[name] = result.frame
            _robot(figure, name, result, table='ready robots, one at a time')
        if not only or 'fleet' in only:
            _fleets(figure, ready_robots(), ready_envs(), log)
    if frames:
        figure.note(f'one picture of each: {shown(_contact_sheet(figure.folder, frames))}')
    return figure.finish()


def ready_envs() -> list[str]:
    """Return the ids of all environments that rl_bridge registers for use without ROS."""
    return sorted(
        name
        for name, spec in gymnasium.registry.items()
        if str(spec.entry_point).startswith(OURS)
    )


def ready_robots() -> list[str]:
    """Return the parameter files of all ready robots."""
    folder = share_file('config', 'robot_env.yaml').parent
    return sorted(path.name for path in folder.glob('*_env.yaml'))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--only', default='', help='ids, parameter files, fleet')


def _lock_step(
    figure: Figure, env_id: str, number: int, log: Path, frames: dict[str, Any]
) -> None:
    exact = not gymnasium.spec(env_id).nondeterministic
    result = compare(
        env_id,
        steps=STEPS if exact else STEPS // 10,
        namespace=f'gallery_env_{number}',
        log=log,
        exact=exact,
    )
    frames[env_id] = result.frame
    figure.row(env_id, _columns(result, exact), table='without ROS, and through a bridge')
    if exact:
        figure.bound(
            f'{env_id}: steps that differ from local', len(result.differences), 0,
            not result.differences)  # fmt: skip
    figure.bound(f'{env_id}: check_env', result.check or 'passes', 'passes', not result.check)
    for text in result.differences[:3]:
        figure.note(f'{env_id} differs at {text}')


def _columns(result: Trajectory, exact: bool) -> dict[str, object]:
    return {
        'steps': result.steps,
        'bit-identical': not result.differences if exact else 'real time, not compared',
        'check_env': 'fails' if result.check else 'passes',
        'local p50 ms': float(np.median(result.local_ms)),
        'bridged p50 ms': float(np.median(result.bridged_ms)),
        'bridged p99 ms': float(np.percentile(result.bridged_ms, 99)),
    }


def _robot(figure: Figure, label: str, result: Drive, *, table: str) -> None:
    ages, took = result.ages_ms or [np.nan], result.took_ms or [np.nan]
    figure.row(
        label,
        {
            'steps': result.steps,
            'period ms': result.period_ms,
            'missed': result.missed,
            'step p50 ms': float(np.median(took)),
            'late p99 ms': float(np.percentile(result.lateness_ms or [np.nan], 99)),
            'age p99 ms': float(np.percentile(ages, 99)),
            'age max ms': max(ages),
            'stops': len(result.stops),
            'halt': result.halt,
            'rest ms': result.rest_ms,
            'check_env': 'fails' if result.check else 'passes',
        },
        table=table,
    )
    where = f'{table}: {label}'
    figure.bound(f'{where}: periods missed', result.missed, 0, not result.missed and bool(took))
    limit_ms = LARGEST_AGE * result.period_ms
    figure.bound(f'{where}: oldest observation, ms', max(ages), limit_ms, max(ages) <= limit_ms)
    halted = result.halt == 'HALT_REQUESTED' and result.rest_ms is not None
    reason = result.halt or 'no'
    figure.bound(f'{where}: ends by ~/halt, at rest', reason, 'HALT_REQUESTED', halted)
    wrong = result.error or result.check or ', '.join(sorted(set(result.stops)))
    figure.bound(f'{where}: errors and stops', wrong or 'none', 'none', not wrong)


def _fleets(figure: Figure, robots: list[str], envs: list[str], log: Path) -> None:
    """All of them in as few launches as can be, under /robot_0 to /robot_7, one by one."""
    launches = -(-(len(robots) + len(envs)) // NAMESPACES)
    for launch in range(launches):
        sides = robots[launch::launches]
        hosted = [envs.pop() for _ in range(min(NAMESPACES - len(sides), len(envs)))]
        with contextlib.ExitStack() as stack:
            for number, name in enumerate(sides):
                stack.enter_context(side(name, f'robot_{number}'))
            bridges = [
                stack.enter_context(hosting(name, namespace=f'robot_{number}', log=log))
                for number, name in enumerate(hosted, start=len(sides))
            ]
            # Twenty programs that start leave no period to those that drive already.
            for number in range(len(sides) + len(hosted)):
                bridged(f'/robot_{number}/robot_env').close()
            for number, name in enumerate(sides):
                result = drive(f'robot_{number}', steps=FLEET_STEPS, check=False)
                _robot(figure, f'{name} as /robot_{number}', result, table=f'launch {launch + 1}')
            for bridge, name in zip(bridges, hosted, strict=True):
                exact = not gymnasium.spec(name).nondeterministic
                found = compare_with(
                    bridge, name, steps=FLEET_STEPS // 5, exact=exact, check=False
                ).differences
                figure.bound(
                    f'launch {launch + 1}: {name} as {bridge}: steps that differ from local',
                    len(found), 0, not found)  # fmt: skip


def _contact_sheet(folder: Path, frames: dict[str, Any]) -> Path:
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    rows = -(-len(frames) // COLUMNS)
    sheet, panels = pyplot.subplots(
        rows, COLUMNS, figsize=(3.2 * COLUMNS, 2.7 * rows), squeeze=False, layout='constrained'
    )
    for panel in panels.flat:
        panel.set_axis_off()
    for panel, (name, frame) in zip(panels.flat, frames.items(), strict=False):
        panel.set_title(name, fontsize=9)
        if frame is not None:
            panel.imshow(frame)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / 'envs_frames.png'
    sheet.savefig(file, dpi=80)
    pyplot.close(sheet)
    return file


if __name__ == '__main__':
    raise SystemExit(main())
