# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""TopicRobot on real rclpy, between a driver and a guard that do as the test says."""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='there is no ROS 2 here')
# The message itself: unbuilt, the package's folder still imports as a namespace.
pytest.importorskip('rl_bridge_interfaces.msg._command', reason='the interfaces are not built')

import rclpy
from nav_msgs.msg import Odometry
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState

from rl_bridge.errors import ConfigError, LimitError, RobotNotReady, RobotStopped
from rl_bridge.robots.fake_robot import fake_description
from rl_bridge.robots.topic_robot import TopicRobot
from rl_bridge.types import CommandKind, StateFields, StopReason, StopState
from rl_bridge_interfaces.msg import Command, GuardStatus

TIMEOUT_S = 20.0
NUMBERS = itertools.count()
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Cell:
    """A driver and a guard on one node, and another node for the robot, spun by a thread."""

    def __init__(self) -> None:
        self.context = Context()
        # rclpy's own handlers would stay installed after the test.
        rclpy.init(context=self.context, signal_handler_options=SignalHandlerOptions.NO)
        place = {'context': self.context, 'namespace': f'/topic_robot_{next(NUMBERS)}'}
        self.node = Node('robot_env', **place)
        self._cell = Node('guard', **place)
        self.news = threading.Condition()
        self.commands: list[Command] = []
        self.driving = self.guarding = True
        self.state = JointState(
            name=['gripper', 'joint_2', 'joint_1'],
            position=[9.0, 0.2, 0.1],
            velocity=[9.0, 2.0, 1.0],
            effort=[9.0, 20.0, 10.0],
        )
        self.status = GuardStatus()
        self.status.stop.state = int(StopState.HOLD)
        self.status.stop.reason = int(StopReason.IDLE)
        self.on_command: Callable[[Command], None] = self.accept
        self._states = self._cell.create_publisher(JointState, 'joint_states', 10)
        self._statuses = self._cell.create_publisher(GuardStatus, '~/status', LATCHED)
        self._cell.create_subscription(Command, 'robot_env/command', self._on_command, 10)
        self._cell.create_timer(0.01, self._drive)
        self._cell.create_timer(0.02, self._guard)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._executor.add_node(self._cell)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def accept(self, command: Command) -> None:
        """Do as a guard that allows everything."""
        self.status.bridge_id = command.bridge_id
        self.status.epoch, self.status.sequence = command.epoch, command.sequence
        latched = command.kind in (CommandKind.HALT, CommandKind.RECOVER)
        held = command.kind == CommandKind.HOLD
        state = StopState.STOPPED if latched else StopState.HOLD if held else StopState.RUNNING
        self.status.stop.state = int(state)
        self.status.stop.reason = command.reason
        self.status.stop.message = command.message

    def kinds(self) -> list[int]:
        """The kinds of all commands that came."""
        return [command.kind for command in self.commands]

    def wait_for(self, seen: Callable[[], Any]) -> None:
        """Wait until something is seen, or fail."""
        with self.news:
            assert self.news.wait_for(seen, TIMEOUT_S), (self.commands, self.status)

    def close(self) -> None:
        """End the thread and let go of everything."""
        self.context.try_shutdown()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()
        self._cell.destroy_node()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _drive(self) -> None:
        if self.driving:
            self._states.publish(self.state)

    def _guard(self) -> None:
        if self.guarding:
            self._statuses.publish(self.status)
        with self.news:
            self.news.notify_all()

    def _on_command(self, command: Command) -> None:
        with self.news:
            self.commands.append(command)
            self.on_command(command)
            self.news.notify_all()


@pytest.fixture
def cell() -> Iterator[Cell]:
    made = Cell()
    yield made
    made.close()


@pytest.fixture
def robot(cell: Cell) -> Iterator[TopicRobot]:
    made = TopicRobot(cell.node, fake_description(), interface='velocity', bridge_id='bridge')
    made.connect(timeout_s=TIMEOUT_S)
    cell.wait_for(lambda: cell.node.count_subscribers('robot_env/command'))
    yield made
    made.close()


def stopped_as(robot: TopicRobot, cell: Cell, state: StopState, reason: StopReason) -> None:
    cell.wait_for(lambda: (robot.stop().state, robot.stop().reason) == (state, reason))


