"""What the server takes from its state, and what it reads live."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import pytest

from tests import builders as built
from tests.background import others_turns
from tests.server.fake_api import a_namespace, a_quota, a_tier
from tiergate.cluster.capacity import MOST, OBJECT
from tiergate.cluster.client import Client
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.cluster.meta import read_meta
from tiergate.cluster.tier_record import read_valid_tier
from tiergate.core.decision import Finding
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.tier import Tier
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.metrics.rows import TierCondition
from tiergate.server.live import LiveReads
from tiergate.server.service import tier_conditions
from tiergate.server.state import DECODED_AT_ONCE, MISSING_FOR, MOST_MISSING, ServerState
from tiergate.server.usage import UsageByNamespace, rows_of
from tiergate.wire import Malformed
from tiergate.wire.quota import read_quota


class Api:
    """Answers live reads from what is given by path."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    async def request(self, method: str, path: str, *, timeout: float, **_: object) -> bytes:  # noqa: ASYNC109
        """Answer one GET."""
        assert method == "GET"
        assert timeout == (10.0 if path == "/version" else 2.0)
        answer = self._answers.get(path)
        if answer is None:
            raise ApiError(404, "NotFound", path)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()


def state_on(answers: Mapping[str, Any] | None = None) -> ServerState:
    return ServerState(cast(Client, Api(answers or {})), release_namespace="tiergate-system")


def a_bad_tier() -> dict[str, Any]:
    tier = a_tier()
    tier["spec"]["limits"][0]["min"]["cpu"] = "900m"
    return tier


def learn(state: ServerState, cache: str, item: dict[str, Any], *, version: str = "1") -> None:
    """Let one cache see an object, as from its watch."""
    target = state.caches()[cache]
    meta = item["metadata"]
    key = f"{meta['namespace']}/{meta['name']}" if "namespace" in meta else meta["name"]
    raw = json.dumps(item).encode()
    value = target._decoded(read_meta(raw), msgspec.Raw(raw))
    target._store(key, version, value)


def a_named_quota(name: str, namespace: str) -> dict[str, Any]:
    quota = a_quota(namespace)
    quota["metadata"]["name"] = name
    return quota


def test_quotas_are_found_by_namespace_in_order() -> None:
    state = state_on()
    for name, namespace in (("z", "dev"), ("a", "dev"), ("tier", "prod")):
        learn(state, "resourcequotas", a_named_quota(name, namespace))
    assert [quota.name for quota in state.quotas("dev")] == ["a", "z"]
    assert [quota.name for quota in state.quotas("prod")] == ["tier"]
    assert state.quotas("elsewhere") == ()


def test_a_quota_that_changes_or_goes_is_not_kept() -> None:
    state = state_on()
    learn(state, "resourcequotas", a_quota(used="1"))
    learn(state, "resourcequotas", a_quota(used="2"), version="2")
    (quota,) = state.quotas("dev")
    assert str(quota.used["requests.cpu"]) == "2"
    state.caches()["resourcequotas"]._drop("dev/tier")
    assert state.quotas("dev") == ()


def test_namespaces_of_a_tier() -> None:
    state = state_on()
    for name, tier in (("b", "dev"), ("a", "dev"), ("c", "prod"), ("d", None)):
        learn(state, "namespaces", a_namespace(name, tier))
    assert state.namespaces_of("dev") == ("a", "b")
    assert [one.name for one in state.governed()] == ["a", "b", "c"]


def test_a_tier_that_may_not_be_in_force_is_a_fault_with_everything_it_says() -> None:
    with pytest.raises(Malformed) as refusal:
        read_valid_tier(json.dumps(a_bad_tier()).encode())
    assert refusal.value.pointer.startswith("/spec/limits/0")


def test_all_that_cannot_be_read_is_said_at_once() -> None:
    document = {
        "metadata": {"name": "dev"},
        "spec": {"enforcement": "Log", "quotas": [{"name": "q", "per": "Cluster"}]},
    }
    with pytest.raises(Malformed) as refusal:
        read_valid_tier(json.dumps(document).encode())
    assert '"Log" is not supported' in str(refusal.value)
    assert '/spec/quotas/0/per: "Cluster" is not supported' in str(refusal.value)


