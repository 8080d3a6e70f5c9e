"""Resources of the API server: where their objects are. The only place that escapes names into URLs."""

from typing import Final
from urllib.parse import quote

import msgspec

from tiergate.core.workload_kind import WORKLOAD_KINDS
from tiergate.wire.tier import TIER_GROUP, TIER_VERSION


class Resource(msgspec.Struct, frozen=True):
    """A kind of object as the API server serves it, in one version.

    Attributes:
        group: API group, "" for the core group.
        version: Version of the group, for example ``v1``.
        plural: Name in the URL, for example ``resourcequotas``.
        namespaced: Each object lives in a namespace.
    """

    group: str
    version: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """The ``apiVersion`` of an object."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def collection(self, namespace: str | None = None) -> str:
        """Return the path of the objects of a namespace; for None, of the whole cluster.

        Raises:
            ValueError: See `_segment`; or a cluster-scoped resource was asked for in a namespace.
        """
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        if namespace is None:
            return f"{root}/{self.plural}"
        if not self.namespaced:
            raise ValueError(f"{self.plural} are not namespaced")
        return f"{root}/namespaces/{_segment(namespace)}/{self.plural}"

    def object(self, name: str, *, namespace: str | None = None, subresource: str = "") -> str:
        """Return the path of one object, or of one of its subresources.

        Raises:
            ValueError: See `_segment`; or a namespaced resource was asked for without a namespace.
        """
        if self.namespaced and namespace is None:
            raise ValueError(f"{self.plural} are namespaced")
        path = f"{self.collection(namespace)}/{_segment(name)}"
        return f"{path}/{subresource}" if subresource else path


def _segment(name: str) -> str:
    """Return a name as one segment of a path, whatever is in it.

    Raises:
        ValueError: No object can have the name, and a URL with it would mean another path.
    """
    if name in {"", ".", ".."}:
        raise ValueError(f'"{name}" is not a name of an object')
    return quote(name, safe="")


TIERS: Final = Resource(TIER_GROUP, TIER_VERSION, "tiers", namespaced=False)
NAMESPACES: Final = Resource("", "v1", "namespaces", namespaced=False)
RESOURCE_QUOTAS: Final = Resource("", "v1", "resourcequotas", namespaced=True)
LIMIT_RANGES: Final = Resource("", "v1", "limitranges", namespaced=True)
PODS: Final = Resource("", "v1", "pods", namespaced=True)
CLAIMS: Final = Resource("", "v1", "persistentvolumeclaims", namespaced=True)
SECRETS: Final = Resource("", "v1", "secrets", namespaced=True)
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", namespaced=True)
EVENTS: Final = Resource("", "v1", "events", namespaced=True)
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", namespaced=True)
NODES: Final = Resource("", "v1", "nodes", namespaced=False)
RUNTIME_CLASSES: Final = Resource("node.k8s.io", "v1", "runtimeclasses", namespaced=False)
WORKLOADS: Final[dict[str, Resource]] = {
    one.kind: Resource(one.group, "v1", one.plural, namespaced=True) for one in WORKLOAD_KINDS
}
"""Where the workloads of each kind are."""
DEPLOYMENTS: Final = WORKLOADS["Deployment"]
JOBS: Final = WORKLOADS["Job"]
SERVICES: Final = Resource("", "v1", "services", namespaced=True)
CUSTOM_RESOURCE_DEFINITIONS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", namespaced=False
)
MUTATING_WEBHOOK_CONFIGURATIONS: Final = Resource(
    "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", namespaced=False
)
VALIDATING_WEBHOOK_CONFIGURATIONS: Final = Resource(
    "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", namespaced=False
)
TOKEN_REVIEWS: Final = Resource("authentication.k8s.io", "v1", "tokenreviews", namespaced=False)
SUBJECT_ACCESS_REVIEWS: Final = Resource("authorization.k8s.io", "v1", "subjectaccessreviews", namespaced=False)
