"""One execution: bytes through every decoder and every handler, and all that must hold of what comes out."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import jsonpatch
import msgspec

from tests.fuzz import reference
from tests.fuzz.policies import POLICIES, Policy
from tiergate.admission import guard, question
from tiergate.admission.review import Envelope, Request, ReviewReader, UserInfo
from tiergate.core import desired, tier
from tiergate.core.quota import Judged, QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.tier import Tier
from tiergate.server.admit import Admission, AdmissionFailed, Answer, Door
from tiergate.wire import Malformed, NotJson
from tiergate.wire.claim import to_claim
from tiergate.wire.decode import ESCAPED_NUL, Reader
from tiergate.wire.namespace import Namespace, read_namespace, to_namespace
from tiergate.wire.pod import to_pod
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import read_tier, to_tier

DOORS: Final[tuple[Door, ...]] = ("mutate", "validate", "namespaces", "tiers")
REVIEW: Final = b'"request"'
"""Bytes with this in them are judged as a review, others as the documents that watches bring."""

Signature = tuple[object, ...]


class Finding(AssertionError):
    """Something that must never be; the text says what."""


@dataclass
class Facts:
    """A cluster with one policy in every namespace."""

    policy: Policy

    def minor(self) -> int:
        """The newest release."""
        return NEWEST

    def stale(self) -> bool:
        """Caches are in touch."""
        return False

    def namespace(self, name: str) -> Namespace | None:
        """Every namespace is governed."""
        return Namespace(name, self.policy.name)

    async def namespace_now(self, name: str, *, timeout: float) -> Namespace | None:  # noqa: ARG002, ASYNC109 - the protocol's method
        """As cached."""
        return self.namespace(name)

    def tier(self, name: str) -> Tier | None:
        """The policy's tier is there, no other."""
        return self.policy.tier if name == self.policy.name else None

    async def tier_now(self, name: str, *, timeout: float) -> Tier | None:  # noqa: ARG002, ASYNC109 - the protocol's method
        """As cached."""
        return self.tier(name)

    def quotas(self, _namespace: str) -> tuple[QuotaStatus, ...]:
        """The same usage everywhere."""
        return self.policy.quotas

    async def quotas_now(self, _namespace: str, *, timeout: float) -> tuple[QuotaStatus, ...]:  # noqa: ARG002, ASYNC109 - the protocol's method
        """As cached."""
        return self.policy.quotas

    async def quotas_changed(self, timeout: float) -> bool:  # noqa: ASYNC109  # the Protocol's
        """Nothing ever changes, and no time passes."""
        del timeout
        return False

    def usage(self, _namespace: str, _tier: Tier, _kind: type[Judged]) -> tuple[QuotaStatus, ...] | None:
        """What is used is known, whoever counts it."""
        return self.policy.quotas

    def namespaces_of(self, tier: str) -> tuple[str, ...]:
        """A tier of a certain name is in use."""
        return ("dev",) if tier == self.policy.name else ()


class Permissions:
    """Some users may assign."""

    async def may_assign(self, user: UserInfo, tier: str) -> bool:
        """Alice may, for any tier."""
        del tier
        return user.username == "alice"


