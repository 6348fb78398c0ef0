# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The robot of the rig and its recorder, in one real-time thread.

It stands where the hardware would: it follows the controller's topic, measures itself, and writes
down everything that arrives there, on the bridge's command topic and from the guard, each with the
time of its arrival. One wait set and no executor: nothing waits for a callback.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable
from typing import Any

import rclpy
from lifecycle_msgs.srv import ChangeState
from rclpy.context import Context
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64MultiArray
from std_srvs.srv import Trigger

from benchmarks.rig.oracle import (
    CommandRecord,
    OutputRecord,
    Recording,
    SpeedRecord,
    StatusRecord,
)
from rl_bridge_interfaces.msg import Command, GuardStatus

JOINTS = ('shoulder', 'elbow')
POSITION, VELOCITY, ACCELERATION = 3.0, 1.0, 10.0  # limits: rad, rad/s, rad/s^2
MAX_AGE_S = 0.1
#: The keys of the robot file; the guard reads the same.
DESCRIPTION: dict[str, Any] = {
    'name': 'two_link',
    'joints': list(JOINTS),
    'state': {'topic': 'joint_states', 'max_age': MAX_AGE_S},
    'stop_status': {
        'topic': 'stopped', 'type': 'std_msgs/msg/Bool', 'field': 'data', 'running': [False],
        'max_age': 0.5,
    },
    'commands': {'velocity': {'topic': 'velocity_controller/commands', 'timeout': 0.0}},
    'limits': {
        'position': {'lower': [-POSITION] * 2, 'upper': [POSITION] * 2},
        'velocity': [VELOCITY] * 2,
        'acceleration': [ACCELERATION] * 2,
    },
    'standstill': {'speed': 0.02, 'within': 1.0},
}  # fmt: skip
STATE_NS = 8_000_000
STOPPED_NS = 50_000_000
BRAKE = 40.0  # rad/s^2, what the motors can do
JUMP = 1.0  # rad, in a state that jumps
DEEP = 1000  # messages kept for the recorder, should it be late
KEPT_NS = 2_000_000_000

Condition = Callable[[], Any]


