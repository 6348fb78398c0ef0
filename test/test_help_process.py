# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A bridge whose reset asks a person for help, over real topics; a stop still wins."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

import lifecycle_msgs.msg
from by_hand import ByHand
from lifecycle_msgs.srv import ChangeState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from truth_rig import TIMEOUT_S, make, robot_side

from rl_bridge.errors import BridgeStopped, BridgeUnavailable
from rl_bridge.topic_qos import LATCHED

NAMESPACE = f'help_{os.getpid()}'
BRIDGE = f'/{NAMESPACE}/robot_env'
MISSING = {'missing': 1}


class Person(ByHand):
    """Reads ``~/help``, as somebody beside the robot does."""

    def __init__(self, bridge: str) -> None:
        super().__init__(bridge)
        self.text: str | None = None
        self.node.create_subscription(String, f'{bridge}/help', self._on_help, LATCHED)

    def reads(self, text: str) -> None:
        """Wait until this text stands there."""
        end_s = time.monotonic() + TIMEOUT_S
        while self.text != text:
            assert time.monotonic() < end_s, self.text
            self.executor.spin_once(timeout_sec=0.5)

    def _on_help(self, message: String) -> None:
        self.text = message.data


@pytest.fixture(scope='module')
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    here = str(Path(__file__).resolve().parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', os.pathsep.join([here, os.environ.get('PYTHONPATH', '')]))
        folder = tmp_path_factory.mktemp('robot')
        parameters = {'task': "'help_task:Fetch'", 'reset_help_timeout': '20.0'}
        with robot_side(folder, NAMESPACE, **parameters) as made:
            yield made


@pytest.fixture
def env(cell: Any) -> Iterator[Any]:
    made = make(NAMESPACE, reset_timeout_s=TIMEOUT_S)
    made.reset()
    yield made
    made.close()


@pytest.fixture
def person(cell: Any) -> Iterator[Person]:
    made = Person(BRIDGE)
    yield made
    made.close()


def meanwhile(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Do something in a thread of its own; its result or its error comes into the list."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def test_a_reset_says_what_it_needs_and_goes_on_when_somebody_helped(
    env: Any, person: Person
) -> None:
    thread, found = meanwhile(lambda: env.reset(options=MISSING))
    person.reads('Put the cube back')
    answer = person.call(Trigger, 'helped')
    assert (answer.success, answer.message) == (True, 'thank you')
    thread.join()
    observation, _ = found[0]
    assert observation.shape == (2,)
    person.reads('')  # nothing is needed any more
    env.step(env.action_space.sample() * 0.0)


def test_help_that_nobody_asked_for_is_told_so_and_counts_for_no_later_question(
    env: Any, person: Person
) -> None:
    answer = person.call(Trigger, 'helped')
    assert (answer.success, answer.message) == (False, 'nobody asked for help')
    thread, found = meanwhile(lambda: env.reset(options=MISSING))
    person.reads('Put the cube back')
    assert not found
    assert person.call(Trigger, 'helped').success
    thread.join()
    assert isinstance(found[0], tuple)


def test_a_halt_ends_the_waiting_and_the_next_reset_begins_anew(env: Any, person: Person) -> None:
    thread, found = meanwhile(lambda: env.reset(options=MISSING))
    person.reads('Put the cube back')
    assert person.call(Trigger, 'halt').success
    thread.join()
    assert isinstance(found[0], BridgeStopped)
    assert 'a halt was requested' in str(found[0])
    person.reads('')
    env.reset()


def test_a_deactivation_ends_the_waiting(env: Any, person: Person) -> None:
    thread, found = meanwhile(lambda: env.reset(options=MISSING))
    person.reads('Put the cube back')
    change(person, 'deactivate')
    thread.join()
    assert isinstance(found[0], (BridgeStopped, BridgeUnavailable)), found
    assert 'deactivated' in str(found[0])
    change(person, 'activate')
    env.reset()


def change(person: Person, label: str) -> None:
    request = {'transition': lifecycle_msgs.msg.Transition(label=label)}
    assert person.call(ChangeState, 'change_state', **request).success
