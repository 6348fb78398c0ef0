# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a bridge tells of its environment, as strict JSON with sorted keys, and the hash of it."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any, NoReturn

from gymnasium import spaces

from rl_bridge.errors import SpecError, WireError
from rl_bridge.wire.paths import short
from rl_bridge.wire.spaces import space_from_json, space_to_json


@dataclass(slots=True, frozen=True)
class Specs:
    """
    What a client has to know to look like the environment.

    :param action_space: of the hosted environment.
    :param observation_space: of the hosted environment.
    :param render_modes: what ``Render`` can answer.
    :param control_period: seconds; 0 = lock-step.
    :param env: the environment's name for people.
    :param reward_terms: names of the reward's terms, in the order of ``info['reward_terms']``.
    """

    action_space: spaces.Space[Any]
    observation_space: spaces.Space[Any]
    render_modes: list[str] = field(default_factory=list)
    control_period: float = 0.0
    env: str = ''
    reward_terms: list[str] = field(default_factory=list)


def specs_to_json(specs: Specs) -> str:
    """
    Write specs; equal specs give the same text.

    :raises SpecError: a space cannot travel, or the control period is no finite number >= 0.
    """
    if not (math.isfinite(specs.control_period) and specs.control_period >= 0):
        raise SpecError(f'control_period is {specs.control_period}, expected seconds >= 0.')
    data = {'render_modes': list(specs.render_modes), 'reward_terms': list(specs.reward_terms)}
    return json.dumps(
        {
            **data,
            'action_space': space_to_json(specs.action_space, name='action_space'),
            'observation_space': space_to_json(
                specs.observation_space, name='observation_space'
            ),
            'control_period': float(specs.control_period),
            'env': specs.env,
        },
        allow_nan=False,
        sort_keys=True,
        separators=(',', ':'),
    )


def specs_from_json(text: str) -> Specs:
    """
    Read what ``specs_to_json`` wrote.

    :raises WireError: it is no strict JSON, a field is missing or wrong, or a space is.
    """
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f'The specs are no strict JSON: {error}') from error
    if not isinstance(data, dict):
        raise WireError(f'The specs are {short(data)}, expected a JSON object.')
    try:
        return Specs(
            action_space=_space_from_json(data, 'action_space'),
            observation_space=_space_from_json(data, 'observation_space'),
            render_modes=_strings(data, 'render_modes'),
            control_period=_period(data),
            env=_string(data['env'], 'env'),
            reward_terms=_strings(data, 'reward_terms'),
        )
    except KeyError as error:
        raise WireError(f'The specs lack {error.args[0]!r}.') from error


def specs_hash(text: str) -> str:
    """
    Return the SHA-256 of specs, in hexadecimal.

    :param text: what ``specs_to_json`` returned, unchanged.
    """
    return hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()


def _space_from_json(data: dict[str, Any], name: str) -> spaces.Space[Any]:
    try:
        return space_from_json(data[name], name=name)
    except SpecError as error:
        raise WireError(f'The specs name a space that cannot be built: {error}') from error


def _strings(data: dict[str, Any], name: str) -> list[str]:
    values = data[name]
    if not isinstance(values, list):
        raise WireError(f'{name} is {short(values)}, expected a list of strings.')
    return [_string(value, name) for value in values]


def _string(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise WireError(f'{name} is {short(value)}, expected a string.')
    return value


def _period(data: dict[str, Any]) -> float:
    value = data['control_period']
    if type(value) not in (int, float) or not 0 <= value < math.inf:
        raise WireError(f'control_period is {short(value)}, expected seconds >= 0.')
    return float(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is not JSON')
