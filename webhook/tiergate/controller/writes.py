"""Writes to one namespace as values: decided by pure functions, sent by the reconciler."""

import msgspec


class Write(msgspec.Struct, frozen=True):
    """One request: its verb, its path below the namespace, its body."""

    method: str
    path: str
    body: bytes


class Delete(msgspec.Struct, frozen=True):
    """The object is ours and should not exist (any more, or not as it is)."""

    collection: str
    name: str
    resource_version: str

    def write(self, *, namespace: str, tier: str) -> Write:  # noqa: ARG002 - every action is asked the same
        """Return the request; the API server refuses it for any other version."""
        preconditions = {"resourceVersion": self.resource_version}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        return Write("DELETE", f"{self.collection}/{self.name}", msgspec.json.encode(options))
