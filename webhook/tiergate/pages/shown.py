"""What the pages show: immutable values that the event loop publishes and the thread of the pages reads."""

from datetime import UTC, datetime

import msgspec

from tiergate.metrics.rows import UsageRow


class ShownTier(msgspec.Struct, frozen=True):
    """One tier: its mode ("" where it is not in force), and whether it is enforced, with the controller's reason."""

    name: str
    mode: str = ""
    enforcing: bool = False
    reason: str = ""


class ShownNamespace(msgspec.Struct, frozen=True):
    """The quotas of one governed namespace, ordered by quota and resource.

    ``pods`` is how many more pods with the defaults of the tier fit, None where that cannot be computed.
    """

    tier: str
    name: str
    rows: tuple[UsageRow, ...] = ()
    pods: int | None = None


class ShownProblem(msgspec.Struct, frozen=True):
    """One finding: the rule, what is wrong, and what would pass ("" where nothing would)."""

    rule: str
    fact: str
    advice: str = ""


class ShownAnswer(msgspec.Struct, frozen=True):
    """What this replica said of one object, so many times; ``more`` problems are not listed.

    ``namespace`` is "" for an object that has none. ``began`` and ``latest`` are seconds since the epoch.
    """

    tier: str
    namespace: str
    kind: str
    name: str
    problems: tuple[ShownProblem, ...]
    more: int
    count: int
    began: float
    latest: float

    @property
    def first(self) -> datetime:
        """When it was said for the first time."""
        return datetime.fromtimestamp(self.began, UTC)

    @property
    def last(self) -> datetime:
        """When it was said last."""
        return datetime.fromtimestamp(self.latest, UTC)


class Shown(msgspec.Struct, frozen=True):
    """All that the pages show.

    Attributes:
        looked: When the event loop looked at its caches.
        replica: The name of this replica.
        heard: Seconds between then and when the API server was last heard by the cache that heard it longest ago;
            None until all caches are filled.
        stale: The caches have lost touch with the API server.
        tiers: By name; also those that a namespace names and that do not exist.
        namespaces: All governed namespaces by tier and name: the same tuple until something of them changes.
        refusals: What this replica refused, the latest first.
        waiting: Workloads whose pods this replica refused, or of which it warned that they do not fit.
    """

    looked: datetime
    replica: str = ""
    heard: float | None = None
    stale: bool = False
    tiers: tuple[ShownTier, ...] = ()
    namespaces: tuple[ShownNamespace, ...] = ()
    refusals: tuple[ShownAnswer, ...] = ()
    waiting: tuple[ShownAnswer, ...] = ()
