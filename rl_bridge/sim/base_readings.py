# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a simulated base's sensors say, with the fields of ROS messages but without ROS."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.sim.base import LASER_RAYS, SimulatedBase
from rl_bridge.types import FloatArray, RobotDescription, Sensor

ODOMETRY = 'nav_msgs/msg/Odometry'
LASER_SCAN = 'sensor_msgs/msg/LaserScan'
BOOL = 'std_msgs/msg/Bool'
SENSORS = (ODOMETRY, LASER_SCAN, BOOL)
ANGLE_MIN = -math.pi
ANGLE_INCREMENT = math.tau / LASER_RAYS


def check_base(description: RobotDescription) -> None:
    """
    Check that a robot file describes a base that this simulator can stand for.

    :raises ConfigError: it has other than two axes, takes no velocities, or has a sensor of a type
        that a simulated base does not have.
    """
    name = description.name
    if len(description.joints) != 2 or 'velocity' not in description.commands:
        raise ConfigError(
            f'A simulated base has two axes, linear and angular, and takes velocities; {name} has '
            f'{len(description.joints)} and takes {", ".join(sorted(description.commands))}.'
        )
    for sensor in description.sensors.values():
        if sensor.type not in SENSORS:
            raise ConfigError(
                f'The sensor {sensor.name} of {name} is of the type {sensor.type}; a simulated '
                f'base has {", ".join(SENSORS)}.'
            )


def message_of(sensor: Sensor, base: SimulatedBase) -> Any:
    """Measure what a sensor of one of ``SENSORS`` measures."""
    if sensor.type == ODOMETRY:
        return odometry(base.measured_pose(), base.velocity())
    if sensor.type == LASER_SCAN:
        # A LaserScan carries float32; so it does not matter which way a reading took.
        return SimpleNamespace(ranges=base.scan().astype(np.float32))
    return SimpleNamespace(data=base.in_contact)


def odometry(pose: FloatArray, velocity: FloatArray) -> Any:
    """
    Return an odometry message's numbers.

    :param pose: x and y in m, heading in rad.
    :param velocity: forwards in m/s, to the left in rad/s.
    """
    x, y, heading = pose.tolist()
    forwards, turning = velocity.tolist()
    turn = SimpleNamespace(x=0.0, y=0.0, z=math.sin(heading / 2), w=math.cos(heading / 2))
    place = SimpleNamespace(position=SimpleNamespace(x=x, y=y, z=0.0), orientation=turn)
    twist = SimpleNamespace(
        linear=SimpleNamespace(x=forwards, y=0.0, z=0.0),
        angular=SimpleNamespace(x=0.0, y=0.0, z=turning),
    )
    return SimpleNamespace(pose=SimpleNamespace(pose=place), twist=SimpleNamespace(twist=twist))
