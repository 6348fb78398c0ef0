# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A node and a thread for a robot's topics, so that states arrive while anything else waits."""

from __future__ import annotations

import threading
import traceback

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node


class TopicIo:
    """
    A node for the robot's topics, spun by a thread of its own, so that states arrive while
    anything else waits.
    """

    def __init__(self, owner: Node) -> None:
        self.node = Node(
            f'{owner.get_name()}_robot',
            namespace=owner.get_namespace(),
            context=owner.context,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        self._executor = SingleThreadedExecutor(context=owner.context)
        self._executor.add_node(self.node)
        self._logger = owner.get_logger()
        self._open = True
        self._thread = threading.Thread(target=self._spin, name='robot-io', daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        while self._open:
            try:
                self._executor.spin_once(timeout_sec=0.1)
            except ExternalShutdownException:
                return
            except Exception:
                self._logger.error(
                    f'a message of the robot could not be used\n{traceback.format_exc()}'
                )

    def close(self) -> None:
        self._open = False
        self._executor.wake()
        self._thread.join()
        self._executor.remove_node(self.node)
        self.node.destroy_node()
        self._executor.shutdown()
