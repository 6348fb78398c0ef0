# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The Python environment: ROS 2 from wheels or sourced, and everything else rl_bridge needs."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from bootstrap_steps.layout import ROOT, STAMP, Layout, SetupError, environment, gymnasium_folder
from bootstrap_steps.stamps import call, digest, read_stamp, say, write_stamp

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 14)


def check_machine(layout: Layout) -> None:
    """Refuse a machine that cannot work, with one sentence that names the way out."""
    version = '.'.join(map(str, sys.version_info[:3]))
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        raise SetupError(f'Python 3.10 to 3.14 is needed and this is Python {version}; name '
                         'another one, for example: make PYTHON=python3.11')
    if not layout.sourced and (platform.system(), platform.machine()) != ('Linux', 'x86_64'):
        raise SetupError('the ROS 2 wheels exist for Linux on x86-64 only and this is '
                         f'{platform.system()} on {platform.machine()}; source a ROS 2 first.')
    if not any(map(shutil.which, (os.environ.get('CXX', 'c++'), 'c++', 'g++', 'clang++'))):
        raise SetupError('a C++ compiler is needed to build the messages and none was found; '
                         'install one, for example: apt-get install g++')
    if not Path(sysconfig.get_path('include'), 'Python.h').is_file():
        raise SetupError(f'the C headers of Python {version} (Python.h) are needed to build the '
                         'messages; install them, for example: apt-get install python3-dev')
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise SetupError(f'Python {version} cannot make virtual environments; install that part, '
                         'for example: apt-get install python3-venv') from None


def environment_stamp(layout: Layout) -> dict[str, str]:
    return {
        'place': str(layout.venv),
        'python': f'{sys.version} {sysconfig.get_path("include")}',
        'ros': layout.distribution,
        'requirements': digest(*layout.requirements()),
    }


def make_environment(layout: Layout) -> None:
    """Make the venv, or bring it up to date. One without a stamp was interrupted: made anew."""
    stamp_file, wanted = layout.venv / STAMP, environment_stamp(layout)
    found = read_stamp(stamp_file)
    if found == wanted:
        return
    check_machine(layout)
    version = '.'.join(map(str, sys.version_info[:3]))
    if {**found, 'requirements': ''} != {**wanted, 'requirements': ''}:
        if layout.venv.exists():
            say(f'{layout.venv.name} is unfinished or of another Python: making it anew')
            shutil.rmtree(layout.venv)
        say(f'making the Python environment {layout.venv.name} (Python {version})')
        system = ['--system-site-packages'] if layout.sourced else []
        call([getattr(sys, '_base_executable', sys.executable), '-m', 'venv', *system,
              str(layout.venv)], env=dict(os.environ),
             failed='the Python environment could not be made (see above).')
    stamp_file.unlink(missing_ok=True)
    if layout.sourced:
        check_sourced(layout)
    source = 'the sourced ROS 2 ' if layout.sourced else 'ROS 2 '
    say(f'installing what {source}{layout.distribution} and rl_bridge need: a few minutes, once')
    call(pip_command(layout, layout.requirements()), env=environment(layout),
         failed='pip could not install the requirements (see above); is the network there? '
                'Run the same command again to go on.')
    if not layout.sourced:
        repair_include_folders(layout)
    write_colcon_defaults(layout)
    write_stamp(stamp_file, wanted)


def pip_command(layout: Layout, files: list[Path]) -> list[str]:
    requirements = [part for file in files for part in ('-r', str(file))]
    if layout.sourced:  # its messages are compiled for its own NumPy
        requirements += ['-c', str(layout.venv / 'constraints.txt')]
    return [str(layout.python), '-m', 'pip', 'install', '-qq', '--disable-pip-version-check',
            '--no-warn-conflicts', *requirements]


