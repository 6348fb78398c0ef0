# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""One world: a robot, its guard, its bridge, three clients, and what goes wrong between them."""

from __future__ import annotations

import functools
import tempfile
import traceback
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.simulation.bridge_process import BridgeProcess
from benchmarks.simulation.clients import Client
from benchmarks.simulation.faults import KINDS, RIVAL, Fault, draw
from benchmarks.simulation.guard_process import GuardProcess
from benchmarks.simulation.judge import Judge
from benchmarks.simulation.kernel import FIRST_NS, MS, Link, Process, S, Simulation
from benchmarks.simulation.plant import RAMPS, ROBOT, STOP_STATUS, Plant
from rl_bridge.robot_file import load_robot
from rl_bridge.types import RobotDescription

SPAN_NS = 40 * S
EVERY_NS = 400 * MS
QUIET_NS = 12 * S
NOBODY = Process('nobody')
NOBODY.alive = False


@functools.cache
def two_link(*, ramps: bool, tells_stop: bool) -> RobotDescription:
    """
    Return the robot of a world, read from a file as a real one is.

    :param ramps: whether a halt is a controlled ramp.
    :param tells_stop: whether the robot tells of its own stop.
    """
    robot = {**ROBOT, **(RAMPS if ramps else {}), **(STOP_STATUS if tells_stop else {})}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'two_link.yaml'
        file.write_text(yaml.safe_dump(robot))
        return load_robot(str(file))


@dataclass
class History:
    """
    What one world came to.

    :param violation: the first thing that must not be; empty = none.
    :param faults: what went wrong until then.
    """

    seed: int
    violation: str
    seen: Counter[str]
    faults: list[Fault] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


