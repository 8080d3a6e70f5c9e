"""Names, labels and annotations as the API server accepts them, whatever the tier.

A name is a DNS label or a DNS subdomain by its kind, some of them shorter than that: see NAMES.
Source: kubernetes ``apimachinery/pkg/api/validation``, ``apimachinery/pkg/util/validation``, ``pkg/apis/*/validation``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from tiergate.core.text import VALUE_SHOWN, shortened

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_QUALIFIED: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LONGEST_QUALIFIED: Final = 63
LONGEST_ANNOTATIONS: Final = 256 * 2**10
"""Bytes of all keys and values."""
_GENERATED: Final = 58
"""Characters of a generateName that are used; the API server adds five."""


class NameRule(msgspec.Struct, frozen=True):
    """What a name may be made of, and how long it may be; ``longest_prefix`` bounds ``generateName``, None: nothing."""

    pattern: re.Pattern[str]
    longest: int
    what: str
    longest_prefix: int | None = None

    def fault(self, name: str) -> str:
        """Return why it is refused, "" where it is not."""
        if len(name) > self.longest:
            return f"{_shown(name)} has {len(name)} characters, at most {self.longest} are allowed"
        return "" if self.pattern.fullmatch(name) else f"{_shown(name)} is not {self.what}"

    def prefix_fault(self, prefix: str) -> str:
        """Return why no name can be generated from a prefix, "" where one can."""
        # The API server takes one dash at the end, and what is before it, for a letter.
        masked = f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix
        longest, generated = self.longest_prefix, self.fault(f"{prefix[:_GENERATED]}00000")
        whole = "" if longest is None else msgspec.structs.replace(self, longest=longest).fault(masked)
        return f"a name generated from it: {generated}" if generated else whole


_OF_LABEL: Final = "a DNS label: a-z, 0-9 and -, with a letter or digit at both ends"
_OF_SUBDOMAIN: Final = "a DNS subdomain: a-z, 0-9, - and ., with a letter or digit at both ends and beside each dot"
DNS_LABEL: Final = NameRule(re.compile(_LABEL), 63, _OF_LABEL, 63)
DNS_SUBDOMAIN: Final = NameRule(re.compile(rf"{_LABEL}(?:\.{_LABEL})*"), 253, _OF_SUBDOMAIN, 253)
_AS_LABEL_VALUE: Final = msgspec.structs.replace(DNS_SUBDOMAIN, longest=63)
_LABEL_VALUE: Final = NameRule(
    re.compile(rf"(?:{_QUALIFIED.pattern})?"),
    _LONGEST_QUALIFIED,
    "the value of a label: letters, digits, -, _ and ., with a letter or digit at both ends, or nothing",
)

NAMES: Final[Mapping[tuple[str, str], NameRule]] = {
    ("", "Pod"): DNS_SUBDOMAIN,
    ("", "ReplicationController"): msgspec.structs.replace(DNS_SUBDOMAIN, longest_prefix=None),
    ("apps", "ReplicaSet"): DNS_SUBDOMAIN,
    ("apps", "Deployment"): DNS_SUBDOMAIN,
    ("apps", "DaemonSet"): DNS_SUBDOMAIN,
    ("apps", "StatefulSet"): DNS_LABEL,
    # The server puts the name into a label of the pods; not with manualSelector: see MANUALLY_SELECTING_JOB.
    ("batch", "Job"): _AS_LABEL_VALUE,
    # The name of its Jobs has eleven more.
    ("batch", "CronJob"): msgspec.structs.replace(DNS_SUBDOMAIN, longest=52),
    ("", "PersistentVolumeClaim"): DNS_SUBDOMAIN,
    ("", "ResourceQuota"): DNS_SUBDOMAIN,
    ("", "LimitRange"): DNS_SUBDOMAIN,
    ("", "Namespace"): DNS_LABEL,
    # Namespaces name it in a label.
    ("tiergate.io", "Tier"): _AS_LABEL_VALUE,
}
"""By group and kind."""
MANUALLY_SELECTING_JOB: Final = DNS_SUBDOMAIN
"""Of a Job with ``manualSelector: true``, whose pods get no labels of the server."""
UNNAMED: Final = frozenset({"LimitRange"})
"""The API server names one that has neither a name nor a prefix."""


@lru_cache(maxsize=4096)
def key_fault(key: str) -> str:
    """Return why the key of a label is refused, "" where it is not; that of an annotation in small letters."""
    prefix, slash, name = key.rpartition("/")
    if slash and (found := DNS_SUBDOMAIN.fault(prefix)):
        return f"the prefix of the key: {found}"
    if len(name) <= _LONGEST_QUALIFIED and _QUALIFIED.fullmatch(name):
        return ""
    return (
        f"the key {_shown(key)} is not an optional prefix and a slash, and then at most {_LONGEST_QUALIFIED} letters, "
        "digits, -, _ and ., with a letter or digit at both ends"
    )


def label_fault(value: str) -> str:
    """Return why the value of a label is refused, "" where it is not."""
    return _LABEL_VALUE.fault(value)


def _shown(text: str) -> str:
    return f'"{shortened(text, VALUE_SHOWN)}"'
