# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard process before controllers of other kinds than a forward controller of all joints."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')
messages = pytest.importorskip('rl_bridge_interfaces.msg', reason='needs the built messages')
if not hasattr(messages, 'Command'):  # unbuilt, the folder is a namespace package
    pytest.skip('needs the built messages', allow_module_level=True)

from geometry_msgs.msg import TwistStamped  # noqa: E402
from guard_rig import MS, ROBOT, GuardRig  # noqa: E402
from nav_msgs.msg import Odometry  # noqa: E402
from rclpy.qos import QoSProfile  # noqa: E402
from std_msgs.msg import Float64, Float64MultiArray  # noqa: E402
from trajectory_msgs.msg import JointTrajectory  # noqa: E402

from rl_bridge.types import StopReason, StopState  # noqa: E402

TWIST = 'geometry_msgs/msg/TwistStamped'
BASE: dict[str, Any] = {
    'joints': ['linear', 'angular'],
    'state': {
        'topic': 'odom',
        'type': 'nav_msgs/msg/Odometry',
        'velocity': ['twist.twist.linear.x', 'twist.twist.angular.z'],
        'max_age': 0.1,
    },
    'commands': {
        'velocity': {'topic': 'cmd_vel', 'type': TWIST, 'frame_id': 'base', 'timeout': 0.5}
    },
    'limits': {**ROBOT['limits'], 'position': 'unlimited'},  # type: ignore[dict-item]
}
TWO_TOPICS: dict[str, Any] = {
    'commands': {
        'position': {
            'timeout': 0.0,
            'outputs': [
                {'topic': 'arm/commands', 'joints': ['elbow']},
                {
                    'topic': 'hand', 'type': 'std_msgs/msg/Float64', 'fields': ['data'],
                    'joints': ['shoulder'],
                },
            ],
        }
    }
}  # fmt: skip
TRAJECTORY: dict[str, Any] = {
    'commands': {
        'position': {
            'topic': 'arm/joint_trajectory',
            'type': 'trajectory_msgs/msg/JointTrajectory',
            'arrive_within': 0.1,
            'timeout': 0.0,
        }
    }
}
EFFORT: dict[str, Any] = {
    'commands': {'effort': {'topic': 'effort_controller/commands', 'timeout': 0.1}},
    'limits': {**ROBOT['limits'], 'effort': [10.0, 5.0]},  # type: ignore[dict-item]
}


class BaseRig(GuardRig):
    """A mobile base: a stamped twist in, odometry out."""

    topics = ('cmd_vel',)

    def listen(self) -> None:
        self.twists: list[TwistStamped] = []
        self.node.create_subscription(TwistStamped, 'cmd_vel', self._on_twist, 1000)

    def _on_twist(self, message: TwistStamped) -> None:
        self.twists.append(message)
        self.on_output([message.twist.linear.x, message.twist.angular.z])

    def make_state_publisher(self) -> Any:
        return self.node.create_publisher(Odometry, 'odom', 1)

    def make_state(self) -> Odometry:
        state = Odometry()
        state.header.stamp = self.node.get_clock().now().to_msg()
        state.twist.twist.linear.x, state.twist.twist.angular.z = self.velocity
        return state


class TwoTopicsRig(GuardRig):
    """An elbow on one topic, a shoulder on another; both are published in one update."""

    topics = ('arm/commands', 'hand')

    def listen(self) -> None:
        self.elbow: list[float] = []
        self.shoulder: list[float] = []
        self.node.create_subscription(Float64MultiArray, 'arm/commands', self._on_elbow, 1000)
        self.node.create_subscription(Float64, 'hand', self._on_shoulder, 1000)

    def _on_elbow(self, message: Float64MultiArray) -> None:
        self.elbow += message.data.tolist()
        self._on_either()

    def _on_shoulder(self, message: Float64) -> None:
        self.shoulder.append(message.data)
        self._on_either()

    def _on_either(self) -> None:
        # The two travel apart and may come in any order: the n-th of each belong together.
        count = len(self.outputs)
        if len(self.elbow) > count and len(self.shoulder) > count:
            self.on_output([self.shoulder[count], self.elbow[count]])


