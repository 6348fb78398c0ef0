# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
# Sourced from the root, `. ./env.sh` sets up what is missing and makes this checkout's ROS 2,
# Python and commands those of the current shell. ROS=kilted picks the other distribution.
eval "$("${PYTHON:-python3}" "$(dirname "${BASH_SOURCE:-./env.sh}")/bootstrap.py" env)"
