"""What can go wrong between us and an API server."""

from typing import Final

NOT_FOUND: Final = 404
CONFLICT: Final = 409


class ApiError(RuntimeError):
    """The API server answered, and the answer is an error.

    ``status`` is the HTTP code, ``reason`` and ``message`` are those of the Status object (empty where there is none).
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        """Keep the three parts; the text is all of them."""
        super().__init__(f"{status} {reason}: {message}".rstrip(": "))
        self.status = status
        self.reason = reason
        self.message = message


class Unreachable(RuntimeError):
    """There was no answer: connection refused or cut, TLS failure, time-out, or no credentials to send."""


class ConfigError(RuntimeError):
    """No usable way to an API server was given; the message says what is missing."""


class Silence(Unreachable):
    """A watch said nothing for so long that it is not to be trusted."""


class BodyTooLarge(RuntimeError):
    """An answer is longer than the caller wants to hold."""
