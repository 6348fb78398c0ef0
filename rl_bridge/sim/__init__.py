# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Simulated robots as ROS nodes of their own, and pictures of them."""
