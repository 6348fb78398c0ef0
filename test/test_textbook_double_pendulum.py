# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The double pendulum: its physics, and the process in which that keeps real time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import shared_memory
from gymnasium.error import ResetNeeded

import rl_bridge  # noqa: F401  (registers the environments)
from rl_bridge.errors import ConfigError, RobotNotReady
from rl_bridge.textbook import pole_process, real_time_poles
from rl_bridge.textbook.balancing_pole import CartPole
from rl_bridge.textbook.double_pendulum import DoublePendulum
from rl_bridge.textbook.double_pole import DoublePole
from rl_bridge.textbook.real_time_poles import RealTimePoles

PATIENCE_S = 30.0


def momentum(poles: DoublePole, state: Any) -> float:
    """Along the rail, of the cart and both poles' centres of mass, kg m/s."""
    (m1, m2), (l1, l2) = poles.poles_kg, poles.poles_m
    first, second = np.cos(state[1]) * state[4], np.cos(state[2]) * state[5]
    speed = state[3]
    return float(
        poles.cart_kg * speed
        + m1 * (speed + 0.5 * l1 * first)
        + m2 * (speed + l1 * first + 0.5 * l2 * second)
    )


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit, 'this did not happen'
        time.sleep(0.005)


def ended(process: int) -> bool:
    try:
        text = Path(f'/proc/{process}/stat').read_text()
    except FileNotFoundError:
        return True
    return text.rpartition(')')[2].split()[0] == 'Z'


