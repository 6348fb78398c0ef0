# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Bring the tool of any arm to a point, or to a pose: the UR-Reacher of SenseAct and its kin.

After ``senseact/envs/ur/reacher_env.py`` (A. R. Mahmood et al., Setting up a Reinforcement
Learning Task with a Real-World Robot, IROS 2018). Kept: the joints that move, the box and the
joint ranges, 0.3 rad/s, 4 s episodes at 25 Hz, what an observation holds, the 'precision' reward
and its scale. Different on purpose:

* A motion towards the border of the box or of a joint's range is slowed down so that it ends
  there; SenseAct lets the arm cross it and then drives it back against the policy's action.
* Targets are such that 0.3 rad/s can reach them in two thirds of an episode.
* The action an observation repeats is zero after a reset, not random.
* Position actions are increments of the joint angles, bounded by 0.3 rad/s. An absolute target
  would let one random action swing the arm through its whole range at the robot's velocity limit;
  as action kind 'value' it is approached at 0.3 rad/s. See ``joint_actions.py`` for all kinds.

The reach to a point of robot_gym (SCARA with 3 joints, modular arm with 6) is this task with
another setup, see ``reach_setup.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import DhChain, rotation_vector
from rl_bridge.tasks.base_task import BaseTask
from rl_bridge.tasks.joint_actions import ActionSettings, JointActions
from rl_bridge.tasks.reach_setup import (
    ReachSetup,
    check_setup,
    reach_setup,
    ur5e_reach_setup,
)
from rl_bridge.tasks.targets import given_point, given_rotation
from rl_bridge.tasks.workspace import Workspace
from rl_bridge.types import FloatArray, RobotDescription, RobotState

SPEED_MAX = 0.3  # rad/s: examples/advanced/ur5_reacher.py
ACCELERATION_MAX = 1.4  # rad/s^2: accel_max, ibid.
EPISODE_S = 4.0
PRECISION_M2 = 0.01  # m^2: reward_type 'precision' of reacher_env.py
REWARD_PERIOD_S = 0.008  # rewards are scaled by the period over that of the UR5's controller
TARGET_MARGIN_M = 0.02  # between a target and the border of the box
REACH_FRACTION = 0.65  # of an episode in which full speed reaches a target
LARGEST_DISTANCE_M = 4.0  # bound of the observation; twice the arm's reach and more
WEIGHTS = {'distance': 1.0, 'precision': 1.0, 'velocity': 0.0, 'action': 0.0}
ORIENTATION_WEIGHT = 0.1  # 1/rad; the term is there with orientation only
RESETS = ('zero', 'none', 'random')  # reset_type of reacher_env.py

Observation = NDArray[np.float32]


