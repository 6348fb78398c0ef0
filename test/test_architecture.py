# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The house keeps its walls: who may import whom, and how long a module may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / 'rl_bridge'

# Each layer with the layers it may import; docs/architecture.md shows the same table.
ALLOWED: dict[str, set[str]] = {
    'errors': set(),
    'types': {'errors'},
    'access': {'errors', 'types'},
    'dds': {'errors'},
    'wire': {'errors', 'types'},
    'client': {'errors', 'types', 'access', 'dds', 'wire'},
    'robot_file': {'errors', 'types'},
    'kinematics': {'errors', 'types'},
    'events': {'errors', 'types'},
    'safety': {'errors', 'types', 'access', 'dds', 'robot_file', 'kinematics', 'events'},
    'robots': {'errors', 'types', 'access', 'dds', 'robot_file', 'safety'},
    'tasks': {'errors', 'types', 'kinematics', 'robots'},
    'sim': {'errors', 'types', 'dds', 'robot_file', 'kinematics', 'robots', 'safety', 'jpeg'},
    'envs': {'errors', 'types', 'robot_file', 'robots', 'tasks', 'sim'},
    'textbook': {'errors', 'types'},
    'jpeg': {'errors'},
    'env_factory': {'errors', 'jpeg'},
    'session': {'errors', 'types'},
    'bridge': {'errors', 'types', 'access', 'events', 'wire', 'safety', 'robots', 'session'},
    'node': {
        'errors', 'types', 'access', 'dds', 'robot_file', 'events', 'safety', 'robots', 'tasks',
        'envs', 'env_factory', 'session', 'bridge',
    },
    'tools': {
        'errors', 'types', 'access', 'dds', 'robot_file', 'events', 'safety', 'robots', 'tasks',
    },
    'package': {'client', 'envs', 'textbook'},
}  # fmt: skip

# Layers of several modules that lie side by side; any other folder or module is its own layer.
SPREAD = {
    'types': ('types', 'robot_description'),
    'dds': ('dds_profile', 'dds_profile_node', 'topic_qos'),
    'kinematics': ('kinematics', 'pinhole'),
    'robot_file': ('robot_file', 'yaml_section', 'command_section', 'sensor_section'),
    'session': ('session', 'lease', 'decision', 'request_age', 'reset_memory', 'past_sessions'),
    'bridge': (
        'bridge', 'stage', 'hosted_env', 'turns', 'reset_content', 'door', 'link_count',
        'operators', 'pictures', 'stop_events',
    ),
    'node': (
        'node', 'parameters', 'hosting_node', 'services_node', 'status_node', 'weights_node',
        'presence_node', 'pulse_node', 'boundary_node', 'answers_node', 'help_node',
    ),
    'tools': (
        'cli', 'check', 'check_types', 'check_stream', 'check_node', 'event_table', 'processes',
        'shared_memory', 'demo', 'demo_client', 'demo_faults', 'observer_node', 'operator_node',
    ),
    'package': ('__init__',),
}
LAYER_OF = {module: name for name, modules in SPREAD.items() for module in modules}

# The robots may use the guard's pure checks, stop states and reading of fields, and nothing else
# of it: what a robot refuses early must be what the guard refuses.
SHARED_WITH_ROBOTS = {'safety.limits', 'safety.stop_state', 'safety.named_types'}

ROS_FILES = ('*_node.py', 'node.py', 'parameters.py', 'ros_transport.py', 'topic_*.py')
# These only ask ROS where installed files are, and go on without an answer.
ASK_FOR_FOLDERS = {'processes.py', 'robot_file.py'}
ROS_PACKAGES = {
    'rclpy', 'rosidl_runtime_py', 'rpyutils', 'launch', 'launch_ros', 'rl_bridge_interfaces',
    'rcl_interfaces', 'builtin_interfaces',
}  # fmt: skip

MOST_LINES = 350
# Known to be too long. A number may only become smaller.
TOO_LONG: dict[str, int] = {}

MODULES = sorted(PACKAGE.rglob('*.py'))


def name_of(path: Path) -> str:
    """A module as it is written after ``rl_bridge.``: 'safety.limits'."""
    parts = path.relative_to(PACKAGE).with_suffix('').parts
    return '.'.join(parts if len(parts) == 1 or parts[-1] != '__init__' else parts[:-1])


