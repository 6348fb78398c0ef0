# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The lifecycle node ``robot_env``: the only place where services meet the session.

Who runs where: the main thread waits for signals; the executor thread answers lifecycle,
parameters, ``~/halt`` and ``~/recover``; the request threads (:mod:`rl_bridge.services_node`)
answer clients and step the environment; the pulse thread sends the tick to the guard, ends expired
leases and publishes the status; the robot's own node spins in a thread of its own. So a busy
environment or a slow lifecycle transition delays none of the others.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
import traceback
import uuid
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from rl_bridge import parameters
from rl_bridge.access import load_secret
from rl_bridge.boundary_node import RosLog, logged
from rl_bridge.bridge import Bridge
from rl_bridge.dds_profile import use_profile
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.hosting_node import host
from rl_bridge.presence_node import Presence
from rl_bridge.pulse_node import Pulse
from rl_bridge.robots.topic_io import TopicIo
from rl_bridge.safety.event_log import EventLog
from rl_bridge.safety.realtime import run_first
from rl_bridge.services_node import NOT_CONFIGURED, RequestLoop
from rl_bridge.status_node import StatusTopics
from rl_bridge.stop_events import StopEvents
from rl_bridge.types import StatusCode, StopReason
from rl_bridge.weights_node import WeightParameters
from rl_bridge_interfaces.msg import Leaf

