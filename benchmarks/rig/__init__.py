# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The fault rig: one robot side in real processes, with an independent recorder as its robot."""

#: Names of the event logs in a lane's folder.
GUARD_EVENTS, BRIDGE_EVENTS = 'guard.events', 'bridge.events'
