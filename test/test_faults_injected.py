# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Every kind of fault once, into real processes that move a robot: what the robot sees of it.

The same injections as of the figure (``benchmarks/faults.py``), without its times: the robot got
its stop, came to rest, stayed there, and was driven again; nothing that was recorded is against an
invariant of the oracle.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
messages = pytest.importorskip('rl_bridge_interfaces.msg', reason='needs the built messages')
if not hasattr(messages, 'Command'):  # unbuilt, the folder is a namespace package
    pytest.skip('needs the built messages', allow_module_level=True)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.network.link import missing  # noqa: E402
from benchmarks.rig.lanes import LaneProcess  # noqa: E402

# What a machine that did not run the bridge or the robot for a moment makes of any fault.
SLOW_MACHINE = ('BRIDGE_SILENT', 'STATE_STALE')
ATTEMPTS = 3
NO_LINK = missing()


@pytest.fixture(scope='module')
def lane() -> Iterator[LaneProcess]:
    with LaneProcess(link=not NO_LINK, domain=int(os.environ['ROS_DOMAIN_ID'])) as found:
        yield found


def inject(lane: LaneProcess, kind: str, reason: str) -> dict[str, Any]:
    """Inject a fault until it is what stops the robot first; give what came of it."""
    for _ in range(ATTEMPTS):
        told: list[dict[str, Any]] = []
        assert lane.inject(kind, told.append), told
        (injection,) = told
        assert 'failed' not in injection, injection['failed']
        assert injection['violations'] == []
        if injection['reason'] == reason or injection['reason'] not in SLOW_MACHINE:
            break  # else a slow machine was the first to stop it
    assert injection['unexpected'] == []
    assert injection['reason'] == reason, injection['logs']
    assert injection['reaction_ms'] is not None
    assert injection['rest_ms'] is not None
    return injection


def held(injection: dict[str, Any]) -> bool:
    """Whether nothing had to be cleared: the next step resumed."""
    return bool(
        injection['state'] == injection['worst'] == 'HOLD'
        and injection['stops'] == injection['errors'] == injection['recovered'] == 0
    )


@pytest.mark.fault(what='client killed')
def test_a_killed_client_leaves_the_robot_at_rest_and_another_drives_it(lane: LaneProcess) -> None:
    assert held(inject(lane, 'client-killed', 'AUTHORITY_EXPIRED'))


@pytest.mark.fault(
    what='client stopped (SIGSTOP)', seen_by='guard: motion authority; bridge: lease',
    within='150 ms after its last command was sent; lease 1 s', side='client',
    state='HOLD, AUTHORITY_EXPIRED; then STOPPED, LEASE_EXPIRED',
    client='its next step resumes, or SessionLost',
)  # fmt: skip
def test_a_stopped_client_leaves_the_robot_at_rest_and_goes_on(lane: LaneProcess) -> None:
    assert held(inject(lane, 'client-stopped', 'AUTHORITY_EXPIRED'))


@pytest.mark.fault(what='client pauses, heartbeat alive')
def test_a_client_that_pauses_with_a_live_heartbeat_keeps_nothing_moving(
    lane: LaneProcess,
) -> None:
    injection = inject(lane, 'client-pauses', 'AUTHORITY_EXPIRED')
    assert held(injection)
    assert injection['held'] >= 1, 'the client was told'


@pytest.mark.fault(
    what='learner pauses 2 s', seen_by='guard: motion authority',
    within='150 ms after its last command was sent', side='client',
    state='HOLD, AUTHORITY_EXPIRED; nothing latches',
    client='its next step resumes and tells how long the robot was held',
)  # fmt: skip
def test_a_learner_that_pauses_for_2_s_again_and_again_goes_on_each_time(
    lane: LaneProcess,
) -> None:
    for _ in range(2):
        injection = inject(lane, 'long-pause', 'AUTHORITY_EXPIRED')
        assert held(injection)
        assert injection['held'] >= 1


@pytest.mark.fault(
    what='link cut', seen_by='guard: motion authority; bridge: lease',
    within='150 ms after the last command was sent; lease 1 s', side='link',
    state='HOLD, AUTHORITY_EXPIRED; then STOPPED, LEASE_EXPIRED',
    client='its step is sent again until its call time-out, then BridgeTimeout',
)  # fmt: skip
@pytest.mark.skipif(bool(NO_LINK), reason=NO_LINK)
def test_a_cut_link_leaves_the_robot_at_rest_and_motion_goes_on_when_it_is_mended(
    lane: LaneProcess,
) -> None:
    inject(lane, 'link-cut', 'AUTHORITY_EXPIRED')


@pytest.mark.fault(what='bridge killed')
def test_a_killed_bridge_leaves_the_robot_at_rest_and_another_goes_on(lane: LaneProcess) -> None:
    assert inject(lane, 'bridge-killed', 'BRIDGE_SILENT')['state'] == 'HOLD'


@pytest.mark.fault(
    what='bridge stopped (SIGSTOP)', seen_by='guard: tick',
    within='60 ms without a tick; 500 ms', side='bridge',
    state='HOLD, BRIDGE_SILENT; then STOPPED, BRIDGE_SILENT',
    client='its call waits; its next step resumes or is truncated',
)  # fmt: skip
def test_a_stopped_bridge_leaves_the_robot_at_rest_and_goes_on(lane: LaneProcess) -> None:
    assert inject(lane, 'bridge-stopped', 'BRIDGE_SILENT')['state'] == 'HOLD'


