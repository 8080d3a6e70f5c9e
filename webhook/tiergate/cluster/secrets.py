"""Secrets of one namespace as a store of certificates (the Protocol is ``tiergate_certs.store.SecretStore``)."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from tiergate.cluster import swap
from tiergate.cluster.api import Api
from tiergate.cluster.resource import SECRETS
from tiergate.cluster.swap import CompareAndSwap
from tiergate_certs.store import Outdated, Stored


class ClusterSecrets:
    """Reads and writes whole Secrets with the API server's optimistic concurrency; none is ever created.

    Who may create Secrets may have a token of any account made. So the chart creates them empty.
    """

    def __init__(self, api: Api, namespace: str) -> None:
        """Use one namespace."""
        self._api = api
        self._namespace = namespace

    async def read(self, name: str) -> Stored | None:
        """Return the decoded data, the resourceVersion and the annotations, or None where there is no such Secret.

        Raises:
            ApiError: The API server refuses.
            Unreachable: It does not answer.
        """
        found = await self._swap(name).read()
        if found is None:
            return None
        secret = _decoded(found.body)
        data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
        return Stored(data, found.resource_version, secret["metadata"].get("annotations") or {})

    async def write(
        self,
        name: str,
        data: Mapping[str, bytes],
        resource_version: str,
        *,
        annotations: Mapping[str, str | None],
    ) -> None:
        """Replace all data of the Secret; its type, labels and other annotations stay.

        Args:
            name: Name of the Secret.
            data: All keys.
            resource_version: The version the data was decided on.
            annotations: To set, or (None) to remove.

        Raises:
            Outdated: The Secret is not the one the data was decided on.
            ApiError: The API server refuses for another reason.
            Unreachable: It does not answer.
        """
        stored = self._swap(name)
        found = await stored.read()
        if found is None or found.resource_version != resource_version:
            raise Outdated(f"secret {name}: decided on version {resource_version}, which is not the stored one")
        secret = _decoded(found.body)
        secret["data"] = {key: base64.b64encode(value).decode() for key, value in data.items()}
        noted = {**(secret["metadata"].get("annotations") or {}), **annotations}
        secret["metadata"]["annotations"] = {key: value for key, value in noted.items() if value is not None}
        try:
            await stored.write(msgspec.json.encode(secret), version=resource_version)
        except swap.Conflict as error:
            raise Outdated(str(error)) from error

    def _swap(self, name: str) -> CompareAndSwap:
        return CompareAndSwap(self._api, SECRETS, name, self._namespace)


def _decoded(body: bytes) -> dict[str, Any]:
    return msgspec.json.decode(body, type=dict[str, Any])
