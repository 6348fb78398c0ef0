# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Spaces <-> JSON, values <-> message fields, info <-> JSON: pure, without ROS."""

from rl_bridge.wire.codec import SpaceCodec
from rl_bridge.wire.info import info_from_json, info_to_json
from rl_bridge.wire.spaces import space_from_json, space_to_json
from rl_bridge.wire.specs import Specs, specs_from_json, specs_hash, specs_to_json

__all__ = [
    'SpaceCodec',
    'Specs',
    'info_from_json',
    'info_to_json',
    'space_from_json',
    'space_to_json',
    'specs_from_json',
    'specs_hash',
    'specs_to_json',
]
