# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Which Fast DDS profile a process uses: rl_bridge's own, unless the user names another.

With Fast DDS's defaults a lost packet is noticed after up to 3 s, a dead process shown for 20 s,
and a new one found after up to 4 s. ``config/fastdds`` changes that. Fast DDS reads the file once,
when the process makes its first ROS node, so :func:`use_profile` comes before that.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rl_bridge.errors import ConfigError

#: The lifespan that the profile gives every writer: 60 years, and nobody else's number. It is what
#: a process can read back. Longer than the jump of a clock that begins in 1970.
MARK_NS = 1_900_000_007 * 1_000_000_000
#: '0' = go on with whatever profile is in effect.
REQUIRE_VARIABLE = 'RL_BRIDGE_REQUIRE_DDS_PROFILE'

_LAST_RCLPY_WITH_FAST_DDS_2 = 7  # Jazzy's


@dataclass(frozen=True, slots=True)
class Profile:
    """
    The profile that this process asks for.

    :param variable: the environment variable that names it.
    :param path: the file.
    :param own: whether the user named it, not rl_bridge.
    """

    variable: str
    path: str
    own: bool


def use_profile() -> Profile:
    """
    Have this process use rl_bridge's Fast DDS profile, unless a variable names another file.

    Call it before the first ROS node of the process; further calls change nothing. Other
    middlewares do not read the variable.

    :raises ConfigError: the package was installed without its profiles.
    """
    old, new = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'
    ours = shipped_file()
    # Fast DDS 2 reads the old name alone; ROS 2 with Fast DDS 3 the new one, else the old one.
    read = (old,) if _is_fast_dds_2() else (new, old)
    for variable in read:
        path = os.environ.get(variable, '')
        if path:
            return Profile(variable, path, own=path != str(ours))
    os.environ[read[0]] = str(ours)
    return Profile(read[0], str(ours), own=False)


def shipped_file() -> Path:
    """
    Return rl_bridge's profile in the dialect of the installed Fast DDS.

    :raises ConfigError: the package was installed without it.
    """
    # A user who chooses the transports by this variable gets them: Fast DDS reads it only where
    # the profile names none.
    transports = '_builtin' if os.environ.get('FASTDDS_BUILTIN_TRANSPORTS') else ''
    name = f'config/fastdds/fastdds_{2 if _is_fast_dds_2() else 3}{transports}.xml'
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    candidates = [Path(__file__).resolve().parent.parent / name]
    candidates += [Path(prefix, 'share', 'rl_bridge', name) for prefix in prefixes if prefix]
    for path in candidates:
        if path.is_file():
            return path
    raise ConfigError(
        f'The Fast DDS profile is none of {", ".join(map(str, candidates))}; install rl_bridge '
        'with its share folder (colcon build, or pip install).'
    )


def is_required() -> bool:
    """Return whether the environment leaves the profile required."""
    return os.environ.get(REQUIRE_VARIABLE, '').strip().lower() not in ('0', 'false', 'no')


def not_in_effect(profile: Profile, *, way_out: str) -> str:
    """
    Compose the sentence for a process whose writers do not bear the profile's mark.

    :param way_out: how to go on without it.
    """
    if profile.own:
        cause = (
            f'{profile.variable} names {profile.path}, which lacks its settings or cannot be read '
            f'(see above): unset the variable, or take the default profiles of {shipped_file()} '
            'into your file'
        )
    else:
        cause = (
            'this process had a ROS node before rl_bridge could name it, and Fast DDS reads it '
            'once: call rl_bridge.dds_profile.use_profile() before the first node, or set '
            f'{profile.variable}={profile.path} in the environment'
        )
    return (
        f"rl_bridge's Fast DDS profile is not in effect: {cause}. Without it a lost packet costs "
        f'up to seconds and a dead peer is shown for 20 s. To go on all the same, {way_out}.'
    )


def _is_fast_dds_2() -> bool:
    try:
        return int(version('rclpy').partition('.')[0]) <= _LAST_RCLPY_WITH_FAST_DDS_2
    except (PackageNotFoundError, ValueError):
        return os.environ.get('ROS_DISTRO', '') in ('humble', 'iron', 'jazzy')
