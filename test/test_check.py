# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""`rl_bridge check`: what it says of a file, and of a robot that it listens to."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sensors_by_hand import noise, raw

from rl_bridge import cli
from rl_bridge.check_stream import NOT_OURS, Endpoint, Stream

MS = 1_000_000
ROBOT = '''
name: small
joints: [pan, tilt]
state: {topic: joint_states, max_age: 5.0}
commands:
  velocity: {topic: velocity_controller/commands, timeout: 0.5}
  position:
    timeout: 0.0
    outputs:
      - {topic: pan_controller/commands, joints: [pan]}
      - topic: tilt_controller/command
        type: std_msgs/msg/Float64
        fields: [data]
        joints: [tilt]
limits:
  position: {lower: [-1.0, -1.0], upper: [1.0, 1.0]}
  velocity: [1.0, 1.0]
  acceleration: [2.0, 2.0]
standstill: {speed: 0.01, within: 1.0}
'''
SENSORS = '''
sensors:
  flag: {topic: flag, type: std_msgs/msg/Bool, max_age: 5.0, history: 2}
  level:
    topic: level
    type: std_msgs/msg/Float64
    fields: [data]
    max_age: 5.0
    lower: 0.0
    upper: 1.0
'''
STOP = '''
stop_status: {topic: enabled, type: std_msgs/msg/Bool, field: data, running: [true], max_age: 5.0}
halt:
  second_stage: {service: disable, type: std_srvs/srv/Trigger, after: 0.5}
'''


def robot_file(folder: Path, text: str = ROBOT) -> str:
    path = folder / 'small.yaml'
    path.write_text(text)
    return str(path)


# -- the file -------------------------------------------------------------------------------------


def test_a_shipped_file_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip('rclpy', reason='there is no ROS 2 here')
    assert cli.main(['check', 'ur5e.yaml']) == 0
    said = capsys.readouterr().out
    for words in ('ur5e: 6 joints', 'shoulder_pan_joint', 'joint_states', 'stop status',
                  'forward_velocity_controller', 'ur5e.yaml: no problem found.'):  # fmt: skip
        assert words in said


def test_a_file_that_cannot_be_read_ends_with_the_parsers_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = robot_file(tmp_path, ROBOT.replace('  velocity: [1.0, 1.0]\n', ''))
    assert cli.main(['check', path]) == 1
    assert f'rl_bridge: {path}: limits.velocity is missing' in capsys.readouterr().err


def test_every_type_and_field_that_is_not_there_has_its_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip('rclpy', reason='there is no ROS 2 here')
    text = (
        ROBOT.replace('fields: [data]', 'fields: [x]')
        + SENSORS.replace('std_msgs/msg/Float64', 'no_such_msgs/msg/Level')
        + STOP.replace('field: data', 'field: mode').replace('Trigger, after', 'Empties, after')
    )
    path = robot_file(tmp_path, text)
    assert cli.main(['check', path, '--live']) == 1  # nothing to listen to with such a file
    captured = capsys.readouterr()
    said = captured.err.splitlines()
    assert len(said) == 4 and all(line.startswith('rl_bridge: ') for line in said)
    assert "no field 'x'" in said[0]
    assert 'no_such_msgs/msg/Level, which is not installed here' in said[1]
    assert "no field 'mode'" in said[2]
    assert 'std_srvs/srv/Empties, which is not installed here' in said[3]
    assert 'Listening' not in captured.out and 'no problem' not in captured.out


def test_without_ros_the_file_alone_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rl_bridge import check_types

    monkeypatch.setattr(check_types, 'ros_is_here', lambda: False)
    text = ROBOT.replace('std_msgs/msg/Float64\n', 'no_such_msgs/msg/Level\n')
    assert cli.main(['check', robot_file(tmp_path, text)]) == 0
    assert 'no message type was looked at' in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, 'rl_bridge.check_node', None)
    assert cli.main(['check', robot_file(tmp_path), '--live']) == 1
    assert 'source ROS 2' in capsys.readouterr().err


