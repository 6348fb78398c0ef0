# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Values that nobody would send, and the paths they are sent down."""
