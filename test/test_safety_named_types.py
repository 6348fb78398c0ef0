# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Types and fields that a robot file names: found, filled, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip('std_msgs.msg', reason='needs ROS 2')

from rl_bridge.errors import ConfigError
from rl_bridge.safety.named_types import fill, load_type, read_field


def test_an_installed_type_is_found_by_its_name() -> None:
    from std_msgs.msg import Bool
    from std_srvs.srv import Trigger

    assert load_type('std_msgs/msg/Bool') is Bool
    assert load_type('std_srvs/srv/Trigger') is Trigger


@pytest.mark.parametrize('name', ['no_such_msgs/msg/X', 'std_msgs/srv/X', 'std_msgs/msg/X'])
def test_a_type_that_is_not_installed_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f'the type {name}, which is not installed here'):
        load_type(name)


def test_a_field_of_a_nested_message_is_read() -> None:
    header = load_type('std_msgs/msg/Header')()
    header.stamp.sec = 7
    assert read_field(header, 'stamp.sec') == 7


@pytest.mark.parametrize(
    ('path', 'says'),
    [
        ('mode', "Header has no field 'mode'; Header has stamp, frame_id"),
        ('stamp.day', "Header has no field 'stamp.day'; Time has sec, nanosec"),
        ('stamp.sec.x', "Header has no field 'stamp.sec.x'; int has none"),
    ],
)
def test_a_field_that_does_not_exist_is_named(path: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_field(load_type('std_msgs/msg/Header')(), path)


def test_fields_are_filled_nested_ones_and_whole_numbers_too() -> None:
    pose = fill(
        load_type('geometry_msgs/msg/PoseStamped')(),
        {'header': {'frame_id': 'base'}, 'pose': {'position': {'x': 1, 'y': 0.5}}},
    )
    assert (pose.header.frame_id, pose.pose.position.x, pose.pose.position.y) == ('base', 1.0, 0.5)


@pytest.mark.parametrize(
    ('kind', 'values', 'says'),
    [
        ('std_msgs/msg/Bool', {'data': 'yes'}, "Bool.data does not take 'yes'"),
        ('std_msgs/msg/UInt8', {'data': 300}, 'UInt8.data does not take 300'),
        ('std_msgs/msg/Header', {'stamp': 1}, 'Header.stamp does not take 1'),
        ('std_msgs/msg/Header', {'stamp': {'day': 1}}, "Time has no field 'day'"),
    ],
)
def test_a_value_that_does_not_fit_is_named(kind: str, values: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        fill(load_type(kind)(), values)
