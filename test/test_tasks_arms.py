# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Joint reach, tracking and the options of reach, without a simulator."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest

from rl_bridge.envs.robot_env import RobotEnv
from rl_bridge.errors import ConfigError
from rl_bridge.kinematics import UR5E_DH, DhChain, rotation_matrix, rotation_vector
from rl_bridge.robots.fake_robot import FakeRobot, fake_description
from rl_bridge.tasks.catalogue import GROUP, make_task
from rl_bridge.tasks.joint_reach import JointReachTask
from rl_bridge.tasks.reach import ReachTask
from rl_bridge.tasks.reach_setup import SETUPS, reach_setup
from rl_bridge.tasks.target_path import SOFT_START_S
from rl_bridge.tasks.track import TrackTask
from rl_bridge.types import RobotState

ARM = fake_description(6, dh=UR5E_DH)
TWO = fake_description(2)
CHAIN = DhChain(UR5E_DH)
PERIOD_S = 0.04


def state(position: Any, velocity: Any = 0.0) -> RobotState:
    array = np.array(position, dtype=float)
    zeros = np.zeros_like(array)
    return RobotState(array, zeros + velocity, zeros, 0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


REFERENCE = state(SETUPS['ur5e_6'].reference)


# -- reach: targets, resets, orientation -------------------------------------------------------


def test_a_fixed_target_is_the_one_of_every_episode_and_an_option_still_wins() -> None:
    point = [0.0, 0.1, 0.7]
    task = ReachTask(ARM, joints=6, target=point)
    for seed in range(3):
        task.reset(rng=rng(seed), state=REFERENCE, options={})
        assert task.target_m.tolist() == point
    task.reset(rng=rng(), state=REFERENCE, options={'target_m': [0.1, 0.1, 0.7]})
    assert task.target_m[0] == 0.1


@pytest.mark.parametrize('target', ['fixed', 'there', [0.0, 0.0], [0.0, 0.0, 9.0], None])
def test_a_target_that_cannot_be_is_refused(target: Any) -> None:
    with pytest.raises(ConfigError, match='target is'):
        ReachTask(ARM, joints=6, target=target)


def test_a_reset_of_none_begins_where_the_robot_is_with_a_target_near_it() -> None:
    task = ReachTask(ARM, joints=6, reset='none')
    away = SETUPS['ur5e_6'].reference + 0.2
    start = task.reset(rng=rng(), state=state(away), options={})
    assert start is None
    reached = CHAIN.inverse(task.target_m, start=away)
    assert CHAIN.forward(reached)[:3, 3] == pytest.approx(task.target_m, abs=1e-5)


def test_a_random_reset_begins_elsewhere_in_the_box_in_every_episode() -> None:
    task = ReachTask(ARM, joints=6, reset='random')
    starts = set()
    for seed in range(20):
        start = task.reset(rng=rng(seed), state=REFERENCE, options={})
        assert start is not None
        starts.add(tuple(start))
        tool = CHAIN.forward(start)[:3, 3]
        assert (tool > task.setup.box_lower).all() and (tool < task.setup.box_upper).all()
    assert len(starts) == 20


def test_an_unknown_reset_is_refused() -> None:
    with pytest.raises(ConfigError, match="'zero', 'none', 'random'"):
        ReachTask(ARM, reset='home')


@pytest.mark.parametrize('options', [{'orientation': 'yes'}, {'success_m': 0.0}])
def test_an_option_of_reach_that_cannot_be_is_refused(options: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        ReachTask(ARM, **options)


def test_orientation_is_observed_rewarded_and_part_of_success() -> None:
    task = ReachTask(ARM, joints=6, orientation=True, weights={'orientation': 2.0})
    turn = np.array([0.0, 0.3, 0.0])
    pose = CHAIN.forward(REFERENCE.position)
    w, (x, y, z) = math.cos(0.15), math.sin(0.15) * np.array([0.0, 1.0, 0.0])
    # The target is the tool turned by 0.3 rad about y of the base frame.
    target = rotation_matrix(turn) @ pose[:3, :3]
    options = {'target_m': pose[:3, 3].tolist(), 'target_quaternion': quaternion(target)}
    assert (x, y, z, w) == pytest.approx(quaternion(rotation_matrix(turn)))
    task.reset(rng=rng(), state=REFERENCE, options=options)
    task.begin(REFERENCE)
    observation = task.observe(REFERENCE)
    assert observation.shape == (24,) and task.observation_space.contains(observation)
    assert observation[15:18] == pytest.approx(turn, abs=1e-6)
    reward, terms = task.reward(np.zeros(6), REFERENCE)
    assert terms['orientation'] == pytest.approx(-0.3)
    assert reward == pytest.approx((1.0 - 0.6) * 5.0)
    info = task.info(REFERENCE)
    assert info['angle_rad'] == pytest.approx(0.3)
    assert info['distance_m'] == pytest.approx(0.0, abs=1e-9) and not info['is_success']
    assert np.array(task.episode_info()['target_rotation']) == pytest.approx(target)


def quaternion(matrix: np.ndarray[Any, Any]) -> list[float]:
    turn = rotation_vector(matrix)
    angle = float(np.linalg.norm(turn))
    return [*(turn / angle * math.sin(angle / 2)).tolist(), math.cos(angle / 2)]


@pytest.mark.parametrize('wrong', [[0, 0, 0], [0, 0, 0, 2], [0, 0, 0, math.nan], 'up', None])
def test_a_quaternion_that_is_none_is_refused(wrong: Any) -> None:
    task = ReachTask(ARM, joints=6, orientation=True)
    with pytest.raises(ConfigError, match='target_quaternion'):
        task.reset(rng=rng(), state=REFERENCE, options={'target_quaternion': wrong})


def test_without_orientation_there_is_no_such_option_or_term() -> None:
    task = ReachTask(ARM, joints=6)
    assert 'orientation' not in task.weights
    with pytest.raises(ConfigError, match="no reset option 'target_quaternion'"):
        task.reset(rng=rng(), state=REFERENCE, options={'target_quaternion': [0, 0, 0, 1]})


@pytest.mark.parametrize('turn', [[0.0, 0.0, 0.0], [0.3, -0.2, 1.0], [0.0, math.pi, 0.0]])
def test_a_rotation_vector_becomes_a_matrix_and_back(turn: list[float]) -> None:
    matrix = rotation_matrix(turn)
    assert matrix @ matrix.T == pytest.approx(np.eye(3), abs=1e-12)
    assert rotation_vector(matrix) == pytest.approx(turn, abs=1e-7)


# -- setups ------------------------------------------------------------------------------------

PLACE: dict[str, Any] = {'box': [[-1, -1, 0], [1, 1, 1]], 'reference': [0.1] * 6}


def test_a_setup_by_a_mapping_takes_from_the_robot_file_what_is_not_given() -> None:
    setup = reach_setup(PLACE, ARM)
    assert setup.actuated == tuple(range(6)) and setup.axes == (0, 1, 2)
    assert setup.range_lower.tolist() == ARM.limits.position_lower.tolist()
    some = reach_setup({**PLACE, 'joints': ['joint_3', 'joint_2'], 'axes': 'zx'}, ARM)
    assert some.actuated == (1, 2) and some.axes == (0, 2)
    assert len(some.range_upper) == 2
    whole = reach_setup({**PLACE, 'fixed_target': [0, 0, 0.5], 'success_m': 0.1}, ARM)
    task = ReachTask(ARM, setup=whole, target='fixed')
    task.reset(rng=rng(), state=REFERENCE, options={})
    assert task.target_m.tolist() == [0.0, 0.0, 0.5]
    assert task.setup.success_m == 0.1


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'colour': 'red'}, 'colour'),
        ({'box': [[0, 0, 0]]}, 'two lists'),
        ({'box': [[0, 0, 0], [1, 1, 0]]}, 'below'),
        ({'box': [[0, 0, 0], [1, 1, 'high']]}, '3 finite numbers'),
        ({'reference': [0.0] * 5}, '6 finite numbers'),
        ({'joints': ['joint_9']}, "'joint_9'"),
        ({'joints': []}, 'list of names'),
        ({'joints': 'joint_1'}, 'list of names'),
        ({'axes': 'xw'}, "'xyz'"),
        ({'axes': ''}, "'xyz'"),
        ({'range': [[0.0], [1.0]]}, '6 finite numbers'),
        ({'success_m': 0.0}, 'success_m'),
        ({'success_rad': True}, 'success_rad'),
        ({'fixed_target': [0.0, 0.0]}, 'fixed_target'),
    ],
)
def test_a_setup_that_cannot_be_used_is_refused(changes: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        reach_setup({**PLACE, **changes}, ARM)


@pytest.mark.parametrize('given', ['moon', 7, {'box': [[0, 0, 0], [1, 1, 1]]}])
def test_what_is_no_setup_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError):
        reach_setup(given, ARM)