def test_the_last_good_version_of_a_tier_stays_in_force() -> None:
    state = state_on()
    learn(state, "tiers", a_tier())
    learn(state, "tiers", a_bad_tier(), version="2")
    assert state.tier("dev") is not None
    assert state.faults()["tiers"] == 1


def test_a_tier_read_live_has_the_version_that_its_status_keeps() -> None:
    kept = {"generation": 1, "spec": json.dumps(a_tier()["spec"])}
    raw = json.dumps({**a_bad_tier(), "status": {"inForce": kept}}).encode()
    assert read_valid_tier(raw) == read_valid_tier(json.dumps(a_tier()).encode())


async def test_a_tier_is_read_live() -> None:
    state = state_on({"/apis/tiergate.io/v1alpha1/tiers/dev": a_tier()})
    tier = await state.tier_now("dev", peer="", timeout=2.0)
    assert tier is not None
    assert tier.name == "dev"
    assert await state.tier_now("prod", peer="", timeout=2.0) is None


NS, QUOTAS, TIER = "/api/v1/namespaces/t", "/api/v1/namespaces/t/resourcequotas", "/apis/tiergate.io/v1alpha1/tiers/t"


@pytest.mark.parametrize("path", [NS, QUOTAS, TIER])
async def test_a_fact_that_cannot_be_read_makes_verdicts_impossible(path: str) -> None:
    answers: dict[str, Any] = {NS: a_namespace("t", None), QUOTAS: {"items": []}, TIER: a_bad_tier()}
    assert await state_on(answers).unreadable("t", timeout=2.0) == ""
    answers[path] = ApiError(403, "Forbidden", "no")
    assert "out of touch with the API server: 403 Forbidden" in await state_on(answers).unreadable("t", timeout=2.0)


async def test_a_tier_that_is_not_there_is_not_asked_for_again_for_a_moment() -> None:
    now = 100.0
    answers: dict[str, Any] = {}
    state = ServerState(cast(Client, Api(answers)), release_namespace="tiergate-system", clock=lambda: now)
    state._tier_reads = LiveReads(seconds=0)
    state._trusted_until = now + 60
    assert await state.tier_now("dev", peer="", timeout=2.0) is None
    answers["/apis/tiergate.io/v1alpha1/tiers/dev"] = a_tier()
    for number in range(2 * MOST_MISSING):
        assert await state.tier_now(f"forged-{number}", peer="", timeout=2.0) is None
    assert len(state._missing_tiers) == MOST_MISSING, "what is remembered is bounded"
    assert await state.tier_now("dev", peer="", timeout=2.0) is None
    state._trusted_until = now - 1  # out of touch: the caches might not know of it
    assert await state.tier_now("dev", peer="", timeout=2.0) is not None
    state._trusted_until = now + 60
    now += MISSING_FOR
    assert await state.tier_now("dev", peer="", timeout=2.0) is not None


async def test_a_faulty_tier_read_live_is_refused_with_what_is_wrong() -> None:
    """So that an earlier version stays in force where there is one, and people are told why where there is none."""
    state = state_on({"/apis/tiergate.io/v1alpha1/tiers/dev": a_bad_tier()})
    with pytest.raises(Malformed) as refusal:
        await state.tier_now("dev", peer="", timeout=2.0)
    assert refusal.value.pointer.startswith("/spec/limits/0")


