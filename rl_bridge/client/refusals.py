# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""From a reply's status to the exception a user sees: its cause and what to do next."""

from __future__ import annotations

from typing import Protocol

from rl_bridge.errors import (
    ActionRejected,
    BridgeBusy,
    BridgeError,
    BridgeRestarted,
    BridgeStopped,
    BridgeUnavailable,
    EnvFailed,
    LimitError,
    NotAuthenticated,
    OutcomeUnknown,
    ProtocolError,
    ResetRequired,
    RlBridgeError,
    SessionLost,
    SpecsChanged,
    Unsupported,
)
from rl_bridge.types import Status, StatusCode, Stop, StopState

# What to do next.
_ADVICE = {
    StatusCode.NOT_ACTIVE: (
        'The bridge runs but accepts no sessions: activate it, for example with '
        '"ros2 lifecycle set {bridge} activate".'
    ),
    StatusCode.BUSY: (
        'Close that client, wait until its lease has expired, or pass takeover=True: the robot is '
        'halted first.'
    ),
    StatusCode.NEEDS_RESET: 'Call reset() before the next step.',
    StatusCode.UNKNOWN_OUTCOME: 'The step is never run again; call reset() to go on.',
    StatusCode.ENV_FAILED: 'The traceback is in the log of the bridge; call reset() to go on.',
    StatusCode.SPECS_CHANGED: 'Make a new client: its spaces no longer fit.',
    StatusCode.UNSUPPORTED: 'Leave it out, or host an environment that can.',
    StatusCode.FENCED: 'Another client had the robot meanwhile; call reset() again.',
    StatusCode.UNAUTHENTICATED: (
        "Give this client the bridge's secret: secret_file=..., or RL_BRIDGE_SECRET_FILE or "
        'RL_BRIDGE_SECRET in its environment.'
    ),
    StatusCode.RATE_LIMITED: 'Wait a second; somebody sends too many requests.',
}

# After these the bridge has taken no step number and the episode, if any, goes on as it was.
NOTHING_MOVED = frozenset(
    {
        StatusCode.MALFORMED, StatusCode.REJECTED, StatusCode.TOO_OLD, StatusCode.NEEDS_RESET,
    }
)

# After these the session is not the bridge's any more, so it must not be renewed.
SESSION_ENDED = frozenset({StatusCode.NO_SESSION, StatusCode.NOT_ACTIVE})

_PLAIN: dict[StatusCode, type[BridgeError]] = {
    StatusCode.NOT_ACTIVE: BridgeUnavailable,
    StatusCode.BUSY: BridgeBusy,
    StatusCode.NEEDS_RESET: ResetRequired,
    StatusCode.UNKNOWN_OUTCOME: OutcomeUnknown,
    StatusCode.ENV_FAILED: EnvFailed,
    StatusCode.SPECS_CHANGED: SpecsChanged,
    StatusCode.UNSUPPORTED: Unsupported,
    StatusCode.FENCED: SessionLost,
    StatusCode.UNAUTHENTICATED: NotAuthenticated,
    StatusCode.RATE_LIMITED: BridgeBusy,
}


class Refused(Protocol):
    """The fields of a reply that a refusal is read from."""

    @property
    def status(self) -> Status:
        """Code and sentence."""


def refusal(reply: Refused, *, bridge: str, call: str, known_bridge_id: str = '') -> RlBridgeError:
    """
    Compose the exception for a reply whose status is not OK.

    :param reply: the reply; ``stop`` and ``bridge_id`` are read where it has them.
    :param bridge: name of the bridge.
    :param call: what was asked, 'step 7' for example.
    :param known_bridge_id: the process that gave the session; empty where none is held.
    :return: the exception, to be raised by the caller.
    """
    said = reply.status.message.strip()
    try:
        code = StatusCode(reply.status.code)
    except ValueError:
        return ProtocolError(
            f'{bridge} answered {call} with status {reply.status.code}, which this version of '
            f'rl_bridge does not know ({said}); install the same version on both sides.'
        )
    if code in _PLAIN:
        return _PLAIN[code](_sentence(f'{bridge} refused {call}', said or code.name,
                                      _ADVICE[code].format(bridge=bridge)))
    if code in (StatusCode.MALFORMED, StatusCode.REJECTED):
        return _rejected(code, bridge=bridge, call=call, said=said)
    if code == StatusCode.NO_SESSION:
        return _session_gone(reply, bridge=bridge, call=call, said=said, known=known_bridge_id)
    if code in (StatusCode.STALE, StatusCode.GAP):
        return SessionLost(_sentence(
            f'{bridge} refused {call} as out of order', said or code.name,
            'Most likely two envs share one session; call reset() to get a new one.'))
    if code == StatusCode.STOPPED:
        stop: Stop = getattr(reply, 'stop', Stop())
        return BridgeStopped(
            _sentence(f'{bridge} did not execute {call}', said or 'the robot is stopped',
                      _after_stop(stop.state, bridge)),
            state=int(stop.state), reason=int(stop.reason))
    if code == StatusCode.TOO_OLD:
        return SessionLost(_sentence(
            f'{bridge} refused {call} until the call time-out: every copy of it was under way for '
            'longer than the motion authority', said,
            'Nothing moved. The link is too slow or the machine overloaded; call reset() to go '
            'on.'))
    return ProtocolError(
        f'{bridge} answered {call} with an unexpected status {code.name} ({said}).')


def _rejected(code: StatusCode, *, bridge: str, call: str, said: str) -> RlBridgeError:
    if call.startswith('step'):
        return ActionRejected(_sentence(
            f'{bridge} rejected the action of {call}', said or code.name,
            'Nothing moved and the episode goes on; send an action inside the action space.'))
    if code == StatusCode.REJECTED:
        return LimitError(_sentence(
            f'{bridge} rejected {call}', said or code.name, 'Nothing moved; change the value.'))
    return ProtocolError(_sentence(
        f'{bridge} could not read {call}', said or code.name,
        'Nothing moved; check seed and options, and that both sides have the same rl_bridge.'))


def _session_gone(
    reply: Refused, *, bridge: str, call: str, said: str, known: str
) -> RlBridgeError:
    other = getattr(reply, 'bridge_id', '')
    if known and other and other != known:
        return BridgeRestarted(
            f'{bridge} refused {call}: it was restarted and does not know this session. '
            'Call reset() to begin a new one.')
    return SessionLost(_sentence(
        f'{bridge} refused {call}',
        said or 'the session is unknown there: it expired or was taken over',
        'Call reset() to begin a new one.'))


def _after_stop(state: int, bridge: str) -> str:
    if state == StopState.ESTOP:
        return ("Release the robot's own emergency or protective stop, recover the robot "
                f'("ros2 service call {bridge}/recover std_srvs/srv/Trigger") and call reset().')
    if state == StopState.FAULT:
        return (f'Look at the robot, then recover it ("ros2 service call {bridge}/recover '
                'std_srvs/srv/Trigger") and call reset().')
    return 'Call reset() to go on.'


def _sentence(what: str, said: str, advice: str) -> str:
    if not said:
        return f'{what}. {advice}'
    end = '' if said.endswith('?') else '.'
    return f'{what}: {said.rstrip(".")}{end} {advice}'
