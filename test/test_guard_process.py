# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The guard as a real process over real DDS, with an independent recorder at the controller."""

from __future__ import annotations

import itertools
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
messages = pytest.importorskip('rl_bridge_interfaces.msg', reason='needs the built messages')
if not hasattr(messages, 'Command'):  # unbuilt, the folder is a namespace package
    pytest.skip('needs the built messages', allow_module_level=True)

from guard_rig import GuardRig  # noqa: E402

from rl_bridge.events import merged, read  # noqa: E402
from rl_bridge.types import CommandKind, StopReason, StopState  # noqa: E402

REST = [0.0, 0.0]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[GuardRig]:
    """A guard that has just started."""
    with GuardRig(tmp_path) as rig:
        yield rig


@pytest.fixture(scope='module')
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardRig]:
    with GuardRig(tmp_path_factory.mktemp('guard')) as rig:
        rig.begin()
        yield rig


@pytest.fixture
def rig(shared: GuardRig) -> GuardRig:
    """A guard that has been at work, at rest now."""
    shared.calm()
    return shared


def wait_for_rejection(rig: GuardRig) -> None:
    before = rig.status.rejected
    rig.wait(lambda: rig.status.rejected > before, 'nothing was rejected')


def test_it_tells_how_it_is_scheduled_and_publishes_nothing_before_the_first_begin(
    fresh: GuardRig,
) -> None:
    rig = fresh
    first = rig.statuses[0][1]
    assert first.stop.state == StopState.HOLD
    assert first.stop.reason == StopReason.IDLE
    assert 'no episode is running; guarded with ' in first.stop.message
    assert first.guard_id
    rig.send(CommandKind.MOVE, [0.5, 0.5])
    wait_for_rejection(rig)
    assert rig.outputs == []
    assert 'guarding two_link: velocity commands of robot_env' in rig.log.read_text()


def test_begin_and_move_move_the_robot_within_its_limits(rig: GuardRig) -> None:
    rig.drive(0.5, -0.5)
    rig.wait(lambda: rig.outputs[-1][1] == [0.5, -0.5], 'the target was not reached')
    values = [output for _, output in rig.outputs]
    steps = [abs(b[0] - a[0]) for a, b in itertools.pairwise(values)]
    assert max(steps) <= 10.0 * 0.01 + 1e-9, 'acceleration limit, two updates at most'
    rig.wait(lambda: rig.status.output.tolist() == [0.5, -0.5], 'the status does not tell it')
    assert rig.state == StopState.RUNNING


