"""Durations and identities of the leader election, and the client that sends only for a leader."""

from __future__ import annotations

import pytest

from tests.senders import RecordingSender
from tiergate.cluster.lease import LeaderClient, LeaseTiming, NotLeading, identity_of


@pytest.mark.parametrize(
    ("values", "says"),
    [
        pytest.param((15, 10, 0), "retry period must be at least 1 s", id="no-retry-period"),
        pytest.param((15, 4, 2), "more than twice the retry period", id="no-second-try"),
        pytest.param((10, 10, 2), "longer than the renew deadline", id="equal"),
        pytest.param((9, 10, 2), "the lease duration (9 s)", id="shorter"),
        pytest.param((-1, -2, 2), "renew deadline (-2 s)", id="negative"),
    ],
)
def test_durations_that_would_let_two_lead_are_refused(values: tuple[int, int, int], says: str) -> None:
    duration, deadline, period = values
    with pytest.raises(ValueError, match="must be") as refused:
        LeaseTiming(lease_duration=duration, renew_deadline=deadline, retry_period=period)
    assert says in str(refused.value)


def test_a_request_is_always_shorter_than_the_renew_deadline() -> None:
    """One that hangs leaves time for a second one."""
    for timing in (LeaseTiming(), LeaseTiming(lease_duration=4, renew_deadline=3, retry_period=1)):
        assert timing.request_timeout + timing.retry_period < timing.renew_deadline < timing.lease_duration


def test_no_two_processes_have_one_identity() -> None:
    """Also two in a row on one host."""
    names = {identity_of("host") for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("host_") for name in names)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_writes_are_sent_only_while_the_lead_is_certain(method: str) -> None:
    """And they end with it at the latest; reads are never held up."""
    sender, left = RecordingSender(), 3.0
    client = LeaderClient(sender, remaining=lambda: left)
    await client.request(method, "/x")
    left = 0.0
    with pytest.raises(NotLeading, match="not sent"):
        await client.request(method, "/x")
    await client.request("GET", "/x")
    assert [(one.method, one.timeout) for one in sender.sent] == [(method, 3.0), ("GET", 10.0)]
