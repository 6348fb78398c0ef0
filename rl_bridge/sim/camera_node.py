# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The node ``sim_camera``: a camera beside the simulated arm, with the topics of a camera's driver.

    joint_states                  in   sensor_msgs/JointState: what it sees
    camera/image_raw              out  sensor_msgs/Image, rgb8
    camera/image_raw/compressed   out  sensor_msgs/CompressedImage, JPEG
    camera/camera_info            out  sensor_msgs/CameraInfo: what its view amounts to

Names and size are those of a sensor in the robot file; size, rate and view are fixed for its life.
Only what somebody listens to is drawn and sent. A picture bears the stamp of the joint state that
it shows; without a new one there is no new picture, as from a camera that died.
"""

from __future__ import annotations

import math
import sys
import time
from array import array
from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState

from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.jpeg import encoded, jpeg_problem
from rl_bridge.pinhole import pinhole
from rl_bridge.robot_file import load_robot
from rl_bridge.robots.joint_states import JointOrder
from rl_bridge.sim.camera import CAMERA, ArmCamera
from rl_bridge.sim.camera import Image as Picture
from rl_bridge.sim.driver_process_node import run_driver
from rl_bridge.topic_qos import NEWEST, STATE
from rl_bridge.types import FloatArray, RobotDescription, Sensor

_COMPRESSED = '/compressed'  # what image_transport adds to a topic's name
_LONGEST_WAIT_S = 0.05  # so that a signal is seen soon at any rate
_FRAME = 'camera_optical_frame'


class SimulatedCamera:
    """
    The camera's topics and its time.

    :param node: whose parameters and relative topics they are.
    :raises ConfigError: a parameter is malformed, or the robot file has no such camera.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        robot = load_robot(str(self._parameter('robot_file', 'camera_reach.yaml', 'The robot.')))
        name = str(self._parameter('camera', CAMERA, 'Name of the sensor in the robot file.'))
        sensor = _picture_sensor(robot, name)
        self._period_s = 1.0 / self._number('camera_rate', 25.0, 1.0, 200.0, 'Pictures a second.')
        self._quality = round(self._number('jpeg_quality', 90.0, 1.0, 100.0, 'Of the JPEG.'))
        view = pinhole(sensor.shape[1], sensor.shape[0], self._view())
        self._camera = ArmCamera(view, dh=robot.dh if robot.dh is not None else ())
        self._joints = JointOrder(robot.joints)
        self._newest: JointState | None = None
        topic = sensor.topic.removesuffix(_COMPRESSED)
        self._raw = node.create_publisher(Image, topic, NEWEST)
        self._compressed = node.create_publisher(CompressedImage, topic + _COMPRESSED, NEWEST)
        beside = topic.rpartition('/')[0]
        info_topic = f'{beside}/camera_info' if beside else 'camera_info'
        self._infos = node.create_publisher(CameraInfo, info_topic, NEWEST)
        self._info = _camera_info(view.width, view.height, view.focal_px, view.middle)
        node.create_subscription(JointState, robot.state_topic, self._take, STATE)
        self._no_jpeg = jpeg_problem()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self.ended = False

    def run(self) -> None:
        """Publish in real time, until ``ended`` is set."""
        log = self._node.get_logger()
        log.info(f'the simulated camera is running: {1.0 / self._period_s:g} pictures a second')
        if self._no_jpeg:
            log.warning(f'{self._compressed.topic_name} stays silent: {self._no_jpeg}')
        due = time.monotonic()
        while not self.ended:
            now = time.monotonic()
            if now < due:
                self._executor.spin_once(timeout_sec=min(due - now, _LONGEST_WAIT_S))
                continue
            self._show()
            # Absolute times: one late picture delays none of those after it.
            due += self._period_s * max(1.0, math.ceil((now - due) / self._period_s))

    def close(self) -> None:
        """Publish nothing any more; idempotent."""
        self._executor.shutdown()

    def _take(self, message: JointState) -> None:
        self._newest = message

    def _show(self) -> None:
        state = self._newest
        self._newest = None
        raw = self._raw.get_subscription_count() > 0
        compressed = not self._no_jpeg and self._compressed.get_subscription_count() > 0
        if state is None:
            return
        self._info.header.stamp = state.header.stamp
        self._infos.publish(self._info)
        position = self._position(state) if raw or compressed else None
        if position is None:
            return
        picture = self._camera.picture(position)
        if raw:
            self._raw.publish(self._image(picture, state))
        if compressed:
            message = CompressedImage(format='rgb8; jpeg compressed bgr8')
            message.header.frame_id, message.header.stamp = _FRAME, state.header.stamp
            message.data = array('B', encoded(picture, quality=self._quality))
            self._compressed.publish(message)

    def _position(self, state: JointState) -> FloatArray | None:
        try:
            picked = self._joints.pick(state.name, state.position, state.velocity, state.effort)
        except RobotNotReady as error:
            self._node.get_logger().warning(f'no picture: {error}', throttle_duration_sec=5.0)
            return None
        return None if picked is None else picked[0]

    def _image(self, picture: Picture, state: JointState) -> Image:
        height, width, channels = picture.shape
        message = Image(height=height, width=width, encoding='rgb8', step=width * channels)
        message.header.frame_id, message.header.stamp = _FRAME, state.header.stamp
        data = array('B')
        data.frombytes(picture.reshape(-1).data)
        message.data = data
        return message

    def _view(self) -> Any:
        import yaml

        text = self._parameter(
            'camera_view',
            '',
            "Where it is, as the task's `view`: '{eye_m: [..], look_at_m: [..], focal: 1.1}'.",
        )
        try:
            return yaml.safe_load(str(text))
        except yaml.YAMLError as error:
            words = ' '.join(str(error).split())
            raise ConfigError(f'parameter camera_view is no YAML: {words}') from error

    def _number(
        self, name: str, default: float, low: float, high: float, description: str
    ) -> float:
        value = self._parameter(name, default, f'{description} {low:g} to {high:g}.')
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and low <= value <= high):
            raise ConfigError(f'{name} must be a number from {low:g} to {high:g}, not {value!r}.')
        return float(value)

    def _parameter(self, name: str, default: Any, description: str) -> Any:
        # Dynamic, so that a whole number written without its point is a number too.
        descriptor = ParameterDescriptor(
            description=description, dynamic_typing=True, read_only=True
        )
        return self._node.declare_parameter(name, default, descriptor).value


def _picture_sensor(robot: RobotDescription, name: str) -> Sensor:
    sensor = robot.sensors.get(name)
    if robot.dh is None:
        raise ConfigError(f'A picture needs the DH table of {robot.name}: add dh to its file.')
    if sensor is None or len(sensor.shape) != 3 or sensor.shape[2] != 3:
        raise ConfigError(
            f'{robot.name} has no colour camera {name!r}: add a sensor of that name with the '
            f'shape [height, width, 3] to its file.'
        )
    return sensor


def _camera_info(width: int, height: int, focal_px: float, middle: FloatArray) -> CameraInfo:
    across, down = middle.tolist()
    info = CameraInfo(width=width, height=height, distortion_model='plumb_bob', d=[0.0] * 5)
    info.header.frame_id = _FRAME
    info.k = [focal_px, 0.0, across, 0.0, focal_px, down, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [focal_px, 0.0, across, 0.0, 0.0, focal_px, down, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info


def main(args: Sequence[str] | None = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line arguments; those of the process by default.
    :return: the exit code: 0 after a signal, 1 if it cannot start.
    """
    return run_driver('sim_camera', SimulatedCamera, args)


if __name__ == '__main__':
    sys.exit(main())
