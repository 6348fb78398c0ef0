# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The launch file, started by ROS 2's own launch where that is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import shared_memory

pytest.importorskip('launch_ros', reason='launch_ros is not installed')

from process_output import lines_until

from rl_bridge.processes import share_file

# `ros2 launch` in a few lines, so that the ros2 command itself is not needed.
LAUNCH = '''
import sys, launch
from launch.actions import IncludeLaunchDescription
arguments = [tuple(text.split(':=')) for text in sys.argv[2:]]
included = IncludeLaunchDescription(sys.argv[1], launch_arguments=arguments)
service = launch.LaunchService()
service.include_launch_description(launch.LaunchDescription([included]))
sys.exit(service.run())
'''


def launched(
    *arguments: str, file: str = 'robot_env.launch.py', **environment: str
) -> subprocess.Popen[str]:
    path = str(share_file('launch', file))
    return subprocess.Popen(
        [sys.executable, '-c', LAUNCH, path, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def interrupt(process: subprocess.Popen[str]) -> str:
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    rest, _ = process.communicate(timeout=60)
    return rest


@pytest.mark.parametrize('by', ['argument', 'environment'])
def test_the_launch_file_brings_the_whole_robot_side_to_active(by: str) -> None:
    namespace = f'launched_{os.getpid()}_{by}'
    if by == 'argument':
        process = launched(f'namespace:={namespace}')
    else:
        process = launched(RL_BRIDGE_NAMESPACE=namespace)
    try:
        lines = lines_until(process.stdout, 'the bridge is active')
    finally:
        rest = interrupt(process)
    assert f'{namespace}.guard' in ''.join(lines) + rest
    assert rest.count('process has finished cleanly') == 3, rest


def guard_of(process: int) -> int:
    """The process id of the guard that a launch process has started."""
    children = Path(f'/proc/{process}/task/{process}/children').read_text().split()
    for child in map(int, children):
        if b'guard' in Path(f'/proc/{child}/cmdline').read_bytes():
            return child
    raise AssertionError('there is no guard')


def test_a_guard_that_is_killed_is_started_again_and_the_rest_goes_on() -> None:
    process = launched(f'namespace:=respawned_{os.getpid()}')
    try:
        lines = lines_until(process.stdout, 'the bridge is active')
        for _ in range(3):
            shared_memory.kill_id(guard_of(process.pid))
            lines += lines_until(process.stdout, 'a new one ends what motion is left')
            lines += lines_until(process.stdout, 'guarding ur5e')
        shared_memory.kill_id(guard_of(process.pid))  # once too often
        rest, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            interrupt(process)
    assert rest.count('process has finished cleanly') >= 2, rest


def test_without_autostart_the_bridge_stays_unconfigured() -> None:
    process = launched('autostart:=false', f'namespace:=idle_{os.getpid()}')
    try:
        lines = lines_until(process.stdout, 'the simulated UR5e is running')
    finally:
        lines.append(interrupt(process))
    assert not any('configured: reach' in line for line in lines)


def test_a_fleet_has_a_robot_side_in_each_namespace_and_the_others_outlive_a_part_of_one() -> None:
    prefix = f'fleet_{os.getpid()}_'
    names = ','.join(['robot_env.yaml', str(share_file('config', 'robot_env.yaml'))])
    process = launched(f'prefix:={prefix}', f'params_files:={names}', file='fleet.launch.py')
    try:
        lines = lines_until(process.stdout, 'the bridge is active')
        lines += lines_until(process.stdout, 'the bridge is active')
        shared_memory.kill_id(guard_of(process.pid))
        lines += lines_until(process.stdout, 'guarding ur5e')
    finally:
        rest = interrupt(process)
    assert all(f'{prefix}{i}.guard' in ''.join(lines) + rest for i in (0, 1))
    assert rest.count('process has finished cleanly') == 6, rest
