# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The command ``rl_bridge up`` and the processes it starts and ends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import pytest

from rl_bridge.errors import BridgeUnavailable
from rl_bridge.processes import RobotSide

TIMEOUT_S = 30.0


def needs_ros() -> None:
    pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')


def connected(bridge: str) -> Any:
    """Make the remote env once the bridge is there."""
    end_s = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return gymnasium.make(
                'rl_bridge:RemoteRobot-v0', bridge=bridge, connect_timeout_s=3.0
            )
        except BridgeUnavailable:
            if time.monotonic() > end_s:
                raise


def test_a_given_parameter_wins_over_the_file() -> None:
    needs_ros()
    side = RobotSide(
        namespace='wins',
        simulated=False,
        guarded=False,
        parameters={'env': 'CartPole-v1'},  # the file says robot, for this very node
        log_level='warn',
    )
    with side:
        env = connected('/wins/robot_env')
        assert env.action_space == gymnasium.spaces.Discrete(2)
        env.close()
    assert side.ended() == {'robot_env': 0}


def children(process: int) -> list[int]:
    """The living children of a process."""
    listed = Path(f'/proc/{process}/task/{process}/children').read_text().split()
    return [int(child) for child in listed]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process_in_order(number: int) -> None:
    needs_ros()
    up = subprocess.Popen(
        [sys.executable, '-m', 'rl_bridge.cli', 'up', '--no-sim', '--no-guard',
         '--namespace', f'ends_{number}', '-p', 'env:=CartPole-v1'],
        start_new_session=True,
    )  # fmt: skip
    started: list[int] = []
    ends: list[int] = []
    try:
        connected(f'/ends_{number}/robot_env').close()
        started = children(up.pid)
        ends = [os.pidfd_open(process) for process in started]
        up.send_signal(number)
        assert up.wait(TIMEOUT_S) == 130
        ended, _, _ = select.select(ends, [], [], 0.0)
        assert started and sorted(ended) == sorted(ends)
    finally:
        up.kill()
        up.wait()
        for end in ends:  # not by number: that may be another's by now
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(end, signal.SIGKILL)
            os.close(end)
