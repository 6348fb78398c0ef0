# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""RobotEnv over a fake robot: its steps, its clock, and every way a robot can fail it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rl_bridge.envs.reset_motion import ResetSettings
from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import ConfigError, LimitError, RobotNotReady, RobotStopped
from rl_bridge.kinematics import UR5E_DH
from rl_bridge.robots.fake_robot import FakeRobot, fake_description
from rl_bridge.tasks.reach import ReachTask
from rl_bridge.tasks.task import RewardWeights, Task
from rl_bridge.types import StopReason, StopState, Timing

MS = 1_000_000
PERIOD_S = 0.04
START = np.array([0.5, -0.25])


class TurnTask:
    """Turn the first joint beyond 1 rad; actions are the commands themselves."""

    def __init__(self, interface: str = 'velocity') -> None:
        self.interface = interface
        high = 0.5 if interface == 'velocity' else 6.0
        self.action_space = spaces.Box(-high, high, (2,), np.float32)
        self.observation_space = spaces.Box(-10.0, 10.0, (2,), np.float32)
        self.weights: Mapping[str, float] = RewardWeights({'turned': 2.0})
        self.begun_at: Any = None
        self.start: Any = START
        self.command_factor = 1.0
        self.observation_offset = 0.0

    def set_weight(self, name: str, value: float) -> None:
        raise NotImplementedError

    def reset(self, *, rng: Any, state: Any, options: Any) -> Any:
        if options:
            raise ConfigError(f'no option {options}')
        return None if self.start is None else self.start.copy()

    def begin(self, state: Any) -> None:
        self.begun_at = state.position.copy()

    def command(self, action: Any, state: Any) -> Any:
        return action.astype(np.float64) * self.command_factor

    def observe(self, state: Any) -> Any:
        return (state.position + self.observation_offset).astype(np.float32)

    def reward(self, action: Any, state: Any) -> tuple[float, dict[str, float]]:
        return 2.0 * float(state.position[0]), {'turned': float(state.position[0])}

    def terminated(self, state: Any) -> bool:
        return bool(state.position[0] > 1.0)

    def info(self, state: Any) -> dict[str, Any]:
        return {'angle': float(state.position[0])}

    def episode_info(self) -> dict[str, Any]:
        return {'goal': 1.0}


