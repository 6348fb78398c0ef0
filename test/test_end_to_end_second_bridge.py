# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A second bridge of the same name is refused, and the client of the first notices nothing."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator

import gymnasium
import pytest

pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')

from bridge_process import hosting
from process_output import lines_until

from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.types import StatusCode

TIMEOUT_S = 30.0
NAMESPACE = f'second_{os.getpid()}'


@pytest.fixture(scope='module')
def bridge() -> Iterator[str]:
    with hosting('CartPole-v1', namespace=NAMESPACE) as name:
        yield name


def another(namespace: str, *parameters: str) -> subprocess.Popen[str]:
    words = [word for parameter in parameters for word in ('-p', parameter)]
    return subprocess.Popen(
        [sys.executable, '-m', 'rl_bridge.node', '--ros-args', '-r', f'__ns:=/{namespace}',
         '-p', 'env:=CartPole-v1', *words],
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


@pytest.mark.fault(
    what='a second bridge of the same name is started',
    seen_by='the second bridge: status of the first',
    within='at its configure',
    state='none: the first goes on',
    client='goes on',
    side='bridge',
)
def test_a_second_bridge_of_the_same_name_ends_and_the_first_ones_client_goes_on(
    bridge: str,
) -> None:
    env = gymnasium.make(
        'rl_bridge:RemoteRobot-v0', bridge=bridge, connect_timeout_s=TIMEOUT_S, client_id='ann'
    )
    try:
        env.reset(seed=0)
        second = another(NAMESPACE, 'autostart:=true')
        try:
            while second.poll() is None:
                if env.step(0)[2]:
                    env.reset()
            assert second.stderr is not None
            said = second.stderr.read()
        finally:
            second.kill()
            second.communicate()
        assert second.returncode == 1
        assert f'another bridge named {bridge} is running' in said
        assert '(active; ann holds its lease)' in said
        for _ in range(20):  # whatever the second one still had under way
            if env.step(0)[2]:
                env.reset()
    finally:
        env.close()


def test_a_second_bridge_that_is_not_configured_answers_nobody(bridge: str) -> None:
    second = another(NAMESPACE)
    try:
        lines_until(second.stderr, 'the pulse runs with')
        transport = RosTransport(bridge)
        try:
            for _ in range(5):  # the transport listens for a second answer each time
                assert transport.get_specs(timeout_s=TIMEOUT_S).status.code == StatusCode.OK
        finally:
            transport.close()
    finally:
        second.terminate()
        second.communicate(timeout=TIMEOUT_S)
    assert second.returncode == 0


def test_of_two_bridges_started_at_once_one_goes_on() -> None:
    namespace = f'{NAMESPACE}_twins'
    twins = [another(namespace, 'autostart:=true') for _ in range(2)]
    try:
        ends = [os.pidfd_open(twin.pid) for twin in twins]
        ended, _, _ = select.select(ends, [], [], TIMEOUT_S)
        assert len(ended) == 1
        env = gymnasium.make(
            'rl_bridge:RemoteRobot-v0',
            bridge=f'/{namespace}/robot_env',
            connect_timeout_s=TIMEOUT_S,
        )
        env.reset(seed=0)
        env.step(0)
        env.close()
    finally:
        for twin in twins:
            twin.terminate()
        said = [twin.communicate(timeout=TIMEOUT_S)[1] for twin in twins]
        for end in ends:
            os.close(end)
    assert sorted(twin.returncode for twin in twins) == [0, 1]
    assert sum('is running' in text for text in said) == 1
