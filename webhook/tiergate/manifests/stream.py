"""The bytes of a file as documents, split as Kubernetes' own reader does: a fault of one leaves the others alone.

Source: apimachinery ``util/yaml/decoder.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.manifests.documents import Document, ManifestFault, Place
from tiergate.manifests.json_document import read_json
from tiergate.manifests.yaml_document import read_yaml

_SEPARATOR: Final = re.compile(rb"^---([^\n]*)(?:\n|\Z)", re.MULTILINE)
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_NULL: Final = b"null"
_TEMPLATE: Final = b"{{"


class Segment(NamedTuple):
    """What stands between two separators, how many lines are above it, and the separator that follows."""

    text: bytes
    above: int
    separator: bytes


def segments(raw: bytes) -> Iterator[Segment]:
    """Yield the segments of a file, a byte order mark left out."""
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    start = above = 0
    for separator in _SEPARATOR.finditer(raw):
        yield Segment(raw[start : separator.start()], above, separator[0])
        above += raw.count(b"\n", start, separator.end())
        start = separator.end()
    yield Segment(raw[start:], above, b"")


def documents(raw: bytes) -> Iterator[Document | ManifestFault]:
    """Yield the documents of a file in order, and in the place of one that cannot be read its fault."""
    for segment in segments(raw):
        yield from read_segment(segment.text, segment.above)
        rest = segment.separator.removeprefix(b"---").strip()
        if rest and not rest.startswith(b"#"):
            below = segment.above + segment.text.count(b"\n") + segment.separator.count(b"\n")
            shown = shortened(rest.decode(errors="replace"), VALUE_SHOWN)
            yield ManifestFault(Place(below), f"after --- only a comment may follow, not {shown}")


def read_segment(text: bytes, above: int) -> Iterator[Document | ManifestFault]:
    """Yield the documents between two separators: nearly always one, or none."""
    head = text.lstrip()[:1]
    if not head or (head == b"%" and all(line[:1] in (b"", b"%", b"#", b"\r") for line in text.split(b"\n"))):
        return
    in_json = list(_json(text, above)) if head == b"{" else []
    if in_json and not any(isinstance(one, ManifestFault) for one in in_json):
        yield from in_json
        return
    found: list[Document | ManifestFault] = []
    try:
        found.extend(one for one in read_yaml(text, above) if one.json != _NULL)
    except ManifestFault as fault:
        if _TEMPLATE in text:
            hint = "is this a template? render it first, for example with helm template"
            fault = ManifestFault(fault.place, f"{fault.reason}; {hint}")
            in_json = []
        found = in_json or [*found, fault]  # of what is neither, the fault of the format that it seems to be in
    yield from found


def _json(text: bytes, above: int) -> Iterator[Document | ManifestFault]:
    try:
        yield from read_json(text.decode(), above)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start)
        yield ManifestFault(Place(above + line + 1), "not UTF-8")
    except ManifestFault as fault:
        yield fault
