# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The faults: how each is injected and mended, and what must come of it."""

from __future__ import annotations

import fcntl
import random
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from std_srvs.srv import Trigger

from benchmarks.rig.panel import Wish
from rl_bridge.types import StopReason, StopState

if TYPE_CHECKING:
    from benchmarks.rig.lane import Lane

CLIENT_MS, BRIDGE_MS = 175.0, 75.0  # the published bounds
#: Long enough for the guard to see it, short enough that nothing latches.
FREEZE_MS = 250
LONG_PAUSE_S = 2.0
STAMP_TIMEOUT_S = 5.0
LOOK_S = 0.0005
LINK = 'wire'
SIOCGIFFLAGS, SIOCSIFFLAGS, REQUEST = 0x8913, 0x8914, '16sh14x'  # linux/sockios.h, struct ifreq
IFF_UP, IFF_RUNNING = 0x1, 0x40

HOLD, STOPPED, FAULT, ESTOP = (
    StopState.HOLD, StopState.STOPPED, StopState.FAULT, StopState.ESTOP,
)  # fmt: skip


def _nothing(lane: Lane) -> None:
    """Nothing to mend."""


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of fault.

    :param what: as the fault table has it.
    :param side: 'client', 'link', 'bridge', 'guard', 'robot' or 'operator'.
    :param inject: does it; returns the time at which it began, ns.
    :param outcomes: the first stop must be one of these.
    :param bound_ms: the published bound of the first stop output; None = told, not bounded.
    :param mend: what makes the robot side whole again, but for processes that are gone.
    :param after_s: how long the robot is watched at rest before it is mended.
    :param settle: waits, once the robot is driven again, until nothing is left of the fault.
    :param needs_link: whether the client must live on a host of its own.
    """

    what: str
    side: str
    inject: Callable[[Lane], int]
    outcomes: frozenset[tuple[StopState, StopReason]]
    bound_ms: float | None = None
    mend: Callable[[Lane], None] = _nothing
    after_s: float = 0.06
    settle: Callable[[Lane], None] = _nothing
    needs_link: bool = False


def _either(reason: StopReason, *states: StopState) -> frozenset[tuple[StopState, StopReason]]:
    return frozenset((state, reason) for state in states)


def _one_of(state: StopState, *reasons: StopReason) -> frozenset[tuple[StopState, StopReason]]:
    return frozenset((state, reason) for reason in reasons)


def _signal(whom: str, number: int) -> Callable[[Lane], int]:
    def inject(lane: Lane) -> int:
        child = lane.child(whom)
        now_ns = time.monotonic_ns()
        child.send(number)
        return now_ns

    return inject


def _stop(whom: str) -> Callable[[Lane], int]:
    """
    SIGSTOP, which takes effect only when a thread of the process comes to handle it.

    On a busy machine that may take long, and threads of a higher priority go on meanwhile. So the
    fault begins when the process was last seen not to be stopped.
    """

    def inject(lane: Lane) -> int:
        child = lane.child(whom)
        before_ns = time.monotonic_ns()
        child.send(signal.SIGSTOP)
        end_ns = time.monotonic_ns() + round(STAMP_TIMEOUT_S * 1e9)
        while (now_ns := time.monotonic_ns()) < end_ns:
            if child.stopped:
                return before_ns
            before_ns = now_ns
            lane.rest(LOOK_S)
        raise TimeoutError(f'the {whom} did not stop')

    return inject


def _go_on(whom: str) -> Callable[[Lane], None]:
    return lambda lane: lane.child(whom).send(signal.SIGCONT)


def _kill_client(lane: Lane) -> int:
    now_ns = time.monotonic_ns()
    lane.child('client').send(signal.SIGKILL)
    return now_ns


def _pause(lane: Lane) -> int:
    panel = lane.driver.panel
    panel.paused_ns = 0
    panel.wish = Wish.PAUSE
    return lane.stamp(lambda: panel.paused_ns, 'the client did not pause')


def _resume(lane: Lane) -> None:
    lane.driver.panel.wish = Wish.DRIVE


def _freeze(lane: Lane) -> int:
    panel = lane.side.panel
    panel.frozen_ns = 0
    panel.freeze_in = random.randrange(2)
    panel.freeze_ms = FREEZE_MS
    return lane.stamp(lambda: panel.frozen_ns, 'the bridge did not freeze')


def _thaw(lane: Lane) -> None:
    end_ns = lane.side.panel.frozen_ns + FREEZE_MS * 1_000_000
    lane.run(lambda: time.monotonic_ns() >= end_ns, 1.0)


def _flags(control: socket.socket) -> int:
    """Return the state of the robot host's end of the link."""
    answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack(REQUEST, LINK.encode(), 0))
    return int(struct.unpack(REQUEST, answer)[1])


def _link(*, up: bool) -> None:
    """Plug the robot host's end of the link in or out, without a process in between."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        wanted = _flags(control) | IFF_UP if up else _flags(control) & ~IFF_UP
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack(REQUEST, LINK.encode(), wanted))


def _cut(lane: Lane) -> int:
    now_ns = time.monotonic_ns()
    _link(up=False)
    return now_ns


def _mend(lane: Lane) -> None:
    _link(up=True)


def _settle(lane: Lane) -> None:
    """
    Wait until the kernel says that the mended link runs, which it does once a second.

    A process that is started before that does not use the link, not later either: Fast DDS looks
    at the interfaces once.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        lane.run(lambda: _flags(control) & IFF_RUNNING, 3.0)


