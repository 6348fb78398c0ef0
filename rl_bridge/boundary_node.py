# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Where exceptions and log records of the layers below meet ROS."""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

from rl_bridge.errors import RlBridgeError

_Callback = TypeVar('_Callback', bound=Callable[..., TransitionCallbackReturn])


def logged(callback: _Callback) -> _Callback:
    """
    Log what rclpy's lifecycle would swallow, and fail the transition instead of leaving it half
    done.

    The node has ``transition``, a lock, and ``asked_to_end``, an event.
    """

    @functools.wraps(callback)
    def wrapper(self: Any, state: LifecycleState) -> TransitionCallbackReturn:
        with self.transition:
            if self.asked_to_end.is_set():
                return TransitionCallbackReturn.FAILURE
            try:
                return callback(self, state)
            except RlBridgeError as error:
                self.get_logger().error(f'{callback.__name__}: {error}')
            except Exception:
                self.get_logger().error(f'{callback.__name__} failed\n{traceback.format_exc()}')
            return TransitionCallbackReturn.FAILURE

    return wrapper  # type: ignore[return-value]


class RosLog(logging.Handler):
    """Hands what the ROS-free layers log to the node's logger."""

    def __init__(self, node: Node) -> None:
        super().__init__(logging.INFO)
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record with its severity."""
        text = self.format(record)
        # rclpy ties a severity to the line that logs it, so each has a line of its own.
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)
