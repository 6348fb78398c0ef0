# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Checks of every measured state while the robot may move, of the same form as those in ``checks``.

What nothing is commanded for is not judged: a robot that is moved by hand may go where it likes.
"""

from __future__ import annotations

import numpy as np

from rl_bridge.safety.guard_state import Finding, GuardMemory, Measured, to_ns
from rl_bridge.types import FloatArray, RobotDescription, StopReason, StopState

#: rad or m commanded without any change of the state, before the state counts as frozen.
TRAVEL = 0.01
#: m that the tool may be measured outside the workspace, for noise.
BOX_TOLERANCE = 0.001


def note(memory: GuardMemory, measured: Measured) -> None:
    """Remember a new state with what the checks need to know of it and of the one before."""
    before = memory.measured
    memory.before, memory.measured = before, measured
    if before is None:
        memory.first_state_ns = memory.changed_ns = measured.stamp_ns
    else:
        way = np.abs(measured.position - before.position)
        farthest = float(way.max())
        memory.suspect = farthest > memory.least_jump and not bool(
            (way <= _allowed_way(memory, before, measured)).all()
        )
        same = (
            memory.values_tell
            and farthest == 0.0
            and bool((measured.velocity == before.velocity).all())
        )
        if not same and (not measured.header_ns or measured.header_ns != before.header_ns):
            memory.changed_ns, memory.travel = measured.stamp_ns, 0.0
        memory.same_values = same
    if not measured.max_speed > memory.robot.standstill_speed:
        memory.moving_since_ns = 0
    elif not memory.moving_since_ns:
        memory.moving_since_ns = measured.stamp_ns


def note_output(memory: GuardMemory, output: FloatArray, elapsed_ns: int, now_ns: int) -> None:
    """
    Remember how far the robot is commanded to move.

    :param output: what is published now.
    :param elapsed_ns: since something was published last.
    """
    last = memory.output
    memory.output = output
    if memory.kind == 'velocity':
        travel = memory.output_speed * elapsed_ns / 1e9
        memory.output_speed = float(np.abs(output).max())
    elif memory.kind == 'position':
        travel = 0.0 if last is None else float(np.abs(output - last).max())
    else:
        # How far an effort moves a robot is not known; any counts as one rad/s.
        travel = elapsed_ns / 1e9 if output.any() else 0.0
    if travel and not memory.travel:
        memory.driven_since_ns = now_ns
    memory.travel += travel


def state_frozen(memory: GuardMemory, now_ns: int) -> Finding | None:
    """A robot that is commanded to move must be measured to change."""
    since_ns = max(memory.changed_ns, memory.driven_since_ns)
    unchanged = now_ns - since_ns
    within = to_ns(memory.robot.state_checks.frozen_within_s)
    if memory.travel <= TRAVEL or unchanged <= within:
        return None
    what = 'measured state' if memory.same_values else 'stamp'
    return Finding(
        StopState.STOPPED,
        StopReason.STATE_FROZEN,
        f'the {what} on {memory.robot.state_topic} has not changed for {unchanged / 1e6:.0f} ms '
        'although the robot is commanded to move; look at the driver',
    )


def state_jump(memory: GuardMemory, now_ns: int) -> Finding | None:
    """No joint may get farther from one state to the next than its velocity limit allows."""
    measured, before = memory.measured, memory.before
    if not memory.suspect or measured is None or before is None:
        return None
    allowed = _allowed_way(memory, before, measured)
    way = np.abs(measured.position - before.position)
    i = int(np.argmax(way - allowed))
    elapsed_ms = (measured.stamp_ns - before.stamp_ns) / 1e6
    return Finding(
        StopState.STOPPED,
        StopReason.STATE_JUMP,
        f'{memory.robot.joints[i]} is measured {way[i]:.3g} from where it was {elapsed_ms:.0f} ms '
        f'before, it can get {allowed[i]:.3g} far: look at the driver, and whether there are two',
    )


def outside_limits(memory: GuardMemory, now_ns: int) -> Finding | None:
    """
    No joint may be measured outside its position range by more than the tolerance.

    A robot whose episode began outside may only come back.
    """
    measured, limits = memory.measured, memory.robot.limits
    if measured is None:
        return None
    position = measured.position
    excess = np.abs(position - memory.centre) - memory.reach
    if excess.max() <= 0.0:
        memory.outside = memory.inside
        return None
    outside = np.maximum(excess, 0.0)
    memory.outside = outside if memory.outside is None else np.minimum(memory.outside, outside)
    tolerance = memory.robot.state_checks.position_tolerance
    wrong = excess > memory.outside + tolerance
    if not wrong.any():
        return None
    i = int(np.argmax(wrong))
    return Finding(
        StopState.STOPPED,
        StopReason.LIMIT_EXCEEDED,
        f'{memory.robot.joints[i]} is measured at {position[i]:.4g}, outside its limits '
        f'[{limits.position_lower[i]:g}, {limits.position_upper[i]:g}] by more than {tolerance:g}',
    )


def too_fast(memory: GuardMemory, now_ns: int) -> Finding | None:
    """No joint may be measured too fast twice in a row."""
    measured, before, robot = memory.measured, memory.before, memory.robot
    if measured is None or before is None or measured.max_speed <= memory.least_fastest:
        return None
    fast = np.abs(measured.velocity) > memory.fastest
    fast &= np.abs(before.velocity) > memory.fastest
    if not fast.any():
        return None
    i = int(np.argmax(fast))
    return Finding(
        StopState.STOPPED,
        StopReason.LIMIT_EXCEEDED,
        f'{robot.joints[i]} is measured at a velocity of {measured.velocity[i]:.3g}, its limit is '
        f'{robot.limits.velocity[i]:g}',
    )


def outside_workspace(memory: GuardMemory, now_ns: int) -> Finding | None:
    """
    The tool must stay in the workspace, now and once the present command is braked.

    A robot whose episode began outside may only come back in.
    """
    robot, measured = memory.robot, memory.measured
    chain = memory.chain
    if chain is None or measured is None:
        return None
    here = chain.point(measured.position)
    outside = _outside(robot, here)
    allowed = memory.outside_box = min(memory.outside_box, outside)
    if outside > allowed + BOX_TOLERANCE:
        return _left(robot, here, 'is measured')
    there = chain.point(_braked(memory, measured, now_ns))
    if _outside(robot, there) > (allowed + BOX_TOLERANCE if allowed else 0.0):
        return _left(robot, there, 'would come to rest')
    return None


def _braked(memory: GuardMemory, measured: Measured, now_ns: int) -> FloatArray:
    """Where the joints come to rest if a stop begins now."""
    output = memory.output
    if output is None:
        return measured.position
    if memory.kind == 'position':
        return output
    # No effort does not brake: what a robot does then is guessed from how it moves.
    speed = output if memory.kind == 'velocity' else measured.velocity
    config = memory.config
    reaction_s = (now_ns - measured.stamp_ns) / 1e9 + config.reaction_s + config.period_s
    braking = np.abs(speed) / (2.0 * memory.robot.limits.acceleration)
    return measured.position + speed * (reaction_s + braking)


def _outside(robot: RobotDescription, point: tuple[float, float, float]) -> float:
    """How far a point lies outside the workspace, in m along the worst axis; 0 inside."""
    box = robot.workspace
    assert box is not None
    lower: list[float] = box.lower.tolist()
    upper: list[float] = box.upper.tolist()
    sides = zip(lower, point, upper, strict=True)
    return max(0.0, *(max(low - x, x - high) for low, x, high in sides))


def _left(robot: RobotDescription, point: tuple[float, float, float], how: str) -> Finding:
    box = robot.workspace
    assert box is not None
    at = ', '.join(f'{value:.3f}' for value in point)
    return Finding(
        StopState.STOPPED,
        StopReason.LIMIT_EXCEEDED,
        f'the tool {how} at ({at}) m, outside its workspace from {box.lower.tolist()} to '
        f'{box.upper.tolist()}',
    )


def _allowed_way(memory: GuardMemory, before: Measured, measured: Measured) -> FloatArray:
    """How far each joint may get between two states."""
    return memory.fastest * ((measured.stamp_ns - before.stamp_ns) / 1e9) + memory.jump


STATE_CHECKS = (state_jump, outside_limits, too_fast, outside_workspace, state_frozen)
