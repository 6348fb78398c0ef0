# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The demo: a simulated arm in a process of its own, stepped over ROS 2, and halted when its client
is killed.

Everything is as in use: the bridge, the guard and the arm are processes, the client is
``gymnasium.make``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from rl_bridge.demo_faults import Faults, Halt
from rl_bridge.errors import BridgeUnavailable
from rl_bridge.processes import RobotSide
from rl_bridge.tasks.scripted import ReachController

BRIDGE = '/robot_env'
CONNECT_TIMEOUT_S = 60.0
CONNECT_SLICE_S = 3.0
CALL_TIMEOUT_S = 30.0  # a first picture takes its time on a busy machine
DEMO_DOMAIN = 88  # so that a demo never meets the robots of the default domain
# What is killed, for people.
VICTIMS = {'client': 'client', 'robot_env': 'bridge', 'guard': 'guard'}

Policy = Callable[[Any], Any]


@dataclass(slots=True)
class Episodes:
    """What one kind of client did, step by step."""

    name: str
    returns: list[float] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)
    distances_m: list[list[float]] = field(default_factory=list)
    step_s: list[float] = field(default_factory=list)
    lateness_s: list[float] = field(default_factory=list)
    missed: int = 0
    stops: int = 0


def run(*, out: str, episodes: int, joints: int) -> int:
    """
    Run the demo.

    :param out: folder for the plot and the picture.
    :param episodes: of each kind of client.
    :param joints: 2 or 6.
    :return: the exit code; 1 if the arm did not come to rest.
    """
    # Before rclpy is imported anywhere: this machine only, and a domain of the demo's own.
    os.environ.setdefault('ROS_DOMAIN_ID', str(DEMO_DOMAIN))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    from rl_bridge.observer_node import Observer

    console = Console()
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    console.print('starting the simulated arm, the guard and the bridge …')
    side = RobotSide(parameters={'task_kwargs': f"'{{joints: {joints}}}'"}, log_level='error')
    observer = Observer()
    with Faults(BRIDGE, side, observer) as faults, side, observer:
        env = _connected(side)
        try:
            console.print(f'connected to {BRIDGE}: actions {env.action_space}')
            results = [
                _episodes(env, 'scripted', ReachController(env.action_space), episodes, console),
                _episodes(env, 'random', lambda _: env.action_space.sample(), episodes, console),
            ]
            picture = env.render()
        finally:
            env.close()
        halts = []
        for victim, name in VICTIMS.items():
            console.print(f'killing the {name} while the arm moves …')
            halts.append(faults.inject(victim))
            if victim == 'robot_env':
                side.start_again(victim)
        console.print('a new client resets and goes on …')
        after = _connected(side)
        try:
            name = 'after the kills'
            results.append(_episodes(after, name, ReachController(after.action_space), 1, console))
        finally:
            after.close()
    _print(results, halts, console)
    _save(results, picture, folder)
    console.print(f'plot: {folder / "episode.png"}, picture: {folder / "arm.png"}')
    return 0


def _connected(side: RobotSide) -> gymnasium.Env[Any, Any]:
    end_s = time.monotonic() + CONNECT_TIMEOUT_S
    while True:
        try:
            return gymnasium.make(
                'rl_bridge:RemoteRobot-v0',
                bridge=BRIDGE,
                render_mode='rgb_array',
                connect_timeout_s=CONNECT_SLICE_S,
                timeout_s=CALL_TIMEOUT_S,
            )
        except BridgeUnavailable:
            ended = side.ended()
            if ended:
                raise BridgeUnavailable(f'the robot side did not start: {ended}') from None
            if time.monotonic() > end_s:
                raise


def _episodes(
    env: gymnasium.Env[Any, Any], name: str, policy: Policy, count: int, console: Console
) -> Episodes:
    result = Episodes(name)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=count)
        for seed in range(count):
            for distance_m in _episode(env, policy, seed, result):
                progress.update(bar, description=f'{name}: {distance_m:.3f} m to the target')
            progress.advance(bar)
    return result


def _episode(
    env: gymnasium.Env[Any, Any], policy: Policy, seed: int, result: Episodes
) -> Iterator[float]:
    """Run one episode; give the distance to the target after every step."""
    observation, info = env.reset(seed=seed)
    distances = [info['distance_m']]
    total, over = 0.0, False
    while not over:
        action = policy(observation)
        begun_s = time.perf_counter()
        observation, reward, terminated, truncated, info = env.step(action)
        result.step_s.append(time.perf_counter() - begun_s)
        result.lateness_s.append(info['timing']['lateness'])
        result.missed += info['timing']['missed']
        result.stops += 'stop_reason' in info
        distances.append(info['distance_m'])
        total += float(reward)
        over = terminated or truncated
        yield distances[-1]
    result.returns.append(total)
    result.successes.append(bool(info['is_success']))
    result.distances_m.append(distances)


def _print(results: list[Episodes], halts: list[Halt], console: Console) -> None:
    table = Table(title='episodes of 4 s at 25 Hz', show_lines=False)
    table.add_column('')
    rows: dict[str, list[str]] = {}
    for result in results:
        table.add_column(result.name, justify='right')
        for name, value in _figures(result).items():
            rows.setdefault(name, []).append(value)
    for name, values in rows.items():
        table.add_row(name, *values)
    console.print(table)
    kills = Table(title='killed while the arm moved')
    for column in ('', 'rad/s', 'stopped', 'at rest'):
        kills.add_column(column, justify='right' if column else 'left', no_wrap=True)
    for column in ('the guard says', 'the client gets'):
        kills.add_column(column, overflow='fold')
    for halt in halts:
        kills.add_row(
            VICTIMS[halt.victim],
            f'{halt.speed:.2f}',
            f'{halt.detected_s * 1e3:.0f} ms',
            f'{halt.standstill_s * 1e3:.0f} ms',
            halt.reason,
            halt.told,
        )
    console.print(kills)


def _figures(result: Episodes) -> dict[str, str]:
    step_ms = np.percentile(result.step_s, [50, 99]) * 1e3
    late_ms = np.percentile(result.lateness_s, [50, 99]) * 1e3
    return {
        'episodes': str(len(result.returns)),
        'mean return': f'{np.mean(result.returns):.1f}',
        'target reached': f'{sum(result.successes)} of {len(result.successes)}',
        'step p50, p99 (ms)': f'{step_ms[0]:.1f}, {step_ms[1]:.1f}',
        'period error p50, p99 (ms)': f'{late_ms[0]:.2f}, {late_ms[1]:.2f}',
        'missed periods': str(result.missed),
        'stops': str(result.stops),
    }


def _save(results: list[Episodes], picture: Any, folder: Path) -> None:
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for result in results:
        distances = np.array(result.distances_m[0])
        axes.plot(np.arange(len(distances)) * 0.04, distances, label=result.name)
    axes.set(xlabel='time (s)', ylabel='distance to the target (m)', ylim=(0, None))
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / 'episode.png', dpi=120)
    pyplot.close(figure)
    pyplot.imsave(folder / 'arm.png', np.asarray(picture))
