# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The shared secret: loaded, kept out of sight, and proven with HMAC-SHA256.

A *claim* is what a request says, as bytes: a label, then its fields in a fixed order. Numbers have
a fixed width and are little-endian; texts, numbers in arrays and lists are preceded by their
length. So no two requests have the same claim. A *proof* is the HMAC of a claim; docs/wire.md has
the layout, for other languages.

What makes each claim of use once only stands beside it: an epoch and a step, a reset id, a count,
a stamp. Whoever checks the proof checks that too.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import struct
import sys
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rl_bridge.errors import ConfigError
from rl_bridge.types import PROTOCOL_VERSION, CommandKind

LEAST_BYTES = 16
MOST_BYTES = 4096
PROOF_BYTES = 32
SECRET_FILE_VARIABLE = 'RL_BRIDGE_SECRET_FILE'
SECRET_VARIABLE = 'RL_BRIDGE_SECRET'
HOW_TO = 'make one with: (umask 077; openssl rand -hex 32 > PATH)'

Proof = Sequence[int]
NO_PROOF: Proof = b''
_LENGTH = struct.Struct('<I')


class Secret:
    """
    A key that bridge, guard and clients share. It is never shown.

    :param key: at least 16 bytes.
    :param source: where it came from, for errors: never the key itself.
    :raises ConfigError: it is too short or too long.
    """

    __slots__ = ('_key', '_source')

    def __init__(self, key: bytes, *, source: str = 'the secret') -> None:
        if not LEAST_BYTES <= len(key) <= MOST_BYTES:
            raise ConfigError(
                f'{source} holds a secret of {len(key)} bytes; {LEAST_BYTES} to {MOST_BYTES} are '
                f'needed: {HOW_TO}'
            )
        self._key = key
        self._source = source

    @classmethod
    def random(cls) -> Secret:
        """Return a fresh secret, which nobody else knows."""
        return cls(secrets.token_bytes(PROOF_BYTES))

    def prove(self, claim: bytes) -> array[int]:
        """Return the proof of a claim, as a message carries it."""
        return array('B', hmac.digest(self._key, claim, 'sha256'))

    def proves(self, claim: bytes, proof: Proof) -> bool:
        """Return whether this is the proof of the claim; takes the same time wherever it fails."""
        if len(proof) != PROOF_BYTES:
            return False
        return hmac.compare_digest(hmac.digest(self._key, claim, 'sha256'), bytes(proof))

    def __repr__(self) -> str:
        return f'<Secret from {self._source}>'

    def __reduce__(self) -> Any:
        raise TypeError('a secret is not pickled or copied; load it where it is needed')


def load_secret(
    path: str | os.PathLike[str] = '', *, environ: Mapping[str, str] | None = None
) -> Secret | None:
    """
    Return the secret of a file, else of the environment, else None: no secret is set.

    ``RL_BRIDGE_SECRET_FILE`` names a file, ``RL_BRIDGE_SECRET`` holds the secret itself. White
    space around a secret is not part of it.

    :param path: of the file; empty = look at the environment.
    :raises ConfigError: the file cannot be read, may be read by others, or holds no secret.
    """
    environ = os.environ if environ is None else environ
    if os.fspath(path):
        return _from_file(Path(path).expanduser())
    if environ.get(SECRET_FILE_VARIABLE):
        return _from_file(Path(environ[SECRET_FILE_VARIABLE]).expanduser())
    if environ.get(SECRET_VARIABLE):
        return Secret(
            os.fsencode(environ[SECRET_VARIABLE]).strip(), source=f'the variable {SECRET_VARIABLE}'
        )
    return None


def _from_file(path: Path) -> Secret:
    try:
        # Not waiting for whoever writes into a pipe; what was opened is what is checked.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(
            f'the secret file {path} cannot be read: {error.strerror}; {HOW_TO}'
        ) from error
    try:
        mode = os.fstat(number).st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(f'the secret file {path} is no regular file; {HOW_TO}')
        if mode & (stat.S_IRWXO | stat.S_IWGRP):
            raise ConfigError(
                f'the secret file {path} has the mode {stat.S_IMODE(mode):04o}: others may read '
                f'or change it, so it is no secret; chmod 600 {path} and make a new one'
            )
        content = os.read(number, MOST_BYTES + 1)  # one more, so that too long a file is noticed
    finally:
        os.close(number)
    return Secret(content.strip(), source=f'the secret file {path}')


# -- claims ---------------------------------------------------------------------------------------


def _label(what: str) -> bytes:
    return _bytes(f'rl_bridge/{PROTOCOL_VERSION}/{what}'.encode())


