from __future__ import annotations

import json

import pytest

from tests.lifecycle.fake import FakeApi, Object
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError
from tiergate.cluster.registration import CONFIGURATION_KINDS
from tiergate.cluster.resource import LIMIT_RANGES, NAMESPACES, TIERS
from tiergate.lifecycle.uninstall import NotUninstalled, uninstall

RELEASE = "webhook-system"
CONTROLLER = f"/apis/apps/v1/namespaces/{RELEASE}/deployments/tiergate-controller"
CONFIGURATIONS = [resource.object("tiergate") for resource in CONFIGURATION_KINDS.values()]
CONTAINER = {"type": "Container", "default": {"cpu": "250m"}, "max": {"cpu": "500m"}}
STATUS = f"{TIERS.object('dev')}/status"
QUOTAS = [{"name": "compute", "hard": {"limits.cpu": "4"}}]


def a_tier(**spec: object) -> Object:
    return {
        "metadata": {"name": "dev", "resourceVersion": "7"},
        "spec": {"limits": [CONTAINER], "quotas": QUOTAS, **spec},
    }


def a_namespace(name: str, tier: str | None = "dev", **metadata: object) -> Object:
    labels = {} if tier is None else {"tiergate.io/tier": tier}
    return {"metadata": {"name": name, "labels": labels, **metadata}}


def a_cluster(tier: Object, *namespaces: Object) -> FakeApi:
    objects: dict[str, Object] = {CONTROLLER: {}, TIERS.object("dev"): tier}
    objects |= {path: {} for path in CONFIGURATIONS}
    objects |= {NAMESPACES.object(one["metadata"]["name"]): one for one in namespaces}
    return FakeApi(objects)


async def uninstalled(fake: FakeApi) -> str:
    said: list[str] = []
    await uninstall(Api(fake), namespace=RELEASE, say=said.append)
    return "\n".join(said)


def left(api: FakeApi) -> dict[str, Object]:
    """Return the LimitRanges that were written, by path."""
    return {path: body for verb, path, body in api.writes if verb == "POST" and path.endswith("/limitranges")}


async def test_each_step_prepares_the_next() -> None:
    """The controller would remove the LimitRanges, and without them the webhooks' defaults would be missed."""
    api = a_cluster(a_tier(), a_namespace("dev"))
    api.lingers[CONTROLLER] = 2
    said = await uninstalled(api)
    assert [(verb, path) for verb, path, _ in api.writes] == [
        ("DELETE", CONTROLLER),
        ("POST", LIMIT_RANGES.collection("dev")),
        *(("DELETE", path) for path in CONFIGURATIONS),
        ("PATCH", STATUS),
    ]
    assert api.writes[0][2]["propagationPolicy"] == "Foreground"
    assert 'namespace "dev": LimitRange "tier" left behind with the defaults of tier dev' in said


