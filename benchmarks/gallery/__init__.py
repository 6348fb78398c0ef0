# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Runs every ready environment through a bridge, for the figure ``envs``."""
