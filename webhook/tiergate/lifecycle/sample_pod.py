"""Pods that prove a tier: one that must be refused, one that must be completed, and what the answers to them mean.

Pure: nothing here is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from tiergate.cluster.registration import PODS_VALIDATE
from tiergate.core.defaults import with_defaults
from tiergate.core.podspec import Container, Pod
from tiergate.core.quantity import MILLI_IN_NANO, NANO, Quantity
from tiergate.core.resources import EMPTY, HUGEPAGES, ResourceList
from tiergate.core.tier import Tier

DENIED: Final = f'admission webhook "{PODS_VALIDATE}" denied the request'
OVER_MAX: Final = "the tier allows at most"
_NATIVE: Final = re.compile(r"maximum \S+ usage per (Container|Pod) is")
CONTAINER: Final = "sample"
SHOWN: Final = 400
"""Characters of a foreign message that are shown."""

ProofOutcome = Literal["ok", "failed", "unproved"]
Object = dict[str, Any]


class Proof(msgspec.Struct, frozen=True):
    """One line of the result: what was proved, what failed, or what could not be proved here."""

    outcome: ProofOutcome
    what: str


class ExcessiveLimit(msgspec.Struct, frozen=True):
    """A limit just above what a tier allows."""

    resource: str
    amount: Quantity
    bound: Quantity


def too_large(tier: Tier) -> ExcessiveLimit | None:
    """Return a limit that the tier refuses; None where it bounds nothing that a container can ask for."""
    for item in (tier.container, tier.pod):
        bounds = {} if item is None else item.max
        for name in (*("cpu", "memory"), *sorted(bounds)):
            if name in bounds and not name.startswith(HUGEPAGES):  # those are multiples of a page
                step = Quantity(MILLI_IN_NANO if name == "cpu" else NANO, bounds[name].format)
                return ExcessiveLimit(name, bounds[name] + step, bounds[name])
    return None


def pod(image: str, *, limits: ResourceList = EMPTY) -> Object:
    """Return a pod that every Pod Security Standard admits; with limits it requests the same amounts.

    It names no user: OpenShift refuses fixed ones.
    """
    container: Object = {
        "name": CONTAINER,
        "image": image,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if limits:
        amounts = {name: str(quantity) for name, quantity in limits.items()}
        container["resources"] = {"limits": amounts, "requests": amounts}
    profile = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "tiergate-verify-"},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": profile,
            "containers": [container],
        },
    }


def assess_too_large(where: str, asked: ExcessiveLimit, refusal: str | None) -> Proof:
    """Check the answer to a pod over max; ``refusal`` is the API server's message, None when it was admitted."""
    limit = f"limits.{asked.resource} {asked.amount}"
    if refusal is None:
        what = f"{where}: a pod with {limit} was admitted, and the tier allows at most {asked.bound}"
        return Proof("failed", what)
    if DENIED in refusal and OVER_MAX in refusal:
        return Proof("ok", f"{where}: a pod over max is refused by the webhook ({limit}, at most {asked.bound})")
    if _NATIVE.search(refusal):
        what = f"{where}: a LimitRange refuses a pod over max before the webhook is asked, so nothing is proved of it"
        return Proof("unproved", what)
    what = f"{where}: a pod with {limit} was refused, but not because of the tier's max: {_shown(refusal)}"
    return Proof("failed", what)


def assess_defaults(where: str, tier: Tier, answer: Pod | str) -> Proof:
    """Check the answer to a pod without resources: the pod as it would be stored, or why it was refused."""
    if isinstance(answer, str):
        if DENIED in answer:
            what = f"{where}: a pod without resources is refused now, so its defaults cannot be seen: {_shown(answer)}"
            return Proof("unproved", what)
        return Proof("failed", f"{where}: a pod without resources was refused: {_shown(answer)}")
    wanted = expected(tier)
    stored = _both_sides(answer.containers[0])
    if missing := sorted(name for name, quantity in wanted.items() if stored.get(name) != quantity):
        told = ", ".join(f"{name} is {stored.get(name, 'not set')} instead of {wanted[name]}" for name in missing)
        return Proof("failed", f"{where}: defaults are missing: {told}")
    if answer.defaults_annotation is None:
        what = f"{where}: a LimitRange sets the defaults before the webhook is asked, so nothing is proved of it"
        return Proof("unproved", what)
    told = ", ".join(f"{name} {quantity}" for name, quantity in sorted(wanted.items()))
    return Proof("ok", f"{where}: missing defaults are set by the webhook ({told})")


def expected(tier: Tier) -> Mapping[str, Quantity]:
    """Return the defaults a container without resources gets, by ``limits.NAME`` and ``requests.NAME``."""
    bare = Pod(containers=(Container(CONTAINER, "/spec/containers/0", has_resources=False),))
    (container,) = with_defaults(bare, tier)[0].containers
    return _both_sides(container)


def _both_sides(container: Container) -> dict[str, Quantity]:
    return {**_named("limits", container.limits), **_named("requests", container.requests)}


def _named(side: str, resources: ResourceList) -> dict[str, Quantity]:
    return {f"{side}.{name}": quantity for name, quantity in resources.items()}


def _shown(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."
