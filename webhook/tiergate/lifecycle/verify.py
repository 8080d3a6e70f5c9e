"""Prove that an installation enforces: by its registration, and by dry-run creates in governed namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME, missing_entries, read_registration
from tiergate.cluster.resource import NAMESPACES, PODS, TIERS
from tiergate.cluster.tier_record import read_record
from tiergate.core.podspec import Pod
from tiergate.core.text import shortened
from tiergate.core.tier import Tier
from tiergate.lifecycle import sample_pod
from tiergate.lifecycle.sample_pod import Proof, ProofOutcome
from tiergate.wire.decode import Reader
from tiergate.wire.namespace import read_namespace
from tiergate.wire.pod import WirePod, to_pod
from tiergate.wire.tier import tier_and_faults
from tiergate.wire.tier_status import ENFORCING
from tiergate_certs.cabundle import entries

TIMEOUT: Final = 15.0
"""Seconds for one request: the API server waits for both webhooks in turn."""
PAUSE: Final = 2.0
WIDTH: Final = 10

_read_pod: Final = Reader(WirePod, to_pod)


async def verify(
    api: Api,
    *,
    namespaces: Sequence[str],
    image: str,
    patience: float,
    say: Callable[[str], None],
    tell: Callable[[str], None],
) -> bool:
    """Look until nothing fails or patience is over, say the last findings, and whether none of them failed.

    What cannot be proved (no governed namespace named, a tier without max or defaults, a full quota) is said and is no
    failure. A handover is one, and a tier in mode Enforce that says that it is not enforced.

    Args:
        api: Reads tiers, namespaces and webhook configurations, creates pods by dry-run.
        namespaces: Governed namespaces to try; one for each tier is enough.
        image: Of the pods tried: policies of others may have an opinion about it. It is never pulled.
        patience: Seconds to go on trying: right after an installation not everything is in force yet.
        say: Gets one line for each finding.
        tell: Gets a line when it is not over at once: why, and for how long it may go on.
    """
    loop = asyncio.get_running_loop()
    end, told = loop.time() + patience, False
    while True:
        found = await _look(api, namespaces, image)
        failed = [one.what for one in found if one.outcome == "failed"]
        if not failed or loop.time() > end:
            break
        if not told:
            tell(f"not yet: {failed[0]}; trying for {patience:g} s more at most")
            told = True
        await asyncio.sleep(PAUSE)
    for one in found:
        say(f"{one.outcome:<{WIDTH}}{one.what}")
    return not failed


async def _look(api: Api, namespaces: Sequence[str], image: str) -> list[Proof]:
    try:
        return await findings(api, namespaces=namespaces, image=image)
    except (ApiError, Unreachable) as error:
        return [Proof("failed", str(error))]


async def findings(api: Api, *, namespaces: Sequence[str], image: str) -> list[Proof]:
    """Look once.

    Raises:
        ApiError, Unreachable: A request that has to be answered was not.
    """
    found = [await _registration(api, kind) for kind in CONFIGURATION_KINDS]
    found += await _conditions(api)
    for name in namespaces:
        found += await _namespace(api, name, image)
    if not namespaces:
        what = "no governed namespace was named: that pods over max are refused and defaults are set was not tried; "
        what += "set tests.namespaces in the values of the chart (of this command: --governed)"
        found.append(Proof("unproved", what))
    return found


async def _registration(api: Api, kind: str) -> Proof:
    raw = await api.get(CONFIGURATION_KINDS[kind], CONFIGURATION_NAME)
    named = f'{kind} "{CONFIGURATION_NAME}"'
    if raw is None:
        return Proof("failed", f"{named} does not exist, so pods are not checked: helm upgrade restores it")
    if since := read_registration(kind, raw).handed_over_since:
        what = f"{named} is handed over since {since}: no replica answered, so Kubernetes alone refuses"
        return Proof("failed", what)
    found = entries(raw)
    if missing := missing_entries(kind, (one.name for one in found)):
        return Proof("failed", f"{named} lacks {', '.join(missing)}: helm upgrade restores it")
    if untrusting := [one.name for one in found if not one.ca_bundle]:
        what = f"{named} has no CA to trust in {', '.join(untrusting)}: the controller writes it; look at its log"
        return Proof("failed", what)
    return Proof("ok", f"{named} is registered, and has a CA to trust in every entry")


async def _conditions(api: Api) -> list[Proof]:
    """Return what tiers in mode Enforce say against themselves; an exclusion may be intended, so it fails nothing."""
    found = []
    async for raw in api.each(TIERS):
        record = read_record(raw)
        said = record.status.condition(ENFORCING)
        if record.tier is None or not record.tier.is_native or said is None or said.status != "False":
            continue
        outcome: ProofOutcome = "unproved" if said.reason == "NamespaceExcluded" else "failed"
        found.append(Proof(outcome, f'tier "{record.name}" is not Enforcing: {said.reason}: {shortened(said.message)}'))
    return found


async def _namespace(api: Api, name: str, image: str) -> list[Proof]:
    where = f'namespace "{name}"'
    raw = await api.get(NAMESPACES, name)
    if raw is None:
        return [Proof("failed", f"{where} does not exist")]
    label = read_namespace(raw).tier
    if label is None:
        return [Proof("failed", f"{where} is not governed: it has no label tiergate.io/tier")]
    where += f', tier "{label}"'
    tier = await _tier(api, label)
    if isinstance(tier, str):
        return [Proof("failed", f"{where}: {tier}")]
    if not tier.is_native:
        return [Proof("unproved", f"{where}: mode {tier.mode} refuses nothing")]
    return [await _over_max(api, name, where, tier, image), await _defaults(api, name, where, tier, image)]


async def _tier(api: Api, name: str) -> Tier | str:
    """Return the tier, or what is wrong with it."""
    raw = await api.get(TIERS, name)
    if raw is None:
        return "there is no such tier, so its pods are refused"
    tier, faults = tier_and_faults(raw)
    if tier is None or faults:
        return f"the tier cannot be in force: {faults[0].pointer}: {faults[0].reason}"
    return tier


async def _over_max(api: Api, namespace: str, where: str, tier: Tier, image: str) -> Proof:
    asked = sample_pod.too_large(tier)
    if asked is None:
        return Proof("unproved", f"{where}: the tier has no max, so there is no pod over max to be refused")
    answer = await _create(api, namespace, sample_pod.pod(image, limits={asked.resource: asked.amount}))
    return sample_pod.assess_too_large(where, asked, answer if isinstance(answer, str) else None)


async def _defaults(api: Api, namespace: str, where: str, tier: Tier, image: str) -> Proof:
    if not sample_pod.expected(tier):
        return Proof("unproved", f"{where}: the tier has no defaults to be set")
    return sample_pod.assess_defaults(where, tier, await _create(api, namespace, sample_pod.pod(image)))


async def _create(api: Api, namespace: str, pod: sample_pod.Object) -> Pod | str:
    """Create a pod by dry-run: return it as it would be stored, or the message of its refusal."""
    body = msgspec.json.encode(pod)
    try:
        stored = await api.create(PODS, body, namespace=namespace, query={"dryRun": "All"}, timeout=TIMEOUT)
    except ApiError as error:
        return error.message
    return _read_pod(stored)
