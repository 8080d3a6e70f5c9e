"""What people read of a failure: no word of Python, no number of an error."""

from __future__ import annotations

import errno
import re
import socket
import ssl

import aiohttp
import msgspec
import pytest
from aiohttp.client_reqrep import ConnectionKey

from tiergate.cluster.errors import ApiError, Unreachable, in_words

KEY = ConnectionKey("10.0.0.1", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)
UNTRUSTED = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"
VERSION = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
VERSION.reason = "WRONG_VERSION_NUMBER"
RESET = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('10.0.0.1', 443)")
NO_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

FAILURES = [
    (RESET, "connection reset by peer"),
    (REFUSED, "connection refused"),
    (ConnectionResetError("Connection lost"), "Connection lost"),
    (ConnectionResetError(), "connection reset"),
    (NO_NAME, "name or service not known"),
    (
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/run/token"),
        "/run/token: no such file or directory",
    ),
    (TimeoutError(), "no answer in time"),
    (UNTRUSTED, "the certificate is not trusted: self-signed certificate"),
    (VERSION, "TLS: wrong version number"),
    (aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"), "connection reset by peer"),
    (aiohttp.ClientConnectorError(KEY, REFUSED), "connection refused"),
    (aiohttp.ClientConnectorDNSError(KEY, NO_NAME), "name or service not known"),
    (aiohttp.ClientConnectorSSLError(KEY, VERSION), "TLS: wrong version number"),
    (
        aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED),
        "the certificate is not trusted: self-signed certificate",
    ),
    (aiohttp.ServerDisconnectedError(), "Server disconnected"),
    (aiohttp.ServerTimeoutError("Connection timeout to host https://10.0.0.1"), "no answer in time"),
    (msgspec.ValidationError("Expected `int`"), "Expected `int`"),
    (ApiError(403, "Forbidden", "no"), "403 Forbidden: no"),
    (Unreachable("GET /x: connection refused"), "GET /x: connection refused"),
]


@pytest.mark.parametrize(
    ("error", "words"), FAILURES, ids=lambda one: "" if isinstance(one, str) else type(one).__name__
)
def test_a_failure_is_told_in_the_words_of_the_system(error: Exception, words: str) -> None:
    assert in_words(error) == words
    assert not re.search(r"Errno|_ssl\.c|\w(?:Error|Exception)\b", in_words(error))
