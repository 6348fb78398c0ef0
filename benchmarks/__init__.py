# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What rl_bridge claims, measured: ``make figure NAME=faults``; FULL=1 is the published run."""
