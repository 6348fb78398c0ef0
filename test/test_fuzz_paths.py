# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Actions, messages and requests of any content; the long form is ``make figure NAME=fuzz``."""

from __future__ import annotations

import random
import sys
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.fuzzing import decoders, live, wild
from benchmarks.fuzzing.gate import GuardedRobot, Unsafe
from benchmarks.fuzzing.intruder import Accepted, Intruder
from benchmarks.fuzzing.paths import CommandPath, RequestPath
from rl_bridge.types import CommandKind, StatusCode

BRIEF = settings(max_examples=150, deadline=None, derandomize=True, database=None)
INTERFACES = pytest.mark.parametrize('interface', ['velocity', 'position'])


@BRIEF
@given(st.sampled_from(sorted(decoders.SPACES)), wild.number_lists, wild.text_lists)
def test_any_action_is_refused_or_lies_in_its_space(name: str, numbers: Any, texts: Any) -> None:
    decoders.decode_action(name, numbers, texts)


@pytest.mark.parametrize(
    'one', [decoders.wild_action, decoders.wild_observation, decoders.wild_json]
)
def test_whatever_is_decoded_is_refused_by_name_or_right(one: Any) -> None:
    dice = random.Random(1)
    taken = sum(one(dice) for _ in range(1500))
    assert 0 < taken < 1500


@INTERFACES
def test_no_request_of_any_content_brings_anything_unsafe_to_the_controller(
    interface: str,
) -> None:
    path = RequestPath(random.Random(2), interface)
    for _ in range(1500):
        path.one()
    assert path.answers['OK'] > 100
    assert path.answers['REJECTED'] > 100
    assert path.robot.outputs > 500


@BRIEF
@given(st.lists(wild.numbers.map(float), min_size=1, max_size=3))
def test_an_action_of_any_numbers_is_executed_inside_the_limits_or_refused(
    action: list[float],
) -> None:
    path = RequestPath(random.Random(3))
    moved = path.step(array('d', action))
    inside = len(action) == 2 and abs(action[0]) <= 0.5 and abs(action[1]) <= 1.0
    assert moved is inside


@INTERFACES
def test_no_message_past_the_bridge_brings_anything_unsafe_to_the_controller(
    interface: str,
) -> None:
    path = CommandPath(random.Random(4), interface)
    for _ in range(1500):
        path.one()
    assert path.verdicts['taken'] > 20
    assert path.verdicts['value'] > 100


def test_nothing_that_an_intruder_sends_is_accepted() -> None:
    dice = random.Random(5)
    intruder = Intruder(dice)
    for _ in range(1500):
        if dice.random() < 0.3:
            intruder.client()
        intruder.one()
    assert intruder.answers['UNAUTHENTICATED'] > 300
    assert sum(intruder.sent.values()) >= 1500


def test_an_intruder_who_knows_the_secret_is_noticed_by_the_figure() -> None:
    intruder = Intruder(random.Random(6))
    intruder.client()
    intruder._stranger = intruder._secret
    with pytest.raises(Accepted):
        for _ in range(500):
            intruder.one()


@pytest.mark.parametrize('output', [[np.nan, 0.0], [0.6, 0.0], [0.1, 0.1]])
def test_the_judge_at_the_controller_sees_what_is_unsafe(output: list[float]) -> None:
    robot = GuardedRobot()
    robot.advance(0.01)
    with pytest.raises(Unsafe):
        robot._judge(np.array(output), running=False)


def test_what_leaves_the_space_is_no_value_for_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        decoders.CODECS['box64'], 'unflatten', lambda numbers, texts: np.array([np.nan, 0.0])
    )
    with pytest.raises(decoders.Undeclared):
        decoders.decode_action('box64', array('d', [0.0, 0.0]), [])


def test_a_real_guard_that_is_flooded_with_malformed_messages_moves_nothing_unsafe() -> None:
    outcome = live.flood_guard(400, seed=7)
    assert outcome.wrong == []
    assert outcome.sent == 400


def test_a_real_bridge_answers_malformed_requests_and_goes_on() -> None:
    outcome = live.flood_bridge(60, seed=8)
    assert outcome.wrong == []
    assert sum(outcome.answers.values()) == 60
    assert StatusCode.UNKNOWN_OUTCOME.name not in outcome.answers


def test_a_kind_that_does_not_exist_is_no_command() -> None:
    path = CommandPath(random.Random(9))
    robot = path.robot
    robot.advance(0.01)
    robot.send(CommandKind.BEGIN)
    assert robot.send(77, [0.1, 0.1]) is not None
