# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Reward weights as parameters of a node, beside the schedules of their task."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed')

import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.tasks.joint_reach import JointReachTask
from rl_bridge.weights_node import WeightParameters

UP = {'from': 0.0, 'to': 1.0, 'over_episodes': 2}


@pytest.fixture
def context() -> Iterator[Context]:
    made = Context()
    rclpy.init(context=made, signal_handler_options=SignalHandlerOptions.NO)
    yield made
    made.shutdown()


@pytest.fixture
def task() -> Any:
    return JointReachTask(fake_description(), schedules={'precision': UP})


def test_declaring_the_weights_ends_no_schedule(context: Context, task: Any) -> None:
    node = rclpy.create_node('weights', context=context)
    weights = WeightParameters(node, task)
    assert node.get_parameter('reward_weights.precision').value == 0.0
    assert task.weights.scheduled == ('precision',)
    for _ in range(3):
        task.weights.begin_episode()
    assert task.weights['precision'] == 1.0
    weights.apply(Parameter('reward_weights.precision', value=0.25))
    task.weights.begin_episode()
    assert task.weights['precision'] == 0.25
    assert task.weights.scheduled == ()
    weights.apply(Parameter('use_sim_time', value=True))  # somebody else's
    weights.close()
    assert not node.has_parameter('reward_weights.precision')
    node.destroy_node()


def test_a_weight_given_at_the_start_ends_its_schedule(context: Context, task: Any) -> None:
    node = rclpy.create_node(
        'weights',
        context=context,
        parameter_overrides=[Parameter('reward_weights.precision', value=0.5)],
    )
    WeightParameters(node, task)
    task.weights.begin_episode()
    assert task.weights['precision'] == 0.5
    node.destroy_node()


def test_a_weight_that_is_no_number_is_refused_before_anything_changes(
    context: Context, task: Any
) -> None:
    node = rclpy.create_node('weights', context=context)
    weights = WeightParameters(node, task)
    wrong = Parameter('reward_weights.distance', value=math.nan)
    assert 'finite' in weights.check(wrong)
    assert weights.check(Parameter('reward_weights.distance', value=2.0)) == ''
    assert weights.check(Parameter('other', value=math.nan)) == ''
    node.destroy_node()


def test_what_has_no_weights_declares_none(context: Context) -> None:
    node = rclpy.create_node('weights', context=context)
    WeightParameters(node, None)
    assert not any(name.startswith('reward_weights') for name in node._parameters)
    node.destroy_node()
