# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What every type of message gives, and which of them are refused."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from sensors_by_hand import COMPRESSED, IMAGE, compressed, noise, picture_sensor, raw, sensor

pytest.importorskip('sensor_msgs.msg', reason='needs ROS 2')

from geometry_msgs.msg import Pose, PoseStamped, Twist, TwistStamped, WrenchStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CompressedImage, Image, Imu, JointState, LaserScan, Range
from std_msgs.msg import Bool, Float64MultiArray, Header

from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.robots.readings import OWN_WAYS, check_type, decode, header_ns
from rl_bridge.safety.named_types import fill
from rl_bridge.sensor_section import read_sensors
from rl_bridge.types import Sensor, StopReason
from rl_bridge.yaml_section import Section

POSE = {
    'position': {'x': 1.0, 'y': 2.0, 'z': 3.0},
    'orientation': {'x': 0.1, 'y': 0.2, 'z': 0.3, 'w': 0.4},
}
TWIST = {
    'linear': {'x': 5.0, 'y': 6.0, 'z': 7.0},
    'angular': {'x': 8.0, 'y': 9.0, 'z': 10.0},
}
SCAN = sensor('sensor_msgs/msg/LaserScan', 4, lower=0.1, upper=8.0)


def imu() -> Any:
    return fill(Imu(), {'orientation': POSE['orientation'], 'angular_velocity': TWIST['angular'],
                        'linear_acceleration': TWIST['linear']})  # fmt: skip


CASES = {
    'nav_msgs/msg/Odometry': (
        fill(Odometry(), {'pose': {'pose': POSE}, 'twist': {'twist': TWIST}}),
        [1, 2, 3, 0.1, 0.2, 0.3, 0.4, 5, 6, 7, 8, 9, 10],
    ),
    'geometry_msgs/msg/PoseStamped': (
        PoseStamped(pose=fill(Pose(), POSE)), [1, 2, 3, 0.1, 0.2, 0.3, 0.4]),
    'geometry_msgs/msg/TwistStamped': (
        TwistStamped(twist=fill(Twist(), TWIST)), [5, 6, 7, 8, 9, 10]),
    'geometry_msgs/msg/WrenchStamped': (
        fill(WrenchStamped(), {'wrench': {'force': TWIST['linear'], 'torque': TWIST['angular']}}),
        [5, 6, 7, 8, 9, 10]),
    'sensor_msgs/msg/Imu': (imu(), [0.1, 0.2, 0.3, 0.4, 8, 9, 10, 5, 6, 7]),
    'sensor_msgs/msg/LaserScan': (LaserScan(ranges=[1.5, 0.5, 2.0]), [1.5, 0.5, 2.0]),
    'sensor_msgs/msg/Range': (Range(range=0.25), [0.25]),
    'std_msgs/msg/Bool': (Bool(data=True), [1]),
    'std_msgs/msg/Float64MultiArray': (Float64MultiArray(data=[4.0, 5.0]), [4, 5]),
}  # fmt: skip


@pytest.mark.parametrize('name', CASES)
def test_every_type_gives_its_numbers_in_the_documented_order(name: str) -> None:
    message, numbers = CASES[name]
    found = decode(sensor(name, len(numbers)), message)
    assert found.dtype == np.float64 and not found.flags.writeable
    assert found.tolist() == numbers


def test_every_type_with_a_way_of_its_own_is_shown_here() -> None:
    assert set(CASES) | {IMAGE, COMPRESSED} == set(OWN_WAYS)


@pytest.mark.parametrize('name', sorted(OWN_WAYS))
def test_the_robot_file_and_the_decoder_agree_on_the_shape(name: str) -> None:
    entry: dict[str, Any] = {'topic': 'eye', 'type': name, 'max_age': 0.5}
    if name in (IMAGE, COMPRESSED):
        entry['shape'] = [4, 6, 3]
    elif name.endswith(('LaserScan', 'MultiArray')):
        entry['size'] = len(CASES[name][1])
    if name.endswith(('LaserScan', 'Range', 'MultiArray')):
        entry |= {'lower': 0.0, 'upper': 8.0}
    read = read_sensors(Section('file', 'sensors', {'eye': entry}))['eye']
    message = CASES[name][0] if name in CASES else picture(name)
    found = decode(read, message)
    assert (found.shape, found.dtype) == (read.shape, np.dtype(read.dtype))