def test_a_bridge_whose_clock_was_set_back_begins_above_what_the_guard_has_heard_of(
    cell: Cell,
) -> None:
    cell.status.epoch = 77
    with contextlib.closing(
        TopicRobot(cell.node, fake_description(), interface='velocity', first_epoch=5)
    ) as robot:
        robot.connect(timeout_s=TIMEOUT_S)
        assert robot.least_epoch == 77


def test_an_epoch_above_the_guards_is_kept(cell: Cell) -> None:
    cell.status.epoch = 77
    with contextlib.closing(
        TopicRobot(cell.node, fake_description(), interface='velocity', first_epoch=80)
    ) as robot:
        robot.connect(timeout_s=TIMEOUT_S)
        assert robot.least_epoch == 80


def test_the_state_comes_in_the_robot_files_order(robot: TopicRobot) -> None:
    before_ns = time.monotonic_ns()
    state = robot.state()
    assert state.position.tolist() == [0.1, 0.2]
    assert state.velocity.tolist() == [1.0, 2.0]
    assert state.effort.tolist() == [10.0, 20.0]
    assert 0 <= before_ns - state.stamp_ns < TIMEOUT_S * 1e9


def ready(robot: TopicRobot) -> bool:
    try:
        robot.state()
    except RobotNotReady:
        return False
    return True


def test_a_state_is_read_from_the_fields_of_any_message(cell: Cell) -> None:
    description = replace(
        fake_description(),
        state_topic='odom',
        state_type='nav_msgs/msg/Odometry',
        state_fields=StateFields((), ('twist.twist.linear.x', 'twist.twist.angular.z')),
    )
    odometry = Odometry()
    odometry.twist.twist.linear.x, odometry.twist.twist.angular.z = 0.3, -0.2
    publisher = cell.node.create_publisher(Odometry, 'odom', 1)
    cell.node.create_timer(0.01, lambda: publisher.publish(odometry))
    with contextlib.closing(TopicRobot(cell.node, description, interface='velocity')) as robot:
        robot.connect(timeout_s=TIMEOUT_S)
        state = robot.state()
        assert state.velocity.tolist() == [0.3, -0.2]
        assert state.position.tolist() == [0.0, 0.0]
        odometry.twist.twist.linear.x = math.nan
        cell.wait_for(lambda: not ready(robot))
        with pytest.raises(RobotNotReady, match='not finite'):
            robot.state()


def test_a_state_of_a_type_that_is_not_installed_is_refused(cell: Cell) -> None:
    fields = StateFields((), ('a', 'b'))
    description = replace(
        fake_description(), state_type='no_such_msgs/msg/State', state_fields=fields
    )
    with pytest.raises(ConfigError, match='no_such_msgs/msg/State, which is not installed'):
        TopicRobot(cell.node, description, interface='velocity')


def test_a_driver_that_falls_silent_makes_the_state_stale_not_old(
    cell: Cell, robot: TopicRobot
) -> None:
    cell.driving = False
    age_s = robot.description.state_max_age_s

    def stale() -> bool:
        try:
            robot.state()
        except RobotNotReady as error:
            return f'more than {age_s:g} s' in str(error)
        return False

    cell.wait_for(stale)
    with pytest.raises(RobotNotReady, match='joint_states'):
        robot.begin(timeout_s=0.1)
    assert CommandKind.BEGIN not in cell.kinds()
    cell.driving = True
    robot.connect(timeout_s=TIMEOUT_S)
    assert robot.state().position.tolist() == [0.1, 0.2]


@pytest.mark.fault(what='joint state not finite')
@pytest.mark.parametrize(
    ('field', 'values', 'sentence'),
    [
        ('name', ['gripper', 'joint_2', 'elbow'], 'no joint joint_1'),
        ('velocity', [], '0 values of velocity'),
        ('velocity', [0.0, np.nan, 0.0], 'velocity of joint_2'),
        ('position', [0.0, 0.0, np.inf], 'position of joint_1'),
    ],
)
def test_a_state_that_cannot_be_used_is_refused_with_the_reason(
    cell: Cell, robot: TopicRobot, field: str, values: Any, sentence: str
) -> None:
    setattr(cell.state, field, values if field == 'name' else array('d', values))

    def refused() -> bool:
        try:
            robot.state()
        except RobotNotReady as error:
            return sentence in str(error)
        return False

    cell.wait_for(refused)