class TrajectoryRig(GuardRig):
    """A trajectory controller that is where it was sent at once."""

    topics = ('arm/joint_trajectory',)

    def listen(self) -> None:
        self.trajectories: list[JointTrajectory] = []
        topic, quality = self.topics[0], QoSProfile(depth=1000)
        self.node.create_subscription(JointTrajectory, topic, self._on_trajectory, quality)

    def _on_trajectory(self, message: JointTrajectory) -> None:
        self.trajectories.append(message)
        self.on_output(message.points[-1].positions.tolist())


def started(rig: GuardRig, *position: float) -> None:
    """Let the guard hear of the robot where it is."""
    rig.position = list(position)
    sent = time.monotonic_ns()
    rig.wait(lambda: rig.statuses[-1][0] > sent + 50 * MS, 'no status')


def test_a_base_is_driven_by_twists_and_stopped_by_them(tmp_path: Path) -> None:
    with BaseRig(tmp_path, robot=BASE) as rig:
        rig.drive(0.5, -1.0)
        rig.wait(lambda: rig.outputs[-1][1] == [0.5, -1.0], 'the target was not reached')
        twist = rig.twists[-1]
        assert twist.header.frame_id == 'base'
        age_ns = rig.node.get_clock().now().nanoseconds - (
            twist.header.stamp.sec * 1_000_000_000 + twist.header.stamp.nanosec
        )
        assert 0 <= age_ns < 10_000 * MS, 'stamped with the time it was sent, not with zero'
        rig.target = None
        rig.wait_for_stop(StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
        rig.wait_for_rest()
        assert rig.outputs[-1][1] == [0.0, 0.0]
        rig.drive(0.5, 0.5)
        rig.measuring = False
        rig.wait_for_stop(StopState.STOPPED, StopReason.STATE_STALE)
        assert 'the measured state on odom is ' in rig.status.stop.message
        assert rig.outputs[-1][1] == [0.0, 0.0]
        assert 'velocity commands of robot_env go to' in rig.log.read_text()
        assert 'cmd_vel' in rig.log.read_text()


def test_odometry_that_is_not_finite_stops_a_base(tmp_path: Path) -> None:
    with BaseRig(tmp_path, robot=BASE) as rig:
        rig.drive(0.5, 0.0)
        rig.following = False
        rig.velocity = [float('nan'), 0.0]
        rig.wait_for_stop(StopState.STOPPED, StopReason.STATE_INVALID)
        rig.wait(lambda: rig.outputs[-1][1] == [0.0, 0.0], 'not stopped')


def test_every_topic_of_an_interface_gets_its_joints(tmp_path: Path) -> None:
    with TwoTopicsRig(tmp_path, 'position', robot=TWO_TOPICS) as rig:
        started(rig, 0.4, -0.4)
        rig.drive(0.5, -0.5)
        rig.wait(lambda: rig.outputs[-1][1] == [0.5, -0.5], 'the target was not reached')
        assert rig.outputs[0][1] == [0.4, -0.4], 'from where it is measured'
        assert all(0.4 <= a <= 0.5 and -0.5 <= b <= -0.4 for _, (a, b) in rig.outputs)
        log = rig.log.read_text()
        assert f'{rig.namespace}/arm/commands, {rig.namespace}/hand' in log


@pytest.mark.parametrize(
    ('kind', 'topic'), [(Float64, 'hand'), (Float64MultiArray, 'arm/commands')]
)
def test_nobody_else_may_publish_on_any_of_the_topics(
    kind: Any, topic: str, tmp_path: Path
) -> None:
    with TwoTopicsRig(tmp_path, 'position', robot=TWO_TOPICS) as rig:
        started(rig, 0.0, 0.0)
        rig.begin()
        rig.node.create_publisher(kind, topic, 1)
        rig.wait_for_stop(StopState.FAULT, StopReason.NOT_ALONE)
        assert f'publishes on {rig.namespace}/{topic} too' in rig.status.stop.message


def test_a_trajectory_controller_is_sent_one_point_and_held_where_it_is_measured(
    tmp_path: Path,
) -> None:
    with TrajectoryRig(tmp_path, 'position', robot=TRAJECTORY) as rig:
        started(rig, 0.2, 0.1)
        rig.drive(0.6, 0.4)
        assert rig.outputs[0][1] == [0.2, 0.1]
        rig.wait(lambda: rig.outputs[-1][1] == [0.6, 0.4], 'the target was not reached')
        trajectory = rig.trajectories[-1]
        assert trajectory.joint_names == ['shoulder', 'elbow']
        assert trajectory.points[0].time_from_start.nanosec == 100_000_000
        assert trajectory.header.stamp.sec == 0, 'which means: begin now'
        rig.following = False
        rig.position = [0.58, 0.39]  # it lags behind
        before = time.monotonic_ns()
        rig.wait(lambda: rig.statuses[-1][0] > before + 100 * MS, 'no status')
        rig.target = None
        rig.wait_for_stop(StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
        rig.wait(lambda: rig.outputs[-1][1] == [0.58, 0.39], 'not held where it is measured')


def test_efforts_are_ended_with_none(tmp_path: Path) -> None:
    with GuardRig(tmp_path, 'effort', robot=EFFORT) as rig:
        rig.drive(4.0, -2.0)
        rig.wait(lambda: rig.outputs[-1][1] == [4.0, -2.0], 'not published')
        rig.ticking = False
        rig.target = None
        rig.wait_for_stop(StopState.STOPPED, StopReason.BRIDGE_SILENT)
        assert rig.outputs[-1][1] == [0.0, 0.0]


@pytest.mark.parametrize(
    ('changes', 'says'),
    [
        ({'type': 'no_such_msgs/msg/Grip', 'fields': ['a', 'b']}, 'no_such_msgs/msg/Grip, which'),
        ({'type': TWIST, 'fields': ['twist.a', 'twist.b']}, "no field 'twist.a'"),
        ({'frame_id': 'base'}, 'has no header'),
    ],
)
def test_a_controller_that_cannot_be_told_keeps_the_guard_from_starting(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    commands = {'velocity': {'topic': 'commands', 'timeout': 0.0, **changes}}
    assert_refused(tmp_path, {**ROBOT, 'commands': commands}, says)


def test_two_outputs_that_meet_on_one_topic_keep_the_guard_from_starting(tmp_path: Path) -> None:
    outputs = [
        {'topic': 'hand', 'joints': ['elbow']},
        {'topic': '/refused/hand', 'joints': ['shoulder']},
    ]
    commands = {'velocity': {'timeout': 0.0, 'outputs': outputs}}
    assert_refused(tmp_path, {**ROBOT, 'commands': commands}, 'go to /refused/hand')


def test_a_state_that_cannot_be_read_keeps_the_guard_from_starting(tmp_path: Path) -> None:
    state = {**BASE['state'], 'velocity': ['twist.twist.linear.x', 'twist.speed']}
    assert_refused(tmp_path, {**ROBOT, **BASE, 'state': state}, "no field 'twist.speed'")


def assert_refused(folder: Path, robot: dict[str, Any], says: str) -> None:
    file = folder / 'robot.yaml'
    file.write_text(yaml.safe_dump(robot))
    words = ['--ros-args', '-r', '__ns:=/refused', '-p', f'robot_file:={file}']
    done = subprocess.run(
        [sys.executable, '-m', 'rl_bridge.safety.guard_node', *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert says in done.stderr
