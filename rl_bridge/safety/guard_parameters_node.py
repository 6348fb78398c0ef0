# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard's parameters and its log, as ROS has them."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from rl_bridge.errors import ConfigError
from rl_bridge.safety.bounded_log import BoundedLog

#: Name, default, description, bounds. All are read at the start and then fixed.
PARAMETERS: tuple[tuple[str, Any, str, Any], ...] = (
    ('robot_file', '', 'The robot: a YAML file, or the bare name of one in config.', None),
    ('command_interface', 'velocity', "'velocity', 'position' or 'effort' of robot_file.", None),
    ('bridge', 'robot_env', 'Relative name of the bridge node whose commands are taken.', None),
    ('rate', 200.0, 'Updates per second while the robot moves (Hz).', (50.0, 1000.0)),
    ('max_authority', 2.0, 'The longest motion authority of one command (s).', (0.02, 60.0)),
    ('event_log', '', 'File for stops and recoveries; empty = in ~/.ros/rl_bridge/events.', None),
    (
        'secret_file',
        '',
        'File with the secret that the bridge has too: docs/security.md.',
        None,
    ),
    ('realtime_priority', 40, 'SCHED_FIFO priority; 0 = only nice -20.', (0, 98)),
)


def declare_parameters(node: Node) -> dict[str, Any]:
    """
    Declare the table above and return the values.

    :raises ConfigError: robot_file is not given.
    """
    values = {}
    for name, default, description, bounds in PARAMETERS:
        descriptor = ParameterDescriptor(description=description, read_only=True)
        if isinstance(default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=bounds[0], to_value=bounds[1], step=0.0)
            ]
        elif isinstance(default, int):
            descriptor.integer_range = [
                IntegerRange(from_value=bounds[0], to_value=bounds[1], step=1)
            ]
        values[name] = node.declare_parameter(name, default, descriptor).value
    if not values['robot_file']:
        raise ConfigError('the parameter robot_file is empty; name a YAML file, ur5e.yaml say')
    return values


def node_log(node: Node) -> BoundedLog:
    """Return a log that writes through the node's logger."""
    # rclpy remembers the level of every line that logs, so each level needs one of its own.
    logger = node.get_logger()
    return BoundedLog(
        {
            'info': lambda text: logger.info(text),
            'warning': lambda text: logger.warning(text),
            'error': lambda text: logger.error(text),
        }
    )
