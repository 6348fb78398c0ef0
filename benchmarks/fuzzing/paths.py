# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Requests, commands, ticks and states of any content, down the real path to the output."""

from __future__ import annotations

import itertools
import math
import random
from array import array
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.fuzzing import wild
from benchmarks.fuzzing.decoders import Undeclared
from benchmarks.fuzzing.gate import gated
from rl_bridge.errors import WireError
from rl_bridge.safety.guard_state import GuardCommand, Tick
from rl_bridge.safety.joint_map import JointMap
from rl_bridge.types import (
    AuthorizedRequest,
    CommandKind,
    ResetRequest,
    StatusCode,
    StepRequest,
    StopReason,
    StopState,
)

MS = 1_000_000


class RequestPath:
    """
    A bridge that gets requests of any content, and now and then a good one.

    :param dice: all that is random.
    """

    def __init__(self, dice: random.Random, interface: str = 'velocity') -> None:
        self.bridge, self.robot = gated(interface)
        self.answers: Counter[str] = Counter()
        self._dice = dice
        self._reset_ids = itertools.count(1)
        self._session, self._step, self._stamp_ns = '', 0, 0
        self._good_reset()

    def one(self) -> bool:
        """
        Send one request.

        :returns: whether it moved the robot.
        """
        if self._dice.random() < 0.02:
            self._good_reset()
            return False
        chance = self._dice.random()
        if chance < 0.70:
            return self.step(wild.message_numbers(self._dice, 2), self._texts())
        if chance < 0.85:
            return self._wild_step()
        if chance < 0.93:
            return self._wild_reset()
        return self._other()

    def step(self, action: Any, texts: Any = ()) -> bool:
        """Send the next step of the session with this action."""
        request = StepRequest(
            action=action, action_text=list(texts), session=self._session, step=self._step + 1,
            echo_ns=self._stamp_ns, elapsed_ns=0)  # fmt: skip
        request.elapsed_ns = self.robot.now_ns - self._stamp_ns if self._stamp_ns else 0
        reply = self._asked(self.bridge.submit_step, request)
        if reply.status.code == StatusCode.OK:
            self._step += 1
            if reply.truncated or reply.terminated:
                self._good_reset()
        elif reply.status.code not in (StatusCode.REJECTED, StatusCode.MALFORMED):
            self._good_reset()
        return bool(reply.status.code == StatusCode.OK)

    def _good_reset(self) -> None:
        request = ResetRequest(
            client_id='fuzzer', reset_id=next(self._reset_ids), takeover=True,
            epoch=self.bridge.session.epoch)  # fmt: skip
        reply = self._asked(self.bridge.submit_reset, request)
        if reply.status.code == StatusCode.OK:
            self._session, self._step = reply.session, 0
            self._stamp_ns = reply.stamp_ns

    def _wild_step(self) -> bool:
        dice, session = self._dice, self.bridge.session
        request = StepRequest(
            action=wild.message_numbers(dice, 2), action_text=self._texts(),
            session=dice.choice((self._session, session.session, '', wild.text(dice))),
            step=dice.choice((session.step, session.step + 1, *wild.UNSIGNED)),
            echo_ns=dice.choice((0, self._stamp_ns, self.robot.now_ns, *wild.INTEGERS)),
            elapsed_ns=dice.choice(wild.INTEGERS), auth=self._proof())  # fmt: skip
        return bool(self._asked(self.bridge.submit_step, request).status.code == StatusCode.OK)

    def _wild_reset(self) -> bool:
        dice = self._dice
        request = ResetRequest(
            client_id=dice.choice(('fuzzer', '', wild.text(dice))),
            session=dice.choice((self._session, '', wild.text(dice))),
            reset_id=dice.choice((next(self._reset_ids), *wild.UNSIGNED)),
            takeover=dice.random() < 0.5, has_seed=dice.random() < 0.5,
            seed=dice.choice(wild.INTEGERS), options=self._options(),
            specs_hash=dice.choice(('', '', '', wild.text(dice))),
            epoch=dice.choice((self.bridge.session.epoch, *wild.UNSIGNED)),
            auth=self._proof())  # fmt: skip
        self._asked(self.bridge.submit_reset, request)
        return False

    def _other(self) -> bool:
        """Heartbeats, closings, pictures, operators; then time passes."""
        dice, bridge = self._dice, self.bridge
        session = dice.choice((self._session, wild.text(dice)))
        kind = dice.randrange(6)
        if kind == 0:
            bridge.heartbeat(
                session, sender=wild.text(dice), epoch=dice.choice(wild.UNSIGNED),
                count=dice.choice(wild.UNSIGNED), auth=self._proof())  # fmt: skip
        elif kind == 1:
            self._note(bridge.close_session(session, auth=self._proof()))
        elif kind == 2:
            self._note(bridge.render(session, auth=self._proof()))
        elif kind == 3:
            self._note(bridge.authorized(AuthorizedRequest(
                verb=dice.choice((0, 1, 2, 255)), bridge_id=wild.text(dice),
                echo_ns=dice.choice(wild.INTEGERS), auth=self._proof())))  # fmt: skip
        elif kind == 4:
            bridge.halt(reason=StopReason.HALT_REQUESTED, message=wild.text(dice))
        self.robot.advance(dice.choice((0.005, 0.02, 0.2)))
        bridge.tick()
        return False

    def _asked(self, submit: Any, request: Any) -> Any:
        replies: list[Any] = []
        submit(request, replies.append)
        if len(replies) != 1:
            raise Undeclared(f'{request} was answered {len(replies)} times')
        self._note(replies[0])
        return replies[0]

    def _note(self, reply: Any) -> None:
        status = reply.status
        self.answers[StatusCode(status.code).name] += 1
        if status.code != StatusCode.OK and not status.message:
            raise Undeclared(f'refused without a sentence: {reply}')
        if status.code == StatusCode.UNKNOWN_OUTCOME:
            raise Undeclared(f'a defect of ours: {status.message}')

    def _texts(self) -> Any:
        dice = self._dice
        return [] if dice.random() < 0.8 else [wild.text(dice) for _ in range(dice.randrange(3))]

    def _proof(self) -> array[int]:
        dice = self._dice
        return array('B', dice.randbytes(dice.choice((0, 0, 0, 1, 31, 32, 33, 400))))

    def _options(self) -> str:
        dice = self._dice
        return dice.choice(('', '{"in_place": true}', wild.text(dice),
                            wild.damaged(dice, '{"in_place": true, "target": [1, 2]}')))


