"""Make a captured review the same at every capture: names, uids, times and versions become fixed values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

Json = dict[str, Any]

TIME: Final = "2026-01-01T00:00:00"
SUFFIX: Final = "x2x7p"
_UID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TIME: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ADDRESS: Final = re.compile(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b")
_TOKEN_VOLUME: Final = re.compile(r"\bkube-api-access-[a-z0-9]{5}\b")


def stable(review: Json) -> Json:
    """Return the review with every value that differs from one capture to the next replaced.

    Equal values stay equal and different ones different, within one review: an object and its old version still
    share their uid, and an owner reference in ``managedFields`` still names it.
    """
    text = json.dumps(review)
    for name, prefix in _generated(review):
        text = re.sub(rf"\b{re.escape(name)}\b", prefix + SUFFIX, text)
    text = _TOKEN_VOLUME.sub(f"kube-api-access-{SUFFIX}", text)
    text = _TIME.sub(lambda found: f"{TIME}{'.000000' if found[1] else ''}Z", text)
    ordered = json.dumps(_ordered(json.loads(text)))
    ordered = _UID.sub(_numbered("00000000-0000-4000-8000-{:012}"), ordered)
    ordered = _ADDRESS.sub(_numbered("192.0.2.{}"), ordered)
    ordered = re.sub(r'(?<="resourceVersion": ")\d+(?=")', _numbered("{}", first=1001), ordered)
    value: Json = json.loads(ordered)
    return value


def _generated(value: object) -> Iterator[tuple[str, str]]:
    """Yield every name that a server completed, with what it began with."""
    if isinstance(value, list):
        for item in value:
            yield from _generated(item)
    if not isinstance(value, dict):
        return
    match value:
        case {"name": str(name), "generateName": str(prefix)} if name.startswith(prefix) and name != prefix:
            yield name, prefix
    for item in value.values():
        yield from _generated(item)


def _ordered(value: object) -> object:
    """Return the value with its ``managedFields`` in the server's order for equal times.

    The server sorts them by time first, which has seconds: whether two writes fall into the same one is chance.
    """
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    if not isinstance(value, dict):
        return value
    new = {key: _ordered(item) for key, item in value.items()}
    if isinstance(fields := new.get("managedFields"), list):
        new["managedFields"] = sorted(fields, key=_rank)
    return new


def _rank(entry: Json) -> tuple[bool, str, str, str]:
    return (entry["operation"] != "Apply", entry["manager"], entry["apiVersion"], entry.get("subresource", ""))


def _numbered(form: str, *, first: int = 1) -> Callable[[re.Match[str]], str]:
    """Return a replacement that numbers different matches in the order in which they first appear."""
    seen: dict[str, str] = {}

    def replacement(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], form.format(first + len(seen)))

    return replacement
