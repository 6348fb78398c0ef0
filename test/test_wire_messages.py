# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Values through the real messages, serialised as they travel, where the interfaces are built."""

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from wire_spaces import SPACES, THOROUGH, same, value_of

from rl_bridge.types import Leaf as PlainLeaf
from rl_bridge.wire import SpaceCodec, info_from_json, info_to_json

# Unbuilt, the package exists and is empty: ask for the symbol.
interfaces = pytest.importorskip('rl_bridge_interfaces.msg')
if not hasattr(interfaces, 'Leaf'):
    pytest.skip('the interfaces are not built', allow_module_level=True)
serialization = pytest.importorskip('rclpy.serialization')
services = pytest.importorskip('rl_bridge_interfaces.srv')


def through_cdr(message):
    """A message as the other side receives it."""
    data = serialization.serialize_message(message)
    return serialization.deserialize_message(data, type(message))


@THOROUGH
@given(SPACES, st.integers(0, 2**32 - 1))
def test_an_observation_comes_back_down_to_the_bits_through_a_real_message(space, seed):
    codec = SpaceCodec(space)
    value = value_of(space, np.random.default_rng(seed), wild=True)
    message = through_cdr(interfaces.Transition(observation=codec.pack(value, interfaces.Leaf)))
    assert same(codec.unpack(message.observation), value)


@THOROUGH
@given(SPACES, st.integers(0, 2**32 - 1))
def test_an_action_comes_back_down_to_the_bits_through_a_real_message(space, seed):
    codec = SpaceCodec(space)
    value = value_of(space, np.random.default_rng(seed))
    try:
        numbers, texts = codec.flatten(value)
    except ValueError as error:
        assert 'beyond 2^53' in str(error)
        return
    message = through_cdr(services.Step.Request(action=numbers, action_text=texts))
    assert same(codec.unflatten(message.action, message.action_text), value)


def test_an_info_with_any_character_comes_back_through_a_real_message():
    info = {'nul': 'a\0b', 'lone surrogate': '\ud800', 'ä': '🦾', 'x': np.arange(3)}
    message = through_cdr(services.Step.Response(info=info_to_json(info)))
    assert same(info_from_json(message.info), info)


def test_the_leaf_of_the_messages_has_the_fields_of_the_plain_one():
    fields = interfaces.Leaf.get_fields_and_field_types()
    assert list(fields) == list(PlainLeaf.__dataclass_fields__)
    codec = SpaceCodec(spaces.Box(0, 255, (8, 8, 3), np.uint8))
    picture = codec.space.sample()
    for leaf_type in (interfaces.Leaf, PlainLeaf):
        assert same(codec.unpack(codec.pack(picture, leaf_type)), picture)
