# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Joint states from the driver's order to the robot file's, and which of them are refused."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_bridge.errors import RobotNotReady
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.robots.joint_states import JointOrder, JointStates
from rl_bridge.types import StateFields, StopReason

MS = 1_000_000
NAMES = ('pan', 'lift', 'elbow')


@given(extra=st.lists(st.sampled_from('abcdef'), unique=True), seed=st.integers(0, 2**32))
def test_joints_are_found_by_name_in_any_order_among_any_others(
    extra: list[str], seed: int
) -> None:
    sent = [*NAMES, *extra]
    random.Random(seed).shuffle(sent)
    values = {name: float(i) for i, name in enumerate([*NAMES, *extra])}
    position = [values[name] for name in sent]
    order = JointOrder(NAMES)
    for _ in range(2):  # the second time the order is known
        picked = order.pick(sent, position, [2 * v for v in position], [3 * v for v in position])
        assert picked is not None
        assert [part.tolist() for part in picked] == [[0, 1, 2], [0, 2, 4], [0, 3, 6]]


def test_the_order_may_change_from_message_to_message() -> None:
    order = JointOrder(['a', 'b'])
    for names in (['a', 'b'], ['b', 'a'], ['a', 'b']):
        values = [{'a': 1.0, 'b': 2.0}[name] for name in names]
        picked = order.pick(names, values, values, [])
        assert picked is not None
        assert picked[0].tolist() == [1.0, 2.0]
        assert picked[2].tolist() == [0.0, 0.0]  # no effort measured


def test_a_message_without_any_of_the_joints_is_another_devices() -> None:
    order = JointOrder(NAMES)
    assert order.pick(['gripper'], [1.0], [0.0], []) is None
    assert order.pick([], [], [], []) is None


@pytest.mark.parametrize(
    ('names', 'position', 'velocity', 'effort', 'sentence'),
    [
        (['a', 'c'], [0.0, 0.0], [0.0, 0.0], [], 'no joint b; it has a, c'),
        (['a', 'b'], [0.0], [0.0, 0.0], [], '1 values of position'),
        (['a', 'b'], [0.0, 0.0], [], [], '0 values of velocity'),
        (['a', 'b'], [0.0, 0.0], [0.0, 0.0], [0.0], '1 values of effort'),
        (['a', 'b'], [0.0, float('nan')], [0.0, 0.0], [], 'position of b'),
        (['b', 'a'], [0.0, 0.0], [float('inf'), 0.0], [], 'velocity of b'),
    ],
)
def test_a_message_that_cannot_be_used_is_refused_every_time(
    names: Any, position: Any, velocity: Any, effort: Any, sentence: str
) -> None:
    order = JointOrder(['a', 'b'])
    for _ in range(2):
        with pytest.raises(RobotNotReady, match=sentence):
            order.pick(names, position, velocity, effort)


def test_only_a_fresh_and_valid_state_is_one_to_act_on() -> None:
    states = JointStates(fake_description(1), topic='/joint_states')
    assert says(states.problem(0), StopReason.STATE_STALE, 'No joint state of fake has come on')
    states.take(['joint_1'], [1.0], [0.0], [], now_ns=0)
    assert states.problem(100 * MS) is None
    assert says(states.problem(101 * MS), StopReason.STATE_STALE, 'is 0.101 s old')
    states.take(['gripper'], [1.0], [0.0], [], now_ns=101 * MS)  # another device's
    assert says(states.problem(101 * MS), StopReason.STATE_STALE, 'is 0.101 s old')
    states.take(['joint_1'], [float('nan')], [0.0], [], now_ns=102 * MS)
    assert says(states.problem(102 * MS), StopReason.STATE_INVALID, 'not finite')
    states.take(['joint_1'], [1.1], [0.0], [], now_ns=103 * MS)
    assert states.problem(103 * MS) is None
    assert states.newest is not None
    assert (states.newest.position[0], states.newest.stamp_ns) == (1.1, 103 * MS)


def says(problem: RobotNotReady | None, reason: StopReason, *words: str) -> bool:
    assert problem is not None and problem.reason == reason, problem
    return all(word in str(problem) for word in words)


class Driver:
    """Publishes states of one joint, every 8 ms with a stamp of its own clock."""

    def __init__(self) -> None:
        self.states = JointStates(fake_description(1), topic='/joint_states')
        self.now_ns = 10**12
        self.stamp_ns = 5 * 10**18  # of another clock

    def send(self, position: float, *, later_ms: int = 8, stamped_ms: int = 8) -> bool:
        """Publish; return whether what came may be acted on."""
        self.now_ns += later_ms * MS
        self.stamp_ns += stamped_ms * MS
        self.states.take(
            ['joint_1'], [position], [0.0], [], now_ns=self.now_ns, stamp_ns=self.stamp_ns
        )
        return self.problem is None

    @property
    def problem(self) -> RobotNotReady | None:
        return self.states.problem(self.now_ns)


