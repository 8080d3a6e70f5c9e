"""Whether pods are checked, assessed from the webhook configurations as they stand."""

import base64
import json

import pytest

from tiergate.cluster.registration import MARK_ANNOTATION, read_registration
from tiergate.controller.certificates import assess_webhooks
from tiergate.controller.enforcement import Uncovered, assess, uncovered_of
from tiergate.controller.tier_conditions import Assessment

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


SINCE = "2026-03-01T00:00:00Z"
MARKED = json.dumps({"metadata": {"name": "tiergate", "annotations": {MARK_ANNOTATION: SINCE}}, "webhooks": []})
MISNAMED = Assessment(holds=False, reason="CertificateUnavailable", message='Secret "own": it does not name a.b.svc')
GOOD = Assessment(holds=True, reason="WebhooksRegistered", message="registered")


@pytest.mark.parametrize(
    ("base", "detail", "cause"),
    [
        pytest.param(GOOD, "", "", id="not-known"),
        pytest.param(None, "no replica is ready", " (no replica is ready)", id="no-answer"),
        pytest.param(MISNAMED, "", f" (CertificateUnavailable: {MISNAMED.message})", id="certificate"),
        pytest.param(
            MISNAMED,
            "its certificate is not trusted: mismatch",
            f" (its certificate is not trusted: mismatch; CertificateUnavailable: {MISNAMED.message})",
            id="both",
        ),
    ],
)
def test_a_handover_does_not_hide_why_no_replica_answered(base: Assessment | None, detail: str, cause: str) -> None:
    found = assess(base, [read_registration("k", MARKED.encode())], silent=True, detail=detail)
    assert found is not None
    assert found.reason == "HandedOver"
    assert f"handed over since {SINCE}: no replica of the webhook answered{cause}, so LimitRanger" in found.message


@pytest.mark.parametrize(
    ("missing", "members", "uncovered"),
    [
        ({}, ["a"], Uncovered()),
        ({"a": "why", "b": "else"}, ["a", "b", "c"], Uncovered("namespaces a, b", "why", 0)),
        ({"x": "why", "a": "else"}, ["a"], Uncovered("namespace a", "else", 1)),
    ],
)
def test_what_is_left_out_is_named_in_its_own_tier_and_counted_in_others(
    missing: dict[str, str], members: list[str], uncovered: Uncovered
) -> None:
    assert uncovered_of(missing, members) == uncovered
    found = assess(None, [read_registration("k", MARKED.encode())], silent=True, detail="", uncovered=uncovered)
    assert found is not None
    assert (" left out, and pods there stay refused: " in found.message) == bool(missing)
    assert (f"{uncovered.own} left out" in found.message) or not uncovered.own
    assert (f"; {uncovered.others} namespace outside this tier left out" in found.message) == (uncovered.others == 1)
