# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Keeps every test run in a ROS domain of its own, on this machine alone."""

import os
import signal

import shared_memory

# 1 to 100 stay clear of Linux's ephemeral ports. Set before any test module imports rclpy.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
# A shell's background job ignores Ctrl-C, and all that the tests start and interrupt would too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish() -> None:
    shared_memory.sweep(shared_memory.USED_BY_THE_KILLED)
