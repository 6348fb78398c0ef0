# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Executes admitted requests on the hosted environment and keeps its stops; one request at a time.

A halt wins over whatever was admitted before it: ``halts`` counts them, and a request carries the
count at its admission.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from rl_bridge.decision import Run
from rl_bridge.errors import (
    ConfigError,
    LimitError,
    RlBridgeError,
    RobotError,
    RobotStopped,
    clause,
)
from rl_bridge.hosted_env import HostedEnv, HostedEnvFailed
from rl_bridge.safety.stop_state import StopLatch
from rl_bridge.types import (
    ResetReply,
    Status,
    StatusCode,
    StepReply,
    Stop,
    StopReason,
    StopState,
)

logger = logging.getLogger('rl_bridge')

# Takes 'stop' or 'recovery', and the stops before and after it; called under a lock.
Listener = Callable[[str, Stop, Stop], object]
Outcome = tuple[Any, bool, str]  # the reply, whether the episode goes on, and if not, why
OVERTAKEN = Status(
    StatusCode.NO_SESSION, 'the session ended before this request was begun; reset to go on'
)
# Somebody wanted these; any other halt is worth a warning.
EXPECTED = frozenset(
    {StopReason.CLIENT_CLOSED, StopReason.TAKEOVER, StopReason.DEACTIVATED, StopReason.SHUTDOWN}
)


