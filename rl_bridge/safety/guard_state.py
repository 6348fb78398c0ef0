# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the guard knows and says: the data its core and its checks share."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from rl_bridge.kinematics import DhChain
from rl_bridge.safety.stop_state import StopLatch
from rl_bridge.types import FloatArray, RobotDescription, Stop, StopReason, StopState

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
    auth: Sequence[int]


class HeartbeatFields(Protocol):
    """The fields of ``rl_bridge_interfaces/msg/Heartbeat`` that the guard reads."""

    @property
    def sender(self) -> str: ...

    @property
    def count(self) -> int: ...


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
    auth: Sequence[int] = ()


@dataclass(slots=True)
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
    :param publisher_gone_s: a stop status that comes on change only counts as silent where its
        publisher was not seen for longer.
    :param moving_for_s: how long a robot that nothing is commanded must move to be stopped for it.
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
    moving_for_s: float = 0.1
    publisher_gone_s: float = 1.5


@dataclass(slots=True, frozen=True)
class Measured:
    """
    A valid measured state.

    :param position: shape (joints,), rad or m.
    :param velocity: shape (joints,), rad/s or m/s.
    :param max_speed: the fastest joint's speed, rad/s or m/s.
    :param stamp_ns: when it arrived.
    :param header_ns: when the driver says it was measured, by whatever clock; 0 = it does not.
    """

    position: FloatArray
    velocity: FloatArray
    max_speed: float
    stamp_ns: int
    header_ns: int = 0


@dataclass(slots=True, frozen=True)
class RobotStop:
    """
    What the robot last told of its own stop.

    :param running: whether it may move.
    :param shown: the value, for people.
    :param stamp_ns: when it came; where it comes on change only, when its publisher was last seen.
    """

    running: bool
    shown: str
    stamp_ns: int


@dataclass(slots=True)
class StopRecord:
    """
    The times of the newest stop, 0 = not yet.

    :param second_stage_ns: when the second stage was called.
    :param slow_since_ns: since when all joints have been measured slow.
    :param verified: whether standstill was measured, or nothing was moving when the stop came.
    """

    detected_ns: int = 0
    commanded_ns: int = 0
    standstill_ns: int = 0
    second_stage_ns: int = 0
    slow_since_ns: int = 0
    verified: bool = True


@dataclass(slots=True)
class GuardMemory:
    """
    Everything the guard's checks decide on.

    :param begun: whether a BEGIN of the present epoch came.
    :param bound_ns: when the present bridge was bound.
    :param suspect: whether the newest state lies too far from the one before to be believed.
    :param moved: whether a MOVE was accepted since standstill was last verified.
    :param deadline_ns: when the motion authority ends.
    :param command: of the last accepted MOVE, and when it came, ``command_ns``.
    :param before: the measured state before the newest.
    :param first_state_ns: when the first measured state came.
    :param changed_ns: when a measured state last differed from the one before.
    :param moving_since_ns: since when the robot has been measured faster than at rest; 0 = it is
        at rest.
    :param travel: how far the robot was commanded to move since its state last changed, and since
        when, ``driven_since_ns``.
    :param output: what was published last, shape (joints,); ``output_speed``: its largest part.
    :param same_values: whether the newest state has the values of the one before.
    :param outside: how far outside its limits each joint may be, because it was when the episode
        began; None = not looked at yet. ``outside_box``: the same for the workspace, in m.
    :param robot_stop: the robot's own stop; None = nothing was heard of it.
    :param company: who else acts on the same robot, one sentence; empty for nobody.
    :param chain: where the tool is; None where there is no workspace to keep.
    :param fastest: a joint measured faster than this is too fast, shape (joints,).
    :param jump: how much farther than that a joint may get from one state to the next.
    :param centre: of the position range, and how far it reaches to both sides, ``reach``.
    :param inside: of no joint is anything outside: zeros.
    :param values_tell: whether a state that has the values of the one before means that nothing
        new was measured. A base that drives steadily measures the same speed again and again, and
        an effort need not move a robot: there only the driver's own stamp tells.
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
    suspect: bool = False
    moved: bool = False
    deadline_ns: int = 0
    command: tuple[float, ...] = ()
    command_ns: int = 0
    record: StopRecord = field(default_factory=StopRecord)
    before: Measured | None = None
    first_state_ns: int = 0
    changed_ns: int = 0
    moving_since_ns: int = 0
    travel: float = 0.0
    driven_since_ns: int = 0
    output: FloatArray | None = None
    output_speed: float = 0.0
    same_values: bool = False
    outside: FloatArray | None = None
    outside_box: float = math.inf
    robot_stop: RobotStop | None = None
    company: str = ''
    chain: DhChain | None = field(init=False)
    fastest: FloatArray = field(init=False)
    jump: FloatArray = field(init=False)
    least_fastest: float = field(init=False)
    least_jump: float = field(init=False)
    centre: FloatArray = field(init=False)
    reach: FloatArray = field(init=False)
    inside: FloatArray = field(init=False)
    values_tell: bool = field(init=False)

    def __post_init__(self) -> None:
        robot, checks = self.robot, self.robot.state_checks
        self.chain = None
        if robot.workspace is not None and robot.dh is not None:
            self.chain = DhChain(robot.dh)
        self.fastest = (
            robot.limits.velocity * (1.0 + checks.velocity_tolerance) + robot.standstill_speed
        )
        # States may be late by what the file calls fresh, so they may come in a burst.
        late = robot.limits.velocity * robot.state_max_age_s
        self.jump = late if checks.jump is None else np.full_like(late, checks.jump)
        self.least_fastest = float(self.fastest.min())
        self.least_jump = float(self.jump.min())
        lower, upper = robot.limits.position_lower, robot.limits.position_upper
        self.centre, self.reach = (lower + upper) / 2.0, (upper - lower) / 2.0
        self.inside = np.zeros_like(lower)
        self.values_tell = robot.measures_position and self.kind != 'effort'

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
class Finding:
    """A cause to stop: how severe, which, and one sentence."""

    state: StopState
    reason: StopReason
    message: str


@dataclass(slots=True, frozen=True)
class Decision:
    """
    What one update leads to.

    :param output: to publish to the controller now, shape (joints,); None = nothing.
    :param changed: whether the status is worth publishing at once.
    :param second_stage: whether the second stage of the halt is to be called.
    """

    output: FloatArray | None
    changed: bool
    second_stage: bool = False
