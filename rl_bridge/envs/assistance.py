# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A reset that a robot cannot do alone asks a person and waits, while a stop still ends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rl_bridge.errors import RobotNotReady, RobotStopped, clause
from rl_bridge.robots.robot import Robot
from rl_bridge.types import StopReason, StopState


class Assistance(Protocol):
    """How a person is asked, and says that it is done."""

    timeout_s: float

    def ask(self, text: str, *, give_up: Callable[[], bool]) -> bool:
        """
        Ask a person and wait until one says that it is done, at most ``timeout_s``.

        An answer that came before the question does not count. The question is withdrawn
        whatever happens.

        :param give_up: asked now and then; true ends the waiting.
        :return: whether a person said that it is done.
        """


def helped(attempt: Callable[[], None], *, robot: Robot, assistance: Assistance | None) -> None:
    """
    Do something with the robot; where it does not succeed, have a person help and do it again.

    :param attempt: raises ``RobotNotReady`` where it needs help; begins anew in every call.
    :param robot: held while a person is asked.
    :param assistance: None = nobody is asked.
    :raises RobotNotReady: nobody helped in time, or there is nobody.
    :raises RobotStopped: a stop came in between; it wins over any help.
    """
    while True:
        try:
            return attempt()
        except RobotNotReady as error:
            if assistance is None:
                raise
            text = clause(error) or 'the reset does not succeed'
            robot.hold(reason=StopReason.IDLE, message=f'waiting for a person: {text}')
            done = assistance.ask(text, give_up=lambda: robot.stop().state >= StopState.STOPPED)
            stop = robot.stop()
            if stop.state >= StopState.STOPPED:
                raise RobotStopped(stop.state, stop.reason, stop.message) from error
            if not done:
                raise RobotNotReady(
                    f'{text}; a person was asked and nobody helped within '
                    f'{assistance.timeout_s:g} s.',
                    error.reason,
                ) from error
