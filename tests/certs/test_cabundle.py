"""The patch that publishes the CA, judged by an independent implementation of JSON Patch."""

import base64
import copy
import json
from typing import Any

import jsonpatch
import pytest

from tiergate_certs.cabundle import entries, patch, server_names

PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
BASE64 = base64.b64encode(PEM).decode()


def configuration(*webhooks: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "MutatingWebhookConfiguration", "metadata": {"name": "tiergate"}, "webhooks": list(webhooks)}


def entry(name: str, **client_config: str) -> dict[str, Any]:
    return {"name": name, "clientConfig": {"service": {"name": "webhook", "namespace": "system"}, **client_config}}


@pytest.mark.parametrize(
    ("document", "changed"),
    [
        pytest.param(configuration(), [], id="no-entries"),
        pytest.param({"kind": "MutatingWebhookConfiguration"}, [], id="webhooks-left-out"),
        pytest.param(configuration(entry("a", caBundle=BASE64)), [], id="already-right"),
        pytest.param(configuration(entry("a")), [0], id="absent"),
        pytest.param(configuration(entry("a", caBundle="QUFB")), [0], id="another-authority"),
        pytest.param(configuration(entry("a", caBundle=BASE64), entry("b"), entry("c")), [1, 2], id="some-of-them"),
    ],
)
def test_the_patch_touches_what_differs(document: dict[str, Any], changed: list[int]) -> None:
    """Each entry that differs gets a test of its name and the CA; afterwards there is nothing to do."""
    operations = patch(json.dumps(document).encode(), PEM)
    assert [(operation["op"], operation["path"]) for operation in operations] == [
        step
        for index in changed
        for step in (("test", f"/webhooks/{index}/name"), ("add", f"/webhooks/{index}/clientConfig/caBundle"))
    ]
    patched = jsonpatch.apply_patch(copy.deepcopy(document), operations)
    assert all(found.ca_bundle == BASE64 for found in entries(json.dumps(patched).encode()))
    assert patch(json.dumps(patched).encode(), PEM) == []


def test_a_patch_for_entries_that_moved_does_not_apply() -> None:
    """Between read and write somebody removed the first entry: nothing is written to a wrong one."""
    operations = patch(json.dumps(configuration(entry("a"), entry("b"))).encode(), PEM)
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(configuration(entry("b"), entry("c")), operations)


def test_the_names_that_are_called_are_those_of_services() -> None:
    """An entry with a URL, or with half a Service, calls nothing that we know."""
    others = [{"url": "https://x.example"}, {"service": {"name": "a"}}, {"service": "a"}]
    document = configuration(entry("a"), entry("b"), *({"name": "c", "clientConfig": one} for one in others))
    assert server_names(json.dumps(document).encode()) == ("webhook.system.svc",)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"{", id="half"),
        pytest.param(b'{"webhooks": [{}]}', id="no-name"),
        pytest.param(b'{"webhooks": [{"name": "a"}]}', id="no-client-config"),
    ],
)
def test_something_else_is_refused(raw: bytes) -> None:
    """What is no webhook configuration is an error, not an empty patch."""
    with pytest.raises(ValueError, match=r"."):
        patch(raw, PEM)
