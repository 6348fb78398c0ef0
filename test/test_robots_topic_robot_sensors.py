# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""TopicRobot with further sensors, on real rclpy: it waits for them and never acts without."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='there is no ROS 2 here')
pytest.importorskip('rl_bridge_interfaces.msg._command', reason='the interfaces are not built')

from std_msgs.msg import Float64MultiArray
from test_robots_topic_robot import TIMEOUT_S, Cell

from rl_bridge.errors import RobotNotReady
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.robots.topic_robot import TopicRobot
from rl_bridge.types import RobotDescription, Sensor, StopReason

TANK = Sensor('tank', 'tank', 'std_msgs/msg/Float64MultiArray', (2,), TIMEOUT_S, 0.0, 9.0)
PATIENT = dataclasses.replace(fake_description(), state_max_age_s=TIMEOUT_S)


class Tank:
    """Publishes what a test says 100 times a second; None = it is silent."""

    def __init__(self, cell: Cell) -> None:
        self.values: list[float] | None = None
        self._publisher = cell._cell.create_publisher(Float64MultiArray, 'tank', 10)
        cell._cell.create_timer(0.01, self._publish)

    def _publish(self) -> None:
        if self.values is not None:
            self._publisher.publish(Float64MultiArray(data=self.values))


@pytest.fixture
def cell() -> Iterator[Cell]:
    made = Cell()
    yield made
    made.close()


@pytest.fixture
def tank(cell: Cell) -> Tank:
    return Tank(cell)


@pytest.fixture
def robot(cell: Cell, tank: Tank) -> Iterator[TopicRobot]:
    yield from a_robot(cell, dataclasses.replace(PATIENT, sensors={'tank': TANK}))


@pytest.fixture
def impatient(cell: Cell, tank: Tank) -> Iterator[TopicRobot]:
    """A robot whose sensor and joints may be old by 0.1 s only."""
    sensors = {'tank': dataclasses.replace(TANK, max_age_s=0.1)}
    yield from a_robot(cell, dataclasses.replace(fake_description(), sensors=sensors))


def a_robot(cell: Cell, description: RobotDescription) -> Iterator[TopicRobot]:
    made = TopicRobot(cell.node, description, interface='velocity', bridge_id='bridge')
    cell.wait_for(lambda: cell.node.count_subscribers('robot_env/command'))
    # Only the sensor is missing.
    cell.wait_for(lambda: 'joint state' not in str(refusal_of(made)))
    yield made
    made.close()


def refusal_of(robot: TopicRobot) -> tuple[str, int] | None:
    try:
        robot.state()
    except RobotNotReady as error:
        return str(error), error.reason
    return None


def test_a_robot_is_connected_when_every_sensor_was_heard_and_its_state_has_them(
    cell: Cell, tank: Tank, robot: TopicRobot
) -> None:
    with pytest.raises(RobotNotReady, match=r'Nothing of the sensor tank on /.*/tank has come'):
        robot.connect(timeout_s=0.5)
    tank.values = [1.0, 2.0]
    robot.connect(timeout_s=TIMEOUT_S)
    state = robot.state()
    assert state.sensors['tank'].values.tolist() == [1.0, 2.0]
    assert state.position.tolist() == [0.1, 0.2]
    tank.values = [3.0, 4.0]
    cell.wait_for(lambda: robot.state().sensors['tank'].values.tolist() == [3.0, 4.0])


def test_a_reading_that_must_not_be_used_never_reaches_a_state(
    cell: Cell, tank: Tank, robot: TopicRobot
) -> None:
    tank.values = [1.0, 2.0]
    robot.connect(timeout_s=TIMEOUT_S)
    tank.values = [1.0, 10.0]
    cell.wait_for(lambda: refusal_of(robot))
    said: Any = refusal_of(robot)
    assert 'measures value 1 = 10, outside of [0, 9]' in said[0]
    assert said[1] == StopReason.STATE_INVALID
    with pytest.raises(RobotNotReady, match='outside of'):
        robot.begin(timeout_s=0.1)
    tank.values = [1.0, 2.0]
    cell.wait_for(lambda: refusal_of(robot) is None)


def test_a_reading_that_is_too_old_never_reaches_a_state_until_a_fresh_one_comes(
    cell: Cell, tank: Tank, impatient: TopicRobot
) -> None:
    tank.values = [1.0, 2.0]
    cell.wait_for(lambda: refusal_of(impatient) is None)
    tank.values = None
    seen: list[Any] = []
    cell.wait_for(lambda: seen.append(refusal_of(impatient)) or 'tank' in str(seen[-1]))
    assert 's old, more than 0.1 s' in seen[-1][0] and seen[-1][1] == StopReason.STATE_STALE
    tank.values = [1.0, 2.0]
    cell.wait_for(lambda: refusal_of(impatient) is None)


def test_silent_joints_are_told_before_a_silent_sensor(
    cell: Cell, tank: Tank, impatient: TopicRobot
) -> None:
    tank.values = [1.0, 2.0]
    cell.wait_for(lambda: refusal_of(impatient) is None)
    tank.values, cell.driving = None, False
    cell.wait_for(lambda: 'joint state' in str(refusal_of(impatient)))


def test_closed_it_listens_to_no_sensor(cell: Cell, robot: TopicRobot) -> None:
    topic = f'{cell.node.get_namespace()}/tank'
    assert topic in {one.topic_name for one in cell.node.subscriptions}
    robot.close()
    assert topic not in {one.topic_name for one in cell.node.subscriptions}
