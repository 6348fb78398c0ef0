# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A simulated base in the same process, in lock-step: as fast as it can, the same every time."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from rl_bridge.errors import ConfigError
from rl_bridge.robot_description import UNLIMITED
from rl_bridge.robots.readings import decode
from rl_bridge.safety.limits import check_command
from rl_bridge.sim.base import ACCELERATION, COMMAND_TIMEOUT_S, SPEED, SimulatedBase
from rl_bridge.sim.base_readings import (
    LASER_SCAN,
    ODOMETRY,
    check_base,
    message_of,
)
from rl_bridge.sim.gap import StateChannel
from rl_bridge.sim.in_process_stops import InProcessStops
from rl_bridge.sim.room import furnished
from rl_bridge.types import (
    CommandInterface,
    CommandOutput,
    FloatArray,
    Limits,
    Reading,
    RobotDescription,
    RobotState,
    Sensor,
    StateChecks,
    StateFields,
)

OBSTACLES = 6
SCAN_PERIOD_S = 1 / 15
STATE_PERIOD_S = 0.02  # of diff_drive_controller's odometry


def diff_drive_description() -> RobotDescription:
    """Describe the base as ``config/diff_drive.yaml`` does, without that file or PyYAML."""
    velocities = ('twist.twist.linear.x', 'twist.twist.angular.z')
    output = CommandOutput(
        'diff_drive_controller/cmd_vel',
        (0, 1),
        'geometry_msgs/msg/TwistStamped',
        ('twist.linear.x', 'twist.angular.z'),
        'base_link',
    )
    odom, everywhere = 'diff_drive_controller/odom', (-np.inf, np.inf)
    return RobotDescription(
        name='diff_drive',
        joints=('linear', 'angular'),
        state_topic=odom,
        state_max_age_s=0.1,
        commands={'velocity': CommandInterface('velocity', (output,), COMMAND_TIMEOUT_S)},
        limits=Limits(
            np.full(2, -UNLIMITED), np.full(2, UNLIMITED), np.array(SPEED), np.array(ACCELERATION)
        ),
        standstill_speed=0.02,
        standstill_within_s=1.5,
        state_checks=StateChecks(frozen_within_s=3 * 0.1),
        state_type=ODOMETRY,
        state_fields=StateFields((), velocities),
        sensors={
            'pose': Sensor('pose', odom, ODOMETRY, (13,), 0.2, *everywhere),
            'scan': Sensor('scan', 'scan', LASER_SCAN, (36,), 0.3, 0.05, 8.0),
        },
    )


class SimulatedBaseRobot(InProcessStops):
    """
    A ``SimulatedBase`` as a robot in lock-step: time passes in ``advance`` alone.

    Commands are checked against the same limits as everywhere, and stops latch as the guard's do;
    of the guard's timing nothing is left, because no time passes without a step. The laser
    measures at its own rate, so that a scan may be as old as a real one; odometry and bumper are
    measured when they are asked for.

    :param interface: 'velocity'.
    :param description: the robot; None = ``diff_drive_description()``.
    :param base: the base; None = one among ``OBSTACLES`` obstacles of the seed 0. With its gap
        states may arrive late or not at all.
    :param scan_period_s: time between two scans.
    :param carry_back: whether the base begins every episode where it started, as if a person had
        carried it back, which makes an episode the same for the same seed; False = it begins where
        the last one ended, as a real one does.
    :raises ConfigError: a value cannot be used, or MuJoCo is not installed.
    """

    def __init__(
        self,
        *,
        interface: str = 'velocity',
        description: RobotDescription | None = None,
        base: SimulatedBase | None = None,
        scan_period_s: float = SCAN_PERIOD_S,
        carry_back: bool = True,
    ) -> None:
        super().__init__()
        self.description = diff_drive_description() if description is None else description
        check_base(self.description)
        if interface != 'velocity':
            raise ConfigError(f"The interface of a base is 'velocity', not {interface!r}.")
        if not scan_period_s > 0.0:
            raise ConfigError(f'scan_period_s must be above 0 s, not {scan_period_s!r}.')
        self.interface = interface
        if base is None:
            limits = self.description.limits
            base = SimulatedBase(
                obstacles=furnished(count=OBSTACLES, seed=0),
                command_timeout_s=self.description.commands[interface].timeout_s,
                speed=limits.velocity,
                acceleration=limits.acceleration,
            )
        self._base = base
        self._scan_period_s = scan_period_s
        self._carry_back = carry_back
        self._time_s = 0.0
        self._scan_due_s = 0.0
        self._past: dict[str, deque[Reading]] = {}
        self._channel = StateChannel[RobotState](base.gap) if base.gap.delays else None
        self._measure_anew()

    def state(self) -> RobotState:
        """Return the measured state; its stamp is the simulated time since the start."""
        with self._lock:
            return self._arrived

    def command(self, values: FloatArray, *, authority_s: float) -> None:
        """
        Drive until the next command or the base's own time-out.

        :raises LimitError: a value is not finite or outside its limit; nothing moved.
        :raises RobotStopped: a stop forbids motion; nothing moved.
        """
        checked = check_command(values, self.description, self.interface)
        with self._lock:
            self._resume()
            self._base.command(checked)

    def advance(self, seconds: float) -> None:
        """Let the base move for some time."""
        with self._lock:
            if self._channel is None:
                self._base.advance(seconds)
                self._time_s += seconds
                self._arrived = self._measured()
            else:
                self._advance_measured(self._time_s + seconds, self._channel)

    # -- inside; the lock is held --------------------------------------------------------------

    def _halt_motion(self) -> None:
        self._base.halt()

    def _begun(self) -> None:
        if self._carry_back:
            self._base.carry_back()
            self._measure_anew()

    def _now_ns(self) -> int:
        return round(self._time_s * 1e9)

    def _measure_anew(self) -> None:
        """Forget what was measured elsewhere; a history begins with the first reading repeated."""
        self._scan_due_s = self._time_s
        self._past = {}
        self._arrived = self._measured()
        if self._channel is not None:
            self._channel.clear()

    def _advance_measured(self, end_s: float, channel: StateChannel[RobotState]) -> None:
        """Let time pass from one measurement to the next, and take those that arrive."""
        while self._time_s < end_s - 1e-9:
            count = math.floor(self._time_s / STATE_PERIOD_S + 1e-6) + 1
            until = min(count * STATE_PERIOD_S, end_s)
            self._base.advance(until - self._time_s)
            self._time_s = until
            if until == count * STATE_PERIOD_S:
                channel.send(self._measured(), now_s=until)
        for state in channel.arrived(now_s=self._time_s):
            self._arrived = state

    def _measured(self) -> RobotState:
        """Return what is measured now; the laser only if it is due."""
        velocity = self._base.velocity()
        scans = self._time_s >= self._scan_due_s - 1e-9
        if scans:
            self._scan_due_s += self._scan_period_s
        for name, sensor in self.description.sensors.items():
            if sensor.type == LASER_SCAN and not scans:
                continue
            reading = Reading(decode(sensor, message_of(sensor, self._base)), self._now_ns())
            if name not in self._past:
                self._past[name] = deque([reading] * sensor.history, maxlen=sensor.history)
            self._past[name].append(reading)
        sensors = {name: self._reading(name) for name in self._past}
        return RobotState(np.zeros(2), velocity, np.zeros(2), self._now_ns(), sensors)

    def _reading(self, name: str) -> Reading:
        past = self._past[name]
        if self.description.sensors[name].history == 1:
            return past[-1]
        return Reading(np.stack([reading.values for reading in past]), past[-1].stamp_ns)
