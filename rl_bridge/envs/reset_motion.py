# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The motion to where an episode begins: a straight line in joint space, at a modest speed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rl_bridge.envs.cadence import Cadence
from rl_bridge.errors import ConfigError, RobotNotReady, RobotStopped
from rl_bridge.robots.robot import PlaceableRobot, Robot
from rl_bridge.types import FloatArray, Limits, RobotState, StopReason, StopState


@dataclass(frozen=True, slots=True)
class ResetSettings:
    """
    How the robot moves to where an episode begins.

    :param speed: of the fastest joint, rad/s; never more than the robot's limit.
    :param acceleration: of the fastest joint, rad/s^2; never more than the robot's limit.
    :param timeout_s: after this the motion is given up.
    :param tolerance: how near every joint has to come, rad.
    :param largest_lag: how far a joint may stay behind before the motion is given up, rad.
    :param gain: 1/s, of the correction of what a joint lags behind, for velocity commands.
    :raises ConfigError: a value is not finite or not above 0.
    """

    speed: float = 0.8
    acceleration: float = 1.5
    timeout_s: float = 30.0
    tolerance: float = 0.005
    largest_lag: float = 0.3
    gain: float = 4.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise ConfigError(f'{name} of the reset motion is {value!r}; it must be above 0.')


class JointLine:
    """
    A straight line in joint space with a trapezoidal speed; all joints start and end at once.

    L. Biagiotti, C. Melchiorri, Trajectory Planning for Automatic Machines and Robots, 2008,
    section 3.2.

    :param start: shape (joints,), rad.
    :param end: shape (joints,), rad.
    :param limits: of the robot.
    """

    def __init__(
        self, start: FloatArray, end: FloatArray, *, limits: Limits, settings: ResetSettings
    ) -> None:
        self._start = start.copy()
        self._way = end - start
        way = np.maximum(np.abs(self._way), 1e-9)
        # Along the line, as shares of the way per second (and second squared).
        self._rate = float((np.minimum(limits.velocity, settings.speed) / way).min())
        self._growth = float((np.minimum(limits.acceleration, settings.acceleration) / way).min())
        ramp_s = self._rate / self._growth
        if self._rate * ramp_s > 1.0:  # too short a way to get to full speed
            ramp_s = math.sqrt(1.0 / self._growth)
            self._rate = self._growth * ramp_s
        self._ramp_s = ramp_s
        self.duration_s = 1.0 / self._rate + ramp_s

    def at(self, time_s: float) -> tuple[FloatArray, FloatArray]:
        """Return position (rad) and velocity (rad/s) of all joints at a time after the start."""
        left_s = self.duration_s - time_s
        if left_s <= 0.0:
            return self._start + self._way, np.zeros_like(self._way)
        if time_s < self._ramp_s:
            share, rate = 0.5 * self._growth * time_s**2, self._growth * time_s
        elif left_s < self._ramp_s:
            share, rate = 1.0 - 0.5 * self._growth * left_s**2, self._growth * left_s
        else:
            share, rate = self._rate * (time_s - 0.5 * self._ramp_s), self._rate
        return self._start + share * self._way, rate * self._way


class ResetMotion:
    """
    Brings a robot to rest somewhere, with either command interface.

    :param robot: the robot; one that can be put somewhere is.
    :param cadence: of the same robot.
    :param authority_s: motion authority of every command, s.
    """

    def __init__(
        self, robot: Robot, cadence: Cadence, *, authority_s: float, settings: ResetSettings
    ) -> None:
        self._robot = robot
        self._cadence = cadence
        self._authority_s = authority_s
        self._settings = settings

    def go_to(self, target: FloatArray) -> None:
        """
        Bring all joints to rest at ``target``.

        :param target: shape (joints,), rad.
        :raises RobotNotReady: no fresh state, or the robot does not follow or arrive in time.
        :raises RobotStopped: a stop came in between.
        :raises ConfigError: the robot takes efforts, which no position follows from.
        """
        if isinstance(self._robot, PlaceableRobot):
            self._robot.place(target)
            return
        if self._robot.interface == 'effort':
            raise ConfigError('No reset moves a robot by efforts; its task must begin in place.')
        state = self._cadence.state()
        limits = self._robot.description.limits
        line = JointLine(state.position, target, limits=limits, settings=self._settings)
        self._cadence.start()
        # Not the clock: while the robot is held for want of a state, the line waits for it.
        line_s = 0.0
        while not self._arrived(state, target, ended=line_s >= line.duration_s):
            self._robot.command(self._command(line, line_s, state), authority_s=self._authority_s)
            self._cadence.pass_period()
            self._cadence.wait_to_send()
            line_s += self._cadence.period_s
            state = self._cadence.state()
            stop = self._robot.stop()
            if stop.state >= StopState.STOPPED:
                raise RobotStopped(stop.state, stop.reason, stop.message)
            self._check_progress(state, here=line.at(line_s)[0], target=target)

    def _command(self, line: JointLine, line_s: float, state: RobotState) -> FloatArray:
        """Return the command for the period that begins now."""
        limits = self._robot.description.limits
        ahead, velocity = line.at(line_s + self._cadence.period_s)
        if self._robot.interface == 'position':
            return ahead.clip(limits.position_lower, limits.position_upper)
        correction = self._settings.gain * (line.at(line_s)[0] - state.position)
        most = np.minimum(limits.velocity, 1.25 * self._settings.speed)
        return (velocity + correction).clip(-most, most)

    def _arrived(self, state: RobotState, target: FloatArray, *, ended: bool) -> bool:
        near = np.abs(state.position - target) <= self._settings.tolerance
        slow = np.abs(state.velocity) <= self._robot.description.standstill_speed
        return ended and bool(near.all()) and bool(slow.all())

    def _check_progress(self, state: RobotState, *, here: FloatArray, target: FloatArray) -> None:
        names, settings = self._robot.description.joints, self._settings
        lag = np.abs(here - state.position)
        worst = int(lag.argmax())
        if lag[worst] > settings.largest_lag:
            raise RobotNotReady(
                f'{names[worst]} stays {lag[worst]:.3g} rad behind on the way to where the '
                f'episode begins; more than {settings.largest_lag:g} rad ends it. Look for what '
                f'holds it.',
                StopReason.LIMIT_EXCEEDED,
            )
        if self._cadence.passed_s > settings.timeout_s:
            away = np.abs(state.position - target)
            worst = int(away.argmax())
            raise RobotNotReady(
                f'The robot is not at rest where the episode begins after '
                f'{settings.timeout_s:g} s: {names[worst]} is {away[worst]:.3g} rad away. Look '
                f'for what holds it, or raise timeout_s of the reset settings.',
                StopReason.NO_STANDSTILL,
            )
