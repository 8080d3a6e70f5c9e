"""What can go wrong between us and an API server."""

import errno
import os
import re
import ssl
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
    """There is no usable way to an API server; the message says what is missing."""


class Silence(Unreachable):
    """A watch said nothing for so long that it is not to be trusted."""


class BodyTooLarge(RuntimeError):
    """An answer is longer than the caller wants to hold."""


def in_words(error: BaseException) -> str:
    """Say what went wrong, for a condition or an Event: in the words of the system, not in those of Python."""
    for inner in ("os_error", "certificate_error"):  # of aiohttp's errors, which repeat the address
        error = getattr(error, inner, error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or str(error)
        return f"TLS: {reason.replace('_', ' ').lower()}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        known = error.errno in errno.errorcode  # asyncio writes addresses into the text
        text = os.strerror(error.errno) if known and error.errno else error.strerror
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{text[:1].lower()}{text[1:]}"
    return str(error) or re.sub(r"\B(?=[A-Z])", " ", type(error).__name__.removesuffix("Error")).lower()
