# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Robot and task joined into a Gymnasium environment, and the catalogue of ready ones."""
