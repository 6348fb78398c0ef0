# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What came of one injected fault, as a lane tells it."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.rig.oracle import ToldStop


@dataclass(slots=True)
class Injection:
    """
    One injected fault and what came of it; times in ms since it began.

    :param at_ns: when it began.
    :param until_ns: when its first stop output arrived.
    :param reaction_ms: the first stop output at the controller; None = none came.
    :param detected_ms: what the guard says about when it noticed.
    :param rest_ms: the robot's joints were at rest.
    :param state: of the first stop, and its reason.
    :param worst: the most severe state until it was mended.
    :param resumed_ms: driven again, from when it was mended.
    :param held: steps of which the client was told that the robot had been held before.
    :param stops: steps that ended with a stop reason, as the client was told.
    :param errors: exceptions that the client got.
    :param recovered: how often somebody had to recover the bridge.
    :param late_ms: by how much the recorder itself was late meanwhile.
    :param void: injections before it that came when something else had stopped the robot.
    :param expected: whether the first stop was of the cause that this fault has.
    :param logs: their ends, where something is to be looked into.
    :param told: stops that the guard told, some of the injection before too.
    :param violations: what the oracle says.
    :param unexpected: what else was not as it should be.
    """

    kind: str
    at_ns: int = 0
    until_ns: int = 0
    reaction_ms: float | None = None
    detected_ms: float | None = None
    rest_ms: float | None = None
    state: str = ''
    reason: str = ''
    worst: str = ''
    resumed_ms: float = 0.0
    held: int = 0
    stops: int = 0
    errors: int = 0
    recovered: int = 0
    late_ms: float = 0.0
    void: int = 0
    expected: bool = True
    logs: str = ''
    told: list[ToldStop] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