async def test_a_name_is_escaped_in_a_path() -> None:
    """Reviews are not authenticated: the names in them must not choose what is read."""
    name, escaped = "../secrets?watch", "..%2Fsecrets%3Fwatch"
    answers = {
        f"/api/v1/namespaces/{escaped}": a_namespace(name),
        f"/apis/tiergate.io/v1alpha1/tiers/{escaped}": a_tier(name),
        f"/api/v1/namespaces/{escaped}/resourcequotas": {"items": [a_quota(name)]},
    }
    state = state_on(answers)
    assert await state.namespace_now(name, peer="", timeout=2.0) is not None
    assert await state.tier_now(name, peer="", timeout=2.0) is not None
    assert len(await state.quotas_now(name, peer="", timeout=2.0)) == 1


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_no_object_can_have_is_not_asked_for(name: str) -> None:
    """It would name another path: ``namespaces/..`` is the whole API."""
    state = state_on({path: a_tier() for path in ("/api/v1/namespaces/..", "/api/v1/namespaces/", "/api/v1/")})
    assert await state.namespace_now(name, peer="", timeout=2.0) is None
    assert await state.tier_now(name, peer="", timeout=2.0) is None
    with pytest.raises(ApiError):
        await state.quotas_now(name, peer="", timeout=2.0)


async def test_an_error_of_a_live_read_is_an_error() -> None:
    state = state_on({"/api/v1/namespaces/dev": ApiError(500, "InternalError", "")})
    with pytest.raises(ApiError):
        await state.namespace_now("dev", peer="", timeout=2.0)


async def test_quotas_are_read_live() -> None:
    path = "/api/v1/namespaces/dev/resourcequotas"
    state = state_on({path: {"items": [a_named_quota("z", "dev"), a_named_quota("a", "dev")]}})
    assert [quota.name for quota in await state.quotas_now("dev", peer="", timeout=2.0)] == ["a", "z"]
    nothing = state_on({path: {"items": None}})
    assert await nothing.quotas_now("dev", peer="", timeout=2.0) == ()


async def test_reviews_get_their_turn_while_thousands_of_quotas_are_read_live() -> None:
    """Whoever may write ResourceQuotas can write so many, and have them read by each pod that is refused."""
    path = "/api/v1/namespaces/dev/resourcequotas"
    state = state_on({path: {"items": [a_named_quota(f"q-{number}", "dev") for number in range(20 * DECODED_AT_ONCE)]}})
    with others_turns() as turns:
        assert await state.quotas_now("dev", peer="", timeout=2.0)
    assert turns.count >= 20


