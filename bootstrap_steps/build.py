# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""colcon build, for the packages whose inputs changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from bootstrap_steps.layout import PACKAGES, ROOT, STAMP, Layout, environment
from bootstrap_steps.stamps import call, digest, read_stamp, say, write_stamp
from bootstrap_steps.venv import check_machine


def build_inputs(package: str) -> str:
    """A hash that changes when a package must be built anew; edited Python files need no build."""
    if package == 'rl_bridge_interfaces':
        folder = ROOT / package
        files = sorted(path for path in folder.rglob('*') if path.is_file())
        return digest(*(str(path.relative_to(ROOT)) for path in files), *files)
    installed = [path for folder in ('launch', 'config', 'resource') for path in
                 sorted((ROOT / folder).rglob('*')) if '__pycache__' not in path.parts]
    names = [str(path.relative_to(ROOT)) for path in installed]
    return digest(*names, *(ROOT / name for name in ('package.xml', 'setup.py', 'setup.cfg')))


def made_with(layout: Layout) -> str:
    """A hash of what a build depends on in the environment."""
    stamp = read_stamp(layout.venv / STAMP)
    locks = layout.requirements()[:-1]  # of ROS 2; no other requirement ends up in a build
    return digest(stamp['place'], stamp['python'], stamp['ros'], *locks)


def build(layout: Layout) -> None:
    """Build the packages whose inputs changed, from scratch: what was interrupted cannot stay."""
    made_in = made_with(layout)
    stamps = {package: layout.build / f'{package}.stamp.json' for package in PACKAGES}
    wanted = {package: {'inputs': build_inputs(package), 'environment': made_in}
              for package in PACKAGES}
    stale = [package for package in PACKAGES if read_stamp(stamps[package]) != wanted[package]
             or not (layout.install / package / 'share').is_dir()]
    if not stale:
        return
    check_machine(layout)
    for package in stale:
        stamps[package].unlink(missing_ok=True)
        shutil.rmtree(layout.build / package, ignore_errors=True)
        shutil.rmtree(layout.install / package, ignore_errors=True)
    for package in stale:
        say(f'building {package}')
        call([str(layout.venv / 'bin/colcon'), 'build', '--packages-select', package],
             env=environment(layout), failed=f'colcon could not build {package} (see above).')
        write_stamp(stamps[package], wanted[package])
