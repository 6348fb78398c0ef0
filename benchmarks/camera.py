# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Pictures of 640 x 480 through camera, bridge and reply at 25 Hz: raw and as JPEG on either way.

    python -m benchmarks.camera [--full] [--only raw/raw,jpeg/raw]

The whole robot side of ``camera_reach_env.yaml`` runs as its processes, and the arm swings, so
that every new picture differs. A row's name is how pictures come from the camera and how they go
on to the client. No period may be missed, and nothing may stop or hold the robot.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import rl_bridge  # noqa: F401 (registers the environments)
from benchmarks.figure import Figure, parse
from rl_bridge.jpeg import DecodeJpeg
from rl_bridge.processes import RobotSide, share_file

SHAPE = (480, 640, 3)
STEPS = {False: 250, True: 1000}
KINDS = ('raw/raw', 'jpeg/raw', 'raw/jpeg', 'jpeg/jpeg')
RAW_TOPIC = '    topic: camera/image_raw\n    type: sensor_msgs/msg/Image\n'
JPEG_TOPIC = '    topic: camera/image_raw/compressed\n    type: sensor_msgs/msg/CompressedImage\n'
CLOCK_HZ = os.sysconf('SC_CLK_TCK')


@dataclass(slots=True)
class Run:
    """What came of one run; times in ms."""

    missed: int = 0
    stops: list[str] = field(default_factory=list)
    periods_ms: list[float] = field(default_factory=list)
    replies_ms: list[float] = field(default_factory=list)
    new: int = 0
    steps: int = 0
    cores: dict[str, float] = field(default_factory=dict)
    lost: int = 0  # datagrams that a socket of these processes had no room for


def main(arguments: list[str] | None = None) -> int:
    """Run the figure; returns the exit status."""
    full, options = parse('camera', add=_options, arguments=arguments)
    figure = Figure('camera', full=full)
    for kind in options.only.split(','):
        run = measure(kind, steps=STEPS[full])
        errors = np.abs(np.array(run.periods_ms) - 40.0)
        figure.row(
            kind,
            {
                'steps': run.steps,
                'missed': run.missed,
                'period error p50 ms': round(float(np.median(errors)), 2),
                'p99 ms': round(float(np.percentile(errors, 99)), 2),
                'reply p50 ms': round(float(np.median(run.replies_ms)), 2),
                'reply p99 ms': round(float(np.percentile(run.replies_ms, 99)), 2),
                'new pictures %': round(100.0 * run.new / run.steps, 1),
                'lost datagrams': run.lost,
            },
        )
        figure.row(kind, run.cores, table='% of a core')
        figure.bound(f'{kind}: missed periods', run.missed, 0, run.missed == 0)
        figure.bound(f'{kind}: stops and holds', len(run.stops), 0, not run.stops)
    figure.note(
        f'net.core.rmem_max {_setting("rmem_max")}, rmem_default {_setting("rmem_default")}'
    )
    return figure.finish()


def measure(kind: str, *, steps: int) -> Run:
    """
    Step the camera environment for a while.

    :param kind: one of ``KINDS``: from the camera / to the client.
    """
    namespace = f'camera_figure_{os.getpid()}'
    result = Run()
    with _started(kind, namespace) as side:
        env: Any = gymnasium.make(
            'rl_bridge:RemoteRobot-v0', bridge=f'/{namespace}/robot_env', connect_timeout_s=60.0
        )
        if kind.endswith('/jpeg'):
            env = DecodeJpeg(env, shape=SHAPE)
        processes = {name: process.pid for name, process in side.processes.items()}
        processes['client'] = os.getpid()
        try:
            env.reset(seed=0)
            began, before = (
                time.monotonic(),
                {name: _cpu_s(pid) for name, pid in processes.items()},
            )
            _drive(env, result, steps)
            wall = time.monotonic() - began
            for name, pid in processes.items():
                result.cores[name] = round(100.0 * (_cpu_s(pid) - before[name]) / wall, 1)
                result.lost += _lost(pid)
        finally:
            env.close()
    return result


def _drive(env: Any, result: Run, steps: int) -> None:
    previous, over = None, True
    for number in range(steps):
        if over:
            observation, _ = env.reset(seed=number)
            shown, previous = observation['image'], None
        swing = 0.2 * math.sin(2.0 * math.pi * number / 50.0)
        observation, _, terminated, truncated, info = env.step(np.array([swing, -swing], 'f4'))
        now = time.monotonic()
        if previous is not None:
            result.periods_ms.append((now - previous) * 1e3)
        previous, over = now, terminated or truncated
        result.steps += 1
        result.missed += info['timing']['missed']
        result.replies_ms.append(info['link']['round_trip_s'] * 1e3)
        result.new += not np.array_equal(shown, observation['image'])
        shown = observation['image']
        if 'stop_reason' in info or 'hold_reason' in info:
            result.stops.append(info.get('stop_reason') or info['hold_reason'])


@contextlib.contextmanager
def _started(kind: str, namespace: str) -> Iterator[RobotSide]:
    parameters = {}
    with tempfile.TemporaryDirectory(prefix='rl_bridge_camera_') as folder:
        if kind.startswith('jpeg/'):
            text = share_file('config', 'camera_reach.yaml').read_text(encoding='utf-8')
            if RAW_TOPIC not in text:
                raise SystemExit('config/camera_reach.yaml has another camera than is known here')
            file = Path(folder) / 'camera_jpeg.yaml'
            file.write_text(text.replace(RAW_TOPIC, JPEG_TOPIC), encoding='utf-8')
            parameters['robot_file'] = str(file)
        if kind.endswith('/jpeg'):
            parameters['wrappers'] = '["EncodeJpeg: {quality: 90}"]'
        with RobotSide(
            namespace=namespace,
            params_file='camera_reach_env.yaml',
            parameters=parameters,
            log_level='error',
        ) as side:
            yield side


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--only', default=','.join(KINDS), help='rows, separated by commas')


def _cpu_s(pid: int) -> float:
    words = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(words[11]) + int(words[12])) / CLOCK_HZ


def _lost(pid: int) -> int:
    """Return how many datagrams the sockets of a process had no room for."""
    sockets = set()
    for link in Path(f'/proc/{pid}/fd').iterdir():
        with contextlib.suppress(OSError):
            target = os.readlink(link)
            if target.startswith('socket:['):
                sockets.add(target[8:-1])
    rows = [row.split() for row in Path(f'/proc/{pid}/net/udp').read_text().splitlines()[1:]]
    return sum(int(row[-1]) for row in rows if row[9] in sockets)


def _setting(name: str) -> str:
    with contextlib.suppress(OSError):
        return Path(f'/proc/sys/net/core/{name}').read_text().strip()
    return 'unknown'


if __name__ == '__main__':
    sys.exit(main())
