from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lifecycle.fake import FakeApi, Object
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.cluster.registration import CONFIGURATION_KINDS, PODS_MUTATE, PODS_VALIDATE
from tiergate.cluster.resource import NAMESPACES, PODS, TIERS
from tiergate.lifecycle.verify import verify

IMAGE = "registry.example/tiergate:1"
DENIED = f'admission webhook "{PODS_VALIDATE}" denied the request: '
OVER = f'{DENIED}pod "x": container "sample": limits.cpu is 501m, the tier allows at most 500m; set limits.cpu to 500m'
NATIVE = 'pods "x" is forbidden: maximum cpu usage per Container is 500m, but limit is 501m'
FULL = f'{DENIED}quota "compute": limits.cpu asks 250m, used 4 of 4, over by 250m'
SPEC = {"limits": [{"type": "Container", "default": {"cpu": "250m"}, "max": {"cpu": "500m"}}]}
DEFAULTED = {"limits": {"cpu": "250m"}, "requests": {"cpu": "250m"}}
ENTRIES = dict(zip(CONFIGURATION_KINDS, (PODS_MUTATE, PODS_VALIDATE), strict=True))


def configuration(*names: str, ca: str | None = "Q0E=") -> Object:
    config = {} if ca is None else {"caBundle": ca}
    return {"metadata": {}, "webhooks": [{"name": name, "clientConfig": config} for name in names]}


def a_cluster(spec: Object | None = None, create: Callable[[str, Object], Object] | None = None) -> FakeApi:
    api = FakeApi(
        {
            **{one.object("tiergate"): configuration(ENTRIES[kind]) for kind, one in CONFIGURATION_KINDS.items()},
            NAMESPACES.object("dev"): {"metadata": {"name": "dev", "labels": {"tiergate.io/tier": "dev"}}},
            TIERS.object("dev"): {"metadata": {"name": "dev"}, "spec": SPEC if spec is None else spec},
        }
    )
    api.create = create or answers()
    return api


def answers(
    over: str | None = OVER, bare: str | None = None, *, annotated: bool = True, defaulted: Object | None = None
) -> Callable[[str, Object], Object]:
    """Answer as an API server does: messages are refusals, None admits; `defaulted` are the defaults of a bare pod."""

    def create(path: str, pod: Object) -> Object:
        assert path == PODS.collection("dev")
        (container,) = pod["spec"]["containers"]
        assert container["image"] == IMAGE
        refusal = over if "resources" in container else bare
        if refusal is not None:
            raise ApiError(403, "Forbidden", refusal)
        container["resources"] = container.get("resources") or (DEFAULTED if defaulted is None else defaulted)
        pod["metadata"]["annotations"] = {"tiergate.io/defaults": "tiergate set: cpu"} if annotated else {}
        return pod

    return create


async def verified(fake: FakeApi, *namespaces: str, patience: float = 0) -> tuple[bool, list[str]]:
    good, said, _ = await watched(fake, *namespaces, patience=patience)
    return good, said


async def watched(fake: FakeApi, *namespaces: str, patience: float) -> tuple[bool, list[str], list[str]]:
    """Return what was told meanwhile, too."""
    said: list[str] = []
    told: list[str] = []
    good = await verify(
        Api(fake), namespaces=namespaces, image=IMAGE, patience=patience, say=said.append, tell=told.append
    )
    return good, said, told


async def test_everything_is_proved() -> None:
    good, said, told = await watched(a_cluster(), "dev", patience=30)
    assert not told  # nobody had to wait
    assert good
    where = 'ok        namespace "dev", tier "dev":'
    assert said == [
        'ok        MutatingWebhookConfiguration "tiergate" is registered, and has a CA to trust in every entry',
        'ok        ValidatingWebhookConfiguration "tiergate" is registered, and has a CA to trust in every entry',
        f"{where} a pod over max is refused by the webhook (limits.cpu 501m, at most 500m)",
        f"{where} missing defaults are set by the webhook (limits.cpu 250m, requests.cpu 250m)",
    ]


async def test_without_a_namespace_only_the_registration_is_proved_and_that_is_said() -> None:
    good, said = await verified(a_cluster())
    assert good
    assert said[2] == (
        "unproved  no governed namespace was named: that pods over max are refused and defaults are set was not tried; "
        "set tests.namespaces in the values of the chart (of this command: --governed)"
    )


