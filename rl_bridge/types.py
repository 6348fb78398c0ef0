# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What every layer shares: the wire contract's constants and fields, and the robot's description.

The request and reply classes have the field names of ``rl_bridge_interfaces``' messages, so that
code which only reads fields takes either: the ROS side passes messages, the loopback passes these.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from numpy.typing import NDArray

from rl_bridge.robot_description import CommandInterface as CommandInterface
from rl_bridge.robot_description import CommandOutput as CommandOutput
from rl_bridge.robot_description import FloatArray as FloatArray
from rl_bridge.robot_description import Limits as Limits
from rl_bridge.robot_description import RobotDescription as RobotDescription
from rl_bridge.robot_description import SecondStage as SecondStage
from rl_bridge.robot_description import Sensor as Sensor
from rl_bridge.robot_description import StateChecks as StateChecks
from rl_bridge.robot_description import StateFields as StateFields
from rl_bridge.robot_description import StopStatus as StopStatus
from rl_bridge.robot_description import Workspace as Workspace
from rl_bridge.robot_description import forward_commands as forward_commands

PROTOCOL_VERSION = 2
#: The session of requests that only want an answer: a bridge does nothing else for them.
GREETING = 'greeting'


class StatusCode(IntEnum):
    """Outcome of a request; equal to ``rl_bridge_interfaces/msg/Status``."""

    OK = 0
    MALFORMED = 1
    REJECTED = 2
    NOT_ACTIVE = 3
    BUSY = 4
    NO_SESSION = 5
    STALE = 6
    GAP = 7
    TOO_OLD = 8
    NEEDS_RESET = 9
    STOPPED = 10
    UNKNOWN_OUTCOME = 11
    ENV_FAILED = 12
    SPECS_CHANGED = 13
    UNSUPPORTED = 14
    FENCED = 15
    UNAUTHENTICATED = 16
    RATE_LIMITED = 17


class StopState(IntEnum):
    """Whether motion is allowed; severity grows with the number."""

    RUNNING = 0
    HOLD = 1
    STOPPED = 2
    FAULT = 3
    ESTOP = 4


class StopReason(IntEnum):
    """Why motion is not allowed; equal to ``rl_bridge_interfaces/msg/Stop``."""

    NONE = 0
    IDLE = 1
    AUTHORITY_EXPIRED = 2
    LEASE_EXPIRED = 3
    HALT_REQUESTED = 4
    TAKEOVER = 5
    CLIENT_CLOSED = 6
    DEACTIVATED = 7
    BRIDGE_SILENT = 8
    GUARD_SILENT = 9
    STATE_STALE = 10
    STATE_INVALID = 11
    COMMAND_INVALID = 12
    LIMIT_EXCEEDED = 13
    NO_STANDSTILL = 14
    ENV_FAILED = 15
    ROBOT_STOPPED = 16
    SHUTDOWN = 17
    STATE_FROZEN = 18
    STATE_JUMP = 19
    NOT_ALONE = 20
    UNCOMMANDED_MOTION = 21


class CommandKind(IntEnum):
    """What a command from the bridge asks of the guard; equal to ``msg/Command``."""

    BEGIN = 0
    MOVE = 1
    HOLD = 2
    HALT = 3
    RECOVER = 4


class Verb(IntEnum):
    """What ``~/authorized`` is asked for; equal to ``srv/Authorized``."""

    HALT = 0
    RECOVER = 1


def no_proof() -> array[int]:
    """Return what a request carries where no secret is set: no bytes."""
    return array('B')


@dataclass(slots=True, frozen=True)
class Status:
    """One constant for programs, one sentence for people."""

    code: int = StatusCode.OK
    message: str = ''


@dataclass(slots=True, frozen=True)
class Stop:
    """A stop state with its reason."""

    state: int = StopState.RUNNING
    reason: int = StopReason.NONE
    message: str = ''


@dataclass(slots=True)
class Leaf:
    """One leaf of a value; exactly one field is filled, which one follows from the specs."""

    numbers: array[float] = field(default_factory=lambda: array('d'))
    integers: array[int] = field(default_factory=lambda: array('q'))
    bytes: array[int] = field(default_factory=lambda: array('B'))
    text: str = ''


