# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The lifecycle node ``robot_env``: the only place where services meet the session.

Who runs where: the main thread waits for signals; the executor thread answers lifecycle,
parameters, ``~/halt`` and
``~/recover``; the request threads (:mod:`rl_bridge.services_node`) answer clients and step the
environment; the pulse thread
sends the tick to the guard, ends expired leases and publishes the status; the robot's own node
spins in a thread of its
own. So a busy environment or a slow lifecycle transition delays none of the others.
"""

from __future__ import annotations

import functools
import logging
import signal
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium
import rclpy
from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from rl_bridge import env_factory, parameters
from rl_bridge.bridge import Bridge
from rl_bridge.errors import RlBridgeError, RobotNotReady
from rl_bridge.hosted_env import HostedEnv
from rl_bridge.robots.topic_io import TopicIo
from rl_bridge.services_node import RequestLoop
from rl_bridge.status_node import StatusTopics
from rl_bridge.types import StopReason
from rl_bridge_interfaces.msg import Heartbeat, Leaf

if TYPE_CHECKING:
    from rl_bridge.robots.topic_robot import TopicRobot

CONNECT_SLICE_S = 0.25
PULSE_S = 0.02
CLOSE_TIMEOUT_S = 5.0
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
LifecycleCallback = Callable[['RobotEnvNode', LifecycleState], TransitionCallbackReturn]


def _logged(callback: LifecycleCallback) -> LifecycleCallback:
    """
    Log what rclpy's lifecycle would swallow, and fail the transition instead of leaving it half
    done.
    """

    @functools.wraps(callback)
    def wrapper(self: RobotEnvNode, state: LifecycleState) -> TransitionCallbackReturn:
        with self.transition:
            if self.asked_to_end.is_set():
                return FAILURE
            try:
                return callback(self, state)
            except RlBridgeError as error:
                self.get_logger().error(f'{callback.__name__}: {error}')
            except Exception:
                self.get_logger().error(f'{callback.__name__} failed\n{traceback.format_exc()}')
            return FAILURE

    return wrapper


class RobotEnvNode(LifecycleNode):
    """
    The bridge as a lifecycle node.

    :param context: the rclpy context; by default the global one.
    """

    def __init__(self, *, name: str = 'robot_env', context: Context | None = None) -> None:
        super().__init__(name, context=context)
        self.bridge_id = uuid.uuid4().hex
        # Grows over restarts: milliseconds since 1970 above, epochs of this process below.
        self._epoch = (time.time_ns() // 1_000_000) << 20
        self._bridge: Bridge | None = None
        self._env: gymnasium.Env[Any, Any] | None = None
        self._topic_io: TopicIo | None = None
        self._active = False
        self._weights: list[str] = []
        parameters.declare(self)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._tick = self.create_publisher(Heartbeat, '~/tick', 1)
        self._status = StatusTopics(self, bridge_id=self.bridge_id)
        self.create_service(Trigger, '~/halt', self._on_halt)
        self.create_service(Trigger, '~/recover', self._on_recover)
        self.create_timer(1.0, lambda: self._status.diagnose(self._bridge, active=self._active))
        self._requests = RequestLoop(self, lambda: self._bridge)
        self.asked_to_end = threading.Event()
        self.transition = threading.RLock()  # one lifecycle transition, or the end, at a time
        self._ending = threading.Event()
        self._pulse = threading.Thread(target=self._run_pulse, name='pulse', daemon=True)
        self._pulse.start()

    # -- lifecycle --------------------------------------------------------------------------------
    # ---------------

    @_logged
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Build the environment and check it; nothing moves."""
        settings = parameters.values(self)
        period = authority = 0.0
        try:
            if settings['env'] == 'robot':
                period = 1.0 / settings['control_rate']
                authority = parameters.authority_s(
                    authority_time=settings['authority_time'],
                    control_rate=settings['control_rate'],
                )
                self._env = self._robot_env(settings, period_s=period, authority_s=authority)
            else:
                self._env = env_factory.gymnasium_env(
                    settings['env'],
                    kwargs=settings['env_kwargs'],
                    render_mode=settings['render_mode'],
                )
            self._env = env_factory.wrapped(self._env, settings['wrappers'])
            bridge = Bridge(
                HostedEnv(self._env, name=self._env_name(settings), leaf_type=Leaf),
                bridge_id=self.bridge_id,
                first_epoch=self._epoch,
                control_period_s=period,
                authority_s=authority,
                lease_s=settings['lease_time'],
            )
            self._declare_weights()
        except BaseException:
            self._let_go()
            raise
        bridge.on_transition = self._status.on_transition
        self._bridge = bridge
        self.get_logger().info(
            f'configured: {self._env_name(settings)}, '
            + (f'{settings["control_rate"]:g} Hz' if period else 'lock-step')
        )
        return SUCCESS

    @_logged
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Accept sessions."""
        assert self._bridge is not None
        self._bridge.open()
        self._active = True
        return super().on_activate(state)

    @_logged
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Halt the robot, then refuse sessions."""
        self._deactivate(StopReason.DEACTIVATED, 'the bridge was deactivated')
        return super().on_deactivate(state)

    @_logged
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close the environment and let go of the robot."""
        self._let_go()
        return SUCCESS

    @_logged
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Halt the robot and let go of it."""
        self._deactivate(StopReason.SHUTDOWN, 'the bridge is shutting down')
        self._let_go()
        return SUCCESS

    @_logged
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
            if self._ending.is_set():
                return
            self._let_go()
            self._requests.close()
            self._ending.set()
        self._pulse.join()

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
        elif self._env is not None:
            self._env.close()
        self._env = None
        for term in self._weights:
            self.undeclare_parameter(f'reward_weights.{term}')
        self._weights = []
        if self._topic_io is not None:
            self._topic_io.close()
            self._topic_io = None

    # -- building ---------------------------------------------------------------------------------
    # ---------------

    def _robot_env(
        self, settings: dict[str, Any], *, period_s: float, authority_s: float
    ) -> gymnasium.Env[Any, Any]:
        from rl_bridge.envs.robot_env import RobotEnv
        from rl_bridge.robot_file import load_robot
        from rl_bridge.robots.topic_robot import TopicRobot
        from rl_bridge.tasks.catalogue import make_task

        description = load_robot(settings['robot_file'])
        task = make_task(
            settings['task'],
            description,
            interface=settings['command_interface'],
            period_s=period_s,
            **env_factory.mapping(settings['task_kwargs'], parameter='task_kwargs'),
        )
        self._topic_io = TopicIo(self)
        robot = TopicRobot(
            self._topic_io.node,
            description,
            interface=settings['command_interface'],
            command_topic=self.resolve_topic_name('~/command'),
            guard=settings['guard'],
            bridge_id=self.bridge_id,
        )
        self._connect(robot, settings['connect_timeout'])
        render_mode = settings['render_mode'] or None
        if render_mode == 'auto':
            render_mode = None if description.dh is None else 'rgb_array'
        most_steps = max(1, round(settings['episode_time'] / period_s))
        env: gymnasium.Env[Any, Any] = RobotEnv(
            robot,
            task,
            period_s=period_s,
            authority_s=authority_s,
            max_episode_steps=most_steps if settings['episode_time'] else None,
            render_mode=render_mode,
        )
        if settings['episode_time']:
            env = gymnasium.wrappers.TimeLimit(env, max_episode_steps=most_steps)
        return env

    def _connect(self, robot: TopicRobot, timeout_s: float) -> None:
        """Connect in slices, so that a signal need not wait for the time-out."""
        end_s = time.monotonic() + timeout_s
        while True:
            try:
                return robot.connect(timeout_s=min(CONNECT_SLICE_S, timeout_s))
            except RobotNotReady:
                if self.asked_to_end.is_set() or time.monotonic() >= end_s:
                    raise

    def _env_name(self, settings: dict[str, Any]) -> str:
        if settings['env'] == 'robot':
            return f'{settings["task"]} on {settings["robot_file"]}'
        return str(settings['env'])

    def _declare_weights(self) -> None:
        assert self._env is not None
        task = getattr(self._env.unwrapped, 'task', None)
        for term, weight in getattr(task, 'weights', {}).items():
            name = f'reward_weights.{term}'
            descriptor = ParameterDescriptor(
                description=f'Weight of the reward term {term}; acts at once.'
            )
            self._weights.append(term)
            given = self.declare_parameter(name, float(weight), descriptor).value
            task.set_weight(term, given)

    def _on_set_parameters(self, changed: list[rclpy.Parameter]) -> SetParametersResult:
        for parameter in changed:
            prefix, _, term = parameter.name.partition('.')
            try:
                if prefix == 'reward_weights' and term in self._weights and self._env is not None:
                    self._env.unwrapped.task.set_weight(term, parameter.value)
                elif any(parameter.name == known.name for known in parameters.TABLE):
                    wrong = parameters.check(parameter.name, parameter.value)
                    if wrong:
                        return SetParametersResult(successful=False, reason=wrong)
            except (RlBridgeError, ValueError, TypeError) as error:
                return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    # -- services, topics, pulse
    # ---------------------------------------------------------------------------------

    def _on_halt(self, request: Any, response: Any) -> Any:
        bridge = self._bridge
        response.success = bridge is not None
        if bridge is None:
            response.message = 'the bridge is not configured: it commands nothing'
        else:
            bridge.halt(
                reason=StopReason.HALT_REQUESTED, message='a halt was requested through ~/halt'
            )
            response.message = 'halted; reset to go on'
        return response

    def _on_recover(self, request: Any, response: Any) -> Any:
        bridge = self._bridge
        response.success = bridge is not None
        response.message = (
            'the bridge is not configured' if bridge is None else bridge.recover().message
        )
        return response

    def _run_pulse(self) -> None:
        """Tick, end expired leases, tell the status; paced by absolute monotonic time."""
        count = 0
        due = time.monotonic()
        while not self._ending.is_set():
            bridge = self._bridge
            try:
                if bridge is not None and self._topic_io is not None:
                    count += 1
                    self._tick.publish(
                        Heartbeat(sender=self.bridge_id, epoch=bridge.session.epoch, count=count)
                    )
                if bridge is not None:
                    bridge.tick()
                self._status.tell(bridge, active=self._active)
            except Exception:
                self.get_logger().error(f'the pulse failed\n{traceback.format_exc()}')
            due = max(due + PULSE_S, time.monotonic() - PULSE_S)
            self._ending.wait(max(0.0, due - time.monotonic()))


class _RosLog(logging.Handler):
    """Hands what the ROS-free layers log to the node's logger."""

    def __init__(self, node: Node) -> None:
        super().__init__(logging.INFO)
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        # rclpy ties a severity to the line that logs it, so each has a line of its own.
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)


def _ignore_signals() -> None:
    """Let a second signal do nothing while the process ends in order; Python keeps this to the end."""
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
    log.addHandler(_RosLog(node))
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
    node.asked_to_end.wait()  # in the main thread, the only one that Python hands signals to
    node.end()
    _ignore_signals()
    executor.join()
    node.destroy_node()
    rclpy.try_shutdown()
    return 0 if by_signal.is_set() else 1


if __name__ == '__main__':
    sys.exit(main())
