# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The link that faults are tested over does what it says, and leaves nothing behind."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.network import link as link_module
from benchmarks.network.hosts import Host, NetworkMissing
from benchmarks.network.link import ROOT, Faults, Link, missing
from benchmarks.network.tap_proxy import Direction

needs_link = pytest.mark.skipif(
    bool(missing()), reason=f'no hosts and link of their own here: {missing()}')
needs_proxy = pytest.mark.skipif(
    bool(missing(proxy=True)), reason=f'no link with a proxy here: {missing(proxy=True)}')

TIMEOUT_S = 10.0
ECHO = '''
import socket
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(('10.77.0.1', 5000))
print('open', flush=True)
while True:
    data, sender = own.recvfrom(2000)
    own.sendto(data, sender)
'''
CALL = '''
import socket, sys, time
count, left = int(sys.argv[1]), float(sys.argv[2])
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.settimeout(0.0005)
came, end = [], None
number = 0
while end is None or time.monotonic() < end:
    if number < count:
        try:
            own.sendto(str(number).encode().zfill(100), ('10.77.0.1', 5000))
        except OSError:
            pass
        number += 1
    elif end is None:
        end = time.monotonic() + left
    try:
        came.append(int(own.recv(2000)))
    except OSError:
        pass
print(*came)
'''


def echo(link: Link) -> subprocess.Popen[str]:
    server = link.robot.start([sys.executable, '-c', ECHO], stdout=subprocess.PIPE)
    assert server.stdout is not None and server.stdout.readline() == 'open\n'
    return server


def call(link: Link, count: int, left_s: float = 0.05) -> list[int]:
    """Send so many packets to the other host, which sends them back; give what came."""
    return [
        int(word)
        for word in link.client.run(sys.executable, '-c', CALL, str(count), str(left_s)).split()
    ]


def end(server: subprocess.Popen[str]) -> None:
    server.kill()
    server.communicate()


@needs_link
def test_a_link_loses_the_part_it_was_told_and_can_be_cut_and_mended() -> None:
    with Link() as link:
        server = echo(link)
        assert call(link, 50) == list(range(50))
        link.disturb(loss=0.2)
        assert 0.52 < len(call(link, 1000)) / 1000 < 0.76  # 0.8 x 0.8, five standard deviations
        link.disturb()
        assert call(link, 50) == list(range(50))
        link.cut()
        assert call(link, 5) == []
        link.mend()
        assert call(link, 50) == list(range(50))
        assert link.packets() > 50
        end(server)


@needs_proxy
def test_a_proxy_loses_repeats_reorders_and_delays() -> None:
    with Link(proxy=True, seed=1) as link:
        server = echo(link)
        assert call(link, 50) == list(range(50))
        link.disturb(loss=0.2)
        assert 0.52 < len(call(link, 1000)) / 1000 < 0.76
        link.disturb(Faults(duplicate=0.2))
        came = call(link, 200)
        assert len(came) > len(set(came)) == 200
        link.disturb(Faults(reorder=0.2))
        came = call(link, 200)
        assert came != sorted(came) and set(came) == set(range(200))
        link.disturb(Faults(delay_s=0.2))
        assert call(link, 1, left_s=0.1) == []
        end(server)


@needs_link
def test_a_throttled_link_lets_no_more_through() -> None:
    with Link() as link:
        server = echo(link)
        link.throttle(0.1)  # 142 bytes a packet: 88 packets a second, and 16 kB at once
        assert 0 < len(call(link, 1000)) < 500
        link.throttle(0)
        assert call(link, 50) == list(range(50))
        end(server)


@needs_link
def test_a_link_without_a_proxy_refuses_what_only_a_proxy_does() -> None:
    with Link() as link, pytest.raises(NetworkMissing, match=r'duplicate=0.5.* needs Link'):
        link.disturb(Faults(duplicate=0.5))


@needs_proxy
def test_where_the_kernel_loses_no_packets_a_proxy_does(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Host.run

    def without_tools(host: Host, *words: str) -> str:
        if words[0] in ('iptables', 'tc'):
            raise NetworkMissing(f'there is no {words[0]} here')
        return run(host, *words)

    monkeypatch.setattr(Host, 'run', without_tools)
    with Link() as link:
        assert link.by == 'a TAP proxy'
        link.disturb(loss=1.0)


def test_without_the_tools_a_host_says_which_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    link_module.missing.cache_clear()
    assert 'there is no unshare' in missing()
    link_module.missing.cache_clear()


def test_without_namespaces_a_host_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / 'unshare'
    refusing.write_text('#!/bin/sh\necho "unshare failed: Operation not permitted" >&2\nexit 1\n')
    refusing.chmod(0o755)
    for tool in ('nsenter', 'setpriv', 'ip', 'mount'):
        found = shutil.which(tool)
        if found is None:
            pytest.skip(f'there is no {tool} here')
        (tmp_path / tool).symlink_to(found)
    monkeypatch.setenv('PATH', f'{tmp_path}:/bin:/usr/bin')
    with pytest.raises(NetworkMissing, match=r'cannot be made here: .*not permitted'), Host('a'):
        pass


@needs_link
def test_nothing_outlives_a_killed_owner() -> None:
    program = (
        'import sys, time\n'
        'from benchmarks.network.link import Link\n'
        'with Link() as link:\n'
        '    sleeper = link.client.start(["sleep", "600"])\n'
        '    print(link.robot.process, link.client.process, sleeper.pid, flush=True)\n'
        '    time.sleep(600)\n'
    )
    owner = subprocess.Popen(
        [sys.executable, '-c', program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    left = {int(word) for word in owner.stdout.readline().split()}
    assert len(left) == 3
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    end_s = time.monotonic() + TIMEOUT_S
    while any(alive(process) for process in left):
        assert time.monotonic() < end_s, f'still there: {left}'
        time.sleep(0.01)


def alive(process: int) -> bool:
    """Whether a process is there and no zombie, which its new parent may leave for a while."""
    try:
        state = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != 'Z'


def test_the_same_seed_gives_the_same_fates() -> None:
    def fates(seed: int) -> list[bytes]:
        way = Direction(random.Random(seed))
        faults = Faults(loss=0.2, duplicate=0.2, reorder=0.2, jitter_s=0.01)
        for number in range(200):
            way.arrive(bytes([number]), faults, number * 1e-3)
        return way.due(1.0)

    assert fates(1) == fates(1) != fates(2)
    assert len(fates(1)) > len(set(fates(1))), 'some came twice'
    assert set(fates(1)) < {bytes([number]) for number in range(200)}, 'some were lost'


def test_a_packet_waits_for_its_time_and_one_without_faults_for_none() -> None:
    way = Direction(random.Random(0))
    way.arrive(b'late', Faults(delay_s=1.0), 5.0)
    way.arrive(b'now', Faults(), 5.5)
    assert way.due(5.5) == [b'now']
    assert way.due(5.9) == []
    assert way.due(6.0) == [b'late']
