"""Secrets of one namespace as a store of certificates (the Protocol is ``tiergate_certs.store.SecretStore``)."""

import base64
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tiergate.cluster.client import CONFLICT, NOT_FOUND, ApiError
from tiergate.cluster.sender import Sender, get_or_none
from tiergate_certs.store import Conflict, Stored

LABELS: Final = {"app.kubernetes.io/managed-by": "tiergate"}
TLS_TYPE: Final = "kubernetes.io/tls"
TLS_KEYS: Final = frozenset({"tls.crt", "tls.key"})


class ClusterSecrets:
    """Reads and writes whole Secrets with the API server's optimistic concurrency."""

    def __init__(self, client: Sender, namespace: str) -> None:
        """Use one namespace."""
        self._client = client
        self._namespace = namespace

    async def read(self, name: str) -> Stored | None:
        """Return the decoded data and the resourceVersion, or None where there is no such Secret.

        Raises:
            ApiError: The API server refuses.
            Unreachable: It does not answer.
        """
        secret = await self._get(name)
        if secret is None:
            return None
        data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
        return Stored(data, secret["metadata"]["resourceVersion"])

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
        if resource_version is None:
            await self._send("POST", self._path(), _new_secret(name, encoded), name)
            return
        secret = await self._get(name)
        if secret is None or secret["metadata"]["resourceVersion"] != resource_version:
            raise Conflict(f"secret {name}: decided on version {resource_version}, which is not the stored one")
        secret["data"] = encoded
        await self._send("PUT", self._path(name), secret, name)

    def _path(self, name: str = "") -> str:
        return f"/api/v1/namespaces/{self._namespace}/secrets" + (f"/{name}" if name else "")

    async def _get(self, name: str) -> dict[str, Any] | None:
        body = await get_or_none(self._client, self._path(name))
        return None if body is None else msgspec.json.decode(body, type=dict[str, Any])

    async def _send(self, method: str, path: str, secret: Mapping[str, Any], name: str) -> None:
        try:
            await self._client.request(method, path, body=msgspec.json.encode(secret))
        except ApiError as error:
            if error.status in {CONFLICT, NOT_FOUND}:  # 404: deleted between our two calls
                raise Conflict(f"secret {name}: {error.message}") from error
            raise


def _new_secret(name: str, encoded: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": LABELS},
        "type": TLS_TYPE if encoded.keys() >= TLS_KEYS else "Opaque",
        "data": encoded,
    }