class Clock:
    """Time that only passes in sleep, or as a test says; ``during`` is called in every sleep."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * MS
        self.during: Callable[[], None] = lambda: None

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)
        self.during()


def made(*, interface: str = 'velocity', paced: bool = False, **options: Any) -> Any:
    """Make an environment whose parts a test can reach: env.robot, env.task, env.clock."""
    clock = Clock()
    robot = FakeRobot(interface=interface, lock_step=not paced, clock_ns=clock)
    arguments: dict[str, Any] = {'period_s': PERIOD_S, 'authority_s': 0.15, **options}
    env: Any = RobotEnv(robot, TurnTask(interface), clock_ns=clock, sleep=clock.sleep, **arguments)
    env.clock = clock
    return env


def action(first: float = 0.1, second: float = 0.0) -> Any:
    return np.array([first, second], np.float32)


# -- resets ------------------------------------------------------------------------------------


@pytest.mark.parametrize('interface', ['velocity', 'position'])
@pytest.mark.parametrize('paced', [False, True])
def test_a_reset_brings_the_robot_to_rest_where_the_task_begins(
    interface: str, paced: bool
) -> None:
    env = made(interface=interface, paced=paced)
    observation, info = env.reset(seed=1)
    state = env.robot.state()
    assert observation == pytest.approx(START, abs=0.006)
    assert np.abs(state.velocity).max() <= env.robot.description.standstill_speed
    assert info == {'angle': pytest.approx(0.5, abs=0.006), 'goal': 1.0}
    assert env.task.begun_at.tolist() == state.position.tolist()
    assert env.robot.stop().state == StopState.HOLD
    moved = np.array([noted.values for noted in env.robot.commands])
    if interface == 'velocity':
        assert np.abs(moved).max() <= 1.0  # 1.25 x 0.8 rad/s
    else:
        assert np.abs(np.diff(moved, axis=0)).max() <= 0.8 * PERIOD_S + 1e-9


def test_a_reset_in_place_moves_nothing() -> None:
    env = made()
    observation, _ = env.reset(options={'in_place': True})
    assert observation.tolist() == [0.0, 0.0]
    assert env.robot.commands == []
    assert env.robot.begins == 1
    assert env.step(action())[0][0] > 0.0


def test_no_reset_moves_a_robot_by_efforts() -> None:
    env = made(interface='effort')
    with pytest.raises(ConfigError, match='its task must begin in place'):
        env.reset()
    assert env.robot.commands == []
    env.reset(options={'in_place': True})
    env.step(action())
    assert env.robot.commands[0].values[0] == pytest.approx(0.1)


def test_a_task_without_a_start_begins_where_the_robot_is() -> None:
    env = made()
    env.task.start = None
    env.reset()
    assert env.robot.commands == []


@pytest.mark.parametrize('options', [{'in_place': 'yes'}, {'goal': 3}])
def test_a_reset_option_that_cannot_be_used_moves_nothing(options: dict[str, Any]) -> None:
    env = made()
    with pytest.raises(ConfigError):
        env.reset(options=options)
    assert env.robot.commands == []
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())


def test_a_robot_that_does_not_get_there_is_given_up_and_held() -> None:
    env = made(reset_settings=ResetSettings(timeout_s=2.0, largest_lag=10.0))
    env.robot.stuck = True
    with pytest.raises(RobotNotReady, match=r'after 2 s: joint_1 is 0\.5 rad away'):
        env.reset()
    assert env.robot.stop().state == StopState.HOLD
    assert env.robot.holds[-1] == (StopReason.IDLE, 'the reset failed')
    env.robot.stuck = False
    env.reset()
    env.step(action())


@pytest.mark.parametrize(
    ('start', 'sentence'),
    [
        ([7.0, 0.0], r'joint_1 at 7, outside its limits \[-6.28319, 6.28319\]'),
        ([0.0, np.nan], '2 finite numbers'),
        ([0.0], '2 finite numbers'),
        ('home', '2 finite numbers'),
    ],
)
@pytest.mark.parametrize('interface', ['velocity', 'position'])
def test_a_start_outside_the_limits_or_malformed_moves_nothing(
    start: Any, sentence: str, interface: str
) -> None:
    env = made(interface=interface)
    env.task.start = np.array(start) if isinstance(start, list) else start
    env.task.reset = lambda **_: env.task.start
    with pytest.raises(ConfigError, match=sentence):
        env.reset()
    assert env.robot.commands == []


def test_a_joint_that_stays_behind_ends_the_reset_early() -> None:
    env = made()
    env.robot.stuck = True
    with pytest.raises(RobotNotReady, match=r'joint_1 stays .* rad behind'):
        env.reset()
    assert len(env.robot.commands) < 40  # long before the time-out


def test_a_stop_in_the_reset_motion_ends_it() -> None:
    env = made(paced=True)
    stops = iter([None] * 5 + [StopReason.HALT_REQUESTED])

    def halt_in_the_sixth_period() -> None:
        reason = next(stops, None)
        if reason is not None:
            env.robot.halt(reason=reason, message='somebody pressed halt')

    env.clock.during = halt_in_the_sixth_period
    with pytest.raises(RobotStopped, match='somebody pressed halt') as caught:
        env.reset()
    assert caught.value.state == StopState.STOPPED
    assert len(env.robot.commands) == 6
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())
    env.clock.during = lambda: None
    env.reset()  # clears what is latched
    env.step(action())


def test_a_state_that_goes_stale_in_the_reset_motion_ends_it() -> None:
    env = made(paced=True)
    periods = itertools.count()

    def go_stale() -> None:
        env.robot.stale = next(periods) >= 5

    env.clock.during = go_stale
    with pytest.raises(RobotNotReady, match='stale'):
        env.reset()
    assert env.robot.holds[-1][1] == 'the reset failed'


def test_a_state_that_comes_back_in_time_ends_no_episode_and_the_robot_was_held() -> None:
    env = made(paced=True)
    env.reset()
    sleeps = itertools.count()

    def stale_for_a_while() -> None:
        env.robot.stale = next(sleeps) < 20

    env.clock.during = stale_for_a_while
    _, _, terminated, truncated, info = env.step(action())
    assert (terminated, truncated) == (False, False)
    assert info['hold_reason'] == 'STATE_STALE'
    assert env.robot.holds[-1][0] == StopReason.STATE_STALE
    env.clock.during = lambda: None
    _, _, _, truncated, info = env.step(action())
    assert not truncated and 'hold_reason' not in info
    assert info['timing'].missed >= 1


def test_a_fault_forbids_a_reset_until_it_is_recovered() -> None:
    env = made()
    env.robot.stop_with(StopState.FAULT, StopReason.NO_STANDSTILL, 'did not stop')
    with pytest.raises(RobotStopped, match='did not stop'):
        env.reset()
    env.robot.recover()
    env.reset()


def test_a_guard_that_does_not_confirm_fails_the_reset() -> None:
    env = made(begin_timeout_s=0.5)
    env.robot.silent = True
    with pytest.raises(RobotNotReady, match=r'within 0\.5 s'):
        env.reset()


def test_a_robot_is_connected_once_and_again_after_it_failed() -> None:
    env = made(connect_timeout_s=3.0)
    env.robot.stale = True
    with pytest.raises(RobotNotReady, match='within 3 s'):
        env.reset()
    env.robot.stale = False
    env.reset()
    assert env.robot.connected


# -- steps -------------------------------------------------------------------------------------


def test_a_step_returns_plain_values_and_tells_what_it_did() -> None:
    env = made()
    env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(action(0.25, -0.125))
    assert observation.dtype == np.float32
    assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
    assert (terminated, truncated) == (False, False)
    assert info['applied_action'].tolist() == [0.25, -0.125]
    assert info['reward_terms'] == {'turned': info['angle']}
    assert reward == 2.0 * info['angle']
    assert info['timing'] == Timing()
    assert 'stop_reason' not in info
    assert 'hold_reason' not in info


def test_step_needs_a_reset_first() -> None:
    with pytest.raises(gymnasium.error.ResetNeeded):
        made().step(action())


@pytest.mark.parametrize(
    'wrong',
    [
        np.array([0.6, 0.0], np.float32),
        np.array([np.nan, 0.0], np.float32),
        np.array([np.inf, 0.0]),
        np.zeros(3, np.float32),
        'fast',
        None,
    ],
)
def test_an_action_outside_its_space_is_refused_and_the_episode_goes_on(wrong: Any) -> None:
    env = made()
    env.reset()
    before = len(env.robot.commands)
    with pytest.raises(LimitError, match='nothing moved'):
        env.step(wrong)
    assert len(env.robot.commands) == before
    env.step([0.1, 0.0])  # a list will do


def test_a_command_outside_the_limits_ends_the_episode_at_rest() -> None:
    env = made()
    env.reset()
    env.task.command_factor = 100.0
    before = len(env.robot.commands)
    with pytest.raises(LimitError, match='limits'):
        env.step(action())
    assert len(env.robot.commands) == before
    assert env.robot.stop().state == StopState.HOLD
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())


def test_termination_brings_the_robot_to_rest_at_once() -> None:
    env = made()
    env.reset()
    for _ in range(100):
        _, _, terminated, truncated, _ = env.step(action(0.5))
        if terminated:
            break
    assert (terminated, truncated) == (True, False)
    assert env.robot.stop().state == StopState.HOLD
    assert env.robot.holds[-1] == (StopReason.IDLE, 'the episode is over')
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())


def test_a_time_limit_brings_the_robot_to_rest_at_once() -> None:
    env = made(max_episode_steps=3)
    limited = gymnasium.wrappers.TimeLimit(env, max_episode_steps=3)
    limited.reset()
    for expected in (False, False, True):
        _, _, terminated, truncated, _ = limited.step(action())
        assert (terminated, truncated) == (False, expected)
        assert (env.robot.stop().state == StopState.HOLD) is expected


def test_a_stop_with_a_valid_state_truncates_and_never_terminates() -> None:
    env = made(paced=True)
    env.reset()
    env.task.terminated = lambda state: True  # even then
    env.clock.during = lambda: env.robot.halt(
        reason=StopReason.HALT_REQUESTED, message='somebody pressed halt'
    )
    observation, _, terminated, truncated, info = env.step(action())
    assert (terminated, truncated) == (False, True)
    assert info['stop_reason'] == 'HALT_REQUESTED'
    assert observation == pytest.approx(env.robot.state().position, abs=1e-6)
    assert info['applied_action'].tolist() == pytest.approx([0.1, 0.0])
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())


@pytest.mark.parametrize('interface', ['velocity', 'position', 'effort'])
def test_a_stop_before_the_command_truncates_with_the_stop_itself_applied(
    interface: str,
) -> None:
    env = made(interface=interface)
    if interface == 'effort':
        env.task.start = None
    env.reset()
    before = len(env.robot.commands)
    env.robot.stop_with(StopState.ESTOP, StopReason.ROBOT_STOPPED, 'the red button')
    _, _, terminated, truncated, info = env.step(action())
    assert (terminated, truncated) == (False, True)
    assert info['stop_reason'] == 'ROBOT_STOPPED'
    resting = env.robot.state().position.tolist() if interface == 'position' else [0.0, 0.0]
    assert info['applied_action'].tolist() == resting
    assert len(env.robot.commands) == before


def test_a_stop_without_a_valid_state_raises_the_stop() -> None:
    env = made(paced=True)
    env.reset()

    def stop_blind() -> None:
        env.robot.stop_with(StopState.STOPPED, StopReason.STATE_STALE, 'no state for 600 ms')
        env.robot.stale = True

    env.clock.during = stop_blind
    with pytest.raises(RobotStopped, match='no state for 600 ms'):
        env.step(action())
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())


@pytest.mark.fault(what='joint states stop')
@pytest.mark.parametrize('when', ['before', 'during'])
def test_a_stale_state_is_never_returned(when: str) -> None:
    env = made(paced=True)
    env.reset()
    before = len(env.robot.commands)
    if when == 'before':
        env.robot.stale = True
    else:
        env.clock.during = lambda: setattr(env.robot, 'stale', True)
    with pytest.raises(RobotNotReady, match='stale'):
        env.step(action())
    assert len(env.robot.commands) == before + (when == 'during')
    assert env.robot.stop().state == StopState.HOLD
    env.robot.stale, env.clock.during = False, lambda: None
    env.reset()


def test_in_lock_step_a_state_cannot_be_awaited() -> None:
    env = made()
    env.reset()
    env.robot.stale = True
    with pytest.raises(RobotNotReady, match='stale'):
        env.step(action())
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())


def test_a_state_that_comes_late_is_awaited_with_the_robot_held() -> None:
    env = made(paced=True)
    env.reset()
    env.step(action(0.5))
    before_ns = env.clock.now_ns
    sleeps = iter(range(100))

    def stale_for_100_ms() -> None:  # the first sleep is the period's, then one every 5 ms
        env.robot.stale = next(sleeps) < 20

    env.clock.during = stale_for_100_ms
    _, _, terminated, truncated, info = env.step(action(0.5))
    assert (terminated, truncated) == (False, False)
    assert info['hold_reason'] == 'STATE_STALE'
    assert info['timing'].lateness == pytest.approx(0.1)
    assert env.clock.now_ns == before_ns + 140 * MS
    assert [reason for reason, _ in env.robot.holds[1:]] == [StopReason.STATE_STALE]
    after = env.step(action(0.5))[4]
    assert after['timing'].missed == 2
    assert 'hold_reason' not in after


@pytest.mark.parametrize('interface', ['velocity', 'position'])
def test_an_action_that_waited_for_longer_than_the_motion_authority_moves_nothing(
    interface: str,
) -> None:
    env = made(interface=interface, paced=True)
    env.reset()
    env.step(action(0.5))
    commands = len(env.robot.commands)
    sleeps = iter(range(100))

    def stale_for_200_ms() -> None:  # one sleep every 5 ms
        env.robot.stale = next(sleeps) < 39

    env.robot.stale = True
    env.clock.during = stale_for_200_ms
    info = env.step(action(0.4))[4]
    assert len(env.robot.commands) == commands
    assert env.robot.holds[-1][0] == StopReason.AUTHORITY_EXPIRED
    resting = 0.0 if interface == 'velocity' else env.robot.state().position[0]
    assert info['applied_action'][0] == pytest.approx(resting)
    assert info['hold_reason'] == 'STATE_STALE'  # the first cause stays
    env.clock.during = lambda: None
    assert env.step(action(0.3))[4]['applied_action'][0] == pytest.approx(0.3)


def test_a_stop_ends_the_wait_for_a_late_state() -> None:
    env = made(paced=True)
    env.reset()
    before_ns = env.clock.now_ns
    sleeps = iter(range(100))

    def stop_in_the_tenth() -> None:
        env.robot.stale = True
        if next(sleeps) == 9:
            env.robot.stop_with(StopState.STOPPED, StopReason.STATE_STALE, 'too long')

    env.clock.during = stop_in_the_tenth
    with pytest.raises(RobotStopped, match='too long'):
        env.step(action())
    assert env.clock.now_ns == before_ns + (40 + 9 * 5) * MS


def test_a_reset_motion_waits_for_a_late_state_and_goes_on_from_there() -> None:
    env = made(paced=True)
    sleeps = iter(range(1000))

    def stale_on_the_way() -> None:
        env.robot.stale = 5 <= next(sleeps) < 60

    env.clock.during = stale_on_the_way
    observation, _ = env.reset()
    assert observation == pytest.approx(START, abs=0.006)
    moved = np.array([noted.values for noted in env.robot.commands])
    assert np.abs(moved).max() <= 1.0


@pytest.mark.parametrize('offset', [np.nan, 100.0])
def test_an_observation_outside_its_space_is_an_error_and_not_an_observation(
    offset: float,
) -> None:
    env = made()
    env.reset()
    env.task.observation_offset = offset
    with pytest.raises(RobotNotReady, match='observation'):
        env.step(action())
    assert env.robot.stop().state == StopState.HOLD
    with pytest.raises(RobotNotReady, match='observation'):
        env.reset()


def test_an_interrupted_step_leaves_the_robot_at_rest() -> None:
    env = made(paced=True)
    env.reset()

    def interrupt() -> None:
        raise KeyboardInterrupt

    env.clock.during = interrupt
    with pytest.raises(KeyboardInterrupt):
        env.step(action())
    assert env.robot.holds[-1][1] == 'a step failed: KeyboardInterrupt'
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())


def test_a_hold_is_told_and_does_not_end_the_episode() -> None:
    env = made(paced=True)
    env.reset()
    env.clock.during = lambda: env.robot.hold(
        reason=StopReason.BRIDGE_SILENT, message='no tick for 60 ms'
    )
    _, _, terminated, truncated, info = env.step(action())
    assert (terminated, truncated) == (False, False)
    assert info['hold_reason'] == 'BRIDGE_SILENT'
    env.clock.during = lambda: None
    assert 'hold_reason' not in env.step(action())[4]  # the next step resumed


# -- time --------------------------------------------------------------------------------------


def test_paced_steps_end_at_absolute_boundaries_and_count_what_was_missed() -> None:
    env = made(paced=True)
    env.reset()
    env.clock.now_ns += 700 * MS  # the learner takes its time before the first step
    first_ns = env.clock.now_ns
    timing = env.step(action())[4]['timing']
    assert timing == Timing(period=PERIOD_S)
    assert env.clock.now_ns == first_ns + 40 * MS
    env.clock.now_ns += 15 * MS
    assert env.step(action())[4]['timing'].missed == 0
    assert env.clock.now_ns == first_ns + 80 * MS
    env.clock.now_ns += 95 * MS
    assert env.step(action())[4]['timing'].missed == 2
    assert env.clock.now_ns == first_ns + 200 * MS


def test_lateness_and_age_of_the_observation_are_told() -> None:
    env = made(paced=True)
    env.reset()

    def oversleep() -> None:
        env.clock.now_ns += 3 * MS

    env.clock.during = oversleep
    assert env.step(action())[4]['timing'].lateness == pytest.approx(0.003)
    fresh = env.robot.state

    def older() -> Any:
        state = fresh()
        return type(state)(state.position, state.velocity, state.effort, state.stamp_ns - 7 * MS)

    env.robot.state = older
    assert env.step(action())[4]['timing'].observation_age == pytest.approx(0.007)


@pytest.mark.fault(what='client pauses, heartbeat alive')
def test_a_learner_that_pauses_finds_the_robot_at_rest_and_goes_on() -> None:
    env = made(paced=True)
    env.reset()
    env.step(action(0.5))
    env.clock.now_ns += 2_000 * MS
    assert env.robot.stop().reason == StopReason.AUTHORITY_EXPIRED
    assert np.abs(env.robot.state().velocity).max() < 1e-6
    _, _, terminated, truncated, info = env.step(action(0.5))
    assert (terminated, truncated) == (False, False)
    assert info['timing'].missed == 50
    assert env.robot.state().velocity[0] > 0.3


def test_a_lock_step_robot_never_sleeps_and_repeats_itself_bit_for_bit() -> None:
    def run() -> list[Any]:
        env = made()
        env.clock.sleep = None
        found = [env.reset(seed=3)[0]]
        rng = np.random.default_rng(3)
        for _ in range(50):
            observation, reward, *_ = env.step(rng.uniform(-0.1, 0.1, 2))
            found += [observation, reward]
        return found

    for first, second in zip(run(), run(), strict=True):
        assert np.asarray(first).tobytes() == np.asarray(second).tobytes()


# -- the rest ----------------------------------------------------------------------------------


def test_close_halts_the_robot_once() -> None:
    env = made()
    env.reset()
    env.close()
    env.close()
    assert env.robot.closed
    assert env.robot.halts == [(StopReason.SHUTDOWN, 'the robot was closed')]
    with pytest.raises(gymnasium.error.Error, match='closed'):
        env.reset()
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(action())


def test_a_task_with_a_picture_of_its_own_is_drawn_by_it_and_needs_no_dh_table() -> None:
    robot, task = FakeRobot(), TurnTask()
    drawn = []

    def picture(state: Any, *, width: int, height: int) -> Any:
        drawn.append(state.position.copy())
        return np.full((height, width, 3), 7, np.uint8)

    task.picture = picture  # type: ignore[attr-defined]
    env = RobotEnv(robot, task, period_s=PERIOD_S, authority_s=0.15, render_mode='rgb_array')
    env.reset()
    found = env.render()
    assert found.shape == (480, 640, 3) and (found == 7).all()
    assert drawn[0].tolist() == robot.state().position.tolist()


def reaching(render_mode: str | None) -> Any:
    description = fake_description(6, dh=UR5E_DH)
    task: Task = ReachTask(description)
    return RobotEnv(
        FakeRobot(description),
        task,
        period_s=PERIOD_S,
        authority_s=0.15,
        render_mode=render_mode,
    )


def test_a_picture_is_drawn_also_of_the_last_state_before_it_went_stale() -> None:
    env = reaching('rgb_array')
    assert env.metadata['render_fps'] == 25
    env.reset(seed=0)
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((480, 640, 3), np.uint8)
    env.robot.stale = True
    assert (env.render() == picture).all()
    assert reaching(None).render() is None


def test_without_any_state_there_is_no_picture() -> None:
    env = reaching('rgb_array')
    env.robot.stale = True
    with pytest.raises(RobotNotReady):
        env.render()


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'authority_s': 0.03, 'paced': True}, 'longer than the control period'),
        ({'authority_s': np.nan}, 'authority'),
        ({'period_s': 0.0}, 'control period'),
        ({'render_mode': 'human'}, "not 'human'"),
        ({'render_mode': 'rgb_array'}, 'DH table'),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        made(**options)


def test_a_task_for_another_interface_or_period_is_refused() -> None:
    times = {'period_s': PERIOD_S, 'authority_s': 0.15}
    with pytest.raises(ConfigError, match='same interface'):
        RobotEnv(FakeRobot(interface='position'), TurnTask('velocity'), **times)
    description = fake_description(6, dh=UR5E_DH)
    task: Task = ReachTask(description, period_s=0.008)
    with pytest.raises(ConfigError, match=r'0\.008 s'):
        RobotEnv(FakeRobot(description), task, **times)
