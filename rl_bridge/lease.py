# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""How long the holder of a session may be silent before the robot is free for another client."""

from __future__ import annotations

# A client that waits for its first reset sends a copy of it every 250 ms, no sooner.
LEAST_FIRST_LEASE_NS = 1_000_000_000
# The pulse looks every 20 ms. Not to have looked for this long is not a slow look: nobody could be
# heard (a hosted environment held Python's lock, the machine stood still).
DEAF_NS = 250_000_000


class Lease:
    """
    The time until which the holder is believed alive; it goes on only while it can be heard.

    :param lease_s: seconds without a sign of life after which it ends.
    """

    def __init__(self, lease_s: float) -> None:
        self.named = False  # whether the holder has been told its session, so can heartbeat
        self._lease_ns = round(lease_s * 1e9)
        self._end_ns = 0
        self._listened_ns = 0  # when the bridge was last seen to be awake; 0 = never

    @property
    def length_ns(self) -> int:
        """How long it is at present: one who waits for a first answer cannot heartbeat yet."""
        return self._lease_ns if self.named else max(self._lease_ns, LEAST_FIRST_LEASE_NS)

    def begin(self, now_ns: int) -> None:
        """Begin anew, whatever was left of it."""
        self._end_ns = now_ns + self.length_ns

    def renew(self, at_ns: int) -> None:
        """Have it last at least from ``at_ns`` on."""
        self._end_ns = max(self._end_ns, at_ns + self.length_ns)

    def over(self, now_ns: int) -> bool:
        """Return whether the holder could be heard for the whole lease and was not."""
        return now_ns > self._end_ns + self._deaf_ns(now_ns)

    def listening(self, now_ns: int) -> None:
        """Note that the bridge is awake; the time it was deaf for is given back."""
        self._end_ns += self._deaf_ns(now_ns)
        self._listened_ns = now_ns

    def _deaf_ns(self, now_ns: int) -> int:
        deaf_ns = now_ns - self._listened_ns if self._listened_ns else 0
        return deaf_ns if deaf_ns > DEAF_NS else 0
