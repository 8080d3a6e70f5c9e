"""A namespace that asks without end gets its answers later, and leaves the time of the event loop to the others."""

from __future__ import annotations

import heapq

import pytest

from tiergate.server.pacing import ALONE, BURST, LONGEST, MOST_KNOWN, OVERHEAD, SHARE, Pacing

SECONDS = 20.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def ask(pacing: Pacing, namespace: str, *, peer: str = "192.0.2.1", held: float = 0.0) -> float:
    return pacing.wait(peer, namespace, size=0, held=held)


@pytest.mark.parametrize("held", [0.00005, 0.001, 0.01])
@pytest.mark.parametrize("senders", [8, 40, 200])
def test_a_flood_of_one_namespace_has_its_share_and_others_never_wait(senders: int, held: float) -> None:
    """Each of its senders asks again as soon as it is answered, and another namespace fifty times a second."""
    clock = Clock()
    pacing = Pacing(clock=clock)
    cost, taken, begun = OVERHEAD + held, 0.0, clock.now
    flood = [clock.now] * senders
    quiet = clock.now
    while clock.now < begun + SECONDS:
        clock.now = max(clock.now, min(flood[0], quiet))
        if quiet <= clock.now:
            assert ask(pacing, "quiet") == 0.0
            quiet += 0.02
        else:
            clock.now += cost  # one after the other
            taken += cost
            heapq.heapreplace(flood, clock.now + ask(pacing, "flood", held=held))
    share = min(max(SHARE, senders * cost / LONGEST), 1.0)  # nobody waits for longer than that
    assert share * SECONDS * 0.9 <= taken <= (share * SECONDS + BURST) * 1.05


def test_who_is_alone_waits_for_nobody() -> None:
    clock = Clock()
    pacing = Pacing(clock=clock)
    ask(pacing, "other")
    clock.now += ALONE
    assert [ask(pacing, "flood") for _ in range(1000)][-1] > 0  # the other one may be back at any moment
    clock.now += ALONE
    assert not any(ask(pacing, "flood") for _ in range(1000))


def test_an_address_that_makes_up_namespaces_delays_none_of_another() -> None:
    pacing = Pacing(clock=Clock())
    for _ in range(1000):
        ask(pacing, "dev", peer="192.0.2.66")
    assert ask(pacing, "dev", peer="192.0.2.66") > 0
    assert ask(pacing, "dev") == 0.0


def test_what_is_held_back_is_bounded_in_time_and_what_is_known_in_number() -> None:
    """The API server waits for the answer."""
    pacing = Pacing(clock=Clock())
    for number in range(3 * MOST_KNOWN):
        ask(pacing, f"made-up-{number}")
    assert len(pacing._due) <= MOST_KNOWN
    waits = [ask(pacing, "flood", held=5.0) for _ in range(100)]
    assert 0 < max(waits) <= LONGEST
