"""What each rule means in one sentence, and where more is said of it: for formats that describe rules."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Final

from tiergate.check.result import REPEATED
from tiergate.core.rules import RULES

UNREADABLE: Final = "unreadable"
"""The rule of what could not be read."""
DOCS_URL: Final = "TIERGATE_DOCS_URL"
"""The environment variable with the address of the folder docs/ of the release, as people reach it."""
_OF_CHECK: Final = {
    "change-set-exceeds-quota": "All objects of a namespace together ask more than a quota has left.",
    "change-set-rollout-stalls": "A later rollout of the workload could not create its first new pod.",
    "api-validation": "The API server itself refuses the kind, a name or label, or the resources of the pods.",
    "differs-from-option": "A Tier or Namespace is not the one that an option names, and that one counts.",
    REPEATED: "The change set defines the object again later, and that one counts.",
    UNREADABLE: "A document, a file or a tier cannot be read.",
}
TEXTS: Final[dict[str, str]] = {**{rule.id: rule.summary for rule in RULES}, **_OF_CHECK}


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
    if address := os.environ.get(DOCS_URL):
        if not address.startswith(("https://", "http://")) or not address.isprintable() or " " in address:
            msg = f"{DOCS_URL} is not an address that begins with https:// or http://"
            raise NoAddress(msg)
        return address.rstrip("/")
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
