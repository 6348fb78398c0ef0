# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The Fast DDS profile in real processes: who uses it, who refuses without it, what it changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import shared_memory

pytest.importorskip('rclpy')
pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

from bridge_process import hosting
from rclpy.context import Context
from rclpy.node import Node
from test_client_ros_transport import Caller, Stub

from rl_bridge import dds_profile_node
from rl_bridge.client.connection import connect
from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.dds_profile import MARK_NS, REQUIRE_VARIABLE, shipped_file, use_profile
from rl_bridge.dds_profile_node import profile_problem
from rl_bridge.processes import RobotSide

PATIENCE_S = 20.0
# A dead peer is shown for 20 s without the profile.
SOON_S = 10.0
VARIABLE = use_profile().variable
ANOTHER_DIALECT = {'fastdds_2.xml': 'fastdds_3.xml', 'fastdds_3.xml': 'fastdds_2.xml'}
OWN = '''<?xml version="1.0" encoding="UTF-8"?>
<dds xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"><profiles>
<participant profile_name="mine" is_default_profile="true"><rtps><name>mine</name></rtps>
</participant></profiles></dds>
'''


@pytest.fixture(scope='module', autouse=True)
def reader() -> Iterator[Node]:
    """A node of this process, whose Fast DDS has read the profile before any test is without."""
    context = Context()
    context.init(args=[])
    node = Node('reader', context=context)
    yield node
    node.destroy_node()
    context.shutdown()
    context.destroy()


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """An environment as a user has it, for the processes a test starts."""
    for name in ('FASTRTPS_DEFAULT_PROFILES_FILE', VARIABLE, REQUIRE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return os.environ


def answers(code: str) -> str:
    """Run Python code in a process of its own; return what it printed."""
    done = subprocess.run(
        [sys.executable, '-c', code], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return done.stdout.strip()


CLIENT = '''
from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.errors import ConfigError
try:
    RosTransport('/nobody'{arguments}).close()
    print('open')
except ConfigError as error:
    print(error)
'''


def client(before: str = '', arguments: str = '') -> str:
    return answers(before + CLIENT.format(arguments=arguments))


class TestWhoUsesIt:
    def test_a_client_does_by_itself(self, plain: Mapping[str, str]) -> None:
        assert client() == 'open'

    def test_the_robots_processes_do_by_themselves(
        self, plain: Mapping[str, str], reader: Node
    ) -> None:
        topics = ('/lab/joint_states', '/lab/guard/status', '/lab/robot_env/status')
        found: dict[str, int] = {}
        with RobotSide(namespace='lab') as robot:
            while len(found) < len(topics):
                assert not robot.ended()
                for topic in topics:
                    for info in reader.get_publishers_info_by_topic(topic):
                        found[topic] = info.qos_profile.lifespan.nanoseconds
        assert found == dict.fromkeys(topics, MARK_NS)

    def test_a_client_beside_a_ros_that_is_only_initialised_does(
        self, plain: Mapping[str, str]
    ) -> None:
        assert client('import rclpy\nrclpy.init()\n') == 'open'

    def test_a_users_own_file_with_the_shipped_profiles_in_it_will_do(
        self, plain: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        mine = tmp_path / 'mine.xml'
        mine.write_text(shipped_file().read_text().replace('rl_bridge_', 'my_'))
        monkeypatch.setenv(VARIABLE, str(mine))
        assert client() == 'open'


class TestWhoRefuses:
    @pytest.fixture
    def own(
        self, plain: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Path:
        """The user names a file of their own without rl_bridge's settings."""
        mine = tmp_path / 'mine.xml'
        mine.write_text(OWN)
        monkeypatch.setenv(VARIABLE, str(mine))
        return mine

    def test_a_client_refuses_an_own_file_without_its_settings(self, own: Path) -> None:
        sentence = client()
        for part in ('not in effect', str(own), str(shipped_file()), f'{REQUIRE_VARIABLE}=0'):
            assert part in sentence

    def test_a_client_goes_on_if_told_so(
        self, own: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert client(arguments=', require_dds_profile=False') == 'open'
        monkeypatch.setenv(REQUIRE_VARIABLE, '0')
        assert client() == 'open'
        assert 'not in effect' in client(arguments=', require_dds_profile=True')

    def test_a_client_refuses_where_a_node_was_made_before(
        self, plain: Mapping[str, str]
    ) -> None:
        node = "import rclpy\nrclpy.init()\nnode = rclpy.create_node('mine')\n"
        sentence = client(node)
        for part in ('not in effect', 'before the first node', f'{VARIABLE}={shipped_file()}'):
            assert part in sentence
        first = 'from rl_bridge.dds_profile import use_profile\nuse_profile()\n'
        assert client(first + node) == 'open'

    @pytest.mark.parametrize('which', ['the other dialect', 'no such file', 'no xml'])
    def test_a_client_refuses_a_file_that_fast_dds_only_complains_about(
        self, plain: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
        which: str,
    ) -> None:
        path = tmp_path / 'profile.xml'
        if which == 'the other dialect':
            path = shipped_file().with_name(ANOTHER_DIALECT[shipped_file().name])
        elif which == 'no xml':
            path.write_text('participant: fast')
        monkeypatch.setenv(VARIABLE, str(path))
        assert f'names {path}' in client()

    def test_a_bridge_refuses_to_configure_unless_told_otherwise(
        self, own: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        words = [sys.executable, '-m', 'rl_bridge.node', '--ros-args', '-r', '__ns:=/own']
        words += ['-p', 'env:=CartPole-v1', '-p', 'autostart:=true']
        assert subprocess.run(words, timeout=60, check=False).returncode == 1
        assert f'names {own}, which lacks its settings' in capfd.readouterr().err
        with hosting('CartPole-v1', namespace='own', require_dds_profile='false') as bridge:
            connection = RosTransport(bridge)
            assert connect(connection, timeout_s=PATIENCE_S).specs.env == 'CartPole-v1'
            connection.close()


def test_another_middleware_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        dds_profile_node, 'get_rmw_implementation_identifier', lambda: 'rmw_cyclonedds_cpp')
    node: Any = None  # is not even looked at
    assert profile_problem(node, '/any', profile=use_profile(), way_out='') == ''


@contextmanager
def stopped(process: subprocess.Popen[str]) -> Iterator[None]:
    """Have a process stand still."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


class TestWhatItChanges:
    @pytest.fixture
    def stub(self) -> Iterator[Stub]:
        running = Stub('/changes')
        yield running
        running.end()

    @pytest.fixture
    def transport(self, stub: Stub) -> Iterator[RosTransport]:
        connection = RosTransport('/changes')
        connection.get_specs(timeout_s=PATIENCE_S)
        yield connection
        connection.close()

    def gone(self, transport: RosTransport) -> bool:
        """Wait until the graph does not show the bridge any more."""
        for _ in range(round(SOON_S / 0.01)):
            if not transport._step.service_is_ready():
                return True
            transport._stop.wait(0.01)
        return False

    def test_a_killed_peer_leaves_the_graph_soon(
        self, stub: Stub, transport: RosTransport
    ) -> None:
        shared_memory.kill(stub.process)
        assert self.gone(transport)

    @pytest.mark.fault(
        what='the bridge stands still for longer than the DDS lease, then goes on',
        seen_by='DDS: lease of the participant',
        within='3 s',
        state='as without it: the guard halts for the missing tick',
        client='finds it again by itself; the next call is answered',
        side='link',
    )
    def test_a_peer_that_stood_still_for_longer_than_the_lease_is_found_again_and_answers(
        self, stub: Stub, transport: RosTransport
    ) -> None:
        step = Caller(transport)
        with stopped(stub.process):
            assert self.gone(transport)
        assert [step(number).step for number in range(1, 21)] == list(range(1, 21))
