# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A client that floods a bridge, run as a process of its own.

It sends well-formed and malformed requests as fast as it can until stdin is closed, then prints
how many it sent and how often each status came back, as JSON.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rclpy.context import Context
from rclpy.node import Node

from rl_bridge.dds_profile import use_profile
from rl_bridge_interfaces.msg import Heartbeat
from rl_bridge_interfaces.srv import Authorized, Close, GetSpecs, Render, Reset, Step

NAN = float('nan')


def requests() -> Iterator[tuple[str, Any]]:
    """Return what is sent, over and over."""
    numbers = itertools.count(1)
    while True:
        number = next(numbers)
        yield 'step', Step.Request(action=array('d', [0.0]))
        yield 'step', Step.Request(session='of nobody', step=number)
        yield 'step', Step.Request(action=array('d', [NAN] * 3000), action_text=['x'] * 50)
        yield 'step', Step.Request(action_text=['x' * 70_000])
        # An epoch that is over, so that none is granted from the queue once the lease is free.
        yield 'reset', Reset.Request(client_id=f'flooder {number}', reset_id=number, epoch=1)
        yield 'reset', Reset.Request(client_id='x' * 300, options='{' * 70_000)
        yield 'reset', Reset.Request(has_seed=True, seed=-1, options='no JSON', takeover=True)
        yield 'close', Close.Request(session='x' * 1000)
        yield 'render', Render.Request()
        yield 'get_specs', GetSpecs.Request()
        yield 'authorized', Authorized.Request(verb=9)


def main(bridge: str) -> None:
    """Flood until stdin is closed."""
    use_profile()
    context = Context()
    context.init(args=[])
    node = Node('flooder', context=context)
    kinds = {'step': Step, 'reset': Reset, 'close': Close, 'render': Render,
             'get_specs': GetSpecs, 'authorized': Authorized}  # fmt: skip
    clients = {name: node.create_client(kind, f'{bridge}/{name}') for name, kind in kinds.items()}
    beats = node.create_publisher(Heartbeat, f'{bridge}/heartbeat', 1)
    for client in clients.values():
        assert client.wait_for_service(20.0)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    codes: Counter[int] = Counter()
    sent = 0
    print('ready', flush=True)
    for name, request in requests():
        if over.is_set():
            break
        clients[name].handle.send_request(request)
        beats.publish(Heartbeat(session='of nobody', count=sent))
        sent += 1
        for client in clients.values() if sent % 8 == 0 else ():
            header, reply = client.handle.take_response(client.srv_type.Response)
            while header is not None:
                codes[reply.status.code] += 1
                header, reply = client.handle.take_response(client.srv_type.Response)
    print(json.dumps({'sent': sent, 'codes': codes}), flush=True)
    node.destroy_node()
    context.try_shutdown()


if __name__ == '__main__':
    main(sys.argv[1])
