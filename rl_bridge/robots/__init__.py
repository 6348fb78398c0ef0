# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
