"""What most parts need of the client: one request, one answer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

from tiergate.cluster.client import MAX_BODY


class Sender(Protocol):
    """Sends requests to the API server; ``Client`` is one, and so is the client of whoever leads."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 - as the client has it
        most: int = MAX_BODY,
    ) -> bytes:
        """Return the body of a 2xx answer; raise ApiError, Unreachable, or BodyTooLarge above so many bytes."""


class Guarded(ABC):
    """A sender that asks before each write; reads go through at once."""

    def __init__(self, client: Sender) -> None:
        """Wrap a sender."""
        self._client = client

    @abstractmethod
    async def before_write(self, what: str, timeout: float) -> float:  # noqa: ASYNC109 - as the client has it
        """Return the timeout to send a write with, once it may be sent; raise where it may not.

        Args:
            what: Verb and path, for people.
            timeout: What was asked for, in seconds.
        """

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 - as the client has it
        most: int = MAX_BODY,
    ) -> bytes:
        """Send one request; raise as the sender does, and as ``before_write``."""
        if method != "GET":
            timeout = await self.before_write(f"{method} {path}", timeout)
        return await self._client.request(
            method, path, query=query, body=body, content_type=content_type, timeout=timeout, most=most
        )
