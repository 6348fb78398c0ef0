# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
A robot behind ROS topics: its state comes in any message, its commands go to the guard.

Nothing here reaches a controller: the guard alone publishes to it. The limits are checked here all
the same (``safety.limits``, the guard's own pure check), so that a value the guard would stop the
robot for is refused with a sentence before it is sent.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
import uuid
from array import array
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node

from rl_bridge.access import Secret, command_claim
from rl_bridge.errors import ConfigError, RobotNotReady, RobotStopped
from rl_bridge.robots.guard_view import GuardView
from rl_bridge.robots.joint_states import JointStates
from rl_bridge.robots.topic_sensors import TopicSensors
from rl_bridge.safety.limits import check_command
from rl_bridge.safety.named_types import load_type
from rl_bridge.topic_qos import EACH, LATCHED, STATE
from rl_bridge.types import (
    CommandKind,
    FloatArray,
    RobotDescription,
    RobotState,
    Stop,
    StopReason,
    StopState,
)
from rl_bridge_interfaces.msg import Command, GuardStatus

BEGIN_EVERY_S = 0.1  # a guard bound to a bridge that died lets go of it after a while: ask again
# By then the guard has let go of a bridge that is silent (bridge_stop_s); one that lives keeps it.
OTHER_LIVES_S = 1.5
STATE_GRACE_S = 0.5  # for a state that is missing when an episode is to begin
CLOSE_WAIT_S = 0.2
# When this process stood still itself, what was sent meanwhile is heard before anybody is blamed.
BREATH_S, STOOD_STILL_S, CATCH_UP_S = 0.05, 0.2, 0.1


class TopicRobot:
    """
    A robot described by its file, reached through the guard.

    The caller's executor must spin the node in another thread than the one that calls this.

    :param node: the node whose namespace the topics are relative to.
    :param description: the robot as its file describes it.
    :param interface: 'velocity', 'position' or 'effort'; the guard is started with the same.
    :param command_topic: topic of the ``Command`` messages to the guard.
    :param guard: name of the guard's node.
    :param bridge_id: names this process to the guard; empty = a fresh one.
    :param first_epoch: of commands before the first ``note``; a guard refuses what is older than
        the last bridge's, a RECOVER too.
    :param secret: proves the commands to the guard; None = it asks for no proof.
    :param clock_ns: CLOCK_MONOTONIC of this host, ns: the guard compares it with its own.
    :raises ConfigError: the robot has no such command interface, or a type that its file names is
        not installed or has not the fields.
    """

    lock_step = False

    def __init__(
        self,
        node: Node,
        description: RobotDescription,
        *,
        interface: str,
        command_topic: str = '~/command',
        guard: str = 'guard',
        bridge_id: str = '',
        first_epoch: int = 0,
        secret: Secret | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if interface not in description.commands:
            raise ConfigError(
                f'{description.name} has no command interface {interface!r}; its file has '
                f'{", ".join(sorted(description.commands))}.'
            )
        self.description = description
        self.interface = interface
        self.bridge_id = bridge_id or uuid.uuid4().hex
        self._node = node
        self._clock_ns = clock_ns
        self._secret = secret
        self._news = threading.Condition(threading.RLock())  # guards all below
        # Grows over instances too: after cleanup and configure the guard still knows the last one.
        self._sequence = clock_ns()
        self._noted = (first_epoch, 0, 0)
        self._sent_ns = 0  # when the present step left its sender; 0 = there is none
        self._bound = False  # a BEGIN was sent
        self._announced = False  # a begin is on its way; a halt from now on makes it fail
        self._halted: Stop | None = None  # our own halt, until the next begin
        self._closed = False
        self._sensors = TopicSensors(
            node, description.sensors, on_news=self._on_sensor, clock_ns=clock_ns
        )
        self._commands = node.create_publisher(Command, command_topic, EACH)
        self._states = JointStates(
            description, topic=node.resolve_topic_name(description.state_topic)
        )
        status_topic = f'{guard}/status'
        self._guard = GuardView(self.bridge_id, topic=node.resolve_topic_name(status_topic))
        self._subscriptions = [
            node.create_subscription(
                load_type(description.state_type), description.state_topic, self._on_state, STATE
            ),
            node.create_subscription(GuardStatus, status_topic, self._on_status, LATCHED),
        ]
        self._breath_ns = clock_ns()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._breathing = node.create_timer(BREATH_S, self._breathe, clock=steady)

    # -- what comes in -------------------------------------------------------------------------

    def connect(self, *, timeout_s: float) -> None:
        """
        Wait until a fresh state, a reading of every further sensor and the guard's status have
        come, and the guard listens.

        :raises RobotNotReady: one of them did not come in time; the sentence names its topic.
        """
        with self._news:
            self._news.wait_for(lambda: self._unconnected() is None, timeout_s)
            problem = self._unconnected()
            if problem is not None:
                raise problem
            # A bridge whose clock was set back would begin below what the guard accepts.
            epoch, episode, step = self._noted
            if not episode:
                self._noted = (max(epoch, self._guard.epoch), episode, step)

    @property
    def least_epoch(self) -> int:
        """Return the epoch above which the guard accepts a BEGIN, once connected."""
        with self._news:
            return self._noted[0]

    def state(self) -> RobotState:
        """
        Return the newest measured state, with the newest readings of the further sensors.

        :raises RobotNotReady: there is none, it is older than its limit, or not usable.
        """
        with self._news:
            problem = self._states.problem(self._clock_ns())
            if problem is not None:
                raise problem
            assert self._states.newest is not None
            state = self._states.newest
        # Outside the lock: decoding a picture takes a while, and a halt must not wait for it.
        return dataclasses.replace(state, sensors=self._sensors.newest(self._clock_ns()))

    def stop(self) -> Stop:
        """Return the guard's verdict, or STOPPED while the guard is silent."""
        with self._news:
            stood_still_ns = self._clock_ns() - self._breath_ns
            if self._guard.silent(self._clock_ns()) and stood_still_ns > STOOD_STILL_S * 1e9:
                self._news.wait_for(lambda: not self._guard.silent(self._clock_ns()), CATCH_UP_S)
            guards = self._guard.stop(self._clock_ns())
            own = self._halted
            return own if own is not None and own.state > guards.state else guards

    # -- what goes out -------------------------------------------------------------------------

    def note(self, *, epoch: int, episode: int, step: int, age_s: float = 0.0) -> None:
        """Name what the next commands belong to, and how old a step is already."""
        with self._news:
            self._noted = (epoch, episode, step)
            self._sent_ns = self._clock_ns() - round(age_s * 1e9) if step else 0
            if step == 0:
                self._announced = True
                self._halted = None

    def begin(self, *, timeout_s: float) -> None:
        """
        Begin an episode, confirmed by the guard.

        :raises RobotStopped: a FAULT or ESTOP forbids it, or a stop came in between.
        :raises RobotNotReady: no fresh state, or the guard did not confirm in time.
        """
        end_ns = self._clock_ns() + round(timeout_s * 1e9)
        with self._news:
            self._news.wait_for(lambda: self._problem() is None, min(STATE_GRACE_S, timeout_s))
            problem = self._problem()
            if problem is not None:
                raise problem
            if not self._announced:
                self._halted = None
            self._announced = False
            if self._halted is not None:
                raise RobotStopped(self._halted.state, self._halted.reason, self._halted.message)
            self._bound = True
            self._guard.ask()
            asked_ns = self._clock_ns()
            while True:
                sequence = self._send(CommandKind.BEGIN)
                left_s = max(0.0, (end_ns - self._clock_ns()) / 1e9)
                begun = functools.partial(self._begun, sequence, asked_ns)
                if self._news.wait_for(begun, min(BEGIN_EVERY_S, left_s)):
                    return
                now_ns = self._clock_ns()
                kept = self._guard.bound_elsewhere and now_ns - asked_ns > OTHER_LIVES_S * 1e9
                if kept or now_ns >= end_ns:
                    waited_s = round((now_ns - asked_ns) / 1e9, 1)
                    raise self._guard.why_not_confirmed(now_ns, waited_s=waited_s)

    def command(self, values: FloatArray, *, authority_s: float) -> None:
        """
        Command all joints; motion ends ``authority_s`` seconds later unless renewed.

        :raises LimitError: a value is not finite or outside its limit; nothing was sent.
        :raises RobotStopped: a stop forbids motion; nothing was sent.
        """
        checked = check_command(values, self.description, self.interface)
        with self._news:
            stop = self.stop()
            if stop.state >= StopState.STOPPED:
                raise RobotStopped(stop.state, stop.reason, stop.message)
            self._send(CommandKind.MOVE, values=checked, authority_ns=round(authority_s * 1e9))

    def hold(self, *, reason: int, message: str) -> None:
        """Come to rest, not latched."""
        with self._news:
            if self._bound and not self._closed:
                self._send(CommandKind.HOLD, reason=reason, message=message)

    def halt(self, *, reason: int, message: str) -> None:
        """Come to rest, latched until the next ``begin``. Callable from any thread."""
        with self._news:
            if self._halted is None:
                self._halted = Stop(StopState.STOPPED, reason, message)
            if self._bound and not self._closed:
                self._send(CommandKind.HALT, reason=reason, message=message)
            self._news.notify_all()

    def recover(self) -> None:
        """Turn a FAULT into STOPPED. Callable from any thread."""
        with self._news:
            if not self._closed:
                self._send(CommandKind.RECOVER)

    def advance(self, seconds: float) -> None:
        """Do nothing: real time passes by itself."""

    def close(self) -> None:
        """Halt the robot and let go of the topics; idempotent."""
        with self._news:
            if self._closed:
                return
            self.halt(reason=StopReason.SHUTDOWN, message='the bridge let go of the robot')
            self._closed = True
        # The halt must be on its way before its publisher is gone.
        if self._node.context.ok():
            self._commands.wait_for_all_acked(Duration(nanoseconds=round(CLOSE_WAIT_S * 1e9)))
        self._node.destroy_timer(self._breathing)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._sensors.close()
        self._node.destroy_publisher(self._commands)

    # -- inside; the condition is held ---------------------------------------------------------

    def _send(
        self,
        kind: CommandKind,
        *,
        reason: int = StopReason.NONE,
        message: str = '',
        values: FloatArray | None = None,
        authority_ns: int = 0,
    ) -> int:
        """Publish one command; return its sequence number."""
        self._sequence += 1
        if not self._node.context.ok():  # too late: the guard notices the silence
            return self._sequence
        command = Command()
        command.kind = int(kind)
        command.bridge_id = self.bridge_id
        command.epoch, command.episode, command.step = self._noted
        command.sequence = self._sequence
        command.reason = int(reason)
        command.message = message
        if values is not None:
            command.command = array('d', values.tobytes())
        command.authority_ns = authority_ns
        # A step's authority counts from when it left its sender.
        command.stamp_ns = (kind == CommandKind.MOVE and self._sent_ns) or self._clock_ns()
        if self._secret is not None:
            claim = command_claim(command, guard_id=self._guard.guard_id)
            command.auth = self._secret.prove(claim)
        self._commands.publish(command)
        return self._sequence

    def _begun(self, sequence: int, asked_ns: int) -> bool:
        """
        Return whether the guard accepted a BEGIN.

        :raises RobotStopped: it cannot, or a halt came in between.
        """
        if self._halted is not None:
            raise RobotStopped(self._halted.state, self._halted.reason, self._halted.message)
        return self._guard.confirmed(sequence, asked_ns=asked_ns)

    def _unconnected(self) -> RobotNotReady | None:
        problem = self._problem()
        if problem is not None:
            return problem
        return self._guard.unconnected(
            self._clock_ns(),
            listeners=self._commands.get_subscription_count(),
            command_topic=self._commands.topic_name,
        )

    def _problem(self) -> RobotNotReady | None:
        now_ns = self._clock_ns()
        return self._states.problem(now_ns) or self._sensors.problem(now_ns)

    # -- callbacks, in the executor's thread ---------------------------------------------------

    def _breathe(self) -> None:
        self._breath_ns = self._clock_ns()

    def _on_state(self, message: Any) -> None:
        with self._news:
            self._states.hear(message, self._clock_ns())
            self._news.notify_all()

    def _on_sensor(self) -> None:
        with self._news:
            self._news.notify_all()

    def _on_status(self, message: Any) -> None:
        with self._news:
            self._guard.hear(message, self._clock_ns())
            self._news.notify_all()