def test_connect_names_the_topic_that_is_silent(cell: Cell) -> None:
    cell.driving = False
    robot = TopicRobot(cell.node, fake_description(), interface='velocity')
    with pytest.raises(RobotNotReady, match=r'joint_states: is its driver running'):
        robot.connect(timeout_s=0.05)
    cell.driving, cell.guarding = True, False
    robot.close()
    lonely = TopicRobot(cell.node, fake_description(), interface='velocity', guard='nobody')
    with pytest.raises(RobotNotReady, match=r'nobody/status .*rl_bridge_guard'):
        lonely.connect(timeout_s=0.5)
    lonely.close()


def test_a_guard_that_does_not_listen_to_this_bridge_is_refused_when_connecting(
    cell: Cell,
) -> None:
    robot = TopicRobot(
        cell.node, fake_description(), interface='velocity', command_topic='other_env/command'
    )
    with pytest.raises(RobotNotReady, match=r'does not listen to .*/other_env/command') as failed:
        robot.connect(timeout_s=0.5)
    assert failed.value.reason == StopReason.NOT_ALONE
    robot.close()


def test_a_robot_without_the_interface_is_refused(cell: Cell) -> None:
    with pytest.raises(ConfigError, match="no command interface 'torque'"):
        TopicRobot(cell.node, fake_description(), interface='torque')


def test_begin_returns_when_the_guard_has_confirmed(cell: Cell, robot: TopicRobot) -> None:
    robot.note(epoch=7, episode=3, step=0)
    robot.begin(timeout_s=TIMEOUT_S)
    begin = cell.commands[-1]
    assert (begin.kind, begin.bridge_id) == (CommandKind.BEGIN, 'bridge')
    assert (begin.epoch, begin.episode, begin.step) == (7, 3, 0)
    assert robot.stop().state == StopState.RUNNING


def test_a_command_carries_what_it_belongs_to(cell: Cell, robot: TopicRobot) -> None:
    robot.note(epoch=7, episode=3, step=0)
    robot.begin(timeout_s=TIMEOUT_S)
    before_ns = time.monotonic_ns()
    robot.note(epoch=7, episode=3, step=12)
    robot.command(np.array([0.5, -0.5]), authority_s=0.15)
    cell.wait_for(lambda: CommandKind.MOVE in cell.kinds())
    move = cell.commands[-1]
    assert move.command.tolist() == [0.5, -0.5]
    assert (move.epoch, move.episode, move.step) == (7, 3, 12)
    assert move.authority_ns == 150_000_000
    assert before_ns <= move.stamp_ns <= time.monotonic_ns()
    assert move.sequence > cell.commands[-2].sequence


def test_the_authority_of_a_step_counts_from_when_it_left_its_sender(
    cell: Cell, robot: TopicRobot
) -> None:
    robot.note(epoch=7, episode=3, step=0)
    robot.begin(timeout_s=TIMEOUT_S)
    before_ns = time.monotonic_ns()
    robot.note(epoch=7, episode=3, step=12, age_s=0.1)
    after_ns = time.monotonic_ns()
    robot.command(np.array([0.5, -0.5]), authority_s=0.15)
    cell.wait_for(lambda: CommandKind.MOVE in cell.kinds())
    move = cell.commands[-1]
    assert before_ns <= move.stamp_ns + 100_000_000 <= after_ns
    assert move.authority_ns == 150_000_000


@pytest.mark.fault(
    what='a task commands beyond the limits',
    seen_by='bridge: limits',
    within='before it is sent',
    state='STOPPED, ENV_FAILED',
    client='EnvFailed names joint, value and limit',
    side='bridge',
)
@pytest.mark.parametrize('values', [[1.5, 0.0], [np.nan, 0.0], [0.0], [0.0, -np.inf]])
def test_a_command_outside_the_limits_is_never_sent(
    cell: Cell, robot: TopicRobot, values: list[float]
) -> None:
    robot.begin(timeout_s=TIMEOUT_S)
    with pytest.raises(LimitError):
        robot.command(np.array(values), authority_s=0.15)
    robot.command(np.zeros(2), authority_s=0.15)  # arrives after whatever was sent before
    cell.wait_for(lambda: CommandKind.MOVE in cell.kinds())
    assert [c.command.tolist() for c in cell.commands if c.kind == CommandKind.MOVE] == [[0, 0]]


