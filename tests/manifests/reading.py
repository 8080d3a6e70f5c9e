"""Reads documents from bytes, for tests."""

from __future__ import annotations

from collections.abc import Iterable

from tiergate.manifests.documents import Document, ManifestFault
from tiergate.manifests.stream import documents


def read(raw: bytes) -> list[Document]:
    """Return the documents; there must be no fault."""
    found = list(documents(raw))
    assert not [one for one in found if isinstance(one, ManifestFault)], [str(one) for one in found]
    return [one for one in found if isinstance(one, Document)]


def json_of(raw: bytes) -> bytes:
    """Return the only document as JSON."""
    (document,) = read(raw)
    return document.json


def faults_of(raw: bytes) -> list[str]:
    """Return each fault as ``line:column: reason``."""
    return faults(documents(raw))


def faults(found: Iterable[Document | ManifestFault]) -> list[str]:
    """Return the faults among documents."""
    return [str(one) for one in found if isinstance(one, ManifestFault)]
