# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Starts bridges as processes for the end-to-end tests, and ends them whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
END_TIMEOUT_S = 20.0


@contextmanager
def hosting(env_id: str, *, namespace: str, **parameters: str) -> Iterator[str]:
    """Host a Gymnasium environment in a bridge process; give the bridge's name."""
    words = [sys.executable, '-m', 'rl_bridge.node', '--ros-args', '-r', f'__ns:=/{namespace}']
    for name, value in {'env': env_id, 'autostart': 'true', **parameters}.items():
        words += ['-p', f'{name}:={value}']
    path = os.pathsep.join([str(HERE), os.environ.get('PYTHONPATH', '')])
    process = subprocess.Popen(words, env={**os.environ, 'PYTHONPATH': path})
    try:
        yield f'/{namespace}/robot_env'
        assert process.poll() is None, f'the bridge ended early, with {process.returncode}'
    finally:
        process.terminate()
        try:
            code = process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    assert code == 0, f'the bridge ended with exit code {code}'
