"""What the API server refuses of names, namespaces, labels and annotations, as far as a manifest says them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from tiergate.check.about import About
from tiergate.check.judging import Checked
from tiergate.check.result import API_VALIDATION, ObjectResult, ReportedFinding
from tiergate.core.decision import Fault
from tiergate.core.jsonpatch import escape
from tiergate.core.naming import (
    DNS_LABEL,
    LONGEST_ANNOTATIONS,
    MANUALLY_SELECTING_JOB,
    NAMES,
    UNNAMED,
    NameRule,
    key_fault,
    label_fault,
)
from tiergate.core.text import shortened
from tiergate.manifests.load import Manifest
from tiergate.wire.kinds import KINDS
from tiergate.wire.metadata import WrittenMetadata, read_metadata

_KINDS: Final = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}
_CLUSTER_WIDE: Final = frozenset(one.kind for one in KINDS if not one.namespaced)


class _JobSpec(msgspec.Struct, rename="camel"):
    manual_selector: Any = None


class _Job(msgspec.Struct):
    spec: _JobSpec | None = None


_decode_job: Final = msgspec.json.Decoder(_Job).decode


def with_names(checked: Checked | None, manifest: Manifest, namespace: str) -> Checked | None:
    """Add to what was found of an object what is refused of its names; ``namespace`` is where it will be.

    Of a kind that no tier judges there is a result only if something is refused, and only if Tiergate reads it.
    """
    rule = _rule(manifest)
    if rule is None or not (faults := tuple(_faults(manifest, rule))):
        return checked
    before = _unjudged(manifest, namespace) if checked is None else checked.result
    about = About(manifest, f"{before.kind} {before.name or 'without a name'}", before.namespace, before.tier)
    told = {one.pointer for one in before.findings}
    found = [one for fault in faults if (one := _finding(about, fault)).pointer not in told]
    result = msgspec.structs.replace(before, findings=(*before.findings, *found))
    return Checked(result) if checked is None else Checked(result, checked.part)


def _rule(manifest: Manifest) -> NameRule | None:
    """Return what the name of an object is held to; None for a kind that Tiergate does not read."""
    kind = manifest.group, manifest.kind
    return MANUALLY_SELECTING_JOB if kind == ("batch", "Job") and _selects_manually(manifest.raw) else NAMES.get(kind)


def _selects_manually(job: bytes) -> bool:
    try:
        spec = _decode_job(job).spec
    except (msgspec.MsgspecError, RecursionError):  # told by whoever reads the object
        return False
    return spec is not None and spec.manual_selector is True


def _finding(about: About, fault: Fault) -> ReportedFinding:
    said = f"the API server refuses {fault.pointer}: {fault.reason}"
    return about.finding(API_VALIDATION, "error", fault.pointer, said)


def _unjudged(manifest: Manifest, namespace: str) -> ObjectResult:
    name, place = shortened(manifest.name), shortened(namespace)
    return ObjectResult(path=manifest.path, kind=manifest.kind.lower(), name=name, namespace=place)


def _faults(manifest: Manifest, rule: NameRule) -> Iterator[Fault]:
    for pointer, metadata in read_metadata(manifest.raw):
        if pointer == "/metadata":
            yield from _names(metadata, rule, manifest.kind)
        yield from _entries(f"{pointer}/labels", metadata.labels, key_fault, label_fault)
        yield from _entries(f"{pointer}/annotations", metadata.annotations, _annotation_key, lambda _: "")
        yield from _size(f"{pointer}/annotations", metadata.annotations)


def _names(metadata: WrittenMetadata, rule: NameRule, kind: str) -> Iterator[Fault]:
    if metadata.name in (None, "") and metadata.generateName in (None, "") and kind not in UNNAMED:
        yield Fault("/metadata/name", "it is missing")
        return
    yield from _text("/metadata/name", metadata.name, rule.fault)
    yield from _text("/metadata/generateName", metadata.generateName, rule.prefix_fault)
    if kind not in _CLUSTER_WIDE:
        yield from _text("/metadata/namespace", metadata.namespace, DNS_LABEL.fault)


def _entries(
    pointer: str,
    entries: Any,  # noqa: ANN401  # any value of JSON
    of_key: Callable[[str], str],
    of_value: Callable[[str], str],
) -> Iterator[Fault]:
    if not isinstance(entries, dict):
        if entries is not None:
            yield Fault(pointer, f"expected an object, got {_KINDS[type(entries)]}")
        return
    for key, value in entries.items():
        if reason := of_key(key):
            yield Fault(f"{pointer}/{escape(key)}", reason)
        if not isinstance(value, str) or (value and of_value(value)):
            yield from _text(f"{pointer}/{escape(key)}", value, of_value)


def _text(pointer: str, value: Any, fault: Callable[[str], str]) -> Iterator[Fault]:  # noqa: ANN401  # any value of JSON
    """Yield why a text is refused; null and "" are none."""
    if isinstance(value, str):
        reason = fault(value) if value else ""
        if reason:
            yield Fault(pointer, reason)
    elif value is not None:
        hint = ": put it in quotes" if isinstance(value, int | float) else ""
        yield Fault(pointer, f"expected a string, got {_KINDS[type(value)]}{hint}")


def _annotation_key(key: str) -> str:
    return key_fault(key.lower())


def _size(pointer: str, annotations: Any) -> Iterator[Fault]:  # noqa: ANN401  # any value of JSON
    if isinstance(annotations, dict):
        size = sum(len(text.encode()) for pair in annotations.items() for text in pair if isinstance(text, str))
        if size > LONGEST_ANNOTATIONS:
            yield Fault(pointer, f"it has {size} bytes of keys and values, at most {LONGEST_ANNOTATIONS} are allowed")
