from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.lifecycle.fake import Api, Object
from tiergate.cluster.client import ApiError, Unreachable
from tiergate.cluster.paths import NAMESPACES, TIERS
from tiergate.cluster.registration import CONFIGURATION_KINDS, PODS_MUTATE, PODS_VALIDATE
from tiergate.lifecycle import verify as module
from tiergate.lifecycle.verify import verify

IMAGE = "registry.example/tiergate:1"
DENIED = f'admission webhook "{PODS_VALIDATE}" denied the request: '
OVER = f'{DENIED}pod "x": container "trial": limits.cpu is 501m, the tier allows at most 500m; set limits.cpu to 500m'
NATIVE = 'pods "x" is forbidden: maximum cpu usage per Container is 500m, but limit is 501m'
FULL = f'{DENIED}quota "compute": limits.cpu asks 250m, used 4 of 4, over by 250m'
SPEC = {"limits": [{"type": "Container", "default": {"cpu": "250m"}, "max": {"cpu": "500m"}}]}
GIVEN = {"limits": {"cpu": "250m"}, "requests": {"cpu": "250m"}}
ENTRIES = dict(zip(CONFIGURATION_KINDS, (PODS_MUTATE, PODS_VALIDATE), strict=True))


def configuration(*names: str, ca: str | None = "Q0E=") -> Object:
    config = {} if ca is None else {"caBundle": ca}
    return {"webhooks": [{"name": name, "clientConfig": config} for name in names]}


def a_cluster(spec: Object | None = None, create: Callable[[str, Object], Object] | None = None) -> Api:
    api = Api(
        {
            **{f"{path}/tiergate": configuration(ENTRIES[kind]) for kind, path in CONFIGURATION_KINDS.items()},
            f"{NAMESPACES}/dev": {"metadata": {"name": "dev", "labels": {"tiergate.io/tier": "dev"}}},
            f"{TIERS}/dev": {"metadata": {"name": "dev"}, "spec": SPEC if spec is None else spec},
        }
    )
    api.create = create or answers()
    return api


def answers(
    over: str | None = OVER, bare: str | None = None, *, annotated: bool = True, given: Object | None = None
) -> Callable[[str, Object], Object]:
    """Answer as an API server does: messages are refusals, None admits; `given` are the defaults of a bare pod."""

    def create(path: str, pod: Object) -> Object:
        assert path == f"{NAMESPACES}/dev/pods"
        (container,) = pod["spec"]["containers"]
        assert container["image"] == IMAGE
        refusal = over if "resources" in container else bare
        if refusal is not None:
            raise ApiError(403, "Forbidden", refusal)
        container["resources"] = container.get("resources") or (GIVEN if given is None else given)
        pod["metadata"]["annotations"] = {"tiergate.io/defaults": "tiergate set: cpu"} if annotated else {}
        return pod

    return create


def verified(api: Api, *namespaces: str, patience: float = 0) -> tuple[bool, list[str]]:
    said: list[str] = []
    good = asyncio.run(verify(api, namespaces=namespaces, image=IMAGE, patience=patience, say=said.append))
    return good, said


def test_everything_is_proved() -> None:
    good, said = verified(a_cluster(), "dev")
    assert good
    where = 'ok        namespace "dev", tier "dev":'
    assert said == [
        'ok        MutatingWebhookConfiguration "tiergate" is registered, and has a CA to trust in every entry',
        'ok        ValidatingWebhookConfiguration "tiergate" is registered, and has a CA to trust in every entry',
        f"{where} a pod over max is refused by the webhook (limits.cpu 501m, at most 500m)",
        f"{where} missing defaults are set by the webhook (limits.cpu 250m, requests.cpu 250m)",
    ]


