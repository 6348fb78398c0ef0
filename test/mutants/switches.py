# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Protections of rl_bridge, each of which can be switched off in this process, to see who notices.

Nothing in rl_bridge knows of this: what is loaded is patched.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np

from rl_bridge import request_age, session
from rl_bridge.reset_memory import ResetMemory
from rl_bridge.safety import admission, guard_core, limits
from rl_bridge.safety.guard_core import GuardCore
from rl_bridge.session import Session
from rl_bridge.types import CommandKind


def _everywhere(stack: ExitStack, original: Any, mutant: Any) -> None:
    """Replace a function wherever a module of rl_bridge has it under its own name."""
    name, count = original.__name__, 0
    for module in [m for n, m in sys.modules.items() if n.startswith('rl_bridge')]:
        if vars(module).get(name) is original:
            stack.enter_context(mock.patch.object(module, name, mutant))
            count += 1
    assert count, f'nobody uses {name}'


def _method(stack: ExitStack, owner: type, name: str, make: Callable[[Any], Any]) -> None:
    stack.enter_context(mock.patch.object(owner, name, make(getattr(owner, name))))


def de_duplication(stack: ExitStack) -> None:
    """A request that was executed is executed again."""

    def forgetful(admit: Any) -> Any:
        def admit_step(self: Session, request: Any, **more: Any) -> Any:
            if request.session == self.session and 0 < request.step == self.step:
                self.step -= 1
            return admit(self, request, **more)

        return admit_step

    _method(stack, Session, 'admit_step', forgetful)
    _method(stack, ResetMemory, 'recall', lambda _: lambda self, client, number: None)


def request_age_check(stack: ExitStack) -> None:
    """A step may have been under way for any time."""
    _everywhere(stack, request_age.too_old, lambda request, **_: None)


def epoch_check(stack: ExitStack) -> None:
    """The guard takes commands of epochs that are over; so does the session with requests."""

    def anyway(origin: Any) -> Any:
        def mutant(memory: Any, command: Any, now_ns: int) -> Any:
            present, memory.epoch = memory.epoch, 0
            try:
                return origin(memory, command, now_ns)
            finally:
                memory.epoch = present

        return mutant

    def in_any(move: Any) -> Any:
        def mutant(self: Any, command: Any, now_ns: int) -> Any:
            memory = self._memory
            memory.epoch, memory.begun = command.epoch, memory.begun or bool(memory.bridge_id)
            return move(self, command, now_ns)

        return mutant

    _everywhere(stack, admission.origin, anyway(admission.origin))
    _method(stack, GuardCore, '_move', in_any)
    _method(stack, Session, 'is_current', lambda _: lambda self, run: True)


def nan_check(stack: ExitStack) -> None:
    """NaN passes the checks of commands and states, as it passes ``np.clip``."""

    def lax(check: Any) -> Any:
        def mutant(values: Any, *more: Any) -> Any:
            numbers = np.array(values, dtype=np.float64)
            check(np.where(np.isnan(numbers), 0.0, numbers), *more)
            return numbers

        return mutant

    _everywhere(stack, limits.check_command, lax(limits.check_command))
    _everywhere(stack, limits.checked_shape, lax(limits.checked_shape))


def guard(stack: ExitStack) -> None:
    """Whatever is commanded is published, and nothing ends it."""

    def taken(_: Any) -> Any:
        def on_command(self: Any, command: Any, now_ns: int) -> None:
            latch = self._memory.latch
            if command.kind == CommandKind.MOVE:
                latch.resume()
                self.passed = np.array(command.command, dtype=np.float64)
            elif command.kind == CommandKind.BEGIN:
                latch.recover()
                latch.begin()
            self._accept(command, now_ns)

        return on_command

    def passed(update: Any) -> Any:
        def mutant(self: Any, now_ns: int) -> Any:
            self._checks = self._state_checks = ()
            decision = update(self, now_ns)
            return dataclasses.replace(decision, output=getattr(self, 'passed', None))

        return mutant

    _method(stack, GuardCore, 'on_command', taken)
    _method(stack, GuardCore, 'update', passed)


MUTANTS: dict[str, Callable[[ExitStack], None]] = {
    'de-duplication': de_duplication,
    'request age': request_age_check,
    'epoch': epoch_check,
    'NaN': nan_check,
    'guard': guard,
}
LOADED = (session, guard_core)  # imported for the sake of the patches


@contextmanager
def switched_off(name: str) -> Iterator[None]:
    """Switch one protection off in this process for a while; none for an empty name."""
    with ExitStack() as stack:
        if name:
            MUTANTS[name](stack)
        yield
