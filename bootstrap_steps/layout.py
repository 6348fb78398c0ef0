# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Where an environment and its build live in this checkout, and the variables they run under."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ('rl_bridge_interfaces', 'rl_bridge')
DISTRIBUTIONS = ('jazzy', 'kilted')
STAMP = 'rl_bridge.stamp.json'
PATH_LISTS = ('PATH', 'PYTHONPATH', 'LD_LIBRARY_PATH', 'AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH')


class SetupError(Exception):
    """The set-up cannot go on; the message is the one sentence the user reads."""


class Layout:
    """Where one ROS 2 distribution's environment and build live in this checkout.

    :param distribution: the name of the ROS 2 distribution.
    :param sourced: whether it is the one sourced in this shell rather than the wheels.
    """

    def __init__(self, distribution: str, sourced: bool) -> None:
        self.distribution = distribution
        self.sourced = sourced
        suffix = '-sourced' if sourced else '' if distribution == 'jazzy' else '-' + distribution
        self.venv = ROOT / ('.venv' + suffix)
        self.build = ROOT / ('build' + suffix)
        self.install = ROOT / ('install' + suffix)
        self.log = ROOT / ('log' + suffix)
        self.python = self.venv / 'bin' / 'python'

    @property
    def site_packages(self) -> str:
        return 'lib/python{}.{}/site-packages'.format(*sys.version_info[:2])

    def requirements(self) -> list[Path]:
        """The pinned requirement files this environment is made from."""
        wheels = [] if self.sourced else [ROOT / f'requirements-{self.distribution}.txt']
        return [*wheels, ROOT / 'requirements.txt']


def choose_layout() -> Layout:
    """The layout that the environment variables ROS and ROS_DISTRO ask for."""
    asked, sourced = os.environ.get('ROS', ''), os.environ.get('ROS_DISTRO', '')
    if sourced:
        if asked not in ('', sourced):
            raise SetupError(f'ROS={asked} was asked for, but ROS 2 {sourced} is sourced in this '
                             'shell; use a shell where no ROS 2 is sourced.')
        return Layout(sourced, sourced=True)
    if asked not in ('', *DISTRIBUTIONS):
        raise SetupError(f'ROS={asked} is not known; ROS is one of {", ".join(DISTRIBUTIONS)}.')
    return Layout(asked or 'jazzy', sourced=False)


def gymnasium_folder(layout: Layout, version: str) -> Path:
    return layout.venv / f'gymnasium-{version}'


def environment(layout: Layout) -> dict[str, str]:
    """The variables everything here is built and run under. The only place that sets them."""
    env = dict(os.environ)
    made_by_us = [str(ROOT)]
    if Path(env.get('VIRTUAL_ENV', ''), STAMP).is_file():  # another checkout's environment
        made_by_us.append(str(Path(env['VIRTUAL_ENV']).parent))
    ours: dict[str, list[Path]] = {name: [] for name in PATH_LISTS}
    ours['PATH'] = [layout.venv / 'bin', layout.install / 'rl_bridge/lib/rl_bridge']
    ours['PYTHONPATH'] = [  # --symlink-install leaves the Python package in the build folder
        layout.build / 'rl_bridge',
        layout.install / 'rl_bridge_interfaces' / layout.site_packages,
    ]
    ours['LD_LIBRARY_PATH'] = [layout.install / 'rl_bridge_interfaces/lib']
    ours['AMENT_PREFIX_PATH'] = [layout.install / 'rl_bridge', layout.install / PACKAGES[0]]
    if os.environ.get('GYMNASIUM'):
        ours['PYTHONPATH'].insert(0, gymnasium_folder(layout, os.environ['GYMNASIUM']))
    if not layout.sourced:
        libraries = sorted((layout.venv / layout.site_packages).glob('ros_*.libs'))
        ours['LD_LIBRARY_PATH'] += [layout.venv / 'lib', *libraries]
        ours['AMENT_PREFIX_PATH'].append(layout.venv)
        env['RMW_IMPLEMENTATION'] = 'rmw_fastrtps_cpp'
        env['_ROS_WHEELS_BOOTSTRAP_COMPLETE'] = '1'  # spares every Python its restart
    ours['AMENT_PREFIX_PATH'] = [path for path in ours['AMENT_PREFIX_PATH'] if path.is_dir()]
    ours['CMAKE_PREFIX_PATH'] = ours['AMENT_PREFIX_PATH']
    for name in PATH_LISTS:
        kept = [entry for entry in env.get(name, '').split(os.pathsep) if entry and not any(
            entry == own or entry.startswith(own + os.sep) for own in made_by_us)]
        env[name] = os.pathsep.join([*map(str, ours[name]), *kept])
    env['VIRTUAL_ENV'] = str(layout.venv)
    env['COLCON_DEFAULTS_FILE'] = str(layout.venv / 'colcon_defaults.yaml')
    env['COLCON_LOG_PATH'] = str(layout.log)
    env.pop('PYTHONHOME', None)
    return env