@pytest.mark.parametrize(
    ("mode", "status", "reason", "outcome"),
    [
        ("Enforce", "False", "HandedOver", "failed"),
        ("Enforce", "False", "NoReplicaAnswers", "failed"),
        ("Enforce", "False", "NamespaceExcluded", "unproved"),
        ("Enforce", "Unknown", "", None),
        ("Enforce", "True", "WebhooksRegistered", None),
        ("Warn", "False", "ModeWarn", None),
    ],
)
@pytest.mark.parametrize("namespaces", [("dev",), ()], ids=["a-namespace-is-named", "none"])
async def test_a_tier_that_says_that_it_is_not_enforced_fails(
    namespaces: tuple[str, ...], mode: str, status: str, reason: str, outcome: str | None
) -> None:
    """Whoever created the tier, and whatever the dry runs show."""
    api = a_cluster({**SPEC, "enforcement": mode})
    said_of_itself = {"type": "Enforcing", "status": status, "reason": reason, "message": "for 20 s"}
    api.objects[TIERS.object("dev")]["status"] = {"conditions": [said_of_itself]}
    good, said = await verified(api, *namespaces)
    assert good is (outcome != "failed")
    expected = [] if outcome is None else [f'{outcome:<10}tier "dev" is not Enforcing: {reason}: for 20 s']
    assert [line for line in said if "Enforcing" in line] == expected


@pytest.mark.parametrize("kind", list(CONFIGURATION_KINDS))
async def test_a_handover_fails(kind: str) -> None:
    """Also where no namespace is named and no controller wrote a status."""
    api = a_cluster()
    marked = api.objects[CONFIGURATION_KINDS[kind].object("tiergate")]
    marked["metadata"] = {"annotations": {"tiergate.io/handed-over": "2026-01-01T00:00:00Z"}}
    good, said = await verified(api)
    assert not good
    assert any(one.startswith(f'failed    {kind} "tiergate" is handed over since 2026-01-01T00:00:00Z') for one in said)


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ({}, "the tier has no max"),
        ({}, "the tier has no defaults"),
        ({"limits": [{"type": "Container", "max": {"hugepages-2Mi": "4Mi"}}]}, "the tier has no max"),
        ({**SPEC, "enforcement": "Warn"}, "mode Warn refuses nothing"),
        ({**SPEC, "enforcement": "Audit"}, "mode Audit refuses nothing"),
    ],
)
async def test_what_a_tier_does_not_bound_cannot_be_proved_and_is_no_failure(spec: Object, line: str) -> None:
    good, said = await verified(a_cluster(spec, answers(defaulted={})), "dev")
    assert good
    assert any(one.startswith('unproved  namespace "dev", tier "dev": ') and line in one for one in said), said


@pytest.mark.parametrize(
    ("create", "line"),
    [
        pytest.param(answers(over=NATIVE), "a LimitRange refuses a pod over max before the webhook", id="native-max"),
        pytest.param(
            answers(annotated=False), "a LimitRange sets the defaults before the webhook", id="native-default"
        ),
        pytest.param(answers(bare=FULL), "a pod without resources is refused now", id="full-quota"),
    ],
)
async def test_what_hides_the_webhook_is_said_and_is_no_failure(
    create: Callable[[str, Object], Object], line: str
) -> None:
    good, said = await verified(a_cluster(create=create), "dev")
    assert good
    assert any(one.startswith("unproved") and line in one for one in said), said


@pytest.mark.parametrize(
    ("create", "line"),
    [
        pytest.param(
            answers(over=None),
            "a pod with limits.cpu 501m was admitted, and the tier allows at most 500m",
            id="admitted",
        ),
        pytest.param(answers(over="policy says no"), "was refused, but not because of", id="somebody-elses-refusal"),
        pytest.param(
            answers(over=f'failed calling webhook "{PODS_VALIDATE}"'), "was refused, but not because of", id="no-answer"
        ),
        pytest.param(answers(bare="policy says no"), "a pod without resources was refused", id="bare-refused"),
        pytest.param(answers(defaulted={}), "limits.cpu is not set instead of 250m", id="no-defaults"),
        pytest.param(
            answers(defaulted={"limits": {"cpu": "1"}, "requests": {"cpu": "250m"}}),
            "limits.cpu is 1 instead of 250m",
            id="other-defaults",
        ),
    ],
)
async def test_what_does_not_happen_fails(create: Callable[[str, Object], Object], line: str) -> None:
    good, said = await verified(a_cluster(create=create), "dev")
    assert not good
    assert any(one.startswith('failed    namespace "dev", tier "dev": ') and line in one for one in said), said


