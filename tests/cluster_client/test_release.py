"""The release of the API server: followed, and told of where it is newer than what was tested."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator
from typing import cast

import pytest

from tiergate.cluster import release
from tiergate.cluster.api import Api
from tiergate.core.release import NEWEST


class Servers:
    """Answers as one API server after the other does."""

    def __init__(self, *minors: str) -> None:
        self._answers: Iterator[str] = iter(minors)

    async def server_version(self) -> bytes:
        """Return what /version says; CancelledError after the last one."""
        try:
            return json.dumps({"major": "1", "minor": next(self._answers)}).encode()
        except StopIteration:
            raise asyncio.CancelledError from None


@pytest.mark.parametrize(
    ("minors", "told"),
    [
        pytest.param((str(NEWEST), str(NEWEST - 3)), [], id="tested"),
        pytest.param((str(NEWEST + 1),) * 3, [NEWEST + 1], id="newer-told-once"),
        pytest.param((f"{NEWEST}", f"{NEWEST + 1}+", f"{NEWEST + 2}"), [NEWEST + 1, NEWEST + 2], id="upgraded-twice"),
    ],
)
async def test_a_release_that_was_not_tested_is_told_of_once(
    minors: tuple[str, ...], told: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The chart installs on it all the same: an upgrade of the cluster must not stop anything."""
    monkeypatch.setattr(release, "INTERVAL", 0.0)
    followed = release.ServerRelease(cast("Api", Servers(*minors)))
    with caplog.at_level(logging.WARNING), contextlib.suppress(asyncio.CancelledError):
        await followed.run()
    assert [record.__dict__["fields"]["release"] for record in caplog.records] == [f"1.{minor}" for minor in told]
    assert followed.minor == int(minors[-1].rstrip("+"))
