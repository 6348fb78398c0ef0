# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""One environment, bridged and local: are both trajectories the same, bit for bit?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

END_TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 120.0  # where a whole fleet starts at once, too


@dataclass(slots=True)
class Trajectory:
    """What came of one environment; times of a step in ms."""

    steps: int = 0
    differences: list[str] = field(default_factory=list)
    check: str = ''  # what check_env complains of
    local_ms: list[float] = field(default_factory=list)
    bridged_ms: list[float] = field(default_factory=list)
    frame: Any = None


@contextmanager
def hosting(env_id: str, *, namespace: str, log: Path) -> Iterator[str]:
    """Host an environment in a bridge process; give the bridge's name."""
    words = [sys.executable, '-m', 'rl_bridge.node', '--ros-args', '--log-level', 'warn']
    words += ['-r', f'__ns:=/{namespace}', '-p', f'env:={env_id}', '-p', 'autostart:=true']
    with log.open('a') as errors:
        process = subprocess.Popen(words, stderr=errors, env=dict(os.environ))
    try:
        yield f'/{namespace}/robot_env'
    finally:
        process.terminate()
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bridged(bridge: str, **options: Any) -> Any:
    """Make the client of a bridge."""
    return gymnasium.make(
        'rl_bridge:RemoteRobot-v0',
        bridge=bridge,
        connect_timeout_s=CONNECT_TIMEOUT_S,
        render_mode='rgb_array',
        **options,
    )


def compare(env_id: str, *, steps: int, namespace: str, log: Path, exact: bool) -> Trajectory:
    """
    Step both with the same seeds and actions.

    :param exact: whether the environment is one whose results repeat.
    """
    with hosting(env_id, namespace=namespace, log=log) as bridge:
        return compare_with(bridge, env_id, steps=steps, exact=exact, check=True)


def compare_with(bridge: str, env_id: str, *, steps: int, exact: bool, check: bool) -> Trajectory:
    """
    Step the environment behind a bridge and a local one, see ``compare``.

    :param check: whether check_env is run first.
    """
    result = Trajectory()
    here = gymnasium.make(env_id, render_mode='rgb_array')
    there = bridged(bridge)
    try:
        if check:
            result.check = checked(there)
        if (here.action_space, here.observation_space) != (
            there.action_space,
            there.observation_space,
        ):
            result.differences.append('the spaces differ')
        _step_both(here, there, result, steps=steps, exact=exact)
        result.frame = there.render()
    finally:
        there.close()
        here.close()
    return result


def checked(env: Any) -> str:
    """Return what Gymnasium's check_env says against an environment; nothing if it passes."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            check_env(env.unwrapped, skip_render_check=True)
        except Exception as fault:
            return f'{type(fault).__name__}: {fault}'
    return ''


def difference(there: Any, here: Any, path: str) -> str:
    """Return where two values are not the same in structure, types, shapes and bits."""
    if isinstance(here, dict):
        if list(there) != list(here):
            return path
        return next(filter(None, (difference(there[k], here[k], f'{path}.{k}') for k in here)), '')
    if isinstance(here, tuple | list):
        if len(there) != len(here):
            return path
        pairs = enumerate(zip(there, here, strict=True))
        return next(filter(None, (difference(a, b, f'{path}[{i}]') for i, (a, b) in pairs)), '')
    if isinstance(here, np.ndarray):
        same = there.dtype == here.dtype and there.shape == here.shape
        return '' if same and there.tobytes() == here.tobytes() else path
    return '' if there == here else path


def _step_both(here: Any, there: Any, result: Trajectory, *, steps: int, exact: bool) -> None:
    here.action_space.seed(7)
    over, episode = True, 0
    for step in range(steps):
        if over:
            ours, theirs = here.reset(seed=episode)[0], there.reset(seed=episode)[0]
            _note(result, theirs, ours, f'reset {episode}', exact)
            episode += 1
        action = here.action_space.sample()
        begin_s = time.perf_counter()
        ours = here.step(action)[:4]
        between_s = time.perf_counter()
        theirs = there.step(action)[:4]
        result.local_ms.append((between_s - begin_s) * 1e3)
        result.bridged_ms.append((time.perf_counter() - between_s) * 1e3)
        _note(result, theirs, ours, f'step {step}', exact)
        result.steps += 1
        over = bool(ours[2] or ours[3] or theirs[2] or theirs[3])


def _note(result: Trajectory, theirs: Any, ours: Any, where: str, exact: bool) -> None:
    if exact:
        found = difference(theirs, ours, where)
        if found:
            result.differences.append(found)
