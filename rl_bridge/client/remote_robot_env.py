# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A robot behind a bridge as an ordinary Gymnasium environment."""

from __future__ import annotations

import math
import os
import weakref
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium import logger
from gymnasium.error import ClosedEnvironmentError
from numpy.typing import NDArray

from rl_bridge.access import load_secret, render_claim
from rl_bridge.client.connection import connect, own_transport
from rl_bridge.client.conversation import Conversation
from rl_bridge.client.lease import Lease, default_client_id
from rl_bridge.client.refusals import refusal
from rl_bridge.client.reset_options import options_to_json
from rl_bridge.client.transport import Transport
from rl_bridge.errors import (
    ActionRejected,
    ConfigError,
    ForkedClient,
    LimitError,
    ProtocolError,
    Unsupported,
    WireError,
)
from rl_bridge.types import StatusCode, StepReply, StopReason, StopState
from rl_bridge.wire import SpaceCodec, info_from_json

MAX_SEED = 2**63 - 1
LOCK_STEP_FPS = 30


class RemoteRobotEnv(gymnasium.Env[Any, Any]):
    """
    A robot behind a bridge.

    ``reset`` takes the lease, ``step`` moves the robot at most once whatever the network does,
    ``close`` gives the lease back. While a lease is held a daemon thread renews it; that never
    keeps the robot moving, only steps do.

    Besides what the hosted environment puts there, ``info`` of a step holds ``timing`` (a dict of
    ``period``, ``lateness``, ``observation_age``, ``held`` in seconds and ``missed``; not in
    lock-step), ``link`` (``round_trip_s`` of the last reply and this request, ``calls`` and
    ``repeated`` ones so far; not in lock-step), ``held_ms`` where the robot had been in HOLD
    before the step, ``stop_reason`` where it is stopped (then the episode is truncated), and
    ``applied_action`` where the bridge reports one: what was commanded to every joint, float64.

    :param bridge: name of the bridge's node with its namespace.
    :param timeout_s: call time-out of a step and of a picture in seconds.
    :param reset_timeout_s: call time-out of a reset in seconds; it may move the robot.
    :param connect_timeout_s: how long to look for the bridge in seconds.
    :param takeover: let the first reset take the lease from another client; the robot is halted
        first.
    :param render_mode: None, or 'rgb_array' where the hosted environment renders it.
    :param client_id: who holds the lease; by default one name per process.
    :param secret_file: file with the secret that the bridge shares with its clients; by default
        ``RL_BRIDGE_SECRET_FILE`` or ``RL_BRIDGE_SECRET`` of the environment, if set.
    :param transport: a connection to use instead of an own ROS 2 one; it stays the caller's to
        close.
    :raises BridgeUnavailable: nothing of that name answers, or it stays inactive.
    :raises ProtocolError: the bridge speaks another version of the contract.
    :raises Unsupported: it cannot render what was asked.
    :raises NotAuthenticated: the bridge asks for a proof of its secret and there is none here.
    :raises ConfigError: an argument cannot be used, or there is no ROS 2 in this Python.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  (Gymnasium declares it as an instance variable)
        'render_modes': ['rgb_array'],
        'render_fps': LOCK_STEP_FPS,
    }

    def __init__(
        self,
        bridge: str = '/robot_env',
        *,
        timeout_s: float = 5.0,
        reset_timeout_s: float = 60.0,
        connect_timeout_s: float = 10.0,
        takeover: bool = False,
        render_mode: str | None = None,
        client_id: str | None = None,
        secret_file: str | os.PathLike[str] = '',
        transport: Transport | None = None,
    ) -> None:
        self._closed = True  # until there is something to close
        self._pid = os.getpid()
        self._timeout_s = _checked_timeout('timeout_s', timeout_s)
        self._reset_timeout_s = _checked_timeout('reset_timeout_s', reset_timeout_s)
        _checked_timeout('connect_timeout_s', connect_timeout_s)
        if client_id == '':
            raise ConfigError('client_id is empty, which means by hand; leave it out or name one.')
        secret = load_secret(secret_file)
        own = transport is None
        self._transport = own_transport(bridge) if transport is None else transport
        try:
            found = connect(self._transport, timeout_s=connect_timeout_s, secret=secret)
            modes = [mode for mode in found.specs.render_modes if mode == 'rgb_array']
            if render_mode is not None and render_mode not in modes:
                raise Unsupported(
                    f'{self._transport.bridge} cannot render {render_mode!r}: it offers '
                    f'{modes or "nothing"}. Set render_mode of the hosted environment on the '
                    'robot side, or use None here.')
        except BaseException:
            if own:
                self._transport.close()
            raise
        self.action_space = found.specs.action_space
        self.observation_space = found.specs.observation_space
        self.render_mode = render_mode
        fps = round(1 / found.control_period) if found.control_period > 0 else LOCK_STEP_FPS
        self.metadata = {'render_modes': modes, 'render_fps': max(1, fps)}
        self._action_codec = SpaceCodec(self.action_space, name='action')
        self._observation_codec = SpaceCodec(self.observation_space, name='observation')
        self._paced = found.control_period > 0
        self._takeover = takeover
        self._lease = Lease(
            self._transport, client_id=client_id or default_client_id(), lease_s=found.lease,
            secret=secret)
        self._conversation = Conversation(
            self._transport, self._lease, specs_hash=found.specs_hash, epoch=found.epoch,
            secret=secret)
        self._closed = False
        self._finalizer = weakref.finalize(
            self, _let_go, self._lease, self._transport if own else None)

    # -- Gymnasium --------------------------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """
        Begin an episode; may move the robot.

        :param seed: 0 to 2**63 - 1, as Gymnasium has it.
        :param options: for the hosted environment; strict JSON, NumPy values included.
        :return: observation and info.
        :raises BridgeBusy: another client holds the lease; the sentence names it.
        :raises BridgeTimeout: no answer came; the next reset may be tried.
        :raises BridgeStopped: a fault must be recovered first.
        """
        self._usable()
        if seed is not None and seed > MAX_SEED:
            raise LimitError(
                f'seed {seed} is above 2**63 - 1, the largest that travels; nothing was sent.')
        text = options_to_json(options)
        super().reset(seed=seed)
        reply = self._conversation.reset(
            seed=seed, options=text, takeover=self._takeover, timeout_s=self._reset_timeout_s)
        try:
            observation = self._observation_codec.unpack(reply.observation)
            info = info_from_json(reply.info) if reply.info else {}
        except WireError as error:
            raise self._conversation.unreadable('reset', error) from error
        self._takeover = False
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """
        Make one step; the robot moves at most once whatever the network does.

        :param action: a value of ``action_space``.
        :return: observation, reward, terminated, truncated and info, in fresh buffers.
        :raises ActionRejected: the action is not in the space (nothing was sent) or the bridge
            refused it.
        :raises BridgeTimeout: no answer came and nobody knows whether it was executed; reset.
        :raises ResetRequired: no episode is running.
        :raises SessionLost: the lease expired or was taken over; reset.
        :raises BridgeRestarted: the bridge is another process than before; reset.
        """
        self._usable()
        self._conversation.require_episode()
        try:
            self._action_codec.check(action)
            numbers, texts = self._action_codec.flatten(action)
        except WireError as error:
            raise ActionRejected(f'{str(error).rstrip(".")}; nothing was sent.') from error
        reply = self._conversation.step(numbers, texts, timeout_s=self._timeout_s)
        try:
            observation = self._observation_codec.unpack(reply.observation)
            info = self._step_info(reply)
        except WireError as error:
            raise self._conversation.unreadable(f'step {reply.step}', error) from error
        return (
            observation, float(reply.reward), bool(reply.terminated), bool(reply.truncated), info)

    def render(self) -> Any:
        """
        Return a picture of shape (height, width, 3), uint8, RGB, rendered on the robot side.

        :raises Unsupported: the hosted environment cannot render.
        """
        self._usable()
        if self.render_mode is None:
            logger.warn(
                'You are calling render method without specifying any render mode. You can '
                'specify the render_mode at initialization, e.g. '
                'gymnasium.make("rl_bridge:RemoteRobot-v0", render_mode="rgb_array")')
            return None
        lease = self._lease
        reply = self._transport.render(
            lease.session, timeout_s=self._timeout_s,
            auth=lease.prove(render_claim(lease.session, epoch=lease.epoch)))
        if reply.status.code != StatusCode.OK:
            raise refusal(reply, bridge=self._transport.bridge, call='render')
        picture: NDArray[np.uint8] = np.frombuffer(reply.data, dtype=np.uint8)
        shape = (int(reply.height), int(reply.width), 3)
        if picture.size != math.prod(shape):
            raise ProtocolError(
                f'{self._transport.bridge} sent a picture of {picture.size} bytes for shape '
                f'{shape}.')
        return picture.reshape(shape).copy()

    def close(self) -> None:
        """Give the lease back and let go of the connection; idempotent, ignores a dead bridge."""
        if not self._closed and os.getpid() == self._pid:
            self._closed = True
            self._finalizer()
        super().close()

    def __reduce__(self) -> Any:
        """Refuse to be pickled."""
        raise TypeError(
            'A RemoteRobotEnv holds a connection and a lease and cannot be pickled or copied; '
            'pass a function that makes one: lambda: gymnasium.make("rl_bridge:RemoteRobot-v0", '
            'bridge=...).')

    def _step_info(self, reply: StepReply) -> dict[str, Any]:
        info = info_from_json(reply.info) if reply.info else {}
        timing = reply.timing
        if self._paced:
            info['timing'] = {
                'period': timing.period,
                'lateness': timing.lateness,
                'observation_age': timing.observation_age,
                'held': timing.held,
                'missed': timing.missed,
            }
            info['link'] = {'round_trip_s': timing.round_trip, **self._transport.link}
        if timing.held > 0:
            info['held_ms'] = timing.held * 1e3
        if reply.stop.state >= StopState.STOPPED:
            info['stop_reason'] = _reason_name(reply.stop.reason)
        if len(reply.applied_action):
            info['applied_action'] = np.array(reply.applied_action, dtype=np.float64)
        return info

    def _usable(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedClient(
                f'This client of {self._transport.bridge} was made in process {self._pid} and '
                'carried through a fork, which DDS does not survive. Make it in the worker '
                "process instead, and start workers with 'spawn' or 'forkserver'.")
        if self._closed:
            raise ClosedEnvironmentError(
                f'This client of {self._transport.bridge} was closed; make a new one.')


def _let_go(lease: Lease, transport: Transport | None) -> None:
    lease.close()
    if transport is not None:
        transport.close()


def _checked_timeout(name: str, value: float) -> float:
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
        raise ConfigError(f'{name} is {value!r}; a finite number of seconds above 0 is needed.')
    return float(value)


def _reason_name(reason: int) -> str:
    try:
        return StopReason(reason).name
    except ValueError:
        return str(int(reason))