class Clock:
    """A clock that passes a second whenever it is read, so that nothing waits."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.now = 0.0

    def __call__(self) -> float:
        """Return the next second."""
        self.now += 1
        return self.now


class Target:
    """Runs executions; holds the handlers of every policy and a loop."""

    def __init__(self) -> None:
        """Make the handlers once."""
        self.outcomes: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._handlers = {
            policy.name: Admission(Facts(policy), Permissions(), release_namespace="tiergate-system", clock=Clock())
            for policy in POLICIES
        }

    def close(self) -> None:
        """Close the loop."""
        self._loop.close()

    def check(self, data: bytes) -> Signature:
        """Judge the bytes under one policy; raise Finding. What went the same way has equal signatures."""
        return self._checked(data, (POLICIES[zlib.crc32(data) % len(POLICIES)],))

    def check_everywhere(self, data: bytes) -> Signature:
        """Judge the bytes under every policy."""
        return self._checked(data, POLICIES)

    def _checked(self, data: bytes, policies: tuple[Policy, ...]) -> Signature:
        if REVIEW not in data:
            return tuple(_document(data))
        excused = _decoders_agree(data)
        return (excused, *((policy.name, *(self._door(door, data, policy) for door in DOORS)) for policy in policies))

    def _door(self, door: Door, data: bytes, policy: Policy) -> Signature:
        try:
            answer = self._loop.run_until_complete(self._handlers[policy.name].answer(door, data))
        except AdmissionFailed as error:
            raise Finding(f"/{door} failed: {error.__cause__!r}") from error
        record = answer.record
        self.outcomes[f"/{door} {record.outcome}"] += 1
        if answer.status == 200:  # noqa: PLR2004, RUF100  # HTTP OK
            self._answered(door, data, answer, policy)
        elif answer.status != 400 or record.outcome != "bad-request":  # noqa: PLR2004, RUF100  # HTTP Bad Request
            raise Finding(f"/{door} answered {answer.status} for {record.outcome}")
        return (answer.status, record.outcome, tuple(sorted(set(record.rules))), _outline(record.detail))

    def _answered(self, door: Door, data: bytes, answer: Answer, policy: Policy) -> None:
        sent = json.loads(answer.body)["response"]
        try:
            request = reference.read(data)["request"]
        except reference.TooDeep:
            return  # our own bound on depth has tests of its own
        except reference.Unfit as error:
            raise Finding(f"/{door} answered what is no JSON: {error}") from error
        refused = answer.record.outcome in ("denied", "malformed")
        told = policy.tier.mode != "Enforce" and door in ("mutate", "validate")  # Warn and Audit refuse nothing
        if sent["uid"] != request["uid"] or sent["allowed"] != (told or not refused):
            raise Finding(f"/{door} answered {sent} for {answer.record.outcome}")
        if door == "validate":
            _reference_agrees(request, answer, policy)
        if "patch" in sent:
            self._patch_holds(data, json.loads(base64.b64decode(sent["patch"])), policy)

    def _patch_holds(self, data: bytes, operations: list[dict[str, Any]], policy: Policy) -> None:
        """The patch adds to what is there, applies, and leaves nothing to add."""
        review = json.loads(data.decode(errors="replace"), parse_float=str, parse_int=_integer)
        before = review["request"]["object"]
        if _has_null_container(before):
            return
        for operation in operations:
            found = _at(before, operation["path"])
            adds = found in (None, {}) or "tiergate.io~1defaults" in operation["path"]
            if operation["op"] != "add" or not adds:
                raise Finding(f"the patch changes what is there: {operation} over {found}")
        try:
            after = jsonpatch.apply_patch(before, operations)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
            raise Finding(f"the patch does not apply: {error}") from error
        review["request"]["object"] = after
        second = json.dumps(review).encode()
        again = self._loop.run_until_complete(self._handlers[policy.name].answer("mutate", second))
        if again.record.outcome != "allowed":
            raise Finding(f"the second pass is {again.record.outcome}: {again.body.decode()}")


def _reference_agrees(request: dict[str, Any], answer: Answer, policy: Policy) -> None:
    """What is allowed the reference allows, and what is refused by rule it refuses by the same rules."""
    if policy.tier.mode == "Audit" and request.get("operation") == "CREATE":
        return  # judged as if the defaults were set, which the object does not show
    if _has_negative_amount(request):
        return  # API validation refuses them before anybody is asked (D-11), and sums of them mean nothing
    ours = set(answer.record.rules)
    try:
        theirs = set(reference.wrongs(request, policy.spec, list(policy.objects)))
    except reference.Unfit as error:
        if answer.record.outcome != "malformed":
            raise Finding(f"{answer.record.outcome} what the reference cannot read: {error}") from error
        return
    if answer.record.outcome != "malformed" and ours != theirs:
        raise Finding(f"rules broken under {policy.name}: ours {sorted(ours)}, the reference {sorted(theirs)}")


def _has_negative_amount(tree: object, *, amounts: bool = False) -> bool:
    """Say whether a ResourceList anywhere in the request holds an amount below zero."""
    if isinstance(tree, dict):
        lists = ("limits", "requests", "overhead", "allocatedResources")
        return any(_has_negative_amount(one, amounts=key in lists) for key, one in tree.items()) or (
            amounts and any(str(one).strip().startswith("-") for one in tree.values())
        )
    return isinstance(tree, list) and any(_has_negative_amount(one) for one in tree)


def _integer(text: str) -> int | str:
    """Return an integer where one could be meant; longer ones are quantities by their text."""
    return int(text) if len(text) <= len(str(-(2**63))) else text


def _has_null_container(pod: dict[str, Any]) -> bool:
    """The API server never sends a null in a list of containers; nothing can be added to one."""
    spec = pod.get("spec") or {}
    return any(one is None for key in ("containers", "initContainers") for one in spec.get(key) or ())


def _at(tree: object, pointer: str) -> object:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        members = cast("dict[str, object]", tree or {})
        tree = tree[int(name)] if isinstance(tree, list) else members.get(name)
    return tree


def _outline(detail: str) -> str:
    """Return the reason in a message, without where it is and without what differs between inputs of the same way."""
    return re.sub(r'"[^"]*"|[0-9]+', "#", detail.rpartition(": ")[2])[:60]


Decode = Callable[[bytes], object]


def _decoders_agree(data: bytes) -> bool:
    """Compare the decoders of what the review is of; return whether one choked on text that nobody reads."""
    pairs: tuple[tuple[str, Decode, Decode], ...] = (
        (
            "/validate",
            partial(_quick_question, "validate"),
            partial(question._ask_strictly, "validate"),
        ),  # all of /mutate
        ("/namespaces", *_both(guard._read_namespaces, guard._expect_namespace, to_namespace)),
        ("/tiers", *_both(guard._read_tiers, guard._expect_tier, to_tier)),
    )
    excuses = [_agree(*pair, data) for pair in pairs]
    return any(excuses)


def _quick_question(door: question.Door, data: bytes) -> object:
    """Return the question as the fast decoder alone reads it, or None for what it cannot read."""
    request = question._read_pods.quickly(data)
    if request is None:
        return None
    question._expect(door, request)
    if request.what != question.CLAIM:
        return question._build(request, to_pod)
    claim = question._read_claims.quickly(data)
    return None if claim is None else question._build(claim, to_claim)


def _both(
    reader: ReviewReader[Any], expect: Callable[[Envelope], None], to_value: Callable[[Any], object]
) -> tuple[Decode, Decode]:
    """Return how a guard reads a review with the fast decoder alone (None: it cannot), and with the slow one."""

    def values(request: Request[Any]) -> object:
        pair = (request.object, request.oldObject)
        return (request.uid, *(None if one is None else to_value(one) for one in pair))

    def quick(data: bytes) -> object:
        request = reader.quickly(data)
        if request is None:
            return None
        expect(request)
        return values(request)

    return quick, lambda data: values(reader.strictly(data, expect))


def _agree(what: str, fast: Decode, slow: Decode, data: bytes) -> bool:
    """What the fast decoder reads, the slow one reads, as the same value.

    The one exception: the fast one passes over bytes that are no text where it reads nothing. There the slow
    one must read the same value once they are replaced, and the answer is True.
    """
    quick = _read(fast, data)
    if quick is None or isinstance(quick, str):
        return False
    thorough = _read(slow, data)
    excused = isinstance(thorough, str) and thorough.endswith(_NO_TEXT)
    if excused:
        thorough = _read(slow, _as_text(data))
    if isinstance(thorough, str) or _plain(quick) != _plain(thorough):
        raise Finding(f"{what}: the fast decoder reads {quick}, the slow one {thorough}")
    return excused


_NO_TEXT: Final = ("NUL and lone surrogates are not text", "not UTF-8")


def _as_text(data: bytes) -> bytes:
    """Return the document with every byte and every escape that is no text replaced."""
    tree = json.loads(data.decode(errors="replace"), parse_float=str, parse_int=_integer)
    return json.dumps(tree, ensure_ascii=False).encode(errors="replace")


def _read(decode: Decode, data: bytes) -> object:
    """Return the value, or as a text why there is none."""
    try:
        return decode(data)
    except (ValueError, RecursionError) as error:
        return re.sub(" at byte [0-9]+", "", str(error)) or type(error).__name__


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, order="deterministic")


def _document(data: bytes) -> Iterator[object]:
    readers: Mapping[str, Reader[Any, Any]] = {"tier": read_tier, "quota": read_quota, "namespace": read_namespace}
    for name, reader in readers.items():
        _agree(name, partial(_quick_document, reader), reader._strictly, data)
        try:
            value = reader(data)
        except (Malformed, NotJson) as error:
            yield name, type(error).__name__, _outline(str(error))
        else:
            yield name, _used(value)


def _quick_document(reader: Reader[Any, Any], data: bytes) -> object:
    return None if ESCAPED_NUL in data else reader._to_value(reader._decoder.decode(data))


def _used(value: object) -> Signature:
    """Use a value as its readers do; return what is notable of it."""
    if not isinstance(value, Tier):
        return ()
    found = tier.faults(value)
    guard.tier_warnings(value)
    return (len(desired.desired_quotas(value)), tuple(sorted({_outline(one.reason) for one in found})))
