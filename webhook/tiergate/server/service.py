"""The service of ``tiergate serve``: client, state, admission, endpoints and pages, wired once."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tiergate.cluster.access import User, may_use_path, may_use_resource, user_of
from tiergate.cluster.api import Api
from tiergate.cluster.client import Client
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.cluster.resource import TIERS
from tiergate.metrics.prometheus import CONTENT_TYPE, PrometheusRecorder
from tiergate.metrics.rows import TierCondition
from tiergate.pages.application import create_app
from tiergate.pages.authorization import METRICS, Access, TokenAuthorizer
from tiergate.process.service import Pages
from tiergate.server.admission import Admission
from tiergate.server.events import WorkloadEvents
from tiergate.server.journal import Journal
from tiergate.server.leadership import Leadership
from tiergate.server.live import LiveReads
from tiergate.server.makers import Makers
from tiergate.server.owners import Owners
from tiergate.server.readiness import ReadinessLog
from tiergate.server.routes import Routes
from tiergate.server.state import ServerState
from tiergate.server.usage import PagePublisher, rows_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping

    from tiergate.admission.review import UserInfo
    from tiergate.process.service import Receive, Scope, Send
    from tiergate.server.trust import PublishedTrust

REPORT: Final = 1.0
"""Seconds between two looks at what the pages show."""
STARTING: Final = 0.05
"""The same, until the caches are filled: only then is anything answered from them."""
LOOK_TIMEOUT: Final = 2.0
"""Seconds for the reads that show whether a verdict is possible: the controller asks, and waits for 3."""
OWNER_TIMEOUT: Final = 5.0
"""Seconds for each read of a workload that made pods."""
PERMISSION_TIMEOUT: Final = 5.0
"""Half of what a scraper waits, by Prometheus' own default."""
PERMISSION_SECONDS: Final = 0.5
"""For which a review of a user or token takes one of ten places: twenty a second, and people label less often."""
SERVICE_ACCOUNTS: Final = "system:serviceaccount:"
"""Then comes the namespace, a colon and the account's name."""
GC_THRESHOLDS: Final = (20_000, 20, 20)

logger = logging.getLogger(__name__)


class ServerOptions(msgspec.Struct, frozen=True):
    """What the command line says about the server."""

    namespace: str
    kubeconfig: str | None
    service_account_dir: str | None
    metrics_auth: bool = True
    usage_index: bool = True
    events: bool = True


class AccessReviews:
    """Who may put namespaces into tiers."""

    def __init__(self, api: Api) -> None:
        """Take what asks."""
        self._api = api
        self._reads = LiveReads[bool](seconds=PERMISSION_SECONDS)

    async def may_assign(self, user: UserInfo, tier: str, *, peer: str, timeout: float) -> bool:  # noqa: ASYNC109
        """Say whether the user has the verb ``assign`` on ``tiers/<name>``."""
        key = tier, msgspec.json.encode(user)
        ask = partial(self._ask, user, tier)
        return await self._reads.read(key, ask, peer=peer, whose=_whose(user.username), timeout=timeout)

    async def _ask(self, user: UserInfo, tier: str, timeout: float) -> bool:  # noqa: ASYNC109 - as above
        asker = User(user.username, user.uid, tuple(user.groups or ()), user.extra or {})
        return await may_use_resource(
            self._api, asker, verb="assign", group=TIERS.group, resource=TIERS.plural, name=tier, timeout=timeout
        )


def _whose(username: str) -> str:
    """Return whose a question is: the accounts of a namespace count as one, as its tenant can make any number."""
    return username.rpartition(":")[0] if username.startswith(SERVICE_ACCOUNTS) else username