class CommandPath:
    """A guard that gets commands, ticks and states of any content, past the bridge's checks."""

    def __init__(self, dice: random.Random, interface: str = 'velocity') -> None:
        self.bridge, self.robot = gated(interface)
        self.verdicts: Counter[str] = Counter()
        self._dice = dice
        self._joints = JointMap(self.robot.description.joints)
        self._epoch = 1

    def one(self) -> bool:
        """
        Send one message.

        :returns: whether a motion was taken.
        """
        chance, robot = self._dice.random(), self.robot
        taken = False
        if chance < 0.6:
            taken = self.command(wild.message_numbers(self._dice, 2))
        elif chance < 0.68:
            self._wild_state()
        elif chance < 0.70:
            robot.core.on_tick(
                Tick(self._dice.choice(('bridge', '', 'other')), self._dice.choice(wild.UNSIGNED)),
                robot.now_ns)  # fmt: skip
            robot._ticks = 0 if robot._ticks > 2**62 else robot._ticks
        elif chance < 0.95:
            self._go_on()
        else:
            robot.advance(self._dice.choice((0.005, 0.01, 0.03)))
        robot.update()
        return taken

    def command(self, values: Any) -> bool:
        """Send a command whose fields are right most of the time; the values are these."""
        dice, robot = self._dice, self.robot
        right = dice.random() < 0.7
        sequence = robot.sequence + 1 if right else dice.choice((robot.sequence, 0, 1, 2**40))
        command = GuardCommand(
            kind=int(CommandKind.MOVE if right else dice.choice((*CommandKind, 5, 200, 255))),
            bridge_id='bridge' if right else dice.choice(('bridge', '', 'other', wild.text(dice))),
            epoch=self._epoch if right else dice.choice((self._epoch, self._epoch + 1, 0, 2**63)),
            sequence=sequence, step=dice.choice(wild.UNSIGNED), reason=dice.choice((0, 5, 255)),
            message=wild.text(dice), command=values,
            authority_ns=150 * MS if right else dice.choice((0, -1, 2**62, 150 * MS)),
            stamp_ns=robot.now_ns if right else robot.now_ns - dice.choice(wild.INTEGERS),
        )  # fmt: skip
        refusal = robot.core.on_command(command, robot.now_ns)
        status = robot.core.status(robot.now_ns)
        robot.skip(max(status.sequence, sequence if sequence < 2**39 else 0))
        self.verdicts['taken' if refusal is None else refusal.cause] += 1
        if refusal is None and command.kind == CommandKind.MOVE:
            checked = np.asarray(values, dtype=np.float64)
            if checked.shape != (2,) or not all(map(math.isfinite, checked)):
                raise Undeclared(f'the guard took {values!r}')
            return True
        return False

    def _wild_state(self) -> None:
        dice, robot = self._dice, self.robot
        joints = ['shoulder', 'elbow']
        names = joints if dice.random() < 0.7 else [wild.text(dice), *joints][: dice.randrange(4)]
        state = SimpleNamespace(
            name=names, position=wild.message_numbers(dice, len(names)),
            velocity=wild.message_numbers(dice, len(names)))  # fmt: skip
        try:
            measured = self._joints.read(state)
        except WireError:
            robot.core.on_invalid_state('cannot be read', robot.now_ns)
            return
        if measured is not None:
            robot.measure(*measured)

    def _go_on(self) -> None:
        """A good bridge and a good robot for a moment, so that there is motion to be spoilt."""
        robot = self.robot
        status = robot.core.status(robot.now_ns)
        far = max(abs(robot.position[0]), abs(robot.position[1])) > 0.9
        if far or status.sequence > 2**39 or status.bridge_id not in ('', 'bridge'):
            self.bridge, self.robot = gated(robot.interface)
            robot = self.robot
            self._epoch = 0
        robot._ticks += 1
        robot.advance(0.01)
        self._epoch = max(self._epoch, robot.core.status(robot.now_ns).epoch)
        robot.note(epoch=self._epoch, episode=1, step=0)
        if robot.core.stop.state >= StopState.FAULT:
            robot.send(CommandKind.RECOVER)
        robot.send(CommandKind.BEGIN)
        robot.advance(0.01)
