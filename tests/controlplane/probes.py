"""Probes as a kubelet makes them: HTTP, TCP and exec, with thresholds.

One difference, in favour of short tests: until its first success a probe is made at least twice a second.
That can only notice a start earlier; failures are still counted by the period of the specification.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from tests.controlplane.api import UNREACHABLE, Object

_EAGER: Final = 0.5
Run = Callable[[list[str]], Awaitable[int]]


@dataclass(frozen=True)
class Probe:
    """One probe of one container."""

    spec: Object
    address: str
    ports: Mapping[str, int]
    run: Run

    @property
    def period(self) -> float:
        """Return the seconds between two attempts."""
        return float(self.spec.get("periodSeconds", 10))

    @property
    def failures(self) -> int:
        """Return how many failures in a row count."""
        return int(self.spec.get("failureThreshold", 3))

    @property
    def delay(self) -> float:
        """Return the seconds from the container's start to the first attempt."""
        return float(self.spec.get("initialDelaySeconds", 0))

    async def succeeds(self) -> bool:
        """Make one attempt."""
        try:
            async with asyncio.timeout(float(self.spec.get("timeoutSeconds", 1))):
                return await self._attempt()
        except (OSError, *UNREACHABLE):
            return False

    async def _attempt(self) -> bool:
        match self.spec:
            case {"httpGet": dict(spec)}:
                return await self._http(spec)
            case {"tcpSocket": dict(spec)}:
                _, writer = await asyncio.open_connection(self.address, self._port(spec["port"]))
                writer.close()
                return True
            case {"exec": {"command": list(command)}}:
                return await self.run(command) == 0
        msg = f"a probe that this kubelet does not know: {sorted(self.spec)}"
        raise RuntimeError(msg)

    async def _http(self, spec: Object) -> bool:
        """GET over a connection of its own; as the real kubelet, without a look at the certificate."""
        scheme = spec.get("scheme", "HTTP").lower()
        url = f"{scheme}://{spec.get('host') or self.address}:{self._port(spec['port'])}{spec.get('path', '/')}"
        headers = {"User-Agent": "kube-probe/1.37", "Connection": "close"}
        headers |= {header["name"]: header["value"] for header in spec.get("httpHeaders", ())}
        connector = aiohttp.TCPConnector(ssl=_unverified(), force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            return 200 <= response.status < 400

    def _port(self, port: int | str) -> int:
        return port if isinstance(port, int) else self.ports[port]


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def until_started(probe: Probe) -> bool:
    """Wait for the first success; return False when the startup probe's patience is at its end."""
    await asyncio.sleep(probe.delay)
    end = time.monotonic() + probe.period * probe.failures
    while not await probe.succeeds():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(min(probe.period, _EAGER))
    return True


async def follow(probe: Probe, report: Callable[[bool], None], *, at_first: bool) -> None:
    """Report every change of the probe's verdict, for ever; `at_first` is the verdict before any attempt."""
    await asyncio.sleep(probe.delay)
    verdict, ever, row = at_first, False, 0
    needed = {True: int(probe.spec.get("successThreshold", 1)), False: probe.failures}
    while True:
        result = await probe.succeeds()
        ever = ever or result
        row = 0 if result == verdict else row + 1
        if row >= needed[result]:
            verdict, row = result, 0
            report(verdict)
        await asyncio.sleep(probe.period if ever else min(probe.period, _EAGER))
