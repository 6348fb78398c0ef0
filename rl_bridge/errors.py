# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Every exception of rl_bridge. Each stores its data and composes one sentence.

    RlBridgeError
    ├── ConfigError           a parameter, robot file or task cannot be used          (ValueError)
    ├── SpecError             a space cannot travel                                   (ValueError)
    ├── WireError             a message cannot be decoded                             (ValueError)
    ├── LimitError            a value lies outside its limit; nothing moved           (ValueError)
    ├── RobotError
    │   ├── RobotNotReady     no measured state, or none fresh enough
    │   └── RobotStopped      a stop forbids motion
    └── BridgeError           what a client sees
        ├── BridgeTimeout     no answer within the call time-out
        (TimeoutError)
        ├── BridgeUnavailable no bridge of that name, or it is not active
        (ConnectionError)
        ├── BridgeBusy        another client holds the lease
        ├── BridgeRestarted   the bridge is another process than before; reset
        ├── NotAuthenticated  the proof of the shared secret is missing or wrong
        ├── SessionLost       the lease expired or was taken over; reset
        ├── ResetRequired     no episode is running; reset                            (ResetNeeded)
        ├── SpecsChanged      the spaces are not those the client was built with
        ├── ActionRejected    the bridge refused the action; nothing moved            (ValueError)
        ├── BridgeStopped     a latched stop forbids motion
        ├── OutcomeUnknown    the step began and nobody knows how it ended
        ├── EnvFailed         the hosted environment raised
        ├── Unsupported       the hosted environment cannot do this
        ├── ProtocolError     the bridge's answer does not fit the contract
        └── ForkedClient      the client was carried through a fork; DDS does not survive it
"""

from __future__ import annotations

import gymnasium.error


def clause(error: BaseException) -> str:
    """Return what an error says in one line without its full stop, to go on from."""
    return ' '.join(str(error).split()).rstrip('.')


class RlBridgeError(Exception):
    """Base of all errors of this package."""


class ConfigError(RlBridgeError, ValueError):
    """A parameter, robot file or task cannot be used; the sentence names value, limit and fix."""


class SpecError(RlBridgeError, ValueError):
    """A space cannot travel over the bridge."""


class WireError(RlBridgeError, ValueError):
    """A message cannot be decoded; nothing of it was used."""


class LimitError(RlBridgeError, ValueError):
    """A value lies outside its limit; nothing moved."""


class RobotError(RlBridgeError):
    """Base of what a robot reports."""


class RobotNotReady(RobotError):
    """
    No measured state has come or none to act on, or the robot does not do what it is told.

    :param message: one sentence.
    :param reason: a ``StopReason``; 0 = not said.
    """

    def __init__(self, message: str, reason: int = 0) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[RobotNotReady], tuple[str, int]]:
        return type(self), (str(self), self.reason)


class RobotStopped(RobotError):
    """
    A stop forbids motion.

    :param state: a ``StopState``.
    :param reason: a ``StopReason``.
    :param message: one sentence.
    """

    def __init__(self, state: int, reason: int, message: str) -> None:
        super().__init__(message)
        self.state = state
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type[RobotStopped], tuple[int, int, str]]:
        return type(self), (self.state, self.reason, self.message)


class BridgeError(RlBridgeError):
    """Base of what a client of a bridge sees."""


class BridgeTimeout(BridgeError, TimeoutError):
    """
    No answer came within the call time-out.

    :param bridge: name of the bridge.
    :param call: what was asked, 'step 7' for example.
    :param timeout_s: the call time-out in seconds.
    """

    def __init__(self, bridge: str, call: str, timeout_s: float, hint: str = '') -> None:
        super().__init__(
            f'{bridge} did not answer {call} within the call time-out of {timeout_s:g} s; whether '
            f'it was executed is unknown. ' + (hint or 'Reset to go on, or raise timeout_s.')
        )
        self.bridge = bridge
        self.call = call
        self.timeout_s = timeout_s
        self.hint = hint

    def __reduce__(self) -> tuple[type[BridgeTimeout], tuple[str, str, float, str]]:
        return type(self), (self.bridge, self.call, self.timeout_s, self.hint)


class BridgeUnavailable(BridgeError, ConnectionError):
    """No bridge of that name answers, or it is not active."""


class BridgeBusy(BridgeError):
    """Another client holds the lease; the sentence names it."""


class BridgeRestarted(BridgeError):
    """The bridge is another process than the one the session belongs to; reset to go on."""


class NotAuthenticated(BridgeError):
    """The proof of the shared secret is missing, wrong or was used before; nothing moved."""


class SessionLost(BridgeError):
    """The lease expired, was released or was taken over; reset to go on."""


class ResetRequired(BridgeError, gymnasium.error.ResetNeeded):
    """No episode is running; reset to go on."""


class SpecsChanged(BridgeError):
    """The bridge's spaces are no longer those this client was built with; make a new client."""


class ActionRejected(BridgeError, ValueError):
    """The action is malformed or outside its bounds; nothing moved."""


class BridgeStopped(BridgeError):
    """
    A latched stop forbids motion.

    :param state: a ``StopState``.
    :param reason: a ``StopReason``.
    """

    def __init__(self, message: str, state: int = 0, reason: int = 0) -> None:
        super().__init__(message)
        self.state = state
        self.reason = reason

    def __reduce__(self) -> tuple[type[BridgeStopped], tuple[str, int, int]]:
        return type(self), (str(self), self.state, self.reason)


class OutcomeUnknown(BridgeError):
    """The step began and nobody knows how it ended; it is never run again. Reset to go on."""


class EnvFailed(BridgeError):
    """The hosted environment raised an exception on the robot side."""


class Unsupported(BridgeError):
    """The hosted environment cannot do what was asked."""


class ProtocolError(BridgeError):
    """
    The bridge's answer does not fit the contract: most likely two versions of rl_bridge meet.
    """


class ForkedClient(BridgeError):
    """The client was carried through a fork, which DDS does not survive."""