def test_a_fault_forbids_an_episode_until_it_is_recovered(cell: Cell, robot: TopicRobot) -> None:
    def refuse(command: Command) -> None:
        if command.kind == CommandKind.RECOVER:
            cell.accept(command)
            cell.on_command = cell.accept

    cell.on_command = refuse
    cell.status.stop.state = int(StopState.FAULT)
    cell.status.stop.reason = int(StopReason.NO_STANDSTILL)
    cell.status.stop.message = 'the arm did not come to rest'
    with pytest.raises(RobotStopped, match='did not come to rest') as caught:
        robot.begin(timeout_s=TIMEOUT_S)
    assert caught.value.state == StopState.FAULT
    assert caught.value.reason == StopReason.NO_STANDSTILL
    robot.recover()
    robot.begin(timeout_s=TIMEOUT_S)
    assert robot.stop().state == StopState.RUNNING


def test_a_guard_that_does_not_confirm_is_not_ready(cell: Cell, robot: TopicRobot) -> None:
    cell.on_command = lambda command: None
    with pytest.raises(RobotNotReady, match='did not confirm'):
        robot.begin(timeout_s=0.3)
    assert cell.kinds().count(CommandKind.BEGIN) > 1  # it was asked again


def test_a_guard_that_sees_the_robot_later_is_asked_until_it_does(
    cell: Cell, robot: TopicRobot
) -> None:
    def blind_three_times(command: Command) -> None:
        cell.accept(command)
        if len(cell.commands) <= 3:
            cell.status.stop.state = int(StopState.HOLD)
            cell.status.stop.reason = int(StopReason.STATE_STALE)

    cell.on_command = blind_three_times
    robot.begin(timeout_s=TIMEOUT_S)
    assert cell.kinds() == [CommandKind.BEGIN] * len(cell.commands)
    assert len(cell.commands) >= 4
    assert robot.stop().state == StopState.RUNNING


def test_a_guard_bound_to_another_bridge_is_named(cell: Cell, robot: TopicRobot) -> None:
    cell.on_command = lambda command: None
    cell.status.bridge_id = 'the other one'
    with pytest.raises(RobotNotReady, match='listens to the bridge the other one') as failed:
        robot.begin(timeout_s=TIMEOUT_S)  # it does not wait that long for one that lives
    assert failed.value.reason == StopReason.NOT_ALONE


def test_a_guard_that_stops_right_at_the_begin_is_a_stop(cell: Cell, robot: TopicRobot) -> None:
    def out_of_range(command: Command) -> None:
        cell.accept(command)
        cell.status.stop.state = int(StopState.STOPPED)
        cell.status.stop.reason = int(StopReason.LIMIT_EXCEEDED)
        cell.status.stop.message = 'jog it back'

    cell.on_command = out_of_range
    with pytest.raises(RobotStopped, match='jog it back'):
        robot.begin(timeout_s=TIMEOUT_S)


def test_a_halt_during_begin_is_not_overrun(cell: Cell, robot: TopicRobot) -> None:
    begun = threading.Event()

    def hear(command: Command) -> None:
        begun.set()  # and never confirm

    cell.on_command = hear

    def halt() -> None:
        assert begun.wait(TIMEOUT_S)
        robot.halt(reason=StopReason.HALT_REQUESTED, message='somebody pressed halt')

    other = threading.Thread(target=halt)
    other.start()
    with pytest.raises(RobotStopped, match='somebody pressed halt'):
        robot.begin(timeout_s=TIMEOUT_S)
    other.join()
    cell.wait_for(lambda: CommandKind.HALT in cell.kinds())
    robot.hold(reason=StopReason.IDLE, message='a mark')
    cell.wait_for(lambda: CommandKind.HOLD in cell.kinds())
    after = cell.kinds()[cell.kinds().index(CommandKind.HALT) :]
    assert CommandKind.BEGIN not in after


def test_a_halt_between_announcing_and_beginning_is_not_cleared(
    cell: Cell, robot: TopicRobot
) -> None:
    robot.note(epoch=1, episode=1, step=0)
    robot.halt(reason=StopReason.HALT_REQUESTED, message='just in time')
    with pytest.raises(RobotStopped, match='just in time'):
        robot.begin(timeout_s=TIMEOUT_S)
    assert cell.kinds() == []
    robot.note(epoch=1, episode=2, step=0)
    robot.begin(timeout_s=TIMEOUT_S)


