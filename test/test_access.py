# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The shared secret: where it comes from, that it is never shown, and what a proof covers."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import hmac
import os
import pickle
import re
import struct
from array import array
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rl_bridge import access
from rl_bridge.access import GuardAccess, Secret, load_secret
from rl_bridge.errors import ConfigError
from rl_bridge.types import CommandKind, ResetRequest, StepRequest

ROOT = Path(__file__).resolve().parent.parent
KEY = b'correct horse battery staple'
NOW_NS = 10**12
MS = 1_000_000


def secret_file(folder: Path, content: bytes = KEY, mode: int = 0o600) -> Path:
    path = folder / 'secret'
    path.write_bytes(content)
    path.chmod(mode)
    return path


# -- where it comes from -------------------------------------------------------------------------


def test_no_secret_is_set_by_default() -> None:
    assert load_secret(environ={}) is None
    assert load_secret('', environ={'RL_BRIDGE_SECRET': '', 'RL_BRIDGE_SECRET_FILE': ''}) is None


def same(first: Secret | None, second: Secret | None) -> bool:
    assert first is not None and second is not None
    return first.proves(b'claim', second.prove(b'claim'))


def test_a_file_the_variable_of_a_file_and_the_variable_give_the_same_secret(
    tmp_path: Path,
) -> None:
    path = secret_file(tmp_path, KEY + b'\n')
    of_path = load_secret(path, environ={})
    assert same(of_path, Secret(KEY))
    assert same(of_path, load_secret(environ={'RL_BRIDGE_SECRET_FILE': str(path)}))
    assert same(of_path, load_secret(environ={'RL_BRIDGE_SECRET': KEY.decode()}))


def test_a_named_file_wins_over_the_environment(tmp_path: Path) -> None:
    path = secret_file(tmp_path)
    environ = {'RL_BRIDGE_SECRET_FILE': '/nowhere', 'RL_BRIDGE_SECRET': 'another secret of many'}
    assert same(load_secret(path, environ=environ), Secret(KEY))


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('RL_BRIDGE_SECRET', KEY.decode())
    assert same(load_secret(), Secret(KEY))


@pytest.mark.parametrize('mode', [0o604, 0o602, 0o601, 0o620, 0o666, 0o644])
def test_a_file_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path, mode=mode)
    with pytest.raises(ConfigError, match=f'{mode:04o}.*chmod 600') as caught:
        load_secret(path)
    assert KEY.decode() not in str(caught.value)


@pytest.mark.parametrize('mode', [0o600, 0o400, 0o440, 0o640])
def test_a_file_of_the_owner_and_its_group_is_taken(tmp_path: Path, mode: int) -> None:
    assert load_secret(secret_file(tmp_path, mode=mode)) is not None


@pytest.mark.parametrize('length', [0, 1, 15, 4097])
def test_a_secret_too_short_or_too_long_is_refused(tmp_path: Path, length: int) -> None:
    path = secret_file(tmp_path, b'x' * length)
    with pytest.raises(ConfigError, match=f'{length} bytes; 16 to 4096 are needed'):
        load_secret(path)


@pytest.mark.parametrize('length', [16, 4096])
def test_the_shortest_and_the_longest_secret_are_taken(tmp_path: Path, length: int) -> None:
    assert load_secret(secret_file(tmp_path, b'x' * length)) is not None


def test_white_space_alone_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='0 bytes'):
        load_secret(secret_file(tmp_path, b' \n' * 20))


def test_a_short_variable_is_refused_and_named() -> None:
    with pytest.raises(ConfigError, match='RL_BRIDGE_SECRET holds a secret of 5 bytes') as caught:
        load_secret(environ={'RL_BRIDGE_SECRET': 'hush!'})
    assert 'hush!' not in str(caught.value)


def test_a_file_that_is_not_there_is_named_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'nowhere cannot be read: .*openssl rand'):
        load_secret(tmp_path / 'nowhere')


def test_a_folder_a_pipe_and_a_device_are_no_secret_files(tmp_path: Path) -> None:
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path('/dev/zero')):
        with pytest.raises(ConfigError, match='no regular file'):
            load_secret(path)


# -- out of sight --------------------------------------------------------------------------------