UNREADABLE: dict[str, dict[str, Any]] = {
    "names": {"status": {"hard": {f"example.com/{number}": "1" for number in range(600)}}},
    "a-long-name": {"spec": {"hard": {"n" * 2000: "1"}}},
    "scopes": {"spec": {"scopes": ["Terminating"] * 2000}},
    "values": {"spec": {"scopeSelector": {"matchExpressions": [{"values": ["v"] * 2000}]}}},
    "a-long-value": {"spec": {"scopeSelector": {"matchExpressions": [{"values": ["v" * 2000]}]}}},
    "quantity": {"status": {"hard": {"pods": "many"}}},
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("managed", [True, False])
async def test_a_quota_that_cannot_be_read_is_never_left_out_nor_known(name: str, *, managed: bool) -> None:
    """From the cache as live. Of ours nothing is in force then; others are judged by the server's own engine."""
    good = a_quota()
    labels = good["metadata"]["labels"] if managed else {}
    good = {**good, "metadata": {**good["metadata"], "labels": labels}}
    bad = {**good, **UNREADABLE[name]}
    bad["metadata"] = {**good["metadata"], "resourceVersion": "2"}
    state = state_on({"/api/v1/namespaces/dev/resourcequotas": {"items": [bad]}})
    learn(state, "resourcequotas", good)
    learn(state, "resourcequotas", bad, version="2")
    assert state.faults()["resourcequotas"] == 1
    (cached,), (live,) = state.quotas("dev"), await state.quotas_now("dev", peer="", timeout=2.0)
    assert cached == live == QuotaStatus("tier", "dev", "2", managed=managed, labelled="dev" if managed else "")
    tier = built.a_tier(quotas=[built.a_tier_quota({"requests.cpu": "2"})])
    pod = built.a_pod(built.a_container(limits={"cpu": "1"}))
    assert [one.rule for one in _findings(pod, tier, cached)] == ["quota-pending"]
    in_force = read_quota(json.dumps(a_quota()).encode())
    assert _findings(pod, tier, in_force, msgspec.structs.replace(cached, name="theirs", managed=False)) == []


def _findings(pod: Pod, tier: Tier, *quotas: QuotaStatus) -> list[Finding]:
    return list(built.validated(pod, old=None, tier=tier, quotas=quotas).findings)


def test_state_that_were_never_filled_are_stale() -> None:
    state = state_on()
    state.observe()
    assert state.stale()
    assert state.unsynced() == ["tiers", "namespaces", "resourcequotas"]


async def test_usage_is_shown_of_governed_namespaces_alone() -> None:
    state = state_on()
    for name, tier in (("dev", "dev"), ("default", None)):
        learn(state, "namespaces", a_namespace(name, tier))
        learn(state, "resourcequotas", a_quota(name, used="1500m"))
    rows = [
        (row.tier, row.namespace, row.resource, str(row.used), str(row.hard))
        for row in rows_of(await UsageByNamespace(state).namespaces())
    ]
    assert rows == [("dev", "dev", "requests.cpu", "1500m", "2")]


async def followed(state: ServerState) -> int:
    """Let the state ask for the release once."""
    task = asyncio.ensure_future(state.tasks()["release"]())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    return state.minor()


@pytest.mark.parametrize(("minor", "known"), [("36", 36), ("37", 37), ("36+", 36)])
async def test_the_release_is_asked_for(minor: str, known: int) -> None:
    assert await followed(state_on({"/version": {"major": "1", "minor": minor}})) == known


@pytest.mark.parametrize("answer", [None, Unreachable("no route"), {"major": "1", "minor": "odd"}])
async def test_without_an_answer_the_newest_release_is_assumed(answer: object) -> None:
    """Not to know the release is no reason not to serve: the task goes on."""
    assert await followed(state_on({"/version": answer})) == NEWEST


READY = {"type": "Ready", "status": "True", "reason": "QuotasInForce", "message": "m"}
ENFORCING = {"type": "Enforcing", "status": "False", "reason": "WebhookConfigurationMissing"}


@pytest.mark.parametrize("status", [None, {}, {"conditions": None}, {"conditions": "soon"}, {"conditions": [1]}])
def test_a_tier_without_usable_conditions_has_none(status: object) -> None:
    state = state_on()
    learn(state, "tiers", {**a_tier(), "status": status})
    assert list(tier_conditions(state)) == []
    assert state.tier("dev") is not None


def test_conditions_are_followed_and_a_tier_that_goes_takes_its_own_with_it() -> None:
    """What is not True does not hold."""
    state, recorder = state_on(), PrometheusRecorder()
    unknown = {"type": "Odd", "status": "Unknown", "reason": "Starting"}
    learn(state, "tiers", {**a_bad_tier(), "status": {"conditions": [READY, ENFORCING, unknown]}})
    assert list(tier_conditions(state)) == [
        TierCondition("dev", "Ready", "QuotasInForce", holds=True),
        TierCondition("dev", "Enforcing", "WebhookConfigurationMissing", holds=False),
        TierCondition("dev", "Odd", "Starting", holds=False),
    ]
    recorder.tier_conditions(tuple(tier_conditions(state)))
    metric = 'tiergate_tier_condition{condition="Ready",reason="QuotasInForce",tier="dev"} 1.0'
    assert metric in recorder.exposition().decode()
    state.caches()["tiers"]._drop("dev")
    recorder.tier_conditions(tuple(tier_conditions(state)))
    assert "tiergate_tier_condition{" not in recorder.exposition().decode()


async def test_what_is_read_of_quotas_live_is_bounded_as_what_is_cached() -> None:
    hard = {f"count/{number}.example.com": "1" for number in range(500)}
    big = [{"metadata": {"name": f"q{number:03}", "namespace": "t"}, "spec": {"hard": hard}} for number in range(200)]
    state = state_on({QUOTAS: {"items": [*big, a_quota("t")]}})
    quotas = await state.quotas_now("t", peer="", timeout=2.0)
    assert sum(OBJECT + quota.size for quota in quotas if not quota.managed) <= MOST
    assert [quota.name for quota in quotas if quota.managed] == ["tier"]