async def test_the_item_is_left_under_the_controllers_own_name_and_labels() -> None:
    api = a_cluster(a_tier(), a_namespace("dev"))
    await uninstalled(api)
    (body,) = left(api).values()
    assert body["metadata"] == {
        "name": "tier",
        "namespace": "dev",
        "labels": {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"},
    }
    assert body["spec"] == {"limits": [CONTAINER]}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"quotas": []}, id="no-quota-to-fail-on"),
        pytest.param({"enforcement": "Warn"}, id="no-quota-in-warn"),
        pytest.param({"enforcement": "Audit"}, id="no-quota-in-audit"),
        pytest.param({"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}, id="nothing-for-containers"),
        pytest.param({"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}, id="invalid"),
        pytest.param({"enforcement": "Later"}, id="unreadable"),
    ],
)
async def test_nothing_is_left_where_it_would_not_help(spec: Object) -> None:
    api = a_cluster(a_tier(**spec), a_namespace("dev"))
    await uninstalled(api)
    assert left(api) == {}
    assert not set(CONFIGURATIONS) & set(api.objects)


INVALID: Object = {"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}


@pytest.mark.parametrize("spec", [INVALID, {"enforcement": "Later"}], ids=["invalid", "unreadable"])
async def test_the_last_valid_version_of_an_invalid_tier_leaves_its_defaults(spec: Object) -> None:
    """As in a handover: what the status keeps is what was in force."""
    kept = {"generation": 1, "spec": json.dumps(a_tier()["spec"])}
    api = a_cluster({**a_tier(**spec), "status": {"inForce": kept}}, a_namespace("dev"))
    said = await uninstalled(api)
    assert [body["spec"] for body in left(api).values()] == [{"limits": [CONTAINER]}]
    assert 'tier "dev" cannot be in force as it is: its last valid version leaves defaults' in said


async def test_a_tier_that_was_never_valid_is_said_with_its_namespaces() -> None:
    api = a_cluster(a_tier(**INVALID), a_namespace("a"), a_namespace("b"), a_namespace("other", None))
    said = await uninstalled(api)
    assert left(api) == {}
    for name in ("a", "b"):
        assert f'namespace "{name}": no defaults left behind: tier "dev" cannot be in force: /spec/limits/0/' in said
    assert "other" not in said


async def test_only_governed_namespaces_get_one() -> None:
    api = a_cluster(
        a_tier(),
        a_namespace("dev"),
        a_namespace("other", None),
        a_namespace("lost", "gone"),
        a_namespace("kube-odd"),
        a_namespace(RELEASE),
        a_namespace("going", deletionTimestamp="2026-01-01T00:00:00Z"),
    )
    await uninstalled(api)
    assert list(left(api)) == [LIMIT_RANGES.collection("dev")]


async def test_a_limitrange_that_is_there_stays() -> None:
    """That of `nativeLimitRange`, of an uninstallation that was cut off, or somebody else's."""
    api = a_cluster(a_tier(), a_namespace("dev"))
    path = LIMIT_RANGES.object("tier", namespace="dev")
    api.objects[path] = {"theirs": True}
    said = await uninstalled(api)
    assert api.objects[path] == {"theirs": True}
    assert "is there already, and stays as it is" in said


async def test_it_can_be_repeated() -> None:
    api = a_cluster(a_tier(), a_namespace("dev"))
    await uninstalled(api)
    before = dict(api.objects)
    assert "was gone already" in await uninstalled(api)
    assert api.objects == before


async def test_a_controller_that_does_not_end_stops_everything() -> None:
    api = a_cluster(a_tier(), a_namespace("dev"))
    api.lingers[CONTROLLER] = 10**6
    with pytest.raises(NotUninstalled, match="its pods do not end"):
        await uninstalled(api)
    assert [verb for verb, _, _ in api.writes] == ["DELETE"]


async def test_without_the_kind_the_webhooks_still_go() -> None:
    api = a_cluster(a_tier(), a_namespace("dev"))
    api.refuse[f"GET {TIERS.collection()}"] = ApiError(404, "NotFound", "could not find the requested resource")
    assert "there is no kind Tier any more" in await uninstalled(api)
    assert not set(CONFIGURATIONS) & set(api.objects)


async def test_a_namespace_that_goes_meanwhile_is_passed_over() -> None:
    api = a_cluster(a_tier(), a_namespace("a"), a_namespace("b"))
    api.refuse["POST " + LIMIT_RANGES.collection("a")] = ApiError(404, "NotFound", "namespaces a not found")
    await uninstalled(api)
    assert list(left(api)) == [LIMIT_RANGES.collection("b")]


async def test_what_is_refused_ends_it_before_the_webhooks_go() -> None:
    api = a_cluster(a_tier(), a_namespace("dev"))
    api.refuse["POST " + LIMIT_RANGES.collection("dev")] = ApiError(403, "Forbidden", "exceeded quota: theirs")
    with pytest.raises(NotUninstalled, match=r'namespace "dev": LimitRange "tier" cannot be written: .* quota: theirs'):
        await uninstalled(api)
    assert set(CONFIGURATIONS) <= set(api.objects)


GOOD = {"status": "True", "reason": "Fine", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
LONG_BAD = {**GOOD, "type": "Enforcing", "status": "False", "reason": "HandedOver"}
THEIRS = {**GOOD, "type": "Theirs", "observedGeneration": 0}


@pytest.mark.parametrize(
    "spec", [{}, {"enforcement": "Warn"}, {"enforcement": "Later"}], ids=["", "Warn", "unreadable"]
)
async def test_no_status_goes_on_saying_that_a_tier_is_enforced(spec: Object) -> None:
    status = {"namespaces": 1, "conditions": [{**GOOD, "type": "Ready"}, LONG_BAD, THEIRS]}
    api = a_cluster({**a_tier(**spec), "status": status}, a_namespace("dev"))
    await uninstalled(api)
    found = api.objects[TIERS.object("dev")]["status"]
    assert found["namespaces"] == 1
    ready, enforcing, theirs = found["conditions"]
    for kind, one in (("Ready", ready), ("Enforcing", enforcing)):
        assert (one["type"], one["status"], one["reason"]) == (kind, "False", "Uninstalled")
        assert "Tiergate was uninstalled" in one["message"]
    assert (ready["lastTransitionTime"] > GOOD["lastTransitionTime"]) is True
    assert enforcing["lastTransitionTime"] == GOOD["lastTransitionTime"]
    assert theirs == THEIRS


async def test_a_status_that_cannot_be_written_stops_nothing() -> None:
    api = a_cluster(a_tier(), a_namespace("dev"))
    api.refuse[f"PATCH {STATUS}"] = ApiError(409, "Conflict", "modified")
    said = await uninstalled(api)
    assert 'the status of tier "dev" does not say Uninstalled: 409 Conflict: modified' in said
    assert not set(CONFIGURATIONS) & set(api.objects)