@pytest.mark.parametrize("kind", list(CONFIGURATION_KINDS))
@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(None, "does not exist, so pods are not checked", id="deleted"),
        pytest.param(configuration("other"), "lacks pods.", id="entry-gone"),
        pytest.param("untrusted", "has no CA to trust in pods.", id="no-ca"),
    ],
)
async def test_a_registration_that_is_not_whole_fails(kind: str, change: Object | str | None, line: str) -> None:
    api = a_cluster()
    path = CONFIGURATION_KINDS[kind].object("tiergate")
    if change is None:
        del api.objects[path]
    else:
        api.objects[path] = configuration(ENTRIES[kind], ca=None) if isinstance(change, str) else change
    good, said = await verified(api, "dev")
    assert not good
    assert any(one.startswith(f'failed    {kind} "tiergate" ') and line in one for one in said), said


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param({NAMESPACES.object("dev"): None}, 'namespace "dev" does not exist', id="no-namespace"),
        pytest.param({NAMESPACES.object("dev"): {"metadata": {}}}, 'namespace "dev" is not governed', id="no-label"),
        pytest.param({TIERS.object("dev"): None}, "there is no such tier, so its pods are refused", id="no-tier"),
        pytest.param(
            {TIERS.object("dev"): {"metadata": {"name": "dev"}, "spec": {"enforcement": "X"}}},
            "the tier cannot be in force: /spec/enforcement",
            id="unreadable-tier",
        ),
        pytest.param(
            {TIERS.object("dev"): {"metadata": {"name": "dev"}, "spec": {"limits": [{"type": "Odd"}]}}},
            "the tier cannot be in force: /spec/limits/0",
            id="invalid",
        ),
    ],
)
async def test_a_namespace_that_is_not_governed_as_said_fails(change: dict[str, Object | None], line: str) -> None:
    api = a_cluster()
    for path, value in change.items():
        if value is None:
            del api.objects[path]
        else:
            api.objects[path] = value
    good, said = await verified(api, "dev")
    assert not good
    assert any(one.startswith("failed") and line in one for one in said), said


async def test_a_tier_that_bounds_pods_only_is_tried_with_one_container() -> None:
    spec: Object = {"limits": [{"type": "Pod", "max": {"memory": "1Gi"}}]}
    tried: list[Object] = []

    def create(_path: str, pod: Object) -> Object:
        tried.append(pod["spec"]["containers"][0]["resources"])
        raise ApiError(403, "Forbidden", f"{DENIED}pod: limits.memory is 1073741825, the tier allows at most 1Gi")

    good, said = await verified(a_cluster(spec, create), "dev")
    assert good
    assert tried == [{"limits": {"memory": "1073741825"}, "requests": {"memory": "1073741825"}}]
    assert "a pod over max is refused by the webhook (limits.memory 1073741825, at most 1Gi)" in said[2]


async def test_it_goes_on_until_nothing_fails() -> None:
    """Right after an installation the certificate, the registration and the quotas come one after the other."""
    late = iter(["failed calling webhook", "failed calling webhook"])

    def create(path: str, pod: Object) -> Object:
        if (refusal := next(late, None)) is not None:
            raise ApiError(500, "InternalError", refusal)
        return answers()(path, pod)

    good, said, told = await watched(a_cluster(create=create), "dev", patience=30)
    assert good
    assert len(said) == 4
    (line,) = told
    assert "failed calling webhook" in line
    assert "30 s" in line


async def test_no_answer_is_a_failure_and_is_tried_again() -> None:

    class Silent(FakeApi):
        async def request(self, method: str, path: str, **_: object) -> bytes:
            raise Unreachable(f"{method} {path}: refused")

    good, said, told = await watched(Silent(), "dev", patience=30)
    assert not good
    assert (len(said), len(told)) == (1, 1)
    assert said[0].startswith("failed    GET ")
