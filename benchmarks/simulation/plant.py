# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The robot's own side: a driver with joints that do what the controller was told last."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks.simulation.kernel import MS, Process, Simulation

JOINTS = ('shoulder', 'elbow')
LOWER, UPPER = (-1.0, -2.0), (1.0, 2.0)
SPEED, ACCELERATION = (0.5, 1.0), (2.0, 4.0)
MAX_AGE_S = 0.1
STATE_PERIOD_NS = 8 * MS
STOP_MAX_AGE_S = 0.3
STOP_PERIOD_NS = 50 * MS
RAMPS = {'halt': {'velocity': {'profile': 'ramp'}}}
STOP_STATUS = {
    'stop_status': {
        'topic': 'robot_program_running', 'type': 'std_msgs/msg/Bool', 'field': 'data',
        'running': [True], 'max_age': STOP_MAX_AGE_S}}  # fmt: skip
ROBOT: dict[str, Any] = {
    'name': 'two_link',
    'joints': list(JOINTS),
    'state': {'topic': 'joint_states', 'max_age': MAX_AGE_S},
    'commands': {
        'velocity': {'topic': 'velocity_controller/commands', 'timeout': 0.0},
        'position': {'topic': 'position_controller/commands', 'timeout': 0.0},
    },
    'limits': {
        'position': {'lower': list(LOWER), 'upper': list(UPPER)},
        'velocity': list(SPEED),
        'acceleration': list(ACCELERATION),
    },
    'standstill': {'speed': 0.02, 'within': 0.5},
}


class Plant:
    """
    Joints behind a controller that keeps the last velocity for ever, as the stock ones do.

    :param publish: takes each joint state.
    :param tell: takes whether the robot may move, as it tells itself.
    """

    def __init__(
        self,
        world: Simulation,
        *,
        publish: Callable[[Any], None],
        tell: Callable[[bool], None],
    ) -> None:
        self.process = Process('driver')
        self.position = [0.0, 0.0]
        self.velocity = [0.0, 0.0]
        self.wanted = [0.0, 0.0]
        self.fault = ''
        self.pressed = False
        self.tells = True
        self._world = world
        self._publish = publish
        self._stale: Any = None
        self._tell = tell
        world.every(STATE_PERIOD_NS, self._advance, self.process)
        world.every(STOP_PERIOD_NS, self._tell_stop, self.process)

    def command(self, values: list[float]) -> None:
        """Take a command of the controller's topic."""
        self.wanted = list(values)

    def _tell_stop(self) -> None:
        if self.tells:
            self._tell(not self.pressed)

    def _advance(self) -> None:
        dt = STATE_PERIOD_NS / 1e9
        for i in range(2):
            wanted = 0.0 if self.pressed else self.wanted[i]
            most = 40.0 * dt
            self.velocity[i] += max(-most, min(most, wanted - self.velocity[i]))
            self.position[i] += self.velocity[i] * dt
        state = self._measured()
        if state is not None:
            self._publish(state)

    def _measured(self) -> Any:
        if self.fault == 'silent':
            return None
        if self.fault == 'frozen' and self._stale is not None:
            return self._stale
        position, velocity = list(self.position), list(self.velocity)
        names = ['gripper', *JOINTS]
        if self.fault == 'nan':
            position[self._world.random.randrange(2)] = math.nan
        elif self.fault == 'infinite':
            velocity[self._world.random.randrange(2)] = math.inf
        elif self.fault == 'jump':
            position[0] += 0.7
        elif self.fault == 'joint missing':
            names = ['gripper', 'shoulder', 'other']
        elif self.fault == 'short':
            velocity = velocity[:1]
        state = SimpleNamespace(
            header=SimpleNamespace(stamp=SimpleNamespace(sec=0, nanosec=0)),
            name=names,
            position=array('d', [0.7, *position]),
            velocity=array('d', [0.0, *velocity]),
            effort=array('d'),
        )
        stamp_ns = self._world.now_ns
        state.header.stamp.sec, state.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        if not self.fault:
            self._stale = state
        return state
