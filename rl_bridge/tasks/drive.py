# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Drive a base to a goal past obstacles that only its laser knows of.

An episode begins where the base is: nothing is put anywhere, and nothing is driven to first, as
with SenseAct's reset 'none'. What the base measures is all the task knows, so that it is the same
one on a real base: its odometry (the goal's frame, with its origin where the base was started) and
its laser.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.tasks.base_task import BaseTask
from rl_bridge.tasks.drive_picture import draw_drive
from rl_bridge.tasks.drive_readings import (
    base_pose,
    checked_scan,
    goal_points,
    newest,
    sector_directions,
)
from rl_bridge.types import FloatArray, RobotDescription, RobotState, Sensor

ARENA = 2.4  # m: goals lie within it of the origin, along either axis ...
FURNISHED = 2.0  # ... and not within this, where obstacles may stand
LEAST_WAY = 1.5  # m from the base to a goal that is drawn
ARRIVED = 0.15  # m
RADIUS = 0.176  # m, of a TurtleBot 2's chassis round the laser
MARGIN = 0.02  # m; nearer to the chassis than this counts as a collision
CLEAR = 0.3  # m from the chassis; what is nearer costs
RELEASED = 0.02  # m; an episode that began in contact is free of it that much farther away
LARGEST_DISTANCE = 20.0  # m, bound of the observation
WEIGHTS = {'progress': 1.0, 'arrived': 10.0, 'collision': 10.0, 'clearance': 0.05, 'action': 0.0}
_TRIES = 1000

Observation = NDArray[np.float32]


class DriveTask(BaseTask):
    """
    Drive to a goal and touch nothing on the way.

    An observation is a float32 array: the goal in the base's frame (x forwards, y to the left, m),
    both velocities over their limits, the last action over its bound, and the laser's sectors in
    m. An action is both velocities, m/s and rad/s. Raw reward terms: ``progress`` is by how many
    metres the goal came nearer in the period, ``arrived`` is 1 in the step that arrives,
    ``collision`` is -1 in the one that touches, ``clearance`` is -1 at the chassis and 0 from
    30 cm on, linear between, and ``action`` is minus the sum of the squared actions over their
    bound. Both arrival and collision terminate the episode. A collision is a reading of the laser
    nearer than ``margin_m`` to the chassis, or the sensor ``bumper`` where the robot has one. An
    episode that begins like that may drive free: only nearer still, or there again, is one more.

    :param description: the robot: two axes, and the sensors ``pose`` (Odometry) and ``scan``
        (LaserScan).
    :param interface: 'velocity'.
    :param period_s: the control period.
    :param goals: points in the odometry's frame, m, one of which is drawn; None = anywhere in the
        square ring between ``furnished_m`` and ``arena_m``.
    :param arena_m: goals lie within this of the origin along either axis.
    :param furnished_m: and not all within this, where obstacles may stand.
    :param radius_m: of the base round its laser.
    :param margin_m: of a collision, see above.
    :param arrived_m: as near as this the base has arrived.
    :param scan_begins_rad: direction of the scan's first ray, ``angle_min`` of its messages.
    :param weights: reward weights that differ from ``WEIGHTS``.
    :param schedules: of weights, see ``RewardWeights``.
    :raises ConfigError: a value cannot be used with this robot.
    """

    def __init__(
        self,
        description: RobotDescription,
        *,
        interface: str = 'velocity',
        period_s: float = 0.04,
        goals: Sequence[Sequence[float]] | None = None,
        arena_m: float = ARENA,
        furnished_m: float = FURNISHED,
        radius_m: float = RADIUS,
        margin_m: float = MARGIN,
        arrived_m: float = ARRIVED,
        scan_begins_rad: float = -math.pi,
        weights: Mapping[str, float] | None = None,
        schedules: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            interface=interface,
            period_s=period_s,
            weights=WEIGHTS,
            changed=weights,
            schedules=schedules,
        )
        scan = checked_scan(description, interface)
        for name, value in (
            ('period_s', period_s),
            ('radius_m', radius_m),
            ('arrived_m', arrived_m),
            ('margin_m', margin_m),
            ('arena_m', arena_m),
        ):
            if not (np.isfinite(value) and value > 0.0):
                raise ConfigError(f'{name} of the drive task must be above 0, not {value!r}.')
        if not 0.0 <= furnished_m < arena_m:
            raise ConfigError(
                f'furnished_m must be 0 to below arena_m, which is {arena_m:g} m, not '
                f'{furnished_m!r}.'
            )
        if not scan.lower < radius_m + margin_m < scan.upper:
            raise ConfigError(
                f'A collision is a reading below {radius_m + margin_m:g} m (radius_m + margin_m), '
                f'which the sensor scan cannot tell: it measures {scan.lower:g} to '
                f'{scan.upper:g} m.'
            )
        if not np.isfinite(scan_begins_rad):
            raise ConfigError(f'scan_begins_rad must be an angle, not {scan_begins_rad!r}.')
        self._goals = None if goals is None else goal_points(goals)
        self._arena_m, self._furnished_m = arena_m, furnished_m
        self._radius_m, self._margin_m, self._arrived_m = radius_m, margin_m, arrived_m
        self._sectors = scan.shape[0]
        #: Middle of each sector in the base's frame, rad.
        self.directions = sector_directions(self._sectors, begins_rad=scan_begins_rad)
        self._speed = description.limits.velocity.astype(np.float32)
        # A bound that float32 rounded up would be refused as above the limit.
        self._speed = np.where(
            self._speed > description.limits.velocity,
            np.nextafter(self._speed, np.float32(0.0)),
            self._speed,
        )
        self.action_space = spaces.Box(-self._speed, self._speed, dtype=np.float32)
        self.observation_space = self._observed(scan)
        self._goal = np.zeros(2)
        self._begin(math.inf)

    @property
    def goal_m(self) -> FloatArray:
        """The episode's goal in the odometry's frame, shape (2,), m."""
        return self._goal.copy()

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        """
        Draw a goal; the episode begins where the base is.

        :param options: ``goal_m``: x and y in the odometry's frame instead of a drawn goal.
        :raises ConfigError: an option is unknown, or the goal is malformed or too far away.
        """
        unknown = sorted(set(options) - {'goal_m'})
        if unknown:
            raise ConfigError(
                f"The drive task has no reset option {unknown[0]!r}; it has 'goal_m'."
            )
        here = base_pose(state)[:2]
        if 'goal_m' in options:
            goal = goal_points([options['goal_m']])[0]
        elif self._goals is not None:
            goal = self._goals[int(rng.integers(len(self._goals)))]
        else:
            goal = self._drawn(rng, here)
        if float(np.linalg.norm(goal - here)) > LARGEST_DISTANCE:
            raise ConfigError(
                f'The goal {goal.tolist()} is more than {LARGEST_DISTANCE:g} m away from the '
                f'base, which is at {np.round(here, 3).tolist()}.'
            )
        self._goal = goal
        return None

    def begin(self, state: RobotState) -> None:
        """Begin where the base is, which may be in contact with something."""
        self._begin(self.clearance_m(state), bumped=self._bumped(state))
        self._distance_before = self.distance_m(state)

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """
        Return the action as both velocities.

        :param action: inside the action space, shape (2,).
        """
        self._last_action = np.asarray(action, dtype=np.float64).copy()
        self._distance_before = self.distance_m(state)
        return self._last_action.copy()

    def observe(self, state: RobotState) -> Observation:
        """Return a fresh observation inside the observation space."""
        self._note_contact(state)
        parts = (
            self._goal_ahead(state),
            state.velocity / self._speed,
            self._last_action / self._speed,
            newest(state, 'scan', self._sectors),
        )
        space = self.observation_space
        return np.concatenate(parts).astype(np.float32).clip(space.low, space.high)

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """Return the weighted reward and the raw value of every term."""
        near = 1.0 - self.clearance_m(state) / CLEAR
        share = np.asarray(action, dtype=np.float64) / self._speed
        terms = {
            'progress': self._distance_before - self.distance_m(state),
            'arrived': float(self._arrived(state)),
            'collision': -float(self._collided(state)),
            'clearance': -min(max(near, 0.0), 1.0),
            'action': -float(np.square(share).sum()),
        }
        return self._weights.total(terms), terms

    def terminated(self, state: RobotState) -> bool:
        """Return whether the base has arrived or touches something."""
        return self._arrived(state) or self._collided(state)

    def info(self, state: RobotState) -> dict[str, Any]:
        """
        Return ``distance_m`` to the goal, ``clearance_m`` round the chassis, ``collision``, and
        ``is_success``: arrived, and without one.
        """
        return {
            'distance_m': self.distance_m(state),
            'clearance_m': self.clearance_m(state),
            'collision': self._collided(state),
            'is_success': self._arrived(state),
        }

    def episode_info(self) -> dict[str, Any]:
        """Return the goal in the odometry's frame, two numbers in m."""
        return {'goal_m': self._goal.tolist()}

    def picture(self, state: RobotState, *, width: int, height: int) -> NDArray[np.uint8]:
        """
        Draw the base, its goal and what its laser sees from above, uint8 (height, width, 3).

        :raises ConfigError: the size is not 16 to 2048 pixels.
        """
        return draw_drive(
            base_pose(state),
            goal=self._goal,
            ranges=newest(state, 'scan', self._sectors),
            directions=self.directions,
            largest_range=float(self.observation_space.high[-1]),
            radius=self._radius_m,
            arrived=self._arrived_m,
            reach=self._arena_m + 1.0,
            width=width,
            height=height,
        )

    def distance_m(self, state: RobotState) -> float:
        """Return the distance from the base's middle to the goal, m."""
        return float(np.linalg.norm(self._goal - base_pose(state)[:2]))

    def clearance_m(self, state: RobotState) -> float:
        """Return how far the nearest thing is from the chassis, m."""
        return float(newest(state, 'scan', self._sectors).min()) - self._radius_m

    def _begin(self, clearance_m: float, *, bumped: bool = False) -> None:
        self._last_action = np.zeros(2)
        self._distance_before = 0.0
        self._touching_m = clearance_m if clearance_m < self._margin_m else math.inf
        self._bumped_at_begin = bumped

    def _note_contact(self, state: RobotState) -> None:
        """Notice that an episode which began in contact has driven free."""
        self._bumped_at_begin = self._bumped_at_begin and self._bumped(state)
        if self.clearance_m(state) > self._margin_m + RELEASED:
            self._touching_m = math.inf

    def _collided(self, state: RobotState) -> bool:
        least = self._margin_m
        if self._touching_m < math.inf:
            least = self._touching_m - RELEASED
        bumped = self._bumped(state) and not self._bumped_at_begin
        return bumped or self.clearance_m(state) < least

    def _bumped(self, state: RobotState) -> bool:
        return 'bumper' in state.sensors and bool(newest(state, 'bumper', 1)[0])

    def _arrived(self, state: RobotState) -> bool:
        return self.distance_m(state) < self._arrived_m and not self._collided(state)

    def _goal_ahead(self, state: RobotState) -> FloatArray:
        """Return the goal in the base's frame, m."""
        x, y, heading = base_pose(state)
        cos, sin = math.cos(heading), math.sin(heading)
        east, north = self._goal - (x, y)
        return np.array([cos * east + sin * north, cos * north - sin * east])

    def _drawn(self, rng: np.random.Generator, here: FloatArray) -> FloatArray:
        for _ in range(_TRIES):
            goal: FloatArray = rng.uniform(-self._arena_m, self._arena_m, 2)
            outside = float(np.abs(goal).max()) >= self._furnished_m
            if outside and float(np.linalg.norm(goal - here)) >= LEAST_WAY:
                return goal
        raise ConfigError(
            f'No goal was found {LEAST_WAY:g} m away from the base at '
            f'{np.round(here, 3).tolist()}: make arena_m ({self._arena_m:g} m) larger.'
        )

    def _observed(self, scan: Sensor) -> spaces.Box:
        # A measured velocity may exceed its limit; it is cut here, and judged by the guard.
        high = np.concatenate(
            [np.full(2, LARGEST_DISTANCE), np.ones(4), np.full(self._sectors, scan.upper)]
        ).astype(np.float32)
        low = -high
        low[6:] = np.float32(scan.lower)
        return spaces.Box(low, high, dtype=np.float32)
