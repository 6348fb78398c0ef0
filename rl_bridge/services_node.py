# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Where requests come off the wire: a wait set of its own, away from the node's executor.

Four threads take turns. One of them leads: it waits, takes one request, of each service in its
turn, and hands the lead on before it answers. So one thread may be inside the environment and one
may wait for its turn there (a reset that takes over), and still one is left that answers everybody
else at once: busy, stale, replayed, heartbeat. No request changes threads on its way.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

from rl_bridge.answers_node import Answers
from rl_bridge.bridge import Bridge
from rl_bridge.door import Bucket
from rl_bridge.topic_qos import OF_MANY
from rl_bridge.types import GREETING, Status, StatusCode, Stop, Timing
from rl_bridge_interfaces.msg import Heartbeat
from rl_bridge_interfaces.msg import Status as StatusMsg
from rl_bridge_interfaces.msg import Stop as StopMsg
from rl_bridge_interfaces.msg import Timing as TimingMsg
from rl_bridge_interfaces.srv import Authorized, Close, GetSpecs, Render, Reset, Step

THREADS = 4
NOT_CONFIGURED = Status(
    StatusCode.NOT_ACTIVE,
    'the bridge is not configured; ros2 lifecycle set it to configure, then activate',
)
GREETED = Status(StatusCode.NO_SESSION, 'greetings; nothing was done')
Handler = Callable[[Any, Callable[[Any], None], int], None]


