# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Installs the Python package and what ROS 2 looks for in share/; the rest is in setup.cfg."""

from pathlib import Path

from setuptools import find_packages, setup

SHARE = 'share/rl_bridge'


def files_below(folder: str) -> list[tuple[str, list[str]]]:
    """Every file below a folder as data_files, each kept in its own sub-folder."""
    found: dict[str, list[str]] = {}
    for path in sorted(Path(folder).rglob('*')):
        if path.is_file() and '__pycache__' not in path.parts:
            found.setdefault(f'{SHARE}/{path.parent.as_posix()}', []).append(path.as_posix())
    return list(found.items())


setup(
    packages=find_packages(include=['rl_bridge', 'rl_bridge.*']),
    package_data={'': ['py.typed', '*.xml', '*.yaml', '*.json', '*.rviz']},
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/rl_bridge']),
        (SHARE, ['package.xml']),
        *files_below('launch'),
        *files_below('config'),
    ],
    zip_safe=False,
)