def test_a_secret_is_never_shown_nor_carried_away(tmp_path: Path) -> None:
    secret = load_secret(secret_file(tmp_path))
    assert secret is not None
    shown = f'{secret} {secret!r} {vars(type(secret)).get("_key")}'
    assert KEY.decode() not in shown and KEY.hex() not in shown
    assert 'secret file' in repr(secret)
    for carry in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match='not pickled or copied'):
            carry(secret)


# -- proofs --------------------------------------------------------------------------------------


def test_a_proof_is_hmac_sha256_of_the_claim() -> None:
    proof = Secret(KEY).prove(b'a claim')
    assert proof == array('B', hmac.new(KEY, b'a claim', hashlib.sha256).digest())
    assert Secret(KEY).proves(b'a claim', proof)


def test_a_proof_is_for_one_claim_and_one_secret_and_whole() -> None:
    secret = Secret(KEY)
    proof = secret.prove(b'a claim')
    assert not secret.proves(b'a clain', proof)
    assert not Secret(KEY + b'!').proves(b'a claim', proof)
    for wrong in (b'', proof[:-1], [*proof, 0], bytes(32), proof[::-1]):
        assert not secret.proves(b'a claim', wrong)
    for index in range(len(proof)):
        changed = array('B', proof)
        changed[index] ^= 1
        assert not secret.proves(b'a claim', changed)


def test_proofs_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(first: bytes, second: bytes) -> bool:
        compared.append((first, second))
        return first == second

    monkeypatch.setattr(access.hmac, 'compare_digest', compare)
    secret = Secret(KEY)
    proof = secret.prove(b'claim')
    assert secret.proves(b'claim', proof)
    assert compared == [(bytes(proof), bytes(proof))]


def test_random_secrets_differ() -> None:
    assert not same(Secret.random(), Secret.random())


# -- claims --------------------------------------------------------------------------------------


def reset(**fields: Any) -> bytes:
    known: dict[str, Any] = {
        'client_id': 'ann', 'session': 's', 'reset_id': 7, 'takeover': False, 'has_seed': True,
        'seed': -3, 'options': '{}', 'specs_hash': 'abc', 'epoch': 9,
    }  # fmt: skip
    return access.reset_claim(ResetRequest(**{**known, **fields}))


def step(epoch: int = 9, **fields: Any) -> bytes:
    known: dict[str, Any] = {
        'action': array('d', [0.5, -1.0]), 'action_text': ['a', 'bc'], 'session': 's', 'step': 4,
        'echo_ns': 12, 'elapsed_ns': 34,
    }  # fmt: skip
    return access.step_claim(StepRequest(**{**known, **fields}), epoch=epoch)


def heartbeat(**fields: Any) -> bytes:
    known: dict[str, Any] = {'client_id': 'ann', 'session': 's', 'epoch': 9, 'count': 1}
    return access.heartbeat_claim(**{**known, **fields})


def authorized(**fields: Any) -> bytes:
    known: dict[str, Any] = {'verb': 1, 'bridge_id': 'b', 'echo_ns': 5}
    return access.authorized_claim(**{**known, **fields})


def command(guard_id: str = 'g', **fields: Any) -> bytes:
    return access.command_claim(command_of(**fields), guard_id=guard_id)


def command_of(**fields: Any) -> Any:
    known: dict[str, Any] = {
        'kind': 1, 'bridge_id': 'b', 'epoch': 9, 'episode': 2, 'step': 4, 'sequence': 77,
        'reason': 0, 'message': '', 'command': array('d', [0.1, 0.2]), 'authority_ns': 150,
        'stamp_ns': NOW_NS, 'auth': b'',
    }  # fmt: skip
    return SimpleNamespace(**{**known, **fields})


def of_session(claim: Callable[..., bytes]) -> Callable[..., bytes]:
    def claimed(session: str = 's', epoch: int = 9) -> bytes:
        return claim(session, epoch=epoch)

    return claimed


def tick(**fields: Any) -> bytes:
    return access.tick_claim(**{'bridge_id': 'b', 'count': 1, **fields})


