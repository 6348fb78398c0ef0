# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The connection over ROS 2 services; the only file of the client that imports rclpy.

Two call paths, chosen by ``RL_BRIDGE_TRANSPORT``:

* ``waitset`` (default): the calling thread sends on the client's handle, waits on one persistent
  wait set and takes the response itself. No thread is switched, so it is as fast as rclpy gets.
* ``executor``: rclpy's public API only, an executor thread and futures.

Either way a request that has a number is sent again after 250 ms without an answer (the bridge
executes it once), and a response counts only if it answers one of this call's copies and echoes
this request.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rclpy.context import Context
from rclpy.exceptions import InvalidServiceNameException, InvalidTopicNameException
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.parameter import Parameter

from rl_bridge.access import NO_PROOF, Proof
from rl_bridge.client.call_paths import (
    WAIT_SLICE_S,
    CallPath,
    ExecutorPath,
    Fits,
    WaitSetPath,
)
from rl_bridge.client.discovery import ambiguous, bridges_among, not_found, silent
from rl_bridge.client.forks import forked_sentence, keep_out_of_forks, refuse_in_a_fork
from rl_bridge.client.greeting import greet, roll_call
from rl_bridge.dds_profile import REQUIRE_VARIABLE, is_required, use_profile
from rl_bridge.dds_profile_node import profile_problem
from rl_bridge.errors import BridgeTimeout, BridgeUnavailable, ConfigError, ForkedClient
from rl_bridge.topic_qos import NEWEST
from rl_bridge.types import (
    CloseReply,
    RenderReply,
    ResetReply,
    ResetRequest,
    SpecsReply,
    StatusCode,
    StepReply,
    StepRequest,
)
from rl_bridge_interfaces.msg import Heartbeat
from rl_bridge_interfaces.srv import Close, GetSpecs, Render, Reset, Step

ENCLAVE = ['--ros-args', '--enclave', '/rl_bridge/client']  # of SROS2
DISCOVERY_POLL_S = 0.01
RETRANSMIT_S = 0.25  # no sooner: DDS repairs a loss by itself
CLOSE_WAIT_S = 1.0


@dataclass(slots=True)
class _Parts:
    """What is let go of, in this order; it knows no transport, so that one can be forgotten."""

    pid: int
    path: CallPath
    node: Node
    context: Context

    def close(self) -> None:
        if os.getpid() != self.pid:
            return
        self.path.close()
        self.node.destroy_node()
        self.context.try_shutdown()
        self.context.destroy()


def _open_path(name: str, context: Context, node: Node) -> CallPath:
    if name == 'waitset':
        return WaitSetPath(rclpy_implementation.WaitSet(0, 0, 0, 1, 0, 0, context.handle))
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    return ExecutorPath(executor, is_shut_down=lambda: not context.ok())


