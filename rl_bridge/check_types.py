# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Whether the types that a robot file names are installed, and have the fields it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

from rl_bridge.errors import ConfigError
from rl_bridge.robots.joint_states import JointStates
from rl_bridge.robots.readings import check_type
from rl_bridge.safety.command_messages import CommandMessage
from rl_bridge.safety.named_types import field_type, fill, load_type
from rl_bridge.types import CommandOutput, RobotDescription, SecondStage, Sensor, StopStatus


def ros_is_here() -> bool:
    """Whether there are message types to look at."""
    return find_spec('rclpy') is not None


def type_problems(robot: RobotDescription) -> list[str]:
    """Return one sentence for each type or field of the robot file that cannot be used."""
    found = []
    for check in _checks(robot):
        try:
            check()
        except ConfigError as fault:
            found.append(str(fault))
    return found


def _checks(robot: RobotDescription) -> Iterator[Callable[[], None]]:
    yield lambda: _state(robot)
    for interface in robot.commands.values():
        for output in interface.outputs:
            yield lambda output=output: _output(robot, output)  # type: ignore[misc]
    for sensor in robot.sensors.values():
        yield lambda sensor=sensor: _sensor(sensor)  # type: ignore[misc]
    if robot.stop_status is not None:
        yield lambda status=robot.stop_status: _stop_status(status)  # type: ignore[misc]
    if robot.second_stage is not None:
        yield lambda stage=robot.second_stage: _second_stage(stage)  # type: ignore[misc]


def _state(robot: RobotDescription) -> None:
    load_type(robot.state_type)
    JointStates(robot, topic=robot.state_topic)


def _output(robot: RobotDescription, output: CommandOutput) -> None:
    CommandMessage(output, robot.joints)


def _sensor(sensor: Sensor) -> None:
    check_type(sensor, load_type(sensor.type))


def _stop_status(status: StopStatus) -> None:
    field_type(load_type(status.type), status.field)


def _second_stage(stage: SecondStage) -> None:
    fill(load_type(stage.type).Request(), stage.request)
