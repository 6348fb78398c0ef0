# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The build foundation: the packages colcon sees, and the set-up script's choices and refusals."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from bootstrap_steps import layout, stamps, venv  # noqa: E402

needs_colcon = pytest.mark.skipif(not shutil.which('colcon'), reason='colcon is not installed')


def bootstrap_fails(*, env: dict[str, str], python: str = sys.executable) -> str:
    """Run `bootstrap.py setup`, expect it to refuse, and return what it said."""
    done = subprocess.run([python, str(ROOT / 'bootstrap.py'), 'setup'], cwd=ROOT, text=True,
                          env={**os.environ, **env}, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count('\n') == 1, done.stderr
    return done.stderr


@needs_colcon
def test_colcon_lists_exactly_the_two_packages() -> None:
    listed = subprocess.run(['colcon', 'list', '--names-only'], cwd=ROOT, check=True, text=True,
                            capture_output=True, timeout=60)
    assert sorted(listed.stdout.split()) == ['rl_bridge', 'rl_bridge_interfaces']


def test_every_interface_file_is_listed_for_the_build() -> None:
    folder = ROOT / 'rl_bridge_interfaces'
    files = {f'{path.parent.name}/{path.name}' for path in folder.glob('*/*.[ms][sr][gv]')}
    listed = re.findall(r'(?:msg|srv)/\w+\.(?:msg|srv)', (folder / 'CMakeLists.txt').read_text())
    assert len(listed) == len(set(listed))
    assert set(listed) == files


def test_both_packages_and_the_set_up_carry_the_same_version() -> None:
    found = {re.search(r'<version>(.+)</version>', path.read_text()).group(1)
             for path in (ROOT / 'package.xml', ROOT / 'rl_bridge_interfaces/package.xml')}
    found.add(re.search(r'^version = (.+)$', (ROOT / 'setup.cfg').read_text(), re.M).group(1))
    assert len(found) == 1


@pytest.mark.parametrize('name', ['requirements.txt', 'requirements-jazzy.txt',
                                  'requirements-kilted.txt', 'requirements-sb3.txt'])
def test_every_requirement_is_pinned_to_one_version(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith('#')]
    assert lines
    pin = re.compile(r'[a-z0-9-]+==[\w.+]+(; python_version .+)?$')
    assert [line for line in lines if not pin.match(line)] == []


def test_no_package_registry_is_named_anywhere() -> None:
    hosts = re.compile(rb'https?://[\w.-]*(?:pypi|pythonhosted|anaconda|download\.pytorch)\.')
    tracked = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True)
    if tracked.returncode:
        pytest.skip('not a git checkout')
    paths = [ROOT / name for name in tracked.stdout.decode().split('\0') if name]
    assert [path for path in paths if path.is_file() and hosts.search(path.read_bytes())] == []


def test_an_unknown_distribution_is_refused_with_one_sentence() -> None:
    said = bootstrap_fails(env={'ROS': 'humble', 'ROS_DISTRO': ''})
    assert 'ROS=humble is not known; ROS is one of jazzy, kilted' in said


def test_another_distribution_than_the_sourced_one_is_refused_with_one_sentence() -> None:
    said = bootstrap_fails(env={'ROS': 'kilted', 'ROS_DISTRO': 'jazzy'})
    assert 'ROS=kilted was asked for, but ROS 2 jazzy is sourced in this shell' in said


def test_an_unsupported_python_is_refused_with_one_sentence() -> None:
    found = sorted(Path.home().glob('.pyenv/versions/3.[89].*/bin/python'))
    found += [Path(path) for name in ('python3.8', 'python3.9') if (path := shutil.which(name))]
    if not found:
        pytest.skip('no Python 3.8 or 3.9 on this machine')
    said = bootstrap_fails(env={'ROS_DISTRO': '', 'ROS': ''}, python=str(found[0]))
    assert 'Python 3.10 to 3.14 is needed and this is Python 3.' in said


def test_a_missing_compiler_is_refused_with_one_sentence(monkeypatch) -> None:
    monkeypatch.setenv('PATH', '/nowhere')
    monkeypatch.delenv('CXX', raising=False)
    with pytest.raises(layout.SetupError, match=r'C\+\+ compiler .* apt-get install g\+\+'):
        venv.check_machine(layout.Layout('jazzy', sourced=False))


@pytest.mark.parametrize(('ros', 'sourced', 'folder'), [
    ('', '', '.venv'), ('jazzy', '', '.venv'), ('kilted', '', '.venv-kilted'),
    ('', 'jazzy', '.venv-sourced'), ('jazzy', 'jazzy', '.venv-sourced'),
])
def test_each_choice_of_ros_has_an_environment_of_its_own(
    monkeypatch, ros: str, sourced: str, folder: str
) -> None:
    monkeypatch.setenv('ROS', ros)
    monkeypatch.setenv('ROS_DISTRO', sourced)
    assert layout.choose_layout().venv == ROOT / folder


def test_the_environment_of_the_environment_is_the_environment(monkeypatch) -> None:
    jazzy = layout.Layout('jazzy', sourced=False)
    once = layout.environment(jazzy)
    monkeypatch.setattr(os, 'environ', once)
    assert layout.environment(jazzy) == once


def test_one_distributions_environment_leaves_nothing_of_the_others(monkeypatch) -> None:
    monkeypatch.setattr(os, 'environ', layout.environment(layout.Layout('jazzy', False)))
    env = layout.environment(layout.Layout('kilted', sourced=False))
    for name in layout.PATH_LISTS:
        entries = env[name].split(os.pathsep)
        assert [entry for entry in entries if entry.startswith(f'{ROOT}/.venv/')] == []
        assert [entry for entry in entries if entry.startswith(f'{ROOT}/install/')] == []


def test_an_unfinished_stamp_is_no_stamp(tmp_path: Path) -> None:
    stamp = tmp_path / 'stamp.json'
    assert stamps.read_stamp(stamp) == {}
    stamp.write_text('{"pla')
    assert stamps.read_stamp(stamp) == {}
    stamps.write_stamp(stamp, {'place': 'here'})
    assert stamps.read_stamp(stamp) == {'place': 'here'}
