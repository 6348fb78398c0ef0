# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The interface files, Python's enums and dataclasses, and the built messages say the same."""

from __future__ import annotations

import dataclasses
import importlib
import re
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from rl_bridge import types
from rl_bridge.safety import guard_state

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / 'rl_bridge_interfaces'
FILES = sorted([*FOLDER.glob('msg/*.msg'), *FOLDER.glob('srv/*.srv')])
CONSTANT = re.compile(r'^uint8 ([A-Z][A-Z0-9_]*)=(\d+)', re.MULTILINE)
FIELD = re.compile(r'^([a-zA-Z][\w/]*(?:\[\])?) ([a-z][a-z0-9_]*)\s*(?:#.*)?$')


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding='utf-8')


def constants(name: str) -> dict[str, int]:
    return {key: int(value) for key, value in CONSTANT.findall(text(name))}


def members(*kinds: type[IntEnum]) -> dict[str, int]:
    return {member.name: int(member) for kind in kinds for member in kind}


def fields(part: str) -> dict[str, str]:
    """The fields of a message, or of one half of a service, with their types."""
    found = {}
    for line in part.splitlines():
        if not line.strip() or line.startswith('#') or CONSTANT.match(line):
            continue
        match = FIELD.match(line)
        assert match, f'{line!r} is neither a field, a constant nor a comment'
        found[match[2]] = match[1]
    return found


def names(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def test_status_codes_are_the_messages() -> None:
    assert constants('msg/Status.msg') == members(types.StatusCode)


def test_stop_states_and_reasons_are_the_messages() -> None:
    found = constants('msg/Stop.msg')
    assert found == members(types.StopState, types.StopReason)
    assert len(found) == len(types.StopState) + len(types.StopReason)


def test_command_kinds_are_the_messages() -> None:
    assert constants('msg/Command.msg') == members(types.CommandKind)


def test_verbs_are_the_messages() -> None:
    assert constants('srv/Authorized.srv') == members(types.Verb)


def test_the_page_lists_every_status_state_and_reason() -> None:
    page = (ROOT / 'docs' / 'wire.md').read_text(encoding='utf-8')
    codes, stops = page.split('## Status codes')[1].split('## Stops')
    states, reasons = stops.split('## Sessions')[0].split('| number | reason |')
    row = re.compile(r'^\| (\d+) \| `([A-Z_]+)`', re.MULTILINE)
    for text_, kind in (
        (codes, types.StatusCode), (states, types.StopState), (reasons, types.StopReason)
    ):  # fmt: skip
        assert {name: int(number) for number, name in row.findall(text_)} == members(kind)


@pytest.mark.parametrize('name', ['Status', 'Stop', 'Leaf', 'Link', 'Timing'])
def test_a_plain_message_has_the_fields_of_its_file(name: str) -> None:
    assert names(getattr(types, name)) == list(fields(text(f'msg/{name}.msg')))


@pytest.mark.parametrize(
    ('service', 'request_type', 'reply_type'),
    [
        ('Reset', types.ResetRequest, types.ResetReply),
        ('Step', types.StepRequest, types.StepReply),
        ('GetSpecs', None, types.SpecsReply),
        ('Close', None, types.CloseReply),
        ('Render', None, types.RenderReply),
        ('Authorized', types.AuthorizedRequest, types.AuthorizedReply),
    ],
)
def test_a_plain_request_and_reply_have_the_fields_of_their_service(
    service: str, request_type: Any, reply_type: Any
) -> None:
    asked, answered = re.split(r'^---$', text(f'srv/{service}.srv'), flags=re.MULTILINE)
    if request_type is not None:
        assert names(request_type) == list(fields(asked))
    assert names(reply_type) == list(fields(answered))


def test_the_guards_plain_data_has_the_fields_of_its_messages() -> None:
    counted_by_the_log = {'events'}
    assert set(names(guard_state.GuardStatus)) | counted_by_the_log == set(
        fields(text('msg/GuardStatus.msg')))  # fmt: skip
    assert set(names(guard_state.GuardCommand)) == set(fields(text('msg/Command.msg')))
    assert set(names(guard_state.Tick)) <= set(fields(text('msg/Heartbeat.msg')))


def test_every_reply_begins_with_a_status() -> None:
    for path in FOLDER.glob('srv/*.srv'):
        _, answered = path.read_text(encoding='utf-8').split('---\n')
        assert next(iter(fields(answered).items())) == (
            'status', 'rl_bridge_interfaces/Status'), path.name  # fmt: skip


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_an_interface_is_built_as_it_is_written(path: Path) -> None:
    kind = path.suffix[1:]
    module = importlib.import_module(f'rl_bridge_interfaces.{kind}')
    built = getattr(module, path.stem, None)
    if built is None:
        pytest.skip('the interfaces are not built')
    halves = re.split(r'^---$', path.read_text(encoding='utf-8'), flags=re.MULTILINE)
    classes = [built] if kind == 'msg' else [built.Request, built.Response]
    for half, made in zip(halves, classes, strict=True):
        assert list(made.get_fields_and_field_types()) == list(fields(half))
    for name, value in constants(f'{kind}/{path.name}').items():
        assert getattr(classes[0], name) == value


def test_every_interface_file_is_in_the_build() -> None:
    listed = re.findall(r'^\s+"?((?:msg|srv)/\w+\.(?:msg|srv))', text('CMakeLists.txt'), re.M)
    assert sorted(listed) == sorted(str(path.relative_to(FOLDER)) for path in FILES)