@pytest.mark.parametrize('seconds', ['0', '-1', 'nan', 'inf', 'long'])
def test_a_time_that_is_none_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(['check', 'ur5e.yaml', '--live', f'--seconds={seconds}'])
    assert f"'{seconds}' is no time in seconds above 0" in capsys.readouterr().err


# -- one stream, by a clock of the test -----------------------------------------------------------


def stream(judge: Callable[[Any, int], str | None] = lambda *_: '') -> Stream:
    return Stream('state', '/states', 'a/msg/A', 0.1, judge)


def test_rate_longest_silence_jitter_and_age_by_header_are_measured() -> None:
    one = stream()
    assert one.timing(0) is None
    for now_ms, age_ms in ((0, 1), (10, 2), (40, 9)):
        one.hear(None, now_ns=now_ms * MS, header_ns=(7000 + now_ms) * MS,
                 wall_ns=(7000 + now_ms + age_ms) * MS)  # fmt: skip
    timing = one.timing(50 * MS)
    assert timing is not None
    assert timing.rate_hz == pytest.approx(50.0)
    assert timing.longest == pytest.approx(0.03)
    assert timing.jitter == pytest.approx(0.01)
    assert timing.header_age == pytest.approx(0.002)
    later = one.timing(100 * MS)
    assert later is not None and later.longest == pytest.approx(0.06)
    assert one.problems(100 * MS, [Endpoint('/d', 'a/msg/A')]) == []


def test_a_single_message_without_a_stamp_has_no_rate_and_no_age() -> None:
    one = stream()
    one.hear(None, now_ns=0, header_ns=0, wall_ns=7)
    timing = one.timing(20 * MS)
    assert timing is not None
    assert (timing.rate_hz, timing.longest, timing.header_age) == (0.0, 0.02, None)


def test_messages_with_an_old_stamp_again_are_not_new() -> None:
    one = stream()
    for now_ms in (0, 60, 120):
        one.hear(None, now_ns=now_ms * MS, header_ns=5, wall_ns=5)
    (said,) = one.problems(121 * MS, [])
    assert 'nothing new for 0.121 s, more than its max_age of 0.1 s' in said
    assert '(1 messages came, 2 with an old stamp again)' in said


def test_messages_that_cannot_be_used_are_counted_and_the_first_is_told() -> None:
    faults = iter(['', 'It is\nbroken.', 'It is gone.'])
    one = stream(lambda *_: next(faults))
    for now_ms in range(3):
        one.hear(None, now_ns=now_ms * MS, header_ns=0, wall_ns=0)
    assert one.problems(3 * MS, []) == [
        '2 of 3 messages on /states (state) cannot be used; the first: It is broken.'
    ]


@pytest.mark.parametrize(
    ('publishers', 'sentence'),
    [
        ([], 'nobody publishes on /states (state); is its driver running, in this namespace and '
             'ROS domain?'),
        ([Endpoint('/d', 'a/msg/A')],
         'nothing came on /states (state), though /d publishes there'),
        ([Endpoint('/d', 'b/msg/B')],
         '/states (state) has the type a/msg/A in the robot file, but /d publishes b/msg/B there; '
         'correct one of them.'),
    ],
)  # fmt: skip
def test_a_silent_topic_is_told_from_one_of_another_type(
    publishers: list[Endpoint], sentence: str
) -> None:
    (said,) = stream().problems(0, publishers)
    assert said.startswith(sentence)


def test_messages_of_other_devices_alone_are_no_state() -> None:
    one = stream(lambda *_: NOT_OURS)
    one.hear(None, now_ns=0, header_ns=0, wall_ns=0)
    (said,) = one.problems(0, [Endpoint('/d', 'a/msg/A')])
    assert said.startswith('1 messages came on /states (state), but none of them names a joint')


# -- live -----------------------------------------------------------------------------------------

COUNT = itertools.count()


