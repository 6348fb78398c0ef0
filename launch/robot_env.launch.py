# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The robot side: the bridge (a lifecycle node), its guard and, unless a real robot is there, the
simulated one.

Every argument can also come from an environment variable: RL_BRIDGE_NAMESPACE, RL_BRIDGE_SIM, …
"""

import time

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    GroupAction,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.conditions import IfCondition, UnlessCondition
from launch.event_handlers import OnProcessStart
from launch.events import matches_action
from launch.events.process import ProcessExited
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import ParameterValue
from lifecycle_msgs.msg import Transition

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity, Substitution
from rl_bridge.processes import parameter_file, simulated_parts

# A guard that dies more often than this is no guard.
MOST_DEATHS, DEATHS_WITHIN_S = 3, 60.0
ARGUMENTS = {
    'namespace': ('', 'ROS namespace of all nodes'),
    'params_file': (
        'robot_env.yaml',
        "parameters of all nodes: a path, or the name of one of rl_bridge's own in its config",
    ),
    'sim': ('true', "start the simulated robot; false where a real robot's driver runs"),
    'guard': ('true', 'start the guard; false only for hosted environments that move nothing'),
    'autostart': ('true', 'configure and activate the bridge'),
    'use_sim_time': ('false', 'stamp messages by /clock; safety always uses the monotonic clock'),
    'use_respawn': ('false', 'restart a node that ends'),
    'log_level': ('info', 'ROS log level of all nodes'),
    'enclave': ('/rl_bridge', 'SROS2: the enclaves below this are bridge, guard and driver'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the robot side's launch description."""
    declared = [
        DeclareLaunchArgument(
            name,
            default_value=EnvironmentVariable(f'RL_BRIDGE_{name.upper()}', default_value=default),
            description=description,
        )
        for name, (default, description) in ARGUMENTS.items()
    ]
    common = {
        'package': 'rl_bridge',
        'namespace': LaunchConfiguration('namespace'),
        'output': 'screen',
        'respawn': LaunchConfiguration('use_respawn'),
        'respawn_delay': 2.0,
        # Half a robot side is of no use, and nothing may outlive its guard.
        'on_exit': OpaqueFunction(
            function=_end_unless_ending,
            condition=UnlessCondition(LaunchConfiguration('use_respawn')),
        ),
        'parameters': [
            _ParamsFile(),
            {'use_sim_time': ParameterValue(LaunchConfiguration('use_sim_time'), value_type=bool)},
        ],
    }

    def simulated(context: LaunchContext) -> list[Node]:
        """Return the nodes of the simulated robot; its camera is one of its own."""
        return [
            Node(name=name, executable=name, arguments=_ros_arguments('driver'), **common)
            for name in simulated_parts(LaunchConfiguration('params_file').perform(context))
        ]

    robot = OpaqueFunction(function=simulated, condition=IfCondition(LaunchConfiguration('sim')))
    guard = Node(
        name='guard',
        executable='rl_bridge_guard',
        arguments=_ros_arguments('guard'),
        condition=IfCondition(LaunchConfiguration('guard')),
        # Killed, it is started again at once: the new one ends whatever motion is left.
        **{**common, 'respawn': True, 'respawn_delay': 0.0, 'on_exit': _GuardExits()},
    )
    bridge = LifecycleNode(
        name='robot_env', executable='robot_env', arguments=_ros_arguments('bridge'), **common
    )
    return LaunchDescription(
        [
            SetEnvironmentVariable('RCUTILS_LOGGING_BUFFERED_STREAM', '1'),
            *declared,
            robot,
            GroupAction([guard]),
            bridge,
            GroupAction(
                _transitions(bridge),
                condition=IfCondition(LaunchConfiguration('autostart')),
                scoped=False,
            ),
        ]
    )


def _ros_arguments(enclave: str) -> list:
    return [
        '--ros-args',
        '--log-level',
        LaunchConfiguration('log_level'),
        '--enclave',
        [LaunchConfiguration('enclave'), f'/{enclave}'],
    ]


class _ParamsFile(Substitution):
    """The path of ``params_file``."""

    def perform(self, context: LaunchContext) -> str:
        return str(parameter_file(LaunchConfiguration('params_file').perform(context)))


class _GuardExits:
    """Ends all where a guard ended by itself (its log says why) or is killed again and again."""

    def __init__(self) -> None:
        self._deaths: list[float] = []

    def __call__(
        self, event: ProcessExited, context: LaunchContext
    ) -> list[LaunchDescriptionEntity]:
        now_s = time.monotonic()
        self._deaths = [past for past in self._deaths if now_s - past < DEATHS_WITHIN_S] + [now_s]
        if context.is_shutdown or LaunchConfiguration('use_respawn').perform(context) == 'true':
            return []
        if event.returncode >= 0 or len(self._deaths) > MOST_DEATHS:
            return [Shutdown(reason='the guard ended')]
        return [LogInfo(msg='the guard was killed; a new one ends what motion is left')]


def _end_unless_ending(context: LaunchContext) -> list[Shutdown]:
    return [] if context.is_shutdown else [Shutdown(reason='a part of the robot side ended')]


def _transitions(bridge: LifecycleNode) -> list[RegisterEventHandler]:
    """Configure and activate the bridge once for every start; people do the rest."""

    def change(transition: int) -> EmitEvent:
        matcher = matches_action(bridge)
        return EmitEvent(
            event=ChangeState(lifecycle_node_matcher=matcher, transition_id=transition)
        )

    activate = OnStateTransition(
        target_lifecycle_node=bridge,
        start_state='configuring',
        goal_state='inactive',
        entities=[change(Transition.TRANSITION_ACTIVATE)],
        handle_once=True,
    )
    start = OnProcessStart(
        target_action=bridge,
        on_start=[RegisterEventHandler(activate), change(Transition.TRANSITION_CONFIGURE)],
    )
    active = OnStateTransition(
        target_lifecycle_node=bridge,
        start_state='activating',
        goal_state='active',
        entities=[LogInfo(msg='the bridge is active')],
    )
    return [RegisterEventHandler(start), RegisterEventHandler(active)]