def test_the_position_interface_starts_at_the_measured_position(tmp_path: Path) -> None:
    with GuardRig(tmp_path, 'position') as rig:
        rig.position = [0.4, -0.4]
        sent = time.monotonic_ns()
        rig.wait(lambda: rig.statuses[-1][0] > sent + 50_000_000, 'no status')
        rig.drive(0.5, -0.5)
        rig.wait(lambda: rig.outputs[-1][1] == [0.5, -0.5], 'the target was not reached')
        assert rig.outputs[0][1] == [0.4, -0.4]
        assert all(0.4 <= a <= 0.5 and -0.5 <= b <= -0.4 for _, (a, b) in rig.outputs)
        rig.target = None
        rig.wait_for_stop(StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
        assert rig.outputs[-1][1] == [0.5, -0.5]


@pytest.mark.fault(
    what='client pauses, heartbeat alive',
    seen_by='guard: motion authority',
    within='150 ms after its last command was sent',
    state='HOLD, AUTHORITY_EXPIRED',
    client='its next step resumes and tells how long the robot was held',
    side='client',
)
def test_without_further_commands_the_robot_is_at_rest_and_the_next_one_resumes(
    rig: GuardRig,
) -> None:
    rig.drive(0.5, 0.5)
    rig.target = None
    rig.wait_for_stop(StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
    rig.wait_for_rest()
    assert rig.outputs[-1][1] == REST
    rig.target = [0.3, 0.3]
    rig.wait(lambda: rig.moves, 'it did not resume')
    assert rig.state == StopState.RUNNING


@pytest.mark.fault(
    what="the bridge's tick stops",
    seen_by='guard: tick',
    within='60 ms without a tick; 500 ms',
    state='HOLD, BRIDGE_SILENT; then STOPPED, BRIDGE_SILENT',
    client='its call times out, or its next step finds the robot held',
    side='bridge',
)
def test_a_silent_bridge_is_held_and_then_stopped(rig: GuardRig) -> None:
    rig.drive(0.5, 0.5)
    rig.ticking = False
    rig.wait_for_stop(StopState.HOLD, StopReason.BRIDGE_SILENT)
    rig.wait(lambda: not rig.moves, 'it still moves')
    rig.wait_for_stop(StopState.STOPPED, StopReason.BRIDGE_SILENT)
    rig.ticking = True
    wait_for_rejection(rig)
    assert rig.outputs[-1][1] == REST
    rig.drive(0.5, 0.5)


@pytest.mark.fault(
    what='joint states stop',
    seen_by='guard: age of the state',
    within='100 ms (max_age); 500 ms later',
    state='HOLD, STATE_STALE; then STOPPED, STATE_STALE',
    client='waits for a fresh one; then truncated, stop_reason',
    side='robot',
)
def test_a_stale_state_is_held_and_then_stopped(rig: GuardRig) -> None:
    rig.drive(0.5, 0.5)
    rig.measuring = False
    rig.wait_for_stop(StopState.HOLD, StopReason.STATE_STALE)
    rig.wait(lambda: not rig.moves, 'it still moves')
    rig.wait_for_stop(StopState.STOPPED, StopReason.STATE_STALE)


@pytest.mark.fault(
    what='Ctrl-C, guard',
    seen_by='guard: SIGINT, SIGTERM, SIGHUP',
    within='at once',
    state='STOPPED, SHUTDOWN',
    client='truncated, stop_reason; then BridgeStopped',
    side='guard',
)
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_brings_the_robot_to_rest_and_ends_the_process_with_0(
    fresh: GuardRig, number: signal.Signals
) -> None:
    rig = fresh
    rig.drive(0.5, 0.5)
    rig.process.send_signal(number)
    assert rig.process.wait(5) == 0
    rig.wait_for_stop(StopState.STOPPED, StopReason.SHUTDOWN)
    rig.wait(lambda: rig.outputs[-1][1] == REST, 'the last command was not rest')
    assert f'SHUTDOWN: the guard got {number.name}' in rig.log.read_text()


def test_a_signal_before_the_first_begin_ends_the_process_without_a_command(
    fresh: GuardRig,
) -> None:
    fresh.process.terminate()
    assert fresh.process.wait(5) == 0
    assert fresh.outputs == []


@pytest.mark.fault(
    what='an unsafe command gets past the bridge',
    seen_by='guard: finite, shape, limits',
    within='when it arrives',
    state='STOPPED, COMMAND_INVALID or LIMIT_EXCEEDED',
    client='truncated, stop_reason',
    side='bridge',
)
@pytest.mark.parametrize('value', [math.nan, math.inf, 1.5])
def test_an_unsafe_value_stops_and_is_never_published(rig: GuardRig, value: float) -> None:
    rig.drive(0.5, 0.5)
    rig.send(CommandKind.MOVE, [0.5, value])
    reason = StopReason.LIMIT_EXCEEDED if value == 1.5 else StopReason.COMMAND_INVALID
    rig.wait_for_stop(StopState.STOPPED, reason)
    rig.wait_for_rest()
    assert rig.outputs[-1][1] == REST
    assert all(abs(number) <= 0.5 for _, output in rig.outputs for number in output)


@pytest.mark.fault(
    what='a bridge of another name commands the same robot',
    seen_by='guard: bridge_id',
    within='when it arrives',
    state='unchanged: refused, logged',
    client='the first one notices nothing',
    side='bridge',
)
def test_a_second_bridge_is_refused_and_the_first_goes_on(rig: GuardRig) -> None:
    rig.drive(0.5, 0.5)
    for kind in (CommandKind.BEGIN, CommandKind.MOVE, CommandKind.HALT):
        rig.send(kind, [0.1, 0.1], bridge_id='second', epoch=1000, sequence=1000)
        wait_for_rejection(rig)
    # A busy machine may silence this rig's own tick for a moment; its next command resumes.
    rig.wait(lambda: rig.state == StopState.RUNNING, 'the first bridge does not go on')
    assert rig.status.bridge_id == 'bridge'
    assert 'only one bridge may command a robot' in rig.log.read_text()


@pytest.mark.fault(
    what='an old command, or one again, reaches the guard',
    seen_by='guard: epoch and sequence',
    within='when it arrives',
    state='unchanged: refused, logged',
    client='notices nothing',
    side='link',
)
def test_an_older_epoch_and_a_replayed_sequence_are_refused(rig: GuardRig) -> None:
    rig.drive(0.5, 0.5)
    rig.wait(lambda: rig.outputs[-1][1] == [0.5, 0.5], 'the target was not reached')
    rig.send(CommandKind.MOVE, [-0.5, -0.5], epoch=rig.epoch - 1)
    wait_for_rejection(rig)
    rig.send(CommandKind.MOVE, [-0.5, -0.5], sequence=rig.status.sequence)
    wait_for_rejection(rig)
    rig.wait(lambda: rig.outputs[-1][1] == [0.5, 0.5], 'the target was lost')
    assert all(value >= 0.0 for _, output in rig.outputs for value in output)


@pytest.mark.fault(
    what='a joint is missing from the joint states',
    seen_by='guard',
    within='when it arrives',
    state='STOPPED, STATE_INVALID',
    client='truncated, stop_reason',
    side='robot',
)
def test_a_driver_that_loses_a_joint_is_named_and_stops(rig: GuardRig) -> None:
    from sensor_msgs.msg import JointState

    rig.drive(0.5, 0.5)
    broken = rig.node.create_publisher(JointState, 'joint_states', 1)
    state = JointState(name=['elbow'], position=[0.0], velocity=[0.0])
    timer = rig.node.create_timer(0.002, lambda: broken.publish(state))
    rig.wait_for_stop(StopState.STOPPED, StopReason.STATE_INVALID)
    timer.destroy()
    assert 'the JointState lacks shoulder' in rig.status.stop.message
    assert rig.outputs[-1][1] == REST


def test_joint_states_of_other_joints_do_not_disturb(rig: GuardRig) -> None:
    from sensor_msgs.msg import JointState

    other = rig.node.create_publisher(JointState, 'joint_states', 1)
    rig.drive(0.5, 0.5)
    for _ in range(50):
        other.publish(JointState(name=['finger'], position=[math.nan]))
    sequence = rig.status.sequence
    rig.wait(lambda: rig.status.sequence > sequence + 2, 'it does not go on')
    assert rig.state == StopState.RUNNING


@pytest.mark.fault(
    what='the robot does not come to rest after a stop',
    seen_by='guard: measured speed',
    within='1 s (standstill.within)',
    state='FAULT, NO_STANDSTILL',
    client='truncated, stop_reason; BridgeStopped until somebody recovers',
    side='robot',
)
def test_a_robot_that_does_not_stop_is_a_fault_until_recovered(rig: GuardRig) -> None:
    rig.drive(0.5, 0.5)
    rig.following = False
    rig.send(CommandKind.HALT)
    rig.wait_for_stop(StopState.FAULT, StopReason.NO_STANDSTILL)
    rig.send(CommandKind.BEGIN, epoch=rig.epoch + 1)
    wait_for_rejection(rig)
    rig.velocity = REST
    rig.following = True
    rig.wait_for_rest()
    rig.target = None
    rig.send(CommandKind.RECOVER)
    rig.wait_for_stop(StopState.STOPPED, StopReason.NO_STANDSTILL)
    rig.drive(0.5, 0.5)


@pytest.mark.fault(
    what='guard frozen, then goes on',
    seen_by='guard: age of each command',
    within='when it goes on',
    state='HOLD, AUTHORITY_EXPIRED',
    client='truncated with GUARD_SILENT if it took longer than 0.5 s',
    side='guard',
)
def test_a_guard_that_was_frozen_does_not_obey_what_queued_up(rig: GuardRig) -> None:
    rig.drive(0.5, 0.5)
    rig.process.send_signal(signal.SIGSTOP)
    frozen = time.monotonic_ns()
    rig.sleep_until(frozen + 400_000_000)  # commands queue up
    rig.target = None
    rig.sleep_until(frozen + 600_000_000)  # the last one grows older than its authority
    thawed = time.monotonic_ns()
    rig.process.send_signal(signal.SIGCONT)
    rig.wait(lambda: rig.state > StopState.RUNNING, 'it never noticed')
    rig.wait_for_rest()
    assert rig.since(thawed)
    assert all(output == REST for _, output in rig.since(thawed))


def test_its_parameters_can_be_read_at_rest_and_not_be_changed(rig: GuardRig) -> None:
    from rclpy.parameter import Parameter
    from rclpy.parameter_client import AsyncParameterClient

    client = AsyncParameterClient(rig.node, f'{rig.namespace}/guard')
    assert client.wait_for_services(10.0)
    read = client.get_parameters(['rate', 'command_interface'])
    rig.wait(read.done, 'the parameters were not told')
    assert read.result().values[0].double_value == 200.0
    assert read.result().values[1].string_value == 'velocity'
    changed = client.set_parameters([Parameter('rate', value=100.0)])
    rig.wait(changed.done, 'no answer')
    assert not changed.result().results[0].successful


def breaking(method: str) -> list[str]:
    """A guard in which this method of its core raises from SIGUSR1 on."""
    return ['-c', '\n'.join([
        'import signal, sys',
        'from rl_bridge.safety.guard_core import GuardCore',
        'from rl_bridge.safety.guard_node import main',
        'def broken(*_, **__): raise RuntimeError("broken on purpose")',
        f'switch = lambda *_: setattr(GuardCore, "{method}", broken)',
        'signal.signal(signal.SIGUSR1, switch)',
        'sys.exit(main())',
    ])]  # fmt: skip


@pytest.mark.fault(
    what='the guard fails inside',
    seen_by='guard',
    within='at once',
    state='FAULT, SHUTDOWN; it ends',
    client='truncated, stop_reason',
    side='guard',
)
def test_a_guard_that_fails_brings_the_robot_to_rest_and_ends_with_1(tmp_path: Path) -> None:
    record = tmp_path / 'stops.log'
    options = [f'event_log:={record}']
    with GuardRig(tmp_path, options=options, program=breaking('update')) as rig:
        rig.drive(0.5, 0.5)
        rig.process.send_signal(signal.SIGUSR1)
        assert rig.process.wait(5) == 1
        rig.wait_for_stop(StopState.FAULT, StopReason.SHUTDOWN)
        rig.wait(lambda: rig.outputs[-1][1] == REST, 'the last command was not rest')
        assert 'RuntimeError: broken on purpose' in rig.log.read_text()
    last = merged([read(record)])[-1]
    assert (last['state'], last['reason']) == (StopState.FAULT, StopReason.SHUTDOWN)


def test_in_the_position_interface_a_guard_that_fails_sends_nothing_new(tmp_path: Path) -> None:
    with GuardRig(tmp_path, 'position', program=breaking('update')) as rig:
        rig.drive(0.5, 0.5)
        rig.process.send_signal(signal.SIGUSR1)
        assert rig.process.wait(5) == 1
        rig.wait_for_stop(StopState.FAULT, StopReason.SHUTDOWN)
        assert all(0.0 <= value <= 0.5 for _, output in rig.outputs for value in output)


@pytest.mark.fault(
    what='a message that the guard fails on',
    seen_by='guard',
    within='when it arrives',
    state='STOPPED, COMMAND_INVALID',
    client='truncated, stop_reason',
    side='guard',
)
@pytest.mark.parametrize('method', ['on_command', 'on_state'])
def test_a_message_that_the_guard_fails_on_stops_the_robot(method: str, tmp_path: Path) -> None:
    with GuardRig(tmp_path, program=breaking(method)) as rig:
        rig.drive(0.5, 0.5)
        rig.process.send_signal(signal.SIGUSR1)
        rig.wait_for_stop(StopState.STOPPED, StopReason.COMMAND_INVALID)
        rig.wait(lambda: rig.outputs[-1][1] == REST, 'the last command was not rest')
        assert 'RuntimeError: broken on purpose' in rig.log.read_text()
        rig.process.terminate()
        assert rig.process.wait(5) == 0


@pytest.mark.parametrize(
    ('parameters', 'says'),
    [
        ([], 'the parameter robot_file is empty'),
        (['robot_file:=no_such.yaml'], "there is no robot file 'no_such.yaml'"),
        (['robot_file:=ur5e.yaml', 'rate:=7.0'], 'rate out of range'),
        (['robot_file:=ur5e.yaml', 'rate:=fast'], "'rate'"),
        (
            ['robot_file:=ur5e.yaml', 'command_interface:=effort'],
            "ur5e has no command interface 'effort'; its robot file has position, velocity",
        ),
    ],
)
def test_it_does_not_start_with_what_it_cannot_guard(parameters: list[str], says: str) -> None:
    words = [word for parameter in parameters for word in ('-p', parameter)]
    ended = subprocess.run(
        [sys.executable, '-m', 'rl_bridge.safety.guard_node', '--ros-args', *words],
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert says in ended.stderr
    assert 'Traceback' not in ended.stderr
