# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Two poles, one on top of the other, to be balanced on a cart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import ConfigError
from rl_bridge.textbook import canvas
from rl_bridge.textbook.double_pole import STATES, TICK_S, DoublePole, LockStepPoles
from rl_bridge.textbook.real_time_poles import RealTimePoles
from rl_bridge.textbook.textbook_env import (
    Step,
    TextbookEnv,
    require_positive,
    symmetric,
    within,
)
from rl_bridge.types import FloatArray

SENSOR_SPEED = 20.0  # m/s
SENSOR_RATE = 60.0  # rad/s
RAIL_M = 1.0
FALLEN = 5.0 / 6.0  # of the full height; 1.0 m of the default poles


class DoublePendulum(TextbookEnv):
    """
    Balance two poles, one on top of the other, by pushing the cart under them.

    The equations of motion and their source stand at ``double_pole.DoublePole``: M(q) q'' +
    C(q, q') q' + g(q) = [F, 0, 0], RK4 at 200 Hz.

    ``DoublePendulum-v0`` runs asynchronously, as the double inverted pendulum of SenseAct's
    examples does (A. R. Mahmood et al., Setting up a reinforcement learning task with a
    real-world robot, 2018): the physics lives in a process of its own and keeps real time, a
    step writes the force, waits for the end of its period and takes the newest state. A learner
    that thinks for long finds the poles fallen, as it would in front of a real one. So it is
    reset bit for bit from a seed, and not stepped so.
    ``DoublePendulumLockStep-v0`` is the same physics in this process: exactly one period a step.

    Observation: x (m), sin and cos of theta1, of theta2 (from upright, each against the
    vertical), x' (m/s), theta1', theta2' (rad/s), float32. Action: F / F_max, -1 to 1, shape
    (1,). Reward: 10 - 0.01 (x_tip / 1 m)^2 - ((h_tip - h_max) / 1 m)^2 - 0.001 theta1'^2
    - 0.005 (theta2' - theta1')^2 while the poles stand; as Gymnasium's InvertedDoublePendulum. The
    episode terminates when the tip is lower than 5/6 of the full height, or the
    cart is beyond ± 1 m.

    What textbook code often gets wrong, and this does not:

    - the reward compares the tip's height with 2 m, which poles of 1.2 m never reach (Gymnasium,
      SenseAct); here with the full height, so that standing still costs nothing;
    - the step with which the poles fall is rewarded as one that stands (SenseAct, Gymnasium
      before InvertedDoublePendulum-v5). Here it earns 0;
    - an angle got back as the arcsine of its sine (SenseAct), wrong beyond ± 90 degrees. Here
      the simulated angle itself is used, and sine and cosine are observed;
    - the time that the learner takes is left out of the world. Here it passes;
    - survival to the time limit returned as ``done`` (SenseAct). Here TimeLimit truncates (200
      steps, 10 s).

    ``info`` of a step in real time: ``ticks`` of the physics since the reset, ``age`` of the
    state (s), periods ``missed`` and the time ``slipped`` (s) that the physics could not keep.

    :param asynchronous: whether the physics has a process of its own and keeps real time.
    :param force: the largest force, N.
    :param poles: keyword arguments of ``DoublePole`` that differ from its defaults.
    :param step_s: the control period, s, a multiple of 5 ms.
    :param command_timeout_s: in real time, the force ends this long after its command.
    :param render_mode: None, 'rgb_array' or 'human'.
    :raises ConfigError: a value cannot be used; the sentence names it.
    """

    def __init__(
        self,
        *,
        asynchronous: bool = True,
        force: float = 20.0,
        poles: dict[str, Any] | None = None,
        step_s: float = 0.05,
        command_timeout_s: float = 0.15,
        render_mode: str | None = None,
    ) -> None:
        require_positive(force=force, step_s=step_s, command_timeout_s=command_timeout_s)
        super().__init__(render_mode=render_mode, fps=1.0 / step_s)
        ticks = round(step_s / TICK_S)
        if ticks < 1 or not math.isclose(ticks * TICK_S, step_s, rel_tol=1e-9):
            raise ConfigError(f'step_s is {step_s}; it must be a multiple of {TICK_S} s.')
        try:
            self.poles = DoublePole(**(poles or {}))
        except ConfigError:
            raise
        except (TypeError, ValueError) as error:
            raise ConfigError(f'poles is {poles!r}: {error}.') from error
        self._force = float(force)
        self.physics: LockStepPoles | RealTimePoles
        if asynchronous:
            self.physics = RealTimePoles(
                self.poles, period_s=ticks * TICK_S, timeout_s=command_timeout_s)
        else:
            self.physics = LockStepPoles(self.poles, ticks=ticks)
        # The last observation of an episode may lie a period beyond the rail's end.
        beyond = RAIL_M + SENSOR_SPEED * step_s
        self.observation_space = symmetric(
            beyond, 1, 1, 1, 1, SENSOR_SPEED, SENSOR_RATE, SENSOR_RATE)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.state: FloatArray = np.zeros(STATES)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """
        Put the poles nearly upright: positions within ± 0.05, rates with deviation 0.05.

        :raises RobotNotReady: the physics' process cannot be started or does not answer.
        """
        super().reset(seed=seed)
        self._running = False
        places = self.np_random.uniform(-0.05, 0.05, size=3)
        self.state = np.concatenate([places, 0.05 * self.np_random.standard_normal(3)])
        self.physics.reset(self.state)
        self._begun()
        return self._observation(), {}

    def step(self, action: Any) -> Step:
        """
        Push for one control period.

        :raises RobotNotReady: the physics ended or stands still; reset begins again.
        """
        self._require_episode()
        share = float(self._share(action)[0])
        self._running = False  # unless the physics answers
        self.state, info = self.physics.advance(share * self._force)
        tip_x, tip_height = self.poles.tip(self.state)
        fell = tip_height < FALLEN * self.poles.height_m
        terminated = fell or abs(float(self.state[0])) > RAIL_M
        turned, bent = float(self.state[4]), float(self.state[5] - self.state[4])
        away = 0.01 * tip_x**2 + (tip_height - self.poles.height_m) ** 2
        reward = 10.0 - away - 0.001 * turned**2 - 0.005 * bent**2
        self._stepped(terminated=terminated)
        return self._observation(), 0.0 if terminated else reward, terminated, False, dict(info)

    def draw(self) -> canvas.Canvas:
        """Return a drawing of rail, cart and poles."""
        x, first, second = (float(value) for value in self.state[:3])
        high = self.poles.height_m
        drawing = canvas.Canvas(centre=(0, 0.15 * high), span=2.6 * max(high, RAIL_M))
        drawing.line((-RAIL_M, 0), (RAIL_M, 0), thickness=0.02, colour=canvas.GREY)
        drawing.box((x, 0), width=0.3, height=0.12, colour=canvas.BLUE)
        (l1, l2) = self.poles.poles_m
        middle = (x + l1 * math.sin(first), l1 * math.cos(first))
        tip = (middle[0] + l2 * math.sin(second), middle[1] + l2 * math.cos(second))
        drawing.line((x, 0), middle, thickness=0.05, colour=canvas.ORANGE)
        drawing.line(middle, tip, thickness=0.05, colour=canvas.GREEN)
        for joint in ((x, 0.0), middle):
            drawing.disc(joint, radius=0.03, colour=canvas.INK)
        return drawing

    def close(self) -> None:
        """End the physics' process, and close the window; idempotent."""
        self.physics.close()
        super().close()

    def _observation(self) -> Any:
        x, first, second, *rates = (float(value) for value in self.state)
        return within(
            self.observation_space,
            [x, math.sin(first), math.cos(first), math.sin(second), math.cos(second), *rates])