class ServerService:
    """One webhook replica."""

    http: Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
    """Answers the API server; there from the start on."""

    def __init__(self, options: ServerOptions, recorder: PrometheusRecorder, trust: PublishedTrust) -> None:
        """Remember the options; ``start`` does the wiring, as the client belongs to the running loop."""
        self._options = options
        self._recorder = recorder
        self._trust = trust
        self._readiness = ReadinessLog()
        self._frozen = False

    async def start(self) -> None:
        """Connect and wire; nothing is read from the API server yet.

        Raises:
            ConfigError: There is no usable way to an API server.
        """
        options = self._options
        source = None if options.kubeconfig else options.service_account_dir
        client = await Client.connect(kubeconfig=options.kubeconfig, service_account_dir=source)
        self._client = client
        self._api = Api(client)
        self._token_reads = LiveReads[Access](seconds=PERMISSION_SECONDS)
        self._state = ServerState(client, release_namespace=options.namespace, usage_index=options.usage_index)
        self._leadership = Leadership(self._api, namespace=options.namespace)
        owners = Owners(self._api, timeout=OWNER_TIMEOUT)
        self._events = WorkloadEvents(self._api, owners, self._recorder) if options.events else None
        self._journal = Journal(Makers(owners))
        self._publisher = PagePublisher(self._state, self._journal, replica=socket.gethostname())
        self._admission = Admission(
            self._state,
            AccessReviews(self._api),
            release_namespace=options.namespace,
            observers=(self._journal,) if self._events is None else (self._journal, self._events),
        )
        self._routes = Routes(self._admission, self._recorder)
        self.http = self._routes.http

    @property
    def pages(self) -> Pages:
        """Metrics and usage."""
        application = create_app(
            shown=lambda: self._publisher.shown, metrics=self._recorder.exposition, metrics_type=CONTENT_TYPE
        )
        return Pages(application, TokenAuthorizer(self._ask) if self._options.metrics_auth else None)

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """The caches, what keeps the pages current, what they name refused pods by, and what writes Events."""
        return {
            **self._state.tasks(),
            **({} if self._events is None else {"events": self._events.run}),
            "journal": self._journal.run,
            "leadership": self._leadership.run,
            "report": self._report,
            "trust": self._follow_trust,
        }

    def stop(self) -> None:
        """End the process that reads large reviews."""
        self._admission.stop()

    def ready(self) -> tuple[bool, str]:
        """Ready once every cache was filled, and while the API server can accept the certificate that is served.

        That a cache is late later is a metric and a live read, not a reason.
        """
        if missing := self._state.unsynced():
            return False, "never synced: " + ", ".join(missing)
        problem = self._trust.problem(at=datetime.now(UTC))
        return not problem, problem

    async def undecided(self) -> str:
        """Say why no verdict is possible: the caches are out of touch, and what a verdict would read live fails."""
        return (
            await self._state.unreadable(self._options.namespace, timeout=LOOK_TIMEOUT) if self._state.stale() else ""
        )

    async def _follow_trust(self) -> None:
        await self._trust.run(self._api)

    async def _report(self) -> None:
        while True:
            await self._publish()
            await asyncio.sleep(REPORT if self._frozen else STARTING)

    async def _publish(self) -> None:
        self._state.observe()
        now = time.monotonic()
        for name, cache in self._state.caches().items():
            self._recorder.cache_age(name, cache.age(now=now))
        for name, faults in self._state.faults().items():
            self._recorder.cache_faults(name, faults)
        self._report_index(now)
        self._recorder.bytes_in_flight(self._routes.bytes_in_flight)
        self._recorder.tier_conditions(tuple(tier_conditions(self._state)))
        self._recorder.controller_silence(self._leadership.silence())
        self._report_trust()
        self._readiness.told(self.ready()[1])
        if await self._publisher.look():
            self._recorder.usage(rows_of(self._publisher.shown.namespaces))
        if not self._frozen and not self._state.unsynced():
            self._freeze()

    def _report_trust(self) -> None:
        trusted, end = self._trust.trusted(at=datetime.now(UTC)), self._trust.authority_end()
        self._recorder.certificate_trust(trusted=trusted, authority_expiry=None if end is None else end.timestamp())
        if (offset := self._client.clock_offset) is not None:
            self._recorder.clock_offset(offset.total_seconds())

    def _report_index(self, now: float) -> None:
        """Report the index of each kind; one that is closed is neither late nor faulty."""
        for name, index in self._state.index.each():
            cache = index.cache
            self._recorder.cache_age(f"index {name}", 0.0 if cache is None else cache.age(now=now))
            self._recorder.cache_faults(f"index {name}", 0 if cache is None else len(cache.faults))
            self._recorder.quotas_unchecked(name, index.take_unchecked())

    def _freeze(self) -> None:
        """Take what start-up and the first lists made out of the garbage collector's sight: it stays for good.

        Reviews leave no cycles behind, so that looking for them rarely is enough (5 % of the CPU of a review).
        """
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        self._frozen = True

    async def _ask(self, token: str, peer: str) -> Access:
        """Check a scraper's token."""
        access = partial(self._access, token)
        try:
            return await self._token_reads.read(token, access, peer=peer, timeout=PERMISSION_TIMEOUT)
        except (ApiError, Unreachable) as error:
            logger.warning("cannot tell who reads the metrics", extra={"fields": {"error": str(error)}})
            return "unavailable"

    async def _access(self, token: str, _timeout: float) -> Access:
        user = await user_of(self._api, token)
        if user is None:
            return "unauthenticated"
        return "permitted" if await may_use_path(self._api, user, verb="get", path=METRICS) else "forbidden"


def tier_conditions(state: ServerState) -> Iterator[TierCondition]:
    """Yield the conditions of every tier as the controller wrote them, by tier: alerts about enforcement need them.

    The webhook's replicas are scraped and the controller is not. Nothing is decided by them.
    """
    for name, record in sorted(state.tier_records().items()):
        for one in record.status.conditions:
            yield TierCondition(name, one.type, one.reason, holds=one.status == "True")
