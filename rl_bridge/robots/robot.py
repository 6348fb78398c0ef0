# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The robot as an environment sees it: SenseAct calls this a communicator."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from rl_bridge.types import FloatArray, RobotDescription, RobotState, Stop


class Robot(Protocol):
    """
    A robot that measures its joints and takes commands.

    A robot that only moves when time is advanced (an in-process simulator) has ``lock_step`` true:
    then ``advance`` is called instead of waiting for the next period boundary.
    """

    description: RobotDescription
    interface: str
    lock_step: bool

    def connect(self, *, timeout_s: float) -> None:
        """
        Wait until a first fresh state has come.

        :raises RobotNotReady: nothing came in time; the sentence names the topic.
        """

    def state(self) -> RobotState:
        """
        Return the newest measured state.

        :raises RobotNotReady: it is older than its limit, or not finite.
        """

    def stop(self) -> Stop:
        """Return whether motion is allowed at present (the guard's verdict)."""

    def note(self, *, epoch: int, episode: int, step: int, age_s: float = 0.0) -> None:
        """
        Name what the next commands belong to; called before the robot is commanded.

        With ``step`` 0 it announces a ``begin``: a halt that comes after it makes that fail.

        :param age_s: for how long the step has been under way, s; its motion authority counts
            from when it left its sender.
        """

    def begin(self, *, timeout_s: float) -> None:
        """
        Begin an episode: clear STOPPED, seed outputs from the measured state; the guard confirms.

        :raises RobotStopped: a FAULT or ESTOP forbids it.
        :raises RobotNotReady: the guard did not confirm in time.
        """

    def command(self, values: FloatArray, *, authority_s: float) -> None:
        """
        Command all joints; motion ends ``authority_s`` seconds later unless renewed.

        :param values: shape (joints,), rad/s for 'velocity', rad for 'position'.
        :raises LimitError: a value is not finite or outside its limit; nothing was sent.
        :raises RobotStopped: a stop forbids motion; nothing was sent.
        """

    def hold(self, *, reason: int, message: str) -> None:
        """Come to rest, not latched. Never raises for a robot that is already at rest."""

    def halt(self, *, reason: int, message: str) -> None:
        """Come to rest, latched until the next ``begin``. Callable from any thread."""

    def recover(self) -> None:
        """Turn a FAULT into STOPPED. Callable from any thread."""

    def advance(self, seconds: float) -> None:
        """Let time pass in a lock-step robot; not called for others."""

    def close(self) -> None:
        """Come to rest and let go of everything; idempotent."""


@runtime_checkable
class PlaceableRobot(Robot, Protocol):
    """A simulated robot that can be put somewhere at once, which no real one can."""

    def place(self, position: FloatArray) -> None:
        """
        Put all joints at rest at ``position``.

        :param position: shape (joints,), rad.
        :raises LimitError: a value is not finite or outside its limit; nothing changed.
        """
