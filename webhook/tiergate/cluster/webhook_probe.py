"""Whether the webhook answers, asked as the API server asks: its Service, its name, the CA in its configuration.

What is valid is judged at the API server's time, as it judges: our own clock may be off, and a good certificate must
not look like one that nobody trusts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tiergate.cluster.errors import ApiError, Unreachable, in_words
from tiergate.cluster.resource import DEPLOYMENTS, SERVICES
from tiergate.core.text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tiergate.cluster.api import Api

TIMEOUT: Final = 3.0
"""Seconds for the connection, the handshake and the answer together."""
UNDECIDED: Final = 10.0
"""Seconds for which every probe was answered by "no verdict is possible", and the API server by an answer, before
that is taken as certain: after its own restart replicas need a moment."""
LONGEST_LINE: Final = 1024
LONGEST_ANSWER: Final = 4096
UNAVAILABLE: Final = b"503"
GOOD: Final = {b"200", b"404"}
"""404: a replica of a release that does not know the path; its Service says that it is ready."""
NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the module ssl does not name."""


class ProbeResult(msgspec.Struct, frozen=True):
    """What came of one probe.

    Attributes:
        answered: A replica completed the handshake and can decide; one that does not know the question counts as well.
        unreachable: The API server cannot reach one either: none is ready, or none has a certificate that it trusts.
        detail: Why there was no answer.
    """

    answered: bool
    unreachable: bool = False
    detail: str = ""


class _Port(msgspec.Struct, frozen=True):
    port: int = 0


class _Spec(msgspec.Struct, frozen=True, rename={"cluster_ip": "clusterIP"}):
    cluster_ip: str = ""
    ports: tuple[_Port, ...] = ()
    selector: dict[str, str] = {}


class _Service(msgspec.Struct, frozen=True):
    spec: _Spec = _Spec()


class _Labelled(msgspec.Struct, frozen=True):
    labels: dict[str, str] = {}


class _Template(msgspec.Struct, frozen=True):
    metadata: _Labelled = _Labelled()


class _Scaled(msgspec.Struct, frozen=True):
    template: _Template = _Template()


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    ready_replicas: int = 0


class _Deployment(msgspec.Struct, frozen=True):
    spec: _Scaled = _Scaled()
    status: _Status = _Status()


class _Undecided(Exception):
    """A replica answers that it can give no verdict; the message says why."""


class _Untrusted(Exception):
    """The handshake is not possible for anybody; the message says why."""


