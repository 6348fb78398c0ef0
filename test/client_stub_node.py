# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A bridge of few words for the tests of the connection: it answers as the request itself tells it
to.

Run as a process of its own; it says ``ready`` on stdout and ends when its stdin is closed. What to
do with a step stands in ``action_text``:

    (nothing)    answer: observation = action, info = how many copies of this step have come
    silent       never answer
    copy N       answer only the N-th copy of this step
    hold         answer when the next step has come, just before that one is answered
    twice        answer twice
    misnumber    answer the first copy with another step's number, later ones rightly
    refuse       answer with REJECTED and echo nothing
    greeted      answer: info = how often each service was greeted
    exit         end the process without a word
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from array import array
from collections import Counter
from typing import Any

from gymnasium.spaces import Box
from rclpy.context import Context
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

from rl_bridge.types import GREETING, PROTOCOL_VERSION
from rl_bridge.wire import Specs, specs_hash, specs_to_json
from rl_bridge_interfaces.msg import Heartbeat, Leaf, Status
from rl_bridge_interfaces.srv import Close, GetSpecs, Render, Reset, Step

BOX = Box(-1, 1, (2,), 'float64')
SPECS = specs_to_json(Specs(
    action_space=BOX, observation_space=BOX, render_modes=[], control_period=0.0, env='stub',
    reward_terms=[]))


class StubNode:
    """Serves the five services and the heartbeat of a bridge on one wait set."""

    def __init__(self, name: str, *, bridge_id: str, mute: bool) -> None:
        self._bridge_id = bridge_id
        self._mute = mute
        self._copies: Counter[tuple[str, int]] = Counter()
        self._greeted: Counter[str] = Counter()
        self._held: list[Any] = []
        self._beats = 0
        self._beaten: tuple[str, str, int] = ('', '', 0)
        self.context = Context()
        self.context.init(args=[])
        namespace, _, base = name.rpartition('/')
        self.node = Node(base, namespace=namespace or '/', context=self.context)
        self._answers = {
            self.node.create_service(kind, f'~/{path}', None): answer
            for kind, path, answer in (
                (GetSpecs, 'get_specs', self._get_specs),
                (Reset, 'reset', self._reset),
                (Step, 'step', self._step),
                (Close, 'close', self._close),
                (Render, 'render', self._render),
            )
        }
        self._subscription = self.node.create_subscription(
            Heartbeat, '~/heartbeat', lambda _: None, 10)

    def serve(self) -> None:
        """Answer for ever."""
        count = len(self._answers)
        wait_set = rclpy_implementation.WaitSet(1, 0, 0, 0, count, 0, self.context.handle)
        while True:
            wait_set.clear_entities()
            wait_set.add_subscription(self._subscription.handle)
            for service in self._answers:
                wait_set.add_service(service.handle)
            wait_set.wait(-1)
            taken = self._subscription.handle.take_message(Heartbeat, False)
            if taken is not None:
                self._beats += 1
                self._beaten = (taken[0].sender, taken[0].session, taken[0].count)
            for service, answer in self._answers.items():
                request, header = service.handle.service_take_request(service.srv_type.Request)
                if header is not None:
                    self._greeted[service.srv_type.__name__] += self._is_greeting(request)
                if header is not None and not self._mute:
                    for response in answer(request, (service, header)):
                        self._send(response, (service, header))

    @staticmethod
    def _is_greeting(request: Any) -> bool:
        return getattr(request, 'session', '') == GREETING

    def _send(self, response: Any, to: Any) -> None:
        service, header = to
        service.handle.service_send_response(response, header.request_id)

    def _get_specs(self, request: Any, to: Any) -> list[Any]:
        return [GetSpecs.Response(
            bridge_id=self._bridge_id, protocol=PROTOCOL_VERSION, specs=SPECS,
            specs_hash=specs_hash(SPECS), lease=0.2)]

    def _reset(self, request: Any, to: Any) -> list[Any]:
        return [Reset.Response(
            bridge_id=self._bridge_id, session='s', reset_id=request.reset_id, epoch=7,
            observation=[Leaf(numbers=array('d', [0.0, 0.0]))], info=request.options)]

    def _close(self, request: Any, to: Any) -> list[Any]:
        said = Status(message=f'{request.session} {self._beats} {self._beaten}')
        return [Close.Response(bridge_id=self._bridge_id, status=said)]

    def _render(self, request: Any, to: Any) -> list[Any]:
        return [Render.Response(height=1, width=2, data=array('B', range(6)))]

    def _step(self, request: Any, to: Any) -> list[Any]:
        key = (request.session, request.step)
        self._copies[key] += 1
        what, _, number = (request.action_text or [''])[0].partition(' ')
        answer = Step.Response(
            bridge_id=self._bridge_id, session=request.session, step=request.step,
            observation=[Leaf(numbers=request.action)], info=f'{{"copies": {self._copies[key]}}}')
        for held, held_to in [late for late in self._held if late[0].step != request.step]:
            self._send(held, held_to)
            self._held.remove((held, held_to))
        if what == 'exit':
            os._exit(0)
        if what == 'greeted':
            answer.info = json.dumps(self._greeted)
        if what == 'silent' or (what == 'copy' and self._copies[key] != int(number)):
            return []
        if what == 'hold':
            self._held.append((answer, to))
            return []
        if what == 'twice':
            return [answer, answer]
        if what == 'misnumber' and self._copies[key] == 1:
            answer.step += 1
        if what == 'refuse':
            return [Step.Response(status=Status(code=Status.REJECTED, message='as told'))]
        return [answer]


def main() -> None:
    """Serve until stdin is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument('name')
    parser.add_argument('--bridge-id', default='stub')
    parser.add_argument('--mute', action='store_true', help='take requests, answer none')
    arguments = parser.parse_args()
    stub = StubNode(arguments.name, bridge_id=arguments.bridge_id, mute=arguments.mute)
    threading.Thread(target=stub.serve, daemon=True).start()
    print('ready', flush=True)
    sys.stdin.read()
    stub.node.destroy_node()
    stub.context.try_shutdown()
    os._exit(0)  # the serving thread waits for ever


if __name__ == '__main__':
    main()
