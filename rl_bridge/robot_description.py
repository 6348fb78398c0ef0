# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A robot as its YAML file describes it; taken from ``rl_bridge.types`` everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


#: What the guard and the robots know of how a joint is moved.
KINDS = ('velocity', 'position', 'effort')
JOINT_STATE = 'sensor_msgs/msg/JointState'
NUMBERS = 'std_msgs/msg/Float64MultiArray'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
#: rad or m. Stands for a joint without position limits (`position: unlimited`): a number, so that
#: every check stays as it is.
UNLIMITED = 1e9


@dataclass(slots=True, frozen=True)
class Limits:
    """
    Limits per joint in the robot file's order, each array of shape (joints,), SI units.

    None of them has a default: a robot file that leaves one out is refused.

    :param effort: Nm or N; None where the robot takes no effort commands.
    """

    position_lower: FloatArray
    position_upper: FloatArray
    velocity: FloatArray
    acceleration: FloatArray
    effort: FloatArray | None = None


@dataclass(slots=True, frozen=True)
class CommandOutput:
    """
    One topic that takes the commands of some joints.

    :param topic: relative topic of the controller.
    :param joints: indices into the robot's joints, in the order in which it takes their values.
    :param type: any installed message type.
    :param fields: where each value goes; empty for a type that has a way of its own
        (Float64MultiArray, JointTrajectory).
    :param frame_id: of the header, where the type has one.
    :param arrive_within_s: of a JointTrajectory's only point; for other types 0.
    """

    topic: str
    joints: tuple[int, ...]
    type: str = NUMBERS
    fields: tuple[str, ...] = ()
    frame_id: str = ''
    arrive_within_s: float = 0.0


@dataclass(slots=True, frozen=True)
class CommandInterface:
    """
    How the robot takes commands, as ros2_control's controllers do.

    :param kind: one of ``KINDS``: what the numbers are, whatever message carries them.
    :param outputs: together they take every joint once.
    :param timeout_s: the controllers' own command time-out in seconds, as their maker declares
        it; 0 = they have none.
    """

    kind: str
    outputs: tuple[CommandOutput, ...]
    timeout_s: float


def forward_commands(kind: str, topic: str, timeout_s: float, *, joints: int) -> CommandInterface:
    """Describe a forward controller of ros2_control: an array, one value for each joint."""
    return CommandInterface(kind, (CommandOutput(topic, tuple(range(joints))),), timeout_s)


@dataclass(slots=True, frozen=True)
class StateFields:
    """
    Where the joints' state stands in a message that is no JointState: one path per joint each.

    :param position: empty for joints that measure none, the axes of a mobile base for example.
    :param velocity: never empty: standstill is verified with it.
    :param effort: empty for joints that measure none.
    """

    position: tuple[str, ...]
    velocity: tuple[str, ...]
    effort: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Sensor:
    """
    One further stream of measurements, beside the joints' state.

    :param topic: relative topic.
    :param type: any installed message type.
    :param fields: paths of numbers, one after the other; empty for a type that has a way of its
        own (see ``robots/readings.py``).
    :param shape: of one reading.
    :param dtype: 'float64', or 'uint8' for pictures.
    :param lower: smallest value; readings are clipped to it only where docs/robots.md says so.
    :param upper: largest value.
    :param max_age_s: an older reading is not acted on.
    :param history: how many of the last readings a state holds, the newest last; 1 = only that.
    """

    name: str
    topic: str
    type: str
    shape: tuple[int, ...]
    max_age_s: float
    lower: float
    upper: float
    fields: tuple[str, ...] = ()
    dtype: str = 'float64'
    history: int = 1


@dataclass(slots=True, frozen=True)
class StopStatus:
    """
    Where the robot tells of its own emergency or protective stop.

    :param topic: relative topic.
    :param type: any installed message type, 'std_msgs/msg/Bool' for example.
    :param field: where the value stands in it; dots lead into nested messages.
    :param running: the values with which the robot may move; any other means that it is stopped.
    :param max_age_s: older counts as stopped; 0 = published on change only and latched, and then
        it counts for as long as its publisher exists.
    """

    topic: str
    type: str
    field: str
    running: tuple[bool | int | str, ...]
    max_age_s: float


@dataclass(slots=True, frozen=True)
class SecondStage:
    """
    What is called once where a stopped robot does not come to rest.

    :param service: relative name.
    :param type: any installed service type, 'std_srvs/srv/Trigger' for example.
    :param request: values of the request's fields.
    :param after_s: time from the stop to the call.
    """

    service: str
    type: str
    request: Mapping[str, object]
    after_s: float


@dataclass(slots=True, frozen=True)
class Workspace:
    """A box in the base frame that the tool flange stays in: ``lower``, ``upper`` (3,) in m."""

    lower: FloatArray
    upper: FloatArray


@dataclass(slots=True, frozen=True)
class StateChecks:
    """
    How much the measured state may differ from what is possible before it is a reason to stop.

    :param frozen_within_s: commanded to move, something of the state must change within this time.
    :param jump: farther than the velocity limits allow may no position lie from the one before,
        rad or m; None = what they allow in ``state_max_age_s``.
    :param position_tolerance: how far outside its limits a position may be measured, rad or m.
    :param velocity_tolerance: by which part of its limit a measured velocity may exceed it.
    """

    frozen_within_s: float = 0.3
    jump: float | None = None
    position_tolerance: float = 0.05
    velocity_tolerance: float = 0.5


#: How the guard stops a robot where its file does not say.
HALT_PROFILES = {'velocity': 'zero', 'position': 'hold', 'effort': 'zero'}


@dataclass(slots=True, frozen=True)
class RobotDescription:
    """A robot as its YAML file describes it."""

    name: str
    joints: tuple[str, ...]
    state_topic: str
    state_max_age_s: float
    commands: dict[str, CommandInterface]
    limits: Limits
    standstill_speed: float
    standstill_within_s: float
    dh: FloatArray | None = None
    state_checks: StateChecks = StateChecks()
    stop_status: StopStatus | None = None
    halt: Mapping[str, str] = field(default_factory=lambda: dict(HALT_PROFILES))
    second_stage: SecondStage | None = None
    workspace: Workspace | None = None
    state_type: str = JOINT_STATE
    state_fields: StateFields | None = None  # of any other type
    sensors: Mapping[str, Sensor] = field(default_factory=dict)
    #: What a simulator needs to know besides; nobody else looks at it.
    simulation: Mapping[str, object] = field(default_factory=dict)

    @property
    def measures_position(self) -> bool:
        """Whether the joints' positions are measured; zeros stand for them otherwise."""
        return self.state_fields is None or bool(self.state_fields.position)
