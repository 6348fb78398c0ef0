# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The robot side's processes without launch_ros: what ``rl_bridge up`` and the demo start, and end
again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rl_bridge.errors import ConfigError
from rl_bridge.robot_file import load_robot

MODULES = {
    'sim_robot': 'rl_bridge.sim.sim_robot_node',
    'sim_camera': 'rl_bridge.sim.camera_node',
    'guard': 'rl_bridge.safety.guard_node',
    'robot_env': 'rl_bridge.node',
}
# Of SROS2, as config/sros2/policy.xml names them; without DDS security they mean nothing.
ENCLAVES = {
    'sim_robot': '/rl_bridge/driver',
    'sim_camera': '/rl_bridge/driver',
    'guard': '/rl_bridge/guard',
    'robot_env': '/rl_bridge/bridge',
}
TERMINATE_AFTER_S = 8.0
# A guard that dies more often than this is no guard.
MOST_DEATHS, DEATHS_WITHIN_S = 3, 60.0


def share_file(folder: str, name: str) -> Path:
    """
    Return a file that the package installs in its share folder, or the source tree's.

    :param folder: 'config' or 'launch'.
    :raises ConfigError: it is in neither.
    """
    candidates = [Path(__file__).resolve().parent.parent / folder / name]
    try:
        from ament_index_python.packages import get_package_share_directory

        candidates.insert(0, Path(get_package_share_directory('rl_bridge')) / folder / name)
    except (ImportError, LookupError):
        pass  # not installed as a ROS package: the source tree is all there is
    for path in candidates:
        if path.is_file():
            return path
    raise ConfigError(
        f'{folder}/{name} is neither of {", ".join(map(str, candidates))}; build the package first'
    )


def simulated_parts(params_file: str, parameters: Mapping[str, str] | None = None) -> list[str]:
    """
    Return the nodes that stand for a robot's hardware: its camera is one of its own.

    :param params_file: of the robot side: a path, or the name of one of rl_bridge's own.
    :param parameters: that win over it.
    :return: names of executables. Where the files cannot be read, that of the robot alone: its
        node says what is wrong with them.
    """
    with contextlib.suppress(OSError, ConfigError, ImportError, ValueError):
        name = (parameters or {}).get('robot_file') or _robot_file(parameter_file(params_file))
        sensors = load_robot(name).sensors.values()
        if any(sensor.type.endswith('Image') for sensor in sensors):
            return ['sim_robot', 'sim_camera']
    return ['sim_robot']


def parameter_file(name: str) -> Path:
    """
    Return the path of a parameter file; a bare name that is no file here is one of rl_bridge's.

    :raises ConfigError: it does not exist.
    """
    if not Path(name).is_file():
        if Path(name).name != name:
            raise ConfigError(f'params_file {name!r} does not exist')
        return share_file('config', name)
    return Path(name)


def _robot_file(params_file: Path) -> str:
    """Return the robot file that a parameter file names, for whichever node it says so."""
    import yaml

    sections: list[object] = [yaml.safe_load(params_file.read_text(encoding='utf-8'))]
    while sections:  # node names may be nested by namespace
        section = sections.pop()
        if isinstance(section, dict):
            if 'robot_file' in section:
                return str(section['robot_file'])
            sections.extend(section.values())
    return ''


