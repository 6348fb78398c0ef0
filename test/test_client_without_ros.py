# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""All but the ROS edges runs where there is no ROS at all: proved by making its import fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

BLOCK = '''
import sys
for name in ('rclpy', 'rl_bridge_interfaces', 'launch', 'launch_ros'):
    sys.modules[name] = None
sys.path.insert(0, {root!r})
sys.path.insert(0, {test!r})
'''


def run(code: str) -> subprocess.CompletedProcess[str]:
    block = BLOCK.format(root=str(ROOT), test=str(ROOT / 'test'))
    return subprocess.run(
        [sys.executable, '-c', block + code],
        capture_output=True, text=True, timeout=60, check=False)


def modules() -> list[str]:
    """Every module of the layers that run without ROS."""
    found = []
    for path in sorted((ROOT / 'rl_bridge').rglob('*.py')):
        parts = path.relative_to(ROOT).with_suffix('').parts
        ros = path.stem.endswith('_node') or path.stem.startswith('topic_') or path.stem in (
            'node', 'parameters', 'ros_transport')
        optional = parts[1] in ('sim', 'train', 'cli', 'demo')
        if not ros and not optional:
            found.append('.'.join(parts[:-1] if path.stem == '__init__' else parts))
    return found


def test_the_layers_without_ros_are_found() -> None:
    assert {'rl_bridge', 'rl_bridge.session', 'rl_bridge.client.remote_robot_env',
            'rl_bridge.client.loopback_transport'} <= set(modules())


def test_they_all_import_without_ros() -> None:
    done = run(f'''
import importlib
for name in {modules()!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
''')
    assert (done.returncode, done.stdout) == (0, ''), done.stdout + done.stderr


def test_an_episode_runs_over_the_loopback_without_ros() -> None:
    done = run('''
from client_scripted_bridge import ACTION, ScriptedBridge
from rl_bridge.client import LoopbackTransport, RemoteRobotEnv
env = RemoteRobotEnv(transport=LoopbackTransport(ScriptedBridge(lease=0.1)))
env.reset(seed=1)
print(env.step(ACTION)[1])
env.close()
''')
    assert done.returncode == 0, done.stderr
    assert done.stdout == '0.5\n' and done.stderr == ''


def test_a_ros_connection_without_ros_says_what_is_missing() -> None:
    done = run('''
from rl_bridge.client import RemoteRobotEnv
from rl_bridge.errors import ConfigError
try:
    RemoteRobotEnv('/robot_env')
except ConfigError as error:
    print(error)
''')
    assert done.returncode == 0, done.stderr
    assert 'rclpy' in done.stdout and 'setup.bash' in done.stdout
