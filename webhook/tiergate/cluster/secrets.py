"""Secrets of one namespace as a store of certificates (the Protocol is ``tiergate_certs.store.SecretStore``)."""

import base64
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tiergate.cluster import swap
from tiergate.cluster.api import Api
from tiergate.cluster.resource import SECRETS
from tiergate.cluster.swap import CompareAndSwap
from tiergate_certs.store import Conflict, Stored

LABELS: Final = {"app.kubernetes.io/managed-by": "tiergate"}
TLS_TYPE: Final = "kubernetes.io/tls"
TLS_KEYS: Final = frozenset({"tls.crt", "tls.key"})


class ClusterSecrets:
    """Reads and writes whole Secrets with the API server's optimistic concurrency."""

    def __init__(self, api: Api, namespace: str) -> None:
        """Use one namespace."""
        self._api = api
        self._namespace = namespace

    async def read(self, name: str) -> Stored | None:
        """Return the decoded data and the resourceVersion, or None where there is no such Secret.

        Raises:
            ApiError: The API server refuses.
            Unreachable: It does not answer.
        """
        found = await self._swap(name).read()
        if found is None:
            return None
        data = {key: base64.b64decode(value) for key, value in (_decoded(found.body).get("data") or {}).items()}
        return Stored(data, found.resource_version)

    async def write(self, name: str, data: Mapping[str, bytes], resource_version: str | None) -> None:
        """Replace all data of the Secret, or create it; its type, labels and annotations stay.

        Args:
            name: Name of the Secret.
            data: All keys.
            resource_version: The version the data was decided on; None means there was no Secret.

        Raises:
            Conflict: The Secret is not the one the data was decided on.
            ApiError: The API server refuses for another reason.
            Unreachable: It does not answer.
        """
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        stored = self._swap(name)
        secret = _new_secret(name, encoded)
        if resource_version is not None:
            found = await stored.read()
            if found is None or found.resource_version != resource_version:
                raise Conflict(f"secret {name}: decided on version {resource_version}, which is not the stored one")
            secret = {**_decoded(found.body), "data": encoded}
        try:
            await stored.write(msgspec.json.encode(secret), version=resource_version)
        except swap.Conflict as error:
            raise Conflict(str(error)) from error

    def _swap(self, name: str) -> CompareAndSwap:
        return CompareAndSwap(self._api, SECRETS, name, self._namespace)


def _decoded(body: bytes) -> dict[str, Any]:
    return msgspec.json.decode(body, type=dict[str, Any])


def _new_secret(name: str, encoded: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": LABELS},
        "type": TLS_TYPE if encoded.keys() >= TLS_KEYS else "Opaque",
        "data": encoded,
    }
