"""Whether pods are checked, assessed from the webhook configurations as they stand."""

import base64
import json

import pytest

from tiergate.controller.certificates import assess_webhooks

PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
TRUST = base64.b64encode(PEM).decode()


def configuration(*names: str, ca_bundle: str = TRUST) -> bytes:
    webhooks = [{"name": name, "clientConfig": {"caBundle": ca_bundle}} for name in names]
    return json.dumps({"metadata": {"name": "tiergate"}, "webhooks": webhooks}).encode()


MUTATING = configuration("pods.mutate.tiergate.io")
VALIDATING = configuration("namespaces.validate.tiergate.io", "pods.validate.tiergate.io")


@pytest.mark.parametrize(
    ("mutating", "validating", "reason", "words"),
    [
        pytest.param(MUTATING, VALIDATING, "WebhooksRegistered", "are registered", id="all-there"),
        pytest.param(None, VALIDATING, "WebhookConfigurationMissing", "MutatingWebhook", id="mutating-deleted"),
        pytest.param(MUTATING, None, "WebhookConfigurationMissing", "helm upgrade", id="validating-deleted"),
        pytest.param(configuration(), VALIDATING, "WebhookEntryMissing", "pods.mutate.tiergate.io", id="entry-removed"),
        pytest.param(
            MUTATING,
            configuration("pods.validate.tiergate.io", ca_bundle="QUFB"),
            "CABundlePending",
            "does not trust the current certificate yet: caBundle of pods.validate.tiergate.io",
            id="another-authority",
        ),
    ],
)
def test_enforcing(mutating: bytes | None, validating: bytes | None, reason: str, words: str) -> None:
    """Enforcing holds only when both configurations ask about pods and trust the certificate."""
    found = {"MutatingWebhookConfiguration": mutating, "ValidatingWebhookConfiguration": validating}
    assessment = assess_webhooks(found, trusted=PEM)
    assert (assessment.holds, assessment.reason) == (reason == "WebhooksRegistered", reason)
    assert words in assessment.message