@dataclass(slots=True)
class RobotSide:
    """
    The processes of one robot: simulated robot (if wanted), guard, bridge.

    A guard that is killed is started again at once, so that the new one ends whatever motion is
    left; bridge and arm go on, and the client's next reset finds them ready. One that ends by
    itself (its log says why) or is killed again and again is not.

    :param namespace: ROS namespace of all of them.
    :param params_file: parameters of all of them: a path, or the name of one of rl_bridge's own;
        by default config/robot_env.yaml.
    :param simulated: whether the robot is simulated; otherwise a real robot's driver runs already.
    :param guarded: whether a guard runs; only hosted environments that move nothing go without.
    :param parameters: further parameters of all of them by name, over those of the file; each as
        ``-p name:=value`` takes it: YAML, so that a text which looks like something else needs
        quotes.
    :param log_level: ROS log level.
    """

    namespace: str = ''
    params_file: str = ''
    simulated: bool = True
    guarded: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)
    log_level: str = 'info'
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    deaths: list[float] = field(default_factory=list)  # of guards; monotonic, s
    _watcher: threading.Thread | None = None
    _ending: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)  # start anew, or end
    _folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def _params_file(self) -> str:
        return self.params_file or 'robot_env.yaml'

    def start(self) -> None:
        """
        Start all processes; the bridge configures and activates itself.

        :raises ConfigError: the parameter file does not exist.
        """
        simulated = simulated_parts(self._params_file, self.parameters) if self.simulated else []
        names = simulated + ['guard'] * self.guarded + ['robot_env']
        for name in names:
            # A session of its own: a Ctrl-C in the terminal reaches this process alone, which ends
            # them in order.
            self.processes[name] = subprocess.Popen(self.command(name), start_new_session=True)
        if self.guarded:
            self._watcher = threading.Thread(
                target=self._watch_guard, name='guard-watcher', daemon=True
            )
            self._watcher.start()

    def _watch_guard(self) -> None:
        """Start a guard that was killed again, until there is no point in it."""
        words = self.command('guard')
        while True:
            code = self.processes['guard'].wait()
            died_s = time.monotonic()
            self.deaths.append(died_s)
            recent = [past for past in self.deaths if died_s - past < DEATHS_WITHIN_S]
            if code >= 0 or -code in (signal.SIGINT, signal.SIGTERM) or len(recent) > MOST_DEATHS:
                return
            with self._lock:
                if self._ending:
                    return
                guard = self.processes['guard'] = subprocess.Popen(words, start_new_session=True)
            with contextlib.suppress(OSError):  # where that is allowed it starts sooner
                os.setpriority(os.PRIO_PROCESS, guard.pid, -20)
            print(
                f'rl_bridge: the guard was killed by {signal.Signals(-code).name}; it was started '
                'again and ends what motion is left',
                file=sys.stderr,
            )

    def start_again(self, name: str) -> None:
        """Start a process that has ended anew; the guard is, by itself."""
        self.processes[name] = subprocess.Popen(self.command(name), start_new_session=True)

    def command(self, name: str) -> Sequence[str]:
        """Return the command line of one process."""
        params_file = str(parameter_file(self._params_file))
        words = [sys.executable, '-m', MODULES[name], '--ros-args', '--params-file', params_file]
        words += ['--log-level', self.log_level, '-r', f'__ns:=/{self.namespace.strip("/")}']
        words += ['--enclave', ENCLAVES[name]]
        parameters = {**self.parameters, **({'autostart': 'true'} if name == 'robot_env' else {})}
        if parameters:
            words += ['--params-file', str(self._overrides(name, parameters))]
        return words

    def _overrides(self, name: str, parameters: Mapping[str, str]) -> Path:
        """
        Write parameters for one node to a file, and return it.

        ``-p name:=value`` means every node, and what a file says for one node wins over that.
        """
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix='rl_bridge_')
        namespace = self.namespace.strip('/')
        node = f'/{namespace}/{name}' if namespace else f'/{name}'
        lines = [f'{node}:', '  ros__parameters:']
        lines += [f'    {key}: {value}' for key, value in parameters.items()]
        path = Path(self._folder.name) / f'{name}.yaml'
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        return path

    def ended(self) -> dict[str, int]:
        """Return the exit codes of those processes that have ended."""
        codes = {name: process.poll() for name, process in self.processes.items()}
        if self._watcher is not None and self._watcher.is_alive():
            codes.pop('guard')  # it is being started again, or was not looked at yet
        return {name: code for name, code in codes.items() if code is not None}

    def end(self) -> dict[str, int]:
        """
        End all processes, the bridge first, so that the guard sees the robot come to rest;
        idempotent.

        :return: the exit codes.
        """
        with self._lock:
            self._ending = True
        for name in ('robot_env', 'guard', 'sim_camera', 'sim_robot'):
            process = self.processes.get(name)
            if process is None:
                continue
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(TERMINATE_AFTER_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if name == 'guard' and self._watcher is not None:
                self._watcher.join()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        return self.ended()

    def __enter__(self) -> RobotSide:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def wait(self) -> dict[str, int]:
        """Wait until one of the processes has ended; return the exit codes there are."""
        while not self.ended():
            time.sleep(0.2)
        return self.ended()