CLAIMS: dict[str, tuple[Callable[..., bytes], dict[str, Any]]] = {
    'reset': (reset, {
        'client_id': 'bob', 'session': 't', 'reset_id': 8, 'takeover': True, 'has_seed': False,
        'seed': 3, 'options': '{ }', 'specs_hash': 'abd', 'epoch': 10}),
    'step': (step, {
        'action': array('d', [0.5, 1.0]), 'action_text': ['ab', 'c'], 'session': 't', 'step': 5,
        'echo_ns': 13, 'elapsed_ns': 35, 'epoch': 10}),
    'close': (of_session(access.close_claim), {'session': 't', 'epoch': 10}),
    'render': (of_session(access.render_claim), {'session': 't', 'epoch': 10}),
    'heartbeat': (heartbeat, {'client_id': 'bob', 'session': 't', 'epoch': 10, 'count': 2}),
    'authorized': (authorized, {'verb': 0, 'bridge_id': 'c', 'echo_ns': 6}),
    'command': (command, {
        'kind': 2, 'bridge_id': 'c', 'epoch': 10, 'episode': 3, 'step': 5, 'sequence': 78,
        'reason': 4, 'message': 'm', 'command': array('d', [0.1, 0.3]), 'authority_ns': 151,
        'stamp_ns': NOW_NS + 1, 'guard_id': 'h'}),
    'tick': (tick, {'bridge_id': 'c', 'count': 2}),
}  # fmt: skip


@pytest.mark.parametrize(
    ('name', 'field'), [(name, field) for name, (_, fields) in CLAIMS.items() for field in fields]
)
def test_a_claim_changes_with_every_field(name: str, field: str) -> None:
    claim, fields = CLAIMS[name]
    assert claim(**{field: fields[field]}) != claim()
    assert claim() == claim()


@pytest.mark.parametrize(
    ('kind', 'claim', 'beside'),
    [(ResetRequest, 'reset', set()), (StepRequest, 'step', {'epoch'})],
)
def test_every_field_of_a_request_but_its_proof_is_claimed(
    kind: Any, claim: str, beside: set[str]
) -> None:
    carried = {field.name for field in dataclasses.fields(kind)} - {'auth'}
    assert set(CLAIMS[claim][1]) == carried | beside


@pytest.mark.parametrize(
    ('message', 'claim', 'beside', 'unused'),
    [
        ('Command', 'command', {'guard_id'}, set()),
        ('Heartbeat', 'heartbeat', {'client_id'}, {'sender'}),
    ],
)
def test_every_field_of_a_message_but_its_proof_is_claimed(
    message: str, claim: str, beside: set[str], unused: set[str]
) -> None:
    kind = getattr(pytest.importorskip('rl_bridge_interfaces.msg'), message)
    carried = set(kind.get_fields_and_field_types()) - {'auth'}
    assert set(CLAIMS[claim][1]) - beside == carried - unused


def test_claims_of_different_kinds_never_meet() -> None:
    labels = [claim()[:4 + struct.unpack('<I', claim()[:4])[0]] for claim, _ in CLAIMS.values()]
    assert len(set(labels)) == len(labels)
    assert labels[0] == b'\x11\x00\x00\x00rl_bridge/2/reset'


def test_a_field_never_flows_into_the_next() -> None:
    assert reset(client_id='ab', session='c') != reset(client_id='a', session='bc')
    assert step(action_text=['ab']) != step(action_text=['a', 'b'])
    one, two = array('d', [1.0]), array('d', [1.0, 2.0])
    assert step(action=one) != step(action=two)
    assert step(action=array('d'), action_text=['\0' * 8]) != step(action=one, action_text=[])


def test_the_bytes_of_a_step_are_those_that_the_page_describes() -> None:
    def text(value: str) -> bytes:
        return struct.pack('<I', len(value.encode())) + value.encode()

    expected = (
        text('rl_bridge/2/step') + text('ß') + struct.pack('<QQqq', 9, 4, 12, 34)
        + struct.pack('<I2d', 2, 0.5, -1.0) + struct.pack('<I', 2) + text('a') + text('bc')
    )  # fmt: skip
    assert step(session='ß') == expected


