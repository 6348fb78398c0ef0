# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""One ready robot behind topics: its periods, the age of what it measures, and the halt."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.gallery.trajectories import bridged, checked
from rl_bridge.errors import RlBridgeError
from rl_bridge.observer_node import Observer
from rl_bridge.operator_node import halt
from rl_bridge.processes import RobotSide
from rl_bridge.types import StopReason

REST_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Drive:
    """What came of driving one robot; times in ms."""

    steps: int = 0
    period_ms: float = 0.0
    missed: int = 0
    lateness_ms: list[float] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    halt: str = ''  # the stop_reason after ~/halt
    rest_ms: float | None = None  # from the guard's stop to standstill
    check: str = ''
    frame: Any = None
    error: str = ''


def drive(namespace: str, *, steps: int, check: bool) -> Drive:
    """
    Step one robot with random actions, then halt it in mid-episode.

    :param check: whether check_env is run first; it resets the robot often.
    """
    result = Drive()
    try:
        with contextlib.closing(bridged(f'/{namespace}/robot_env')) as env:
            if check:
                result.check = checked(env)
            _drive(env, result, steps)
            _halt(env, namespace, result)
            result.frame = env.render()
    except (RlBridgeError, TimeoutError) as fault:
        result.error = f'{type(fault).__name__}: {fault}'
    return result


def side(params_file: str, namespace: str) -> RobotSide:
    """Return the processes of one ready robot, to be started."""
    return RobotSide(namespace=namespace, params_file=params_file, log_level='warn')


def _drive(env: Any, result: Drive, steps: int) -> None:
    env.action_space.seed(3)
    over = True
    while result.steps < steps:
        if over:
            env.reset(seed=result.steps)
        action = env.action_space.sample()
        begin_s = time.perf_counter()
        _, _, terminated, truncated, info = env.step(action)
        result.took_ms.append((time.perf_counter() - begin_s) * 1e3)
        timing = info['timing']
        result.period_ms = timing['period'] * 1e3
        result.missed += timing['missed']
        result.lateness_ms.append(timing['lateness'] * 1e3)
        result.ages_ms.append(timing['observation_age'] * 1e3)
        if 'stop_reason' in info or 'hold_reason' in info:
            result.stops.append(info.get('stop_reason') or info['hold_reason'])
        result.steps += 1
        over = terminated or truncated


def _halt(env: Any, namespace: str, result: Drive) -> None:
    """Halt it while it moves; the episode has to end with that reason, the robot at rest."""
    env.reset(seed=1)
    with Observer(namespace=namespace) as observer:
        observer.wait_for(lambda sight: sight.guard is not None, timeout_s=REST_TIMEOUT_S)
        begin_ns = time.monotonic_ns()
        person = threading.Thread(target=halt, args=(f'/{namespace}/robot_env',))
        person.start()  # it has to be discovered first, and the robot moves meanwhile
        try:
            while not result.halt:
                *_, terminated, truncated, info = env.step(env.action_space.sample())
                result.halt = info.get('stop_reason', '')
                if (terminated or truncated) and not result.halt:
                    env.reset(seed=1)
        finally:
            person.join()
        seen = observer.wait_for(
            lambda sight: (
                sight.guard is not None
                and sight.guard.stop.reason == StopReason.HALT_REQUESTED
                and sight.guard.standstill_ns > sight.guard.detected_ns > begin_ns
            ),
            timeout_s=REST_TIMEOUT_S,
        )
        assert seen.guard is not None
        result.rest_ms = (seen.guard.standstill_ns - seen.guard.detected_ns) / 1e6
