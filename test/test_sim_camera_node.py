# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The simulated camera as a process of its own, met through its topics and its signals."""

from __future__ import annotations

import functools
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy', reason='a ROS node needs ROS 2')
pytest.importorskip('sensor_msgs.msg', reason='a ROS node needs ROS 2')
pytest.importorskip('PIL', reason='JPEG needs Pillow')

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.signals import SignalHandlerOptions  # noqa: E402
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState  # noqa: E402

from rl_bridge.jpeg import decoded  # noqa: E402
from rl_bridge.pinhole import Pinhole  # noqa: E402
from rl_bridge.processes import share_file  # noqa: E402
from rl_bridge.sim.arm import UR5E_JOINTS  # noqa: E402
from rl_bridge.sim.camera import ArmCamera  # noqa: E402
from rl_bridge.sim.camera_node import main  # noqa: E402
from rl_bridge.tasks.reach_setup import UR5E_REACH_2  # noqa: E402
from rl_bridge.topic_qos import STATE  # noqa: E402

NAMESPACE = f'/sim_camera_test_{os.getpid()}'
TIMEOUT_S = 30.0
HOME = np.array(UR5E_REACH_2.reference)
OTHER = HOME + np.array([0.0, 0.3, -0.4, 0.0, 0.0, 0.0])


@pytest.fixture(scope='module')
def robot_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ready file with small pictures."""
    text = share_file('config', 'camera_reach.yaml').read_text(encoding='utf-8')
    assert 'shape: [480, 640, 3]' in text
    path = tmp_path_factory.mktemp('camera') / 'small.yaml'
    path.write_text(text.replace('[480, 640, 3]', '[48, 64, 3]'), encoding='utf-8')
    return path


class Watcher:
    """Plays the arm, listens to the camera, and owns its process."""

    def __init__(self, robot_file: Path) -> None:
        self.context = rclpy.context.Context()
        rclpy.init(args=[], context=self.context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node('watcher', namespace=NAMESPACE, context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.came: list[Any] = []
        self.subscription: Any = None
        self.joints = self.node.create_publisher(JointState, 'joint_states', STATE)
        words = [sys.executable, '-m', 'rl_bridge.sim.camera_node', '--ros-args']
        words += ['-r', f'__ns:={NAMESPACE}', '-p', f'robot_file:={robot_file}']
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.stamp = 0

    def listen(self, kind: Any, topic: str) -> None:
        if self.subscription is not None:
            self.node.destroy_subscription(self.subscription)
        self.came = []
        self.subscription = self.node.create_subscription(kind, topic, self.came.append, STATE)

    def state(self, position: np.ndarray, names: tuple[str, ...] = UR5E_JOINTS) -> JointState:
        self.stamp += 1
        message = JointState(name=list(names[::-1]), position=position[::-1].tolist())
        message.velocity = message.effort = [0.0] * len(names)
        message.header.stamp.sec = self.stamp
        return message

    def until(self, holds: Callable[[], bool], position: np.ndarray) -> None:
        """Publish joint states until something came that is as wanted."""
        deadline = time.monotonic() + TIMEOUT_S
        while not holds():
            assert time.monotonic() < deadline, f'not seen in {TIMEOUT_S:g} s'
            if self.process.poll() is not None:
                pytest.fail(f'the camera ended by itself: {self.process.communicate()[0]}')
            self.joints.publish(self.state(position))
            self.executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture(scope='module')
def watcher(robot_file: Path) -> Iterator[Watcher]:
    made = Watcher(robot_file)
    try:
        yield made
        made.process.send_signal(signal.SIGINT)
        output = made.process.communicate(timeout=TIMEOUT_S)[0]
        assert made.process.returncode == 0, output
    finally:
        if made.process.poll() is None:
            made.process.kill()
            made.process.communicate()
        made.close()


def expected(position: np.ndarray) -> np.ndarray:
    return ArmCamera(Pinhole(width=64, height=48)).picture(position)


def pixels(message: Image) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


def shows(came: list[Image], wanted: np.ndarray) -> bool:
    return bool(came) and np.array_equal(pixels(came[-1]), wanted)


def test_raw_pictures_show_the_arm_and_bear_the_stamp_of_its_state(watcher: Watcher) -> None:
    watcher.listen(Image, 'camera/image_raw')
    for position in (HOME, OTHER):
        watcher.until(functools.partial(shows, watcher.came, expected(position)), position)
        picture = watcher.came[-1]
        assert (picture.encoding, picture.step, picture.is_bigendian) == ('rgb8', 192, 0)
        assert 0 < picture.header.stamp.sec <= watcher.stamp
        assert picture.header.frame_id == 'camera_optical_frame'


def test_compressed_pictures_show_the_same(watcher: Watcher) -> None:
    watcher.listen(CompressedImage, 'camera/image_raw/compressed')
    watcher.until(lambda: len(watcher.came) > 2, HOME)
    message = watcher.came[-1]
    shown = decoded(bytes(message.data), (48, 64, 3)).astype(int)
    assert 'jpeg' in message.format
    assert np.abs(shown - expected(HOME)).mean() < 6.0


def test_what_the_view_amounts_to_is_told(watcher: Watcher) -> None:
    watcher.listen(CameraInfo, 'camera/camera_info')
    watcher.until(lambda: bool(watcher.came), HOME)
    info = watcher.came[-1]
    view = Pinhole(width=64, height=48)
    assert (info.width, info.height) == (64, 48)
    # A point of the world, by the message's matrix alone.
    point = np.array([0.0, -0.1, 0.8])
    across, down, depth = np.array(info.k).reshape(3, 3) @ view.view @ (point - view.eye_m)
    assert (across / depth, down / depth) == pytest.approx(tuple(view.seen(point)[:2]))


def test_a_state_that_is_no_state_of_the_arm_gives_no_picture(watcher: Watcher) -> None:
    watcher.listen(Image, 'camera/image_raw')
    watcher.until(lambda: bool(watcher.came), HOME)
    broken = watcher.state(np.full(6, math.nan))
    watcher.joints.publish(broken)
    watcher.joints.publish(watcher.state(HOME[:2], ('a', 'b')))
    seen = len(watcher.came)
    watcher.until(lambda: len(watcher.came) > seen + 2, HOME)  # and it goes on
    assert broken.header.stamp.sec not in [picture.header.stamp.sec for picture in watcher.came]


@pytest.mark.parametrize(
    ('parameters', 'sentence'),
    [
        (['camera:=wrist'], "no colour camera 'wrist'"),
        (['robot_file:=ur5e.yaml'], "no colour camera 'camera'"),
        (['robot_file:=diff_drive.yaml'], 'needs the DH table'),
        (['robot_file:=nowhere.yaml'], 'nowhere.yaml'),
        (['camera_rate:=0.5'], 'camera_rate must be a number from 1 to 200'),
        (['camera_rate:=fast'], 'camera_rate must be a number'),
        (['jpeg_quality:=101'], 'jpeg_quality must be a number from 1 to 100'),
        (['camera_view:="{zoom: 2}"'], 'The view of a camera is'),
        (['camera_view:="{zoom"'], 'camera_view is no YAML'),
    ],
)
def test_what_it_cannot_be_it_says_and_ends(
    parameters: list[str],
    sentence: str,
    robot_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, 'signal', lambda *_: None)  # pytest keeps its own
    words = ['--ros-args', '-r', f'__ns:={NAMESPACE}_x', '-p', f'robot_file:={robot_file}']
    for parameter in parameters:
        words += ['-p', parameter]
    assert main(words) == 1
    assert sentence in capsys.readouterr().err
