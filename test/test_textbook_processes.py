# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Textbook environments in real bridge processes: a team of carts, and physics with its own."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from bridge_process import hosting

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
pytest.importorskip('pettingzoo', reason='teams of carts need PettingZoo')

from test_textbook_multi_cart import assert_same_episodes

from rl_bridge.textbook.multi_cart import parallel_env, remote_parallel_env


def children(process: int, *, of: str) -> list[int]:
    """Return the running child processes whose command names ``of``."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            parent = (folder / 'stat').read_text().rpartition(')')[2].split()[1]
            command = (folder / 'cmdline').read_text()
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
        if int(parent) == process and of in command:
            found.append(int(folder.name))
    return found


def test_carts_each_behind_a_bridge_process_are_the_local_team_bit_for_bit() -> None:
    with ExitStack() as stack:
        bridges = [
            stack.enter_context(hosting('rl_bridge:PlanarCart-v0', namespace=f'cart_{i}'))
            for i in range(2)
        ]
        there = remote_parallel_env(bridges=bridges, max_steps=60, connect_timeout_s=30.0)
        here = parallel_env(carts=2, max_steps=60)
        try:
            assert_same_episodes(here, there, steps=200)
        finally:
            there.close()


def test_a_hosted_pendulum_has_a_process_that_ends_with_its_bridge() -> None:
    with hosting('rl_bridge:DoublePendulum-v0', namespace='pendulum') as bridge:
        env = gymnasium.make(
            'rl_bridge:RemoteRobot-v0', bridge=bridge, connect_timeout_s=30.0,
            reset_timeout_s=60.0)
        first, _ = env.reset(seed=1)
        info = env.step(np.zeros(1, np.float32))[4]
        assert info['ticks'] >= 1 and env.observation_space.contains(first)
        (host,) = children(os.getpid(), of='rl_bridge.node')
        (physics,) = children(host, of='spawn_main')
        env.close()
    limit = time.monotonic() + 20.0
    while Path(f'/proc/{physics}').exists() and time.monotonic() < limit:
        time.sleep(0.02)
    assert not Path(f'/proc/{physics}').exists()
