# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Bring the tool to a point: the UR-Reacher of SenseAct on a UR5e.

After ``senseact/envs/ur/reacher_env.py`` (A. R. Mahmood et al., Setting up a Reinforcement
Learning Task with a Real-World Robot, IROS 2018). Kept: the joints that move, the box and the
joint ranges, 0.3 rad/s, 4 s episodes at 25 Hz, what an observation holds, the 'precision' reward
and its scale. Different on purpose:

* A motion towards the border of the box or of a joint's range is slowed down so that it ends
  there; SenseAct lets the arm cross it and then drives it back against the policy's action.
* Targets are such that 0.3 rad/s can reach them in two thirds of an episode.
* The action an observation repeats is zero after a reset, not random.
* Position actions are increments of the joint angles, bounded by 0.3 rad/s. An absolute target
  would let one random action swing the arm through its whole range at the robot's velocity limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import DhChain
from rl_bridge.tasks.reach_setup import ReachSetup, ur5e_reach_setup
from rl_bridge.tasks.task import RewardWeights
from rl_bridge.tasks.workspace import Workspace
from rl_bridge.types import FloatArray, RobotDescription, RobotState

SPEED_MAX = 0.3  # rad/s: examples/advanced/ur5_reacher.py
ACCELERATION_MAX = 1.4  # rad/s^2: accel_max, ibid.
EPISODE_S = 4.0
PRECISION_M2 = 0.01  # m^2: reward_type 'precision' of reacher_env.py
REWARD_PERIOD_S = 0.008  # rewards are scaled by the period over that of the UR5's controller
SUCCESS_M = 0.02
TARGET_MARGIN_M = 0.02  # between a target and the border of the box
REACH_FRACTION = 0.65  # of an episode in which full speed reaches a target
WINDOW_S = 0.1  # at full speed: how far a position command leads the measured position at most
LARGEST_DISTANCE_M = 4.0  # bound of the observation; twice the arm's reach and more
WEIGHTS = {'distance': 1.0, 'precision': 1.0, 'velocity': 0.0, 'action': 0.0}

Observation = NDArray[np.float32]


