# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a simulated controller reads is what the guard writes; anything else has a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip('trajectory_msgs.msg', reason='needs the messages of trajectories')

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import TwistStamped
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from rl_bridge.errors import ConfigError, LimitError, WireError
from rl_bridge.robot_description import TRAJECTORY
from rl_bridge.safety.command_messages import CommandMessage
from rl_bridge.sim.command_reader import CommandReader
from rl_bridge.types import CommandOutput

JOINTS = ('base', 'shoulder', 'elbow')
STATE = 'sensor_msgs/msg/JointState'
TWIST = 'geometry_msgs/msg/TwistStamped'
OUTPUTS = [
    CommandOutput('numbers', (0, 1, 2)),
    CommandOutput('trajectory', (2, 0), TRAJECTORY, arrive_within_s=0.25),
    CommandOutput('twist', (1, 2), TWIST, ('twist.linear.x', 'twist.angular.z')),
    CommandOutput('places', (2, 1), STATE, ('position[1]', 'position[0]')),
]


@pytest.mark.parametrize('output', OUTPUTS, ids=lambda output: str(output.topic))
def test_a_controller_reads_what_the_guard_writes(output: CommandOutput) -> None:
    values = np.array([0.1, -0.2, 0.3])
    message = CommandMessage(output, JOINTS).fill(values)
    read, within_s = CommandReader(output, JOINTS).read(message)
    assert list(read) == values[list(output.joints)].tolist()
    assert within_s == pytest.approx(output.arrive_within_s)


def trajectory(**changes: Any) -> JointTrajectory:
    point = JointTrajectoryPoint(
        positions=changes.get('positions', [0.1, 0.2]),
        time_from_start=Duration(sec=changes.get('sec', 1), nanosec=500_000_000),
    )
    names = changes.get('joint_names', ['base', 'elbow'])
    return JointTrajectory(joint_names=names, points=[point] * changes.get('points', 1))


def test_the_joints_of_a_trajectory_go_by_name() -> None:
    reader = CommandReader(OUTPUTS[1], JOINTS)
    assert reader.read(trajectory()) == ([0.2, 0.1], 1.5)


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'joint_names': ['base', 'wrist']}, 'for base, wrist is not for elbow, base'),
        ({'joint_names': ['base', 'base']}, 'for base, base is not for elbow, base'),
        ({'joint_names': []}, 'for no joint is not for elbow, base'),
        ({'points': 0}, 'has one point here, this one 0'),
        ({'points': 2}, 'has one point here, this one 2'),
        ({'positions': [0.1]}, 'of 2 joints has 1 positions'),
        ({'sec': -2}, 'cannot arrive -1.5 s after its start'),
    ],
)
def test_a_trajectory_that_cannot_be_followed_is_refused(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(LimitError, match=sentence):
        CommandReader(OUTPUTS[1], JOINTS).read(trajectory(**changes))


def test_a_list_that_is_too_short_is_refused() -> None:
    with pytest.raises(WireError, match=r'has no position\[1\]'):
        CommandReader(OUTPUTS[3], JOINTS).read(JointState(position=[0.1]))


def test_a_type_without_the_fields_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match='no field'):
        CommandReader(CommandOutput('twist', (0,), TWIST, ('twist.linear.w',)), JOINTS)
    assert CommandReader(OUTPUTS[2], JOINTS).kind is TwistStamped
