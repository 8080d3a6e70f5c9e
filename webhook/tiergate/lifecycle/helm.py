"""Whether Helm is uninstalling a release now: a hook is an ordinary Job to every tool but Helm.

``helm template ... | kubectl apply`` and ``kubectl kustomize --enable-helm`` create a pre-delete hook with everything
else, and a GitOps tool does so again whenever its TTL has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.cluster.resource import CONFIG_MAPS, JOBS, SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tiergate.cluster.api import Api

JOB: Final = "tiergate-uninstall"
REVISIONS: Final = 20
"""Revisions looked at, from the one that the hook was rendered for: a rollback keeps the hooks of an earlier one."""
UNINSTALLING: Final = "uninstalling"


class _Writer(msgspec.Struct):
    manager: str = ""
    subresource: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    labels: dict[str, str] | None = None
    managed_fields: list[_Writer] | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata


_read: Final = msgspec.json.Decoder(_Object).decode


async def not_uninstalling(api: Api, *, namespace: str, release: str, revision: int) -> str:
    """Return why Helm is not uninstalling the release; "" while it is.

    Args:
        api: Gets the hook's own Job, and the release's records by name.
        namespace: Of the release.
        release: Its name.
        revision: For which the hook was rendered.

    Raises:
        ApiError, Unreachable: It is not known.
    """
    makers = sorted(set(await _makers(api, namespace)))
    if not any("helm" in maker.lower() for maker in makers):
        return f"the Job {JOB} was not made by Helm ({', '.join(makers) or 'no manager is named'})"
    for number in range(revision, revision + REVISIONS):
        if UNINSTALLING in await _statuses(api, namespace, f"sh.helm.release.v1.{release}.v{number}"):
            return ""
    return (
        f"Helm is not uninstalling the release {release}: none of its revisions {revision} to "
        f"{revision + REVISIONS - 1} has the status {UNINSTALLING} in a Secret or ConfigMap of namespace {namespace}"
    )


async def _makers(api: Api, namespace: str) -> Iterator[str]:
    """Return who has written the hook's Job, its status left out."""
    raw = await api.get(JOBS, JOB, namespace=namespace)
    writers = () if raw is None else _read(raw).metadata.managed_fields or ()
    return (one.manager for one in writers if not one.subresource)


async def _statuses(api: Api, namespace: str, record: str) -> list[str]:
    """Return the status of a record in each place where Helm may keep it."""
    found = [await api.get(kind, record, namespace=namespace) for kind in (SECRETS, CONFIG_MAPS)]
    return [(_read(raw).metadata.labels or {}).get("status", "") for raw in found if raw is not None]
