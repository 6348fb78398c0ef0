# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Two hosts on one machine, joined by a wire that loses, delays, repeats, reorders and breaks."""
