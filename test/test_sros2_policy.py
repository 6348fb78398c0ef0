# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The SROS2 policy: its form, and that it allows what the processes open, no more and no less.

The wheels of ROS 2 have no DDS security, so nothing here runs under it.
"""

from __future__ import annotations

import os
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rl_bridge.processes import ENCLAVES, share_file

POLICY = share_file('config', 'sros2/policy.xml')
LISTS = {
    'topics': ('topic', {'publish', 'subscribe'}),
    'services': ('service', {'request', 'reply'}),
}
NAMESPACE = f'/policy_{os.getpid()}'
TIMEOUT_S = 30.0
SETTLED_S = 10.0

Rights = dict[str, set[str]]  # publish, subscribe, request, reply: absolute names


def policy() -> ET.Element:
    return ET.parse(POLICY).getroot()


def profiles() -> Iterator[tuple[str, ET.Element]]:
    for enclave in policy().iter('enclave'):
        for profile in enclave.iter('profile'):
            yield enclave.attrib['path'], profile


def rights(profile: ET.Element, namespace: str) -> Rights:
    """What a profile allows, in another namespace than the root."""
    found: Rights = defaultdict(set)
    node = f'{namespace}/{profile.attrib["node"]}'
    for part in profile:
        for entry in part:
            name = entry.text or ''
            if name.startswith('~/'):
                name = f'{node}/{name[2:]}'
            elif not name.startswith('/'):
                name = f'{namespace}/{name}'
            for qualifier in part.attrib:
                found[qualifier].add(name)
    return found


def test_the_policy_has_the_form_of_sros2s_schema() -> None:
    root = policy()
    assert (root.tag, root.attrib) == ('policy', {'version': '0.2.0'})
    assert [child.tag for child in root] == ['enclaves']
    for enclave in root[0]:
        assert (enclave.tag, set(enclave.attrib)) == ('enclave', {'path'})
        assert [child.tag for child in enclave] == ['profiles']
        for profile in enclave[0]:
            assert (profile.tag, set(profile.attrib)) == ('profile', {'ns', 'node'})
            for part in profile:
                entry, qualifiers = LISTS[part.tag]
                assert part.attrib and set(part.attrib) <= qualifiers
                assert set(part.attrib.values()) == {'ALLOW'}
                assert len(part) and {child.tag for child in part} == {entry}


def test_sros2_itself_takes_the_policy() -> None:
    sros2 = pytest.importorskip('sros2.policy', reason='sros2 is not installed')
    sros2.load_policy(POLICY)


def test_nothing_is_allowed_by_a_pattern_or_twice() -> None:
    for _, profile in profiles():
        names = [entry.text or '' for part in profile for entry in part]
        assert all(name.replace('~/', '').replace('/', '').replace('_', '').isalpha()
                   for name in names)  # fmt: skip
        lines = {(tuple(part.attrib), entry.text) for part in profile for entry in part}
        assert len(lines) == len(names)


def test_every_process_has_the_enclave_that_it_is_started_in() -> None:
    from rl_bridge.client import ros_transport

    pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
    from rl_bridge import operator_node

    paths = {path for path, _ in profiles()}
    assert paths == {
        *ENCLAVES.values(), ros_transport.ENCLAVE[-1], operator_node.ENCLAVE[-1],
    }  # fmt: skip


def test_only_the_guard_reaches_the_controller_and_only_the_bridge_the_guard() -> None:
    def who(qualifier: str, ending: str) -> set[str]:
        return {
            path for path, profile in profiles()
            if any(name.endswith(ending) for name in rights(profile, '')[qualifier])
        }  # fmt: skip

    assert who('publish', '_controller/commands') == {'/rl_bridge/guard'}
    assert who('publish', '/command') == who('publish', '/tick') == {'/rl_bridge/bridge'}
    assert who('publish', 'guard/status') == {'/rl_bridge/guard'}
    assert who('publish', 'joint_states') == {'/rl_bridge/driver'}
    assert who('request', '/step') == who('publish', '/heartbeat') == {'/rl_bridge/client'}
    assert who('request', '/change_state') == who('request', '/set_parameters') == set()


# -- what the processes open ---------------------------------------------------------------------


@pytest.fixture(scope='module')
def graph() -> Iterator[Any]:
    """A node that sees a whole robot side with a client and an operator."""
    pytest.importorskip('rl_bridge_interfaces.srv', reason='rl_bridge_interfaces is not built')
    pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')
    import rclpy
    from rclpy.context import Context
    from rclpy.signals import SignalHandlerOptions

    from rl_bridge.client import RemoteRobotEnv
    from rl_bridge.processes import RobotSide

    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('looker', context=context)
    with RobotSide(namespace=NAMESPACE, log_level='error'):
        env = RemoteRobotEnv(f'{NAMESPACE}/robot_env', connect_timeout_s=TIMEOUT_S)
        yield node
        env.close()
    node.destroy_node()
    context.shutdown()


def opened(graph: Any, name: str, namespace: str) -> Rights:
    """What a node has opened, as the graph shows it."""
    ask = {
        'publish': graph.get_publisher_names_and_types_by_node,
        'subscribe': graph.get_subscriber_names_and_types_by_node,
        'reply': graph.get_service_names_and_types_by_node,
        'request': graph.get_client_names_and_types_by_node,
    }
    return {right: {topic for topic, _ in found(name, namespace)} for right, found in ask.items()}


def assert_equal_soon(allowed: Rights, look: Callable[[], Rights]) -> None:
    """Compare with the graph once it has settled."""
    end_s = time.monotonic() + SETTLED_S
    found = look()
    while any(allowed[right] != names for right, names in found.items()):
        if time.monotonic() > end_s:
            break
        time.sleep(0.05)  # the graph tells nobody which node has opened what
        found = look()
    for right, names in found.items():
        assert allowed[right] == names, right


@pytest.mark.parametrize('profile', ['robot_env', 'robot_env_robot', 'guard', 'sim_robot'])
def test_the_policy_allows_what_a_process_opens_no_more_and_no_less(
    graph: Any, profile: str
) -> None:
    (allowed,) = [
        rights(element, NAMESPACE)
        for _, element in profiles()
        if element.attrib['node'] == profile
    ]
    if profile == 'guard':  # it listens for other guards at its start and now and then
        allowed['subscribe'].remove(f'{NAMESPACE}/guard/status')

    def look() -> Rights:
        found = opened(graph, profile, NAMESPACE)
        if profile == 'guard':
            found['subscribe'].discard(f'{NAMESPACE}/guard/status')
        return found

    assert_equal_soon(allowed, look)


def test_the_policy_allows_what_a_client_opens_no_more_and_no_less(graph: Any) -> None:
    (name,) = [
        name for name, _ in graph.get_node_names_and_namespaces()
        if name.startswith('rl_bridge_client_')
    ]  # fmt: skip
    (allowed,) = [
        rights(element, NAMESPACE) for path, element in profiles() if path == '/rl_bridge/client'
    ]
    assert_equal_soon(allowed, lambda: opened(graph, name, '/'))


def test_each_node_is_in_its_enclave(graph: Any) -> None:
    enclaves = {
        name: enclave
        for name, _, enclave in graph.get_node_names_and_namespaces_with_enclaves()
    }
    expected = {
        'sim_robot': '/rl_bridge/driver', 'guard': '/rl_bridge/guard',
        'robot_env': '/rl_bridge/bridge', 'robot_env_robot': '/rl_bridge/bridge',
    }  # fmt: skip
    assert {name: enclaves[name] for name in expected} == expected
    assert {enclave for name, enclave in enclaves.items() if 'client' in name} == {
        '/rl_bridge/client'}