def picture(name: str) -> Any:
    if name == COMPRESSED:
        pytest.importorskip('PIL')
        return CompressedImage(format='png', data=compressed(noise(4, 6)))
    return Image(**raw(noise(4, 6), 'rgb8'))


def test_pictures_of_real_messages_are_decoded() -> None:
    found = decode(picture_sensor(IMAGE, 4, 6, 3), picture(IMAGE))
    assert np.array_equal(found, noise(4, 6))
    found = decode(picture_sensor(COMPRESSED, 4, 6, 3), picture(COMPRESSED))
    assert np.array_equal(found, noise(4, 6))


CLIPPED = {'sensor_msgs/msg/LaserScan', 'sensor_msgs/msg/Range'}


# -- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', sorted(set(CASES) - CLIPPED - {'std_msgs/msg/Bool'}))
@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_never_passed_on(name: str, value: float) -> None:
    number = len(CASES[name][1])
    fields = {
        'nav_msgs/msg/Odometry': ('twist.twist.angular', 'z'),
        'geometry_msgs/msg/PoseStamped': ('pose.orientation', 'w'),
        'geometry_msgs/msg/TwistStamped': ('twist.angular', 'z'),
        'geometry_msgs/msg/WrenchStamped': ('wrench.torque', 'z'),
        'sensor_msgs/msg/Imu': ('linear_acceleration', 'z'),
    }
    message = type(CASES[name][0])()
    if name in fields:
        path, last = fields[name]
        inner = message
        for step in path.split('.'):
            inner = getattr(inner, step)
        setattr(inner, last, value)
    else:
        message.data = [0.0] * (number - 1) + [value]
    with pytest.raises(
        RobotNotReady, match=rf'^The sensor eye on /eye measures value {number - 1} = -?(nan|inf),'
    ) as refused:
        decode(sensor(name, number), message)
    assert refused.value.reason == StopReason.STATE_INVALID


def test_a_value_outside_the_bounds_is_refused_with_the_field_that_has_it() -> None:
    tank = sensor('geometry_msgs/msg/Pose', 2, fields=('position.x', 'position.z'), lower=0.0,
                  upper=2.5)  # fmt: skip
    assert decode(tank, fill(Pose(), {'position': {'x': 0.0, 'z': 2.5}})).tolist() == [0.0, 2.5]
    for value in (2.6, -0.1):
        with pytest.raises(RobotNotReady, match=rf'position.z = {value}, outside of \[0, 2.5\]'):
            decode(tank, fill(Pose(), {'position': {'z': value}}))


def test_an_array_of_another_length_is_refused() -> None:
    with pytest.raises(RobotNotReady, match=r'sends 3 values, but its shape .* is \[2\]'):
        decode(sensor('std_msgs/msg/Float64MultiArray', 2), Float64MultiArray(data=[1.0] * 3))


@pytest.mark.parametrize('part', ['orientation', 'angular_velocity', 'linear_acceleration'])
def test_an_imu_that_does_not_measure_a_part_is_refused(part: str) -> None:
    message = imu()
    getattr(message, f'{part}_covariance')[0] = -1.0
    with pytest.raises(RobotNotReady, match=f'does not measure its {part} .* `fields`'):
        decode(sensor('sensor_msgs/msg/Imu', 10), message)


# -- lasers and rangers ---------------------------------------------------------------------------


def test_a_laser_gives_the_nearest_of_each_sector() -> None:
    ranges = [5.0, 4.0, 3.0, 2.0, 1.0, 6.0, 7.0, 6.5]
    assert decode(SCAN, LaserScan(ranges=ranges)).tolist() == [4.0, 2.0, 1.0, 6.5]