@dataclass(slots=True)
class Timing:
    """Time keeping of one step, in seconds; all but ``round_trip`` zero in lock-step."""

    period: float = 0.0
    lateness: float = 0.0
    observation_age: float = 0.0
    held: float = 0.0
    missed: int = 0
    round_trip: float = 0.0


@dataclass(slots=True)
class Link:
    """What a bridge has seen of the link to its clients; equal to ``msg/Link``."""

    requests: int = 0
    repeated: int = 0
    late: int = 0
    refused: int = 0
    round_trip: float = 0.0
    round_trip_max: float = 0.0


@dataclass(slots=True)
class SpecsReply:
    """What ``GetSpecs`` answers."""

    status: Status = Status()
    bridge_id: str = ''
    protocol: int = PROTOCOL_VERSION
    specs: str = ''
    specs_hash: str = ''
    control_period: float = 0.0
    authority: float = 0.0
    lease: float = 0.0
    authenticated: bool = False
    epoch: int = 0
    stamp_ns: int = 0


@dataclass(slots=True)
class ResetRequest:
    """What ``Reset`` asks; all empty is a reset by hand."""

    client_id: str = ''
    session: str = ''
    reset_id: int = 0
    takeover: bool = False
    has_seed: bool = False
    seed: int = 0
    options: str = ''
    specs_hash: str = ''
    epoch: int = 0
    auth: array[int] = field(default_factory=no_proof)


@dataclass(slots=True)
class ResetReply:
    """What ``Reset`` answers."""

    status: Status = Status()
    bridge_id: str = ''
    session: str = ''
    reset_id: int = 0
    epoch: int = 0
    episode: int = 0
    observation: list[Leaf] = field(default_factory=list)
    info: str = ''
    stop: Stop = Stop()
    stamp_ns: int = 0


@dataclass(slots=True)
class StepRequest:
    """What ``Step`` asks; only the action is needed by hand."""

    action: array[float] = field(default_factory=lambda: array('d'))
    action_text: list[str] = field(default_factory=list)
    session: str = ''
    step: int = 0
    echo_ns: int = 0
    elapsed_ns: int = 0
    auth: array[int] = field(default_factory=no_proof)


@dataclass(slots=True)
class StepReply:
    """What ``Step`` answers."""

    status: Status = Status()
    bridge_id: str = ''
    session: str = ''
    step: int = 0
    epoch: int = 0
    episode: int = 0
    observation: list[Leaf] = field(default_factory=list)
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    applied_action: array[float] = field(default_factory=lambda: array('d'))
    info: str = ''
    stop: Stop = Stop()
    timing: Timing = field(default_factory=Timing)
    stamp_ns: int = 0


@dataclass(slots=True)
class CloseReply:
    """What ``Close`` answers."""

    status: Status = Status()
    bridge_id: str = ''


@dataclass(slots=True)
class AuthorizedRequest:
    """What ``Authorized`` asks."""

    verb: int = Verb.HALT
    bridge_id: str = ''
    echo_ns: int = 0
    auth: array[int] = field(default_factory=no_proof)


@dataclass(slots=True)
class AuthorizedReply:
    """What ``Authorized`` answers."""

    status: Status = Status()
    bridge_id: str = ''


@dataclass(slots=True)
class RenderReply:
    """What ``Render`` answers: ``data`` is height x width x 3, RGB, C order."""

    status: Status = Status()
    height: int = 0
    width: int = 0
    data: array[int] = field(default_factory=lambda: array('B'))


@dataclass(slots=True, frozen=True)
class Reading:
    """
    What a sensor measured.

    :param values: of the sensor's shape; with a history (history, *shape), the newest last.
    :param stamp_ns: monotonic clock of this host when the newest arrived.
    :param header_ns: the driver's own stamp of it, of whatever clock; 0 = it sets none.
    """

    values: NDArray[Any]
    stamp_ns: int
    header_ns: int = 0


@dataclass(slots=True, frozen=True)
class RobotState:
    """
    The measured state of all joints in the robot file's order, and of all further sensors.

    :param position: shape (joints,), rad or m; zeros where the robot measures none.
    :param velocity: shape (joints,), rad/s or m/s.
    :param effort: shape (joints,), Nm or N; zeros where the robot measures none.
    :param stamp_ns: monotonic clock of this host when the state arrived.
    """

    position: FloatArray
    velocity: FloatArray
    effort: FloatArray
    stamp_ns: int
    sensors: Mapping[str, Reading] = field(default_factory=dict)
