# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""When a guard counts as not alone, rule by rule, against statuses over real DDS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
messages = pytest.importorskip('rl_bridge_interfaces.msg', reason='needs the built messages')
if not hasattr(messages, 'Command'):  # unbuilt, the folder is a namespace package
    pytest.skip('needs the built messages', allow_module_level=True)

from rclpy.context import Context  # noqa: E402
from rclpy.node import Node  # noqa: E402

from rl_bridge.errors import ConfigError  # noqa: E402
from rl_bridge.safety.company_node import Company  # noqa: E402
from rl_bridge.topic_qos import LATCHED  # noqa: E402
from rl_bridge.types import StopReason, StopState  # noqa: E402
from rl_bridge_interfaces.msg import GuardStatus, Stop  # noqa: E402

MS = 1_000_000


class Rig:
    """A guard's company, and another guard as far as its statuses go."""

    def __init__(self, node: Node, other: Node) -> None:
        self.company = Company(node, 'b', ('/commands',), 'joint_states')
        node.create_publisher(GuardStatus, '~/status', LATCHED)  # of this guard itself
        self.other = other.create_publisher(GuardStatus, '/guard/status', LATCHED)

    def hear(
        self, count: int, guard_id: str, *, bridge_id: str = '', reason: int = 0, bound: bool
    ) -> str:
        """Let the other guard report so often; returns what this one makes of it."""
        for _ in range(count):
            state = StopState.STOPPED if reason else StopState.RUNNING
            stop = Stop(state=int(state), reason=int(reason))
            self.other.publish(GuardStatus(guard_id=guard_id, bridge_id=bridge_id, stop=stop))
        time.sleep(0.05)  # through DDS; what is late only makes the guard less suspicious
        return self.company.look(time.monotonic_ns(), bound=bound)


@pytest.fixture
def rig() -> Iterator[Rig]:
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node('guard', context=context)
    other = rclpy.create_node('stand_in', context=context)
    rig = Rig(node, other)
    until = time.monotonic() + 10.0
    while rig.other.get_subscription_count() == 0:  # it listens once it sees the other publisher
        assert time.monotonic() < until
        rig.company.look(time.monotonic_ns(), bound=True)
    yield rig
    other.destroy_node()
    node.destroy_node()
    context.try_shutdown()


def until_heard(look: Callable[[], str]) -> str:
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        if said := look():
            return said
    raise AssertionError('never heard')


def test_a_bound_guard_tells_of_another_one_and_forgets_it_when_it_is_silent(rig: Rig) -> None:
    said = until_heard(lambda: rig.hear(1, 'a', bound=True))
    assert said.startswith('another guard, a, is at work on /guard/status: only one may')
    later = time.monotonic_ns() + 1_100 * MS
    assert rig.company.look(later, bound=True) == ''


def test_a_single_status_may_be_somebodys_last(rig: Rig) -> None:
    assert rig.hear(1, 'a', bound=False) == ''
    with pytest.raises(ConfigError, match='another guard, a, is at work'):
        until_heard(lambda: rig.hear(1, 'a', bound=False))


def test_a_guard_that_is_ending_is_none_at_work(rig: Rig) -> None:
    assert rig.hear(5, 'a', reason=StopReason.SHUTDOWN, bound=False) == ''
    assert rig.hear(5, 'a', reason=StopReason.SHUTDOWN, bound=False) == ''


def test_its_own_statuses_are_nobody_elses(rig: Rig) -> None:
    assert rig.hear(5, 'b', bridge_id='bridge', bound=False) == ''


def test_of_two_idle_guards_the_one_with_the_greater_name_goes(rig: Rig) -> None:
    said = until_heard(lambda: rig.hear(1, 'c', bound=False))
    assert said.startswith('another guard, c'), 'this one stays'


def test_of_two_idle_guards_this_one_goes_where_its_name_is_the_greater(rig: Rig) -> None:
    with pytest.raises(ConfigError, match='another guard, a'):
        until_heard(lambda: rig.hear(1, 'a', bound=False))


def test_an_idle_guard_goes_where_the_other_one_is_bound(rig: Rig) -> None:
    with pytest.raises(ConfigError, match='another guard, c'):
        until_heard(lambda: rig.hear(1, 'c', bridge_id='bridge', bound=False))


def test_two_drivers_are_told_by_their_counts_and_one_that_starts_again_is_not(rig: Rig) -> None:
    now = time.monotonic_ns()
    for count in (1, 2, 3, 7, 1, 2, 3):  # missed some, then began again
        rig.company.note_state(count, now)
    assert rig.company.look(now, bound=True) == ''
    for count in (100, 4, 101, 5, 102, 6):
        rig.company.note_state(count, now)
    assert 'two publishers on /joint_states' in rig.company.look(now, bound=True)
    assert rig.company.look(now + 2_100 * MS, bound=True) == ''


def test_a_middleware_that_does_not_count_tells_nothing(rig: Rig) -> None:
    now = time.monotonic_ns()
    for _ in range(10):
        rig.company.note_state(None, now)
    assert rig.company.look(now, bound=True) == ''
