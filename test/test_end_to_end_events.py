# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What guard and bridge processes leave on record, and the commands of whoever stands beside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
messages = pytest.importorskip('rl_bridge_interfaces.msg', reason='needs the built messages')
if not hasattr(messages, 'Command'):  # unbuilt, the folder is a namespace package
    pytest.skip('needs the built messages', allow_module_level=True)

import shared_memory  # noqa: E402
from bridge_process import hosting  # noqa: E402
from by_hand import ByHand  # noqa: E402
from guard_rig import GuardRig  # noqa: E402
from lifecycle_msgs.srv import GetState  # noqa: E402

from rl_bridge import cli  # noqa: E402
from rl_bridge.events import merged, read  # noqa: E402
from rl_bridge.types import StatusCode, StopReason, StopState  # noqa: E402

PATIENCE_S = 30.0


def stops(*paths: Path) -> list[dict[str, Any]]:
    return merged(read(path) for path in paths if path.exists())


def wait_for(paths: list[Path], *reasons: StopReason) -> list[dict[str, Any]]:
    """Wait until there are events of these reasons, in this order; return those of them."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = [event for event in stops(*paths) if event['reason'] in reasons]
        if [event['reason'] for event in found] == list(reasons):
            return found
        assert time.monotonic() < until, f'{reasons} are not on record, but {stops(*paths)}'
        time.sleep(0.02)


@pytest.mark.fault(what='guard killed')
def test_a_stop_is_on_record_with_its_times_and_outlives_the_guard_that_is_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'stops.log'
    with GuardRig(tmp_path, options=[f'event_log:={path}']) as rig:
        rig.drive(0.5, 0.5)
        rig.target = None
        rig.wait_for_stop(StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
        rig.wait_for_rest()
        rig.drive(0.5, 0.5)
        rig.ticking = False
        rig.wait_for_stop(StopState.HOLD, StopReason.BRIDGE_SILENT)
        rig.wait(lambda: rig.status.events >= 2, 'it is not on record')
        shared_memory.kill(rig.process)
        expired, silent = wait_for(
            [path], StopReason.AUTHORITY_EXPIRED, StopReason.BRIDGE_SILENT)
    assert (expired['source'], expired['bridge_id']) == (f'{rig.namespace}/guard', 'bridge')
    assert (expired['before'], expired['state']) == (StopState.RUNNING, StopState.HOLD)
    assert expired['command'] == [0.5, 0.5]
    assert len(expired['position']) == len(expired['output']) == 2
    assert 0 < expired['command_ns'] < expired['detected_ns'] <= expired['commanded_ns']
    assert expired['standstill_ns'] >= expired['detected_ns']
    assert (silent['epoch'], silent['state']) == (rig.epoch, StopState.HOLD)
    assert read(path).torn == 0


@pytest.mark.fault(what='the disk is full when guard or bridge starts')
def test_a_guard_whose_record_has_no_place_does_not_start(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    done = subprocess.run(
        [sys.executable, '-m', 'rl_bridge.safety.guard_node', '--ros-args', '-p',
         'robot_file:=ur5e.yaml', '-p', f'event_log:={tmp_path}/file/stops.log'],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert 'cannot be made: Not a directory; name a place' in done.stderr


def test_halt_and_recover_by_command_are_on_the_bridges_record(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / 'bridge.log'
    namespace = f'events_{os.getpid()}'
    with hosting('CartPole-v1', namespace=namespace, event_log=str(path)) as bridge:
        hand = ByHand(bridge)
        try:
            while hand.step(0.0).status.code == StatusCode.NOT_ACTIVE:
                pass
            assert cli.main(['halt', bridge]) == 0
            wait_for([path], StopReason.HALT_REQUESTED)
            assert cli.main(['recover', bridge]) == 0
            assert hand.step(0.0).status.code == StatusCode.STOPPED
        finally:
            hand.close()
    said = capfd.readouterr().out
    assert 'rl_bridge: halted; reset to go on' in said
    assert 'rl_bridge: recovered; reset to go on' in said
    halt, recovery = stops(path)
    assert (halt['kind'], halt['episode'], halt['source']) == ('stop', 1, bridge)
    assert (recovery['kind'], recovery['reason']) == ('recovery', StopReason.HALT_REQUESTED)
    done = subprocess.run(
        [sys.executable, '-m', 'rl_bridge.cli', 'events', '--json', str(path)],
        capture_output=True, text=True, timeout=60)
    assert [json.loads(line)['kind'] for line in done.stdout.splitlines()] == ['stop', 'recovery']


def test_recover_proves_the_secret(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / 'secret'
    secret.write_text('correct horse battery staple')
    secret.chmod(0o600)
    namespace = f'secret_{os.getpid()}'
    with hosting('CartPole-v1', namespace=namespace, secret_file=str(secret)) as bridge:
        hand = ByHand(bridge)
        try:
            while hand.call(GetState, 'get_state').current_state.label != 'active':
                pass
        finally:
            hand.close()
        assert cli.main(['recover', bridge]) == 1
        assert 'Name its secret with --secret-file' in capfd.readouterr().err
        assert cli.main(['recover', '--secret-file', str(secret), bridge]) == 0
        assert cli.main(['halt', bridge]) == 0


@pytest.mark.parametrize('command', ['halt', 'recover'])
def test_a_bridge_that_is_not_there_is_named(
    command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from rl_bridge import operator_node

    monkeypatch.setitem(operator_node.halt.__kwdefaults__, 'timeout_s', 0.5)
    monkeypatch.setitem(operator_node.recover.__kwdefaults__, 'timeout_s', 0.5)
    assert cli.main([command, '/nobody']) == 1
    assert 'rl_bridge: There is no bridge /nobody' in capfd.readouterr().err


def test_a_missing_module_is_named_with_the_fix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, 'rl_bridge.operator_node', None)
    assert cli.main(['halt']) == 1
    assert 'this needs the Python module rl_bridge.operator_node' in capsys.readouterr().err
