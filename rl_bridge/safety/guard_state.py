# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the guard knows and says: the data its core and its checks share."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Protocol

from rl_bridge.safety.stop_state import StopLatch
from rl_bridge.types import FloatArray, RobotDescription, Stop

NS_PER_S = 1_000_000_000


def to_ns(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(seconds * NS_PER_S)


class CommandFields(Protocol):
    """The fields of ``rl_bridge_interfaces/msg/Command``."""

    kind: int
    bridge_id: str
    epoch: int
    episode: int
    step: int
    sequence: int
    reason: int
    message: str
    command: array[float]
    authority_ns: int
    stamp_ns: int
    auth: array[int]


class HeartbeatFields(Protocol):
    """The fields of ``rl_bridge_interfaces/msg/Heartbeat`` that the guard reads."""

    sender: str
    count: int


@dataclass(slots=True)
class GuardCommand:
    """A command as plain data, for tests and simulations; see ``msg/Command``."""

    kind: int
    bridge_id: str
    epoch: int
    sequence: int
    episode: int = 0
    step: int = 0
    reason: int = 0
    message: str = ''
    command: array[float] = field(default_factory=lambda: array('d'))
    authority_ns: int = 0
    stamp_ns: int = 0
    auth: array[int] = field(default_factory=lambda: array('B'))


@dataclass(slots=True, frozen=True)
class Tick:
    """The bridge's sign of life as plain data; see ``msg/Heartbeat``."""

    sender: str
    count: int


@dataclass(slots=True, frozen=True)
class GuardConfig:
    """
    The guard's own times in seconds; those of the robot stand in its file.

    :param period_s: time between two updates.
    :param bridge_hold_s: a bridge silent for longer is held.
    :param bridge_stop_s: a bridge silent for longer is stopped; another may take its place.
    :param state_stop_s: a measured state stale for that much longer is stopped.
    :param begin_authority_s: how long RUNNING lasts after a BEGIN that names no authority.
    :param max_authority_s: the longest authority a MOVE may ask for.
    :param repeat_s: an unchanged output is published again after this time.
    :param standstill_for_s: how long all joints must be slow to count as at rest.
    :param reaction_s: time from a measurement to the first effect of a braking command, beside
        the state's age.
    """

    period_s: float = 0.005
    bridge_hold_s: float = 0.06
    bridge_stop_s: float = 0.5
    state_stop_s: float = 0.5
    begin_authority_s: float = 0.15
    max_authority_s: float = 2.0
    repeat_s: float = 0.02
    standstill_for_s: float = 0.1
    reaction_s: float = 0.02


@dataclass(slots=True, frozen=True)
class Measured:
    """
    The newest valid measured state.

    :param position: shape (joints,), rad or m.
    :param max_speed: the fastest joint's speed, rad/s or m/s.
    :param stamp_ns: when it arrived.
    """

    position: FloatArray
    max_speed: float
    stamp_ns: int


@dataclass(slots=True)
class StopRecord:
    """
    The times of the newest stop, 0 = not yet.

    :param slow_since_ns: since when all joints have been measured slow.
    :param verified: whether standstill was measured, or nothing was moving when the stop came.
    """

    detected_ns: int = 0
    commanded_ns: int = 0
    standstill_ns: int = 0
    slow_since_ns: int = 0
    verified: bool = True


@dataclass(slots=True)
class GuardMemory:
    """
    Everything the guard's checks decide on.

    :param begun: whether a BEGIN of the present epoch came.
    :param bound_ns: when the present bridge was bound.
    :param moved: whether a MOVE was accepted since standstill was last verified.
    :param deadline_ns: when the motion authority ends.
    """

    robot: RobotDescription
    kind: str
    config: GuardConfig
    latch: StopLatch = field(default_factory=StopLatch)
    bridge_id: str = ''
    bound_ns: int = 0
    epoch: int = 0
    episode: int = 0
    step: int = 0
    sequence: int = 0
    begun: bool = False
    tick_ns: int = 0
    tick_count: int = -1
    measured: Measured | None = None
    moved: bool = False
    deadline_ns: int = 0
    record: StopRecord = field(default_factory=StopRecord)

    def fresh(self, now_ns: int) -> Measured | None:
        """Return the measured state if it is not older than the robot file allows."""
        measured = self.measured
        if measured is None or now_ns - measured.stamp_ns > to_ns(self.robot.state_max_age_s):
            return None
        return measured


@dataclass(slots=True)
class GuardStatus:
    """What the guard reports; see ``msg/GuardStatus``."""

    guard_id: str
    bridge_id: str
    epoch: int
    episode: int
    step: int
    sequence: int
    stop: Stop
    standstill: bool
    max_speed: float
    output: array[float]
    rejected: int
    limited: int
    events: int
    detected_ns: int
    commanded_ns: int
    standstill_ns: int
    stamp_ns: int


@dataclass(slots=True, frozen=True)
class Refusal:
    """
    Why a command was not accepted.

    :param cause: one word, the same for the same kind of refusal, so that a log can say it once.
    :param message: one sentence with the values.
    """

    cause: str
    message: str


@dataclass(slots=True, frozen=True)
class Decision:
    """
    What one update leads to.

    :param output: to publish to the controller now, shape (joints,); None = nothing.
    :param changed: whether the status is worth publishing at once.
    """

    output: FloatArray | None
    changed: bool
