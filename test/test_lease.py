# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The time for which a silent client is believed alive."""

import pytest

from rl_bridge.lease import DEAF_NS, LEAST_FIRST_LEASE_NS, Lease

MS = 1_000_000
START = 10**9


@pytest.fixture
def lease() -> Lease:
    lease = Lease(0.4)
    lease.named = True
    lease.begin(START)
    return lease


def test_it_ends_when_its_time_is_over(lease: Lease) -> None:
    assert not lease.over(START + 400 * MS)
    assert lease.over(START + 400 * MS + 1)


def test_it_is_renewed_from_a_sign_of_life_on_and_never_shortened(lease: Lease) -> None:
    lease.renew(START + 300 * MS)
    lease.renew(START + 100 * MS)
    assert not lease.over(START + 700 * MS)
    assert lease.over(START + 700 * MS + 1)


def test_whoever_waits_for_a_first_answer_has_a_second_because_it_cannot_heartbeat() -> None:
    lease = Lease(0.4)
    lease.begin(START)
    assert not lease.over(START + LEAST_FIRST_LEASE_NS)
    assert lease.over(START + LEAST_FIRST_LEASE_NS + 1)


def test_beginning_anew_forgets_what_was_left(lease: Lease) -> None:
    lease.renew(START + 5000 * MS)
    lease.begin(START + 10 * MS)
    assert lease.over(START + 410 * MS + 1)


def test_looking_often_gives_nothing_back(lease: Lease) -> None:
    for ms in range(0, 400, 20):
        lease.listening(START + ms * MS)
    lease.listening(START + 380 * MS + DEAF_NS)
    assert lease.over(START + 380 * MS + DEAF_NS)


def test_time_in_which_nobody_could_be_heard_does_not_count(lease: Lease) -> None:
    lease.listening(START + 100 * MS)
    deaf_until = START + 2100 * MS
    assert not lease.over(deaf_until), 'whoever asks before the pulse has beaten'
    lease.listening(deaf_until)
    assert not lease.over(deaf_until + 300 * MS - MS)
    lease.listening(deaf_until + 200 * MS)
    assert lease.over(deaf_until + 300 * MS + 1)