# -- joint reach -------------------------------------------------------------------------------


def test_the_reward_of_joint_reach_worked_out_by_hand() -> None:
    task = JointReachTask(TWO, reference=[0.0, 0.0], weights={'velocity': 1.0, 'action': 0.5})
    task.reset(rng=rng(), state=state([0, 0]), options={'goal': [0.03, 0.04]})
    reward, terms = task.reward(np.array([0.3, 0.0], np.float32), state([0, 0], [0.15, 0.0]))
    assert terms == {
        'distance': pytest.approx(-0.05),
        'precision': pytest.approx(math.exp(-0.25)),
        'velocity': pytest.approx(-0.25),
        'action': pytest.approx(-1.0, abs=1e-6),
    }
    assert reward == pytest.approx(-0.05 + math.exp(-0.25) - 0.25 - 0.5, abs=1e-6)


def test_goals_come_from_the_seed_around_where_the_episode_begins() -> None:
    fixed, here = JointReachTask(TWO, reference=[0.5, -0.5]), JointReachTask(TWO)
    for task, centre in ((fixed, [0.5, -0.5]), (here, [2.0, 1.0])):
        goals = []
        for seed in range(50):
            start = task.reset(rng=rng(seed), state=state([2.0, 1.0]), options={})
            assert (start is None) == (task is here)
            assert (np.abs(task.goal - centre) <= 0.5).all()
            goals.append(tuple(task.goal))
            assert task.episode_info() == {'goal': list(goals[-1])}
        assert len(set(goals)) == 50


