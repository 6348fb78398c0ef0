# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The limits, the stop states and the guard: the gate through which every motion command goes."""
