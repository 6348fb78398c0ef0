# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Several robot sides in one launch, each under a namespace of its own: /robot_0, /robot_1, …

    ros2 launch rl_bridge fleet.launch.py params_files:=robot_env.yaml,scara_env.yaml
"""

import os

from ament_index_python.packages import get_package_share_directory
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.substitutions import LaunchConfiguration

from launch import LaunchContext, LaunchDescription

ARGUMENTS = {
    'params_files': (
        'robot_env.yaml,robot_env.yaml',
        "one parameter file for each robot, joined by commas: paths or names of rl_bridge's own",
    ),
    'prefix': ('robot_', 'of the namespaces, which count from 0'),
    'sim': ('true', "start the simulated robots; false where real robots' drivers run"),
    'guard': ('true', 'start the guards; false only for hosted environments that move nothing'),
    'autostart': ('true', 'configure and activate the bridges'),
    'use_sim_time': ('false', 'stamp messages by /clock; safety always uses the monotonic clock'),
    # Unlike a single robot's: a part that ends is started again and the other robots go on.
    'use_respawn': ('true', 'restart a node that ends; false: one that ends, ends all'),
    'log_level': ('info', 'ROS log level of all nodes'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the launch description of all robot sides."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_robots)])


def _robots(context: LaunchContext) -> list[GroupAction]:
    files = LaunchConfiguration('params_files').perform(context).split(',')
    prefix = LaunchConfiguration('prefix').perform(context)
    one = os.path.join(
        get_package_share_directory('rl_bridge'), 'launch', 'robot_env.launch.py'
    )
    return [
        GroupAction(
            [
                IncludeLaunchDescription(
                    one,
                    launch_arguments={
                        'namespace': f'{prefix}{i}',
                        'params_file': name.strip(),
                    }.items(),
                )
            ]
        )
        for i, name in enumerate(files)
    ]