class ServiceProbe:
    """Asks the webhook's Service over TLS whether it gives verdicts."""

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        service: str,
        clock_offset: Callable[[], timedelta | None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what asks.

        Args:
            api: Reads.
            namespace: Of the release.
            service: Name of the Service and of the Deployment behind it, which are the same.
            clock_offset: By how much our time of day is ahead of the API server's; None while that is not known.
            now: Our time of day.
            clock: Monotonic seconds.
        """
        self._api = api
        self._namespace = namespace
        self._service = service
        self._clock_offset = clock_offset
        self._now = now
        self._clock = clock
        self._address = ""
        self._undecided_since: float | None = None

    async def ask(self, client_config: Mapping[str, object]) -> ProbeResult:
        """Ask once.

        Args:
            client_config: Of the entry for pods: the CA that the API server trusts, and the port that it calls.
        """
        undecided = False
        try:
            async with asyncio.timeout(TIMEOUT):
                detail = await self._asked(client_config)
        except _Untrusted as error:
            return ProbeResult(answered=False, unreachable=True, detail=str(error))
        except _Undecided as error:
            undecided, detail = True, str(error)
        except (OSError, ApiError, Unreachable, ValueError, msgspec.MsgspecError) as error:
            self._address = ""  # the Service may have been created anew
            detail = in_words(error)
        if not detail:
            self._undecided_since = None
            return ProbeResult(answered=True)
        return await self._unanswered(detail, client_config, undecided=undecided)

    async def _asked(self, client_config: Mapping[str, object]) -> str:
        """Return why the Service gives no good answer, "" where it does."""
        at = (self._now() - (self._clock_offset() or timedelta())).timestamp()
        context = _context(client_config, at)
        port = msgspec.convert(client_config.get("service"), _Port).port
        address = self._address or await self._look_up()
        name = f"{self._service}.{self._namespace}.svc"
        try:
            reader, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=name, limit=LONGEST_LINE
            )
        except ssl.SSLCertVerificationError as error:
            raise _Untrusted(f"its certificate is not trusted: {error.verify_message}") from error
        self._address = address
        try:
            _check_time(writer.get_extra_info("peercert"), at)
            writer.write(f"GET /decides HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            line = await reader.readline()
            parts = line.split(maxsplit=2)
            if len(parts) > 1 and parts[1] in GOOD:
                return ""
            if len(parts) > 1 and parts[1] == UNAVAILABLE:
                raise _Undecided(f"no verdict is possible: {await _body(reader)}")
        finally:
            writer.transport.abort()
        return f"its answer was {line.decode(errors='replace').strip() or 'empty'}"

    async def _look_up(self) -> str:
        service = await self._read_service()
        address = "" if service is None else service.spec.cluster_ip
        if not address or address == "None":
            raise OSError(f'Service "{self._service}" does not exist or has no address')
        return address

    async def _read_service(self) -> _Service | None:
        raw = await self._api.get(SERVICES, self._service, namespace=self._namespace, timeout=TIMEOUT)
        return None if raw is None else msgspec.json.decode(raw, type=_Service)

    async def _unanswered(self, detail: str, client_config: Mapping[str, object], *, undecided: bool) -> ProbeResult:
        """Ask the API server whether a replica is ready: our own way to it may be what is broken."""
        try:
            raw = await self._api.get(DEPLOYMENTS, self._service, namespace=self._namespace, timeout=TIMEOUT)
            deployment = _Deployment() if raw is None else msgspec.json.decode(raw, type=_Deployment)
            severed = _severed(await self._read_service(), deployment, client_config)
        except (ApiError, Unreachable):
            self._undecided_since = None
            return ProbeResult(answered=False, detail=detail)
        if not deployment.status.ready_replicas:
            return ProbeResult(answered=False, unreachable=True, detail=f"no replica is ready ({detail})")
        if severed:
            detail = f'Service "{self._service}" {severed} ({detail})'
            return ProbeResult(answered=False, unreachable=True, detail=detail)
        detail = f"{detail}, though {deployment.status.ready_replicas} replicas are said to be ready"
        return ProbeResult(answered=False, unreachable=self._is_certain(undecided=undecided), detail=detail)

    def _is_certain(self, *, undecided: bool) -> bool:
        """Say whether it has been so for long enough that no replica gives a verdict."""
        if not undecided:
            self._undecided_since = None
            return False
        now = self._clock()
        self._undecided_since = now if self._undecided_since is None else self._undecided_since
        return now - self._undecided_since >= UNDECIDED


def _severed(service: _Service | None, deployment: _Deployment, client_config: Mapping[str, object]) -> str:
    """Say why a Service leads to no replica, for the API server neither; "" where it does, or nobody can tell."""
    try:
        port = msgspec.convert(client_config.get("service"), _Port).port
    except msgspec.ValidationError:  # it is not this Service that is called
        return ""
    if service is None:
        return "does not exist"
    if all(one.port != port for one in service.spec.ports):
        return f"has no port {port}"
    wanted = service.spec.selector
    if not wanted.items() <= deployment.spec.template.metadata.labels.items():
        return "does not select the replicas: its selector is not that of the release"
    return ""


async def _body(reader: asyncio.StreamReader) -> str:
    """Return the text of an answer whose first line was read; the server closes the connection after it."""
    rest = b""
    while len(rest) < LONGEST_ANSWER and (part := await reader.read(LONGEST_ANSWER)):
        rest += part
    return shortened(rest.partition(b"\r\n\r\n")[2].decode(errors="replace").strip())


def _context(client_config: Mapping[str, object], at: float) -> ssl.SSLContext:
    """Return the context that trusts the published CA certificates that are valid at a time, and checks no time."""
    bundle = client_config.get("caBundle")
    if not isinstance(bundle, str) or not bundle:
        raise _Untrusted("no CA is published yet")
    try:
        published = _trusting(base64.b64decode(bundle, validate=True).decode("ascii"))
    except (ssl.SSLError, binascii.Error, UnicodeDecodeError) as error:
        raise _Untrusted(f"the published CA cannot be read: {error}") from error
    certificates = list(zip(published.get_ca_certs(binary_form=True), published.get_ca_certs(), strict=True))
    valid = [raw for raw, parts in certificates if not _out_of_time(parts, at)]
    if certificates and not valid:
        raise _Untrusted("the published CA is not valid now")
    context = published if len(valid) == len(certificates) else _trusting(b"".join(valid))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the API server does not ask for more either
    context.verify_flags |= NO_CHECK_TIME
    return context


def _trusting(certificates: str | bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificates)
    return context


def _check_time(certificate: Mapping[str, Any], at: float) -> None:
    if wrong := _out_of_time(certificate, at):
        raise _Untrusted(f"its certificate is not trusted: {wrong}")


def _out_of_time(certificate: Mapping[str, Any], at: float) -> str:
    """Say why a certificate is not valid at a time, "" where it is."""
    if at < ssl.cert_time_to_seconds(certificate["notBefore"]):
        return f"not valid before {certificate['notBefore']}"
    if at > ssl.cert_time_to_seconds(certificate["notAfter"]):
        return f"it expired at {certificate['notAfter']}"
    return ""
