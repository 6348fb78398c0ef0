# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What to tell somebody whose bridge cannot be found: the likely causes, most likely first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

STEP_TYPE = 'rl_bridge_interfaces/srv/Step'


def bridges_among(services: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """
    Return the names of the bridges that a ROS graph shows.

    :param services: names and types, as ``Node.get_service_names_and_types`` gives them.
    """
    return sorted(
        name[: -len('/step')]
        for name, types in services
        if name.endswith('/step') and STEP_TYPE in types)


def not_found(bridge: str, *, others: Sequence[str], domain_id: int, timeout_s: float) -> str:
    """Compose the sentence for a bridge that the graph does not show."""
    if others:
        seen = f'It sees {", ".join(others)}: is one of these meant?'
    else:
        seen = 'It sees no other bridge either.'
    return (
        f'No bridge {bridge} was found within {timeout_s:g} s on ROS domain {domain_id} '
        f'({_discovery_range()}). {seen} Check that the bridge runs ("ros2 node list" beside it), '
        'and that both sides have the same ROS_DOMAIN_ID and RMW_IMPLEMENTATION; on two machines '
        'neither side may have ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST; where /dev/shm is shared '
        'with a container or another user, set FASTDDS_BUILTIN_TRANSPORTS=UDPv4 on both sides.'
    )


def silent(bridge: str, *, domain_id: int, timeout_s: float) -> str:
    """Compose the sentence for a bridge that the graph shows but that does not answer."""
    return (
        f'{bridge} is visible on ROS domain {domain_id} ({_discovery_range()}) but did not answer '
        f'within {timeout_s:g} s. Most likely it died a moment ago (DDS shows it for 3 s more, '
        "for 20 s without rl_bridge's profile) or hangs: look at its process and log. If it is "
        'well, data does not get through: '
        'where /dev/shm is shared with a container or another user, set '
        'FASTDDS_BUILTIN_TRANSPORTS=UDPv4 on both sides.'
    )


def ambiguous(bridge: str, *, count: int, domain_id: int) -> str:
    """Compose the sentence for more than one live bridge of one name."""
    return (
        f'{count} bridges named {bridge} answer on ROS domain {domain_id}: every request would '
        'reach each of them and move each robot. End all but one, or give each its own namespace '
        'or ROS_DOMAIN_ID.'
    )


def _discovery_range() -> str:
    wanted = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    return f'discovery range {wanted or "SUBNET, the default"}'