CLOSE_TIMEOUT_S = 5.0
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class RobotEnvNode(LifecycleNode):
    """
    The bridge as a lifecycle node.

    :param context: the rclpy context; by default the global one.
    """

    def __init__(self, *, name: str = 'robot_env', context: Context | None = None) -> None:
        use_profile()
        super().__init__(name, context=context)
        self.bridge_id = uuid.uuid4().hex
        # Grows over restarts: milliseconds since 1970 above, epochs of this process below.
        self._epoch = (time.time_ns() // 1_000_000) << 20
        self._bridge: Bridge | None = None
        self._topic_io: TopicIo | None = None
        self._log: EventLog | None = None
        self._events: StopEvents | None = None
        self._active = False
        self._weights: WeightParameters | None = None
        parameters.declare(self)
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._apply_parameters)
        self._presence = Presence(self, bridge_id=self.bridge_id)
        self._status = StatusTopics(self, bridge_id=self.bridge_id)
        self.create_service(Trigger, '~/halt', self._on_halt)
        self.create_service(Trigger, '~/recover', self._on_recover)
        self.create_timer(
            1.0,
            lambda: self._status.diagnose(self._bridge, active=self._active),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        self._answering = threading.Event()  # once no other bridge of this name does
        self._requests = RequestLoop(self, lambda: self._bridge, open_=self._answering)
        self.asked_to_end = threading.Event()
        self.transition = threading.RLock()  # one lifecycle transition, or the end, at a time
        self._ended = False
        self._pulse = Pulse(
            self,
            bridge_id=self.bridge_id,
            beat=self._beat,
            priority=self.get_parameter('realtime_priority').value,
        )
        self._pulse.start()

    # -- lifecycle --------------------------------------------------------------------------------

    @logged
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Build the environment and check it; nothing moves."""
        self._presence.require_alone()
        self._answering.set()
        self._pulse.ticking = True  # before a guard may listen to this bridge
        settings = parameters.values(self)
        secret = self._pulse.secret = load_secret(settings['secret_file'])
        hosting = host(
            self,
            settings,
            bridge_id=self.bridge_id,
            first_epoch=self._epoch,
            secret=secret,
            give_up=self.asked_to_end.is_set,
        )
        self._topic_io = hosting.topic_io
        try:
            bridge = Bridge(
                HostedEnv(hosting.env, name=hosting.name, leaf_type=Leaf),
                bridge_id=self.bridge_id,
                first_epoch=hosting.first_epoch,
                control_period_s=hosting.period_s,
                authority_s=hosting.authority_s,
                lease_s=settings['lease_time'],
                secret=secret,
            )
            self._weights = WeightParameters(self, getattr(hosting.env.unwrapped, 'task', None))
            name, say = self.get_fully_qualified_name(), self.get_logger().error
            self._log = EventLog(settings['event_log'], source=name, say=say)
        except BaseException:
            hosting.env.close()
            self._let_go()
            raise
        bridge.on_transition = self._status.on_transition
        self._events = StopEvents(self._log.write, bridge)
        self._bridge = bridge
        pace = f'{1.0 / hosting.period_s:g} Hz' if hosting.period_s else 'lock-step'
        access = 'requests have to prove the secret' if secret else 'no secret is set'
        self.get_logger().info(f'configured: {hosting.name}, {pace}; {access}')
        return SUCCESS

    @logged
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Accept sessions."""
        assert self._bridge is not None
        self._bridge.open()
        self._active = True
        return super().on_activate(state)

    @logged
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Halt the robot, then refuse sessions."""
        self._deactivate(StopReason.DEACTIVATED, 'the bridge was deactivated')
        return super().on_deactivate(state)

    @logged
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close the environment and let go of the robot."""
        self._let_go()
        return SUCCESS

    @logged
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Halt the robot and let go of it."""
        self._deactivate(StopReason.SHUTDOWN, 'the bridge is shutting down')
        self._let_go()
        return SUCCESS

    @logged
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Come back to unconfigured with the robot at rest."""
        self._deactivate(StopReason.SHUTDOWN, 'a lifecycle transition failed')
        self._let_go()
        return SUCCESS

    def autostart(self) -> bool:
        """Configure and activate; return whether the node is active now."""
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != SUCCESS:
                self.get_logger().error('autostart ended before the node was active')
                return False
        return True

    def end(self) -> None:
        """Halt the robot and end every thread of this node; idempotent."""
        self.asked_to_end.set()
        # Halt at once; a configure that still waits for the robot gives up within a slice.
        self._deactivate(StopReason.SHUTDOWN, 'the bridge is shutting down')
        with self.transition:
            if self._ended:
                return
            self._let_go()
            self._requests.close()
            self._ended = True
        self._pulse.end()

    def _deactivate(self, reason: StopReason, message: str) -> None:
        self._active = False
        if self._bridge is not None:
            self._bridge.shut(reason=reason, message=message)

    def _let_go(self) -> None:
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            self._epoch = bridge.session.epoch
            if not bridge.close(timeout_s=CLOSE_TIMEOUT_S):
                self.get_logger().error(
                    f'the hosted environment is still busy after {CLOSE_TIMEOUT_S:g} s; '
                    'it is left alone'
                )
        if self._weights is not None:
            self._weights.close()
            self._weights = None
        if self._topic_io is not None:
            self._topic_io.close()
            self._topic_io = None
        if self._log is not None:
            self._log.close()
            self._log = self._events = None

    # -- parameters, services, pulse --------------------------------------------------------------

    def _check_parameters(self, changed: list[rclpy.Parameter]) -> SetParametersResult:
        """Refuse what cannot be used; nothing is changed yet."""
        for parameter in changed:
            wrong = parameters.check(parameter.name, parameter.value)
            if not wrong and self._weights is not None:
                wrong = self._weights.check(parameter)
            if wrong:
                return SetParametersResult(successful=False, reason=wrong)
        return SetParametersResult(successful=True)

    def _apply_parameters(self, changed: list[rclpy.Parameter]) -> None:
        for parameter in changed:
            if self._weights is not None:
                self._weights.apply(parameter)

    def _on_halt(self, request: Any, response: Any) -> Any:
        bridge = self._bridge
        reason, message = StopReason.HALT_REQUESTED, 'a halt was requested through ~/halt'
        if bridge is None:
            response.message = 'the bridge is not configured: it commands nothing'
        elif bridge.halt(reason=reason, message=message):
            response.success = True
            response.message = 'halted; reset to go on'
        else:
            response.message = 'the robot could not be told, see the log; it is tried again'
        return response

    def _on_recover(self, request: Any, response: Any) -> Any:
        bridge = self._bridge
        status = NOT_CONFIGURED if bridge is None else bridge.recover()
        response.success, response.message = status.code == StatusCode.OK, status.message
        return response

    def _beat(self) -> None:
        """End expired leases, tell the status, watch for a second bridge; called by the pulse."""
        bridge = self._bridge
        self._presence.look()
        if bridge is not None:
            bridge.tick()
            if self._events is not None:
                self._events.look()
        elif self._presence.rival:
            self._answering.clear()
            return  # it alone answers and tells its status
        elif not self._answering.is_set() and self._presence.settled:
            self._answering.set()
        self._status.tell(bridge, active=self._active)


def _ignore_signals() -> None:
    """Let a second signal do nothing while the process ends in order; it holds to the end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _spin(node: RobotEnvNode) -> None:
    """
    Answer lifecycle, parameters, halt and recover; an exception of one callback ends only that
    callback.
    """
    if node.get_parameter('autostart').value and not node.autostart():
        node.asked_to_end.set()
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    while not node.asked_to_end.is_set():
        try:
            executor.spin_once(timeout_sec=0.1)
        except ExternalShutdownException:
            break
        except Exception:
            node.get_logger().error(f'a callback failed\n{traceback.format_exc()}')
    executor.remove_node(node)
    executor.shutdown()


def main(args: list[str] | None = None) -> int:
    """
    Run the bridge until SIGINT or SIGTERM: then the robot is halted first.

    :return: 0, or 1 if autostart failed.
    """
    # rclpy's own handlers would shut the context down before a halt could be published.
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    node = RobotEnvNode()
    log = logging.getLogger('rl_bridge')
    log.addHandler(RosLog(node))
    log.setLevel(logging.INFO)
    log.propagate = False
    by_signal = threading.Event()

    def on_signal(*_: object) -> None:
        by_signal.set()
        node.asked_to_end.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    executor = threading.Thread(target=_spin, args=(node,), name='executor', daemon=True)
    executor.start()
    # This thread, the only one that Python hands signals to, may not wait behind others' work.
    run_first(node.get_parameter('realtime_priority').value, threads=[threading.get_native_id()])
    node.asked_to_end.wait()
    node.end()
    _ignore_signals()
    executor.join()
    node.destroy_node()
    rclpy.try_shutdown()
    return 0 if by_signal.is_set() else 1


if __name__ == '__main__':
    sys.exit(main())