def test_a_state_with_the_same_stamp_again_is_no_fresh_one() -> None:
    driver = Driver()
    assert driver.send(0.0)
    for _ in range(12):
        assert driver.send(0.0, stamped_ms=0)  # within the age limit of 100 ms
    assert not driver.send(0.0, stamped_ms=0)
    assert says(driver.problem, StopReason.STATE_FROZEN, 'the same stamp for 0.104 s')
    assert driver.send(0.0)


def test_a_state_that_jumps_is_not_acted_on_until_others_confirm_it_for_a_while() -> None:
    driver = Driver()
    assert driver.send(0.0)
    assert not driver.send(0.5)
    assert says(driver.problem, StopReason.STATE_JUMP, 'joint_1 is measured 0.5 away', '8 ms')
    assert driver.states.newest is not None and driver.states.newest.position[0] == 0.0
    while not driver.send(0.5):
        assert driver.now_ns < 10**12 + 200 * MS
    assert driver.states.newest.position[0] == 0.5
    assert driver.now_ns > 10**12 + 100 * MS


def test_two_drivers_of_one_robot_never_give_a_state_to_act_on() -> None:
    driver = Driver()
    assert driver.send(0.0)
    for _ in range(100):
        assert not driver.send(0.5)
        assert not driver.send(0.0)


@pytest.mark.parametrize('stamped', [True, False])
def test_a_joint_at_full_speed_never_jumps_whether_messages_wait_or_get_lost(
    stamped: bool,
) -> None:
    driver = Driver()
    if not stamped:
        driver.stamp_ns = 0
    position = 0.0
    for delay_ms in [8, 8, 50, 1, 1, 22, 8, 90, 0, 0]:  # arrival; they were sent every 8 ms
        position += 0.008  # rad: 1 rad/s, the limit
        assert driver.send(position, later_ms=delay_ms, stamped_ms=8 if stamped else 0)
    position += 0.09  # eleven messages lost
    assert driver.send(position, later_ms=90, stamped_ms=90 if stamped else 0)


def base(kind: str = 'nav_msgs/msg/Odometry', **fields: tuple[str, ...]) -> JointStates:
    odometry = {'position': (), 'velocity': ('twist.twist.linear.x',), **fields}
    description = replace(
        fake_description(1), state_type=kind, state_fields=StateFields(**odometry)
    )
    return JointStates(description, topic='/odom')


def test_a_base_without_positions_is_read_from_its_odometry() -> None:
    message = pytest.importorskip('nav_msgs.msg', reason='needs ROS 2').Odometry()
    message.twist.twist.linear.x = 0.5
    message.pose.pose.position.x = 100.0
    states = base()
    message.header.stamp.sec = 1
    states.hear(message, 0)
    assert states.problem(0) is None
    assert states.newest is not None
    assert states.newest.position.tolist() == [0.0]
    assert states.newest.velocity.tolist() == [0.5]
    assert states.newest.effort.tolist() == [0.0]
    message.pose.pose.position.x = -100.0  # no joint's: a base may be told to be anywhere
    states.hear(message, 90 * MS)
    assert says(states.problem(110 * MS), StopReason.STATE_FROZEN, 'has had the same stamp')
    message.header.stamp.sec = 2
    states.hear(message, 110 * MS)
    assert states.problem(110 * MS) is None
    message.twist.twist.linear.x = float('nan')
    message.header.stamp.sec = 3
    states.hear(message, 120 * MS)
    assert says(states.problem(120 * MS), StopReason.STATE_INVALID, 'velocity', 'not finite')


def test_positions_and_efforts_may_stand_anywhere_and_jumps_are_seen() -> None:
    kind = pytest.importorskip('std_msgs.msg', reason='needs ROS 2').Float64MultiArray
    states = base(
        'std_msgs/msg/Float64MultiArray',
        position=('data[2]',), velocity=('data[1]',), effort=('data[0]',),
    )  # fmt: skip
    states.hear(kind(data=[7.0, 0.5, 0.1]), 0)
    assert states.newest is not None
    newest = states.newest
    values = newest.position.tolist(), newest.velocity.tolist(), newest.effort.tolist()
    assert values == ([0.1], [0.5], [7.0])
    states.hear(kind(data=[7.0, 0.5]), 10 * MS)
    assert says(states.problem(10 * MS), StopReason.STATE_INVALID, 'has no data[2]')
    states.hear(kind(data=[7.0, 0.5, 0.11]), 20 * MS)
    assert states.problem(20 * MS) is None
    states.hear(kind(data=[7.0, 0.5, 3.0]), 30 * MS)
    assert says(states.problem(30 * MS), StopReason.STATE_JUMP, 'faster than it can move')
