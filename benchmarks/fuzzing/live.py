# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Real guard and bridge processes that get malformed messages over DDS, and a witness beside."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figure import ROOT
from benchmarks.fuzzing import wild
from benchmarks.rig.oracle import OutputRecord, StatusRecord, all_finite_and_inside
from benchmarks.rig.oracle import none_in_a_stop_state as resting

sys.path.insert(0, str(ROOT / 'test'))  # the rigs that the tests use

RAW = 0.05  # of the messages are bytes that are no message at all
AT_ONCE = 5  # what waits at a service is limited to 10; of more the oldest are dropped
ANSWER_S, ASKED_AGAIN = 2.0, 3


@dataclass
class Outcome:
    """
    What came of it.

    :param sent: how many malformed messages or requests.
    :param answers: of the bridge, by status.
    :param wrong: one sentence for each thing that must not be.
    """

    sent: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def flood_guard(count: int, seed: int) -> Outcome:
    """Send commands, ticks and joint states of any content to a guard that drives a robot."""
    from guard_rig import GuardRig
    from sensor_msgs.msg import JointState

    from rl_bridge.types import StopState
    from rl_bridge_interfaces.msg import Heartbeat

    dice, outcome = random.Random(seed), Outcome()
    with tempfile.TemporaryDirectory() as folder, GuardRig(Path(folder)) as rig:
        rig.drive(0.3, -0.3)
        rig.outputs.clear()  # of before: their statuses may not have come
        for index in range(count):
            chance = dice.random()
            if chance < RAW:
                topic = dice.choice((rig._commands, rig._ticks, rig._states))
                topic.publish(dice.randbytes(dice.choice((0, 1, 3, 4, 17, 64, 400))))
            elif chance < 0.7:
                rig.send(dice.randrange(256), **_command_fields(dice, rig))
            elif chance < 0.85:
                rig._ticks.publish(
                    Heartbeat(sender=dice.choice(('bridge', '', 'other')),
                              count=dice.choice(wild.UNSIGNED)))  # fmt: skip
            else:
                names = dice.choice((['shoulder', 'elbow'], ['elbow'], [], ['a', 'b']))
                rig._states.publish(
                    JointState(name=names, position=wild.message_numbers(dice, len(names)),
                               velocity=wild.message_numbers(dice, len(names))))  # fmt: skip
            outcome.sent += 1
            if index % 25 == 0:
                time.sleep(0.002)  # as fast as it can be taken, or most is dropped unseen
            if index % 500 == 499 and rig.state >= StopState.STOPPED:
                _try_again(rig)
        if rig.process.poll() is not None:
            outcome.wrong.append(f'the guard ended with {rig.process.returncode}')
            return outcome
        outputs = [OutputRecord(at, tuple(values)) for at, values in rig.outputs]
        statuses = [
            StatusRecord(at, status.stamp_ns, status.guard_id, state=status.stop.state)
            for at, status in rig.statuses
        ]
        outcome.wrong += all_finite_and_inside(outputs, lower=[-1.0, -1.0], upper=[1.0, 1.0])
        outcome.wrong += resting(outputs, statuses, late_ns=100_000_000)
    return outcome


def _try_again(rig: Any) -> None:
    """Begin anew, so that there is motion again that may be spoilt."""
    from rl_bridge.types import CommandKind

    rig.send(CommandKind.RECOVER)
    rig.send(CommandKind.BEGIN)