def test_the_example_of_the_page_is_true() -> None:
    page = (ROOT / 'docs' / 'wire.md').read_text(encoding='utf-8')
    claim, proof = re.findall(r'^```text\n([0-9a-f ]+)\n```$', page, re.MULTILINE)
    secret = Secret(b'0123456789abcdef')
    assert bytes.fromhex(claim) == access.heartbeat_claim(
        client_id='ann', session='s', epoch=7, count=1)
    assert bytes.fromhex(proof) == bytes(secret.prove(bytes.fromhex(claim)))


@pytest.mark.parametrize('name', CLAIMS)
def test_the_page_has_the_label_of_every_claim(name: str) -> None:
    page = (ROOT / 'docs' / 'wire.md').read_text(encoding='utf-8')
    claim = CLAIMS[name][0]()
    length = struct.unpack('<I', claim[:4])[0]
    assert f'| `{claim[4 : 4 + length].decode()}` |' in page


def test_numbers_may_come_as_any_sequence() -> None:
    assert step(action=[0.5, -1.0]) == step() == step(action=(0.5, -1.0))


def test_text_that_is_no_unicode_is_claimed_all_the_same() -> None:
    assert reset(client_id='\udcff') != reset(client_id='\udcfe')


# -- the guard -----------------------------------------------------------------------------------


@pytest.fixture
def guard() -> GuardAccess:
    return GuardAccess(Secret(KEY), guard_id='g')


def signed(guard_id: str = 'g', key: bytes = KEY, **fields: Any) -> Any:
    made = command_of(**fields)
    made.auth = Secret(key).prove(access.command_claim(made, guard_id=guard_id))
    return made


def test_a_guard_without_a_secret_asks_for_no_proof() -> None:
    open_guard = GuardAccess(None, guard_id='g')
    assert open_guard.command_problem(command_of(stamp_ns=0), NOW_NS) == ''
    assert open_guard.tick_is_proven(SimpleNamespace(sender='b', count=1, auth=b''))


def test_a_guard_listens_to_who_knows_its_secret(guard: GuardAccess) -> None:
    assert guard.command_problem(signed(), NOW_NS) == ''


@pytest.mark.parametrize(
    'made',
    [command_of(), signed(key=b'another key of many'), signed(guard_id='the guard before')],
    ids=['no proof', 'another secret', 'for another guard'],
)
def test_a_guard_does_not_listen_to_others(guard: GuardAccess, made: Any) -> None:
    assert 'same secret_file' in guard.command_problem(made, NOW_NS)


def test_a_changed_command_is_not_listened_to(guard: GuardAccess) -> None:
    made = signed()
    made.command[0] = 0.15
    assert 'proof' in guard.command_problem(made, NOW_NS)


@pytest.mark.parametrize('kind', [CommandKind.BEGIN, CommandKind.MOVE, CommandKind.RECOVER])
def test_an_old_command_is_of_no_use_to_a_guard_that_knows_no_sequence_yet(
    guard: GuardAccess, kind: CommandKind
) -> None:
    made = signed(kind=kind)
    assert guard.command_problem(made, NOW_NS + 1000 * MS) == ''
    assert 'under way for 1001 ms' in guard.command_problem(made, NOW_NS + 1001 * MS)
    assert 'under way' in guard.command_problem(made, NOW_NS - 2 * MS)
    assert 'under way' in guard.command_problem(signed(kind=kind, stamp_ns=0), NOW_NS)


@pytest.mark.parametrize('kind', [CommandKind.HOLD, CommandKind.HALT])
def test_a_request_to_stop_never_comes_too_late(guard: GuardAccess, kind: CommandKind) -> None:
    assert guard.command_problem(signed(kind=kind), NOW_NS + 60_000 * MS) == ''


def test_a_tick_is_proven_with_its_count(guard: GuardAccess) -> None:
    proof = Secret(KEY).prove(access.tick_claim(bridge_id='b', count=5))
    assert guard.tick_is_proven(SimpleNamespace(sender='b', count=5, auth=proof))
    assert not guard.tick_is_proven(SimpleNamespace(sender='b', count=6, auth=proof))
    assert not guard.tick_is_proven(SimpleNamespace(sender='c', count=5, auth=proof))
    assert not guard.tick_is_proven(SimpleNamespace(sender='b', count=5, auth=b''))
