"""v1 Namespace."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.tier import LABEL
from tiergate.wire.decode import Reader
from tiergate.wire.types import Identity, Labels, Name, Validated

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The label that the API server gives every namespace, and that nobody can change."""
CONTROL_PLANE: Final = "control-plane"
MANAGED_BY_AZURE: Final = "kubernetes.azure.com/managedby"


class Namespace(msgspec.Struct, frozen=True):
    """A namespace.

    Attributes:
        name: Its name.
        tier: What its label says (None: not governed).
        deleting: It is being deleted.
        platform: Its labels by which a platform (AKS) keeps webhooks out of a namespace, by key.
    """

    name: str
    tier: str | None = None
    deleting: bool = False
    platform: tuple[tuple[str, str], ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the selectors of our webhooks look at; others would be without bound."""
        tier = {} if self.tier is None else {LABEL: self.tier}
        return {NAME_LABEL: self.name, **tier, **dict(self.platform)}


class NamespaceLabels(Labels):
    """The labels of a namespace that we read."""

    control_plane: Name | None = msgspec.field(default=None, name=CONTROL_PLANE)
    managed_by_azure: Name | None = msgspec.field(default=None, name=MANAGED_BY_AZURE)


class NamespaceIdentity(Identity):
    """``metadata`` of a Namespace, as far as we read it."""

    labels: NamespaceLabels | None = None


class WireNamespace(Validated):
    """A Namespace, as far as we read it."""

    metadata: NamespaceIdentity | None = None


def to_namespace(wire: WireNamespace) -> Namespace:
    """Return the value; raises nothing."""
    metadata = wire.metadata or NamespaceIdentity()
    labels = metadata.labels or NamespaceLabels()
    platform = ((CONTROL_PLANE, labels.control_plane), (MANAGED_BY_AZURE, labels.managed_by_azure))
    return Namespace(
        name=metadata.name,
        tier=labels.tier,
        deleting=metadata.deletionTimestamp is not None,
        platform=tuple((key, value) for key, value in platform if value is not None),
    )


read_namespace = Reader(WireNamespace, to_namespace)