class ReachTask:
    """
    Bring the tool to a point drawn from the seed and keep it there.

    An observation is a float32 array: the actuated joints' positions in rad, their velocities over
    ``speed_max``, the vector from the tool to the target in m along the setup's axes, and the last
    action over its bound. Raw reward terms: ``distance`` is -d, ``precision`` is exp(-d^2 / 0.01),
    ``velocity`` is minus the sum of the squared joint velocities, ``action`` minus the sum of the
    squared actions over their bound, with the distance d in m; the reward is their weighted sum
    times period / 8 ms, as SenseAct's.

    :param description: the robot; needs a DH table.
    :param joints: 2 or 6.
    :param interface: 'velocity': actions in rad/s. 'position': actions in rad of one period.
    :param period_s: the control period.
    :param speed_max: bound of the actions, rad/s.
    :param weights: reward weights that differ from ``WEIGHTS``.
    :param setup: the place; None = SenseAct's.
    :raises ConfigError: a value cannot be used with this robot.
    """

    def __init__(
        self,
        description: RobotDescription,
        *,
        joints: int = 2,
        interface: str = 'velocity',
        period_s: float = 0.04,
        speed_max: float = SPEED_MAX,
        weights: Mapping[str, float] | None = None,
        setup: ReachSetup | None = None,
    ) -> None:
        self.interface = interface
        self.setup = ur5e_reach_setup(joints) if setup is None else setup
        self._check(description, interface, period_s, speed_max)
        assert description.dh is not None
        self._chain = DhChain(description.dh)
        self._actuated = np.array(self.setup.actuated)
        self._axes = np.array(self.setup.axes)
        self.period_s = period_s
        self._speed_max = speed_max
        # With this time constant an approach to a border needs ACCELERATION_MAX at most; the
        # period comes on top because a command acts that much later.
        self._workspace = Workspace(
            self.setup, self._chain, approach_s=period_s + speed_max / ACCELERATION_MAX
        )
        self._position_lower = description.limits.position_lower
        self._position_upper = description.limits.position_upper
        self._weights = RewardWeights(WEIGHTS)
        for name, value in (weights or {}).items():
            self._weights.set(name, value)
        self.action_space, self.observation_space = self._spaces(description)
        self._action_high = self.action_space.high.astype(np.float64)
        self._target = self._chain.forward(self.setup.reference)[:3, 3]
        self._last_action = np.zeros(len(self._actuated))
        self._reference = self.setup.reference.copy()

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of every reward term by its name."""
        return self._weights

    @property
    def target_m(self) -> FloatArray:
        """The episode's target in the base frame, shape (3,), m."""
        return self._target.copy()

    def set_weight(self, name: str, value: float) -> None:
        """
        Change one weight; the next step uses it. Callable from any thread.

        :raises ConfigError: there is no such term, or the value is not finite or too large.
        """
        self._weights.set(name, value)

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray:
        """
        Draw a target and return the joint positions an episode begins at.

        :param options: ``target_m``: a point in the base frame instead of a drawn one.
        :raises ConfigError: an option is unknown, or the point is malformed or outside the box.
        """
        unknown = sorted(set(options) - {'target_m'})
        if unknown:
            raise ConfigError(
                f"The reach task has no reset option {unknown[0]!r}; it has 'target_m', and its "
                f"environment has 'in_place'."
            )
        if 'target_m' in options:
            self._target = self._given_target(options['target_m'])
        else:
            travel_rad = self._speed_max * EPISODE_S * REACH_FRACTION
            self._target = self._workspace.draw(
                rng, travel_rad=travel_rad, margin_m=TARGET_MARGIN_M
            )
        return self.setup.reference.copy()

    def begin(self, state: RobotState) -> None:
        """Hold the joints that are not actuated where they are."""
        self._reference = state.position.copy()
        self._last_action = np.zeros(len(self._actuated))

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """
        Turn an action into a command that leaves neither the box nor a joint's range.

        :param action: inside the action space, shape (2,) or (6,).
        :return: shape (joints,); joints that are not actuated are held.
        """
        self._last_action = np.asarray(action, dtype=np.float64).copy()
        wanted = np.zeros_like(state.position)
        if self.interface == 'velocity':
            wanted[self._actuated] = self._last_action
            return self._workspace.bounded(wanted, state.position)
        wanted[self._actuated] = self._last_action / self.period_s
        # A reference that has run away from the robot, in a stop for example, is brought back.
        window = self._speed_max * (self.period_s + WINDOW_S)
        near = np.clip(self._reference, state.position - window, state.position + window)
        near += self._workspace.bounded(wanted, near) * self.period_s
        self._reference = np.clip(near, self._position_lower, self._position_upper)
        return self._reference.copy()

    def observe(self, state: RobotState) -> Observation:
        """Return a fresh observation, shape (8,) or (21,), inside the observation space."""
        parts = (
            state.position[self._actuated],
            state.velocity[self._actuated] / self._speed_max,
            self._offset(state),
            self._last_action / self._action_high,
        )
        space = self.observation_space
        return np.concatenate(parts).astype(np.float32).clip(space.low, space.high)

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """Return the weighted reward and the raw value of every term."""
        distance = self.distance_m(state)
        share = np.asarray(action, dtype=np.float64) / self._action_high
        terms = {
            'distance': -distance,
            'precision': float(np.exp(-(distance**2) / PRECISION_M2)),
            'velocity': -float(np.square(state.velocity[self._actuated]).sum()),
            'action': -float(np.square(share).sum()),
        }
        return self._weights.total(terms) * self.period_s / REWARD_PERIOD_S, terms

    def terminated(self, state: RobotState) -> bool:
        """Return false: the tool is to stay at its target until the time is over."""
        return False

    def info(self, state: RobotState) -> dict[str, Any]:
        """Return ``distance_m`` and ``is_success``: whether that is below 2 cm."""
        distance = self.distance_m(state)
        return {'distance_m': distance, 'is_success': distance < SUCCESS_M}

    def episode_info(self) -> dict[str, Any]:
        """Return the target in the base frame, three numbers in m."""
        return {'target_m': self._target.tolist()}

    def distance_m(self, state: RobotState) -> float:
        """Return the distance from the tool to the target along the setup's axes, m."""
        return float(np.linalg.norm(self._offset(state)))

    def _offset(self, state: RobotState) -> FloatArray:
        tool = self._chain.forward(state.position)[:3, 3]
        offset: FloatArray = (self._target - tool)[self._axes]
        return offset

    def _given_target(self, target: Any) -> FloatArray:
        try:
            point = np.array(target, dtype=np.float64)
        except (TypeError, ValueError):
            point = np.array(np.nan)
        if (
            point.shape != (3,)
            or not np.isfinite(point).all()
            or not self._workspace.contains(point)
        ):
            raise ConfigError(
                f'The reset option target_m is {target!r}; it must be three numbers in m inside '
                f'the box from {self.setup.box_lower.tolist()} to {self.setup.box_upper.tolist()}.'
            )
        return point

    def _spaces(self, description: RobotDescription) -> tuple[spaces.Box, spaces.Box]:
        count = len(self._actuated)
        bound = self._speed_max
        if self.interface == 'position':
            bound *= self.period_s
        action = np.full(count, bound, dtype=np.float32)
        limits = description.limits
        speed = limits.velocity[self._actuated] / self._speed_max
        distance = np.full(len(self._axes), LARGEST_DISTANCE_M)
        ones = np.ones(count)
        # float32 rounding must not put a joint that rests at its limit outside the space.
        low = np.concatenate([limits.position_lower[self._actuated], -speed, -distance, -ones])
        high = np.concatenate([limits.position_upper[self._actuated], speed, distance, ones])
        return (
            spaces.Box(-action, action, dtype=np.float32),
            spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32),
        )

    def _check(
        self, description: RobotDescription, interface: str, period_s: float, speed_max: float
    ) -> None:
        if interface not in ('velocity', 'position'):
            raise ConfigError(f"The interface is 'velocity' or 'position', not {interface!r}.")
        if not (np.isfinite(period_s) and period_s > 0.0):
            raise ConfigError(f'The control period must be above 0 s, not {period_s!r}.')
        if description.dh is None:
            raise ConfigError(
                f'The reach task needs the DH table of {description.name}: add dh to its file.'
            )
        joints = len(description.joints)
        if joints != len(self.setup.reference):
            raise ConfigError(
                f'The reach task is set up for {len(self.setup.reference)} joints, '
                f'{description.name} has {joints}: choose another setup.'
            )
        actuated = list(self.setup.actuated)
        slowest = float(description.limits.velocity[actuated].min())
        if not 0.0 < speed_max <= slowest:
            raise ConfigError(
                f'speed_max is {speed_max!r} rad/s; it must be above 0 and at most '
                f"{slowest:g} rad/s, the robot's velocity limit."
            )
        lower = description.limits.position_lower
        upper = description.limits.position_upper
        reference = self.setup.reference
        inside = (reference >= lower).all() and (reference <= upper).all()
        inside = inside and (self.setup.range_lower >= lower[actuated]).all()
        if not (inside and (self.setup.range_upper <= upper[actuated]).all()):
            raise ConfigError(
                f'The joint ranges of the reach task exceed the position limits of '
                f'{description.name}: narrow the setup or widen the limits.'
            )
