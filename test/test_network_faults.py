# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Bridge and client on two hosts with a bad link between them: real packets, really lost.

The hosts are network namespaces; where they, or root, are missing these tests are left out. Then
what is still tested of a lossy link is the session's half alone, in one process (test_session.py,
test_session_model.py, test_client_loopback.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rl_bridge_interfaces.msg', reason='rl_bridge_interfaces is not built')

from benchmarks.network.far_side import FarClient, Journal, RobotSide, numbered
from benchmarks.network.link import Faults, Link, missing

needs_link = pytest.mark.skipif(
    bool(missing()), reason=f'no hosts and link of their own here: {missing()}'
)
needs_proxy = pytest.mark.skipif(
    bool(missing(proxy=True)), reason=f'no link with a proxy here: {missing(proxy=True)}'
)

SEED = 20261120
# What a machine that did not run somebody for a moment adds to any fault.
SLOW_MACHINE = {'held', 'BRIDGE_SILENT', 'STATE_STALE'}


@dataclass
class Far:
    """A bridge on the other host, and the journal of what its environment really did."""

    link: Link
    journal: Journal
    folder: Path
    next: int = 1

    def step(self, steps: int, faults: Faults) -> dict[str, Any]:
        """Have a client make so many steps under these faults."""
        first, self.next = self.next, self.next + steps
        with FarClient(self.link.client, steps, self.folder, '--first', str(first)) as client:
            self.link.disturb(faults)
            client.go()
            found = client.result()
            self.link.disturb()
        made = self.journal.made(first)
        assert made == dict.fromkeys(range(first, first + steps), 1), 'not each step once'
        assert found['answered'] == steps
        assert found['wrong'] == 0, 'an answer was that of another step'
        assert found['events'] == {'resets': 1}
        return found


@pytest.fixture(scope='module')
def lossy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    folder = tmp_path_factory.mktemp('lossy')
    with Link() as link, numbered(link.robot, folder) as journal:
        yield Far(link, journal, folder)


@pytest.fixture(scope='module')
def unruly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    folder = tmp_path_factory.mktemp('unruly')
    with Link(proxy=True, seed=SEED) as link, numbered(link.robot, folder) as journal:
        yield Far(link, journal, folder)


@pytest.mark.fault(
    what='packets are lost, up to 20 % each way',
    seen_by='DDS: heartbeats every 5 ms; client: no answer',
    within='5 ms for each packet that is lost; a request is sent again after 250 ms',
    state='unchanged: each step is made once',
    client='gets its answer, later',
    side='link',
)
@needs_link
@pytest.mark.parametrize('part', [0.05, 0.2])
def test_over_a_link_that_loses_packets_each_step_is_made_once_and_answered(
    lossy: Far, part: float
) -> None:
    before = lossy.link.packets()
    lossy.step(250, Faults(loss=part))
    assert lossy.link.packets() - before > 250, 'the replies went past the link'


@pytest.mark.fault(
    what='packets arrive twice, out of order or late',
    seen_by='DDS: sequence numbers; bridge: session and step of each request',
    within='when it arrives',
    state='unchanged: each step is made once',
    client='gets its answer, later',
    side='link',
)
@needs_proxy
@pytest.mark.parametrize('faults', [
    pytest.param(Faults(duplicate=0.3), id='twice'),
    pytest.param(Faults(reorder=0.3), id='out of order'),
    pytest.param(Faults(delay_s=0.01, jitter_s=0.01), id='late'),
    pytest.param(
        Faults(loss=0.05, duplicate=0.1, reorder=0.1, jitter_s=0.002), id='all of it'),
])  # fmt: skip
def test_over_an_unruly_link_each_step_is_made_once_and_answered(
    unruly: Far, faults: Faults
) -> None:
    unruly.step(60, faults)


@pytest.mark.fault(what='link cut')
@needs_link
def test_a_cut_link_leaves_the_robot_at_rest_the_lease_ends_and_a_reset_goes_on(
    tmp_path: Path,
) -> None:
    words = ('--drive', '--timeout', '0.8')
    with (
        Link() as link,
        RobotSide(link.robot, tmp_path) as side,
        FarClient(link.client, 20, tmp_path, *words) as client,
    ):
        client.go()
        client.wait_for('stepping')
        link.cut()
        client.wait_for('BridgeTimeout')  # of the step
        client.wait_for('BridgeTimeout')  # of a reset: meanwhile the lease has ended
        link.mend()
        client.wait_for('stepping')
        found = client.result()
    assert set(found['events']) - SLOW_MACHINE == {'resets', 'BridgeTimeout'}
    assert found['answered'] == 20 - found['events']['BridgeTimeout']
    report = side.report
    assert report['twice'] == report['fenced'] == 0
    assert report['violations'] == []
    assert report['holds'] >= 1
    assert set(report['latched']) - SLOW_MACHINE == {'LEASE_EXPIRED'}


@pytest.mark.fault(what='a request was under way for longer than the authority')
@needs_proxy
def test_over_a_link_slower_than_the_authority_nothing_moves_and_the_client_is_told(
    tmp_path: Path,
) -> None:
    with (
        Link(proxy=True, seed=SEED) as link,
        RobotSide(link.robot, tmp_path) as side,
        FarClient(link.client, 2, tmp_path, '--drive', '--timeout', '1.0') as client,
    ):
        link.disturb(Faults(delay_s=0.1))
        client.go()
        # The latter where the last copy's answer would have come after the call time-out.
        client.wait_for('SessionLost', 'BridgeTimeout')
        link.disturb()
        client.wait_for('stepping')
        assert client.result()['answered'] == 1
    assert side.report['steps'] == 1
    assert side.report['violations'] == []
