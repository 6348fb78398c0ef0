# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The steps of bootstrap.py: standard library only, readable by Python 3.8."""