def _robot(fault: str) -> Callable[[Lane], int]:
    def inject(lane: Lane) -> int:
        now_ns = time.monotonic_ns()
        lane.robot.fault = fault
        return now_ns

    return inject


def _well(lane: Lane) -> None:
    lane.robot.fault = ''


def _press(lane: Lane) -> int:
    now_ns = time.monotonic_ns()
    lane.robot.pressed = True
    lane.robot.tell_stop(now_ns)
    return now_ns


def _release(lane: Lane) -> None:
    lane.robot.pressed = False
    lane.robot.tell_stop(time.monotonic_ns())
    lane.rest(0.06)
    lane.call('recover', Trigger.Request())


def _halt(lane: Lane) -> int:
    now_ns = time.monotonic_ns()
    lane.robot.call('halt', Trigger.Request())
    return now_ns


def _change(label: str) -> ChangeState.Request:
    return ChangeState.Request(transition=Transition(label=label))


def _deactivate(lane: Lane) -> int:
    now_ns = time.monotonic_ns()
    lane.robot.call('change_state', _change('deactivate'))
    return now_ns


def _activate(lane: Lane) -> None:
    lane.run(lambda: 'change_state' in lane.robot.answers, 5.0)
    lane.call('change_state', _change('activate'))


def _take_over(lane: Lane) -> int:
    other = lane.other()
    other.panel.asked_ns = 0
    other.panel.again = 1
    other.panel.wish = Wish.PAUSE  # after its reset
    return lane.stamp(lambda: other.panel.asked_ns, 'the other client did not reset')


def _taken_over(lane: Lane) -> None:
    before = lane.driver.panel
    before.wish, before.ready = Wish.WAIT, 0
    lane.side.swap()


R = StopReason
SILENT_CLIENT = _one_of(HOLD, R.AUTHORITY_EXPIRED)
SILENT_BRIDGE = _one_of(HOLD, R.BRIDGE_SILENT)
SHUTDOWN = _one_of(STOPPED, R.SHUTDOWN)

KINDS: dict[str, Kind] = {
    'client-killed': Kind(
        'client killed', 'client', _kill_client, SILENT_CLIENT, CLIENT_MS),
    'client-stopped': Kind(
        'client stopped (SIGSTOP)', 'client', _stop('client'), SILENT_CLIENT,
        CLIENT_MS, _go_on('client')),
    'client-pauses': Kind(
        'client pauses, heartbeat alive', 'client', _pause, SILENT_CLIENT, CLIENT_MS, _resume),
    'link-cut': Kind(
        'link cut', 'link', _cut, SILENT_CLIENT, CLIENT_MS, _mend,
        settle=_settle, needs_link=True),
    'bridge-killed': Kind(
        'bridge killed', 'bridge', _signal('bridge', signal.SIGKILL), SILENT_BRIDGE, BRIDGE_MS),
    'bridge-stopped': Kind(
        'bridge stopped (SIGSTOP)', 'bridge', _stop('bridge'), SILENT_BRIDGE,
        BRIDGE_MS, _go_on('bridge')),
    'bridge-frozen': Kind(
        'bridge frozen by a C call', 'bridge', _freeze, SILENT_BRIDGE, BRIDGE_MS, _thaw),
    'bridge-sigint': Kind(
        'Ctrl-C, bridge', 'bridge', _signal('bridge', signal.SIGINT), SHUTDOWN, BRIDGE_MS),
    'bridge-sigterm': Kind(
        'SIGTERM, bridge', 'bridge', _signal('bridge', signal.SIGTERM), SHUTDOWN, BRIDGE_MS),
    'guard-sigint': Kind(
        'Ctrl-C, guard', 'guard', _signal('guard', signal.SIGINT), SHUTDOWN, BRIDGE_MS),
    'guard-killed': Kind(
        'guard killed', 'guard', _signal('guard', signal.SIGKILL),
        _one_of(STOPPED, R.UNCOMMANDED_MOTION)),
    'robot-estop': Kind(
        'emergency stop pressed', 'robot', _press, _one_of(ESTOP, R.ROBOT_STOPPED), None,
        _release),
    'state-stale': Kind(
        'joint states stop', 'robot', _robot('stale'), _one_of(HOLD, R.STATE_STALE), None, _well),
    'state-nan': Kind(
        'joint state not finite', 'robot', _robot('nan'), _one_of(STOPPED, R.STATE_INVALID), None,
        _well),
    'state-frozen': Kind(
        'joint states frozen', 'robot', _robot('frozen'), _either(R.STATE_FROZEN, HOLD, STOPPED),
        None, _well),
    'state-jump': Kind(
        'joint states jump', 'robot', _robot('jump'), _one_of(STOPPED, R.STATE_JUMP), None,
        _well),
    'operator-halt': Kind(
        '~/halt', 'operator', _halt, _one_of(STOPPED, R.HALT_REQUESTED)),
    'deactivated': Kind(
        'bridge deactivated in mid-episode', 'operator', _deactivate,
        _one_of(STOPPED, R.DEACTIVATED), None, _activate),
    'takeover': Kind(
        'takeover', 'operator', _take_over, _one_of(STOPPED, R.TAKEOVER), None,
        _taken_over),
    'long-pause': Kind(
        'learner pauses 2 s', 'client', _pause, SILENT_CLIENT, CLIENT_MS, _resume,
        after_s=LONG_PAUSE_S),
}  # fmt: skip
