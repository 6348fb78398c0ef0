# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The robot's own stop, and what a robot file says about stopping: real processes over DDS."""

from __future__ import annotations

import copy
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')
messages = pytest.importorskip('rl_bridge_interfaces.msg', reason='needs the built messages')
if not hasattr(messages, 'Command'):  # unbuilt, the folder is a namespace package
    pytest.skip('needs the built messages', allow_module_level=True)

from guard_rig import ROBOT, GuardRig  # noqa: E402
from rclpy.qos import QoSDurabilityPolicy, QoSProfile  # noqa: E402
from std_msgs.msg import UInt8  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402

from rl_bridge.events import merged, read  # noqa: E402
from rl_bridge.types import CommandKind, StopReason, StopState  # noqa: E402

REST = [0.0, 0.0]
STATUS = {
    'topic': 'robot_running',
    'type': 'std_msgs/msg/Bool',
    'field': 'data',
    'running': [True],
    'max_age': 0.2,
}


def refusal(folder: Path, robot: dict[str, Any]) -> str:
    """What a guard says that does not start with this robot file."""
    file = folder / 'robot.yaml'
    file.write_text(yaml.safe_dump({**ROBOT, **robot}))
    ended = subprocess.run(
        [sys.executable, '-m', 'rl_bridge.safety.guard_node', '--ros-args',
         '-p', f'robot_file:={file}'],
        stderr=subprocess.PIPE, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert 'Traceback' not in ended.stderr
    return ended.stderr


@pytest.mark.fault(what='emergency stop pressed')
def test_a_pressed_stop_is_an_estop_until_released_recovered_and_begun(tmp_path: Path) -> None:
    with GuardRig(tmp_path, robot={'stop_status': STATUS}) as rig:
        rig.telling = True
        rig.drive(0.5, 0.5)
        rig.pressed = True
        rig.wait_for_stop(StopState.ESTOP, StopReason.ROBOT_STOPPED)
        assert "the robot's own stop: robot_running tells data = False" in rig.status.stop.message
        rig.wait(lambda: rig.outputs[-1][1] == REST, 'it still moves')
        rig.target = None
        rig.wait_for_rest()
        sequence = rig.send(CommandKind.RECOVER)
        rig.wait(lambda: rig.status.sequence >= sequence, 'RECOVER was not confirmed')
        assert rig.state == StopState.ESTOP, 'it is still pressed'
        rig.pressed = False
        rejected = rig.status.rejected
        rig.send(CommandKind.BEGIN, epoch=rig.epoch + 1)
        rig.wait(lambda: rig.status.rejected > rejected, 'an episode began')
        assert rig.state == StopState.ESTOP, 'released is not recovered'
        rig.send(CommandKind.RECOVER)
        rig.wait_for_stop(StopState.STOPPED, StopReason.ROBOT_STOPPED)
        rig.drive(0.5, 0.5)
        rig.telling = False
        rig.wait_for_stop(StopState.ESTOP, StopReason.ROBOT_STOPPED)
        assert 'robot_running has been silent for' in rig.status.stop.message


def test_a_stop_status_that_was_never_heard_counts_as_pressed(tmp_path: Path) -> None:
    with GuardRig(tmp_path, robot={'stop_status': STATUS}) as rig:
        rig.begin()
        rig.target = [0.5, 0.5]
        rig.wait_for_stop(StopState.ESTOP, StopReason.ROBOT_STOPPED)
        assert 'nothing was heard on robot_running' in rig.status.stop.message
        assert not any(value for _, output in rig.outputs for value in output)


def test_a_status_that_comes_on_change_only_holds_while_its_publisher_exists(
    tmp_path: Path,
) -> None:
    status = {
        **STATUS, 'topic': 'safety_mode', 'type': 'std_msgs/msg/UInt8', 'running': [1, 2],
        'max_age': 0,
    }  # fmt: skip
    with GuardRig(tmp_path, robot={'stop_status': status}) as rig:
        latched = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
        modes = rig.node.create_publisher(UInt8, 'safety_mode', latched)
        modes.publish(UInt8(data=1))
        rig.drive(0.2, 0.2)
        begun = rig.status.stamp_ns
        rig.wait(lambda: rig.status.stamp_ns > begun + 2_000_000_000, 'no status')
        assert rig.state == StopState.RUNNING, 'nothing has come for 2 s, and that is right'
        modes.publish(UInt8(data=3))
        rig.wait_for_stop(StopState.ESTOP, StopReason.ROBOT_STOPPED)
        modes.publish(UInt8(data=2))
        rig.target = None
        rig.wait_for_rest()

        def recovered() -> bool:
            rig.send(CommandKind.RECOVER)
            return rig.state == StopState.STOPPED

        rig.wait(recovered, 'never recovered')
        rig.drive(0.2, 0.2)
        rig.node.destroy_publisher(modes)
        rig.wait_for_stop(StopState.ESTOP, StopReason.ROBOT_STOPPED)


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        ({'type': 'no_such_msgs/msg/Mode'}, 'no_such_msgs/msg/Mode, which is not installed'),
        ({'type': 'std_msgs/msg/NoSuch'}, 'std_msgs/msg/NoSuch, which is not installed'),
        ({'field': 'mode'}, "Bool has no field 'mode'; Bool has data"),
        ({'running': [1]}, 'stop_status.running has 1, but data of std_msgs/msg/Bool is bool'),
    ],
)
def test_a_stop_status_that_cannot_be_read_is_refused(
    change: dict[str, Any], says: str, tmp_path: Path
) -> None:
    assert says in refusal(tmp_path, {'stop_status': {**STATUS, **change}})


