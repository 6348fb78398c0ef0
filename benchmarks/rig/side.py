# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The real processes around the rig's robot: guard, bridge and clients, and their renewal."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks.rig import BRIDGE_EVENTS, GUARD_EVENTS, task
from benchmarks.rig.learner import learn
from benchmarks.rig.panel import CLIENTS, ClientPanel, Panel, Wish, shared_panel
from benchmarks.rig.robot import DESCRIPTION
from benchmarks.rig.zygote import Child, Zygote
from rl_bridge import node
from rl_bridge.safety import guard_node
from rl_bridge.shared_memory import SHARED_MEMORY, own, sweep

NAMESPACE = '/rig'
BRIDGE = f'{NAMESPACE}/robot_env'
BRAND_NEW_S = 5.0
END_TIMEOUT_S = 5.0
_NEW_NETWORK, _NEW_MOUNTS = 0x40000000, 0x00020000

#: Runs the robot until a condition holds, for at most so many seconds.
Run = Callable[[Callable[[], object], float], bool]


class Client:
    """A client's process and its panel."""

    def __init__(self, child: Child, panel: ClientPanel, number: int) -> None:
        self.child = child
        self.panel = panel
        self.number = number


class Side:
    """
    Guard, bridge, one client that drives and one in reserve.

    Made before this process touches DDS or asks for real-time priority: what it forks has neither.

    :param folder: for the robot file and the logs.
    :param client_host: process whose network the clients live in; 0 = this one's.
    """

    def __init__(self, folder: Path, *, client_host: int = 0) -> None:
        self.folder = folder
        self._before = _files()
        self.panel: Panel = shared_panel()
        task.panel = self.panel
        self._client_host = client_host
        self._robot_file = folder / 'two_link.yaml'
        self._robot_file.write_text(yaml.safe_dump(DESCRIPTION))
        self._zygote = Zygote(
            {'guard': _guard, 'bridge': _bridge, 'client': self._client, 'sweep': _sweep},
            logs=folder,
        )
        self.guard: Child | None = None
        self.bridge: Child | None = None
        self.driver: Client | None = None
        self.reserve: Client | None = None
        self._clients = 0
        self._guard_events = str(folder / GUARD_EVENTS)
        self._bridge_events = str(folder / BRIDGE_EVENTS)

    def renew(self, run: Run) -> None:
        """Start what is missing; what has ended counts as missing."""
        if self.guard is None or not self.guard.alive:
            self.guard = self._start(
                run, 'guard', robot_file=str(self._robot_file), events=self._guard_events
            )
        if self.bridge is None or not self.bridge.alive:
            self.panel.freeze_ms = 0
            self.bridge = self._start(
                run, 'bridge', robot_file=str(self._robot_file), events=self._bridge_events
            )
        if self.driver is not None and not self.driver.child.alive:
            self.driver = None
        if self.reserve is not None and not self.reserve.child.alive:
            self.reserve = None
        if self.driver is None:
            self.driver = self.reserve or self._start_client(run)
            self.reserve = None
        if self.reserve is None:
            self.reserve = self._start_client(run)

    def swap(self) -> None:
        """The client in reserve becomes the one that drives."""
        self.driver, self.reserve = self.reserve, self.driver

    def sweep(self, run: Run) -> None:
        """Remove what killed processes left in /dev/shm; it would fill up."""
        self._start(run, 'sweep')

    def close(self) -> None:
        """End all processes; nothing of theirs is left in /dev/shm."""
        ending = [child for child in (self.guard, self.bridge) if child is not None]
        for child in ending:
            child.send(signal.SIGCONT)
            child.send(signal.SIGTERM)
        _await(ending)
        self._zygote.close()
        _await([client.child for client in (self.driver, self.reserve) if client is not None])
        sweep(_files() - self._before)

    def _start_client(self, run: Run) -> Client:
        number, self._clients = self._clients, self._clients + 1
        taken = [client.panel for client in (self.driver, self.reserve) if client is not None]
        in_use = {ctypes.addressof(panel) for panel in taken}
        slot = next(
            slot for slot in range(CLIENTS)
            if ctypes.addressof(self.panel.clients[slot]) not in in_use
        )  # fmt: skip
        panel = self.panel.clients[slot]
        panel.clear()
        panel.wish = Wish.WAIT
        return Client(self._start(run, 'client', slot=slot, number=number), panel, number)

    def _start(self, run: Run, program: str, **arguments: object) -> Child:
        self._zygote.ask(program, **arguments)
        found: list[Child] = []

        def there() -> bool:
            child = self._zygote.answer()
            if child is not None:
                found.append(child)
            return bool(found)

        if not run(there, 10.0):
            raise RuntimeError(f'the zygote forked no {program}')
        return found[0]

    def _client(self, *, slot: int, number: int) -> None:
        if self._client_host:
            _move_to(self._client_host)
        learn(self.panel.clients[slot], bridge=BRIDGE, client_id=f'client-{number}')


def _ros(**parameters: str) -> list[str]:
    words = [word for name, value in parameters.items() for word in ('-p', f'{name}:={value}')]
    return ['rig', '--ros-args', '-r', f'__ns:={NAMESPACE}', *words]


def _guard(*, robot_file: str, events: str) -> int:
    return guard_node.main(_ros(robot_file=robot_file, event_log=events))


def _bridge(*, robot_file: str, events: str) -> int:
    return node.main(
        _ros(
            robot_file=robot_file,
            event_log=events,
            task='benchmarks.rig.task:DriveTask',
            episode_time='0.0',
            render_mode="''",
            autostart='true',
        )
    )


def _move_to(process: int) -> None:
    """Move this process, which must have one thread only, to another's network and mounts."""
    libc = ctypes.CDLL(None, use_errno=True)
    for name, kind in (('net', _NEW_NETWORK), ('mnt', _NEW_MOUNTS)):
        with open(f'/proc/{process}/ns/{name}') as namespace:
            if libc.setns(namespace.fileno(), kind):
                raise OSError(ctypes.get_errno(), f'setns to {name} of {process}')


def _await(children: list[Child]) -> None:
    """Wait until they have ended, but not for ever."""
    end_s = time.monotonic() + END_TIMEOUT_S
    while any(child.alive for child in children) and time.monotonic() < end_s:
        time.sleep(0.01)


def _sweep() -> None:
    """Remove what nobody uses in /dev/shm and what is not brand-new."""
    before_s = time.time() - BRAND_NEW_S
    old = set()
    for name in _files():
        with contextlib.suppress(FileNotFoundError):
            if (SHARED_MEMORY / name).lstat().st_mtime < before_s:
                old.add(name)
    sweep(old)


def _files() -> set[str]:
    """The files of Fast DDS in /dev/shm."""
    return {name for name in own() if 'fast' in name}