def test_a_robot_outside_its_limits_gets_a_goal_inside() -> None:
    task = JointReachTask(TWO)
    task.reset(rng=rng(), state=state([9.0, -9.0]), options={})
    assert (np.abs(task.goal) <= 2 * math.pi).all()


@pytest.mark.parametrize('interface', ['velocity', 'position'])
def test_joints_stay_within_the_spread_of_an_episode_whatever_the_actions(interface: str) -> None:
    task = JointReachTask(TWO, interface=interface, spread=0.3)
    env = RobotEnv(FakeRobot(TWO, interface=interface), task, period_s=PERIOD_S, authority_s=0.15)
    env.reset(seed=1)
    for _ in range(150):
        _, _, _, _, info = env.step(task.action_space.high)
    position = env.robot.state().position
    assert position == pytest.approx([0.4, 0.4], abs=0.01)
    assert info['is_success'] is bool(info['largest_error'] < 0.02)


def test_a_goal_far_away_widens_the_range_of_its_episode_alone() -> None:
    task = JointReachTask(TWO, reference=[0.0, 0.0])
    task.reset(rng=rng(), state=state([0, 0]), options={'goal': [3.0, 0.0]})
    task.begin(state([2.5, 0.0]))
    assert task.command(np.array([0.3, 0.0]), state([2.5, 0.0]))[0] > 0.0
    task.reset(rng=rng(), state=state([0, 0]), options={})
    task.begin(state([2.5, 0.0]))
    assert task.command(np.array([0.3, 0.0]), state([2.5, 0.0]))[0] <= 0.0


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'spread': 0.0}, 'spread'),
        ({'period_s': math.nan}, 'period_s'),
        ({'tolerance': -1.0}, 'tolerance'),
        ({'speed_share': 1.1}, 'speed_share'),
        ({'reference': [0.0]}, 'reference'),
        ({'reference': [9.0, 0.0]}, 'reference'),
        ({'goal': 'up'}, 'goal'),
        ({'interface': 'position', 'actions': 'value'}, 'need a reference'),
        ({'interface': 'effort'}, "not 'effort'"),
    ],
)
def test_a_joint_reach_that_cannot_be_is_refused(options: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        JointReachTask(TWO, **options)


@pytest.mark.parametrize('options', [{'goal': [9.0, 0.0]}, {'goal': None}, {'colour': 'red'}])
def test_a_reset_option_of_joint_reach_that_cannot_be_is_refused(options: Any) -> None:
    task = JointReachTask(TWO)
    with pytest.raises(ConfigError, match='joint reach task'):
        task.reset(rng=rng(), state=state([0, 0]), options=options)


# -- track -------------------------------------------------------------------------------------


@pytest.mark.parametrize('path', ['circle', 'lissajous', 'random'])
def test_a_path_begins_at_the_tool_at_rest_stays_in_the_box_and_closes(path: str) -> None:
    task = TrackTask(ARM, joints=6, path=path, lap_s=8.0)
    task.reset(rng=rng(5), state=REFERENCE, options={})
    task.begin(REFERENCE)
    tool = CHAIN.forward(REFERENCE.position)[:3, 3]
    assert task.target_m == pytest.approx(tool, abs=1e-9)
    points = [task.target_m]
    for _ in range(300):
        before = task.observe(REFERENCE)
        task.command(np.zeros(6, np.float32), REFERENCE)
        points.append(task.target_m)
        # What was observed of its velocity is how it then moved.
        assert before[15:18] * PERIOD_S == pytest.approx(points[-1] - points[-2], abs=1e-6)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps[0] < 0.1 * steps.max()
    assert (np.array(points) >= task.setup.box_lower).all()
    assert (np.array(points) <= task.setup.box_upper).all()
    lap = round(8.0 / PERIOD_S)
    offset = round(SOFT_START_S / 2 / PERIOD_S)
    assert points[lap + offset] == pytest.approx(tool, abs=1e-9)


def test_paths_come_from_the_seed_and_the_target_waits_while_nobody_steps() -> None:
    task = TrackTask(ARM, joints=6)

    def tenth(seed: int) -> tuple[float, ...]:
        task.reset(rng=rng(seed), state=REFERENCE, options={})
        task.begin(REFERENCE)
        for _ in range(10):
            task.command(np.zeros(6), REFERENCE)
            first = task.observe(REFERENCE)
            assert first.tobytes() == task.observe(REFERENCE).tobytes()
        return tuple(task.target_m)

    assert tenth(1) == tenth(1)
    assert tenth(1) != tenth(2)


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'path': 'square'}, "'circle'"),
        ({'size_m': 0.0}, 'size_m'),
        ({'lap_s': math.inf}, 'lap_s'),
        ({'path': 'circle', 'size_m': 0.6}, 'No circle path'),
        ({'path': 'circle', 'lap_s': 0.5}, 'No circle path'),
        ({'target': [0.0, 0.1, 0.7]}, 'no target'),
        ({'orientation': True}, 'no orientation'),
        ({'path': 'circle', 'setup': {**PLACE, 'axes': 'z'}}, 'two axes or three'),
    ],
)
def test_a_track_task_that_cannot_be_is_refused(options: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        TrackTask(ARM, **{'joints': 6, **options})


def test_the_track_task_has_no_reset_options() -> None:
    task = TrackTask(ARM, joints=6)
    with pytest.raises(ConfigError, match="no reset option 'target_m'"):
        task.reset(rng=rng(), state=REFERENCE, options={'target_m': [0.0, 0.1, 0.7]})


# -- tasks by name -----------------------------------------------------------------------------


class _Point:
    """An entry point of some other package."""

    def __init__(self, name: str, loads: Any) -> None:
        self.name, self._loads = name, loads

    def load(self) -> Any:
        if isinstance(self._loads, Exception):
            raise self._loads
        return self._loads


def offer(monkeypatch: pytest.MonkeyPatch, *points: _Point) -> None:
    def entry_points(*, group: str) -> tuple[_Point, ...]:
        assert group == GROUP == 'rl_bridge.tasks'
        return points

    monkeypatch.setattr('rl_bridge.tasks.catalogue.entry_points', entry_points)


def test_a_task_of_another_package_is_found_by_its_entry_point(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / 'offers-1.0.dist-info'
    folder.mkdir()
    (folder / 'METADATA').write_text('Metadata-Version: 2.1\nName: offers\nVersion: 1.0\n')
    (folder / 'entry_points.txt').write_text(
        '[rl_bridge.tasks]\nbend = rl_bridge.tasks.joint_reach:JointReachTask\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert isinstance(make_task('bend', TWO, interface='velocity'), JointReachTask)


def test_a_ready_task_comes_before_one_that_is_offered_under_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, _Point('track', JointReachTask))
    assert isinstance(make_task('track', ARM, interface='velocity', joints=6), TrackTask)


def test_an_offered_task_that_cannot_be_imported_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, _Point('bend', ImportError('no module named bending')))
    with pytest.raises(ConfigError, match='no module named bending'):
        make_task('bend', TWO, interface='velocity')
    with pytest.raises(ConfigError, match=r"'track'.*'bend'"):
        make_task('push', TWO, interface='velocity')
