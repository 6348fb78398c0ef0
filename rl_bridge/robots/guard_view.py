# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a bridge knows of the guard: its last verdict, and whether it still listens."""

from __future__ import annotations

from typing import Protocol

from rl_bridge.errors import RobotNotReady, RobotStopped
from rl_bridge.types import Stop, StopReason, StopState

# Ten of its reports; shorter, and a busy machine would end episodes. The guard stops the robot by
# itself, so this only decides when the bridge gives up waiting for it.
SILENT_S = 0.5
# A FAULT that is still reported this long after a BEGIN was not cleared by it.
REFUSED_AFTER_S = 0.1


class StopFields(Protocol):
    """Fields of a Stop message."""

    state: int
    reason: int
    message: str


class StatusFields(Protocol):
    """Fields of a GuardStatus message that are read here."""

    guard_id: str
    bridge_id: str
    epoch: int
    sequence: int
    stop: StopFields


class GuardView:
    """
    The guard as one bridge sees it. All times are nanoseconds of one monotonic clock.

    :param bridge_id: of this bridge.
    :param topic: where the guard's status comes from, for people.
    """

    def __init__(self, bridge_id: str, *, topic: str) -> None:
        self._bridge_id = bridge_id
        self._topic = topic
        self._status: StatusFields | None = None
        self._status_ns = 0
        self._confirmed = False

    @property
    def epoch(self) -> int:
        """Return the newest epoch that the guard has heard of; it refuses older ones."""
        return 0 if self._status is None else int(self._status.epoch)

    def hear(self, status: StatusFields, now_ns: int) -> None:
        """Take a status message."""
        self._status = status
        self._status_ns = now_ns

    @property
    def guard_id(self) -> str:
        """Name of the guard process that was heard last; empty before the first."""
        return '' if self._status is None else self._status.guard_id

    def silent(self, now_ns: int) -> bool:
        """Return whether nothing was heard for too long."""
        return self._status is None or now_ns - self._status_ns > SILENT_S * 1e9

    @property
    def _blind(self) -> bool:
        """Whether the guard lacks a state to begin with; right after its start it may."""
        stop = None if self._status is None else self._status.stop
        return (
            stop is not None
            and stop.reason == StopReason.STATE_STALE
            and StopState.RUNNING < stop.state < StopState.FAULT
        )

    def stop(self, now_ns: int) -> Stop:
        """Return the guard's verdict; STOPPED if it is silent or no longer listens."""
        status = self._status
        if status is None or self.silent(now_ns):
            return Stop(
                StopState.STOPPED,
                StopReason.GUARD_SILENT,
                f'nothing was heard from the guard on {self._topic} for {SILENT_S:g} s; is '
                f'rl_bridge_guard running?',
            )
        if self._confirmed and status.bridge_id != self._bridge_id:
            if status.bridge_id:
                reason = StopReason.TAKEOVER
                message = f'the guard listens to the bridge {status.bridge_id} now'
            else:
                reason, message = StopReason.GUARD_SILENT, 'the guard was restarted'
            return Stop(StopState.STOPPED, reason, f'{message}; reset to go on')
        return _stop_of(status)

    def unconnected(
        self, now_ns: int, *, listeners: int, command_topic: str
    ) -> RobotNotReady | None:
        """
        Return why the guard cannot be commanded, or None.

        :param listeners: how many subscribe to the commands.
        :param command_topic: where the commands go, for people.
        """
        if self.silent(now_ns):
            return RobotNotReady(
                f'{self.stop(now_ns).message} It must be in the same namespace, or named with '
                f'the parameter guard.',
                StopReason.GUARD_SILENT,
            )
        if listeners == 0:
            return RobotNotReady(
                f'The guard does not listen to {command_topic}: its parameter bridge names '
                f'another bridge. Only one bridge may command a robot: end that one, or start a '
                f'guard with the name of this one.',
                StopReason.NOT_ALONE,
            )
        return None

    def ask(self) -> None:
        """Take note that a BEGIN is asked for: no episode is confirmed any more."""
        self._confirmed = False

    def confirmed(self, sequence: int, *, asked_ns: int) -> bool:
        """
        Return whether the guard accepted a BEGIN.

        :param sequence: of the newest BEGIN.
        :param asked_ns: when the first of them was sent.
        :raises RobotStopped: the guard cannot begin, or something stopped the robot since.
        """
        status = self._status
        if status is None or self._status_ns < asked_ns:
            return False
        stop = _stop_of(status)
        accepted = status.bridge_id == self._bridge_id and status.sequence >= sequence
        self._confirmed = accepted and not self._blind
        if self._confirmed:
            refused = stop.state >= StopState.STOPPED
        else:
            # The first status after asking may be older than the guard's answer.
            late = self._status_ns - asked_ns > REFUSED_AFTER_S * 1e9
            refused = late and stop.state >= StopState.FAULT
        if refused:
            raise RobotStopped(stop.state, stop.reason, stop.message)
        return self._confirmed

    @property
    def bound_elsewhere(self) -> bool:
        """Whether the guard listens to another bridge, which lives or was lost a moment ago."""
        return self._status is not None and self._status.bridge_id not in ('', self._bridge_id)

    def why_not_confirmed(self, now_ns: int, *, waited_s: float) -> RobotNotReady:
        """Return why no BEGIN was confirmed."""
        if self._status is None or self.silent(now_ns):
            return RobotNotReady(self.stop(now_ns).message, StopReason.GUARD_SILENT)
        if self.bound_elsewhere:
            return RobotNotReady(
                f'The guard still listens to the bridge {self._status.bridge_id} after '
                f'{waited_s:g} s: end that one, only one bridge may command a robot.',
                StopReason.NOT_ALONE,
            )
        if self._blind:
            return RobotNotReady(
                f'The guard has no fresh state of the robot after {waited_s:g} s '
                f'({self._status.stop.message}): do guard and driver run in one namespace?',
                StopReason.STATE_STALE,
            )
        return RobotNotReady(
            f"The guard did not confirm the episode's begin within {waited_s:g} s; its log says "
            f'why it refused.',
            StopReason.GUARD_SILENT,
        )


def _stop_of(status: StatusFields) -> Stop:
    return Stop(status.stop.state, status.stop.reason, status.stop.message)
