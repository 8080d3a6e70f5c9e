"""The supported Kubernetes minors as kind has them. `python -m tests.kind.versions 1.36` prints which kind to install.

Each minor is paired with the release of kind that has it as its default (pkg/apis/config/defaults in its source,
where the digests are from): node images and kind itself are only made for each other.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Release:
    """A release of kind and the node image that it was made with."""

    kind: str
    image: str


RELEASES: Final = {
    "1.34": Release(
        "v0.30.0",
        "kindest/node:v1.34.0@sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a",
    ),
    "1.35": Release(
        "v0.31.0",
        "kindest/node:v1.35.0@sha256:452d707d4862f52530247495d180205e029056831160e22870e37e3f6c1ac31f",
    ),
    "1.36": Release(
        "v0.32.0",
        "kindest/node:v1.36.1@sha256:3489c7674813ba5d8b1a9977baea8a6e553784dab7b84759d1014dbd78f7ebd5",
    ),
    "1.37": Release(
        "v0.33.0",
        "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
    ),
}
NEWEST: Final = "1.37"


class UnknownMinorError(ValueError):
    """A Kubernetes minor that is not supported; the text names those that are."""


def release(minor: str) -> Release:
    """Return what kind needs for a minor."""
    if minor not in RELEASES:
        msg = f"KUBERNETES={minor} is not supported: one of {', '.join(RELEASES)}."
        raise UnknownMinorError(msg)
    return RELEASES[minor]


if __name__ == "__main__":
    try:
        print(release(sys.argv[1] if len(sys.argv) > 1 else NEWEST).kind)
    except UnknownMinorError as error:
        sys.exit(str(error))
