# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The robot's side of a link as one process tree: robot and recorder, guard, bridge.

    python -m benchmarks.network.robot_side FOLDER [NAME:=VALUE ...]

prints ``ready`` once the bridge is active, goes on until its standard input ends, then ends the
others and prints one JSON object: what the recorder saw of all that time. The parameters are the
bridge's.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.rig import oracle
from benchmarks.rig.robot import DESCRIPTION, VELOCITY, Robot
from rl_bridge.dds_profile import use_profile
from rl_bridge.safety.realtime import run_first
from rl_bridge.types import CommandKind, StopReason, StopState

NAMESPACE = '/far'
BRIDGE = f'{NAMESPACE}/robot_env'
PRIORITY = 45  # above the guard's, or its own delay would be recorded
READY_TIMEOUT_S = 30.0
END_TIMEOUT_S = 10.0
SLICE_S = 0.05
ACTIVE = 'active'
# How an episode ends when all goes well.
EXPECTED = (StopReason.IDLE, StopReason.CLIENT_CLOSED, StopReason.TAKEOVER, StopReason.SHUTDOWN)


def command(module: str, **parameters: str) -> list[str]:
    """Return the command line of a node on this side."""
    words = [sys.executable, '-m', module, '--ros-args', '--log-level', 'warn']
    words += ['-r', f'__ns:={NAMESPACE}']
    return words + [w for key, value in parameters.items() for w in ('-p', f'{key}:={value}')]


@contextmanager
def processes(
    folder: Path, robot: Robot, **parameters: str
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start guard and bridge; end them, the bridge first, while the robot goes on."""
    robot_file = folder / 'two_link.yaml'
    robot_file.write_text(yaml.safe_dump(DESCRIPTION))
    common = {'robot_file': str(robot_file)}
    lines = [
        command('rl_bridge.safety.guard_node', **common, event_log=str(folder / 'guard.events')),
        command('rl_bridge.node', **{
            **common,
            'event_log': str(folder / 'bridge.events'),
            'task': 'benchmarks.rig.task:DriveTask',
            'episode_time': '0.0',
            'render_mode': "''",
            'autostart': 'true',
            **parameters,
        }),
    ]  # fmt: skip
    tied = ['setpriv', '--pdeathsig', 'KILL', '--']  # they outlive this process in no case
    running = [subprocess.Popen([*tied, *line], stdout=sys.stderr) for line in lines]
    try:
        yield running
    finally:
        for process in reversed(running):
            process.terminate()
            if not _ended(process, robot):
                process.kill()
                process.wait()


def _ended(process: subprocess.Popen[bytes], robot: Robot) -> bool:
    """Be the robot until a process has ended; false if it does not."""
    end_s = time.monotonic() + END_TIMEOUT_S
    while process.poll() is None and time.monotonic() < end_s:
        robot.rest(SLICE_S)
    return process.poll() is not None


def main() -> int:
    """Be the robot until standard input ends; report."""
    folder = Path(sys.argv[1])
    parameters = dict(word.split(':=', 1) for word in sys.argv[2:])
    use_profile()
    robot = Robot(namespace=NAMESPACE)
    with processes(folder, robot, **parameters) as running:
        run_first(PRIORITY)  # not for those that it started
        gc.disable()  # a pause of the recorder's would look like one of theirs
        print('ready', flush=True)
        while not select.select([sys.stdin], [], [], 0)[0]:
            robot.rest(SLICE_S)
            if any(process.poll() is not None for process in running):
                break
        ended = [process.poll() for process in running]
    print(json.dumps({**report(robot.recording), 'ended': ended}), flush=True)
    robot.close()
    return 0


def report(recording: oracle.Recording) -> dict[str, Any]:
    """
    Count what was seen.

    :returns: ``steps`` that moved the robot, ``twice`` of them more than once, ``fenced`` commands
        of an epoch older than the newest BEGIN before them, ``takeovers``, ``holds``, false
        ``latched`` stops by reason, and the oracle's ``violations``.
    """
    moves = Counter(
        (command.epoch, command.step)
        for command in recording.commands
        if command.kind == CommandKind.MOVE and command.step
    )
    newest = fenced = begun = 0
    for command in recording.commands:
        if command.kind == CommandKind.BEGIN:
            begun += command.epoch != newest
            newest = max(newest, command.epoch)
        fenced += command.epoch < newest
    # A status tells the newest stop until the next one, whether or not it is over.
    stops = {
        (status.detected_ns, status.state): status
        for status in recording.statuses
        if status.detected_ns and status.state != StopState.RUNNING
    }
    latched = Counter(
        StopReason(status.reason).name
        for status in stops.values()
        if status.state >= StopState.STOPPED and status.reason not in EXPECTED
    )
    found = oracle.violations(recording, lower=(-VELOCITY,) * 2, upper=(VELOCITY,) * 2)
    return {
        'commands': len(recording.commands),
        'steps': len(moves),
        'twice': sum(count > 1 for count in moves.values()),
        'epochs': begun,
        'fenced': fenced,
        'holds': sum(status.state == StopState.HOLD for status in stops.values()),
        'latched': dict(latched),
        'violations': found,
    }


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.setdefault('RCUTILS_COLORIZED_OUTPUT', '0')
    sys.exit(main())