class Cell:
    """A driver, a controller and whatever else a test puts beside them, in another context."""

    def __init__(self) -> None:
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.signals import SignalHandlerOptions

        self.namespace = f'/check_{next(COUNT)}'
        self._context = Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._nodes: list[Any] = []
        self.driver = self.node('driver')
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def node(self, name: str) -> Any:
        from rclpy.node import Node

        node = Node(name, context=self._context, namespace=self.namespace)
        self._nodes.append(node)
        self._executor.add_node(node)
        return node

    def send(
        self, type_name: str, topic: str, *, node: Any = None, qos: Any = 10, **fields: Any
    ) -> None:
        """Publish a message 100 times a second."""
        from rl_bridge.safety.named_types import load_type

        kind = load_type(type_name)
        message = kind(**fields)
        node = node or self.driver
        publisher = node.create_publisher(kind, topic, qos)
        node.create_timer(0.01, lambda: publisher.publish(message))

    def states(self, **fields: Any) -> None:
        values = {'name': ['tilt', 'pan'], 'position': [0.1, 0.2], 'velocity': [0.0, 0.0]}
        self.send('sensor_msgs/msg/JointState', 'joint_states', **{**values, **fields})

    def listener(self, type_name: str, topic: str) -> None:
        from rl_bridge.safety.named_types import load_type

        self.driver.create_subscription(load_type(type_name), topic, lambda _: None, 10)

    def controllers(self) -> None:
        self.listener('std_msgs/msg/Float64MultiArray', 'velocity_controller/commands')

    def close(self) -> None:
        # The executor first: a timer that publishes into a context that is shut down raises.
        self._executor.shutdown()
        self._thread.join()
        for node in self._nodes:
            node.destroy_node()
        self._context.try_shutdown()

    def _spin(self) -> None:
        from rclpy.executors import ExternalShutdownException

        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()


@pytest.fixture
def cell() -> Iterator[Cell]:
    pytest.importorskip('rclpy', reason='there is no ROS 2 here')
    # The message itself: unbuilt, the package's folder still imports as a namespace.
    pytest.importorskip('rl_bridge_interfaces.msg._command', reason='the interfaces are not built')
    made = Cell()
    yield made
    made.close()


@pytest.fixture
def live(
    cell: Cell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, list[str]]]:
    def run(text: str = ROBOT) -> tuple[int, str, list[str]]:
        words = ['check', robot_file(tmp_path, text), '--live', '--seconds', '1']
        code = cli.main([*words, '--namespace', cell.namespace])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


def test_a_robot_that_is_as_its_file_says_has_no_problem(cell: Cell, live: Any) -> None:
    cell.states()
    cell.controllers()
    cell.send('std_msgs/msg/Bool', 'flag', data=False)
    cell.send('std_msgs/msg/Float64', 'level', data=0.5)
    cell.send('std_msgs/msg/Bool', 'enabled', data=False)
    from std_srvs.srv import Trigger

    cell.driver.create_service(Trigger, 'disable', lambda _, reply: reply)
    code, said, problems = live(ROBOT + SENSORS + STOP)
    assert (code, problems) == (0, [])
    for topic in ('joint_states', 'flag', 'level', 'enabled', 'velocity_controller/commands'):
        assert f'{cell.namespace}/{topic}' in said
    assert 'guard: none' in said and 'bridge: none' in said and 'no problem found' in said
    assert 'note: the robot says that it is stopped: data = False on enabled' in said


def test_whatever_is_missing_or_of_another_type_has_its_sentence(cell: Cell, live: Any) -> None:
    cell.send('std_msgs/msg/Float64', 'flag', data=1.0)
    cell.send('std_msgs/msg/Float64', 'level', data=float('nan'))
    cell.listener('std_msgs/msg/Float64', 'pan_controller/commands')
    cell.listener('std_msgs/msg/Float64', 'other')
    code, _, problems = live(ROBOT + SENSORS + STOP)
    assert code == 1
    place = cell.namespace
    for words in (
        f'nobody publishes on {place}/joint_states (state)',
        f'{place}/flag (sensor flag) has the type std_msgs/msg/Bool in the robot file, but '
        f'{place}/driver publishes std_msgs/msg/Float64 there',
        f'messages on {place}/level (sensor level) cannot be used; the first: The sensor level on '
        f'{place}/level measures data = nan',
        f'nobody publishes on {place}/enabled (stop status)',
        f'{place}/pan_controller/commands has the type std_msgs/msg/Float64MultiArray in the '
        f'robot file, but {place}/driver listens for std_msgs/msg/Float64',
        f'(velocity: {place}/velocity_controller/commands; position: '
        f'{place}/tilt_controller/command): is a controller active',
        f'the service {place}/disable of halt.second_stage (std_srvs/srv/Trigger) is not there: '
        'nobody offers it',
    ):
        assert any(words in line for line in problems), (words, problems)
    assert len(problems) == 7