def test_rays_that_do_not_divide_evenly_all_count() -> None:
    for rays in range(4, 30):
        for ray in range(rays):
            ranges = [5.0] * rays
            ranges[ray] = 1.0
            found = decode(SCAN, LaserScan(ranges=ranges))
            assert found.tolist().count(1.0) == 1, (rays, ray)


@pytest.mark.parametrize(
    ('ray', 'counts_as'),
    [(math.inf, 8.0), (9.0, 8.0), (-math.inf, 0.1), (math.nan, 0.1), (0.0, 0.1), (-1.0, 0.1)],
)
def test_what_a_laser_or_ranger_cannot_know_counts_as_near(ray: float, counts_as: float) -> None:
    found = decode(SCAN, LaserScan(ranges=[8.0, 8.0, ray, 8.0]))
    assert found.tolist() == [8.0, 8.0, counts_as, 8.0]
    ranger = sensor('sensor_msgs/msg/Range', 1, lower=0.1, upper=8.0)
    assert decode(ranger, Range(range=ray)).tolist() == [counts_as]


def test_fewer_rays_than_sectors_are_refused() -> None:
    for rays in (0, 3):
        with pytest.raises(RobotNotReady, match=f'sends {rays} rays, which cannot fill 4 sectors'):
            decode(SCAN, LaserScan(ranges=[1.0] * rays))


# -- any other type -------------------------------------------------------------------------------


def test_fields_of_any_type_are_read_lists_and_flags_too() -> None:
    grip = sensor('sensor_msgs/msg/JointState', 2, fields=('position[1]', 'effort[0]'))
    check_type(grip, JointState)
    message = JointState(position=[1.0, 2.0], effort=[3.0])
    assert decode(grip, message).tolist() == [2.0, 3.0]
    flag = sensor('std_msgs/msg/Bool', 1, fields=('data',))
    check_type(flag, Bool)
    assert decode(flag, Bool(data=True)).tolist() == [1.0]


def test_a_list_that_is_too_short_is_refused() -> None:
    grip = sensor('sensor_msgs/msg/JointState', 1, fields=('position[1]',))
    with pytest.raises(RobotNotReady, match=r'has no position\[1\] in its message: .* 1 values'):
        decode(grip, JointState(position=[1.0]))


@pytest.mark.parametrize(
    ('kind', 'fields', 'sentence'),
    [
        (Header, (), 'of which it is not known what to take: name its `fields`'),
        (Header, ('frame_id',), 'frame_id of std_msgs/msg/Header, which is string and no number'),
        (Header, ('stamp',), 'stamp of .*, which is builtin_interfaces/Time and no number'),
        (Header, ('day',), "Header has no field 'day'"),
    ],
)
def test_what_cannot_be_read_is_refused_before_the_first_message(
    kind: Any, fields: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_type(sensor('std_msgs/msg/Header', 1, fields=fields), kind)


def test_pillow_is_asked_for_before_the_first_compressed_picture(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, 'PIL', None)
    check_type(picture_sensor(IMAGE, 4, 6, 3), Image)
    with pytest.raises(ConfigError, match='need Pillow'):
        check_type(picture_sensor(COMPRESSED, 4, 6, 3), CompressedImage)


def test_the_stamp_is_that_of_the_header_or_none() -> None:
    assert header_ns(fill(Imu(), {'header': {'stamp': {'sec': 2, 'nanosec': 3}}})) == 2_000_000_003
    assert header_ns(Bool()) == 0


def test_a_sensor_of_several_dimensions_keeps_them() -> None:
    table = Sensor('eye', '/eye', 'std_msgs/msg/Float64MultiArray', (2, 2), 0.5, 0.0, 9.0)
    found = decode(table, Float64MultiArray(data=[1.0, 2.0, 3.0, 4.0]))
    assert found.tolist() == [[1.0, 2.0], [3.0, 4.0]]
