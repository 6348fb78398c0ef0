# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""docs/robots.md: its files are robot files, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip('yaml', reason='robot files need PyYAML')

from rl_bridge.robot_file import load_robot
from rl_bridge.robots.readings import OWN_WAYS

PAGE = (Path(__file__).resolve().parent.parent / 'docs' / 'robots.md').read_text(encoding='utf-8')
FILES = {
    re.search(r'^name: (\w+)$', text, re.MULTILINE)[1]: text  # type: ignore[index]
    for text in re.findall(r'^```yaml\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
}


def test_there_is_a_file_for_each_kind_of_robot() -> None:
    assert set(FILES) == {'small_arm', 'gripper_arm', 'trajectory_arm', 'base', 'pendulum'}


@pytest.mark.parametrize('name', FILES)
def test_every_file_is_read_and_its_types_exist(name: str, tmp_path: Path) -> None:
    path = tmp_path / f'{name}.yaml'
    path.write_text(FILES[name])
    robot = load_robot(path)
    assert robot.name == name
    pytest.importorskip('rclpy', reason='there is no ROS 2 here')
    from rl_bridge.check_types import type_problems

    assert type_problems(robot) == []


def test_every_type_with_a_way_of_its_own_is_in_the_table() -> None:
    rows = re.findall(r'^\| `(\w+/msg/\w+)` \| (?:\d|`s)', PAGE, re.MULTILINE)
    assert set(rows) == OWN_WAYS and len(rows) == len(OWN_WAYS)
