# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Client, network, bridge, guard and driver in one thread, on a clock that only this package turns.

What decides is the product's own code (``Bridge``, ``RobotEnv``, ``TopicRobot``, ``GuardCore``);
what is made up here is what stands around it: processes, links, time and the clients. One seed
gives one history.
"""
