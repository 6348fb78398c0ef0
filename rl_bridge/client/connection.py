# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""From a bridge's name to its checked specs."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gymnasium import logger

from rl_bridge.access import Secret
from rl_bridge.client.refusals import refusal
from rl_bridge.client.transport import Transport
from rl_bridge.errors import ConfigError, ProtocolError, SpecError, WireError
from rl_bridge.types import PROTOCOL_VERSION, SpecsReply, Status, StatusCode
from rl_bridge.wire import Specs, specs_from_json, specs_hash

INACTIVE_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Connected:
    """
    What the first conversation found.

    :param specs: the spaces and what else describes the environment.
    :param specs_hash: sent with every reset, so that a changed bridge is noticed.
    :param control_period: seconds; 0 = lock-step.
    :param lease: seconds.
    :param epoch: the present one; the first reset names it.
    """

    specs: Specs
    specs_hash: str
    control_period: float
    lease: float
    epoch: int


def own_transport(bridge: str) -> Transport:
    """
    Make the ROS 2 transport; only here, so that everything else runs without ROS.

    :raises ConfigError: there is no rclpy or no built rl_bridge_interfaces in this Python.
    """
    try:
        from rl_bridge.client.ros_transport import RosTransport
    except ImportError as error:
        raise ConfigError(
            f'A ROS 2 connection needs rclpy and the built rl_bridge_interfaces ({error}); source '
            'the workspace (install/setup.bash) of a ROS 2, or run "make" in a clone of '
            'rl_bridge.'
        ) from error
    return RosTransport(bridge)


def connect(
    transport: Transport, *, timeout_s: float, secret: Secret | None = None
) -> Connected:
    """
    Ask for the specs until the bridge has some, and check them.

    :param timeout_s: seconds to find the bridge and, while it is still being configured, to wait
        for it.
    :param secret: what this client can prove.
    :raises NotAuthenticated: the bridge asks for a proof and there is no secret.
    :raises BridgeUnavailable: nothing of that name answers, or it stays unconfigured.
    :raises ProtocolError: another version, or specs that do not match their hash.
    """
    end_s = time.monotonic() + timeout_s
    while True:
        reply = transport.get_specs(timeout_s=max(end_s - time.monotonic(), 0.001))
        unconfigured = reply.status.code == StatusCode.NOT_ACTIVE
        if not unconfigured or time.monotonic() + INACTIVE_POLL_S > end_s:
            break
        time.sleep(INACTIVE_POLL_S)
    if reply.status.code != StatusCode.OK:
        raise refusal(reply, bridge=transport.bridge, call='get_specs')
    if reply.protocol != PROTOCOL_VERSION:
        raise ProtocolError(
            f'{transport.bridge} speaks version {reply.protocol} of the contract, this client '
            f'version {PROTOCOL_VERSION}; install the same version of rl_bridge on both sides.')
    if reply.authenticated and secret is None:
        unproven = Status(StatusCode.UNAUTHENTICATED, 'it has a shared secret, this client none')
        raise refusal(SpecsReply(status=unproven), bridge=transport.bridge, call='this client')
    if secret is not None and not reply.authenticated:
        logger.warn(
            f'{transport.bridge} asks for no proof of the secret that this client has: whoever '
            'reaches its network can move the robot. Set secret_file on the robot side too.')
    if specs_hash(reply.specs) != reply.specs_hash:
        raise ProtocolError(
            f'The specs of {transport.bridge} do not match their hash {reply.specs_hash:.12}; '
            'install the same version of rl_bridge on both sides.')
    try:
        specs = specs_from_json(reply.specs)
    except (WireError, SpecError) as error:
        raise ProtocolError(f'The specs of {transport.bridge} cannot be used: {error}') from error
    return Connected(
        specs=specs,
        specs_hash=reply.specs_hash,
        control_period=float(reply.control_period),
        lease=float(reply.lease),
        epoch=int(reply.epoch),
    )
