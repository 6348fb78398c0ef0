# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a robot is to learn: observation, reward, termination. Pure numpy, no ROS, no clock."""
