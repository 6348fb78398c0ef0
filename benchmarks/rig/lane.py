# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
One robot side that faults are injected into, again and again, as a process of its own.

    python -m benchmarks.rig.lane FOLDER [--client-host PID]

reads jobs, ``{"kind": "client-killed"}`` a line, and writes one JSON object per injection. It ends
with its standard input.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import select
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from std_srvs.srv import Trigger

from benchmarks.rig.injection import Injection
from benchmarks.rig.kinds import KINDS, STAMP_TIMEOUT_S, Kind
from benchmarks.rig.oracle import (
    LATE_NS,
    OutputRecord,
    StatusRecord,
    told_stops,
    violations,
)
from benchmarks.rig.panel import Wish
from benchmarks.rig.robot import VELOCITY, Robot
from benchmarks.rig.side import NAMESPACE, Client, Side
from benchmarks.rig.zygote import Child
from rl_bridge.dds_profile import use_profile
from rl_bridge.safety.realtime import run_first
from rl_bridge.types import StopReason, StopState

PRIORITY = 45  # above the guard's, or its own delay would be measured
SPEED = 0.5  # rad/s, of every motion that a fault ends
FAR = 1.0  # rad; from here on the robot is driven back
READY_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 5.0
SWEEP_EVERY = 25
VOID = 3  # attempts that may come to nothing
PHASE_S = 0.06  # an injection comes at any time within the periods of step and tick


class RigFailed(Exception):
    """The rig did not come up or did not recover; the sentence says what was waited for."""