def _bytes(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


def _text(text: str) -> bytes:
    # What a message decoded from broken UTF-8 holds cannot be encoded strictly.
    return _bytes(text.encode('utf-8', 'surrogatepass'))


def _numbers(values: Sequence[float]) -> bytes:
    """Return float64 numbers as their bytes, each of 8, after their count."""
    held = values if isinstance(values, array) and values.typecode == 'd' else array('d', values)
    if sys.byteorder != 'little':
        held = array('d', held)
        held.byteswap()
    return _LENGTH.pack(len(held)) + held.tobytes()


_RESET, _STEP, _CLOSE = _label('reset'), _label('step'), _label('close')
_RENDER, _HEARTBEAT, _AUTHORIZED = _label('render'), _label('heartbeat'), _label('authorized')
_COMMAND, _TICK = _label('command'), _label('tick')
_RESET_NUMBERS = struct.Struct('<Q??qQ')
_STEP_NUMBERS = struct.Struct('<QQqq')
_EPOCH = _COUNT = struct.Struct('<Q')
_EPOCH_COUNT = struct.Struct('<QQ')
_AUTHORIZED_NUMBERS = struct.Struct('<Bq')
_COMMAND_NUMBERS = struct.Struct('<BQQQQBqq')


def reset_claim(request: Any) -> bytes:
    """
    Return what a reset says; of use while its epoch is the present one, once by its reset id.

    :param request: fields of ``ResetRequest``.
    """
    return b''.join((
        _RESET, _text(request.client_id), _text(request.session), _text(request.options),
        _text(request.specs_hash),
        _RESET_NUMBERS.pack(
            request.reset_id, request.takeover, request.has_seed, request.seed, request.epoch),
    ))  # fmt: skip


def step_claim(request: Any, *, epoch: int) -> bytes:
    """
    Return what a step says; of use once by its epoch, step and echo.

    :param request: fields of ``StepRequest``.
    :param epoch: of the session, as the reset's reply told it; the request does not carry it.
    """
    texts = request.action_text
    return b''.join((
        _STEP, _text(request.session),
        _STEP_NUMBERS.pack(epoch, request.step, request.echo_ns, request.elapsed_ns),
        _numbers(request.action), _LENGTH.pack(len(texts)), *map(_text, texts),
    ))  # fmt: skip


def close_claim(session: str, *, epoch: int) -> bytes:
    """Return what the release of a session says; of use until the session has ended."""
    return _CLOSE + _text(session) + _EPOCH.pack(epoch)


def render_claim(session: str, *, epoch: int) -> bytes:
    """Return what the request for a picture says; of use until the session has ended."""
    return _RENDER + _text(session) + _EPOCH.pack(epoch)


def heartbeat_claim(*, client_id: str, session: str, epoch: int, count: int) -> bytes:
    """Return what a heartbeat says; of use once by its count."""
    return _HEARTBEAT + _text(client_id) + _text(session) + _EPOCH_COUNT.pack(epoch, count)


def authorized_claim(*, verb: int, bridge_id: str, echo_ns: int) -> bytes:
    """Return what an operator's request says; of use once, and not for long, by its echo."""
    return _AUTHORIZED + _text(bridge_id) + _AUTHORIZED_NUMBERS.pack(verb, echo_ns)


def command_claim(command: Any, *, guard_id: str) -> bytes:
    """
    Return what a command to the guard says; of use at one guard, once by its sequence.

    :param command: fields of ``Command``.
    :param guard_id: of the guard it is meant for, from its status; the command does not carry it.
    """
    return b''.join((
        _COMMAND, _text(guard_id), _text(command.bridge_id), _text(command.message),
        _COMMAND_NUMBERS.pack(
            command.kind, command.epoch, command.episode, command.step, command.sequence,
            command.reason, command.authority_ns, command.stamp_ns),
        _numbers(command.command),
    ))  # fmt: skip


def tick_claim(*, bridge_id: str, count: int) -> bytes:
    """Return what the bridge's sign of life says; of use once by its count."""
    return _TICK + _text(bridge_id) + _COUNT.pack(count)


# -- what the guard checks ------------------------------------------------------------------------

# One host, one monotonic clock; these two are listened to however late they come.
_FUTURE_NS = 1_000_000
LEAST_AGE_S = 1.0
_STOPPING = (CommandKind.HOLD, CommandKind.HALT)


class CommandFields(Protocol):
    """The fields of a command whose origin is checked."""

    kind: int
    bridge_id: str
    stamp_ns: int

    @property
    def auth(self) -> Proof: ...


class TickFields(Protocol):
    """The fields of a tick whose origin is checked."""

    sender: str
    count: int
    auth: Proof


class GuardAccess:
    """
    Lets commands and ticks through to the guard that come from who knows the secret.

    Sequence and count, which the guard checks anyway, make each of use once. A guard that was
    just started knows neither, so a command names the guard it is meant for and its age is
    checked, unless it only asks to stop.

    :param secret: None = everything passes.
    :param guard_id: of this guard, fresh for every process.
    :param max_age_s: of a command, in seconds; never less than 1.
    """

    def __init__(self, secret: Secret | None, *, guard_id: str, max_age_s: float = 1.0) -> None:
        self._secret = secret
        self._guard_id = guard_id
        self._max_age_ns = round(max(LEAST_AGE_S, max_age_s) * 1e9)

    def command_problem(self, command: CommandFields, now_ns: int) -> str:
        """Return why a command is not listened to, or nothing."""
        if self._secret is None:
            return ''
        if not self._secret.proves(command_claim(command, guard_id=self._guard_id), command.auth):
            return (
                'a command without the right proof of the shared secret is refused; give bridge '
                'and guard the same secret_file'
            )
        age_ns = now_ns - command.stamp_ns
        if command.kind in _STOPPING or -_FUTURE_NS <= age_ns <= self._max_age_ns:
            return ''
        return (
            f'a command was under way for {age_ns / 1e6:.0f} ms; with a secret set '
            f'{self._max_age_ns / 1e6:.0f} ms are the most'
        )

    def tick_is_proven(self, tick: TickFields) -> bool:
        """Return whether a tick comes from who knows the secret."""
        if self._secret is None:
            return True
        return self._secret.proves(tick_claim(bridge_id=tick.sender, count=tick.count), tick.auth)
