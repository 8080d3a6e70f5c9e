"""What the server takes from its caches, and what it reads live."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from tests.server.fake_api import a_namespace, a_quota, a_tier
from tiergate.cluster.client import ApiError, Client, Unreachable
from tiergate.core.release import NEWEST
from tiergate.server.caches import Caches, read_valid_tier
from tiergate.server.service import usage_rows
from tiergate.wire import Malformed


class Api:
    """Answers live reads from what is given by path."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    async def request(self, method: str, path: str, *, timeout: float = 5) -> bytes:  # noqa: ASYNC109
        """Answer one GET."""
        assert method == "GET"
        assert timeout <= 5
        answer = self._answers.get(path)
        if answer is None:
            raise ApiError(404, "NotFound", path)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()


def caches_on(answers: Mapping[str, Any] | None = None) -> Caches:
    return Caches(cast(Client, Api(answers or {})))


def a_bad_tier() -> dict[str, Any]:
    tier = a_tier()
    tier["spec"]["limits"][0]["min"]["cpu"] = "900m"
    return tier


def learn(caches: Caches, cache: str, item: dict[str, Any], *, version: str = "1") -> None:
    """Let one cache see an object, as from its watch."""
    target = dict(caches.each())[cache]
    meta = item["metadata"]
    key = f"{meta['namespace']}/{meta['name']}" if "namespace" in meta else meta["name"]
    value = target._judge(json.dumps(item).encode())
    target._store(key, version, value)  # type: ignore[arg-type]  # the kind goes with the name


def a_named_quota(name: str, namespace: str) -> dict[str, Any]:
    quota = a_quota(namespace)
    quota["metadata"]["name"] = name
    return quota


def test_quotas_are_found_by_namespace_in_order() -> None:
    caches = caches_on()
    for name, namespace in (("z", "dev"), ("a", "dev"), ("tier", "prod")):
        learn(caches, "resourcequotas", a_named_quota(name, namespace))
    assert [quota.name for quota in caches.quotas("dev")] == ["a", "z"]
    assert [quota.name for quota in caches.quotas("prod")] == ["tier"]
    assert caches.quotas("elsewhere") == ()


def test_a_quota_that_changes_or_goes_is_not_kept() -> None:
    caches = caches_on()
    learn(caches, "resourcequotas", a_quota(used="1"))
    learn(caches, "resourcequotas", a_quota(used="2"), version="2")
    (quota,) = caches.quotas("dev")
    assert str(quota.used["requests.cpu"]) == "2"
    dict(caches.each())["resourcequotas"]._drop("dev/tier")
    assert caches.quotas("dev") == ()


def test_namespaces_of_a_tier() -> None:
    caches = caches_on()
    for name, tier in (("b", "dev"), ("a", "dev"), ("c", "prod"), ("d", None)):
        learn(caches, "namespaces", a_namespace(name, tier))
    assert caches.namespaces_of("dev") == ("a", "b")
    assert [one.name for one in caches.governed()] == ["a", "b", "c"]


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
    caches = caches_on()
    learn(caches, "tiers", a_tier())
    learn(caches, "tiers", a_bad_tier(), version="2")
    assert caches.tier("dev") is not None
    assert "dev" in dict(caches.each())["tiers"].faults


def test_a_tier_is_read_live() -> None:
    caches = caches_on({"/apis/tiergate.io/v1alpha1/tiers/dev": a_tier()})
    tier = asyncio.run(caches.tier_now("dev", timeout=2.0))
    assert tier is not None
    assert tier.name == "dev"
    assert asyncio.run(caches.tier_now("prod", timeout=2.0)) is None


def test_a_faulty_tier_read_live_is_refused_with_what_is_wrong() -> None:
    """So that an earlier version stays in force where there is one, and people are told why where there is none."""
    caches = caches_on({"/apis/tiergate.io/v1alpha1/tiers/dev": a_bad_tier()})
    with pytest.raises(Malformed) as refusal:
        asyncio.run(caches.tier_now("dev", timeout=2.0))
    assert refusal.value.pointer.startswith("/spec/limits/0")


def test_a_name_is_escaped_in_a_path() -> None:
    """Reviews are not authenticated: the names in them must not choose what is read."""
    name, escaped = "../secrets?watch", "..%2Fsecrets%3Fwatch"
    answers = {
        f"/api/v1/namespaces/{escaped}": a_namespace(name),
        f"/apis/tiergate.io/v1alpha1/tiers/{escaped}": a_tier(name),
        f"/api/v1/namespaces/{escaped}/resourcequotas": {"items": [a_quota(name)]},
    }
    caches = caches_on(answers)
    assert asyncio.run(caches.namespace_now(name, timeout=2.0)) is not None
    assert asyncio.run(caches.tier_now(name, timeout=2.0)) is not None
    assert len(asyncio.run(caches.quotas_now(name, timeout=2.0))) == 1


def test_an_error_of_a_live_read_is_an_error() -> None:
    caches = caches_on({"/api/v1/namespaces/dev": ApiError(500, "InternalError", "")})
    with pytest.raises(ApiError):
        asyncio.run(caches.namespace_now("dev", timeout=2.0))


def test_quotas_are_read_live() -> None:
    path = "/api/v1/namespaces/dev/resourcequotas"
    caches = caches_on({path: {"items": [a_named_quota("z", "dev"), a_named_quota("a", "dev")]}})
    assert [quota.name for quota in asyncio.run(caches.quotas_now("dev", timeout=2.0))] == ["a", "z"]
    nothing = caches_on({path: {"items": None}})
    assert asyncio.run(nothing.quotas_now("dev", timeout=2.0)) == ()


def test_caches_that_were_never_filled_are_stale() -> None:
    caches = caches_on()
    caches.observe()
    assert caches.stale()
    assert caches.unsynced() == ["tiers", "namespaces", "resourcequotas"]


def test_usage_is_shown_of_governed_namespaces_alone() -> None:
    caches = caches_on()
    for name, tier in (("dev", "dev"), ("default", None)):
        learn(caches, "namespaces", a_namespace(name, tier))
        learn(caches, "resourcequotas", a_quota(name, used="1500m"))
    rows = [(row.tier, row.namespace, row.resource, str(row.used), str(row.hard)) for row in usage_rows(caches)]
    assert rows == [("dev", "dev", "requests.cpu", "1500m", "2")]


async def followed(caches: Caches) -> int:
    """Let the caches ask for the release once."""
    task = asyncio.ensure_future(caches.tasks()["release"]())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    return caches.minor()


@pytest.mark.parametrize(("minor", "known"), [("36", 36), ("37", 37), ("36+", 36)])
def test_the_release_is_asked_for(minor: str, known: int) -> None:
    assert asyncio.run(followed(caches_on({"/version": {"major": "1", "minor": minor}}))) == known


@pytest.mark.parametrize("answer", [None, Unreachable("no route"), {"major": "1", "minor": "odd"}])
def test_without_an_answer_the_newest_release_is_assumed(answer: object) -> None:
    """Not to know the release is no reason not to serve: the task goes on."""
    assert asyncio.run(followed(caches_on({"/version": answer}))) == NEWEST
