# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The table of parameters: its checks, its node declaration, and the page made from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rl_bridge import parameters
from rl_bridge.errors import ConfigError

PAGE = Path(__file__).resolve().parent.parent / 'docs' / 'parameters.md'
NUMBERS = [parameter for parameter in parameters.TABLE if parameter.limits is not None]


def test_the_page_is_made_from_the_table() -> None:
    assert PAGE.read_text(encoding='utf-8') == parameters.page(), (
        'docs/parameters.md is out of date: python -m rl_bridge.parameters > docs/parameters.md'
    )


def test_each_parameter_stands_once_in_the_table() -> None:
    names = [parameter.name for parameter in parameters.TABLE]
    assert len(names) == len(set(names))


@pytest.mark.parametrize('parameter', parameters.TABLE, ids=lambda parameter: parameter.name)
def test_a_default_is_accepted(parameter: parameters.Parameter) -> None:
    assert parameters.check(parameter.name, parameter.default) == ''


@pytest.mark.parametrize('parameter', NUMBERS, ids=lambda parameter: parameter.name)
def test_a_number_is_accepted_at_its_limits_and_refused_beyond(
    parameter: parameters.Parameter,
) -> None:
    assert parameter.limits is not None
    low, high = parameter.limits
    assert parameters.check(parameter.name, low) == ''
    assert parameters.check(parameter.name, high) == ''
    for beyond in (low - 0.001, high + 0.001, float('nan'), float('inf')):
        wrong = parameters.check(parameter.name, beyond)
        assert parameter.name in wrong and f'{low:g}' in wrong and f'{high:g}' in wrong


def test_a_command_interface_is_velocity_position_or_effort() -> None:
    for interface in ('velocity', 'position', 'effort'):
        assert parameters.check('command_interface', interface) == ''
    wrong = parameters.check('command_interface', 'thrust')
    assert "'thrust'" in wrong and 'velocity, position, effort' in wrong


def test_what_is_not_in_the_table_is_no_business_of_it() -> None:
    assert parameters.check('use_sim_time', object()) == ''


def test_the_authority_is_three_periods_but_never_shorter_than_150_ms() -> None:
    assert parameters.authority_s(authority_time=0.0, control_rate=10.0) == pytest.approx(0.3)
    assert parameters.authority_s(authority_time=0.0, control_rate=125.0) == 0.15


def test_an_authority_that_was_set_is_taken_as_it_is() -> None:
    assert parameters.authority_s(authority_time=0.05, control_rate=125.0) == 0.05


class Given:
    """A node's parameters as the table reads them, without ROS."""

    def __init__(self, **values: Any) -> None:
        self._values = {parameter.name: parameter.default for parameter in parameters.TABLE}
        self._values.update(values)

    def get_parameter(self, name: str) -> Any:
        return type('Value', (), {'value': self._values[name]})


def test_all_values_are_read_by_name() -> None:
    found = parameters.values(Given(control_rate=50.0))
    assert found['control_rate'] == 50.0
    assert set(found) == {parameter.name for parameter in parameters.TABLE}


def test_a_value_out_of_its_limits_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigError, match=r'control_rate is 5000.0; it must be from 0.1 to 1000'):
        parameters.values(Given(control_rate=5000.0))


@pytest.fixture
def node() -> Iterator[Any]:
    rclpy = pytest.importorskip('rclpy', reason='rclpy is not installed')
    context = rclpy.context.Context()
    rclpy.init(context=context)
    made = rclpy.create_node('table', context=context)
    parameters.declare(made)
    yield made
    made.destroy_node()
    context.shutdown()


def test_a_node_has_every_parameter_with_its_default(node: Any) -> None:
    assert parameters.values(node) == {
        parameter.name: parameter.default for parameter in parameters.TABLE
    }


def test_a_node_refuses_a_number_out_of_range_and_keeps_the_old_one(node: Any) -> None:
    from rclpy.parameter import Parameter

    results = node.set_parameters([Parameter('control_rate', value=5000.0)])
    assert not results[0].successful
    assert node.get_parameter('control_rate').value == 25.0


def test_a_node_describes_each_parameter(node: Any) -> None:
    for parameter in parameters.TABLE:
        assert node.describe_parameter(parameter.name).description == parameter.description