def _command_fields(dice: random.Random, rig: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {'command': wild.message_numbers(dice, 2)}
    wrong = {
        'bridge_id': ('', 'other', 'x' * 500), 'epoch': (0, rig.epoch + 1, 2**63),
        'step': wild.UNSIGNED, 'sequence': (0, 1, 2**40), 'reason': (0, 5, 255),
        'authority_ns': (0, -1, 2**62, 150_000_000), 'stamp_ns': (0, 1, -1, 2**62),
        'message': ('', 'ä€', 'x' * 3000), 'episode': wild.UNSIGNED,
    }  # fmt: skip
    for name, values in wrong.items():
        if dice.random() < 0.15:
            fields[name] = dice.choice(values)
    if fields.get('epoch', 0) > 2**40 or fields.get('sequence', 0) > 2**30:
        fields['bridge_id'] = 'other'  # or nothing of the good bridge would be taken any more
    return fields


def flood_bridge(count: int, seed: int) -> Outcome:
    """Send steps and resets of any content to a bridge; each has to be answered."""
    from bridge_process import hosting
    from by_hand import ByHand

    from rl_bridge.types import StatusCode
    from rl_bridge_interfaces.msg import Heartbeat
    from rl_bridge_interfaces.srv import Close, Reset, Step

    dice, outcome = random.Random(seed), Outcome()
    with hosting('Pendulum-v1', namespace=f'fuzzed_{seed}') as bridge:
        hand = ByHand(bridge)
        try:
            clients = {
                kind: hand.node.create_client(kind, f'{bridge}/{name}')
                for kind, name in ((Step, 'step'), (Reset, 'reset'), (Close, 'close'))
            }
            for client in clients.values():
                _greet(hand, client)
            beats = hand.node.create_publisher(Heartbeat, f'{bridge}/heartbeat', 10)
            while outcome.sent < count:
                futures = []
                for _ in range(AT_ONCE):
                    kind = dice.choice((Step, Step, Reset, Close))
                    request = _request(dice, kind)
                    futures.append((clients[kind], request, clients[kind].call_async(request)))
                    beats.publish(dice.randbytes(dice.choice((0, 4, 40))))
                outcome.sent += len(futures)
                for client, request, future in futures:
                    for _ in range(ASKED_AGAIN):  # as clients do
                        hand.executor.spin_until_future_complete(future, ANSWER_S)
                        if future.done():
                            break
                        future = client.call_async(request)
                    if not future.done():
                        outcome.wrong.append(f'not answered: {request}'[:600])
                    else:
                        code = future.result().status.code
                        outcome.answers[StatusCode(code).name] += 1
                if outcome.wrong:
                    break
            sane = hand.call(Reset, 'reset', client_id='sane', reset_id=1, takeover=True)
            if sane.status.code not in (StatusCode.OK, StatusCode.FENCED):
                outcome.wrong.append(f'a good reset is refused afterwards: {sane.status}')
        finally:
            hand.close()
    return outcome


def _greet(hand: Any, client: Any) -> None:
    """Ask for nothing until an answer comes: the first ones may be lost to discovery."""
    assert client.wait_for_service(30.0)
    for _ in range(30):
        request = client.srv_type.Request(session='greeting')
        future = client.call_async(request)
        hand.executor.spin_until_future_complete(future, 1.0)
        if future.done():
            return
    raise AssertionError(f'{client.srv_name} does not answer')


def _request(dice: random.Random, kind: Any) -> Any:
    from rl_bridge_interfaces.srv import Reset, Step

    request = kind.Request()
    request.session = dice.choice(('', '', _sayable(dice)))
    request.auth = array('B', dice.randbytes(dice.choice((0, 0, 32, 300))))
    if kind is Step:
        request.action = wild.message_numbers(dice, 1)
        request.action_text = [_sayable(dice) for _ in range(dice.choice((0, 0, 1, 3)))]
        request.step = dice.choice((0, 0, *wild.UNSIGNED))
        request.echo_ns = dice.choice((0, *wild.INTEGERS))
        request.elapsed_ns = dice.choice((0, *wild.INTEGERS))
    elif kind is Reset:
        request.client_id = dice.choice(('', _sayable(dice)))
        request.reset_id = dice.choice(wild.UNSIGNED)
        request.takeover = dice.random() < 0.5
        request.has_seed = dice.random() < 0.5
        request.seed = dice.choice(wild.INTEGERS)
        request.options = dice.choice(('', _sayable(dice), '{"a": NaN}', '[1]'))
        request.specs_hash = dice.choice(('', _sayable(dice)))
        request.epoch = dice.choice(wild.UNSIGNED)
    return request


def _sayable(dice: random.Random) -> str:
    """Return a text that a message can hold at all."""
    return wild.text(dice).encode('utf-8', 'ignore').decode().replace('\0', '')


LIVE = {'guard process': flood_guard, 'bridge process': flood_bridge}
