# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A wire in user space: two TAP devices on two hosts, and what a bad network does in between.

    python -m benchmarks.network.tap_proxy DEVICE HOLDER HOLDER SEED

Takes one JSON object with the fields of ``link.Faults`` per line of its standard input, from then
on in effect, and ends with it. Its decisions come from the seed, one after the other in the order
in which packets arrive, each way.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import struct
import sys
import time
from dataclasses import dataclass, field

from benchmarks.network.link import Faults

TUN_DEVICE = '/dev/net/tun'
SET_INTERFACE = 0x400454CA  # TUNSETIFF of linux/if_tun.h
TAP, NO_HEADER = 0x0002, 0x1000  # IFF_TAP, IFF_NO_PI
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
LARGEST_PACKET = 65536


@dataclass(slots=True)
class Direction:
    """What travels one way: who decides, and what is still under way."""

    chance: random.Random
    under_way: list[tuple[float, int, bytes]] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def arrive(self, packet: bytes, faults: Faults, now_s: float) -> None:
        """Decide what becomes of a packet."""
        # Always the same number of draws, so that a packet's fate follows from its place alone.
        lost, twice, overtaken = (self.chance.random() for _ in range(3))
        delays = [self.chance.random() for _ in range(2)]
        if lost < faults.loss:
            return
        for copy in range(1 + (twice < faults.duplicate)):
            due_s = now_s + faults.delay_s + faults.jitter_s * delays[copy]
            if overtaken < faults.reorder:
                due_s += max(faults.delay_s, 0.005)
            heapq.heappush(self.under_way, (due_s, next(self._count), packet))

    def due(self, now_s: float) -> list[bytes]:
        """Take what has come to its time."""
        taken = []
        while self.under_way and self.under_way[0][0] <= now_s:
            taken.append(heapq.heappop(self.under_way)[2])
        return taken


def tap_on(holder: int, device: str) -> int:
    """
    Make a TAP device in the network of another process.

    :raises OSError: this machine or this user cannot.
    """
    # On a thread of its own this would do for that thread; here there is only one.
    with open(f'/proc/{holder}/ns/net') as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), NEW_NETWORK):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), network.name)
    descriptor = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack('16sH22x', device.encode(), TAP | NO_HEADER)
    fcntl.ioctl(descriptor, SET_INTERFACE, request)
    return descriptor


def carry(ends: tuple[int, int], seed: int) -> None:
    """Carry packets both ways until standard input ends."""
    faults = Faults()
    ways = [Direction(random.Random(2 * seed + number)) for number in range(2)]
    orders = sys.stdin.fileno()
    text = b''
    poll = select.epoll()
    for descriptor in (*ends, orders):
        poll.register(descriptor, select.EPOLLIN)
    while True:
        dues = [way.under_way[0][0] for way in ways if way.under_way]
        wait_s = max(0.0, min(dues) - time.monotonic()) if dues else -1
        ready = {descriptor for descriptor, _ in poll.poll(wait_s)}
        if orders in ready:
            read = os.read(orders, LARGEST_PACKET)
            if not read:
                return
            *lines, text = (text + read).split(b'\n')
            for line in lines:
                faults = Faults(**json.loads(line))
        for number, way in enumerate(ways):
            if ends[number] in ready:
                while (packet := _read(ends[number])) is not None:
                    way.arrive(packet, faults, time.monotonic())
            for packet in way.due(time.monotonic()):
                _write(ends[1 - number], packet)


def _read(descriptor: int) -> bytes | None:
    try:
        return os.read(descriptor, LARGEST_PACKET)
    except OSError:  # nothing there, or the device is down
        return None


def _write(descriptor: int, packet: bytes) -> None:
    try:
        os.write(descriptor, packet)
    except OSError:  # the device is down or its queue full: a packet is lost, as on any network
        return


def main() -> int:
    """Make the devices, say so, and carry."""
    device, robot, client, seed = sys.argv[1:5]
    try:
        ends = (tap_on(int(robot), device), tap_on(int(client), device))
    except OSError as error:
        print(f'a TAP device cannot be made: {error}', file=sys.stderr)
        return 1
    print('open', flush=True)
    carry(ends, int(seed))
    return 0


if __name__ == '__main__':
    sys.exit(main())