class TestPhysics:
    START = np.array([0.0, 2.0, 1.0, 0.1, -1.0, 2.0])

    def test_free_poles_keep_their_energy_and_momentum(self) -> None:
        poles, state = DoublePole(), self.START
        for _ in range(1000):  # 2.5 s
            state = poles.advance(state, 0.0, 0.0025)
        assert poles.energy(state) == pytest.approx(poles.energy(self.START), abs=1e-4)
        assert momentum(poles, state) == pytest.approx(momentum(poles, self.START), abs=1e-6)

    def test_a_force_gives_its_impulse_and_its_work(self) -> None:
        poles, state, work = DoublePole(), self.START, 0.0
        for _ in range(200):
            following = poles.advance(state, 3.0, 0.0025)
            work += 3.0 * float(following[0] - state[0])
            state = following
        gained = momentum(poles, state) - momentum(poles, self.START)
        assert gained == pytest.approx(3.0 * 0.5, abs=1e-6)
        assert poles.energy(state) - poles.energy(self.START) == pytest.approx(work, abs=1e-4)

    def test_with_a_weightless_upper_pole_it_is_the_cart_pole_of_the_other_textbook(self) -> None:
        poles = DoublePole(poles_kg=(0.1, 1e-12), poles_m=(1.0, 0.5))
        single = CartPole(gravity=9.81)
        state = np.array([0.0, 0.4, 0.4, 0.3, -0.7, 0.0])
        step = 1e-5
        rates = (poles.advance(state, 5.0, step)[3:5] - state[3:5]) / step
        known = single.acceleration(np.array([0.0, 0.3, 0.4, -0.7]), 5.0)
        assert rates == pytest.approx(known, rel=1e-3)

    def test_a_linear_regulator_balances_it_up_to_the_time_limit_which_truncates(self) -> None:
        env = gymnasium.make('DoublePendulumLockStep-v0')
        poles = env.unwrapped.poles  # type: ignore[attr-defined]
        gain = regulator(poles, force=20.0)
        env.reset(seed=0)
        total, terminated, truncated, steps = 0.0, False, False, 0
        while not (terminated or truncated):
            share = np.clip(-gain @ env.unwrapped.state, -1, 1)  # type: ignore[attr-defined]
            _, reward, terminated, truncated, info = env.step(share)
            total, steps = total + float(reward), steps + 1
        assert (terminated, truncated, steps, info) == (False, True, 200, {})
        assert 9.9 * 200 < total <= 10.0 * 200

    def test_the_step_in_which_it_falls_earns_nothing(self) -> None:
        env = DoublePendulum(asynchronous=False)
        env.reset(seed=0)
        terminated, rewards = False, []
        while not terminated:
            observation, reward, terminated, truncated, _ = env.step([0.0])
            assert env.observation_space.contains(observation) and not truncated
            rewards.append(reward)
        assert rewards[-1] == 0.0 and min(rewards[:-1]) > 0.0

    @pytest.mark.parametrize(
        ('options', 'says'),
        [
            ({'step_s': 0.012}, 'multiple of 0.005'),
            ({'step_s': 0.001}, 'multiple of 0.005'),
            ({'force': 0.0}, 'force is 0'),
            ({'poles': {'poles_kg': (1.0,)}}, 'poles is'),
            ({'poles': {'poles_m': (0.5, -0.5)}}, 'poles_m is -0.5'),
            ({'poles': {'mass': 1.0}}, "'mass'"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, options: dict[str, Any], says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            DoublePendulum(**options)


def regulator(poles: DoublePole, *, force: float) -> np.ndarray[Any, Any]:
    """Return the gain of a linear-quadratic regulator about upright, by iterating Riccati."""

    def ahead(state: Any, share: float) -> Any:
        for _ in range(10):
            state = poles.advance(state, share * force)
        return state

    h = 1e-5
    a = np.array([(ahead(h * e, 0.0) - ahead(-h * e, 0.0)) / (2 * h) for e in np.eye(6)]).T
    b = ((ahead(np.zeros(6), h) - ahead(np.zeros(6), -h)) / (2 * h))[:, None]
    weights, cost = np.diag([5.0, 10.0, 10.0, 1.0, 1.0, 1.0]), np.array([[1.0]])
    value = weights
    for _ in range(2000):
        gain = np.linalg.solve(cost + b.T @ value @ b, b.T @ value @ a)
        value = weights + a.T @ value @ (a - b @ gain)
    return gain


@pytest.fixture
def env() -> Iterator[DoublePendulum]:
    """A pendulum that keeps real time; its process is gone when the test is over."""
    pendulum = DoublePendulum()
    yield pendulum
    process = physics_of(pendulum).pid
    pendulum.close()
    assert process is None or ended(process)


def physics_of(env: DoublePendulum) -> RealTimePoles:
    assert isinstance(env.physics, RealTimePoles)
    return env.physics


class TestInRealTime:
    def test_it_is_the_physics_of_the_lock_step_form_bit_for_bit(
        self, env: DoublePendulum
    ) -> None:
        env.reset(seed=3)
        state = env.state
        for _ in range(3):
            *_, info = env.step([0.0])
        for _ in range(int(info['ticks'])):
            state = env.poles.advance(state, 0.0)
        assert info['ticks'] > 0 and np.array_equal(state, env.state)

    def test_time_passes_while_the_learner_thinks_and_the_step_says_so(
        self, env: DoublePendulum
    ) -> None:
        env.reset(seed=3)
        until(lambda: physics_of(env).newest()[1]['ticks'] >= 25)
        *_, info = env.step([0.0])
        assert info['missed'] >= 2 and info['ticks'] >= 25

    def test_a_command_pushes_and_ends_by_its_time_out(self) -> None:
        # Long enough for a busy machine: what it does not run within the time-out is not pushed.
        env = DoublePendulum(force=2.0, command_timeout_s=0.5)
        env.reset(seed=3)
        begin = momentum(env.poles, env.state)
        env.step([1.0])
        ticks = physics_of(env).newest()[1]['ticks']
        # 0.5 s are 100 ticks; from then on nothing pushes any more.
        until(lambda: physics_of(env).newest()[1]['ticks'] >= ticks + 110)
        first = physics_of(env).newest()[0]
        until(lambda: physics_of(env).newest()[1]['ticks'] >= ticks + 130)
        second = physics_of(env).newest()[0]
        env.close()
        # 1 N s at most; how much of it depends on the machine.
        assert 0.05 < momentum(env.poles, first) - begin < 1.05
        assert momentum(env.poles, second) == pytest.approx(
            momentum(env.poles, first), abs=1e-3)
        assert not np.array_equal(first, second)

    def test_time_that_cannot_be_caught_up_is_told(self, env: DoublePendulum) -> None:
        env.reset(seed=3)
        process = physics_of(env).pid
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        time.sleep(0.4)  # as if the machine was suspended
        os.kill(process, signal.SIGCONT)
        until(lambda: physics_of(env).newest()[1]['slipped'] > 0.25)
        assert env.step([0.0])[4]['slipped'] > 0.25

    def test_a_lock_that_is_never_released_is_named(
        self, env: DoublePendulum, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pole_process, 'LOCK_TIMEOUT_S', 0.05)
        env.reset(seed=3)
        parts = physics_of(env)._parts
        assert parts is not None
        with parts[3], pytest.raises(RobotNotReady, match='while it wrote'):
            env.step([0.0])
        env.reset(seed=3)
        with physics_of(env)._parts[3], pytest.raises(  # type: ignore[index]
            RobotNotReady, match='while it wrote'
        ):
            physics_of(env).newest()

    def test_physics_that_was_never_started_is_told_to_be(self) -> None:
        physics = RealTimePoles(DoublePole(), period_s=0.05, timeout_s=0.1)
        for ask in (physics.newest, lambda: physics.advance(0.0)):
            with pytest.raises(RobotNotReady, match='call reset first'):
                ask()
        physics.close()

    def test_a_reset_begins_anew_in_the_same_process(self, env: DoublePendulum) -> None:
        first, _ = env.reset(seed=3)
        process = physics_of(env).pid
        env.step([1.0])
        assert np.array_equal(env.reset(seed=3)[0], first) and physics_of(env).pid == process
        assert env.step([0.0])[4]['ticks'] >= 1

    def test_closing_leaves_no_process_and_no_shared_memory(self, env: DoublePendulum) -> None:
        before = shared_memory.used_by(os.getpid())
        env.reset(seed=3)
        process = physics_of(env).pid
        assert process is not None
        used = shared_memory.used_by(process) - before
        assert used  # of which nothing may be left
        env.close()
        env.close()
        assert ended(process)
        assert not [name for name in used if (shared_memory.SHARED_MEMORY / name).exists()]
        with pytest.raises(ResetNeeded):
            env.step([0.0])
        env.reset(seed=3)  # and it may be used again
        assert physics_of(env).pid != process

    def test_an_env_that_was_forgotten_takes_its_process_along(self) -> None:
        env = DoublePendulum()
        env.reset(seed=3)
        process = physics_of(env).pid
        assert process is not None
        del env
        until(lambda: ended(process))

    def test_a_killed_learner_leaves_no_process_and_no_shared_memory(self) -> None:
        learner = subprocess.Popen(
            [sys.executable, '-c', LEARNER], stdout=subprocess.PIPE, text=True)
        assert learner.stdout is not None
        process = int(learner.stdout.readline())
        used = shared_memory.used_by(process)
        learner.kill()
        learner.wait()
        learner.stdout.close()
        until(lambda: ended(process))
        until(lambda: not [n for n in used if (shared_memory.SHARED_MEMORY / n).exists()])

    def test_physics_that_was_killed_is_named_and_a_reset_starts_it_anew(
        self, env: DoublePendulum
    ) -> None:
        env.reset(seed=3)
        process = physics_of(env).pid
        assert process is not None
        os.kill(process, signal.SIGKILL)
        until(lambda: ended(process))
        with pytest.raises(RobotNotReady, match=r'exit code is -9.*Reset starts it anew'):
            env.step([0.0])
        with pytest.raises(ResetNeeded):
            env.step([0.0])
        env.reset(seed=3)
        env.step([0.0])

    def test_physics_that_stands_still_is_never_taken_for_fresh(
        self, env: DoublePendulum, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ('FRESH_TIMEOUT_S', 'END_TIMEOUT_S'):
            monkeypatch.setattr(real_time_poles, name, 0.2)
        env.reset(seed=3)
        process = physics_of(env).pid
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        with pytest.raises(RobotNotReady, match=r'stands still|while it wrote'):
            for _ in range(5):  # the first may find a state that is still fresh
                env.step([0.0])
        assert ended(process)
        env.reset(seed=3)

    def test_a_reset_that_was_interrupted_leaves_no_answer_for_the_next_one(
        self, env: DoublePendulum, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        env.reset(seed=3)
        process = physics_of(env).pid
        assert process is not None
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(real_time_poles, 'wait', interrupted)
            env.reset(seed=3)
        assert ended(process)
        with pytest.raises(ResetNeeded):
            env.step([0.0])

    def test_a_process_that_may_have_no_children_is_told_what_to_do(
        self, env: DoublePendulum, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
        monkeypatch.setitem(config, 'daemon', True)
        with pytest.raises(ConfigError, match=r'daemon=False.*asynchronous=False'):
            env.reset(seed=3)

    def test_a_script_without_a_main_guard_is_told_what_it_lacks(self, tmp_path: Path) -> None:
        script = tmp_path / 'script.py'
        script.write_text(
            'from rl_bridge.textbook.double_pendulum import DoublePendulum\n'
            'DoublePendulum().reset(seed=1)\n'
        )
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert 'RobotNotReady' in done.stderr and "if __name__ == '__main__'" in done.stderr


LEARNER = '''
import time
from rl_bridge.textbook.double_pendulum import DoublePendulum
env = DoublePendulum()
env.reset(seed=1)
print(env.physics.pid, flush=True)
time.sleep(600)
'''
