# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What ``rl_bridge up`` starts: the right commands, ended together, whatever ends first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import shared_memory
from process_output import lines_until

from rl_bridge.cli import main
from rl_bridge.errors import ConfigError
from rl_bridge.processes import MOST_DEATHS, RobotSide, share_file, simulated_parts


def test_a_shared_file_is_found_and_a_missing_one_named() -> None:
    assert share_file('config', 'robot_env.yaml').is_file()
    with pytest.raises(ConfigError, match=r'config/no_such\.yaml is neither of'):
        share_file('config', 'no_such.yaml')


def test_the_bridge_alone_starts_by_itself_and_all_share_namespace_and_parameters() -> None:
    side = RobotSide(namespace='/cell/', parameters={'robot_file': 'ur5e.yaml'})
    for name in ('sim_robot', 'guard', 'robot_env'):
        words = list(side.command(name))
        assert '-r __ns:=/cell' in ' '.join(words)
        start = '    autostart: true\n' if name == 'robot_env' else ''
        assert Path(words[-1]).read_text(encoding='utf-8') == (
            f'/cell/{name}:\n  ros__parameters:\n    robot_file: ur5e.yaml\n{start}'
        )
    side.end()
    assert not Path(words[-1]).exists()


def test_a_robot_with_a_camera_has_a_simulated_one_too(tmp_path: Path) -> None:
    robot = share_file('config', 'ur5e.yaml').read_text(encoding='utf-8')
    camera = 'topic: camera, type: sensor_msgs/msg/Image, max_age: 0.2, shape: [4, 4, 3]'
    seeing = tmp_path / 'seeing.yaml'
    seeing.write_text(f'{robot}\nsensors:\n  camera: {{{camera}}}\n', encoding='utf-8')
    parameters = tmp_path / 'parameters.yaml'
    parameters.write_text(f'/**:\n  ros__parameters:\n    robot_file: {seeing}\n')
    assert simulated_parts(str(parameters)) == ['sim_robot', 'sim_camera']
    assert simulated_parts('robot_env.yaml') == ['sim_robot']
    assert simulated_parts('robot_env.yaml', {'robot_file': str(seeing)}) == [
        'sim_robot',
        'sim_camera',
    ]


def test_the_simulated_robot_itself_tells_what_is_wrong_with_files_that_cannot_be_read(
    tmp_path: Path,
) -> None:
    parameters = tmp_path / 'parameters.yaml'
    parameters.write_text('/**:\n  ros__parameters: {robot_file: no_such.yaml}\n')
    assert simulated_parts(str(parameters)) == ['sim_robot']
    assert simulated_parts('no_such.yaml') == ['sim_robot']


def test_a_bare_name_is_one_of_the_parameter_files_that_are_installed() -> None:
    words = RobotSide(params_file='robot_env.yaml').command('guard')
    assert str(share_file('config', 'robot_env.yaml')) in words
    with pytest.raises(ConfigError, match=r'config/no_such\.yaml is neither'):
        RobotSide(params_file='no_such.yaml').command('guard')


def test_a_missing_parameter_file_is_refused_before_anything_starts(tmp_path: Path) -> None:
    side = RobotSide(params_file=str(tmp_path / 'none.yaml'))
    with pytest.raises(ConfigError, match=r"none\.yaml' does not exist"), side:
        pass
    assert side.processes == {}


def test_a_parameter_without_a_value_is_refused_by_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(['up', '-p', 'control_rate=10']) == 2
    assert "'control_rate=10' is not NAME:=VALUE" in capsys.readouterr().err


def test_an_error_of_the_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['up', '--params-file', '/no/such.yaml']) == 1
    assert capsys.readouterr().err == "rl_bridge: params_file '/no/such.yaml' does not exist\n"


def up(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, '-m', 'rl_bridge.cli', 'up', *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )


def test_all_processes_end_when_the_command_is_interrupted() -> None:
    pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
    namespace = f'up_{os.getpid()}'
    process = up('--no-sim', '--no-guard', '--namespace', namespace, '-p', 'env:=CartPole-v1')
    lines_until(process.stderr, 'configured: CartPole-v1')
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_all_processes_end_when_one_of_them_does() -> None:
    pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
    process = up('--no-sim', '--no-guard', '-p', 'env:=NoSuchEnv-v0')
    lines = lines_until(process.stderr, 'robot_env ended with exit code 1')
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert any("parameter env: 'NoSuchEnv-v0' cannot be made" in line for line in lines)


def test_a_guard_that_is_killed_is_started_again_until_it_is_killed_too_often() -> None:
    pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
    process = up('--no-sim', '--namespace', f'guarded_{os.getpid()}', '-p', 'env:=CartPole-v1')
    lines_until(process.stderr, 'configured: CartPole-v1')
    for _ in range(MOST_DEATHS):
        shared_memory.kill_id(guard_of(process.pid))
        lines_until(process.stderr, 'the guard was killed by SIGKILL; it was started again')
        lines_until(process.stderr, 'guarding ur5e')
    shared_memory.kill_id(guard_of(process.pid))
    rest, code = process.communicate(timeout=30)[1], process.returncode
    assert code == 1
    assert 'guard ended with exit code -9' in rest


def guard_of(process: int) -> int:
    """The process id of the guard among the children of a process and its threads."""
    for children in Path(f'/proc/{process}/task').glob('*/children'):
        for child in map(int, children.read_text().split()):
            if b'guard_node' in Path(f'/proc/{child}/cmdline').read_bytes():
                return child
    raise AssertionError('there is no guard')


def test_a_guard_that_ends_by_itself_ends_all_the_others() -> None:
    pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
    process = up('--no-sim', '-p', 'env:=CartPole-v1', '-p', 'robot_file:=/no/such.yaml')
    lines_until(process.stderr, 'guard ended with exit code 1')
    process.communicate(timeout=30)
    assert process.returncode == 1