class Stage:
    """
    The hosted environment with the stops that forbid it to move.

    ``reset`` and ``step`` are called by one thread at a time; ``stop``, ``halt`` and ``recover``
    by any.

    :param clock_ns: monotonic clock in nanoseconds.
    """

    def __init__(
        self, hosted: HostedEnv, *, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._hosted = hosted
        self._clock_ns = clock_ns
        self._robot = hosted.robot
        self._latch = StopLatch()
        self._lock = threading.Lock()  # a halt and a begin never pass each other
        self._last: _Seen | None = None  # of this episode
        self._reached = True  # whether the robot could be told the last time
        self.halts = 0
        self.on_stop: Listener = lambda kind, before, after: None

    def stop(self) -> Stop:
        """Return the more severe of the bridge's own stop and the robot's."""
        own = self._latch.current
        if self._robot is None:
            return own
        robots = self._robot.stop()
        return robots if robots.state >= own.state else own

    def halt(self, *, reason: StopReason, message: str) -> bool:
        """
        Bring the robot to rest, latched until a reset; never raises.

        :return: false if the robot could not be told; ``insist`` tries it again.
        """
        with self._lock:
            self.halts += 1
            return self._stop_robot(reason, message)

    def _stop_robot(self, reason: StopReason, message: str) -> bool:
        before = self._latch.current
        if self._latch.raise_to(StopState.STOPPED, reason, message):
            self.on_stop('stop', before, self._latch.current)
            level = logging.INFO if reason in EXPECTED else logging.WARNING
            logger.log(level, 'halt: %s', message)
        return self._halt_robot(reason, message)

    def insist(self) -> None:
        """Halt a robot again that was halted and yet goes on: a begin had been on its way."""
        with self._lock:
            own = self._latch.current
            if self._robot is None or own.state < StopState.STOPPED:
                return
            if self._robot.stop().state < StopState.STOPPED:
                self._halt_robot(own.reason, own.message)

    def _halt_robot(self, reason: int, message: str) -> bool:
        if self._robot is None:
            return True
        reached_before = self._reached
        try:
            self._robot.halt(reason=reason, message=message)
            self._reached = True
        except Exception:
            self._reached = False
            if reached_before:
                logger.exception('the robot could not be halted; it is tried again')
        return self._reached

    def recover(self) -> None:
        """Turn a fault into a stop, which the next reset clears."""
        with self._lock:
            before = self.stop()
            self._latch.recover()
            if self._robot is not None:
                self._robot.recover()
            self.on_stop('recovery', before, self.stop())

    def perform(self, run: Run, request: Any, work: Callable[[], Outcome]) -> Outcome:
        """
        Do what ``reset`` or ``step`` does and answer whatever happens, a defect of ours included.

        :param work: calls one of them for this run and request.
        """
        try:
            return work()
        except BaseException as error:  # somebody waits for an answer
            what = 'reset' if run.reset else 'step'
            message = f'the {what} was begun and broke off with {type(error).__name__}: {error}'
            logger.exception('%s', message)
            self.halt(reason=StopReason.ENV_FAILED, message=message)
            return without_result(run, request, Status(StatusCode.UNKNOWN_OUTCOME, message))

    def reset(self, run: Run, request: Any, options: dict[str, Any] | None, halts: int) -> Outcome:
        """
        Begin an episode.

        :param run: what was granted.
        :param request: fields of :class:`ResetRequest`.
        :param options: the request's, decoded.
        :param halts: ``halts`` when the request was admitted; a later one is not cleared.
        """
        reply = ResetReply(session=run.session, reset_id=request.reset_id)
        seed = request.seed if request.has_seed else None
        failure = self._begin(run, reply, seed=seed, options=options, halts=halts)
        reply.stop = self.stop()
        if failure is not None:
            reply.status = failure
            return reply, False, f'the last reset failed ({failure.message})'
        return reply, True, ''

    def step(self, run: Run, action: Any, halts: int) -> Outcome:
        """
        Make one step; by hand it may begin the episode first.

        :param action: a value of the action space.
        :param halts: see :meth:`reset`.
        """
        reply = StepReply(session=run.session, step=run.step)
        if run.begin:
            in_place = {'in_place': True} if self._robot is not None else None
            failure = self._begin(run, reply, seed=None, options=in_place, halts=halts)
            if failure is not None:
                reply.status, reply.stop = failure, self.stop()
                return reply, False, f'the last reset failed ({failure.message})'
            reply.status = Status(StatusCode.OK, 'no episode was running, so one was begun')
        stop = self.stop()
        if stop.state >= StopState.STOPPED:
            status = Status(StatusCode.STOPPED, f'{stop.message}; nothing moved')
            return self._stopped(reply, stop, status)
        try:
            if self._robot is not None:
                # Step 0 would announce a begin; by hand there are no numbers.
                number = run.step or 1
                # An episode that had to be begun first took its time with the person's consent.
                age_s = 0.0 if run.begin else (self._clock_ns() - run.sent_ns) / 1e9
                self._robot.note(epoch=run.epoch, episode=run.episode, step=number, age_s=age_s)
            self._hosted.step(action, reply)
        except RobotError as error:
            status = self._failed(error)
            stopped = StepReply(session=run.session, step=run.step)
            return self._stopped(stopped, self.stop(), status)
        except (HostedEnvFailed, ConfigError, LimitError) as error:
            status = self._failed(error)
            failed = StepReply(session=run.session, step=run.step, status=status, stop=self.stop())
            return failed, False, f'the last step failed ({status.message})'
        reply.stop = self.stop()
        if reply.stop.state >= StopState.STOPPED:
            # A stop is never a learned failure, and nothing may be stepped after it.
            reply.terminated, reply.truncated = False, True
        reply.timing.held = run.held_s
        reply.timing.round_trip = run.round_trip_s
        self._last = _Seen(reply, self._clock_ns())
        over = reply.terminated or reply.truncated
        return reply, not over, 'the episode is over' if over else ''

    def _begin(
        self,
        run: Run,
        reply: ResetReply | StepReply,
        *,
        seed: int | None,
        options: dict[str, Any] | None,
        halts: int,
    ) -> Status | None:
        """Reset the environment into ``reply``; return what went wrong, or None."""
        with self._lock:
            before = self._latch.current
            if halts != self.halts:
                return self._halted_since()
            self._latch.begin()
            if self._robot is not None:
                self._robot.note(epoch=run.epoch, episode=run.episode, step=0)
        self._last = None
        try:
            reply.observation, reply.info = self._hosted.reset(seed=seed, options=options)
        except (ConfigError, LimitError) as error:
            if before.state >= StopState.STOPPED:
                # A refused value begins nothing, so it clears nothing.
                self._latch.raise_to(
                    StopState(before.state), StopReason(before.reason), before.message
                )
            return Status(StatusCode.REJECTED, clause(error))
        except (RobotError, HostedEnvFailed) as error:
            return self._failed(error)
        with self._lock:
            halted = self._halted_since() if halts != self.halts else None
        if halted is not None:
            self.insist()
            return halted
        self._last = _Seen(reply, self._clock_ns())
        return None

    def _halted_since(self) -> Status:
        message = self._latch.current.message
        return Status(StatusCode.STOPPED, f'{message}; reset again to go on')

    def _stopped(self, reply: StepReply, stop: Stop, status: Status) -> Outcome:
        """
        Answer a step that a stop left without a state of its own.

        The last observation comes again, with its info and its true age, truncated.

        :param status: to be told where there is none.
        """
        reply.stop = stop
        if self._last is None:
            reply.status = status
        else:
            reply.observation, reply.info = self._last.observation, self._last.info
            reply.truncated = True
            if self._robot is not None and not self._robot.lock_step:
                age_s = (self._clock_ns() - self._last.stamp_ns) / 1e9
                reply.timing.observation_age = age_s + self._last.age_s
        return reply, False, f'the robot was stopped ({stop.message})'

    def _failed(self, error: RlBridgeError) -> Status:
        """Halt after a failed reset or step and name it."""
        if isinstance(error, RobotStopped):
            reason, code = StopReason(error.reason), StatusCode.STOPPED
        elif isinstance(error, RobotError):
            said = getattr(error, 'reason', StopReason.NONE)
            reason, code = StopReason(said or StopReason.STATE_STALE), StatusCode.STOPPED
        else:
            reason, code = StopReason.ENV_FAILED, StatusCode.ENV_FAILED
        with self._lock:  # nobody asked for this halt, so it ends no reset that waits meanwhile
            self._stop_robot(reason, clause(error))
        return Status(code, clause(error))


class _Seen:
    """
    An observation that was told, in case a stop leaves none to tell.

    :param stamp_ns: when it was told.
    """

    __slots__ = ('age_s', 'info', 'observation', 'stamp_ns')

    def __init__(self, reply: ResetReply | StepReply, stamp_ns: int) -> None:
        self.observation = reply.observation
        self.info = reply.info
        self.age_s = reply.timing.observation_age if isinstance(reply, StepReply) else 0.0
        self.stamp_ns = stamp_ns


def without_result(run: Run, request: Any, status: Status) -> Outcome:
    """Return the reply to a request that came to nothing."""
    reply: ResetReply | StepReply
    if run.reset:
        reply = ResetReply(status=status, reset_id=request.reset_id)
    else:
        reply = StepReply(status=status, session=run.session, step=run.step)
    return reply, False, status.message
