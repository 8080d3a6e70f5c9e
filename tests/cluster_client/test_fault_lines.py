"""What is logged of objects that cannot be used: whoever changes them again and again must not fill the log."""

from __future__ import annotations

import logging

import pytest

from tests.cluster_client.test_cache import Script, a_page, a_thing, an_event, follow
from tiergate.cluster.watch import LINES

VIRTUAL_TIME = True


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.__dict__["fields"]["key"] for one in caplog.records if one.msg == "object cannot be used"]


@pytest.mark.parametrize(
    ("events", "logged"),
    [
        pytest.param([("a", "bad")] * 200, ["dev/a"], id="one-object-changed-in-what-does-not-matter"),
        pytest.param([("a", "bad"), ("a", "good")] * 200, ["dev/a"] * LINES, id="one-object-made-good-and-bad"),
        pytest.param([(f"p{n}", "bad") for n in range(200)], [f"dev/p{n}" for n in range(LINES)], id="many-objects"),
        pytest.param([("a", "bad"), ("b", "bad"), ("a", "bad")], ["dev/a", "dev/b"], id="two-objects"),
    ],
)
async def test_a_fault_is_logged_once_and_few_of_one_namespace(
    events: list[tuple[str, str]], logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    changes = [
        an_event("MODIFIED", a_thing(name, version, value, namespace="dev"))
        for version, (name, value) in enumerate(events, start=2)
    ]
    changes.append(an_event("ADDED", a_thing("other", len(events) + 2, "bad", namespace="prod")))
    with caplog.at_level(logging.WARNING):
        cache = await follow(Script(a_page(version=1), changes))
    *of_dev, last = lines(caplog)
    assert last == "prod/other"
    assert of_dev == logged[: len(of_dev)]
    assert len(of_dev) in {len(logged), LINES - 1}  # a clock's rounding may cost one
    assert "prod/other" in cache.faults