class RosTransport:
    """
    A connection to one bridge over ROS 2, with an rclpy context and node of its own.

    It works beside the user's own rclpy, in threads, and in 'spawn' or 'forkserver' workers. After
    a fork every method refuses and ``close`` does nothing: DDS does not survive a fork.

    :param bridge: name of the bridge's node with its namespace.
    :param domain_id: ROS domain; by default ROS_DOMAIN_ID.
    :param call_path: 'waitset' or 'executor'; by default RL_BRIDGE_TRANSPORT, else 'waitset'.
    :param require_dds_profile: refuse to go on without rl_bridge's Fast DDS profile; by default
        unless RL_BRIDGE_REQUIRE_DDS_PROFILE=0.
    :raises ConfigError: the name or the call path cannot be used, or the profile is not in effect.
    :raises ForkedClient: this process was forked from one that had a connection.
    """

    def __init__(
        self, bridge: str, *, domain_id: int | None = None, call_path: str | None = None,
        require_dds_profile: bool | None = None,
    ) -> None:
        self._bridge = '/' + bridge.strip('/')
        self._pid = os.getpid()
        path = call_path or os.environ.get('RL_BRIDGE_TRANSPORT') or 'waitset'
        if path not in ('waitset', 'executor'):
            raise ConfigError(
                f"RL_BRIDGE_TRANSPORT is {path!r}; 'waitset' or 'executor' is needed.")
        refuse_in_a_fork(self._bridge)
        use_profile()
        context = Context()
        # The user's command line is not ours to read; logging stays as the user configured it.
        context.init(args=ENCLAVE, initialize_logging=False, domain_id=domain_id)
        try:
            node = Node(
                f'rl_bridge_client_{self._pid}_{secrets.token_hex(4)}',
                context=context, use_global_arguments=False, enable_rosout=False,
                start_parameter_services=False,
                parameter_overrides=[Parameter('start_type_description_service', value=False)])
            self._open_endpoints(node)
            if is_required() if require_dds_profile is None else require_dds_profile:
                _require_profile(node, self._heartbeat.topic_name)
            self._path = _open_path(path, context, node)
        except (InvalidServiceNameException, InvalidTopicNameException) as error:
            context.try_shutdown()
            raise ConfigError(f'{bridge!r} cannot be the name of a bridge: {error}') from error
        except BaseException:
            context.try_shutdown()
            raise
        self._node = node
        self._context = context
        self._step_message = Step.Request()
        self._calls = self._copies_to_greet = 0
        self._greeted = False
        # Re-entrant, so that a signal handler which closes the env does not wait for itself.
        self._lock = threading.RLock()
        self._stop = threading.Event()
        parts = _Parts(self._pid, self._path, node, context)
        self._finalizer = weakref.finalize(self, parts.close)
        keep_out_of_forks(self)

    def _open_endpoints(self, node: Node) -> None:
        self._get_specs = node.create_client(GetSpecs, f'{self._bridge}/get_specs')
        self._reset = node.create_client(Reset, f'{self._bridge}/reset')
        self._step = node.create_client(Step, f'{self._bridge}/step')
        self._close = node.create_client(Close, f'{self._bridge}/close')
        self._render = node.create_client(Render, f'{self._bridge}/render')
        self._heartbeat = node.create_publisher(Heartbeat, f'{self._bridge}/heartbeat', NEWEST)

    @property
    def bridge(self) -> str:
        """Name of the bridge with its namespace."""
        return self._bridge

    @property
    def link(self) -> dict[str, int]:
        """The calls so far, and the copies sent because an answer did not come in time."""
        return {'calls': self._calls, 'repeated': self._path.copies - self._copies_to_greet}

    def get_specs(self, *, timeout_s: float) -> SpecsReply:
        """
        Find the bridge, greet it both ways, and return its specs.

        :raises BridgeUnavailable: it is not visible, does not answer, or there are two of that
            name.
        """
        self._usable()
        end = time.monotonic() + timeout_s
        clients = (self._get_specs, self._reset, self._step, self._close, self._render)
        while not all(client.service_is_ready() for client in clients):
            if time.monotonic() >= end:
                raise BridgeUnavailable(not_found(
                    self._bridge, others=self._other_bridges(), timeout_s=timeout_s,
                    domain_id=self._context.get_domain_id()))
            time.sleep(DISCOVERY_POLL_S)
            self._usable()
        try:
            if not self._greeted:
                self._greet(clients, end_s=end)
            left_s = max(end - time.monotonic(), WAIT_SLICE_S)
            reply = self._call(self._get_specs, GetSpecs.Request, 'get_specs', _any, left_s)
        except BridgeTimeout as error:
            raise BridgeUnavailable(silent(
                self._bridge, timeout_s=timeout_s, domain_id=self._context.get_domain_id())
            ) from error
        self._refuse_two_of_a_name()
        return reply  # type: ignore[no-any-return]

    def reset(self, request: ResetRequest, *, timeout_s: float) -> ResetReply:
        """Begin an episode; see :class:`rl_bridge.client.transport.Transport`."""
        message = Reset.Request()
        for field in dataclasses.fields(request):
            setattr(message, field.name, getattr(request, field.name))
        wanted = request.reset_id

        def fits(reply: Any) -> bool:
            mine: bool = reply.reset_id == wanted
            return mine or reply.status.code != StatusCode.OK

        return self._call(  # type: ignore[no-any-return]
            self._reset, lambda: message, 'reset', fits, timeout_s, once=not wanted)

    def step(self, request: StepRequest, *, timeout_s: float) -> StepReply:
        """Make one step; see :class:`rl_bridge.client.transport.Transport`."""
        session, step = request.session, request.step

        def fits(reply: Any) -> bool:
            mine: bool = reply.step == step and reply.session == session
            return mine or reply.status.code != StatusCode.OK

        def message() -> Any:
            filled = self._step_message
            filled.action = request.action
            filled.action_text = request.action_text
            filled.session = session
            filled.step = step
            filled.echo_ns = request.echo_ns
            filled.elapsed_ns = request.elapsed_ns
            filled.auth = request.auth
            return filled

        return self._call(  # type: ignore[no-any-return]
            self._step, message, f'step {step}', fits, timeout_s, once=not session)

    def close_session(
        self, session: str, *, timeout_s: float, auth: Proof = NO_PROOF
    ) -> CloseReply:
        """Release the lease."""
        return self._call(  # type: ignore[no-any-return]
            self._close, lambda: Close.Request(session=session, auth=auth), 'close', _any,
            timeout_s)

    def render(self, session: str, *, timeout_s: float, auth: Proof = NO_PROOF) -> RenderReply:
        """Fetch one picture."""
        return self._call(  # type: ignore[no-any-return]
            self._render, lambda: Render.Request(session=session, auth=auth), 'render', _any,
            timeout_s, once=True)

    def heartbeat(
        self, *, client_id: str, session: str, epoch: int, count: int, auth: Proof = NO_PROOF
    ) -> None:
        """Renew the lease; takes no lock that a call holds."""
        self._usable()
        try:
            self._heartbeat.publish(
                Heartbeat(
                    sender=client_id, session=session, epoch=epoch, count=count, auth=auth))
        except (rclpy_implementation.RCLError, rclpy_implementation.InvalidHandle) as error:
            raise BridgeUnavailable(self._gone()) from error

    def close(self) -> None:
        """Let go of context, node and endpoints; idempotent, does nothing after a fork."""
        if os.getpid() != self._pid or self._stop.is_set():
            return
        self._stop.set()  # a call in another thread ends within one slice
        held = self._lock.acquire(timeout=CLOSE_WAIT_S)
        try:
            self._finalizer()
        finally:
            if held:
                self._lock.release()

    def __deepcopy__(self, memo: dict[int, Any]) -> RosTransport:
        """Return itself: gymnasium copies the arguments of ``make``, a connection stays one."""
        return self

    def _call(
        self, client: Any, message: Callable[[], Any], call: str, fits: Fits, timeout_s: float,
        *, once: bool = False,
    ) -> Any:
        """
        Send what ``message`` returns once it is this call's turn; await what fits.

        :param once: the bridge cannot tell a copy from a second request, so send none.
        """
        self._usable()
        if not self._lock.acquire(timeout=timeout_s):
            raise BridgeTimeout(
                self._bridge, call, timeout_s, 'It was not sent: another thread uses this client.')
        self._calls += 1
        try:
            reply = self._path.call(
                client, message(), fits, timeout_s=timeout_s, is_over=self._is_over,
                again_s=timeout_s if once else RETRANSMIT_S)
        except (rclpy_implementation.RCLError, rclpy_implementation.InvalidHandle) as error:
            if self._is_over():
                raise BridgeUnavailable(self._gone()) from error
            raise
        finally:
            self._lock.release()
        if reply is None:
            self._usable()
            raise BridgeTimeout(self._bridge, call, timeout_s)
        return reply

    def _greet(self, clients: Iterable[Any], *, end_s: float) -> None:
        with self._lock:
            self._greeted = greet(self._path, clients, end_s=end_s, is_over=self._is_over)
            self._copies_to_greet = self._path.copies

    def _is_over(self) -> bool:
        return self._stop.is_set() or not self._context.ok()

    def _usable(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedClient(forked_sentence(self._bridge, self._pid))
        if self._is_over():
            raise BridgeUnavailable(self._gone())

    def _gone(self) -> str:
        why = 'was closed' if self._stop.is_set() else 'was shut down by a signal handler of rclpy'
        return f'The connection to {self._bridge} {why}; make a new client.'

    def _other_bridges(self) -> list[str]:
        seen = bridges_among(self._node.get_service_names_and_types())
        return [name for name in seen if name != self._bridge]

    def _refuse_two_of_a_name(self) -> None:
        """Where the graph shows more than one, ask all: one that just died is shown too."""
        if self._node.count_services(f'{self._bridge}/get_specs') < 2:
            return
        with self._lock:
            found = roll_call(self._path, self._get_specs, is_over=self._is_over)
        if len(found) > 1:
            raise BridgeUnavailable(ambiguous(
                self._bridge, count=len(found), domain_id=self._context.get_domain_id()))


def _any(reply: Any) -> bool:
    return True


def _require_profile(node: Node, topic: str) -> None:
    problem = profile_problem(
        node, topic, profile=use_profile(), way_out=f'set {REQUIRE_VARIABLE}=0')
    if problem:
        raise ConfigError(problem)