class ReachTask(BaseTask):
    """
    Bring the tool to a point, drawn from the seed or fixed, and keep it there.

    An observation is a float32 array: the actuated joints' positions in rad, their velocities over
    ``speed_max``, the vector from the tool to the target in m along the setup's axes, with
    ``orientation`` the rotation that is left as a vector in rad (base frame), and the last action
    as it was acted on, -1 to 1 of its range. Raw reward terms: ``distance`` is -d, ``precision``
    is exp(-d^2 / 0.01), ``velocity`` is minus the sum of the squared joint velocities, ``action``
    minus the sum of the squared actions over their bound, ``orientation`` minus the angle that is
    left in rad, with the distance d in m; the reward is their weighted sum times period / 8 ms, as
    SenseAct's.

    :param description: the robot; needs a DH table.
    :param joints: 2 or 6: SenseAct's setup for a UR5e, where ``setup`` names no other.
    :param interface: 'velocity' or 'position'.
    :param period_s: the control period.
    :param speed_max: of every joint, rad/s.
    :param weights: reward weights that differ from ``WEIGHTS``.
    :param schedules: of weights, see ``RewardWeights``.
    :param setup: the place: a name, a mapping or a ``ReachSetup``, see ``reach_setup``.
    :param target: 'random': drawn from the seed in every episode; 'fixed': that of the setup; or
        a point in the base frame, three numbers in m.
    :param orientation: whether the tool is to be turned as the target is, too.
    :param reset: 'zero': episodes begin at the setup's reference; 'none': where the robot is;
        'random': at joint positions drawn from the seed.
    :param success_m: nearer than this is a success; None = the setup's.
    :param actions: kind of the actions, see ``joint_actions``; None = the interface's first.
    :param smooth_s: time constant of a low-pass on the actions, s; 0 = none.
    :param smooth_steps: the mean of so many actions is acted on; 1 = none.
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
        schedules: Mapping[str, Any] | None = None,
        setup: ReachSetup | Mapping[str, Any] | str | None = None,
        target: Any = 'random',
        orientation: bool = False,
        reset: str = 'zero',
        success_m: float | None = None,
        actions: str | None = None,
        smooth_s: float = 0.0,
        smooth_steps: int = 1,
    ) -> None:
        terms = {**WEIGHTS, 'orientation': ORIENTATION_WEIGHT} if orientation else WEIGHTS
        super().__init__(
            interface=interface,
            period_s=period_s,
            weights=terms,
            changed=weights,
            schedules=schedules,
        )
        place = ur5e_reach_setup(joints) if setup is None else reach_setup(setup, description)
        self.setup = place
        settings = ActionSettings(kind=actions, smooth_s=smooth_s, smooth_steps=smooth_steps)
        settings.kind_for(interface)
        check_setup(place, description, period_s=period_s, speed_max=speed_max)
        if reset not in RESETS:
            raise ConfigError(f'reset is {reset!r}; it is one of {", ".join(map(repr, RESETS))}.')
        if not isinstance(orientation, bool):
            raise ConfigError(f'orientation is true or false, not {orientation!r}.')
        if success_m is not None and not 0.0 < success_m < np.inf:
            raise ConfigError(f'success_m is {success_m!r}; it must be above 0 m.')
        assert description.dh is not None
        self._chain = DhChain(description.dh)
        self._actuated = np.array(place.actuated)
        self._axes = np.array(place.axes)
        self._speed_max = speed_max
        self._oriented = orientation
        self._reset = reset
        self._success_m = place.success_m if success_m is None else success_m
        slowest = float(description.limits.acceleration[self._actuated].min())
        acceleration = min(ACCELERATION_MAX, slowest)
        # With this time constant an approach to a border needs that acceleration at most; the
        # period comes on top because a command acts that much later.
        self._workspace = Workspace(
            place, self._chain, approach_s=period_s + speed_max / acceleration
        )
        self._actions = JointActions(
            interface=interface,
            actuated=place.actuated,
            range_lower=place.range_lower,
            range_upper=place.range_upper,
            limits=description.limits,
            speed=speed_max,
            acceleration=acceleration,
            period_s=period_s,
            bound=self._workspace.bounded,
            settings=settings,
        )
        self.action_space = self._actions.space
        self.observation_space = self._observation_space(description)
        pose = self._chain.forward(place.reference)
        self._target, self._rotation = pose[:3, 3], pose[:3, :3]
        self._fixed = None if target == 'random' else self._fixed_target(target)

    @property
    def target_m(self) -> FloatArray:
        """The episode's target in the base frame, shape (3,), m."""
        return self._target.copy()

    def reset(
        self, *, rng: np.random.Generator, state: RobotState, options: Mapping[str, Any]
    ) -> FloatArray | None:
        """
        Draw a target and return the joint positions an episode begins at.

        :param options: ``target_m``: a point in the base frame instead of a drawn one; with
            orientation ``target_quaternion`` (x, y, z, w) besides.
        :raises ConfigError: an option is unknown, or the point is malformed or outside the box.
        """
        known = {'target_m', 'target_quaternion'} if self._oriented else {'target_m'}
        unknown = sorted(set(options) - known)
        if unknown:
            raise ConfigError(
                f'The reach task has no reset option {unknown[0]!r}; it has '
                f"{', '.join(map(repr, sorted(known)))}, and its environment has 'in_place'."
            )
        target = self._fixed
        if 'target_m' in options:
            given = options['target_m']
            target = given_point(given, self._workspace, what='reset option target_m')
        turn = None
        if 'target_quaternion' in options:
            turn = given_rotation(options['target_quaternion'])
        start = self._start(rng, state)
        if target is None:
            pose = self._chain.forward(self._drawn(rng, start))
        else:
            pose = self._chain.forward(self.setup.reference)
            pose[:3, 3] = target
        self._target = pose[:3, 3]
        self._rotation = pose[:3, :3] if turn is None else turn
        return None if self._reset == 'none' else start.copy()

    def begin(self, state: RobotState) -> None:
        """Hold the joints that are not actuated where they are."""
        self._actions.begin(state)

    def command(self, action: Any, state: RobotState) -> FloatArray:
        """
        Turn an action into a command that leaves neither the box nor a joint's range.

        :param action: inside the action space, shape (actuated,).
        :return: shape (joints,); joints that are not actuated are held.
        """
        return self._actions.command(action, state)

    def observe(self, state: RobotState) -> Observation:
        """Return a fresh observation inside the observation space, shape (8,) with 2 joints."""
        parts = (
            state.position[self._actuated],
            state.velocity[self._actuated] / self._speed_max,
            *self._goal(state),
            self._actions.share,
        )
        space = self.observation_space
        return np.concatenate(parts).astype(np.float32).clip(space.low, space.high)

    def reward(self, action: Any, state: RobotState) -> tuple[float, dict[str, float]]:
        """Return the weighted reward and the raw value of every term."""
        distance = self.distance_m(state)
        terms = {
            'distance': -distance,
            'precision': float(np.exp(-(distance**2) / PRECISION_M2)),
            'velocity': -float(np.square(state.velocity[self._actuated]).sum()),
            'action': -float(np.square(self._actions.share_of(action)).sum()),
        }
        if self._oriented:
            terms['orientation'] = -self.angle_rad(state)
        return self._weights.total(terms) * self.period_s / REWARD_PERIOD_S, terms

    def terminated(self, state: RobotState) -> bool:
        """Return false: the tool is to stay at its target until the time is over."""
        return False

    def info(self, state: RobotState) -> dict[str, Any]:
        """Return ``distance_m``, with orientation ``angle_rad``, and ``is_success``."""
        distance = self.distance_m(state)
        found: dict[str, Any] = {'distance_m': distance}
        success = distance < self._success_m
        if self._oriented:
            found['angle_rad'] = angle = self.angle_rad(state)
            success = success and angle < self.setup.success_rad
        return {**found, 'is_success': success}

    def episode_info(self) -> dict[str, Any]:
        """Return the target in the base frame, three numbers in m, and how it is turned."""
        found: dict[str, Any] = {'target_m': self._target.tolist()}
        if self._oriented:
            found['target_rotation'] = self._rotation.tolist()
        return found

    def distance_m(self, state: RobotState) -> float:
        """Return the distance from the tool to the target along the setup's axes, m."""
        return float(np.linalg.norm(self._offset(state)))

    def angle_rad(self, state: RobotState) -> float:
        """Return the angle by which the tool is turned from the target, rad."""
        return float(np.linalg.norm(self._turn(state)))

    def _offset(self, state: RobotState) -> FloatArray:
        tool = self._chain.forward(state.position)[:3, 3]
        offset: FloatArray = (self._target - tool)[self._axes]
        return offset

    def _turn(self, state: RobotState) -> FloatArray:
        tool = self._chain.forward(state.position)[:3, :3]
        return rotation_vector(self._rotation @ tool.T)

    def _goal(self, state: RobotState) -> tuple[FloatArray, ...]:
        """Return what an observation holds of the target."""
        offset = self._offset(state)
        return (offset, self._turn(state)) if self._oriented else (offset,)

    def _goal_bounds(self) -> list[float]:
        """Return the largest values of what an observation holds of the target."""
        turns = [np.pi] * 3 if self._oriented else []
        return [LARGEST_DISTANCE_M] * len(self._axes) + turns

    def _start(self, rng: np.random.Generator, state: RobotState) -> FloatArray:
        """Return where the episode begins."""
        if self._reset == 'none':
            return state.position.copy()
        if self._reset == 'random':
            reference = self.setup.reference
            return self._workspace.draw(
                rng, start=reference, travel_rad=np.inf, margin_m=TARGET_MARGIN_M
            )
        return self.setup.reference

    def _drawn(self, rng: np.random.Generator, start: FloatArray) -> FloatArray:
        """Return joint positions whose tool is a target that an episode reaches."""
        travel_rad = self._speed_max * EPISODE_S * REACH_FRACTION
        return self._workspace.draw(
            rng, start=start, travel_rad=travel_rad, margin_m=TARGET_MARGIN_M
        )

    def _fixed_target(self, target: Any) -> FloatArray:
        if isinstance(target, str):
            if target != 'fixed' or self.setup.fixed_target is None:
                raise ConfigError(
                    f"The target is {target!r}; it is 'random', three numbers in m, or 'fixed' "
                    f'where the setup has a fixed_target.'
                )
            target = self.setup.fixed_target
        return given_point(target, self._workspace, what='target')

    def _observation_space(self, description: RobotDescription) -> spaces.Box:
        limits = description.limits
        speed = limits.velocity[self._actuated] / self._speed_max
        goal = np.array(self._goal_bounds())
        ones = np.ones(len(self._actuated))
        # float32 rounding must not put a joint that rests at its limit outside the space.
        low = np.concatenate([limits.position_lower[self._actuated], -speed, -goal, -ones])
        high = np.concatenate([limits.position_upper[self._actuated], speed, goal, ones])
        return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
