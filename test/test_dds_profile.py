# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Which Fast DDS profile a process names, in both dialects, wherever the package is."""

from __future__ import annotations

import os
import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rl_bridge import dds_profile
from rl_bridge.dds_profile import (
    MARK_NS,
    REQUIRE_VARIABLE,
    is_required,
    not_in_effect,
    shipped_file,
    use_profile,
)
from rl_bridge.errors import ConfigError

FOLDER = Path(__file__).resolve().parent.parent / 'config' / 'fastdds'
OLD, NEW = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'
RCLPY_OF = {'jazzy': '7.1.6', 'kilted': '9.1.2'}


def snake(tag: str) -> str:
    """Fast DDS 3 renamed the times of writers and readers, and nothing else that is used here."""
    return re.sub('(?<=[a-z])([A-Z])', lambda match: '_' + match[1].lower(), tag)


def content(path: Path) -> list[tuple[str, str]]:
    """Each number or word of a profile with the names that lead to it."""
    found: list[tuple[str, str]] = []

    def walk(element: ElementTree.Element, place: str) -> None:
        place = f'{place}/{snake(element.tag.partition("}")[2])}'
        found.extend((f'{place}@{name}', value) for name, value in element.attrib.items())
        if element.text and element.text.strip():
            found.append((place, element.text.strip()))
        for child in element:
            walk(child, place)

    walk(ElementTree.parse(path).getroot(), '')
    return found


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (OLD, NEW, REQUIRE_VARIABLE, 'FASTDDS_BUILTIN_TRANSPORTS'):
        monkeypatch.setenv(name, '')  # so that what a test leaves here is taken back
        monkeypatch.delenv(name)


@pytest.fixture(params=['jazzy', 'kilted'])
def distribution(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    wanted: str = request.param
    monkeypatch.setattr(dds_profile, 'version', lambda package: RCLPY_OF[wanted])
    return wanted


def test_both_dialects_say_the_same() -> None:
    assert content(FOLDER / 'fastdds_2.xml') == content(FOLDER / 'fastdds_3.xml')


@pytest.mark.parametrize('dialect', [2, 3])
def test_who_chooses_the_transports_gets_the_same_profile_without_its_own(dialect: int) -> None:
    ours = content(FOLDER / f'fastdds_{dialect}.xml')
    plain = content(FOLDER / f'fastdds_{dialect}_builtin.xml')
    assert plain == [entry for entry in ours if 'transport' not in entry[0]]
    assert len(plain) < len(ours)


def test_the_variable_for_transports_chooses_that_profile(
    distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'UDPv4')
    assert use_profile().path.endswith('_builtin.xml')


def test_no_shared_memory_makes_a_writer_wait_for_a_killed_reader() -> None:
    kinds = [value for place, value in content(shipped_file()) if place.endswith('/type')]
    assert kinds == ['UDPv4']


def test_each_dialect_has_its_own_names() -> None:
    assert '<heartbeatPeriod>' in (FOLDER / 'fastdds_2.xml').read_text()
    assert '<heartbeat_period>' in (FOLDER / 'fastdds_3.xml').read_text()


def test_the_profile_bears_the_mark_and_the_times_that_the_docs_promise() -> None:
    times = {tuple(place.split('/')[-2:]): value for place, value in content(shipped_file())}
    assert int(times['duration', 'sec']) * 10**9 == MARK_NS
    assert times['lease_duration', 'sec'] == '3'
    assert times['lease_announcement', 'nanosec'] == '250000000'
    assert times['heartbeat_period', 'nanosec'] == '5000000'


def test_the_mark_is_longer_than_the_jump_of_a_clock_that_began_in_1970() -> None:
    assert MARK_NS > (2030 - 1970) * 365 * 86400 * 10**9


def test_a_process_names_the_profile_of_its_fast_dds(distribution: str) -> None:
    profile = use_profile()
    variable = {'jazzy': OLD, 'kilted': NEW}[distribution]
    assert (profile.variable, profile.own) == (variable, False)
    assert os.environ[variable] == profile.path == str(shipped_file())
    assert {OLD, NEW} & set(os.environ) == {variable}


def test_naming_it_again_changes_nothing() -> None:
    assert use_profile() == use_profile()


def test_a_file_that_the_user_names_stays(
    distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = {'jazzy': OLD, 'kilted': NEW}[distribution]
    monkeypatch.setenv(variable, '/mine.xml')
    before = dict(os.environ)
    profile = use_profile()
    assert (profile.variable, profile.path, profile.own) == (variable, '/mine.xml', True)
    assert dict(os.environ) == before


def test_the_old_variable_still_counts_with_fast_dds_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dds_profile, 'version', lambda package: RCLPY_OF['kilted'])
    monkeypatch.setenv(OLD, '/mine.xml')
    assert use_profile().own and NEW not in os.environ


def test_the_new_variable_means_nothing_to_fast_dds_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dds_profile, 'version', lambda package: RCLPY_OF['jazzy'])
    monkeypatch.setenv(NEW, '/mine.xml')
    assert not use_profile().own and OLD in os.environ


@pytest.mark.parametrize(('distro', 'name'), [('jazzy', 'fastdds_2'), ('rolling', 'fastdds_3')])
def test_without_package_metadata_the_distributions_name_decides(
    monkeypatch: pytest.MonkeyPatch, distro: str, name: str
) -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(dds_profile, 'version', missing)
    monkeypatch.setenv('ROS_DISTRO', distro)
    assert shipped_file().stem == name


class TestWhereItIs:
    @pytest.fixture(autouse=True)
    def installed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A package in site-packages, no source tree beside it."""
        monkeypatch.setattr(dds_profile, '__file__', str(tmp_path / 'lib' / 'a' / 'b.py'))
        monkeypatch.setattr(dds_profile.sys, 'prefix', str(tmp_path / 'venv'))
        monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path / 'ws' / 'install'))

    @pytest.mark.parametrize('prefix', ['ws/install', 'venv'])
    def test_it_is_found_in_a_share_folder(self, tmp_path: Path, prefix: str) -> None:
        share = tmp_path / prefix / 'share' / 'rl_bridge' / 'config' / 'fastdds'
        share.mkdir(parents=True)
        for name in ('fastdds_2.xml', 'fastdds_3.xml'):
            (share / name).write_text('')
        assert shipped_file().parent == share

    def test_a_package_without_it_says_where_it_looked(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r'fastdds_\d\.xml.*share folder') as caught:
            use_profile()
        assert str(tmp_path / 'venv') in str(caught.value)


@pytest.mark.parametrize(
    ('value', 'required'),
    [(None, True), ('', True), ('1', True), ('0', False), ('False', False), (' no ', False)])
def test_the_environment_tells_whether_a_client_requires_it(
    monkeypatch: pytest.MonkeyPatch, value: Any, required: bool
) -> None:
    if value is not None:
        monkeypatch.setenv(REQUIRE_VARIABLE, value)
    assert is_required() is required


def test_the_sentence_about_an_own_file_names_both_files_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch, distribution: str
) -> None:
    monkeypatch.setenv({'jazzy': OLD, 'kilted': NEW}[distribution], '/mine.xml')
    sentence = not_in_effect(use_profile(), way_out='stand on one leg')
    for part in ('/mine.xml', str(shipped_file()), 'stand on one leg'):
        assert part in sentence