def test_a_second_robot_of_one_bridge_goes_on_where_the_first_ended(
    cell: Cell, robot: TopicRobot
) -> None:
    robot.begin(timeout_s=TIMEOUT_S)
    last = cell.commands[-1].sequence
    robot.close()
    again = TopicRobot(cell.node, fake_description(), interface='velocity', bridge_id='bridge')
    again.connect(timeout_s=TIMEOUT_S)
    cell.wait_for(lambda: cell.node.count_publishers('robot_env/command') == 1)
    again.begin(timeout_s=TIMEOUT_S)
    assert cell.commands[-1].sequence > last
    again.close()


def test_a_halt_holds_at_once_and_until_the_next_begin(cell: Cell, robot: TopicRobot) -> None:
    robot.begin(timeout_s=TIMEOUT_S)
    robot.halt(reason=StopReason.HALT_REQUESTED, message='enough')
    assert robot.stop().state == StopState.STOPPED
    with pytest.raises(RobotStopped, match='enough'):
        robot.command(np.zeros(2), authority_s=0.15)
    cell.wait_for(lambda: CommandKind.HALT in cell.kinds())
    assert cell.commands[-1].reason == StopReason.HALT_REQUESTED
    robot.begin(timeout_s=TIMEOUT_S)
    robot.command(np.zeros(2), authority_s=0.15)


def test_a_hold_is_not_latched(cell: Cell, robot: TopicRobot) -> None:
    robot.begin(timeout_s=TIMEOUT_S)
    robot.hold(reason=StopReason.IDLE, message='between episodes')
    stopped_as(robot, cell, StopState.HOLD, StopReason.IDLE)
    robot.command(np.zeros(2), authority_s=0.15)
    stopped_as(robot, cell, StopState.RUNNING, StopReason.NONE)


def test_a_silent_guard_counts_as_stopped(cell: Cell, robot: TopicRobot) -> None:
    robot.begin(timeout_s=TIMEOUT_S)
    cell.guarding = False
    stopped_as(robot, cell, StopState.STOPPED, StopReason.GUARD_SILENT)
    with pytest.raises(RobotStopped, match='rl_bridge_guard'):
        robot.command(np.zeros(2), authority_s=0.15)
    with pytest.raises(RobotNotReady, match='nothing was heard from the guard'):
        robot.begin(timeout_s=0.3)


@pytest.mark.parametrize(
    ('listens_to', 'reason'),
    [('', StopReason.GUARD_SILENT), ('the other one', StopReason.TAKEOVER)],
)
def test_a_guard_that_listens_to_another_bridge_counts_as_stopped(
    cell: Cell, robot: TopicRobot, listens_to: str, reason: StopReason
) -> None:
    robot.begin(timeout_s=TIMEOUT_S)
    cell.status.bridge_id = listens_to
    stopped_as(robot, cell, StopState.STOPPED, reason)


def test_a_guard_that_never_heard_of_this_bridge_is_sent_no_stops(
    cell: Cell, robot: TopicRobot
) -> None:
    robot.hold(reason=StopReason.IDLE, message='nothing began')
    robot.halt(reason=StopReason.SHUTDOWN, message='nothing began')
    robot.begin(timeout_s=TIMEOUT_S)
    assert set(cell.kinds()) == {CommandKind.BEGIN}


def test_close_halts_and_may_be_called_twice(cell: Cell, robot: TopicRobot) -> None:
    robot.begin(timeout_s=TIMEOUT_S)
    robot.close()
    cell.wait_for(lambda: CommandKind.HALT in cell.kinds())
    robot.close()
    robot.hold(reason=StopReason.IDLE, message='too late')
    robot.recover()
    assert robot.stop().state == StopState.STOPPED
    assert cell.kinds().count(CommandKind.HALT) == 1


def test_close_after_the_context_is_gone_does_no_harm(cell: Cell) -> None:
    robot = TopicRobot(cell.node, fake_description(), interface='position')
    robot.connect(timeout_s=TIMEOUT_S)
    robot.begin(timeout_s=TIMEOUT_S)
    cell.context.shutdown()
    robot.halt(reason=StopReason.SHUTDOWN, message='the process ends')
    robot.close()
    assert robot.stop().state == StopState.STOPPED
