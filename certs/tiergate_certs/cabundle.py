"""The JSON patch that tells the API server which CA to trust for a webhook configuration.

A patch and never server-side apply: an applied stub of an entry would make this field's owner an owner of the list
item, and the next chart upgrade that removes the entry would fail.
"""

import base64
import json
from typing import Literal, NamedTuple, TypedDict


class ConfigurationError(ValueError):
    """What was given is no webhook configuration."""


class PatchOperation(TypedDict):
    """One operation of RFC 6902."""

    op: Literal["test", "add"]
    path: str
    value: str


class RegisteredWebhook(NamedTuple):
    """What matters here of one webhook in a configuration."""

    name: str
    ca_bundle: str | None
    server_name: str = ""
    """The DNS name of its Service, for which the API server wants a certificate; "" where it calls a URL."""

    @property
    def authorities(self) -> bytes:
        """The CA certificates that it trusts (PEM), b"" for none."""
        return _decoded(self.ca_bundle or "")


def entries(configuration: bytes) -> tuple[RegisteredWebhook, ...]:
    """Return the webhooks of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration, in order.

    Args:
        configuration: The object as the API server sends it, JSON.

    Raises:
        ConfigurationError: It is not of that shape.
        ValueError: It is not JSON.
    """
    document = json.loads(configuration)
    if not isinstance(document, dict):
        raise ConfigurationError("a webhook configuration is a JSON object")
    return tuple(_entry(webhook) for webhook in document.get("webhooks") or [])


def trusted_by(configuration: bytes) -> tuple[bytes, ...]:
    """Return the CA certificates (PEM) that each entry of a configuration trusts, b"" for one that has none.

    Raises:
        ConfigurationError: The configuration is not of that shape.
        ValueError: It is not JSON.
    """
    return tuple(entry.authorities for entry in entries(configuration))


def server_names(configuration: bytes) -> tuple[str, ...]:
    """Return the DNS names of the Services that the entries of a configuration call, each once.

    Raises:
        ConfigurationError: The configuration is not of that shape.
        ValueError: It is not JSON.
    """
    return tuple(dict.fromkeys(entry.server_name for entry in entries(configuration) if entry.server_name))


def patch(configuration: bytes, ca_pem: bytes) -> list[PatchOperation]:
    """Return the operations that make every entry trust the CA; [] when all do already.

    Each ``add`` is preceded by a ``test`` of the entry's name: if entries moved since the configuration was read, the
    API server refuses the whole patch and the caller reads again.

    Raises:
        ConfigurationError: The configuration is not of that shape.
        ValueError: It is not JSON.
    """
    wanted = base64.b64encode(ca_pem).decode()
    operations: list[PatchOperation] = []
    for index, entry in enumerate(entries(configuration)):
        if entry.ca_bundle != wanted:
            operations.append({"op": "test", "path": f"/webhooks/{index}/name", "value": entry.name})
            operations.append({"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": wanted})
    return operations


def _entry(webhook: object) -> RegisteredWebhook:
    if not isinstance(webhook, dict) or not isinstance(webhook.get("name"), str):
        raise ConfigurationError("a webhook is a JSON object with a name")
    client_config = webhook.get("clientConfig")
    if not isinstance(client_config, dict):
        raise ConfigurationError(f"webhook {webhook['name']} has no clientConfig")
    ca_bundle = client_config.get("caBundle")
    server_name = _server_name(client_config.get("service"))
    return RegisteredWebhook(webhook["name"], ca_bundle if isinstance(ca_bundle, str) else None, server_name)


def _server_name(service: object) -> str:
    found = [service.get("name"), service.get("namespace")] if isinstance(service, dict) else []
    return f"{found[0]}.{found[1]}.svc" if found and all(found) else ""


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
