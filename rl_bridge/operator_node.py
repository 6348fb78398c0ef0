# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a person asks of a running bridge from the command line: to halt, and to recover."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from typing import Any

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from rl_bridge.access import Secret, authorized_claim, load_secret
from rl_bridge.dds_profile import use_profile
from rl_bridge.errors import BridgeTimeout, BridgeUnavailable, NotAuthenticated
from rl_bridge.types import Status, StatusCode, Verb
from rl_bridge_interfaces.srv import Authorized, GetSpecs

ENCLAVE = ['--ros-args', '--enclave', '/rl_bridge/operator']  # of SROS2
TIMEOUT_S = 10.0
ASK_AGAIN_S = 0.25
WAY_OUT = 'use the emergency stop of the robot if it moves'


def halt(bridge: str = '/robot_env', *, timeout_s: float = TIMEOUT_S) -> str:
    """
    Bring the robot to rest, latched until a reset; needs no secret.

    :param bridge: name of the bridge's node with its namespace.
    :param timeout_s: for everything together, in seconds.
    :return: what the bridge says, one sentence.
    :raises BridgeUnavailable: there is no such bridge, or it could not tell the robot.
    :raises BridgeTimeout: it did not answer.
    """
    with _Operator(bridge, timeout_s=timeout_s) as operator:
        reply = operator.ask(Trigger, 'halt', hint=f'{WAY_OUT}.')
    if not reply.success:
        raise BridgeUnavailable(f'{operator.bridge} did not halt: {reply.message}; {WAY_OUT}.')
    return str(reply.message)


def recover(
    bridge: str = '/robot_env',
    *,
    secret_file: str | os.PathLike[str] = '',
    timeout_s: float = TIMEOUT_S,
) -> str:
    """
    Turn a fault into a stop, which the next reset clears, once somebody has looked at the robot.

    :param bridge: name of the bridge's node with its namespace.
    :param secret_file: the bridge's secret; by default that of the environment.
    :param timeout_s: for everything together, in seconds.
    :return: what the bridge says, one sentence.
    :raises ConfigError: the secret cannot be used.
    :raises NotAuthenticated: the bridge has another secret, or this side none.
    :raises BridgeUnavailable: there is no such bridge, or it cannot recover now.
    :raises BridgeTimeout: it did not answer.
    """
    secret = load_secret(secret_file)
    with _Operator(bridge, timeout_s=timeout_s) as operator:
        status = operator.authorized(Verb.RECOVER, secret)
    if status.code == StatusCode.OK:
        return status.message
    if status.code == StatusCode.UNAUTHENTICATED:
        raise NotAuthenticated(
            f'{operator.bridge} did not recover: {status.message}. Name its secret with '
            '--secret-file, or RL_BRIDGE_SECRET_FILE.'
        )
    raise BridgeUnavailable(f'{operator.bridge} did not recover: {status.message}.')


class _Operator:
    """A node of its own for a few calls."""

    def __init__(self, bridge: str, *, timeout_s: float) -> None:
        self.bridge = '/' + bridge.strip('/')
        self._timeout_s = timeout_s
        self._end_s = time.monotonic() + timeout_s
        use_profile()
        self._context = Context()
        self._context.init(args=ENCLAVE, initialize_logging=False)
        self._node = Node(
            f'rl_bridge_operator_{os.getpid()}_{secrets.token_hex(4)}',
            context=self._context,
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
            parameter_overrides=[Parameter('start_type_description_service', value=False)],
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)

    def __enter__(self) -> _Operator:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def authorized(self, verb: Verb, secret: Secret | None) -> Status:
        """Ask for what needs a proof; every copy echoes a stamp of its own."""

        def request() -> Any:
            specs = self.ask(GetSpecs, 'get_specs')
            asked = Authorized.Request(
                verb=int(verb), bridge_id=specs.bridge_id, echo_ns=specs.stamp_ns
            )
            if secret is not None:
                asked.auth = secret.prove(
                    authorized_claim(
                        verb=asked.verb, bridge_id=asked.bridge_id, echo_ns=asked.echo_ns
                    )
                )
            return asked

        reply = self.ask(Authorized, 'authorized', request)
        return Status(reply.status.code, reply.status.message)

    def ask(
        self,
        kind: Any,
        name: str,
        request: Callable[[], Any] | None = None,
        *,
        hint: str = '',
    ) -> Any:
        """Call a service, again every 250 ms, until it answers one of the calls."""
        client = self._node.create_client(kind, f'{self.bridge}/{name}')
        if not client.wait_for_service(self._left_s()):
            raise BridgeUnavailable(
                f'There is no bridge {self.bridge} on ROS domain '
                f'{self._context.get_domain_id()}: nothing serves {name} there.'
            )
        futures: list[Any] = []
        while self._left_s() > 0.0:
            futures.append(client.call_async(kind.Request() if request is None else request()))
            slice_s = min(self._left_s(), ASK_AGAIN_S)
            self._executor.spin_until_future_complete(futures[-1], slice_s)
            for future in futures:
                if future.done():
                    return future.result()
        raise BridgeTimeout(self.bridge, name, self._timeout_s, hint)

    def _left_s(self) -> float:
        return max(0.0, self._end_s - time.monotonic())