def imported(path: Path) -> set[str]:
    """Everything that a module imports anywhere, functions and type checking included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} imports relatively; write the whole name'
            assert node.module is not None
            if node.module == 'rl_bridge':
                names |= {f'rl_bridge.{alias.name}' for alias in node.names}
            else:
                names.add(node.module)
    return names


def own(path: Path) -> set[str]:
    """The modules of this package that a module imports."""
    return {
        name.removeprefix('rl_bridge.') for name in imported(path) if name.startswith('rl_bridge.')
    }


def ros(path: Path) -> set[str]:
    """What of ROS a module imports."""
    tops = {name.partition('.')[0] for name in imported(path)}
    return {top for top in tops if top in ROS_PACKAGES or top.endswith(('_msgs', '_srvs'))}


def layer(name: str) -> str:
    first = name.partition('.')[0]
    return LAYER_OF.get(first, first)


def ids(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_every_module_belongs_to_a_layer() -> None:
    new = {layer(name_of(path)) for path in MODULES} - set(ALLOWED)
    assert not new, f'add {sorted(new)} to a layer here and in docs/architecture.md'


def test_the_page_shows_the_same_table() -> None:
    page = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    rows = re.findall(r'^\| `(\w+)` \|.*\|([^|]*)\|$', page, re.MULTILINE)
    assert {name: set(re.findall(r'\w+', allowed)) for name, allowed in rows} == ALLOWED


def test_the_layers_form_no_circle() -> None:
    assert set(TopologicalSorter(ALLOWED).static_order()) == set(ALLOWED)


@pytest.mark.parametrize('path', MODULES, ids=ids)
def test_a_module_imports_only_the_layers_below_it(path: Path) -> None:
    mine = layer(name_of(path))
    others = {layer(name) for name in own(path)} - {mine}
    wrong = others - ALLOWED[mine]
    assert not wrong, f'{ids(path)} imports {sorted(wrong)}; {mine} may import {ALLOWED[mine]}'


def reachable(start: str) -> set[str]:
    """The layers that a layer imports, directly or not, by the table."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in ALLOWED[waiting.pop()] - found:
            found.add(name)
            waiting.append(name)
    return found


def test_a_client_never_reaches_the_server_side_even_indirectly() -> None:
    assert reachable('client') == {'errors', 'types', 'access', 'dds', 'wire'}


def test_the_guard_never_reaches_robots_wire_or_bridge_even_indirectly() -> None:
    assert reachable('safety') == {
        'errors', 'types', 'access', 'dds', 'robot_file', 'kinematics', 'events',
    }  # fmt: skip


def test_the_session_knows_numbers_and_clocks_only() -> None:
    assert reachable('session') == {'errors', 'types'}


@pytest.mark.parametrize('path', MODULES, ids=ids)
def test_what_robots_share_with_the_guard_is_pure(path: Path) -> None:
    if layer(name_of(path)) not in ('robots', 'sim', 'bridge', 'node'):
        return
    of_the_guard = {name for name in own(path) if layer(name) == 'safety'}
    if layer(name_of(path)) == 'node':
        of_the_guard.discard('safety.event_log')  # each process keeps its own
    if path.name in ('pulse_node.py', 'node.py') or path.match('sim_*_node.py'):
        of_the_guard.discard('safety.realtime')  # scheduling, of any process
    assert of_the_guard <= SHARED_WITH_ROBOTS


@pytest.mark.parametrize('path', MODULES, ids=ids)
def test_ros_is_imported_in_the_files_made_for_it_only(path: Path) -> None:
    if any(path.match(pattern) for pattern in ROS_FILES):
        return
    found = ros(path)
    assert not found, f'{ids(path)} imports {sorted(found)}; only {", ".join(ROS_FILES)} may'
    if 'ament_index_python.packages' in imported(path):
        assert path.name in ASK_FOR_FOLDERS


@pytest.mark.parametrize('path', MODULES, ids=ids)
def test_a_module_stays_short(path: Path) -> None:
    most = TOO_LONG.get(str(path.relative_to(PACKAGE)), MOST_LINES)
    lines = len(path.read_text(encoding='utf-8').splitlines())
    assert lines <= most, f'{ids(path)} has {lines} lines, {most} are the most: split it'


def test_importing_the_package_needs_numpy_and_gymnasium_only() -> None:
    code = (
        'import sys\n'
        "for name in ('rclpy', 'rl_bridge_interfaces', 'ament_index_python', 'yaml', 'mujoco',\n"
        "             'matplotlib', 'rich', 'torch', 'stable_baselines3', 'PIL'):\n"
        '    sys.modules[name] = None\n'
        f'sys.path.insert(0, {str(ROOT)!r})\n'
        'import gymnasium, rl_bridge\n'
        "gymnasium.spec('RemoteRobot-v0')\n"
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