class Lane:
    """
    A robot side, its robot, and the injections.

    :param folder: for logs.
    :param client_host: process whose network the clients live in; 0 = this one's.
    """

    def __init__(self, folder: Path, *, client_host: int = 0) -> None:
        self.side = Side(folder, client_host=client_host)  # forks: before anything of DDS
        self.scheduling = run_first(PRIORITY)
        self.robot = Robot(namespace=NAMESPACE)
        self._injections = self._recovered = 0

    @property
    def driver(self) -> Client:
        """The client that drives."""
        assert self.side.driver is not None
        return self.side.driver

    def child(self, whom: str) -> Child:
        """Return the process that is 'client', 'bridge' or 'guard' now."""
        found = {'bridge': self.side.bridge, 'guard': self.side.guard}.get(whom)
        return self.driver.child if found is None else found

    def run(self, until: Callable[[], object], timeout_s: float) -> bool:
        """Be the robot until the condition holds."""
        return self.robot.run(until, timeout_s=timeout_s)

    def rest(self, seconds: float) -> None:
        """Be the robot for so long."""
        self.robot.rest(seconds)

    def stamp(self, read: Callable[[], int], otherwise: str) -> int:
        """Wait for a time that another process writes down."""
        self._wait(read, STAMP_TIMEOUT_S, otherwise)
        return read()

    def call(self, name: str, request: Any) -> None:
        """Call a service of the bridge and wait for its answer."""
        self.robot.call(name, request)
        self._wait(lambda: name in self.robot.answers, 5.0, f'no answer from {name}')

    def other(self) -> Client:
        """Return the client in reserve, once it is connected."""
        reserve = self.side.reserve
        assert reserve is not None
        self._wait(lambda: reserve.panel.ready, READY_TIMEOUT_S, 'no client in reserve')
        return reserve

    def ready(self) -> None:
        """Let the client drive the robot, whatever has to be started for it."""
        end_s = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < end_s:
            self.side.renew(self.run)
            driver = self.driver
            away = self.robot.position[0]
            if abs(away) > FAR:
                driver.panel.direction = -SPEED if away > 0 else SPEED
            elif not driver.panel.direction:
                driver.panel.direction = random.choice((-SPEED, SPEED))
            driver.panel.again = 1
            driver.panel.wish = Wish.DRIVE
            enough = driver.panel.steps + 2
            if self.run(partial(self._driven, driver.panel, enough), 2.0):
                if self._faulty:
                    self._recover()
                elif self.run(lambda: self._faulty or self._drives(), 0.2) and self._drives():
                    return
        raise RigFailed(
            f'the robot was not driven within {READY_TIMEOUT_S:g} s: {self.robot.status}\n'
            f'{self._logs()}'
        )

    def inject(self, name: str) -> Injection:
        """
        Inject one fault into the moving robot, see it come to rest, and get it going again.

        A busy machine may have stopped the robot before the fault began; then it is done again.

        :raises RigFailed: it could not be got going.
        """
        earlier: list[str] = []
        void = 0
        while True:
            result = self._inject(name)
            result.violations[:0] = earlier
            result.void = void
            outputs = self.robot.recording.outputs
            before = [output for output in outputs if output.arrived_ns < result.at_ns]
            if void == VOID or (before and before[-1].moves):
                return result
            earlier = result.violations
            void += 1

    def _inject(self, name: str) -> Injection:
        kind, result = KINDS[name], Injection(name)
        self._injections += 1
        if self._injections % SWEEP_EVERY == 0:
            self.side.sweep(self.run)
        gc.collect(1)
        self.robot.late_ns = 0
        self.robot.forget(time.monotonic_ns())
        self._set_off()
        panel = self.driver.panel
        held, stops, errors = panel.held, panel.stops, panel.errors
        recovered = self._recovered
        panel.again = 0  # what ends an episode is looked at before the next one
        result.at_ns = kind.inject(self)
        self._watch(kind, result)
        result.late_ms = self.robot.late_ns / 1e6
        mended_ns = time.monotonic_ns()
        kind.mend(self)
        self.ready()
        result.resumed_ms = (time.monotonic_ns() - mended_ns) / 1e6
        result.recovered = self._recovered - recovered
        kind.settle(self)
        result.told = told_stops(self.robot.recording.statuses)
        if self.driver.panel is panel:
            result.held = panel.held - held
            result.stops, result.errors = panel.stops - stops, panel.errors - errors
        result.violations = violations(
            self.robot.recording,
            lower=(-VELOCITY,) * 2,
            upper=(VELOCITY,) * 2,
            late_ns=LATE_NS + self.robot.late_ns,
        )
        if result.violations or result.unexpected or not result.expected:
            result.logs = self._logs()
        return result

    def close(self) -> None:
        """End all processes of this side."""
        self.robot.close()
        self.side.close()

    # -- inside -----------------------------------------------------------------------------------

    def _set_off(self) -> None:
        """Have the robot driven at a moment that has nothing to do with any period."""
        for _ in range(20):
            self.ready()
            if self.side.reserve is not None:
                self.other()  # so that starting it disturbs no injection
            self.rest(random.uniform(0.0, PHASE_S))
            if self._drives():
                return
        raise RigFailed(f'the robot did not keep on moving: {self.robot.status}\n{self._logs()}')

    def _driven(self, panel: Any, steps: int) -> bool:
        return self._faulty or bool(panel.steps >= steps)

    @property
    def _faulty(self) -> bool:
        return self.robot.status.state >= StopState.FAULT

    def _recover(self) -> None:
        """Do what a person does after a look at the robot."""
        self.robot.call('recover', Trigger.Request())
        self.run(lambda: 'recover' in self.robot.answers, 1.0)
        self.run(lambda: not self._faulty, 0.1)
        self._recovered += 1

    def _drives(self) -> bool:
        robot, wanted = self.robot, self.driver.panel.direction
        return (
            robot.status.state == StopState.RUNNING
            and robot.moves
            and min(v * wanted for v in robot.velocity) > 0.8 * SPEED * SPEED
        )

    def _watch(self, kind: Kind, result: Injection) -> None:
        """See the stop come, the robot at rest, and that it stays there."""
        robot, at_ns = self.robot, result.at_ns

        def stopped() -> OutputRecord | None:
            for output in reversed(robot.recording.outputs):
                if output.arrived_ns < at_ns:
                    break
                if not output.moves:
                    return output
            return None

        if kind.side == 'guard':  # as a launch file does
            self.run(stopped, 0.1)
            self.side.renew(self.run)
        if not self.run(stopped, STOP_TIMEOUT_S):
            result.unexpected.append(f'no stop output came within {STOP_TIMEOUT_S:g} s')
            return
        first = next(o for o in robot.recording.outputs if o.arrived_ns >= at_ns and not o.moves)
        result.until_ns = first.arrived_ns
        result.reaction_ms = (first.arrived_ns - at_ns) / 1e6
        if self.run(lambda: robot.speed == 0.0, STOP_TIMEOUT_S):
            result.rest_ms = (time.monotonic_ns() - at_ns) / 1e6
        else:
            result.unexpected.append('the robot did not come to rest')
        self.run(lambda: self._told(at_ns), 1.0)
        self.rest(kind.after_s)
        self._name(kind, result)
        if robot.speed or robot.moves:
            result.unexpected.append(f'the robot moves in {result.worst}')

    def _told(self, at_ns: int) -> list[StatusRecord]:
        """Return the guard's statuses of stops since then."""
        return [
            status for status in self.robot.recording.statuses
            if status.stamp_ns >= at_ns and status.state != StopState.RUNNING
        ]  # fmt: skip

    def _name(self, kind: Kind, result: Injection) -> None:
        told = [status for status in self._told(result.at_ns) if status.reason != StopReason.IDLE]
        if not told:
            result.unexpected.append('the guard told of no stop')
            return
        first, worst = told[0], max(told, key=lambda status: status.state)
        result.state, result.reason = StopState(first.state).name, StopReason(first.reason).name
        result.worst = StopState(worst.state).name
        if first.detected_ns:
            result.detected_ms = (first.detected_ns - result.at_ns) / 1e6
        if (first.state, first.reason) not in kind.outcomes:
            result.expected = False

    def _wait(self, until: Callable[[], object], timeout_s: float, otherwise: str) -> None:
        if not self.run(until, timeout_s):
            raise RigFailed(f'{otherwise} within {timeout_s:g} s\n{self._logs()}')

    def _logs(self) -> str:
        logs = sorted(self.side.folder.glob('*.log'))
        return '\n'.join(f'{log.name}: ' + log.read_text()[-1500:] for log in logs)


