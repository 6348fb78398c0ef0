# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Resets that ask a person for help, and what ends the waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rl_bridge.envs.reset_motion import ResetSettings
from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import RobotNotReady, RobotStopped
from rl_bridge.robots.fake_robot import FakeRobot, fake_description
from rl_bridge.tasks.joint_reach import JointReachTask
from rl_bridge.types import StopReason, StopState


class Person:
    """Answers a question as a test says; notes what it was asked, and what the robot did then."""

    timeout_s = 7.0

    def __init__(self, answer: Callable[[], bool]) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.given_up: list[bool] = []

    def ask(self, text: str, *, give_up: Callable[[], bool]) -> bool:
        self.asked.append(text)
        done = self.answer()
        self.given_up.append(give_up())
        return done and not self.given_up[-1]


class Choosy(JointReachTask):
    """Needs somebody to put a cube back before an episode."""

    missing = 0

    def reset(self, **arguments: Any) -> Any:
        if self.missing:
            self.missing -= 1
            raise RobotNotReady('Put the cube back.', StopReason.ENV_FAILED)
        return super().reset(**arguments)


def made(answer: Callable[[], bool] | None) -> Any:
    robot = FakeRobot(fake_description())
    task = Choosy(robot.description, reference=[0.5, -0.25])
    person = None if answer is None else Person(answer)
    env: Any = RobotEnv(
        robot,
        task,
        period_s=0.04,
        authority_s=0.15,
        reset_settings=ResetSettings(timeout_s=3.0),
        assistance=person,
    )
    env.person = person
    return env


def test_a_joint_that_was_freed_by_a_person_moves_on_to_where_the_episode_begins() -> None:
    env = made(lambda: True)
    env.robot.stuck = True

    def free() -> bool:
        assert env.robot.stop().state == StopState.HOLD
        env.robot.stuck = False
        return True

    env.person.answer = free
    observation, _ = env.reset(seed=0)
    assert observation[:2] == pytest.approx([0.5, -0.25], abs=0.006)
    assert len(env.person.asked) == 1
    assert 'joint_1 stays' in env.person.asked[0] and not env.person.asked[0].endswith('.')
    assert 'waiting for a person' in env.robot.holds[0][1]


def test_a_person_is_asked_again_where_it_still_does_not_go() -> None:
    env = made(lambda: True)
    env.robot.stuck = True
    answers = iter([True, True, False])
    env.person.answer = lambda: next(answers)
    with pytest.raises(
        RobotNotReady, match=r'joint_1 stays .* nobody helped within 7 s'
    ) as failed:
        env.reset(seed=0)
    assert len(env.person.asked) == 3
    assert failed.value.reason == StopReason.LIMIT_EXCEEDED
    assert env.robot.holds[-1][1] == 'the reset failed'


@pytest.mark.parametrize('helps', [True, False])
def test_a_halt_while_a_person_is_asked_ends_the_reset_whatever_they_say(helps: bool) -> None:
    env = made(lambda: True)
    env.robot.stuck = True

    def halt() -> bool:
        env.robot.halt(reason=StopReason.DEACTIVATED, message='the bridge was deactivated')
        return helps

    env.person.answer = halt
    commands = len(env.robot.commands)
    with pytest.raises(RobotStopped, match='was deactivated') as stopped:
        env.reset(seed=0)
    assert stopped.value.reason == StopReason.DEACTIVATED
    assert env.person.given_up == [True]
    assert env.robot.stop().state == StopState.STOPPED
    assert len(env.robot.commands) > commands  # of the motion before, none after
    moved = len(env.robot.commands)
    assert env.robot.state().velocity == pytest.approx(np.zeros(2))
    assert len(env.robot.commands) == moved


def test_a_task_asks_for_help_by_itself() -> None:
    env = made(lambda: True)
    env.task.missing = 1
    env.reset(seed=0)
    assert env.person.asked == ['Put the cube back']


def test_in_place_asks_for_the_task_but_needs_no_motion() -> None:
    env = made(lambda: True)
    env.robot.stuck = True
    env.task.missing = 1
    env.reset(seed=0, options={'in_place': True})
    assert env.person.asked == ['Put the cube back']
    assert env.robot.commands == []


def test_without_anybody_to_ask_the_reset_fails_at_once() -> None:
    env = made(None)
    env.task.missing = 1
    with pytest.raises(RobotNotReady, match='Put the cube back'):
        env.reset(seed=0)


def test_a_stop_is_nothing_to_help_with() -> None:
    env = made(lambda: True)
    env.robot.stop_with(StopState.ESTOP, StopReason.ROBOT_STOPPED)
    with pytest.raises(RobotStopped):
        env.reset(seed=0)
    assert env.person.asked == []
