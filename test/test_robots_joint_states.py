# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Joint states from the driver's order to the robot file's, and which of them are refused."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_bridge.errors import RobotNotReady
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.robots.joint_states import JointOrder, JointStates

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
    assert 'No joint state of fake has come on /joint_states' in states.problem(0)
    states.take(['joint_1'], [1.0], [0.0], [], now_ns=0)
    assert states.problem(100 * MS) == ''
    assert 'is 0.101 s old' in states.problem(101 * MS)
    states.take(['gripper'], [1.0], [0.0], [], now_ns=101 * MS)  # another device's
    assert 'is 0.101 s old' in states.problem(101 * MS)
    states.take(['joint_1'], [float('nan')], [0.0], [], now_ns=102 * MS)
    assert 'not finite' in states.problem(102 * MS)
    states.take(['joint_1'], [2.0], [0.0], [], now_ns=103 * MS)
    assert states.problem(103 * MS) == ''
    assert states.newest is not None
    assert (states.newest.position[0], states.newest.stamp_ns) == (2.0, 103 * MS)
