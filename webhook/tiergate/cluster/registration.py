"""Our two webhook configurations: what they are, and what must be in them for a tier to be enforced."""

from collections.abc import Iterable
from typing import Final

from tiergate.cluster.resource import MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS

CONFIGURATION_KINDS: Final = {
    "MutatingWebhookConfiguration": MUTATING_WEBHOOK_CONFIGURATIONS,
    "ValidatingWebhookConfiguration": VALIDATING_WEBHOOK_CONFIGURATIONS,
}
CONFIGURATION_NAME: Final = "tiergate"
PODS_MUTATE: Final = "pods.mutate.tiergate.io"
PODS_VALIDATE: Final = "pods.validate.tiergate.io"
REQUIRED_ENTRIES: Final = {
    "MutatingWebhookConfiguration": (PODS_MUTATE,),
    "ValidatingWebhookConfiguration": (PODS_VALIDATE,),
}
"""Without these a tier is not enforced, whatever else is registered."""


def missing_entries(kind: str, present: Iterable[str]) -> list[str]:
    """Return the required entries of a kind of configuration that are not among those present, sorted."""
    return sorted(set(REQUIRED_ENTRIES[kind]).difference(present))