def serve(lane: Lane) -> None:
    """Answer jobs until standard input ends; the robot lives on between them."""
    waiting = b''
    while True:
        while b'\n' not in waiting:
            lane.run(lambda: select.select([0], [], [], 0.0)[0], 3600.0)
            more = os.read(0, 65_536)
            if not more:
                return
            waiting += more
        line, _, waiting = waiting.partition(b'\n')
        kind = json.loads(line)['kind']
        try:
            answer = asdict(lane.inject(kind))
        except (RigFailed, TimeoutError) as failure:
            answer = {'kind': kind, 'failed': str(failure)}
        print(json.dumps(answer), flush=True)


def main() -> int:
    """Run a lane until its standard input ends."""
    parser = argparse.ArgumentParser(prog='python -m benchmarks.rig.lane')
    parser.add_argument('--client-host', type=int, default=0, help='process on the client host')
    parser.add_argument('folder', help='for robot file, logs and event logs')
    options = parser.parse_args()
    use_profile()
    lane = Lane(Path(options.folder), client_host=options.client_host)
    try:
        gc.freeze()
        gc.disable()  # a collection may take as long as what is measured
        lane.ready()
        print(json.dumps({'ready': lane.scheduling}), flush=True)
        serve(lane)
    except RigFailed as failure:
        print(json.dumps({'failed': str(failure)}), flush=True)
        return 1
    finally:
        lane.close()
    return 0


if __name__ == '__main__':
    sys.exit(main())
