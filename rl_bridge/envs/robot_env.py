# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A robot and a task as a plain Gymnasium environment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from rl_bridge.envs.assistance import Assistance, helped
from rl_bridge.envs.cadence import Cadence
from rl_bridge.envs.env_checks import check_parts, checked_action, checked_start
from rl_bridge.envs.reset_motion import ResetMotion, ResetSettings
from rl_bridge.errors import ConfigError, RobotNotReady, RobotStopped
from rl_bridge.robots.robot import Robot
from rl_bridge.tasks.task import RewardWeights, Task
from rl_bridge.types import (
    FloatArray,
    RobotState,
    Stop,
    StopReason,
    StopState,
    Timing,
)

RENDER_WIDTH, RENDER_HEIGHT = 640, 480
# After these stops what is measured cannot be trusted, however fresh it looks.
DOUBTFUL = frozenset(
    {
        StopReason.STATE_STALE,
        StopReason.STATE_INVALID,
        StopReason.STATE_FROZEN,
        StopReason.STATE_JUMP,
    }
)


class RobotEnv(gymnasium.Env[Any, Any]):
    """
    A robot and a task as a plain Gymnasium environment.

    A step commands the robot at once and returns at the next period boundary with the state
    measured there; a lock-step robot is advanced by one period instead. An action outside the
    action space is refused (``LimitError``) before anything moves. A stop that leaves a valid
    state ends the episode with ``truncated``, never ``terminated``, and ``info['stop_reason']``;
    without one ``step`` raises ``RobotNotReady`` or ``RobotStopped``. After an episode's last
    step the robot comes to rest at once.

    ``info`` of a step: ``timing`` (a ``types.Timing``), ``applied_action`` (the command of all
    joints; where a stop forbade it, the stop's own: no speed, or the measured position),
    ``reward_terms`` (raw values), ``hold_reason`` (where the robot is in HOLD), and the task's
    own. ``reset`` takes the option ``in_place``: begin where the robot is; all other options are
    the task's.

    :param robot: the robot; connected at the first reset if it is not yet.
    :param task: what it is to do, for the same command interface.
    :param period_s: the control period, s.
    :param authority_s: how long the robot may move after a step, s.
    :param max_episode_steps: of the TimeLimit around this; the robot comes to rest there.
    :param reset_settings: of the motion to where an episode begins.
    :param assistance: asks a person where a reset does not succeed alone; None = nobody.
    :param connect_timeout_s: how long to wait for the robot's first state, s.
    :param begin_timeout_s: how long to wait for the guard to confirm an episode's begin, s.
    :param stale_grace_s: how long to hold the robot and wait where its state is too old, s;
        after that the step raises.
    :param render_mode: None or 'rgb_array'.
    :param clock_ns: monotonic clock, ns.
    :param sleep: sleeps for a time in s.
    :raises ConfigError: robot, task and times do not fit together.
    """

    metadata: dict[str, Any] = {'render_modes': ['rgb_array']}  # noqa: RUF012 (as Gymnasium)

    def __init__(
        self,
        robot: Robot,
        task: Task,
        *,
        period_s: float,
        authority_s: float,
        max_episode_steps: int | None = None,
        reset_settings: ResetSettings | None = None,
        assistance: Assistance | None = None,
        connect_timeout_s: float = 10.0,
        begin_timeout_s: float = 5.0,
        stale_grace_s: float = 0.5,
        render_mode: str | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cadence = Cadence(
            robot,
            period_s=period_s,
            stale_grace_s=stale_grace_s,
            clock_ns=clock_ns,
            sleep=sleep,
        )
        check_parts(
            robot, task, period_s=period_s, authority_s=authority_s, render_mode=render_mode
        )
        self.robot = robot
        self.task = task
        self.action_space = task.action_space
        self.observation_space = task.observation_space
        self.render_mode = render_mode
        self.metadata = {**self.metadata, 'render_fps': round(1.0 / period_s, 3)}
        self._clock_ns = clock_ns
        self._period_s = period_s
        self._authority_s = authority_s
        self._max_episode_steps = max_episode_steps
        self._reset_motion = ResetMotion(
            robot,
            self._cadence,
            authority_s=authority_s,
            settings=reset_settings or ResetSettings(),
        )
        self._assistance = assistance
        self._connect_timeout_s = connect_timeout_s
        self._begin_timeout_s = begin_timeout_s
        self._connected = False
        self._closed = False
        self._running = False
        self._steps = 0
        self._state: RobotState | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """
        Begin an episode; the robot moves to where it begins and comes to rest there.

        :param options: ``in_place``: begin where the robot is, without that motion.
        :raises ConfigError: an option is unknown or cannot be fulfilled; nothing moved.
        :raises RobotNotReady: no fresh state, or the robot does not get there in time.
        :raises RobotStopped: a stop forbids motion or came in between.
        """
        super().reset(seed=seed)
        if self._closed:
            raise gymnasium.error.Error('This environment was closed; make a new one.')
        self._running = False
        task_options = dict(options or {})
        in_place = task_options.pop('in_place', False)
        if not isinstance(in_place, (bool, np.bool_)):
            raise ConfigError(f'The reset option in_place is true or false, not {in_place!r}.')
        if not self._connected:
            self.robot.connect(timeout_s=self._connect_timeout_s)
            self._connected = True
        self.robot.begin(timeout_s=self._begin_timeout_s)
        try:
            self._go_to_start(task_options, in_place=bool(in_place))
            self._state, stop = self._measured()
            if stop.state >= StopState.STOPPED:
                raise RobotStopped(stop.state, stop.reason, stop.message)
            self.task.begin(self._state)
            if isinstance(self.task.weights, RewardWeights):
                self.task.weights.begin_episode()
            observation = self._observation(self._state)
            info = {**self.task.info(self._state), **self.task.episode_info()}
            info.update(self._scheduled())
        except BaseException:
            self.robot.hold(reason=StopReason.IDLE, message='the reset failed')
            raise
        self.robot.hold(reason=StopReason.IDLE, message='waiting for the first step')
        self._steps = 0
        self._running = True
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """
        Command the robot and return what is measured at the next period boundary.

        :raises LimitError: the action lies outside the action space; nothing moved.
        :raises ResetNeeded: no episode is running.
        :raises RobotNotReady: no valid state; the robot comes to rest and the episode is over.
        :raises RobotStopped: likewise, after a latched stop.
        """
        if not self._running:
            raise gymnasium.error.ResetNeeded('No episode is running: call reset first.')
        action = checked_action(action, self.action_space)
        try:
            return self._step(action)
        except BaseException as error:
            self._end_episode(f'a step failed: {type(error).__name__}')
            raise

    def render(self) -> Any:
        """Return a picture, uint8 of shape (height, width, 3); None without a render mode."""
        if self.render_mode is None:
            return None
        try:
            state = self.robot.state()
        except RobotNotReady:
            if self._state is None:
                raise
            state = self._state
        picture = getattr(self.task, 'picture', None)
        if picture is not None:
            return picture(state, width=RENDER_WIDTH, height=RENDER_HEIGHT)
        from rl_bridge.sim.picture import draw_arm

        description = self.robot.description
        assert description.dh is not None
        return draw_arm(
            state.position,
            target=getattr(self.task, 'target_m', None),
            dh=description.dh,
            width=RENDER_WIDTH,
            height=RENDER_HEIGHT,
        )

    def close(self) -> None:
        """Bring the robot to rest and let go of it; idempotent."""
        if not self._closed:
            self._closed = True
            self._running = False
            self.robot.close()

    def _go_to_start(self, options: dict[str, Any], *, in_place: bool) -> None:
        """Let the task choose an episode and bring the robot to where it begins."""
        start: FloatArray | None = None

        def choose() -> None:
            nonlocal start
            chosen = self.task.reset(
                rng=self.np_random, state=self._cadence.state(), options=options
            )
            if chosen is not None:
                start = checked_start(chosen, self.robot.description)

        def go() -> None:
            if start is not None:
                self._reset_motion.go_to(start)

        for attempt in (choose,) if in_place else (choose, go):
            helped(attempt, robot=self.robot, assistance=self._assistance)

    def _step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        timing = Timing(period=0.0 if self.robot.lock_step else self._period_s)
        asked_ns = self._clock_ns()
        if self._steps == 0:
            self._cadence.start()  # the robot rested until now: nothing was missed
        timing.missed = self._cadence.wait_to_send()
        state = self._cadence.state()
        command = self.task.command(action, state)
        try:
            applied = self._command(command, state, asked_ns)
        except RobotStopped as stopped:
            # The state is still worth returning; the stop itself is latched.
            state, _ = self._measured()
            stop = Stop(stopped.state, stopped.reason, stopped.message)
            applied = self._resting(state)
        else:
            self._cadence.pass_period()
            state, stop = self._measured()
            timing.lateness = self._cadence.lateness_s
        self._state = state
        timing.observation_age = self._cadence.age_s(state)
        observation = self._observation(state)
        reward, terms = self.task.reward(action, state)
        if isinstance(self.task.weights, RewardWeights):
            self.task.weights.count_step()
        info = self.task.info(state)
        info.update(timing=timing, applied_action=applied, reward_terms=terms)
        stopped_here = stop.state >= StopState.STOPPED
        if stop.state != StopState.RUNNING:
            name = 'stop_reason' if stopped_here else 'hold_reason'
            info[name] = StopReason(stop.reason).name
        terminated = not stopped_here and bool(self.task.terminated(state))
        self._steps += 1
        if stopped_here or terminated:
            self._end_episode('the episode is over')
        elif self._max_episode_steps is not None and self._steps >= self._max_episode_steps:
            # The episode ends where TimeLimit says so; a further step would only resume from HOLD.
            self.robot.hold(reason=StopReason.IDLE, message='the episode is over')
        return observation, float(reward), terminated, stopped_here, info

    def _command(self, command: FloatArray, state: RobotState, asked_ns: int) -> FloatArray:
        """
        Command the robot; hold it instead if the action has waited for too long to be true still.

        :return: what was applied.
        """
        waited_s = 0.0 if self.robot.lock_step else (self._clock_ns() - asked_ns) / 1e9
        if waited_s > self._authority_s:
            self.robot.hold(
                reason=StopReason.AUTHORITY_EXPIRED,
                message=f'an action waited for {waited_s:.3g} s, longer than the motion authority',
            )
            return self._resting(state)
        self.robot.command(command, authority_s=self._authority_s)
        return command.copy()

    def _scheduled(self) -> dict[str, Any]:
        """Return the weights of this episode where schedules move them."""
        weights = self.task.weights
        if not isinstance(weights, RewardWeights) or not weights.scheduled:
            return {}
        return {'reward_weights': dict(weights)}

    def _resting(self, state: RobotState) -> FloatArray:
        """Return what a stop commands: no speed, no effort, or the measured position."""
        resting = self.robot.interface != 'position'
        return np.zeros_like(state.position) if resting else state.position.copy()

    def _measured(self) -> tuple[RobotState, Stop]:
        """
        Return the measured state and the stop that it was measured in.

        :raises RobotStopped: the stop says that the state cannot be trusted.
        """
        state = self._cadence.state()
        stop = self.robot.stop()
        if stop.state >= StopState.STOPPED and stop.reason in DOUBTFUL:
            raise RobotStopped(stop.state, stop.reason, stop.message)
        return state, stop

    def _observation(self, state: RobotState) -> Any:
        observation = self.task.observe(state)
        if not self.observation_space.contains(observation):
            raise RobotNotReady(
                f'The observation {observation!r} lies outside {self.observation_space}: the task '
                f'or the measured state is at fault.',
                StopReason.ENV_FAILED,
            )
        return observation

    def _end_episode(self, message: str) -> None:
        self._running = False
        self.robot.hold(reason=StopReason.IDLE, message=message)