def test_a_ramp_stops_within_the_acceleration_limits(tmp_path: Path) -> None:
    limits = copy.deepcopy(ROBOT['limits'])
    limits['acceleration'] = [2.0, 4.0]  # type: ignore[index]
    robot = {'limits': limits, 'halt': {'velocity': {'profile': 'ramp'}}}
    with GuardRig(tmp_path, robot=robot) as rig:
        rig.drive(0.8, 0.4)
        rig.wait(lambda: rig.outputs[-1][1] == [0.8, 0.4], 'the target was not reached')
        rig.send(CommandKind.HALT)
        rig.wait_for_stop(StopState.STOPPED, StopReason.HALT_REQUESTED)
        rig.wait_for_rest()
        values = [output for _, output in rig.outputs]
        start = len(values) - 1 - values[::-1].index([0.8, 0.4])
        falling = values[start:]
        steps = [a[0] - b[0] for a, b in itertools.pairwise(falling)]
        assert min(steps) >= 0.0
        assert max(steps) <= 2.0 * 0.01 + 1e-9, 'two updates at most'
        assert falling[-1] == REST


def test_a_signal_in_a_ramp_lets_it_end(tmp_path: Path) -> None:
    with GuardRig(tmp_path, robot={'halt': {'velocity': {'profile': 'ramp'}}}) as rig:
        rig.drive(0.8, 0.8)
        rig.wait(lambda: rig.outputs[-1][1] == [0.8, 0.8], 'the target was not reached')
        rig.process.terminate()
        assert rig.process.wait(5) == 0
        rig.wait(lambda: rig.outputs[-1][1] == REST, 'the last command was not rest')
        values = [output[0] for _, output in rig.outputs]
        assert max(a - b for a, b in itertools.pairwise(values)) <= 10.0 * 0.01 + 1e-9


@pytest.mark.fault(
    what='robot does not come to rest after a stop, second stage named',
    seen_by='guard: measured speed',
    within='second_stage.after',
    state='as stopped; the service is called once',
    client='as for the stop',
    side='robot',
)
def test_the_second_stage_is_called_once_where_the_robot_does_not_stop(tmp_path: Path) -> None:
    stage = {
        'service': 'my_robot/disable',
        'type': 'std_srvs/srv/SetBool',
        'request': {'data': True},
        'after': 0.2,
    }
    log = tmp_path / 'events.log'
    with GuardRig(
        tmp_path, robot={'halt': {'second_stage': stage}}, options=[f'event_log:={log}']
    ) as rig:
        calls = []

        def disable(request: Any, answer: Any) -> Any:
            with rig.changed:
                calls.append(request.data)
                rig.velocity = REST
                rig.changed.notify_all()
            answer.success = True
            return answer

        rig.node.create_service(SetBool, 'my_robot/disable', disable)
        rig.drive(0.5, 0.5)
        rig.following = False
        rig.target = None
        rig.wait_for_stop(StopState.HOLD, StopReason.AUTHORITY_EXPIRED)
        rig.wait(lambda: calls, 'it was not called')
        rig.wait_for_rest()
        rig.wait(lambda: 'answered' in rig.log.read_text(), 'its answer was not heard')
        assert calls == [True]
        assert rig.state == StopState.HOLD, 'in time, so no fault'
        rig.process.terminate()
        rig.process.wait(10)
    kinds = [event['kind'] for event in merged([read(log)])]
    assert 'second stage' in kinds


def test_a_second_stage_that_cannot_be_asked_for_is_refused(tmp_path: Path) -> None:
    stage = {
        'service': 'disable', 'type': 'std_srvs/srv/SetBool', 'request': {'on': True},
        'after': 0.2,
    }  # fmt: skip
    said = refusal(tmp_path, {'halt': {'second_stage': stage}})
    assert "SetBool_Request has no field 'on'; SetBool_Request has data" in said
