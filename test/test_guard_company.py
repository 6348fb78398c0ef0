# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Guards that are not alone, and guards that find the robot moving: real processes over DDS."""

from __future__ import annotations

import signal
import subprocess
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
messages = pytest.importorskip('rl_bridge_interfaces.msg', reason='needs the built messages')
if not hasattr(messages, 'Command'):  # unbuilt, the folder is a namespace package
    pytest.skip('needs the built messages', allow_module_level=True)

import rclpy  # noqa: E402
import shared_memory  # noqa: E402
from guard_rig import GuardRig  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from std_msgs.msg import Float64MultiArray  # noqa: E402

from rl_bridge.types import CommandKind, StopReason, StopState  # noqa: E402

REST = [0.0, 0.0]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[GuardRig]:
    with GuardRig(tmp_path) as rig:
        yield rig


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(10)


@pytest.mark.fault(what='guard killed')
def test_a_new_guard_ends_the_motion_that_a_killed_one_left(rig: GuardRig) -> None:
    rig.drive(0.3, -0.3)
    rig.wait(lambda: rig.outputs[-1][1] == [0.3, -0.3], 'the target was not reached')
    rig.target, rig.ticking = None, False
    killed = rig.process
    shared_memory.kill(killed)
    assert rig.velocity == [0.3, -0.3], 'the controller keeps the last velocity'
    rig.outputs.clear()
    rig.process = rig.start_guard()
    rig.wait_for_stop(StopState.STOPPED, StopReason.UNCOMMANDED_MOTION)
    rig.wait(lambda: rig.velocity == REST, 'the robot goes on')
    rig.wait_for_rest()
    assert all(output == REST for _, output in rig.outputs)
    assert rig.status.bridge_id == ''
    assert 'the robot moves at 0.3 though nothing is commanded' in rig.log.read_text()
    rig.ticking = True
    rig.drive(0.3, 0.3)  # and it is of use again


@pytest.mark.fault(
    what='guard stands still, is replaced and comes back',
    seen_by='both: each hears the other',
    within='500 ms after it is back',
    state='the new one ends; the old one HOLD, STOPPED or FAULT',
    client='truncated, stop_reason',
    side='guard',
)
def test_of_a_guard_that_comes_back_and_its_successor_one_is_left(rig: GuardRig) -> None:
    rig.drive(0.3, 0.3)
    first = rig.status.guard_id
    rig.target, rig.ticking = None, False
    rig.process.send_signal(signal.SIGSTOP)
    second = rig.start_guard()
    rig.wait(lambda: rig.status.guard_id != first, 'no second guard started')
    rig.wait(lambda: rig.velocity == REST, 'the second guard did not end the motion')
    rig.process.send_signal(signal.SIGCONT)
    assert second.wait(20) == 1
    rig.wait(lambda: rig.status.guard_id == first, 'the first one does not report')
    assert rig.state > StopState.RUNNING
    assert rig.velocity == REST
    assert f'another guard, {first}, is at work' in rig.log.read_text()


def test_a_new_guard_publishes_nothing_to_a_robot_at_rest(rig: GuardRig) -> None:
    end(rig.process)
    rig.outputs.clear()
    rig.process = rig.start_guard()
    rig.wait(lambda: rig.state == StopState.HOLD, 'no guard started')
    first = rig.statuses[-1][0]
    rig.wait(lambda: rig.statuses[-1][0] > first + 500_000_000, 'no status')
    assert rig.outputs == []


@pytest.mark.fault(
    what='robot pushed or moved by hand after a stop',
    seen_by='guard: measured motion',
    within='100 ms of motion',
    state='STOPPED, UNCOMMANDED_MOTION',
    client='BridgeStopped until a reset',
    side='robot',
)
def test_a_robot_that_moves_again_after_its_standstill_is_stopped_again(rig: GuardRig) -> None:
    rig.drive(0.5, 0.5)
    rig.target = None
    rig.wait_for_rest()
    rig.following = False
    rig.velocity = [0.1, 0.0]
    rig.wait_for_stop(StopState.STOPPED, StopReason.UNCOMMANDED_MOTION)
    rig.following = True
    rig.wait(lambda: rig.velocity == REST, 'no zeros were sent again')