def test_without_a_namespace_only_the_registration_is_proved_and_that_is_said() -> None:
    good, said = verified(a_cluster())
    assert good
    assert said[2] == (
        "unproved  no governed namespace was named: that pods over max are refused and defaults are set was not tried"
    )


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
def test_what_a_tier_does_not_bound_cannot_be_proved_and_is_no_failure(spec: Object, line: str) -> None:
    good, said = verified(a_cluster(spec, answers(given={})), "dev")
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
def test_what_hides_the_webhook_is_said_and_is_no_failure(create: Callable[[str, Object], Object], line: str) -> None:
    good, said = verified(a_cluster(create=create), "dev")
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
        pytest.param(
            answers(over="policy says no"), "was refused, but not by the webhook", id="somebody-elses-refusal"
        ),
        pytest.param(
            answers(over=f'failed calling webhook "{PODS_VALIDATE}"'), "was refused, but not by", id="no-answer"
        ),
        pytest.param(answers(bare="policy says no"), "a pod without resources was refused", id="bare-refused"),
        pytest.param(answers(given={}), "limits.cpu is not set instead of 250m", id="no-defaults"),
        pytest.param(
            answers(given={"limits": {"cpu": "1"}, "requests": {"cpu": "250m"}}),
            "limits.cpu is 1 instead of 250m",
            id="other-defaults",
        ),
    ],
)
def test_what_does_not_happen_fails(create: Callable[[str, Object], Object], line: str) -> None:
    good, said = verified(a_cluster(create=create), "dev")
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
def test_a_registration_that_is_not_whole_fails(kind: str, change: Object | str | None, line: str) -> None:
    api = a_cluster()
    path = f"{CONFIGURATION_KINDS[kind]}/tiergate"
    if change is None:
        del api.objects[path]
    else:
        api.objects[path] = configuration(ENTRIES[kind], ca=None) if isinstance(change, str) else change
    good, said = verified(api, "dev")
    assert not good
    assert any(one.startswith(f'failed    {kind} "tiergate" ') and line in one for one in said), said


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param({f"{NAMESPACES}/dev": None}, 'namespace "dev" does not exist', id="no-namespace"),
        pytest.param({f"{NAMESPACES}/dev": {"metadata": {}}}, 'namespace "dev" is not governed', id="no-label"),
        pytest.param({f"{TIERS}/dev": None}, "there is no such tier, so its pods are refused", id="no-tier"),
        pytest.param({f"{TIERS}/dev": {"spec": {"enforcement": "X"}}}, "the tier cannot be read", id="unreadable-tier"),
        pytest.param(
            {f"{TIERS}/dev": {"spec": {"limits": [{"type": "Odd"}]}}},
            "the tier is not valid: /spec/limits/0",
            id="invalid",
        ),
    ],
)
def test_a_namespace_that_is_not_governed_as_said_fails(change: dict[str, Object | None], line: str) -> None:
    api = a_cluster()
    for path, value in change.items():
        if value is None:
            del api.objects[path]
        else:
            api.objects[path] = value
    good, said = verified(api, "dev")
    assert not good
    assert any(one.startswith("failed") and line in one for one in said), said


def test_a_tier_that_bounds_pods_only_is_tried_with_one_container() -> None:
    spec: Object = {"limits": [{"type": "Pod", "max": {"memory": "1Gi"}}]}
    tried: list[Object] = []

    def create(_path: str, pod: Object) -> Object:
        tried.append(pod["spec"]["containers"][0]["resources"])
        raise ApiError(403, "Forbidden", f"{DENIED}pod: limits.memory is 1073741825, the tier allows at most 1Gi")

    good, said = verified(a_cluster(spec, create), "dev")
    assert good
    assert tried == [{"limits": {"memory": "1073741825"}, "requests": {"memory": "1073741825"}}]
    assert "a pod over max is refused by the webhook (limits.memory 1073741825, at most 1Gi)" in said[2]


def test_it_goes_on_until_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after an installation the certificate, the registration and the quotas come one after the other."""
    monkeypatch.setattr(module, "PAUSE", 0.001)
    late = iter(["failed calling webhook", "failed calling webhook"])

    def create(path: str, pod: Object) -> Object:
        if (refusal := next(late, None)) is not None:
            raise ApiError(500, "InternalError", refusal)
        return answers()(path, pod)

    good, said = verified(a_cluster(create=create), "dev", patience=30)
    assert good
    assert len(said) == 4


def test_no_answer_is_a_failure_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.001)

    class Silent(Api):
        async def request(self, method: str, path: str, **_: object) -> bytes:
            raise Unreachable(f"{method} {path}: refused")

    good, said = verified(Silent(), "dev", patience=0.01)
    assert not good
    assert len(said) == 1
    assert said[0].startswith("failed    GET ")
