"""A replica's log says why it is not ready, once for each reason, and that it is ready again."""

from __future__ import annotations

import logging

import pytest

from tiergate.server.readiness import STARTING_FOR, ReadinessLog

CACHES, TRUST = "never synced: tiers", "no caBundle holds its CA"


@pytest.mark.parametrize(
    ("reasons", "lines"),
    [
        pytest.param([(0, CACHES), (STARTING_FOR - 1, CACHES), (1, "")], [], id="a-start"),
        pytest.param([(0, CACHES), (STARTING_FOR, CACHES), (1, CACHES)], [CACHES], id="a-start-that-takes-long"),
        pytest.param([(0, CACHES), (STARTING_FOR, CACHES), (1, "")], [CACHES, "ready again"], id="and-ends"),
        pytest.param([(0, ""), (1, TRUST), (1, TRUST), (1, "")], [TRUST, "ready again"], id="lost-and-back"),
        pytest.param([(0, ""), (1, TRUST), (1, CACHES)], [TRUST, CACHES], id="another-reason"),
    ],
)
def test_each_change_is_told_once(
    reasons: list[tuple[float, str]], lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    now = 100.0
    log = ReadinessLog(clock=lambda: now)
    with caplog.at_level(logging.INFO):
        for passes, reason in reasons:
            now += passes
            log.told(reason)
    assert [vars(one).get("fields", {}).get("reason", one.message) for one in caplog.records] == lines
    assert all((one.levelno == logging.WARNING) == (one.message == "not ready") for one in caplog.records)