@pytest.mark.fault(
    what='bridge frozen by a C call', seen_by='guard: tick',
    within='60 ms without a tick; 500 ms', side='bridge',
    state='HOLD, BRIDGE_SILENT; then STOPPED, BRIDGE_SILENT',
    client='its call waits; its next step resumes or is truncated',
)  # fmt: skip
def test_a_bridge_whose_interpreter_is_held_by_a_c_call_leaves_the_robot_at_rest(
    lane: LaneProcess,
) -> None:
    assert inject(lane, 'bridge-frozen', 'BRIDGE_SILENT')['state'] == 'HOLD'


@pytest.mark.fault(
    what='Ctrl-C, bridge', seen_by='bridge: SIGINT', within='at once', side='bridge',
    state='STOPPED, SHUTDOWN', client='truncated, stop_reason; then BridgeUnavailable',
)  # fmt: skip
def test_ctrl_c_at_the_bridge_halts_the_robot_first(lane: LaneProcess) -> None:
    assert inject(lane, 'bridge-sigint', 'SHUTDOWN')['state'] == 'STOPPED'


@pytest.mark.fault(
    what='SIGTERM, bridge', seen_by='bridge: SIGTERM', within='at once', side='bridge',
    state='STOPPED, SHUTDOWN', client='truncated, stop_reason; then BridgeUnavailable',
)  # fmt: skip
def test_sigterm_at_the_bridge_halts_the_robot_first(lane: LaneProcess) -> None:
    assert inject(lane, 'bridge-sigterm', 'SHUTDOWN')['state'] == 'STOPPED'


@pytest.mark.fault(what='Ctrl-C, guard')
def test_ctrl_c_at_the_guard_halts_the_robot_and_another_guard_goes_on(lane: LaneProcess) -> None:
    assert inject(lane, 'guard-sigint', 'SHUTDOWN')['state'] == 'STOPPED'


@pytest.mark.fault(
    what='guard killed', seen_by='bridge: guard/status; the next guard: measured motion',
    within='500 ms; once the next guard runs, 100 ms of motion', side='guard',
    state='STOPPED, GUARD_SILENT; at the next guard STOPPED, UNCOMMANDED_MOTION',
    client='truncated, stop_reason; a reset goes on once there is a guard',
)  # fmt: skip
def test_what_a_killed_guard_left_moving_is_stopped_by_the_next_one(lane: LaneProcess) -> None:
    assert inject(lane, 'guard-killed', 'UNCOMMANDED_MOTION')['state'] == 'STOPPED'


@pytest.mark.fault(
    what='emergency stop pressed', seen_by="guard: the robot's own stop status",
    within='when it arrives', side='robot', state='ESTOP, ROBOT_STOPPED',
    client='truncated, stop_reason; then BridgeStopped until released and recovered',
)  # fmt: skip
def test_a_pressed_emergency_stop_is_left_by_release_and_recover(lane: LaneProcess) -> None:
    assert inject(lane, 'robot-estop', 'ROBOT_STOPPED')['state'] == 'ESTOP'


@pytest.mark.fault(what='joint states stop')
def test_joint_states_that_stop_bring_the_robot_to_rest_and_go_on(lane: LaneProcess) -> None:
    assert inject(lane, 'state-stale', 'STATE_STALE')['state'] == 'HOLD'


@pytest.mark.fault(what='joint state not finite')
def test_a_joint_state_that_is_not_finite_stops_the_robot(lane: LaneProcess) -> None:
    assert inject(lane, 'state-nan', 'STATE_INVALID')['state'] == 'STOPPED'


@pytest.mark.fault(
    what='joint states frozen', seen_by='bridge: its stamps; guard: stamps and values',
    within='100 ms (max_age); 300 ms (frozen_within)', side='robot',
    state='HOLD, STATE_FROZEN; then STOPPED, STATE_FROZEN',
    client='waits for a fresh one; then truncated, stop_reason',
)  # fmt: skip
def test_joint_states_that_do_not_change_bring_the_robot_to_rest(lane: LaneProcess) -> None:
    inject(lane, 'state-frozen', 'STATE_FROZEN')


@pytest.mark.fault(
    what='joint states jump', seen_by='guard: velocity limit', within='when it arrives',
    side='robot', state='STOPPED, STATE_JUMP', client='truncated, stop_reason',
)  # fmt: skip
def test_a_joint_state_that_jumps_stops_the_robot(lane: LaneProcess) -> None:
    assert inject(lane, 'state-jump', 'STATE_JUMP')['state'] == 'STOPPED'


@pytest.mark.fault(what='~/halt')
def test_a_halt_ends_the_motion_at_once(lane: LaneProcess) -> None:
    injection = inject(lane, 'operator-halt', 'HALT_REQUESTED')
    assert injection['state'] == 'STOPPED'
    assert injection['stops'] == 1, 'the client was told once'


@pytest.mark.fault(what='bridge deactivated in mid-episode')
def test_a_deactivated_bridge_halts_the_robot_and_goes_on_when_activated(
    lane: LaneProcess,
) -> None:
    assert inject(lane, 'deactivated', 'DEACTIVATED')['state'] == 'STOPPED'


@pytest.mark.fault(what='takeover')
def test_a_takeover_halts_the_robot_before_the_other_client_drives_it(lane: LaneProcess) -> None:
    assert inject(lane, 'takeover', 'TAKEOVER')['state'] == 'STOPPED'


def test_every_stop_so_far_is_in_the_event_log(lane: LaneProcess) -> None:
    inject(lane, 'operator-halt', 'HALT_REQUESTED')
    stops, unrecorded = lane.audit()
    assert stops, 'no stop was told'
    assert unrecorded == []
