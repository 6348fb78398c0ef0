# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
What a request has to pass before the session hears of it: its size, the rate, the proof.

Nothing that is refused here changes anything: it renews no lease, takes no number and is not
remembered. The caller holds the lock that guards the session.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from rl_bridge.access import (
    NO_PROOF,
    Proof,
    Secret,
    authorized_claim,
    close_claim,
    heartbeat_claim,
    render_claim,
    reset_claim,
    step_claim,
)
from rl_bridge.session import Session
from rl_bridge.types import Status, StatusCode

MOST_CLIENT_ID = 256
MOST_SESSION = 128
MOST_OPTIONS = 65_536
MOST_NUMBERS = 1_048_576  # of an action whose length is not fixed by its space; 8 MiB
MOST_TEXTS = 1_024
MOST_TEXT = 65_536  # characters of all texts of an action together

#: Requests per second of those without the lease, and how many may come at once.
RATE_HZ = 200.0
BURST = 400
#: How old what an operator echoes may be.
AUTHORIZED_WITHIN_S = 5.0


class Bucket:
    """Lets ``burst`` requests through at once and ``rate_hz`` a second in the long run."""

    def __init__(self, *, rate_hz: float = RATE_HZ, burst: int = BURST) -> None:
        self._rate_hz = rate_hz
        self._burst = float(burst)
        self._left = float(burst)
        self._at_ns = 0

    def take(self, now_ns: int) -> bool:
        """Return whether one more may pass at this time of a monotonic clock."""
        grown = (now_ns - self._at_ns) / 1e9 * self._rate_hz
        self._left = min(self._burst, self._left + max(0.0, grown))
        self._at_ns = now_ns
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Door:
    """
    The checks of one bridge.

    :param secret: None = no request needs a proof.
    :param session: tells who holds the lease and which epoch it is.
    :param bridge_id: of this process; an operator's request names it.
    :param clock_ns: the clock whose stamps are echoed.
    """

    def __init__(
        self,
        session: Session,
        *,
        secret: Secret | None,
        bridge_id: str,
        clock_ns: Callable[[], int],
    ) -> None:
        self.secret = secret
        self._session = session
        self._bridge_id = bridge_id
        self._clock_ns = clock_ns
        self._strangers = Bucket()
        self._friends = Bucket()  # who proves the secret is not starved by who does not
        self._beats = ('', 0)  # session and count of the last heartbeat
        self._echo_ns = 0  # the last that an operator's request was accepted for

    # -- requests ---------------------------------------------------------------------------------

    def specs(self) -> Status | None:
        """Return why nobody is told the specs now, or None; they are no secret."""
        return None if self._bucket_has(self._strangers) else _too_many()

    def reset(self, request: Any) -> Status | None:
        """Return why a reset is refused, or None."""
        session = self._session
        numbered = bool(request.client_id and request.reset_id and request.epoch)
        return self._too_large(
            ('client_id', len(request.client_id), MOST_CLIENT_ID),
            ('session', len(request.session), MOST_SESSION),
            ('specs_hash', len(request.specs_hash), MOST_SESSION),
            ('options', len(request.options), MOST_OPTIONS),
        ) or self._pass(
            request.auth,
            lambda: reset_claim(request) if numbered else b'',
            holders=bool(session.holder) and request.client_id == session.holder,
        )

    def step(self, request: Any) -> Status | None:
        """Return why a step is refused, or None; one of an ended session goes on to be told so."""
        texts = request.action_text
        many = len(texts) > MOST_TEXTS
        return self._too_large(
            ('session', len(request.session), MOST_SESSION),
            ('action', len(request.action), MOST_NUMBERS),
            ('action_text', len(texts), MOST_TEXTS),
            ('action_text', 0 if many else sum(map(len, texts)), MOST_TEXT),
        ) or self._pass_session(
            request.session,
            request.auth,
            lambda: step_claim(request, epoch=self._session.epoch) if request.echo_ns else b'',
        )

    def close(self, session: str, proof: Proof) -> Status | None:
        """Return why the release of a session is refused, or None."""
        return self._too_large(('session', len(session), MOST_SESSION)) or self._pass_session(
            session, proof, lambda: close_claim(session, epoch=self._session.epoch)
        )

    def render(self, session: str, proof: Proof) -> Status | None:
        """Return why a picture is refused, or None."""
        return self._too_large(('session', len(session), MOST_SESSION)) or self._pass_session(
            session, proof, lambda: render_claim(session, epoch=self._session.epoch)
        )

    def heartbeat(
        self,
        session: str,
        *,
        sender: str = '',
        epoch: int = 0,
        count: int = 0,
        auth: Proof = NO_PROOF,
    ) -> bool:
        """Return whether a heartbeat may renew the lease."""
        if not session or session != self._session.session:
            return False
        if self.secret is None:
            return True
        last_session, last_count = self._beats
        if session == last_session and count <= last_count:
            return False
        proven = epoch == self._session.epoch and self._proves(
            lambda: heartbeat_claim(client_id=sender, session=session, epoch=epoch, count=count),
            auth,
        )
        if proven:
            self._beats = (session, count)
        return proven

    def authorized(self, request: Any) -> Status | None:
        """Return why an operator's request is refused, or None."""
        if self.secret is None:
            return None
        refusal = self._pass(
            request.auth,
            lambda: authorized_claim(
                verb=request.verb, bridge_id=request.bridge_id, echo_ns=request.echo_ns
            ),
        )
        if refusal is not None:
            return refusal
        age_ns = self._clock_ns() - request.echo_ns
        fresh = 0 <= age_ns <= AUTHORIZED_WITHIN_S * 1e9 and request.echo_ns > self._echo_ns
        if not fresh or request.bridge_id != self._bridge_id:
            return Status(
                StatusCode.UNAUTHENTICATED,
                'the proof was used before, is too old or meant for another bridge; ask '
                'get_specs again and echo its bridge_id and stamp_ns',
            )
        self._echo_ns = request.echo_ns
        return None

    # -- parts ------------------------------------------------------------------------------------

    def _too_large(self, *sizes: tuple[str, int, int]) -> Status | None:
        """
        Refuse what nobody should have to walk through.

        :param sizes: name, length and greatest length of each part.
        """
        for name, length, most in sizes:
            if length > most:
                wrong = f'{name} has a length of {length}; {most} is the most; nothing moved'
                passes = self._bucket_has(self._strangers)
                return Status(StatusCode.MALFORMED, wrong) if passes else _too_many()
        return None

    def _pass_session(
        self, session: str, proof: Proof, claim: Callable[[], bytes]
    ) -> Status | None:
        """Check what belongs to a session; who names one that has ended is told so, no more."""
        if session and session != self._session.session:
            return None if self._bucket_has(self._strangers) else _too_many()
        if not session:
            return self._pass(proof, lambda: b'')  # by hand: nothing makes a proof good only once
        return self._pass(proof, claim, holders=True)

    def _pass(
        self, proof: Proof, claim: Callable[[], bytes], *, holders: bool = False
    ) -> Status | None:
        """
        Check the proof, and the rate of those who do not hold the lease.

        :param claim: gives nothing for a request that no proof makes good.
        :param holders: whether it says that it comes from the lease's holder.
        """
        proven = self.secret is None or self._proves(claim, proof)
        if proven and holders:
            return None
        friend = proven and self.secret is not None
        if not self._bucket_has(self._friends if friend else self._strangers):
            return _too_many()
        if proven:
            return None
        if len(proof):
            what = 'the proof of the shared secret is wrong, or not for this'
        else:
            what = 'a shared secret is set here, and the request carries no proof of it'
        return Status(StatusCode.UNAUTHENTICATED, f'{what}; nothing moved')

    def _proves(self, claim: Callable[[], bytes], proof: Proof) -> bool:
        assert self.secret is not None
        try:
            said = claim()
        except struct.error:  # a number that no message could carry
            return False
        return bool(said) and self.secret.proves(said, proof)

    def _bucket_has(self, bucket: Bucket) -> bool:
        # Where nobody holds the lease and no secret is set, there is nobody to protect.
        free = self.secret is None and not self._session.holder
        return free or bucket.take(self._clock_ns())


def _too_many() -> Status:
    return Status(
        StatusCode.RATE_LIMITED,
        f'those without the lease send more than {RATE_HZ:g} requests a second; nothing moved',
    )
