# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What leaves the guard: seeded at rest, slewed towards the target, checked once more.

An effort is not slewed: its limit is that of its size. A controller that needs a bounded rate of
change closes its loop above the bridge, where the period is known.
"""

from __future__ import annotations

import numpy as np

from rl_bridge.safety.guard_state import GuardMemory, Measured, to_ns
from rl_bridge.safety.limits import braking_bounds, check_command, slew
from rl_bridge.types import FloatArray


class Motion:
    """
    The output to the controller.

    :param memory: read for the robot, its measured state and the configuration; never written.
    """

    def __init__(self, memory: GuardMemory) -> None:
        self.limited = 0
        self.published: FloatArray | None = None
        self._memory = memory
        limits, config = memory.robot.limits, memory.config
        self._rate = limits.acceleration if memory.kind == 'velocity' else limits.velocity
        self._slews = memory.kind != 'effort'
        self._max_slew_s = 2 * config.period_s
        timeout_s = memory.robot.commands[memory.kind].timeout_s
        self._repeat_ns = to_ns(
            min(config.repeat_s, timeout_s / 3) if timeout_s > 0 else config.repeat_s
        )
        self._ramps = memory.robot.halt[memory.kind] == 'ramp'
        self._ramping = False
        self._speed = self._still = np.zeros(len(memory.robot.joints))
        # At this distance from both limits any velocity can still be braked.
        reaction_s = memory.robot.state_max_age_s + config.reaction_s
        braking_s = reaction_s + limits.velocity / (2.0 * limits.acceleration)
        self._free = memory.reach - limits.velocity * braking_s
        self._looked_at: Measured | None = None
        self._near = False
        self._target: FloatArray | None = None
        self._output: FloatArray | None = None
        self._output_ns = 0
        self._published_ns = 0
        self._wanted = False

    def seed(self, now_ns: int, *, keep: bool) -> None:
        """
        Forget the target and publish where the robot is at rest; motion starts from there.

        :param keep: where no fresh position is known, stay where the robot was sent last, because
            a stale one would be a step back. Otherwise nothing is published then.
        """
        self._count_limited()
        self._ramping = False
        rest = self._rest(now_ns)
        self._output = self._target = self._output if rest is None and keep else rest
        self._output_ns = now_ns
        self._wanted = True

    @property
    def ramping(self) -> bool:
        """Whether a controlled stop is under way."""
        return self._ramping

    def stop(self, now_ns: int, *, keep: bool, was_running: bool, at_once: bool) -> None:
        """
        Stop as the robot file says.

        :param keep: as in ``seed``.
        :param was_running: whether motion was allowed until now.
        :param at_once: without a ramp.
        """
        if self._ramps and not at_once and self._output is not None:
            if was_running:
                self._count_limited()
                self._ramping, self._target = True, None
            self._wanted = True
            return
        self._ramping = False
        self.seed(now_ns, keep=keep)

    def slow_down(self, now_ns: int) -> None:
        """Go on with a controlled stop: every joint slows down at its acceleration limit."""
        output, elapsed_s = self._output, self._elapsed_s(now_ns)
        if not self._ramping or output is None:
            return
        limits = self._memory.robot.limits
        rest, step = np.zeros_like(output), limits.acceleration * elapsed_s
        if self._memory.kind == 'velocity':
            self._output = slew(output, rest, step)
            self._ramping = bool(self._output.any())
        else:
            self._speed = slew(self._speed, rest, step)
            self._output = np.clip(
                output + self._speed * elapsed_s, limits.position_lower, limits.position_upper
            )
            self._ramping = bool(self._speed.any())
        self._output_ns = now_ns
        self._wanted = True

    def resume(self, now_ns: int) -> None:
        """Motion starts again from where the robot is at rest now, never from an old target."""
        if self._ramping and self._memory.kind == 'velocity':
            self._target = self._output  # it is not at rest yet: no jump to zero
        else:
            self._output = self._rest(now_ns)
        self._ramping = False

    def aim(self, target: FloatArray) -> None:
        """
        Set what the output moves towards.

        :param target: checked against the limits, shape (joints,).
        """
        self._count_limited()
        self._target = target

    def advance(self, now_ns: int) -> None:
        """Slew the output towards the target."""
        memory, output, target = self._memory, self._output, self._target
        if output is None or target is None or memory.measured is None:
            return
        due = now_ns - self._published_ns >= self._repeat_ns
        if self._near_limit(memory.measured):
            age_s = (now_ns - memory.measured.stamp_ns) / 1e9
            lower, upper = braking_bounds(
                memory.measured.position,
                memory.robot,
                reaction_s=age_s + memory.config.reaction_s,
            )
            target = np.minimum(np.maximum(target, lower), upper)
        elif output is target:  # reached, and nothing to compute
            self._speed = self._still
            self._output_ns = now_ns
            self._wanted |= due
            return
        elapsed_s = self._elapsed_s(now_ns)
        self._output = slew(output, target, self._rate * elapsed_s) if self._slews else target
        if self._ramps and elapsed_s > 0.0:
            self._speed = (self._output - output) / elapsed_s
        self._output_ns = now_ns
        self._wanted |= due or bool((self._output != output).any())
        if (self._output == self._target).all():
            self._output = self._target

    def release(self, now_ns: int, *, repeat: bool) -> FloatArray | None:
        """
        Hand out what is to be published now, as a copy that was checked once more.

        :param repeat: publish even what has not changed.
        :returns: shape (joints,), or None for nothing.
        """
        if self._output is None or not (self._wanted or repeat):
            return None
        self.published = check_command(self._output, self._memory.robot, self._memory.kind)
        self._published_ns = self._output_ns = now_ns
        self._wanted = False
        return self.published

    def _near_limit(self, measured: Measured) -> bool:
        """Whether a velocity may have to be slowed down for a position limit."""
        if self._memory.kind != 'velocity':
            return False
        if measured is not self._looked_at:
            self._looked_at = measured
            near = np.abs(measured.position - self._memory.centre) > self._free
            self._near = bool(near.any())
        return self._near

    def _elapsed_s(self, now_ns: int) -> float:
        """Since the output was computed; a late update may not turn into one large step."""
        return min((now_ns - self._output_ns) / 1e9, self._max_slew_s)

    def _rest(self, now_ns: int) -> FloatArray | None:
        """No speed, no effort; or the measured position in its range, None if it is not known."""
        memory = self._memory
        if memory.kind != 'position':
            return np.zeros(len(memory.robot.joints))
        measured = memory.fresh(now_ns)
        if measured is None or memory.suspect:  # to hold a false position is to jump there
            return None
        limits = memory.robot.limits
        return np.clip(measured.position, limits.position_lower, limits.position_upper)

    def _count_limited(self) -> None:
        """Count a target that the rate limit or a position limit kept from being reached."""
        output, target = self._output, self._target
        if output is not None and target is not None and not np.array_equal(output, target):
            self.limited += 1
