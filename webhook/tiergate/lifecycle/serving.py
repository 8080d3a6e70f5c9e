"""Which Secret the replicas of a release serve from, and whether a controller leads: as the cluster has it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.cluster.errors import ApiError
from tiergate.cluster.lease import CONTROLLER_LEASE, last_renewal
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME
from tiergate.cluster.resource import DEPLOYMENTS
from tiergate_certs.cabundle import server_names

if TYPE_CHECKING:
    from tiergate.cluster.api import Api

WEBHOOK: Final = "tiergate-webhook"
"""Name of the Deployment and of the Service before it."""
TLS_VOLUME: Final = "tls"
SILENCE: Final = timedelta(minutes=2)
"""After that no controller leads, by the clocks of machines that may differ: the alert waits as long."""
FORBIDDEN: Final = 403


class NoRelease(RuntimeError):
    """The namespace holds no release; the message says where one is."""


class _Secret(msgspec.Struct, rename={"name": "secretName"}):
    name: str = ""


class _Volume(msgspec.Struct):
    name: str
    secret: _Secret | None = None


class _PodSpec(msgspec.Struct):
    volumes: list[_Volume] = []


class _Template(msgspec.Struct):
    spec: _PodSpec = msgspec.field(default_factory=_PodSpec)


class _DeploymentSpec(msgspec.Struct):
    template: _Template = msgspec.field(default_factory=_Template)


class _Deployment(msgspec.Struct):
    spec: _DeploymentSpec = msgspec.field(default_factory=_DeploymentSpec)


async def served_secret(api: Api, namespace: str) -> str:
    """Return the name of the Secret that the webhook's Deployment mounts; "" where that cannot be seen.

    Raises:
        NoRelease: The API server calls a Service in another namespace, and here is no such Deployment.
        ApiError, Unreachable: There is no answer.
    """
    try:
        raw = await api.get(DEPLOYMENTS, WEBHOOK, namespace=namespace)
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise
        return ""
    if raw is None:
        if (other := await _called(api)) not in {"", namespace}:
            raise NoRelease(
                f'namespace "{namespace}" holds no release; the API server calls one in "{other}": add -n {other}'
            )
        return ""
    volumes = msgspec.json.decode(raw, type=_Deployment).spec.template.spec.volumes
    return next((one.secret.name for one in volumes if one.name == TLS_VOLUME and one.secret is not None), "")


async def _called(api: Api) -> str:
    """Return the namespace of the Service that the API server calls, "" where it calls none."""
    for resource in CONFIGURATION_KINDS.values():
        if (raw := await api.get(resource, CONFIGURATION_NAME)) is not None and (names := server_names(raw)):
            return names[0].split(".")[1]  # NAME.NAMESPACE.svc
    return ""


async def leader(api: Api, namespace: str, *, now: datetime) -> tuple[str, str]:
    """Return who leads, and why nobody does: one of the two is "".

    Raises:
        ApiError, Unreachable: There is no answer.
    """
    seen = await last_renewal(api, namespace=namespace, name=CONTROLLER_LEASE)
    if seen is None:
        return "", f'no controller leads: nobody holds the Lease "{CONTROLLER_LEASE}"'
    if seen.time is None or now - datetime.fromisoformat(seen.time) > SILENCE:
        return "", f'no controller leads: the Lease "{CONTROLLER_LEASE}" was renewed last at {seen.time or "no time"}'
    return seen.holder, ""
