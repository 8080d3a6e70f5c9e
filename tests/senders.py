"""A sender that stands for the client: one for all tests that ask what is sent, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple


class Sent(NamedTuple):
    """One request, the seconds it was given, and the time of the loop at which it arrived."""

    method: str
    path: str
    timeout: float
    time: float


class RecordingSender:
    """Notes what it is asked to send and answers with an empty object."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,  # noqa: ARG002 - the client's signature
        body: bytes | None = None,  # noqa: ARG002
        content_type: str = "application/json",  # noqa: ARG002
        timeout: float = 10.0,  # noqa: ASYNC109
        most: int = 0,  # noqa: ARG002 - as above
    ) -> bytes:
        self.sent.append(Sent(method, path, timeout, asyncio.get_running_loop().time()))
        return b"{}"
