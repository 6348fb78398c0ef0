# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A robot as its YAML file describes it; taken from ``rl_bridge.types`` everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(slots=True, frozen=True)
class Limits:
    """
    Limits per joint in the robot file's order, each array of shape (joints,), SI units.

    None of them has a default: a robot file that leaves one out is refused.
    """

    position_lower: FloatArray
    position_upper: FloatArray
    velocity: FloatArray
    acceleration: FloatArray


@dataclass(slots=True, frozen=True)
class CommandInterface:
    """
    How the robot takes commands, as a ros2_control controller does.

    :param kind: 'velocity' or 'position'.
    :param topic: relative topic of the controller.
    :param timeout_s: the controller's own command time-out in seconds, as its maker declares
        it; 0 = it has none.
    """

    kind: str
    topic: str
    timeout_s: float


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
HALT_PROFILES = {'velocity': 'zero', 'position': 'hold'}


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