class _HandsOff(CallbackGroup):
    """Tells the node's executor to leave these entities alone; they are waited for here."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        raise AssertionError('the executor ran an entity that is not its own')


class RequestLoop:
    """
    Serves ``~/get_specs``, ``~/reset``, ``~/step``, ``~/close``, ``~/render``, ``~/authorized``
    and ``~/heartbeat`` of a node.

    The services live as long as the node; what they answer follows from ``bridge()``.

    :param bridge: gives the configured bridge, or None.
    :param open_: while it is not set nothing is answered; None = always.
    """

    def __init__(
        self,
        node: Node,
        bridge: Callable[[], Bridge | None],
        *,
        open_: threading.Event | None = None,
    ) -> None:
        self._open = open_ or threading.Event()
        if open_ is None:
            self._open.set()
        self._node = node
        self._bridge = bridge
        self._closing = False
        group = _HandsOff()
        handlers: list[tuple[Any, str, Handler]] = [
            (Authorized, 'authorized', self._on_authorized),
            (Step, 'step', self._on_step),
            (Reset, 'reset', self._on_reset),
            (GetSpecs, 'get_specs', self._on_get_specs),
            (Close, 'close', self._on_close),
            (Render, 'render', self._on_render),
        ]
        self._services = [
            (
                node.create_service(
                    kind, f'~/{name}', _never_called, qos_profile=OF_MANY, callback_group=group
                ),
                handler,
            )
            for kind, name, handler in handlers
        ]
        self._heartbeats = node.create_subscription(
            Heartbeat, '~/heartbeat', _never_called, OF_MANY, callback_group=group
        )
        self._next = 0  # whose turn it is, so that a flood of one service starves no other
        self._greetings = Bucket()
        self._answers = Answers()
        context = node.context.handle
        self._wake = rclpy_implementation.GuardCondition(context)
        self._wait_set = rclpy_implementation.WaitSet(1, 1, 0, 0, len(self._services), 0, context)
        self._lead = threading.Lock()
        self._threads = [
            threading.Thread(target=self._serve, name=f'requests-{number}', daemon=True)
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def close(self, *, timeout_s: float = 2.0) -> bool:
        """
        Stop serving; call before the node is destroyed.

        :return: false if a thread is still inside the environment after ``timeout_s``.
        """
        self._closing = True
        self._open.set()
        self._wake.trigger_guard_condition()
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    # -- taking turns
    # --------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._closing and self._node.context.ok():
            self._open.wait()
            try:
                with self._lead:
                    work = None if self._closing else self._take()
                if work is not None and self._open.is_set():
                    work()
            except Exception:  # a request must never end the bridge
                self._node.get_logger().error(
                    f'a request could not be answered\n{traceback.format_exc()}'
                )
        self._wake.trigger_guard_condition()  # the next thread sees it too

    def _take(self) -> Callable[[], None] | None:
        """Wait for one request and take it; called by the leading thread alone."""
        wait_set = self._wait_set
        wait_set.clear_entities()
        wait_set.add_guard_condition(self._wake)
        wait_set.add_subscription(self._heartbeats.handle)
        for service, _ in self._services:
            wait_set.add_service(service.handle)
        wait_set.wait(-1)
        asked = wait_set.get_ready_entities('service')
        if self._heartbeats.handle.pointer in wait_set.get_ready_entities('subscription'):
            self._take_heartbeats()
        count = len(self._services)
        for number in range(self._next, self._next + count):
            service, handler = self._services[number % count]
            if service.handle.pointer in asked:
                self._next = number % count + 1
                return self._take_request(service, handler)
        return None

    def _take_request(self, service: Any, handler: Handler) -> Callable[[], None] | None:
        handle = service.handle
        request, header = handle.service_take_request(service.srv_type.Request)
        if header is None:
            return None

        def answer(response: Any) -> None:
            self._answers.send(handle, header, response)

        if getattr(request, 'session', '') != GREETING:
            # Stamped by the middleware's own thread, which no busy environment keeps waiting.
            arrived_ns = header.received_timestamp or time.time_ns()
            return lambda: handler(request, answer, time.time_ns() - arrived_ns)
        if not self._greetings.take(time.monotonic_ns()):
            return None
        return lambda: answer(service.srv_type.Response(status=_status(GREETED)))

    def _take_heartbeats(self) -> None:
        bridge = self._bridge()
        for _ in range(OF_MANY.depth):
            taken = self._heartbeats.handle.take_message(Heartbeat, False)
            if taken is None:
                return
            beat = taken[0]
            if bridge is not None:
                bridge.heartbeat(
                    beat.session,
                    sender=beat.sender,
                    epoch=beat.epoch,
                    count=beat.count,
                    auth=beat.auth,
                )

    # -- requests ---------------------------------------------------------------------------------
    # ---------------

    def _on_step(self, request: Any, answer: Callable[[Any], None], waited_ns: int) -> None:
        bridge = self._bridge()
        if bridge is None:
            answer(
                Step.Response(
                    status=_status(NOT_CONFIGURED), session=request.session, step=request.step
                )
            )
        else:
            bridge.submit_step(
                request, lambda reply: answer(_step_response(reply)), waited_ns=waited_ns
            )

    def _on_reset(self, request: Any, answer: Callable[[Any], None], _: int) -> None:
        bridge = self._bridge()
        if bridge is None:
            answer(Reset.Response(status=_status(NOT_CONFIGURED), reset_id=request.reset_id))
        else:
            bridge.submit_reset(request, lambda reply: answer(_reset_response(reply)))

    def _on_get_specs(self, request: Any, answer: Callable[[Any], None], _: int) -> None:
        bridge = self._bridge()
        if bridge is None:
            answer(GetSpecs.Response(status=_status(NOT_CONFIGURED)))
            return
        refusal = bridge.refuse_specs()
        if refusal is not None:
            answer(GetSpecs.Response(status=_status(refusal)))
            return
        reply = bridge.get_specs()
        answer(
            GetSpecs.Response(
                status=_status(reply.status),
                bridge_id=reply.bridge_id,
                protocol=reply.protocol,
                specs=reply.specs,
                specs_hash=reply.specs_hash,
                control_period=reply.control_period,
                authority=reply.authority,
                lease=reply.lease,
                authenticated=reply.authenticated,
                epoch=reply.epoch,
                stamp_ns=reply.stamp_ns,
            )
        )

    def _on_close(self, request: Any, answer: Callable[[Any], None], _: int) -> None:
        bridge = self._bridge()
        if bridge is None:
            answer(Close.Response(status=_status(NOT_CONFIGURED)))
            return
        reply = bridge.close_session(request.session, auth=request.auth)
        answer(Close.Response(status=_status(reply.status), bridge_id=reply.bridge_id))

    def _on_authorized(self, request: Any, answer: Callable[[Any], None], _: int) -> None:
        bridge = self._bridge()
        if bridge is None:
            answer(Authorized.Response(status=_status(NOT_CONFIGURED)))
            return
        reply = bridge.authorized(request)
        answer(Authorized.Response(status=_status(reply.status), bridge_id=reply.bridge_id))

    def _on_render(self, request: Any, answer: Callable[[Any], None], _: int) -> None:
        bridge = self._bridge()
        if bridge is None:
            answer(Render.Response(status=_status(NOT_CONFIGURED)))
            return
        reply = bridge.render(request.session, auth=request.auth)
        answer(
            Render.Response(
                status=_status(reply.status),
                height=reply.height,
                width=reply.width,
                data=reply.data,
            )
        )


def _never_called(*_: Any) -> None:
    raise AssertionError('entities of the request loop are not run by an executor')


def _status(status: Status) -> StatusMsg:
    return StatusMsg(code=int(status.code), message=status.message)


def stop_message(stop: Stop) -> StopMsg:
    """Return ``stop`` as its message."""
    return StopMsg(state=int(stop.state), reason=int(stop.reason), message=stop.message)


def timing_message(timing: Timing) -> TimingMsg:
    """Return ``timing`` as its message."""
    return TimingMsg(
        period=timing.period,
        lateness=timing.lateness,
        observation_age=timing.observation_age,
        held=timing.held,
        missed=timing.missed,
        round_trip=timing.round_trip,
    )


def _reset_response(reply: Any) -> Any:
    return Reset.Response(
        status=_status(reply.status),
        bridge_id=reply.bridge_id,
        session=reply.session,
        reset_id=reply.reset_id,
        epoch=reply.epoch,
        episode=reply.episode,
        observation=reply.observation,
        info=reply.info,
        stop=stop_message(reply.stop),
        stamp_ns=reply.stamp_ns,
    )


def _step_response(reply: Any) -> Any:
    return Step.Response(
        status=_status(reply.status),
        bridge_id=reply.bridge_id,
        session=reply.session,
        step=reply.step,
        epoch=reply.epoch,
        episode=reply.episode,
        observation=reply.observation,
        reward=reply.reward,
        terminated=reply.terminated,
        truncated=reply.truncated,
        applied_action=reply.applied_action,
        info=reply.info,
        stop=stop_message(reply.stop),
        timing=timing_message(reply.timing),
        stamp_ns=reply.stamp_ns,
    )