def test_joints_that_are_missing_or_outside_their_limits_are_named(cell: Cell, live: Any) -> None:
    cell.controllers()
    cell.states(name=['tilt', 'elbow'])
    code, _, problems = live()
    assert code == 1
    (said,) = problems
    assert 'The joint state has no joint pan; it has tilt, elbow' in said


def test_a_joint_outside_its_limits_and_one_that_never_rests_are_named(
    cell: Cell, live: Any
) -> None:
    cell.controllers()
    cell.states(position=[0.0, 1.25], velocity=[0.0, 0.05])
    code, said, problems = live()
    assert code == 1
    assert problems == [
        'rl_bridge: pan is measured at 1.25, outside its limits [-1, 1]: move it inside by hand, '
        'or correct the limits.'
    ]
    assert 'note: small is measured at up to 0.05, above standstill.speed = 0.01' in said


def test_only_a_guard_may_publish_on_a_command_topic(cell: Cell, live: Any) -> None:
    cell.states()
    cell.controllers()
    guard, stranger = cell.node('a_guard'), cell.node('stranger')
    array = 'std_msgs/msg/Float64MultiArray'
    cell.send('rl_bridge_interfaces/msg/GuardStatus', 'a_guard/status', node=guard)
    cell.send('rl_bridge_interfaces/msg/BridgeStatus', 'env/status', node=cell.node('env'))
    cell.send(array, 'velocity_controller/commands', node=guard)
    code, said, problems = live()
    assert (code, problems) == (0, [])
    assert f'guard: {cell.namespace}/a_guard\n' in said
    assert f'bridge: {cell.namespace}/env\n' in said
    cell.send(array, 'velocity_controller/commands', node=stranger)
    code, _, problems = live()
    assert code == 1
    (line,) = problems
    assert f'{cell.namespace}/stranger publishes on the command topic' in line


@pytest.mark.parametrize('reliable', [True, False])
def test_a_camera_that_publishes_best_effort_is_worth_a_note(
    cell: Cell, live: Any, reliable: bool
) -> None:
    from rclpy.qos import qos_profile_sensor_data

    cell.states()
    cell.controllers()
    fields = raw(noise(4, 6), 'rgb8')
    qos = 10 if reliable else qos_profile_sensor_data
    cell.send('sensor_msgs/msg/Image', 'eye', qos=qos, **fields)
    camera = 'sensors:\n  eye: {topic: eye, type: sensor_msgs/msg/Image, max_age: 5.0, '
    code, said, problems = live(f'{ROBOT}{camera}shape: [4, 6, 3]}}\n')
    assert (code, problems) == (0, [])
    assert ('(sensor eye) is published best effort' in said) is not reliable


def test_it_publishes_and_commands_nothing(cell: Cell, live: Any) -> None:
    cell.states()
    seen: set[str] = set()
    own = {f'{cell.namespace}/driver'}
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            for topic, _ in cell.driver.get_topic_names_and_types():
                for info in cell.driver.get_publishers_info_by_topic(topic):
                    name = f'{info.node_namespace.rstrip("/")}/{info.node_name}'
                    if name not in own:
                        seen.add(f'{name} publishes {topic}')
                    seen.update({'listened'} if listens(topic) else ())
            time.sleep(0.02)

    def listens(topic: str) -> bool:
        return any(
            info.node_name.startswith('rl_bridge_check')
            for info in cell.driver.get_subscriptions_info_by_topic(topic)
        )

    watching = threading.Thread(target=look)
    watching.start()
    live()
    ended.set()
    watching.join()
    assert {line for line in seen if 'parameter_events' not in line} == {'listened'}
