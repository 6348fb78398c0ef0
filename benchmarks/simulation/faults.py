# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a world, drawn before it begins, so that less of it can be tried again."""

from __future__ import annotations

import copy
import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.simulation.clients import Named, SentReset, SentStep
from benchmarks.simulation.kernel import MS, S, Weather
from rl_bridge.safety.guard_state import GuardCommand, Tick
from rl_bridge.types import CommandKind

if TYPE_CHECKING:
    from benchmarks.simulation.world import World

WEATHERS = {
    'calm': Weather(),
    'some loss': Weather(loss=0.05),
    'much loss': Weather(loss=0.2),
    'twice': Weather(twice=0.3),
    'late': Weather(least_ns=MS, most_ns=120 * MS, ordered=False),
    'very late': Weather(least_ns=MS, most_ns=900 * MS, ordered=False),
    'all at once': Weather(loss=0.1, twice=0.2, least_ns=MS, most_ns=300 * MS, ordered=False),
    'cut': Weather(cut=True),
}
AUTHORITY_NS = 150 * MS
RIVAL = 'rival'
STATE_FAULTS = ('silent', 'nan', 'infinite', 'frozen', 'jump', 'joint missing', 'short')


@dataclass(frozen=True)
class Fault:
    """
    One thing that goes wrong.

    :param at_ns: after the world's begin.
    :param size: a number in [0, 1) that chooses how long, which one, and so on.
    """

    at_ns: int
    kind: str
    size: float

    def __str__(self) -> str:
        return f'{self.at_ns / 1e9:8.3f} s  {self.kind} ({self.size:.3f})'


def draw(seed: int, *, span_ns: int, every_ns: int) -> list[Fault]:
    """Draw the faults of one world, in the order of their times."""
    dice = random.Random(seed * 2 + 1)
    kinds = sorted(KINDS)
    weights = [KINDS[kind][0] for kind in kinds]
    faults = []
    at_ns = dice.randrange(every_ns)
    while at_ns < span_ns:
        faults.append(Fault(at_ns, dice.choices(kinds, weights)[0], dice.random()))
        at_ns += round(dice.expovariate(1.0) * every_ns)
    return faults


def _client(world: World, size: float) -> Any:
    return world.clients[int(size * 997) % len(world.clients)]


def _for(size: float, least_ns: int, most_ns: int) -> int:
    return round(least_ns + size * size * (most_ns - least_ns))


def _weather(world: World, fault: Fault) -> None:
    links = world.links()
    link = links[int(fault.size * 7919) % len(links)]
    names = sorted(WEATHERS)
    name = names[int(fault.size * 104729) % len(names)]
    link.weather = WEATHERS[name]
    world.kernel.note(f'{link.name}: {name}')

    def clear() -> None:
        link.weather = WEATHERS['calm']

    world.kernel.after(_for(fault.size, 50 * MS, 4 * S), clear)


def _replay(world: World, fault: Fault) -> None:
    """Some request of somebody comes again, however old."""
    sent = _client(world, fault.size).sent
    if sent:
        kind, request = sent[int(fault.size * 7919) % len(sent)]
        client = _client(world, fault.size)
        world.take_request((kind, client, copy.copy(request)))


def _by_hand(world: World, fault: Fault) -> None:
    client = world.by_hand
    kind = int(fault.size * 100) % 3
    if kind == 0:
        request: Any = SentReset(options='{"in_place": true}', sent_ns=world.kernel.now_ns)
        client.requests.send(('reset', client, request), once=True)
        return
    action = world.judge.new_action('by hand', '', 0)
    step = SentStep(action=array('d', action), sent_ns=world.kernel.now_ns)
    step.step = 3 if kind == 1 and fault.size < 0.1 else 0
    client.requests.send(('step', client, step), once=True)


def _operator(kind: str) -> Callable[[World, Fault], None]:
    def act(world: World, fault: Fault) -> None:
        world.by_hand.requests.send((kind, world.by_hand, Named()), once=True)

    return act


def _rival(world: World, fault: Fault) -> None:
    """Another bridge commands the same robot, or somebody forges the present one."""
    world.rival_sequence += 1
    kinds = [*CommandKind, CommandKind.MOVE, 77]
    kind = int(kinds[int(fault.size * 7919) % len(kinds)])
    present = 0 if world.bridge is None else world.bridge.bridge.session.epoch
    epoch = max(0, present + (-1, 0, 0, 1, 1 << 30)[int(fault.size * 104729) % 5])
    command = GuardCommand(
        kind=kind, bridge_id=RIVAL, epoch=epoch, sequence=world.rival_sequence,
        command=array('d', [0.3, float('nan') if fault.size > 0.9 else 0.4]),
        authority_ns=AUTHORITY_NS, stamp_ns=world.kernel.now_ns, step=1)  # fmt: skip
    world.commands.send(command)
    if fault.size < 0.3:
        world.ticks.send(Tick(RIVAL, world.rival_sequence))


