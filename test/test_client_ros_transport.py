# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The connection over real rclpy and DDS, against a stub bridge in a process of its own."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import shared_memory

pytest.importorskip('rclpy')
pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.errors import BridgeTimeout, BridgeUnavailable, ConfigError
from rl_bridge.types import PROTOCOL_VERSION, ResetRequest, StatusCode, StepRequest

TEST = Path(__file__).resolve().parent
NAME = '/cell/robot_env'
PATHS = ('waitset', 'executor')
PATIENCE_S = 20.0


class Stub:
    """A stub bridge in a process of its own."""

    def __init__(self, name: str = NAME, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(TEST / 'client_stub_node.py'), name, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == 'ready\n'

    def end(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()


@pytest.fixture(scope='module', autouse=True)
def domain() -> Iterator[int]:
    """
    The ROS domain of this test run.

    On this machine alone, the transports are ROS 2's own choice whatever is asked for here: shared
    memory stays on, so what is killed is killed with shared_memory.kill().
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv('RL_BRIDGE_TRANSPORT', raising=False)
        yield int(os.environ['ROS_DOMAIN_ID'])  # as conftest.py chose it


@pytest.fixture(scope='module')
def stub(domain: int) -> Iterator[Stub]:
    running = Stub()
    yield running
    running.end()


@pytest.fixture
def start(domain: int) -> Iterator[Callable[..., Stub]]:
    started: list[Stub] = []

    def starter(*arguments: str) -> Stub:
        started.append(Stub(*arguments))
        return started[-1]

    yield starter
    for running in started:
        running.end()


@pytest.fixture(scope='module', params=PATHS)
def shared(request: pytest.FixtureRequest, stub: Stub) -> Iterator[RosTransport]:
    connection = RosTransport(NAME, call_path=request.param)
    connection.get_specs(timeout_s=PATIENCE_S)
    yield connection
    connection.close()


@pytest.fixture(params=PATHS)
def transport(request: pytest.FixtureRequest, stub: Stub) -> Iterator[RosTransport]:
    connection = RosTransport(NAME, call_path=request.param)
    connection.get_specs(timeout_s=PATIENCE_S)
    yield connection
    connection.close()


_sessions = iter(range(1_000_000))


class Caller:
    """Steps in a session of its own, so that the stub's counts start at one."""

    def __init__(self, transport: RosTransport) -> None:
        self._transport = transport
        self._session = f'session {next(_sessions)}'

    def __call__(self, step: int, what: str = '', *, timeout_s: float = PATIENCE_S) -> Any:
        return self._transport.step(
            StepRequest(
                action=array('d', [step, 0.5]), action_text=[what] if what else [],
                session=self._session, step=step),
            timeout_s=timeout_s)


@pytest.fixture
def step(shared: RosTransport) -> Caller:
    return Caller(shared)


def copies(reply: Any) -> int:
    return int(reply.info.strip('{}').partition(':')[2])


class TestCalls:
    def test_every_call_is_answered(self, shared: RosTransport, step: Caller) -> None:
        specs = shared.get_specs(timeout_s=PATIENCE_S)
        assert specs.bridge_id == 'stub' and specs.protocol == PROTOCOL_VERSION
        request = ResetRequest(client_id='alice', reset_id=41, options='{"a": 1}')
        reset = shared.reset(request, timeout_s=PATIENCE_S)
        assert (reset.reset_id, reset.session, reset.info) == (41, 's', '{"a": 1}')
        reply = step(3)
        assert reply.step == 3 and list(reply.observation[0].numbers) == [3.0, 0.5]
        picture = shared.render('s', timeout_s=PATIENCE_S)
        assert (picture.height, picture.width, bytes(picture.data)) == (1, 2, bytes(range(6)))
        assert shared.close_session('s', timeout_s=PATIENCE_S).bridge_id == 'stub'
        assert shared.bridge == NAME

    def test_a_heartbeat_arrives(self, shared: RosTransport) -> None:
        closed = ''
        for count in range(1000):
            shared.heartbeat(client_id='alice', session='s9', epoch=3, count=count)
            closed = shared.close_session('s9', timeout_s=PATIENCE_S).status.message
            if "('alice', 's9'," in closed:
                break
        assert "('alice', 's9'," in closed

    def test_an_answered_request_is_sent_once(self, step: Caller) -> None:
        assert [copies(step(number)) for number in range(1, 101)] == [1] * 100

    @pytest.mark.parametrize('copy', [2, 3])
    def test_a_request_without_an_answer_is_sent_again(self, step: Caller, copy: int) -> None:
        assert copies(step(1, f'copy {copy}')) == copy

    def test_calls_and_copies_are_counted_from_the_greeting_on(
        self, transport: RosTransport
    ) -> None:
        before = transport.link
        assert before['repeated'] == 0
        step = Caller(transport)
        assert [copies(step(1)), copies(step(2, 'copy 3'))] == [1, 3]
        assert transport.link == {'calls': before['calls'] + 2, 'repeated': 2}

    def test_a_step_by_hand_has_no_number_and_is_never_sent_again(
        self, shared: RosTransport
    ) -> None:
        def by_hand(what: str, timeout_s: float) -> Any:
            request = StepRequest(action=array('d', [0.0, 0.0]), action_text=[what])
            return shared.step(request, timeout_s=timeout_s)

        before = copies(by_hand('', PATIENCE_S))
        with pytest.raises(BridgeTimeout):
            by_hand('silent', 0.6)  # time for two copies of a step with a number
        assert copies(by_hand('', PATIENCE_S)) == before + 2

    @pytest.mark.fault(
        what='a reply comes late, twice or with another number',
        seen_by='client: session and step number',
        within='when it arrives',
        state='unchanged',
        client='takes the reply to its own step and no other',
        side='link',
    )
    def test_a_late_reply_is_never_taken_for_the_next_steps(self, step: Caller) -> None:
        with pytest.raises(BridgeTimeout):
            step(1, 'hold', timeout_s=0.1)
        for number in range(2, 6):  # before step 2 is answered, the stub answers step 1
            reply = step(number)
            assert (reply.step, list(reply.observation[0].numbers)) == (number, [number, 0.5])

    def test_a_late_reply_to_a_copy_is_never_taken_for_the_next_steps(self, step: Caller) -> None:
        with pytest.raises(BridgeTimeout):
            step(1, 'hold', timeout_s=0.6)  # three copies, two of them answered with the next one
        for number in range(2, 6):
            assert step(number).step == number

    @pytest.mark.fault(what='a reply comes late, twice or with another number')
    def test_a_reply_that_comes_twice_is_taken_once(self, step: Caller) -> None:
        assert [step(number, 'twice').step for number in range(1, 51)] == list(range(1, 51))

    @pytest.mark.fault(what='a reply comes late, twice or with another number')
    def test_a_reply_with_another_steps_number_is_dropped(self, step: Caller) -> None:
        reply = step(1, 'misnumber')
        assert reply.step == 1 and copies(reply) == 2

    def test_a_refusal_needs_no_echo(self, step: Caller) -> None:
        reply = step(1, 'refuse')
        assert (reply.status.code, reply.status.message) == (StatusCode.REJECTED, 'as told')

    @pytest.mark.fault(what='the environment hangs')
    def test_no_answer_is_a_timeout_that_names_bridge_call_and_time(self, step: Caller) -> None:
        with pytest.raises(BridgeTimeout) as caught:
            step(7, 'silent', timeout_s=0.3)
        error = caught.value
        assert (error.bridge, error.call, error.timeout_s) == (NAME, 'step 7', 0.3)
        assert step(8).step == 8


class TestFinding:
    @pytest.mark.parametrize('path', PATHS)
    def test_a_missing_bridge_is_unavailable_and_the_others_are_named(
        self, stub: Stub, path: str, domain: int
    ) -> None:
        connection = RosTransport('/cell/arm', call_path=path)
        with pytest.raises(BridgeUnavailable) as caught:
            connection.get_specs(timeout_s=2.0)
        connection.close()
        sentence = str(caught.value)
        for part in ('/cell/arm', f'It sees {NAME}', f'ROS domain {domain}', 'LOCALHOST',
        'ROS_DOMAIN_ID',
                     'ROS_AUTOMATIC_DISCOVERY_RANGE', 'FASTDDS_BUILTIN_TRANSPORTS=UDPv4'):
            assert part in sentence

    def test_a_missing_bridge_on_an_empty_domain_is_unavailable(self) -> None:
        empty = 215 + os.getpid() % 18  # clear of conftest.py's domains and of ephemeral ports
        connection = RosTransport(NAME, domain_id=empty)
        with pytest.raises(BridgeUnavailable, match=f'domain {empty}.*sees no other bridge'):
            connection.get_specs(timeout_s=0.5)
        connection.close()

    @pytest.mark.parametrize('path', PATHS)
    def test_an_env_that_finds_no_bridge_leaves_nothing_open(
        self, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setenv('RL_BRIDGE_TRANSPORT', path)
        before = set(threading.enumerate())
        with pytest.raises(BridgeUnavailable, match='/nowhere'):
            gymnasium.make('rl_bridge:RemoteRobot-v0', bridge='/nowhere', connect_timeout_s=0.2)
        assert set(threading.enumerate()) == before

    def test_a_bridge_that_is_seen_but_silent_is_unavailable(
        self, start: Callable[..., Stub]
    ) -> None:
        start('/mute/robot_env', '--mute')
        connection = RosTransport('/mute/robot_env')
        with pytest.raises(BridgeUnavailable, match=r'/mute/robot_env is visible.*did not answer'):
            connection.get_specs(timeout_s=3.0)
        connection.close()

    @pytest.mark.parametrize('path', PATHS)
    def test_each_service_is_greeted_before_the_first_call(
        self, start: Callable[..., Stub], path: str
    ) -> None:
        start('/greeted')
        connection = RosTransport('/greeted', call_path=path)
        assert connection.link == {'calls': 0, 'repeated': 0}
        connection.get_specs(timeout_s=PATIENCE_S)
        assert connection.link == {'calls': 1, 'repeated': 0}
        greeted = json.loads(Caller(connection)(1, 'greeted').info)
        assert all(greeted[name] for name in ('Reset', 'Step', 'Close', 'Render'))
        connection.get_specs(timeout_s=PATIENCE_S)  # and none a second time
        assert json.loads(Caller(connection)(1, 'greeted').info) == greeted
        connection.close()

    def test_two_live_bridges_of_one_name_are_refused(self, start: Callable[..., Stub]) -> None:
        start('/twin', '--bridge-id', 'one')
        start('/twin', '--bridge-id', 'two')
        for _ in range(20):  # until both are discovered
            connection = RosTransport('/twin')
            try:
                connection.get_specs(timeout_s=PATIENCE_S)
            except BridgeUnavailable as error:
                assert '2 bridges named /twin' in str(error)
                break
            finally:
                connection.close()
        else:
            pytest.fail('two bridges of one name were never noticed')

    def test_a_bridge_without_an_id_yet_is_not_counted_as_another(
        self, start: Callable[..., Stub]
    ) -> None:
        start('/starting', '--bridge-id', 'one')
        start('/starting', '--bridge-id', '')
        connection = RosTransport('/starting')
        while connection._node.count_services('/starting/get_specs') < 2:
            pass
        assert connection.get_specs(timeout_s=PATIENCE_S).bridge_id in ('one', '')
        connection.close()

    def test_a_bridge_that_was_killed_and_started_again_is_found_by_old_and_new_clients(
        self, start: Callable[..., Stub]
    ) -> None:
        first = start('/phoenix', '--bridge-id', 'first')
        old = RosTransport('/phoenix')
        assert old.get_specs(timeout_s=PATIENCE_S).bridge_id == 'first'
        shared_memory.kill(first.process)
        with pytest.raises(BridgeTimeout):
            Caller(old)(1, timeout_s=0.3)
        start('/phoenix', '--bridge-id', 'second')
        assert Caller(old)(1).step == 1
        new = RosTransport('/phoenix')  # the graph still shows the dead one beside the living
        assert new.get_specs(timeout_s=PATIENCE_S).bridge_id == 'second'
        old.close()
        new.close()

    @pytest.mark.parametrize('name', ['/a b', '/1cell/robot_env', '', '/a//b'])
    def test_a_name_that_ros_does_not_allow_is_refused(self, name: str) -> None:
        with pytest.raises(ConfigError, match='cannot be the name of a bridge'):
            RosTransport(name)

    def test_a_name_without_the_leading_slash_is_the_same_bridge(self, stub: Stub) -> None:
        connection = RosTransport(NAME.lstrip('/'))
        assert connection.bridge == NAME
        assert connection.get_specs(timeout_s=PATIENCE_S).bridge_id == 'stub'
        connection.close()

    def test_an_unknown_call_path_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv('RL_BRIDGE_TRANSPORT', 'pigeon')
        with pytest.raises(ConfigError, match=r"'pigeon'.*'waitset' or 'executor'"):
            RosTransport(NAME)

    @pytest.mark.parametrize(('wanted', 'threads'), [('waitset', 0), ('executor', 1)])
    def test_the_call_path_comes_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, wanted: str, threads: int
    ) -> None:
        monkeypatch.setenv('RL_BRIDGE_TRANSPORT', wanted)
        before = set(threading.enumerate())
        connection = RosTransport(NAME)
        assert len(set(threading.enumerate()) - before) == threads
        connection.close()
        assert set(threading.enumerate()) == before


class TestClosing:
    def test_a_closed_connection_says_so_and_closes_again(self, transport: RosTransport) -> None:
        transport.close()
        transport.close()
        for call in (
            lambda: transport.get_specs(timeout_s=1),
            lambda: Caller(transport)(1),
            lambda: transport.close_session('', timeout_s=1),
            lambda: transport.render('', timeout_s=1),
            lambda: transport.reset(ResetRequest(), timeout_s=1),
            lambda: transport.heartbeat(client_id='', session='', epoch=0, count=0),
        ):
            with pytest.raises(BridgeUnavailable, match='was closed'):
                call()

    def test_closing_from_another_thread_ends_a_wait(
        self, transport: RosTransport
    ) -> None:
        step = Caller(transport)
        ended: list[BaseException] = []

        def wait() -> None:
            try:
                step(1, 'silent', timeout_s=600)
            except BridgeUnavailable as error:
                ended.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        transport.close()
        waiting.join(PATIENCE_S)
        assert not waiting.is_alive() and 'was closed' in str(ended[0])

    def test_a_second_thread_is_served_after_the_first_or_told_why_not(
        self, transport: RosTransport
    ) -> None:
        step = Caller(transport)
        inside = threading.Event()
        first: list[BaseException] = []

        def wait() -> None:
            inside.set()
            try:
                step(1, 'silent', timeout_s=2.0)
            except BridgeTimeout as error:
                first.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        inside.wait(PATIENCE_S)
        while transport._lock.acquire(blocking=False):  # until the other thread is in its call
            transport._lock.release()
        with pytest.raises(BridgeTimeout, match='another thread'):
            step(2, timeout_s=0.05)
        waiting.join(PATIENCE_S)
        assert len(first) == 1 and step(3).step == 3

    def test_a_forgotten_connection_lets_go_of_its_node(self, stub: Stub) -> None:
        watcher = RosTransport(NAME)
        watcher.get_specs(timeout_s=PATIENCE_S)
        forgotten = RosTransport(NAME)
        name = forgotten._node.get_name()
        while name not in watcher._node.get_node_names():
            pass
        del forgotten
        gc.collect()
        while name in watcher._node.get_node_names():
            pass
        watcher.close()


def script(code: str, *, path: str = 'waitset') -> subprocess.Popen[str]:
    head = f'''
import sys, os
sys.path.insert(0, {str(TEST)!r})
from array import array
from rl_bridge.client import RemoteRobotEnv
from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.errors import *
from rl_bridge.types import StepRequest
NAME = {NAME!r}
'''
    return subprocess.Popen(
        [sys.executable, '-c', head + code], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, 'RL_BRIDGE_TRANSPORT': path})


def finished(process: subprocess.Popen[str], *, code: int = 0) -> str:
    """Wait for a script that must end by itself, cleanly: no traceback, no complaint."""
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail('the script did not end')
    assert (process.returncode, err) == (code, ''), err
    return out


@pytest.mark.parametrize('path', PATHS)
class TestProcesses:
    def test_an_env_left_open_ends_with_the_interpreter(self, stub: Stub, path: str) -> None:
        out = finished(script('''
env = RemoteRobotEnv(NAME)
env.reset()
print(env.step([0.5, 0.25])[0].tolist())
''', path=path))
        assert out == '[0.5, 0.25]\n'

    def test_an_exception_ends_the_interpreter_too(self, stub: Stub, path: str) -> None:
        process = script('''
env = RemoteRobotEnv(NAME)
env.reset()
raise SystemExit(3)
''', path=path)
        finished(process, code=3)

    def test_it_works_beside_the_users_own_rclpy_and_in_threads(
        self, stub: Stub, path: str
    ) -> None:
        out = finished(script('''
import threading
import rclpy
from rclpy.executors import SingleThreadedExecutor
rclpy.init()
node = rclpy.create_node('users_own')
ticks = threading.Event()
node.create_timer(0.01, ticks.set)
executor = SingleThreadedExecutor()
executor.add_node(node)
spinner = threading.Thread(target=executor.spin, daemon=True)
spinner.start()
done = []
def run(number):
    env = RemoteRobotEnv(NAME)
    env.reset()
    values = [env.step([number / 10, 0.0])[0][0] for _ in range(50)]
    env.close()
    done.append(values == [number / 10] * 50)
threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
ticks.clear()
print(done, ticks.wait(10), rclpy.ok())
executor.shutdown()
spinner.join(5)
node.destroy_node()
rclpy.shutdown()
env = RemoteRobotEnv(NAME)
env.reset()
env.close()
print('after')
''', path=path))
        assert out == '[True, True, True] True True\nafter\n'

    def test_ctrl_c_ends_a_wait_at_once(self, stub: Stub, path: str) -> None:
        process = script('''
connection = RosTransport(NAME)
connection.get_specs(timeout_s=10)
try:
    print('waiting', flush=True)
    connection.step(
        StepRequest(session='c', step=1, action_text=['silent']), timeout_s=600)
except KeyboardInterrupt:
    print('interrupted')
connection.close()
''', path=path)
        assert process.stdout is not None and process.stdout.readline() == 'waiting\n'
        process.send_signal(signal.SIGINT)
        assert finished(process) == 'interrupted\n'

    def test_a_context_shut_down_by_the_users_rclpy_is_told_apart(
        self, stub: Stub, path: str
    ) -> None:
        out = finished(script('''
import signal, time
import rclpy
rclpy.init()
env = RemoteRobotEnv(NAME)
env.reset()
try:
    os.kill(os.getpid(), signal.SIGINT)
    while rclpy.ok() or env._transport._context.ok():
        time.sleep(0.01)
except KeyboardInterrupt:
    pass
while rclpy.ok() or env._transport._context.ok():
    time.sleep(0.01)
try:
    env.step([0.0, 0.0])
except BridgeUnavailable as error:
    print(error)
env.close()
''', path=path))
        assert 'shut down by a signal handler of rclpy' in out

    def test_a_forked_child_is_refused_and_ends_cleanly(self, stub: Stub, path: str) -> None:
        out = finished(script('''
env = RemoteRobotEnv(NAME)
env.reset()
connection = env._transport
import warnings
warnings.simplefilter('ignore')  # from 3.12 on, Python itself warns of such a fork
child = os.fork()
if child == 0:
    calls = [
        lambda: env.reset(), lambda: env.step([0.0, 0.0]), lambda: env.render(),
        lambda: connection.get_specs(timeout_s=1), lambda: connection.render('', timeout_s=1),
        lambda: connection.heartbeat(client_id='', session='', epoch=0, count=0),
        lambda: RemoteRobotEnv(NAME),
    ]
    for call in calls:
        try:
            call()
        except ForkedClient as error:
            print('refused', 'spawn' in str(error))
    env.close()
    connection.close()
    del env, connection, calls, call
    sys.exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(env.step([0.25, 0.0])[0].tolist())
env.close()
''', path=path))
        assert out == 'refused True\n' * 7 + '5\n[0.25, 0.0]\n'

    def test_spawned_workers_have_connections_of_their_own(self, stub: Stub, path: str) -> None:
        out = finished(script('''
from gymnasium.vector import AsyncVectorEnv
from client_spawned import make
if __name__ == '__main__':
    envs = AsyncVectorEnv([make, make], context='spawn')
    envs.reset(seed=1)
    print(envs.step([[0.5, 0.0], [0.25, 0.0]])[0].tolist())
    envs.close()
''', path=path))
        assert out == '[[0.5, 0.0], [0.25, 0.0]]\n'


@pytest.mark.parametrize('own', [True, False])
def test_an_env_over_ros_runs_whole_episodes(shared: RosTransport, own: bool) -> None:
    transport = None if own else shared
    env = gymnasium.make('rl_bridge:RemoteRobot-v0', bridge=NAME, transport=transport)
    for seed in range(3):
        observation, _ = env.reset(seed=seed, options={'seed': seed})
        assert observation.tolist() == [0, 0]
        for _ in range(100):
            action = env.action_space.sample()
            assert env.step(action)[0].tolist() == action.tolist()
    env.close()
