# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Keeps every test run in a ROS domain of its own, on this machine alone."""

import os
import shutil
import signal
import tempfile

import shared_memory

from rl_bridge.dds_profile import use_profile

# 1 to 100 stay clear of Linux's ephemeral ports. Set before any test module imports rclpy.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
# Logs and event logs of what the tests start; nothing of it goes to the user's own ~/.ros.
os.environ['ROS_HOME'] = tempfile.mkdtemp(prefix='rl_bridge_test_home_')
# Before the first ROS node of a test: peers find each other at once, and the dead are gone in 3 s.
use_profile()
# A shell's background job ignores Ctrl-C, and all that the tests start and interrupt would too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish() -> None:
    shared_memory.sweep(shared_memory.USED_BY_THE_KILLED)
    shutil.rmtree(os.environ['ROS_HOME'], ignore_errors=True)
