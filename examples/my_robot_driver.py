# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Stands in for the driver of my_robot.yaml, so that the example runs without a robot.

    python examples/my_robot_driver.py

It takes joint velocities and publishes joint states at 100 Hz; each joint follows its command at
once. A real robot's driver and its ros2_control controller take this place.
"""

from __future__ import annotations

import signal
from array import array

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

JOINTS = ['base', 'shoulder', 'elbow', 'wrist']
PERIOD_S = 0.01


class MyRobotDriver(Node):
    """Integrates joint velocities."""

    def __init__(self) -> None:
        super().__init__('my_robot_driver')
        self._position = np.zeros(len(JOINTS))
        self._velocity = np.zeros(len(JOINTS))
        self._states = self.create_publisher(JointState, 'joint_states', 10)
        self.create_subscription(
            Float64MultiArray, 'my_velocity_controller/commands', self._on_command, 1
        )
        self.create_timer(PERIOD_S, self._advance)

    def _on_command(self, message: Float64MultiArray) -> None:
        if len(message.data) == len(JOINTS):
            self._velocity = np.array(message.data)

    def _advance(self) -> None:
        self._position += self._velocity * PERIOD_S
        message = JointState(name=JOINTS)
        message.header.stamp = self.get_clock().now().to_msg()
        message.position = array('d', self._position.tolist())
        message.velocity = array('d', self._velocity.tolist())
        self._states.publish(message)


def main() -> None:
    # Python's own handlers: rclpy's would shut ROS down in the middle of a wait.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    node = MyRobotDriver()
    try:
        rclpy.spin(node)
    except KeyboardInterrupt:
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