class World:
    """
    Everything that lives in one history.

    :param seed: of all that is random.
    :param faults: what goes wrong; by default what the seed draws.
    """

    def __init__(
        self, seed: int, *, faults: Sequence[Fault] | None = None, span_ns: int = SPAN_NS
    ) -> None:
        self.seed = seed
        self.kernel = kernel = Simulation(seed)
        self.robot = two_link(ramps=seed % 3 == 0, tells_stop=seed % 2 == 0)
        self.faults = draw(seed, span_ns=span_ns, every_ns=EVERY_NS) if faults is None else faults
        self._span_ns = span_ns
        self.judge = Judge(self)
        self.rival_sequence = 10**6
        self.old_commands: deque[Any] = deque(maxlen=40)
        self.bridge: BridgeProcess | None = None
        self._lives: Counter[str] = Counter()
        self._measured: deque[tuple[int, tuple[float, ...]]] = deque(maxlen=4000)
        self.plant = Plant(
            kernel, publish=self._measure, tell=lambda told: self.to_guard_stop.send(told))
        self.to_driver = Link(
            kernel, 'guard > driver', self.plant.command, lambda: self.plant.process)
        self.to_guard_state = Link(
            kernel, 'driver > guard', lambda m: self.guard.take_state(m), self._guard_at,
            ordered=True)
        self.to_bridge_state = Link(
            kernel, 'driver > bridge', lambda m: self._bridge().take_state(m), self.bridge_at,
            ordered=True)
        self.to_bridge_status = Link(
            kernel, 'guard > bridge', lambda m: self._bridge().take_status(m), self.bridge_at,
            ordered=True)
        self.to_guard_stop = Link(
            kernel, 'driver > guard, stop', lambda m: self.guard.take_stop(m), self._guard_at,
            ordered=True)
        self.commands = Link(
            kernel, 'bridge > guard', lambda m: self.guard.take_command(m), self._guard_at)
        self.ticks = Link(
            kernel, 'bridge > guard, ticks', lambda m: self.guard.take_tick(m), self._guard_at)
        self._start_guard()
        self._start_bridge()
        dice = kernel.random
        self.clients = [
            Client(self, name, drift=dice.uniform(-2e-4, 2e-4)) for name in ('ann', 'bob', 'cid')]
        self.by_hand = Client(self, 'by hand', drift=0.0)
        self.by_hand.process.alive = False

    def run(self) -> History:
        """Let everything happen; then let it be calm and see that somebody gets on."""
        kernel = self.kernel
        for fault in self.faults:
            kernel.after(fault.at_ns, functools.partial(self._strike, fault))
        end_ns = FIRST_NS + self._span_ns
        try:
            kernel.run_until(end_ns)
            if not self.judge.violation:
                self._calm_down(end_ns)
        except Exception:
            self.judge.blame(f'a crash: {traceback.format_exc()}')
        until_ns = kernel.now_ns - FIRST_NS
        trace = [f'{(at - FIRST_NS) / 1e9:9.4f}  {text}' for at, text in kernel.trace]
        struck = [fault for fault in self.faults if fault.at_ns <= until_ns]
        return History(self.seed, self.judge.violation, self.judge.seen, struck, trace)

    def _calm_down(self, end_ns: int) -> None:
        """Without faults the robot works again, with an operator who recovers it."""
        kernel = self.kernel
        for link in self.links():
            link.weather = type(link.weather)()
        before = self.judge.seen['steps']
        for i in range(1, 12):
            kernel.after(i * S, self._operate)
        kernel.run_until(end_ns + QUIET_NS)
        if self.judge.seen['steps'] == before and not self.judge.violation:
            self.judge.blame(f'nobody got a step done in {QUIET_NS / 1e9:g} s without faults')

    def _operate(self) -> None:
        """Recover, and restart a bridge that another one's newer epoch has fenced for good."""
        bridge = self.bridge
        if bridge is None or not bridge.process.alive:
            return
        bridge.bridge.recover()
        guard = self.guard.core.status(self.kernel.now_ns)
        if guard.bridge_id == RIVAL and guard.epoch > bridge.bridge.session.epoch:
            self.judge.seen['fenced by a rival for good'] += 1
            self.kill_bridge(100 * MS)

    # -- who is there -----------------------------------------------------------------------------

    def links(self) -> list[Link]:
        """Return all links, those of the clients included."""
        between = [link for client in self.clients for link in (client.requests, client.replies)]
        return [
            *between, self.commands, self.ticks, self.to_driver, self.to_guard_state,
            self.to_bridge_state, self.to_bridge_status, self.to_guard_stop]  # fmt: skip

    def bridge_at(self) -> Process:
        """Return the process that is the bridge now."""
        return NOBODY if self.bridge is None else self.bridge.process

    def _bridge(self) -> BridgeProcess:
        assert self.bridge is not None
        return self.bridge

    def _guard_at(self) -> Process:
        return self.guard.process

    def take_request(self, letter: Any) -> None:
        """Hand a request to the bridge that is there now."""
        if self.bridge is not None and self.bridge.process.alive:
            self.bridge.take_request(letter)

    # -- births and deaths ------------------------------------------------------------------------

    def kill_bridge(self, for_ns: int) -> None:
        """End the bridge at once; another is started later."""
        if self.bridge is not None and self.bridge.process.alive:
            self.bridge.process.alive = False
            self.kernel.after(for_ns, self._start_bridge)

    def _start_bridge(self) -> None:
        if self.kernel.depth:  # the dead one's code is still being left
            self.kernel.after(MS, self._start_bridge)
            return
        self._lives['bridge'] += 1
        self.bridge = BridgeProcess(self, self._lives['bridge'])

    def kill_guard(self, for_ns: int) -> None:
        """End the guard at once; another is started later."""
        if self.guard.process.alive:
            self.guard.process.alive = False
            self.kernel.after(for_ns, self._start_guard)

    def _start_guard(self) -> None:
        self._lives['guard'] += 1
        self.judge.guard_started()
        self.guard = GuardProcess(self, self._lives['guard'])

    # -- what happens -----------------------------------------------------------------------------

    def _strike(self, fault: Fault) -> None:
        self.kernel.note(f'fault: {fault.kind}')
        self.judge.seen[f'fault: {fault.kind}'] += 1
        KINDS[fault.kind][1](self, fault)

    def _measure(self, state: Any) -> None:
        self._measured.append((self.kernel.now_ns, tuple(state.position[1:])))
        self.to_guard_state.send(state)
        self.to_bridge_state.send(state)

    def age_of(self, position: list[float]) -> int | None:
        """Return how long ago the robot was measured there, None for never."""
        for at_ns, measured in reversed(self._measured):
            if list(measured) == position:
                return self.kernel.now_ns - at_ns
        return None