def _old_command(world: World, fault: Fault) -> None:
    """A command that was sent before comes again; of an epoch that is over, renumbered too."""
    guard = world.guard.core.status(world.kernel.now_ns)
    over = [old for old in world.old_commands if old.epoch < guard.epoch]
    commands = over if over and fault.size < 0.5 else list(world.old_commands)
    if not commands:
        return
    command = copy.copy(commands[int(fault.size * 7919) % len(commands)])
    if command.epoch < guard.epoch:
        command.sequence = guard.sequence + 1
        command.stamp_ns = world.kernel.now_ns
    world.commands.send(command)


def _defective_command(world: World, fault: Fault) -> None:
    """The bridge itself sends what it never may."""
    guard = world.guard.core.status(world.kernel.now_ns)
    values: tuple[list[float], ...] = (
        [float('nan'), 0.1], [0.1, float('-inf')], [0.1], [], [0.51, 0.0], [0.1] * 3)  # fmt: skip
    command = GuardCommand(
        kind=int(CommandKind.MOVE), bridge_id=guard.bridge_id, epoch=guard.epoch, step=1,
        sequence=guard.sequence + 1, authority_ns=AUTHORITY_NS, stamp_ns=world.kernel.now_ns,
        command=array('d', values[int(fault.size * 7919) % len(values)]))  # fmt: skip
    world.commands.send(command)


def _requests_late(world: World, fault: Fault) -> None:
    """What one client sends arrives late."""
    link = _client(world, fault.size).requests
    link.weather = WEATHERS['late' if fault.size < 0.3 else 'very late']

    def clear() -> None:
        link.weather = WEATHERS['calm']

    world.kernel.after(_for(fault.size, 100 * MS, 2 * S), clear)


def _state(world: World, fault: Fault) -> None:
    plant = world.plant
    plant.fault = STATE_FAULTS[int(fault.size * 7919) % len(STATE_FAULTS)]

    def mend() -> None:
        plant.fault = ''

    world.kernel.after(_for(fault.size, 8 * MS, 1500 * MS), mend)


def _press(world: World, fault: Fault) -> None:
    if fault.size < 0.3:
        world.plant.tells = False
    else:
        world.plant.pressed = True

    def release() -> None:
        world.plant.pressed = False
        world.plant.tells = True

    world.kernel.after(_for(fault.size, 50 * MS, 2 * S), release)


def _company(world: World, fault: Fault) -> None:
    """Somebody else acts on the robot, as the guard's process sees it."""
    guard = world.guard
    guard.core.on_company('somebody else publishes commands')
    world.judge.accompanied(True)

    def alone() -> None:
        guard.core.on_company('')
        if world.guard is guard:
            world.judge.accompanied(False)

    world.kernel.after(_for(fault.size, 20 * MS, S), alone)


def _client_frozen(world: World, fault: Fault) -> None:
    _client(world, fault.size).freeze(_for(fault.size, 20 * MS, 3 * S))


def _client_suspended(world: World, fault: Fault) -> None:
    _client(world, fault.size).stand_still(_for(fault.size, 20 * MS, 3 * S))


def _client_killed(world: World, fault: Fault) -> None:
    _client(world, fault.size).kill()


def _takeover(world: World, fault: Fault) -> None:
    _client(world, fault.size).takes_over = True


def _bridge_killed(world: World, fault: Fault) -> None:
    world.kill_bridge(_for(fault.size, 200 * MS, 2 * S))


def _guard_killed(world: World, fault: Fault) -> None:
    world.kill_guard(_for(fault.size, 200 * MS, 2 * S))


def _freeze(process: Any, world: World, fault: Fault) -> None:
    until_ns = world.kernel.now_ns + _for(fault.size, 10 * MS, 2 * S)
    process.frozen_until_ns = max(process.frozen_until_ns, until_ns)


def _bridge_frozen(world: World, fault: Fault) -> None:
    _freeze(world.bridge_at(), world, fault)


def _guard_frozen(world: World, fault: Fault) -> None:
    _freeze(world.guard.process, world, fault)


def _lifecycle(world: World, fault: Fault) -> None:
    bridge = world.bridge
    if bridge is None or not bridge.process.alive or not bridge.active:
        return
    bridge.deactivate()

    def again() -> None:
        if bridge.process.alive:
            bridge.activate()

    world.kernel.after(_for(fault.size, 10 * MS, S), again)


KINDS: dict[str, tuple[float, Callable[[World, Fault], None]]] = {
    'weather': (10.0, _weather),
    'request replayed': (5.0, _replay),
    'command replayed': (3.0, _old_command),
    'defective command': (1.0, _defective_command),
    'requests late': (1.5, _requests_late),
    'client killed': (1.5, _client_killed),
    'client frozen': (1.5, _client_frozen),
    'client suspended': (1.0, _client_suspended),
    'takeover': (2.0, _takeover),
    'bridge killed': (0.7, _bridge_killed),
    'bridge frozen': (1.0, _bridge_frozen),
    'guard killed': (0.4, _guard_killed),
    'guard frozen': (0.7, _guard_frozen),
    'state': (2.0, _state),
    'stop pressed': (0.7, _press),
    'company': (0.4, _company),
    'halt': (1.0, _operator('halt')),
    'recover': (3.0, _operator('recover')),
    'by hand': (2.0, _by_hand),
    'rival bridge': (2.0, _rival),
    'lifecycle': (0.7, _lifecycle),
}