def check_sourced(layout: Layout) -> None:
    """Hold on to the sourced ROS 2's NumPy, and refuse a Python which that ROS 2 is not for."""
    asked = subprocess.run(
        [str(layout.python), '-c', 'import rclpy, numpy; print(numpy.__version__)'],
        env=environment(layout), text=True, capture_output=True)
    if asked.returncode:
        raise SetupError(
            f'the sourced ROS 2 {layout.distribution} does not work with this Python '
            f'({asked.stderr.strip().splitlines()[-1]}); name the Python it was built for, for '
            'example: make PYTHON=/usr/bin/python3')
    (layout.venv / 'constraints.txt').write_text(f'numpy=={asked.stdout.strip()}\n')


def repair_include_folders(layout: Layout) -> None:
    """Point the wheels' exported CMake files at this machine's Python and NumPy headers.

    They name the include folders of the machine that built them (/opt/python/cp311-cp311/...).
    """
    numpy = next((layout.venv / layout.site_packages / 'numpy').glob('*core/include'))
    python = sysconfig.get_path('include')
    repaired = 0
    for path in sorted((layout.venv / 'share').glob('*/cmake/*.cmake')):
        before = path.read_text()
        after = re.sub(r'/opt/python/[^/;"]+/include/python[0-9.]+', python, before)
        after = re.sub(r'/opt/python/[^;"]+/numpy/_?core/include', str(numpy), after)
        if after != before:
            unfinished = path.with_suffix('.new')
            unfinished.write_text(after)
            os.replace(unfinished, path)
            repaired += 1
    if repaired:
        say(f'pointed {repaired} CMake files of the ROS 2 wheels at this Python')


def write_colcon_defaults(layout: Layout) -> None:
    """What colcon must know about this environment, whoever calls it; JSON is YAML too."""
    folders = {'build-base': str(layout.build), 'install-base': str(layout.install)}
    names = ['Python3_EXECUTABLE']
    if layout.distribution != 'kilted':  # which no longer asks for the older name, and would warn
        names.append('PYTHON_EXECUTABLE')
    python = [f'-D{name}={layout.python}' for name in names]
    defaults = {'build': {**folders, 'cmake-args': python},
                'test': folders, 'test-result': {'test-result-base': str(layout.build)}}
    # What marks a ROS 2 prefix for colcon; there is nothing to set up that environment() does not.
    (layout.venv / 'local_setup.sh').write_text('')
    (layout.venv / 'colcon_defaults.yaml').write_text(json.dumps(defaults, indent=1))


def add_gymnasium(layout: Layout) -> None:
    """GYMNASIUM=1.2.2 puts that version before the pinned one, in a folder of its own."""
    version = os.environ.get('GYMNASIUM', '')
    if not version or (gymnasium_folder(layout, version) / 'gymnasium' / '__init__.py').is_file():
        return
    say(f'installing gymnasium {version} beside the pinned one')
    call([str(layout.python), '-m', 'pip', 'install', '-qq', '--disable-pip-version-check',
          '--no-deps', '--upgrade', '--target', str(gymnasium_folder(layout, version)),
          f'gymnasium=={version}'], env=environment(layout),
         failed=f'gymnasium {version} could not be installed (see above).')


def add_stable_baselines3(layout: Layout) -> None:
    """Install Stable-Baselines3 where a CPU build of PyTorch can be had, or its tests skip."""
    file, stamp_file = ROOT / 'requirements-sb3.txt', layout.venv / 'sb3.stamp.json'
    wanted = {'requirements': digest(file, *layout.requirements())}
    if read_stamp(stamp_file) == wanted:
        return
    say('installing Stable-Baselines3 and PyTorch for its tests, if a CPU build can be had')
    done = subprocess.run(
        pip_command(layout, [*layout.requirements(), file]), cwd=ROOT, env=environment(layout),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode == 0:
        write_stamp(stamp_file, wanted)
    else:
        say(f'not installed, so its tests skip: {done.stdout.strip().splitlines()[-1]}')
