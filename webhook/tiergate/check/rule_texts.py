"""What each rule means in one sentence, and where more is said of it: for formats that describe rules."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Final

UNREADABLE: Final = "unreadable"
"""The rule of what could not be read."""
DOCS_URL: Final = "TIERGATE_DOCS_URL"
"""The environment variable with the address of the folder docs/ of the release, as people reach it."""
_OF_CHECK: Final = {
    "change-set-exceeds-quota": "All objects of a namespace together ask more than a quota has left.",
    "change-set-rollout-stalls": "A later rollout of the workload could not create its first new pod.",
    "api-validation": "The API server itself refuses the resources of the pods.",
    "differs-from-option": "A Tier or Namespace is not the one that an option names, and that one counts.",
    UNREADABLE: "A document, a file or a tier cannot be read.",
}
_OF_WEBHOOK: Final = {
    "request-min": "A container requests less than min of the tier.",
    "limit-min": "The limit of a container is below min of the tier.",
    "limit-max": "The limit of a container is above max of the tier, or not set.",
    "request-max": "A container requests more than max of the tier.",
    "limit-request-ratio": "The limit of a container is too many times its request.",
    "limit-zero": "The limit of a container is 0, which Kubernetes takes as no limit.",
    "pod-limit-zero": "The limit of a pod is 0, which Kubernetes takes as no limit.",
    "pod-request-min": "A whole pod requests less than min of the tier.",
    "pod-limit-min": "The limit of a whole pod is below min of the tier.",
    "pod-limit-max": "The limit of a whole pod is above max of the tier, or not set.",
    "pod-request-max": "A whole pod requests more than max of the tier.",
    "pod-limit-request-ratio": "The limit of a whole pod is too many times its request.",
    "claim-min": "A claim asks less storage than min of the tier.",
    "claim-max": "A claim asks more storage than max of the tier.",
    "quota-required": "A quota counts a value that is not set.",
    "quota-exceeded": "A quota has not as much left as is asked.",
    "quota-pending": "The quotas of the namespace are not in force, or their usage is not known.",
    "malformed": "A value is not what Kubernetes takes there.",
    "tier-missing": "The namespace names a tier that does not exist.",
    "tier-invalid": "The tier has faults and cannot be in force.",
    "tier-in-use": "Namespaces still name the tier.",
    "tier-assign": "Whoever asks may not choose the tier of a namespace.",
    "namespace-protected": "Namespaces of the system cannot have a tier.",
    "label-tier-missing": "The label names a tier that does not exist yet.",
    "label-tier-invalid": "The label names a tier that cannot be in force.",
    "label-tier-unchecked": "The label names a tier that could not be read.",
    "default-derived": "Kubernetes derives a default of the tier that is not written.",
    "max-without-min": "The tier has a max and no min.",
    "devices-unbounded": "Devices can be had past the quota of the tier.",
    "exemption-broad": "The tier exempts a group that nearly everybody is in.",
    "quota-unmeasured": "In modes Warn and Audit this name of a quota is not counted.",
    "quota-requests-above-limits": "The quota bounds requests above limits, which no pod can reach.",
    "workload-never-runs": "No pod of the workload can ever run in this tier.",
    "workload-does-not-fit": "Not all pods of the workload fit the quotas.",
    "workload-rollout-stalls": "The rollout of the workload comes to a halt before its pods are replaced.",
    "workload-unchecked": "Whether the pods of the workload fit was not checked.",
}
TEXTS: Final = _OF_WEBHOOK | _OF_CHECK


class NoAddress(ValueError):
    """The address of the documentation is not one of the web."""


def base(rule: str) -> str:
    """Return the rule itself, of one that rests on another the first: "a" of "a/b"."""
    return rule.partition("/")[0]


def docs_url() -> str:
    """Return the address of the documentation without a slash at its end; "" where nobody has named one.

    The environment names it, else the metadata of the installed package.

    Raises:
        NoAddress: What the environment has is no address.
    """
    if given := os.environ.get(DOCS_URL):
        if not given.startswith(("https://", "http://")) or not given.isprintable() or " " in given:
            msg = f"{DOCS_URL} is no address that begins with https:// or http://"
            raise NoAddress(msg)
        return given.rstrip("/")
    for entry in _metadata("Project-URL"):
        label, _, address = entry.partition(",")
        if label.strip().lower() == "documentation":
            return address.strip().rstrip("/")
    return ""


def version() -> str:
    """Return the version of the installed package; "" where it is not installed but only found."""
    return next(iter(_metadata("Version")), "")


def _metadata(name: str) -> list[str]:
    try:
        return [str(value) for value in metadata.metadata("tiergate").get_all(name) or []]
    except metadata.PackageNotFoundError:
        return []


def help_page(rule: str) -> str:
    """Return the page of docs/ with the part of it that explains a rule."""
    rule = base(rule)
    return f"check.md#{rule}" if rule in _OF_CHECK else f"operate.md#{rule}"
