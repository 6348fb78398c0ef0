# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The node ``sim_robot``: a simulated robot with the topics that its robot file describes.

A file with ``dh`` makes an arm (``sim_arm_node``); one of two axes that take their velocities in
a Twist makes a mobile base (``sim_base_node``).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node

from rl_bridge.errors import ConfigError
from rl_bridge.robot_file import load_robot
from rl_bridge.sim.driver_process_node import Driver, run_driver
from rl_bridge.types import RobotDescription

_TWISTS = ('geometry_msgs/msg/Twist', 'geometry_msgs/msg/TwistStamped')


def make_driver(node: Node) -> Driver:
    """
    Make the driver of the robot that the parameter ``robot_file`` names.

    :raises ConfigError: the file or a parameter is wrong, or no simulator is for such a robot.
    """
    descriptor = ParameterDescriptor(
        description='The robot file, or the name of a shipped one.', read_only=True
    )
    file = node.declare_parameter('robot_file', 'ur5e.yaml', descriptor).value
    robot = load_robot(file)
    # Each only where it is used: an arm needs nothing of a base.
    if robot.dh is not None:
        from rl_bridge.sim.sim_arm_node import SimArmDriver

        return SimArmDriver(node, robot)
    if _is_base(robot):
        from rl_bridge.sim.sim_base_node import SimBaseDriver

        return SimBaseDriver(node, robot)
    raise ConfigError(
        f'{robot.name} cannot be simulated: {file} has neither dh, which makes it an arm, nor two '
        'joints whose velocity goes out in a Twist, which makes it a base'
    )


def _is_base(robot: RobotDescription) -> bool:
    interface = robot.commands.get('velocity')
    outputs = () if interface is None else interface.outputs
    return len(robot.joints) == 2 and len(outputs) == 1 and outputs[0].type in _TWISTS


def main(args: Sequence[str] | None = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line arguments; those of the process by default.
    :return: the exit code: 0 after a signal, 1 if it cannot start.
    """
    return run_driver('sim_robot', make_driver, args)


if __name__ == '__main__':
    sys.exit(main())
