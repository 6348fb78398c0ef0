# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The environments reinforcement learning is taught with, each with its physics written down.

Plain Gymnasium environments that need NumPy and Gymnasium only; docs/textbook.md lists them.
"""
