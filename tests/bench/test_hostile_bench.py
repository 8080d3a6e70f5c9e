"""What the benchmark of hostile reviews sends is what a tenant can send, and its ratio is its numbers'."""

from __future__ import annotations

import json

import pytest

from bench.hostile import CONNECTIONS, CROWD, MOST, Waited, attacks, crowds, line
from bench.servers import NGINX_CONNECTIONS
from tests.server.admission_fakes import FakeState, answer
from tiergate.process.bodies import SMALL_BYTES
from tiergate.server import large_reviews
from tiergate.server.admission import LIGHT


@pytest.mark.slow
async def test_the_attacks_are_reviews_that_are_answered_and_not_too_large_to_be_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(large_reviews, "PATIENCE", 300.0)  # the test does not hold how fast the machine is
    for name, body in (attacks() | crowds()).items():
        assert len(body) < 2**20, name
        answered = await answer("mutate", body, FakeState(), timeout=300.0)
        assert answered.status == 200, name
        assert json.loads(body)["request"]["uid"] == json.loads(answered.body)["response"]["uid"]


def test_the_crowd_sends_what_is_answered_at_once_and_what_takes_many_passes_to_read() -> None:
    *light, largest = map(len, crowds().values())
    assert max(light) <= LIGHT
    assert SMALL_BYTES * 0.9 < largest <= SMALL_BYTES


def test_nginx_closes_nobody_s_connection_for_those_of_the_crowd() -> None:
    assert 2 * (CROWD + CONNECTIONS) < NGINX_CONNECTIONS


def test_the_verdict_is_that_of_the_ratio() -> None:
    quiet = Waited("quiet", 0, 1.0, 2.0, 3.0, 0)
    for most, verdict in ((2.0 * MOST, "reached"), (2.0 * MOST + 0.1, "above 3")):
        assert f"({verdict})" in line(Waited("attack", 9, 1.0, most, 9.0, 5), quiet)
