# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Bring the joints to positions: reach in joint space, for any arm and without a DH table.

SenseAct has it as ``target_type='angle'`` of its UR-Reacher and as its Dynamixel reacher
(``senseact/envs/dxl/dxl_reacher_env.py``); here it is for all joints of a robot file, turning or
sliding ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.tasks.base_task import BaseTask
from rl_bridge.tasks.joint_actions import ActionSettings, JointActions
from rl_bridge.tasks.workspace import JointRanges
from rl_bridge.types import FloatArray, RobotDescription, RobotState

WEIGHTS = {'distance': 1.0, 'precision': 1.0, 'velocity': 0.0, 'action': 0.0}
PRECISION = 0.01  # rad^2: as the Cartesian task's in m^2
MARGIN = 0.1  # rad or m: how far beyond the goals a joint may move


class JointReachTask(BaseTask):
    """
    Bring all joints to a goal, drawn from the seed or fixed, and keep them there.

    An episode keeps every joint within ``spread`` (and 0.1) of where goals are drawn around, so
    that an arm with wide limits does not sweep its cell. An observation is a float32 array: all
    positions and the way that is left (rad), velocities over the task's highest, the last action
    as it was acted on, -1 to 1 of its range. Raw reward terms: ``distance`` is -d, ``precision``
    is exp(-d^2 / 0.01), with d the Euclidean distance in joint space, ``velocity`` minus the sum
    of the squared velocities over the task's highest, ``action`` minus the sum of the squared
    actions over their bound. The reward is their weighted sum.

    :param description: the robot.
    :param interface: 'velocity' or 'position'.
    :param period_s: the control period, s.
    :param reference: positions an episode begins at, which goals are drawn around, shape
        (joints,); None = where the robot is.
    :param spread: how far from there a goal is drawn at most, rad or m.
    :param goal: fixed positions to reach, shape (joints,); None = drawn from the seed.
    :param speed_share: highest speed of a joint, as a part of its velocity limit, above 0 to 1.
    :param tolerance: all joints nearer than this is a success, rad or m.
    :param weights: reward weights that differ from ``WEIGHTS``.
    :param schedules: of weights, see ``RewardWeights``.
    :param actions: kind of the actions, 'value', 'first' or 'increment', see ``joint_actions``.
        Absolute positions ('value') need a ``reference``.
    :param smooth_s: time constant of a low-pass on the actions, s; 0 = none.
    :param smooth_steps: the mean of so many actions is acted on; 1 = none.
    :raises ConfigError: a value cannot be used with this robot.
    """

    def __init__(
        self,
        description: RobotDescription,
        *,
        interface: str = 'velocity',
        period_s: float = 0.04,
        reference: ArrayLike | None = None,
        spread: float = 0.5,
        goal: ArrayLike | None = None,
        speed_share: float = 0.3,
        tolerance: float = 0.02,
        weights: Mapping[str, float] | None = None,
        schedules: Mapping[str, Any] | None = None,
        actions: str | None = None,
        smooth_s: float = 0.0,
        smooth_steps: int = 1,
    ) -> None:
        super().__init__(
            interface=interface,
            period_s=period_s,
            weights=WEIGHTS,
            changed=weights,
            schedules=schedules,
        )
        for name, value in (
            ('period_s', period_s),
            ('spread', spread),
            ('speed_share', speed_share),
            ('tolerance', tolerance),
        ):
            if not (math.isfinite(value) and value > 0.0):
                raise ConfigError(f'{name} of the joint reach task is {value!r}; it must be > 0.')
        if speed_share > 1.0:
            raise ConfigError(f'speed_share is {speed_share!r}; it must be at most 1.')
        self._limits = description.limits
        self._spread = spread
        self._tolerance = tolerance
        self._reference = None if reference is None else self._given(reference, 'reference')
        self._fixed = None if goal is None else self._given(goal, 'goal')
        settings = ActionSettings(kind=actions, smooth_s=smooth_s, smooth_steps=smooth_steps)
        absolute = interface == 'position' and settings.kind_for(interface) == 'value'
        if absolute and self._reference is None:
            raise ConfigError("Actions of kind 'value' need a reference of the task.")
        joints = len(description.joints)
        self._speed = speed_share * description.limits.velocity
        acceleration = float(description.limits.acceleration.min())
        approach_s = period_s + float(self._speed.max()) / acceleration
        everywhere = self._limits.position_lower, self._limits.position_upper
        first = everywhere if self._reference is None else self._range_around(self._reference)
        self._ranges = JointRanges(tuple(range(joints)), *first, approach_s=approach_s)
        self._actions = JointActions(
            interface=interface,
            actuated=tuple(range(joints)),
            range_lower=first[0],
            range_upper=first[1],
            limits=description.limits,
            speed=self._speed,
            acceleration=acceleration,
            period_s=period_s,
            bound=self._ranges.bounded,
            settings=settings,
        )
        self._goal = np.zeros(joints)
        self.action_space = self._actions.space
        self.observation_space = self._observation_space()

    @property
    def goal(self) -> FloatArray:
        """The episode's goal, shape (joints,), rad or m."""
        return self._goal.copy()

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        """
        Choose a goal and return the positions an episode begins at, or None for where it is.

        :param options: ``goal``: positions of all joints instead of drawn ones.
        :raises ConfigError: an option is unknown, or the goal is malformed or outside the limits.
        """
        unknown = sorted(set(options) - {'goal'})
        if unknown:
            raise ConfigError(
                f'The joint reach task has no reset option {unknown[0]!r}; it has '
                f"'goal', and its environment has 'in_place'."
            )
        goal = self._given(options['goal'], 'reset option goal') if options else self._fixed
        low, high = self._limits.position_lower, self._limits.position_upper
        centre = state.position.clip(low, high) if self._reference is None else self._reference
        if goal is None:
            goal = rng.uniform(
                np.maximum(centre - self._spread, low), np.minimum(centre + self._spread, high)
            )
        self._goal = goal
        self._ranges.lower, self._ranges.upper = self._range_around(centre, goal)
        return None if self._reference is None else self._reference.copy()

    def begin(self, state: RobotState) -> None:
        """Begin where the robot is."""
        self._actions.begin(state)

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """Turn an action inside the action space into a command that leaves no joint's range."""
        return self._actions.command(action, state)

    def observe(self, state: RobotState) -> NDArray[np.float32]:
        """Return a fresh observation inside the observation space, shape (4 * joints,)."""
        parts = (
            state.position,
            self._goal - state.position,
            state.velocity / self._speed,
            self._actions.share,
        )
        space = self.observation_space
        return np.concatenate(parts).astype(np.float32).clip(space.low, space.high)

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """Return the weighted reward and the raw value of every term."""
        distance = float(np.linalg.norm(self._goal - state.position))
        terms = {
            'distance': -distance,
            'precision': math.exp(-(distance**2) / PRECISION),
            'velocity': -float(np.square(state.velocity / self._speed).sum()),
            'action': -float(np.square(self._actions.share_of(action)).sum()),
        }
        return self._weights.total(terms), terms

    def terminated(self, state: RobotState) -> bool:
        """Return false: the joints are to stay at their goal until the time is over."""
        return False

    def info(self, state: RobotState) -> dict[str, Any]:
        """Return ``largest_error``, rad or m, and ``is_success``."""
        error = float(np.abs(self._goal - state.position).max())
        return {'largest_error': error, 'is_success': error < self._tolerance}

    def episode_info(self) -> dict[str, Any]:
        """Return the goal, one number per joint."""
        return {'goal': self._goal.tolist()}

    def _range_around(
        self, centre: FloatArray, goal: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return where joints may be in an episode."""
        reach = self._spread + MARGIN
        low, high = centre - reach, centre + reach
        for point in (goal, self._fixed):
            if point is not None:
                low, high = np.minimum(low, point - MARGIN), np.maximum(high, point + MARGIN)
        limits = self._limits
        return np.maximum(low, limits.position_lower), np.minimum(high, limits.position_upper)

    def _given(self, values: Any, what: str) -> FloatArray:
        try:
            array = np.array(values, dtype=np.float64)
        except (TypeError, ValueError):
            array = np.array(np.nan)
        low, high = self._limits.position_lower, self._limits.position_upper
        if array.shape != low.shape or not ((array >= low) & (array <= high)).all():
            raise ConfigError(
                f'The {what} of the joint reach task is {values!r}; it must be {len(low)} numbers '
                f'from {low.tolist()} to {high.tolist()}.'
            )
        return array

    def _observation_space(self) -> spaces.Box:
        limits = self._limits
        speed = limits.velocity / self._speed
        ones = np.ones(len(speed))
        way = limits.position_upper - limits.position_lower
        low = np.concatenate([limits.position_lower, -way, -speed, -ones])
        high = np.concatenate([limits.position_upper, way, speed, ones])
        return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
