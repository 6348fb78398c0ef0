# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The guard as a ROS process: its own wait set, its own pace, its own signals.

rclpy's executors build a new wait set for every message. The loop below keeps one, waits on the
command topic only, and looks at the other topics when it is awake anyway.
"""

from __future__ import annotations

import gc
import secrets
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from rl_bridge.access import GuardAccess, load_secret
from rl_bridge.dds_profile import use_profile
from rl_bridge.errors import ConfigError, WireError
from rl_bridge.robot_file import load_robot
from rl_bridge.safety.company_node import Company
from rl_bridge.safety.event_log import EventLog
from rl_bridge.safety.guard_core import GuardCore
from rl_bridge.safety.guard_parameters_node import declare_parameters, node_log
from rl_bridge.safety.guard_state import NS_PER_S, GuardConfig
from rl_bridge.safety.guard_status_node import StatusPublisher
from rl_bridge.safety.joint_map import state_reader
from rl_bridge.safety.named_types import has_header, load_type
from rl_bridge.safety.outputs_node import Outputs
from rl_bridge.safety.realtime import run_first
from rl_bridge.safety.second_stage_node import SecondStageCaller
from rl_bridge.safety.stop_state import IDLE
from rl_bridge.safety.stop_status_node import StopStatusReader
from rl_bridge.topic_qos import EACH, STATE, TICK
from rl_bridge.types import FloatArray, RobotDescription, Stop, StopReason, StopState
from rl_bridge_interfaces.msg import Command, Heartbeat

#: At rest nothing needs a quick reaction, and a command wakes the guard by itself.
REST_PERIOD_NS = 40_000_000
STATUS_PERIOD_NS = 50_000_000
#: A guard that stood still for longer lets what waited for it come in before it judges ages.
STOOD_STILL_NS = 100_000_000
CATCH_UP_S = 0.01
PARAMETERS_PERIOD_NS = 500_000_000
#: A flood on one topic may not keep the guard from its update.
MOST_AT_ONCE = 10
#: The stop output is repeated while the process ends, should a first one get lost.
FAREWELLS = 4
#: A controlled stop takes longer than that; what takes longer than this ends at once.
LONGEST_FAREWELL_S = 2.0


class GuardNode:
    """
    Carries messages to the guard's core and its decisions to the controllers.

    :param node: a node of its own, called 'guard', in no executor.
    :raises ConfigError: a parameter or the robot file cannot be used.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._log = node_log(node)
        values = declare_parameters(node)
        robot = load_robot(values['robot_file'])
        self._kind = kind = values['command_interface']
        rate = values['rate']
        scheduling = run_first(values['realtime_priority'])
        self._period_ns = round(NS_PER_S / rate)
        self._states_of = load_type(robot.state_type)
        self._stamped = has_header(self._states_of)
        self._joints = state_reader(robot)
        self._ending = 0
        self._status_ns = self._parameters_ns = self._sequence = 0
        guard_id = f'{socket.gethostname()}-{secrets.token_hex(4)}'
        self._access = GuardAccess(
            load_secret(values['secret_file']),
            guard_id=guard_id,
            max_age_s=values['max_authority'],
        )
        self._core = GuardCore(
            robot,
            kind,
            guard_id=guard_id,
            config=GuardConfig(period_s=1.0 / rate, max_authority_s=values['max_authority']),
            start=Stop(IDLE.state, IDLE.reason, f'{IDLE.message}; guarded with {scheduling}'),
        )
        self._seen = self._core.stop
        self._rest = np.zeros(len(robot.joints))
        self._outputs = Outputs(node, robot.commands[kind], robot.joints)
        self._company = Company(node, guard_id, self._outputs.topics, robot.state_topic)
        self._connect(robot, values['bridge'])
        self._company.listen()
        self._outputs.advertise()
        self._statuses = StatusPublisher(node)
        self._events = EventLog(
            values['event_log'],
            source=node.get_fully_qualified_name(),
            say=lambda text: self._log.say('error', text),  # which never waits for a reader
        )
        self._log.say(
            'info',
            f'guarding {robot.name}: {kind} commands of {values["bridge"]} go to '
            f'{", ".join(self._outputs.topics)}; {scheduling}',
        )

    def _connect(self, robot: RobotDescription, bridge: str) -> None:
        node = self._node

        def subscribe(kind: Any, topic: str, handler: Callable[[Any, int], None], qos: Any) -> Any:
            # The callback serves what the parameters' executor takes, should it come first.
            return node.create_subscription(
                kind, topic, partial(self._deliver, handler, topic), qos
            )

        self._ticks = subscribe(Heartbeat, f'{bridge}/tick', self._on_tick, TICK)
        self._states = subscribe(self._states_of, robot.state_topic, self._on_state, STATE)
        self._commands = subscribe(Command, f'{bridge}/command', self._on_command, EACH)
        self._robot_stop = self._robot_stops = self._second_stage = None
        if robot.stop_status is not None:
            self._robot_stop = StopStatusReader(node, robot.stop_status, self._core.on_robot_stop)
            self._robot_stops = subscribe(
                self._robot_stop.kind,
                self._robot_stop.topic,
                self._robot_stop.take,
                self._robot_stop.qos,
            )
        if robot.second_stage is not None:
            self._second_stage = SecondStageCaller(node, robot.second_stage, self._say)
        self._wait_set = rclpy_implementation.WaitSet(1, 0, 0, 0, 0, 0, node.context.handle)
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)

    def end(self, signal_number: int, _frame: object = None) -> None:
        """Ask the loop to end; a signal handler."""
        self._ending = signal_number

    def run(self) -> None:
        """Guard until ``end`` is called, then bring the robot to rest."""
        gc.collect()
        gc.freeze()  # what exists now lives as long as the process: never look through it again
        due_ns = time.monotonic_ns()
        while not self._ending:
            now_ns = time.monotonic_ns()
            if now_ns < due_ns:
                self._wait(due_ns - now_ns)
                now_ns = time.monotonic_ns()
            if now_ns - due_ns > STOOD_STILL_NS:
                time.sleep(CATCH_UP_S)
            self._turn(now_ns)
            period_ns = REST_PERIOD_NS if self._core.at_rest else self._period_ns
            if now_ns >= due_ns:
                due_ns += period_ns
            # Neither catch up on missed updates, nor stay with the long period of rest.
            due_ns = min(max(due_ns, now_ns), now_ns + period_ns)
        self.stop(f'the guard got {signal.Signals(self._ending).name}')

    def stop(self, message: str) -> None:
        """Publish the stop output and a last status."""
        self._core.halt(StopState.STOPPED, StopReason.SHUTDOWN, message, time.monotonic_ns())
        longest = round(LONGEST_FAREWELL_S * NS_PER_S / self._period_ns)
        for i in range(longest):
            if i >= FAREWELLS and not self._core.slowing_down:
                break
            now_ns = time.monotonic_ns()
            self._publish(self._core.update(now_ns).output)
            self._publish_status(now_ns)
            self._record()
            time.sleep(self._period_ns / NS_PER_S)
        self._report()

    def close(self) -> None:
        """Let the disk keep what was recorded."""
        self._events.close()

    def fail(self) -> None:
        """Bring the robot to rest without the core, after that has failed."""
        for _ in range(FAREWELLS):
            # A position controller stays where it was sent last, which was checked.
            if self._kind != 'position':
                self._publish(self._rest)
            self._statuses.publish_failure(time.monotonic_ns())
            time.sleep(self._period_ns / NS_PER_S)
        self._events.write_failure('the guard failed and ended, its log says why')

    def _wait(self, timeout_ns: int) -> None:
        """Sleep until a command comes, at most this long."""
        self._wait_set.clear_entities()
        self._wait_set.add_subscription(self._commands.handle)
        self._wait_set.wait(timeout_ns)

    def _turn(self, now_ns: int) -> None:
        """Take what came, decide, publish; then what may take its time."""
        self._take(self._ticks, Heartbeat, MOST_AT_ONCE)
        self._take(self._states, self._states_of, 1)
        if self._robot_stop is not None:
            self._take(self._robot_stops, self._robot_stop.kind, MOST_AT_ONCE)
        self._take(self._commands, Command, MOST_AT_ONCE)
        now_ns = time.monotonic_ns()
        decision = self._core.update(now_ns)
        self._publish(decision.output)
        self._record()
        if decision.second_stage and self._second_stage is not None:
            outcome = self._second_stage.call()
            if outcome:
                self._core.on_second_stage(outcome, now_ns)
        if decision.changed or now_ns - self._status_ns >= STATUS_PERIOD_NS:
            self._publish_status(now_ns)
        self._report()
        if self._company.due(now_ns):
            self._core.on_company(self._company.look(now_ns, bound=self._core.bound))
            if self._robot_stop is not None:
                self._robot_stop.look(now_ns)
        answer = self._second_stage is not None and self._second_stage.waiting
        if (self._core.at_rest and now_ns - self._parameters_ns >= PARAMETERS_PERIOD_NS) or answer:
            self._parameters_ns = now_ns
            self._executor.spin_once(timeout_sec=0.0)  # answers questions about parameters

    def _take(self, subscription: Any, kind: Any, most: int) -> None:
        for _ in range(most):
            try:
                taken = subscription.handle.take_message(kind, False)
            except Exception as fault:  # bytes that are no message, for example
                self._failed(subscription.topic_name, fault)
                return
            if taken is None:
                return
            self._sequence = taken[1].get('publication_sequence_number')
            subscription.callback(taken[0])

    def _deliver(self, handler: Callable[[Any, int], None], topic: str, message: Any) -> None:
        """The boundary: whatever a message does to the guard, the robot comes to rest."""
        try:
            handler(message, time.monotonic_ns())
        except Exception as fault:
            self._failed(topic, fault)

    def _failed(self, topic: str, fault: Exception) -> None:
        text = f'a message on {topic} could not be handled: {fault!r}'
        now_ns = time.monotonic_ns()
        self._core.halt(StopState.STOPPED, StopReason.COMMAND_INVALID, text, now_ns)
        self._log.say_rarely('error', topic, f'{text}\n{traceback.format_exc()}', now_ns)

    def _on_state(self, message: Any, now_ns: int) -> None:
        try:
            measured = self._joints.read(message)
        except WireError as fault:
            self._core.on_invalid_state(str(fault), now_ns)
            self._log.say_rarely('error', 'state', str(fault), now_ns)
            return
        if measured is not None:
            header_ns = 0
            if self._stamped:
                stamp = message.header.stamp
                header_ns = stamp.sec * NS_PER_S + stamp.nanosec
            self._company.note_state(self._sequence, now_ns)
            self._core.on_state(*measured, now_ns, header_ns=header_ns)

    def _on_tick(self, message: Any, now_ns: int) -> None:
        if self._access.tick_is_proven(message):
            self._core.on_tick(message, now_ns)

    def _on_command(self, message: Any, now_ns: int) -> None:
        problem = self._access.command_problem(message, now_ns)
        refusal = self._core.refuse(problem) if problem else self._core.on_command(message, now_ns)
        if refusal is not None:
            self._log.say_rarely('warning', refusal.cause, f'refused: {refusal.message}', now_ns)

    def _publish(self, output: FloatArray | None) -> None:
        if output is not None:
            self._outputs.publish(output)

    def _record(self) -> None:
        for event in self._core.take_events():
            self._events.write(event)

    def _say(self, level: str, text: str) -> None:
        self._log.say_rarely(level, text, text, time.monotonic_ns())

    def _publish_status(self, now_ns: int) -> None:
        self._statuses.publish(self._core.status(now_ns), events=self._events.written)
        self._status_ns = now_ns

    def _report(self) -> None:
        """Log the stop state once per change with its cause."""
        stop, before = self._core.stop, self._seen
        if stop is before:
            return
        self._seen = stop
        level = 'info' if stop.state <= StopState.HOLD else 'warning'
        if stop.state >= StopState.FAULT:
            level = 'error'
        change = f'{StopState(before.state).name} -> {StopState(stop.state).name}'
        cause = f', {StopReason(stop.reason).name}: {stop.message}' if stop.reason else ''
        self._log.say(level, f'{change}{cause}')


def main(args: list[str] | None = None) -> int:
    """Run the guard until SIGINT, SIGTERM or SIGHUP. Returns the exit status."""
    use_profile()
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('guard')
    guard = None
    try:
        guard = GuardNode(node)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, guard.end)
        guard.run()
        return 0
    except (ConfigError, ParameterException) as fault:
        node.get_logger().fatal(str(fault))
        return 1
    except Exception:
        cause = traceback.format_exc()
        if guard is not None:
            guard.fail()
        node.get_logger().fatal(f'the guard ends:\n{cause}')
        return 1
    finally:
        # A second signal does nothing while the process ends in order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if guard is not None:
            guard.close()
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