class Robot:
    """
    Publishes states, follows outputs, records.

    :param bridge: relative name of the bridge's node.

    ``fault`` is what is wrong with the measured states: '' (nothing), 'stale', 'nan', 'frozen',
    'jump'. ``pressed`` is the robot's own emergency stop. ``late_ns`` is by how much this thread
    itself was late at most, since it was set to 0: what it recorded is no more exact than that.
    """

    def __init__(self, *, namespace: str, bridge: str = 'robot_env') -> None:
        self.recording = Recording()
        self.status = StatusRecord(0, 0)
        self.position, self.velocity = [0.0, 0.0], [0.0, 0.0]
        self.fault, self.pressed = '', False
        self.late_ns = 0
        self._target = [0.0, 0.0]
        self._shown: tuple[list[float], list[float]] = ([0.0, 0.0], [0.0, 0.0])
        self._moved_ns = self._state_due_ns = time.monotonic_ns()
        self._stopped_due_ns = 0
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = node = rclpy.create_node('robot', namespace=namespace, context=self._context)
        self._states = node.create_publisher(JointState, 'joint_states', 1)
        latched = QoSDurabilityPolicy.TRANSIENT_LOCAL
        newest = QoSProfile(depth=1, durability=latched)
        self._stopped = node.create_publisher(Bool, 'stopped', newest)
        self._state = JointState(name=list(JOINTS))
        all_statuses = QoSProfile(depth=DEEP, durability=latched)
        self._subscriptions = [
            (node.create_subscription(kind, topic, take, qos), kind)
            for kind, topic, take, qos in (
                (Float64MultiArray, 'velocity_controller/commands', self._on_output, DEEP),
                (Command, f'{bridge}/command', self._on_command, DEEP),
                (GuardStatus, 'guard/status', self._on_status, all_statuses),
            )
        ]
        self._clients = {
            name: node.create_client(kind, f'{bridge}/{name}')
            for name, kind in (
                ('halt', Trigger), ('recover', Trigger), ('change_state', ChangeState),
            )
        }  # fmt: skip
        self._pending: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self._wait_set = rclpy_implementation.WaitSet(3, 0, 0, 3, 0, 0, self._context.handle)

    @property
    def speed(self) -> float:
        """The fastest joint's true speed, rad/s."""
        return max(abs(value) for value in self.velocity)

    @property
    def moves(self) -> bool:
        """Whether the newest output asks for motion."""
        return bool(self.recording.outputs) and self.recording.outputs[-1].moves

    def call(self, name: str, request: Any) -> None:
        """Call a service of the bridge; ``answers`` will have its response."""
        self.answers.pop(name, None)
        handle = self._clients[name].handle
        with handle:
            self._pending[name] = handle.send_request(request)

    def run(self, until: Condition, *, timeout_s: float) -> bool:
        """
        Be the robot until the condition holds; it is looked at whenever something came.

        :returns: whether it holds; false after the time-out.
        """
        end_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        while not until():
            now_ns = time.monotonic_ns()
            if now_ns >= end_ns:
                return False
            if now_ns >= self._state_due_ns:
                self._measure(now_ns)
            else:
                self._wait(min(self._state_due_ns, end_ns) - now_ns)
                self._take()
        return True

    def rest(self, seconds: float) -> None:
        """Be the robot for so long."""
        self.run(lambda: False, timeout_s=seconds)

    def forget(self, before_ns: int) -> None:
        """Drop what was recorded longer than a moment before this time."""
        until_ns, old = before_ns - KEPT_NS, self.recording
        # Every output that is kept has the commands that it stands on.
        old.commands[:] = [c for c in old.commands if c.arrived_ns >= until_ns - KEPT_NS]
        old.outputs[:] = [o for o in old.outputs if o.arrived_ns >= until_ns]
        old.statuses[:] = [s for s in old.statuses if s.arrived_ns >= until_ns]
        old.speeds[:] = [s for s in old.speeds if s.at_ns >= until_ns]

    def close(self) -> None:
        """Leave the domain."""
        self._node.destroy_node()
        self._context.try_shutdown()

    # -- what arrives -----------------------------------------------------------------------------

    def _wait(self, timeout_ns: int) -> None:
        wait_set = self._wait_set
        wait_set.clear_entities()
        for subscription, _ in self._subscriptions:
            wait_set.add_subscription(subscription.handle)
        for name in self._pending:
            wait_set.add_client(self._clients[name].handle)
        wait_set.wait(max(0, timeout_ns))

    def _take(self) -> None:
        for subscription, kind in self._subscriptions:
            while True:
                taken = subscription.handle.take_message(kind, False)
                if taken is None:
                    break
                subscription.callback(taken[0], time.monotonic_ns())
        for name, number in list(self._pending.items()):
            client = self._clients[name]
            with client.handle:
                header, response = client.handle.take_response(client.srv_type.Response)
            if header is not None and header.request_id.sequence_number == number:
                self.answers[name] = response
                del self._pending[name]

    def _on_output(self, message: Any, now_ns: int) -> None:
        values = tuple(message.data)
        self.recording.outputs.append(OutputRecord(now_ns, values))
        self._target = [v if math.isfinite(v) else 0.0 for v in values]

    def _on_command(self, message: Any, now_ns: int) -> None:
        self.recording.commands.append(
            CommandRecord(
                arrived_ns=now_ns,
                kind=message.kind,
                bridge_id=message.bridge_id,
                epoch=message.epoch,
                episode=message.episode,
                step=message.step,
                sequence=message.sequence,
                values=tuple(message.command),
                authority_ns=message.authority_ns,
                stamp_ns=message.stamp_ns,
            )
        )

    def _on_status(self, message: Any, now_ns: int) -> None:
        self.status = StatusRecord(
            arrived_ns=now_ns,
            stamp_ns=message.stamp_ns,
            guard_id=message.guard_id,
            bridge_id=message.bridge_id,
            epoch=message.epoch,
            sequence=message.sequence,
            state=message.stop.state,
            reason=message.stop.reason,
            message=message.stop.message,
            standstill=message.standstill,
            events=message.events,
            detected_ns=message.detected_ns,
            commanded_ns=message.commanded_ns,
            standstill_ns=message.standstill_ns,
        )
        self.recording.statuses.append(self.status)

    # -- what it is -------------------------------------------------------------------------------

    def _measure(self, now_ns: int) -> None:
        """Move on to now and publish the measured state."""
        self.late_ns = max(self.late_ns, now_ns - self._state_due_ns)
        # No matter how late: the next one comes a period after the time this one was due.
        self._state_due_ns = max(self._state_due_ns + STATE_NS, now_ns - STATE_NS)
        self._move(now_ns)
        if now_ns >= self._stopped_due_ns:
            self.tell_stop(now_ns)
        if self.fault == 'stale':
            return
        if self.fault != 'frozen':
            self._shown = (list(self.position), list(self.velocity))
        position, velocity = self._shown
        if self.fault == 'nan':
            position = [math.nan, position[1]]
        elif self.fault == 'jump':
            position = [position[0] + JUMP, position[1]]
        if self.fault != 'frozen':
            seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
            self._state.header.stamp.sec = seconds
            self._state.header.stamp.nanosec = nanoseconds
        self._state.position = array('d', position)
        self._state.velocity = array('d', velocity)
        self._states.publish(self._state)

    def tell_stop(self, now_ns: int) -> None:
        """Publish whether the robot's own stop is pressed."""
        self._stopped_due_ns = now_ns + STOPPED_NS
        self._stopped.publish(Bool(data=self.pressed))

    def _move(self, now_ns: int) -> None:
        seconds = min(now_ns - self._moved_ns, 10 * STATE_NS) / 1e9
        self._moved_ns = now_ns
        for joint, target in enumerate(self._target):
            # Its own emergency stop brakes it, and so does the end of its range.
            blocked = abs(self.position[joint]) >= POSITION and self.position[joint] * target > 0
            wanted = 0.0 if self.pressed or blocked else target
            most = BRAKE * seconds
            change = min(max(wanted - self.velocity[joint], -most), most)
            self.velocity[joint] += change
            self.position[joint] += self.velocity[joint] * seconds
        self.recording.speeds.append(SpeedRecord(now_ns, self.speed))
