"""The status of a Tier as it stands in the object: read, compared and written by the controller alone."""

from typing import Final, Literal

import msgspec

from tiergate.core.mode import Mode

READY: Final = "Ready"
ENFORCING: Final = "Enforcing"
ConditionStatus = Literal["True", "False", "Unknown"]
ConditionReason = Literal[
    # of Ready
    "Invalid",
    "ForeignResourceQuota",
    "ForeignLimitRange",
    "WriteFailed",
    "QuotaPending",
    "LimitRangePending",
    "QuotasInForce",
    "QuotaRemoval",
    "LimitRangeRemoval",
    # of Enforcing
    "WebhooksRegistered",
    "ClockSkew",
    "CertificateUnavailable",
    "WebhookConfigurationMissing",
    "WebhookEntryMissing",
    "CABundlePending",
    "WebhookChanged",
    "NoReplicaAnswers",
    "HandedOver",
    "NamespaceExcluded",
    # of both
    "ModeWarn",
    "ModeAudit",
    "Uninstalled",
]
"""Why a condition of ours is as it is: stable words for programs."""
BY_MODE: Final[dict[Mode, ConditionReason]] = {"Warn": "ModeWarn", "Audit": "ModeAudit"}
"""The reasons of a tier that refuses nothing, as its owner wants it."""


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """A metav1.Condition."""

    type: str
    status: ConditionStatus
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class KeptSpec(msgspec.Struct, frozen=True):
    """The last valid ``spec`` of a Tier that is invalid now, as JSON, and the ``metadata.generation`` it had.

    A text, as a merge patch would mix the fields of two versions.
    """

    generation: int
    spec: str


class TierStatus(msgspec.Struct, frozen=True, rename="camel"):
    """``status`` of a Tier; ``summary`` maps a quota name to "used/hard", summed over the tier's namespaces."""

    observed_generation: int = 0
    mode: str = ""
    namespaces: int = 0
    summary: dict[str, str] = {}
    conditions: tuple[Condition, ...] = ()
    in_force: KeptSpec | None = None

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of a type, or None."""
        return next((one for one in self.conditions if one.type == kind), None)


_read = msgspec.json.Decoder(TierStatus | None).decode


def read_status(raw: bytes) -> TierStatus:
    """Decode a status; one of another shape counts as none, since ours is written over it anyway."""
    try:
        return _read(raw) or TierStatus()
    except msgspec.ValidationError:
        return TierStatus()


def write_patch(status: TierStatus, *, over: TierStatus, resource_version: str) -> bytes:
    """Return the JSON merge patch that turns one status into the other.

    Args:
        status: What should stand there.
        over: What stands there in that version; names of its summary that are gone have to be removed by null.
        resource_version: The version both were decided on; the API server refuses the patch for any other.
    """
    removed: dict[str, str | None] = dict.fromkeys(over.summary)
    document = msgspec.to_builtins(status)
    document["summary"] = removed | status.summary
    return msgspec.json.encode({"metadata": {"resourceVersion": resource_version}, "status": document})
