# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The parameters of the bridge node: one table, from which they are declared and
``docs/parameters.md`` is made.

``python -m rl_bridge.parameters > docs/parameters.md`` writes the page; a test holds it up to
date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rl_bridge.errors import ConfigError
from rl_bridge.robot_description import KINDS

MINIMUM_AUTHORITY_S = 0.15
AUTHORITY_PERIODS = 3


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One parameter: its default fixes its type.

    :param limits: lowest and highest value of a number.
    """

    name: str
    default: Any
    description: str
    limits: tuple[float, float] | None = None


TABLE = (
    Parameter(
        'autostart',
        False,
        'Configure and activate at start, without waiting for a lifecycle manager.',
    ),
    Parameter(
        'env',
        'robot',
        "What is hosted: 'robot' for robot_file and task, or the id of any Gymnasium environment, "
        "'CartPole-v1' "
        "or 'my_module:MyEnv-v0'.",
    ),
    Parameter(
        'env_kwargs',
        '',
        "Keyword arguments of a Gymnasium environment as YAML: '{is_slippery: false}'.",
    ),
    Parameter(
        'wrappers',
        [''],
        "Gymnasium's own wrappers from the inside out, each a name with keyword arguments "
        'as YAML: '
        "'RescaleAction: {min_action: -1, max_action: 1}'.",
    ),
    Parameter(
        'render_mode',
        'auto',
        "Render mode of the hosted environment; 'auto' = rgb_array if it offers that, '' = none.",
    ),
    Parameter(
        'robot_file', 'ur5e.yaml', "The robot's YAML file: a path, or the name of one in config/."
    ),
    Parameter(
        'command_interface',
        'velocity',
        "Which of the robot file's command interfaces is used: velocity, position or effort.",
    ),
    Parameter(
        'task',
        'reach',
        "The task on the robot: a name of [tasks.md](tasks.md), or 'my_module:MyTask'.",
    ),
    Parameter('task_kwargs', '', "Keyword arguments of the task as YAML: '{joints: 6}'."),
    Parameter(
        'episode_time',
        4.0,
        'Seconds after which an episode of the robot is truncated; 0 = never.',
        (0.0, 86400.0),
    ),
    Parameter('control_rate', 25.0, 'Steps per second of the robot, Hz.', (0.1, 1000.0)),
    Parameter(
        'authority_time',
        0.0,
        f'Motion authority in seconds: how long after a step the robot may move. '
        f'0 = the longer of '
        f'{AUTHORITY_PERIODS} control periods and {MINIMUM_AUTHORITY_S} s.',
        (0.0, 10.0),
    ),
    Parameter(
        'lease_time',
        1.0,
        "Seconds without a client's heartbeat after which its lease ends.",
        (0.2, 60.0),
    ),
    Parameter(
        'secret_file',
        '',
        'File with the secret that requests have to prove; empty = that of the environment, '
        'RL_BRIDGE_SECRET_FILE or RL_BRIDGE_SECRET, else none.',
    ),
    Parameter(
        'event_log',
        '',
        'File that keeps stops and recoveries, see `rl_bridge events`; empty = one named after '
        'the node in $ROS_HOME/rl_bridge/events, by default ~/.ros/rl_bridge/events.',
    ),
    Parameter('guard', 'guard', "Name of the guard's node, relative to the bridge's namespace."),
    Parameter(
        'connect_timeout',
        20.0,
        "Seconds to wait at configure for the robot's state and the guard.",
        (0.1, 600.0),
    ),
    Parameter(
        'reset_help_timeout',
        0.0,
        'Seconds that a reset which does not succeed waits for a person: what is the matter '
        'stands on `~/help`, a call of `~/helped` (std_srvs/srv/Trigger) goes on. 0 = nobody is '
        'asked, the reset fails at once. Give clients a longer `reset_timeout_s`.',
        (0.0, 86400.0),
    ),
    Parameter(
        'realtime_priority',
        30,
        'SCHED_FIFO priority of the thread that ticks to the guard; 0 = only nice -20.',
        (0, 98),
    ),
    Parameter(
        'require_dds_profile',
        True,
        "Whether configure fails where rl_bridge's Fast DDS profile (`config/fastdds`) is not in "
        'effect; other middlewares are not checked.',
    ),
)


def check(name: str, value: Any) -> str:
    """Return what is wrong with a value as one sentence; an empty string if nothing is."""
    parameter = next((known for known in TABLE if known.name == name), None)
    if parameter is None:
        return ''  # not one of the table's
    if parameter.limits is not None and not parameter.limits[0] <= value <= parameter.limits[1]:
        low, high = parameter.limits
        return f'parameter {name} is {value}; it must be from {low:g} to {high:g}'
    if name == 'command_interface' and value not in KINDS:
        return f'parameter command_interface is {value!r}; it must be one of {", ".join(KINDS)}'
    return ''


def authority_s(*, authority_time: float, control_rate: float) -> float:
    """Return the motion authority in seconds that two parameters give."""
    return authority_time or max(AUTHORITY_PERIODS / control_rate, MINIMUM_AUTHORITY_S)


def declare(node: Any) -> None:
    """Declare the table on an rclpy node; ranges are checked by ROS whenever a value is set."""
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    for parameter in TABLE:
        descriptor = ParameterDescriptor(description=parameter.description)
        if parameter.limits is not None and isinstance(parameter.default, int):
            first, last = map(int, parameter.limits)
            descriptor.integer_range = [IntegerRange(from_value=first, to_value=last)]
        elif parameter.limits is not None:
            low, high = parameter.limits
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        node.declare_parameter(parameter.name, parameter.default, descriptor)


def values(node: Any) -> dict[str, Any]:
    """
    Return all values of the table from a node.

    :raises ConfigError: a value is out of its limits.
    """
    found = {parameter.name: node.get_parameter(parameter.name).value for parameter in TABLE}
    for name, value in found.items():
        wrong = check(name, value)
        if wrong:
            raise ConfigError(wrong)
    return found


def page() -> str:
    """Return docs/parameters.md."""
    lines = [
        '# Parameters of the bridge node',
        '',
        'Made from `rl_bridge/parameters.py` by `python -m rl_bridge.parameters`. Values are read '
        'at `configure`: after a change,',
        '`cleanup` and `configure` again. Only `reward_weights.<term>`, declared for every '
        'reward term of the task, acts',
        'at once. The guard and the simulated arm describe theirs themselves: '
        '`ros2 param describe /guard rate`.',
        '',
        '| parameter | type | default | limits | meaning |',
        '|---|---|---|---|---|',
    ]
    for parameter in TABLE:
        kind = (
            'string[]' if isinstance(parameter.default, list) else type(parameter.default).__name__
        )
        limits = '{:g} to {:g}'.format(*parameter.limits) if parameter.limits else ''
        default = '' if parameter.default in ('', ['']) else f'`{parameter.default}`'
        lines.append(
            f'| `{parameter.name}` | {kind} | {default} | {limits} | {parameter.description} |'
        )
    return '\n'.join(lines) + '\n'


if __name__ == '__main__':
    print(page(), end='')