@pytest.mark.fault(
    what='second guard for one robot',
    seen_by='the second guard',
    within='before its first status',
    state='it does not start; the first goes on',
    client='nothing',
    side='guard',
)
def test_a_second_guard_does_not_start_and_the_first_goes_on(rig: GuardRig) -> None:
    rig.drive(0.3, 0.3)
    second = rig.start_guard()
    assert second.wait(20) == 1
    assert f'another guard, {rig.status.guard_id}, is at work' in rig.log.read_text()
    assert rig.state == StopState.RUNNING
    assert rig.process.poll() is None


@pytest.mark.fault(
    what='another program publishes to the controller',
    seen_by='guard: publishers of the topic',
    within='500 ms',
    state='FAULT, NOT_ALONE',
    client='truncated, then BridgeStopped until recover',
    side='robot',
)
def test_another_publisher_on_the_controllers_topic_is_a_fault_until_it_is_gone(
    rig: GuardRig,
) -> None:
    rig.drive(0.3, 0.3)
    stranger = rclpy.create_node('joystick', namespace=rig.namespace, context=rig.node.context)
    publisher = stranger.create_publisher(Float64MultiArray, 'velocity_controller/commands', 1)
    rig.wait_for_stop(StopState.FAULT, StopReason.NOT_ALONE)
    assert f'the node {rig.namespace}/joystick publishes on' in rig.status.stop.message
    rig.wait(lambda: rig.outputs[-1][1] == REST, 'it still moves')
    rig.target = None
    rig.wait_for_rest()
    refused = rig.status.rejected
    rig.send(CommandKind.RECOVER)
    rig.send(CommandKind.BEGIN, epoch=rig.epoch + 1)
    rig.wait(lambda: rig.status.rejected > refused, 'an episode began')
    assert rig.state == StopState.FAULT, 'it is still there'
    stranger.destroy_publisher(publisher)
    stranger.destroy_node()

    def recovered() -> bool:
        if rig.state == StopState.FAULT:
            rig.send(CommandKind.RECOVER)
        return rig.state == StopState.STOPPED

    rig.wait(recovered, 'never recovered')
    rig.drive(0.3, 0.3)


def test_before_the_first_begin_another_publisher_keeps_episodes_from_beginning(
    rig: GuardRig,
) -> None:
    stranger = rclpy.create_node('joystick', namespace=rig.namespace, context=rig.node.context)
    stranger.create_publisher(Float64MultiArray, 'velocity_controller/commands', 1)
    seen = rig.statuses[-1][0]
    rig.wait(lambda: rig.statuses[-1][0] > seen + 1_000_000_000, 'no status')
    rig.send(CommandKind.BEGIN, epoch=1)
    rig.wait_for_stop(StopState.FAULT, StopReason.NOT_ALONE)
    assert rig.status.bridge_id == ''
    assert rig.outputs == []
    stranger.destroy_node()


@pytest.mark.fault(
    what='two drivers tell where the robot is',
    seen_by='guard: counts of their messages',
    within='500 ms',
    state='FAULT, NOT_ALONE (or STOPPED, STATE_JUMP where they disagree)',
    client='truncated, then BridgeStopped until recover',
    side='robot',
)
def test_two_drivers_of_one_robot_are_a_fault(rig: GuardRig) -> None:
    rig.drive(0.2, 0.2)
    other = rclpy.create_node('other_driver', namespace=rig.namespace, context=rig.node.context)
    publisher = other.create_publisher(JointState, 'joint_states', 1)

    def publish() -> None:  # the very same state, so that nothing jumps
        publisher.publish(
            JointState(
                name=['shoulder', 'elbow'],
                position=array('d', rig.position),
                velocity=array('d', rig.velocity),
            )
        )

    timer = rig.node.create_timer(0.01, publish)
    rig.wait_for_stop(StopState.FAULT, StopReason.NOT_ALONE)
    assert f'two publishers on {rig.namespace}/joint_states' in rig.status.stop.message
    timer.destroy()
    other.destroy_node()
