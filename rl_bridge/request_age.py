# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""How long a request was under way, without synchronised clocks."""

from __future__ import annotations

from rl_bridge.decision import Refuse, StepFields, refuse
from rl_bridge.types import Status, StatusCode


def sent_ns(request: StepFields, *, now_ns: int) -> int:
    """
    Return when a step left its sender, by the clock here; the time of its arrival if not told.

    The way of the reply that it echoes counts as its own, so it may have left later than that.
    """
    return min(now_ns, request.echo_ns + request.elapsed_ns) if request.echo_ns else now_ns


def too_old(request: StepFields, *, now_ns: int, authority_ns: int) -> Refuse | None:
    """
    Refuse a step that was under way for longer than the motion authority.

    It echoes the stamp of the bridge's last reply and tells for how long, by its own clock, the
    client had that reply: whatever else passed by the bridge's clock was spent on the way.

    :param request: no stamp in it, no check.
    :param now_ns: the clock the stamp was taken from.
    :param authority_ns: 0 = nothing moves, no check.
    """
    if not request.echo_ns or not authority_ns:
        return None
    transit_ns = now_ns - request.echo_ns - request.elapsed_ns
    # Two clocks may drift apart while a learner pauses: 0.1 % is more than any quartz does.
    drift_ns = request.elapsed_ns // 1000 + 1_000_000
    if request.echo_ns > now_ns or request.elapsed_ns < 0 or transit_ns < -drift_ns:
        return refuse(
            StatusCode.MALFORMED,
            f'echo_ns {request.echo_ns} and elapsed_ns {request.elapsed_ns} do not fit the clock '
            f'here ({now_ns}): echo the stamp_ns of the last reply and the time since it came',
        )
    if transit_ns > authority_ns:
        return refuse(
            StatusCode.TOO_OLD,
            f'the request was under way for {transit_ns / 1e6:.0f} ms; the motion authority is '
            f'{authority_ns / 1e6:.0f} ms; nothing moved',
        )
    return None


def lay_too_long(waited_ns: int, authority_s: float) -> Status | None:
    """
    Refuse a step by hand that lay here for longer than the motion authority.

    It echoes nothing, so how long it was on its way before is not known.

    :param waited_ns: from its arrival at this process until somebody looked at it.
    :param authority_s: 0 = nothing moves, no check.
    """
    if not authority_s or waited_ns <= authority_s * 1e9:
        return None
    return Status(
        StatusCode.TOO_OLD,
        f'the request lay here for {waited_ns / 1e6:.0f} ms while the bridge stood still; the '
        f'motion authority is {authority_s * 1e3:.0f} ms; nothing moved, send it again',
    )
