# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Two hosts and the link between them, whose faults are set while it is in use.

    with Link() as link:
        robot_side = link.robot.start([...])
        client = link.client.start([...])
        link.disturb(loss=0.05)
        link.cut()

What loses packets is the kernel's, where it can (``iptables -m statistic``, else ``tc netem``);
else, and for what the kernel of many machines cannot, a seeded proxy between two TAP devices.
"""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.network.hosts import Host, NetworkMissing

ROOT = Path(__file__).resolve().parent.parent.parent
DEVICE = 'wire'  # on both hosts
ADDRESSES = ('10.77.0.1/24', '10.77.0.2/24')  # of a private range, inside the namespaces only
END_TIMEOUT_S = 5.0
UP_TIMEOUT_S = 5.0
UP_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Faults:
    """
    What happens to each packet, each way, independently.

    :param loss: part that is lost, 0 to 1.
    :param duplicate: part that arrives twice.
    :param reorder: part that waits for ``delay_s`` longer, so that others overtake it.
    :param delay_s: seconds every packet is late.
    :param jitter_s: up to as many seconds more.
    """

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0

    @property
    def only_loss(self) -> bool:
        """Whether the kernel can do it everywhere."""
        return not (self.duplicate or self.reorder or self.delay_s or self.jitter_s)


class Link:
    """
    Two hosts, ``robot`` and ``client``, and a link; a context manager.

    :param proxy: whether the seeded proxy carries the packets; by default only where the kernel
        has nothing that loses them.
    :param seed: of the proxy.
    :raises NetworkMissing: on entering, where this machine cannot have it.
    """

    def __init__(self, *, proxy: bool = False, seed: int = 0) -> None:
        self.robot = Host('robot')
        self.client = Host('client')
        self._wants_proxy = proxy
        self._seed = seed
        self._proxy: subprocess.Popen[str] | None = None
        self._undo = contextlib.ExitStack()
        self.by = ''

    def __enter__(self) -> Link:
        with contextlib.ExitStack() as undo:
            for host in self.hosts:
                undo.enter_context(host)
            if not self._wants_proxy:
                self._join()
                self.by = self._kernels_way()
            if not self.by:
                if not self._wants_proxy:
                    self.robot.run('ip', 'link', 'del', DEVICE)
                self._start_proxy(undo)
                self.by = 'a TAP proxy'
            for host, address in zip(self.hosts, ADDRESSES, strict=True):
                host.run('ip', 'addr', 'add', address, 'dev', DEVICE)
            self.mend()
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    @property
    def hosts(self) -> tuple[Host, Host]:
        """The robot's host and the client's."""
        return self.robot, self.client

    def disturb(self, faults: Faults | None = None, *, loss: float = 0.0) -> None:
        """
        Let this happen to the packets from now on, each way.

        :param loss: short for ``Faults(loss=loss)``.
        :raises NetworkMissing: it takes the proxy, and this link has none.
        """
        wanted = faults or Faults(loss=loss)
        if self._proxy is not None:
            assert self._proxy.stdin is not None
            self._proxy.stdin.write(json.dumps(asdict(wanted)) + '\n')
            self._proxy.stdin.flush()
            return
        if not wanted.only_loss:
            raise NetworkMissing(f'{wanted} needs Link(proxy=True)')
        for host in self.hosts:
            self._lose(host, wanted.loss)

    def cut(self) -> None:
        """Pull the plug."""
        self.client.run('ip', 'link', 'set', DEVICE, 'down')

    def mend(self) -> None:
        """Plug it in again, and wait until both hosts have noticed."""
        for host in self.hosts:
            host.run('ip', 'link', 'set', DEVICE, 'up')
        # The kernel takes up to a second, and Fast DDS never uses a device that was not up when
        # its process started.
        end_s = time.monotonic() + UP_TIMEOUT_S
        while any('DOWN' in host.run('ip', '-br', 'link', 'show', DEVICE)
                      for host in self.hosts):  # fmt: skip
            if time.monotonic() > end_s:
                raise NetworkMissing(f'the link is not up within {UP_TIMEOUT_S} s')
            time.sleep(UP_POLL_S)

    def throttle(self, mbit: float) -> None:
        """
        Let no more through than this, each way, with 50 ms of room in the queue.

        :param mbit: megabits per second; 0 = no limit.
        """
        for host in self.hosts:
            with contextlib.suppress(NetworkMissing):  # there was none
                host.run('tc', 'qdisc', 'del', 'dev', DEVICE, 'root')
            if mbit:
                limit = ('tbf', 'rate', f'{mbit}mbit', 'burst', '16kb', 'latency', '50ms')
                host.run('tc', 'qdisc', 'add', 'dev', DEVICE, 'root', *limit)

    def packets(self) -> int:
        """How many packets the robot's host has sent over the link so far."""
        counts = json.loads(self.robot.run('ip', '-json', '-stats', 'link', 'show', DEVICE))
        return int(counts[0]['stats64']['tx']['packets'])

    def _join(self) -> None:
        robot, client = (str(host.process) for host in self.hosts)
        ends = ('netns', robot, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', client)
        done = subprocess.run(
            ['ip', 'link', 'add', 'name', DEVICE, *ends], capture_output=True, text=True
        )
        if done.returncode:
            raise NetworkMissing(f'hosts cannot be joined here: {done.stderr.strip()}')

    def _kernels_way(self) -> str:
        """Find what loses packets here; an empty text if nothing does."""
        with contextlib.suppress(NetworkMissing):
            for host in self.hosts:
                host.run(*_STATISTIC, '0.5', '-j', 'DROP')
                host.run('iptables', '-t', 'raw', '-F')
            return 'iptables'
        with contextlib.suppress(NetworkMissing):
            for host in self.hosts:
                host.run('tc', 'qdisc', 'add', 'dev', DEVICE, 'root', 'netem', 'loss', '50%')
                host.run('tc', 'qdisc', 'del', 'dev', DEVICE, 'root')
            return 'tc netem'
        return ''

    def _lose(self, host: Host, part: float) -> None:
        if self.by == 'iptables':
            # Before the kernel puts fragments together: a packet is lost, not a whole message.
            host.run('iptables', '-t', 'raw', '-F')
            if part:
                host.run(*_STATISTIC, f'{part}', '-j', 'DROP')
            return
        with contextlib.suppress(NetworkMissing):  # there was none
            host.run('tc', 'qdisc', 'del', 'dev', DEVICE, 'root')
        if part:
            loss = ('netem', 'loss', f'{part * 100}%')
            host.run('tc', 'qdisc', 'add', 'dev', DEVICE, 'root', *loss)

    def _start_proxy(self, undo: contextlib.ExitStack) -> None:
        ends = [str(host.process) for host in self.hosts]
        pipe = subprocess.PIPE
        self._proxy = proxy = subprocess.Popen(
            [sys.executable, '-m', 'benchmarks.network.tap_proxy', DEVICE, *ends, str(self._seed)],
            cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True,
        )  # fmt: skip
        undo.callback(self._end_proxy)
        assert proxy.stdout is not None and proxy.stderr is not None
        if proxy.stdout.readline().strip() != 'open':
            why = proxy.stderr.read().strip().rpartition('\n')[2]
            raise NetworkMissing(f'the kernel loses no packets here, and no TAP proxy runs: {why}')

    def _end_proxy(self) -> None:
        proxy, self._proxy = self._proxy, None
        assert proxy is not None
        for stream in (proxy.stdin, proxy.stdout, proxy.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        try:
            proxy.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            proxy.kill()
            proxy.wait()


_STATISTIC = (
    'iptables', '-w', '-t', 'raw', '-A', 'PREROUTING', '-i', DEVICE,
    '-m', 'statistic', '--mode', 'random', '--probability',
)  # fmt: skip


@functools.cache
def missing(*, proxy: bool = False) -> str:
    """Say in one line what this machine lacks for a link; an empty text if nothing."""
    try:
        with Link(proxy=proxy):
            return ''
    except NetworkMissing as reason:
        return str(reason)
