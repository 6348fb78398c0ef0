# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A simulated arm in the same process, in lock-step: as fast as it can, the same every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import UR5E_DH
from rl_bridge.safety.limits import check_command
from rl_bridge.sim.arm import SimulatedArm
from rl_bridge.sim.arm_model import UR5E_JOINTS, arm_model
from rl_bridge.sim.gap import Gap, StateChannel
from rl_bridge.sim.in_process_stops import InProcessStops
from rl_bridge.types import (
    FloatArray,
    Limits,
    RobotDescription,
    RobotState,
    StateChecks,
    StopStatus,
    forward_commands,
)

STATE_PERIOD_S = 0.008  # 125 Hz, as the node: where states are late or lost, they come at a rate


def ur5e_description() -> RobotDescription:
    """Describe the UR5e as ``config/ur5e.yaml`` does, where neither that file nor PyYAML is."""
    turn = 2.0 * np.pi
    position_upper = np.array([turn, turn, np.pi, turn, turn, turn])
    return RobotDescription(
        name='ur5e',
        joints=UR5E_JOINTS,
        state_topic='joint_states',
        state_max_age_s=0.1,
        commands={
            kind: forward_commands(kind, f'forward_{kind}_controller/commands', 0.0, joints=6)
            for kind in ('velocity', 'position')
        },
        limits=Limits(-position_upper, position_upper, np.full(6, 1.0), np.full(6, 3.0)),
        standstill_speed=0.02,
        standstill_within_s=1.0,
        dh=UR5E_DH,
        state_checks=StateChecks(frozen_within_s=3 * 0.1),
        stop_status=StopStatus('robot_running', 'std_msgs/msg/Bool', 'data', (True,), 0.5),
    )


class SimulatedRobot(InProcessStops):
    """
    A ``SimulatedArm`` as a robot in lock-step: time passes in ``advance`` alone.

    Commands are checked against the same limits as everywhere, and stops latch as the guard's do;
    of the guard's timing nothing is left, because no time passes without a step.

    :param interface: one of the robot file's interfaces: 'velocity', 'position' or 'effort'.
    :param description: any robot file with ``dh``; None = ``ur5e_description()``.
    :param arm: the arm; None = one whose joints accelerate as ``description`` allows.
    :param position: joint angles to begin at, rad; None = where its model is ready, or ``arm`` is.
    :param gap: how the arm made here differs from its model and from what is measured. Friction
        and masses are drawn anew in every ``place``. An ``arm`` that is given has its own.
    :raises ConfigError: the interface is not in the robot file, or the arm cannot be simulated.
    """

    def __init__(
        self,
        *,
        interface: str = 'velocity',
        description: RobotDescription | None = None,
        arm: SimulatedArm | None = None,
        position: ArrayLike | None = None,
        gap: Gap | None = None,
    ) -> None:
        super().__init__()
        self.description = ur5e_description() if description is None else description
        if interface not in self.description.commands:
            names = ' or '.join(repr(kind) for kind in self.description.commands)
            raise ConfigError(f'The interface is {names}, not {interface!r}.')
        self.interface = interface
        if arm is None:
            arm = SimulatedArm(
                model=arm_model(self.description),
                acceleration=self.description.limits.acceleration,
                gap=gap or Gap(),
            )
        elif gap is not None:
            raise ConfigError('gap is of the arm that is made here; give your own arm its own.')
        if position is not None:
            arm.reset(position)
        self._arm = arm
        self._outputs = self.description.commands[interface].outputs
        self._time_s = 0.0
        self._channel = StateChannel[RobotState](arm.gap) if arm.gap.delays else None
        self._arrived = self._measured()  # what the channel brought last
        self._measurements = 0  # that went into it

    def state(self) -> RobotState:
        """Return the measured state; its stamp is the simulated time since the start."""
        with self._lock:
            return self._measured() if self._channel is None else self._arrived

    def place(self, position: FloatArray) -> None:
        """
        Put the arm at rest somewhere at once.

        :raises LimitError: a value is not finite or outside its limit; nothing changed.
        """
        checked = check_command(position, self.description, 'position')
        with self._lock:
            self._arm.reset(checked)
            if self._channel is not None:
                self._channel.clear()
                self._arrived = self._measured()

    def command(self, values: FloatArray, *, authority_s: float) -> None:
        """
        Command all joints until the next command; in lock-step authority does not run out.

        :raises LimitError: a value is not finite or outside its limit; nothing moved.
        :raises RobotStopped: a stop forbids motion; nothing moved.
        """
        checked = check_command(values, self.description, self.interface)
        with self._lock:
            self._resume()
            if self.interface == 'velocity':
                self._arm.command_velocity(checked)
            elif self.interface == 'effort':
                self._arm.command_effort(checked)
            else:
                for output in self._outputs:
                    self._arm.command_position(
                        checked[list(output.joints)],
                        joints=output.joints,
                        within_s=output.arrive_within_s,
                    )

    def advance(self, seconds: float) -> None:
        """Let the arm move for some time."""
        with self._lock:
            if self._channel is None:
                self._arm.advance(seconds)
                self._time_s += seconds
            else:
                self._advance_measured(self._time_s + seconds, self._channel)

    def _halt_motion(self) -> None:
        if self.interface == 'effort':
            # As the guard does: no torque, and whatever holds the real arm then holds it.
            self._arm.command_effort(np.zeros(len(self.description.joints)))
        else:
            self._arm.halt()

    def _advance_measured(self, end_s: float, channel: StateChannel[RobotState]) -> None:
        """Let time pass from one measurement to the next, and take those that arrive."""
        while self._time_s < end_s - 1e-9:
            due = (self._measurements + 1) * STATE_PERIOD_S
            measures = due <= end_s + 1e-9
            until = due if measures else end_s
            self._arm.advance(max(0.0, until - self._time_s))
            self._time_s = until
            if measures:
                self._measurements += 1
                channel.send(self._measured(), now_s=until)
        for state in channel.arrived(now_s=self._time_s):
            self._arrived = state

    def _measured(self) -> RobotState:
        position, velocity, effort = self._arm.state()
        return RobotState(position, velocity, effort, round(self._time_s * 1e9))
