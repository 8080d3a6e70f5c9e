"""``tiergate usage``: what is reported, what there really is, and who uses the most."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.commands.cluster import FakeCluster
from tests.commands.running import Program
from tiergate.cluster.api import Api
from tiergate.live import usage
from tiergate.live.usage_text import TableStyle, render

HALF, EMPTY = "█" * 10 + "░" * 10, "░" * 20
WIDE: Final = {"requests.cpu": "1", "limits.cpu": "1", "pods": "4"}


def table(tiergate: Program, *words: str) -> list[list[str]]:
    """Return the lines in words."""
    ran = tiergate("usage", *words)
    assert (ran.code, ran.err) == (0, "")
    return [line.split() for line in ran.out.splitlines()]


def four_pods(cluster: FakeCluster) -> None:
    for number in range(3):
        cluster.pod(f"agent-1-{number}", cpu="300m", owner=("ReplicaSet", "agent-5d4"))
    cluster.pod("alone", cpu="100m")


def test_a_namespace_shows_its_bounds_and_what_uses_the_most(tiergate: Program, cluster: FakeCluster) -> None:
    cluster.quota(WIDE)
    four_pods(cluster)
    assert table(tiergate) == [
        ["tier", "dev:", "1", "namespace"],
        ["namespace", "dev"],
        ["compute", "requests.cpu", HALF, "1", "of", "2"],
        ["compute", "limits.cpu", "█" * 5 + "░" * 15, "1", "of", "4"],
        ["compute", "pods", "█" * 4 + "░" * 16, "4", "of", "20"],
        ["compute", "requests.storage", EMPTY, "0", "of", "10Gi"],
        ["most", "requests.cpu:", "deployment", "agent", "900m", "(3),", "pod", "alone", "100m"],
    ]


def test_a_sum_that_the_quota_reports_wrongly_is_shown_beside_the_real_one(
    tiergate: Program, cluster: FakeCluster
) -> None:
    """R-58: the quota says 500m of 2 while the pods ask for 1."""
    cluster.quota({**WIDE, "requests.cpu": "500m"})
    four_pods(cluster)
    (line,) = [line for line in tiergate("usage").out.splitlines() if "really" in line]
    said = f"compute requests.cpu {HALF} 500m of 2 really 1: the quota reports another sum"
    assert " ".join(line.split()) == said


def test_a_quota_that_changes_while_the_pods_are_read_is_not_called_wrong(
    tiergate: Program, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.quota({})
    four_pods(cluster)
    read = usage._objects

    async def then_changed(*words: Any, **named: Any) -> Any:  # noqa: ANN401 - as the function has them
        found = await read(*words, **named)
        cluster.quota(WIDE)
        return found

    monkeypatch.setattr(usage, "_objects", then_changed)
    out = tiergate("usage").out
    assert "really" not in out
    assert "1 of 2" in out


def test_what_ended_or_belongs_elsewhere_does_not_count(tiergate: Program, cluster: FakeCluster) -> None:
    cluster.pod("one")
    done = cluster.get("/api/v1/namespaces/dev/pods/one")
    cluster.put("/api/v1/namespaces/dev/pods/two", {**done, "metadata": {}, "status": {"phase": "Succeeded"}})
    cluster.pod("three", namespace="free")
    cluster.quota({"requests.cpu": "100m", "limits.cpu": "100m", "pods": "1"})
    assert "really" not in tiergate("usage").out


@pytest.mark.parametrize(
    ("forbidden", "told", "amounts"),
    [
        pytest.param({"/api/v1/pods"}, "", "500m of 2", id="pods-of-all"),
        pytest.param({"/api/v1/pods", "/api/v1/namespaces/dev/pods"}, "Pod objects in dev", "500m of 2", id="pods"),
        pytest.param(
            {"/api/v1/resourcequotas", "/api/v1/namespaces/dev/resourcequotas"},
            "ResourceQuota objects in dev",
            "1 of 2",
            id="quotas",
        ),
    ],
)
def test_what_may_not_be_read_is_told_and_the_rest_shown(
    tiergate: Program, cluster: FakeCluster, forbidden: set[str], told: str, amounts: str
) -> None:
    cluster.quota({**WIDE, "requests.cpu": "500m"})
    four_pods(cluster)
    cluster.forbidden = forbidden
    ran = tiergate("usage")
    assert ran.code == 0
    assert (told in ran.err) if told else ran.err == ""
    assert amounts in ran.out
    assert ("really 1" in ran.out) == (not told)
    assert "not enforced" not in ran.out


def test_a_tier_that_only_warns_is_counted(tiergate: Program, cluster: FakeCluster) -> None:
    tier = cluster.get("/apis/tiergate.io/v1alpha1/tiers/dev")
    cluster.put("/apis/tiergate.io/v1alpha1/tiers/dev", {**tier, "spec": {**tier["spec"], "enforcement": "Warn"}})
    cluster.delete("/api/v1/namespaces/dev/resourcequotas/tier")
    four_pods(cluster)
    first, *rest = tiergate("usage").out.splitlines()
    assert first == "tier dev, Warn: 1 namespace"
    (cpu,) = [line.split() for line in rest if line.startswith("    compute  requests.cpu")]
    assert cpu[3:] == ["1", "of", "2", "counted,", "not", "enforced"]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param("compute", {"compute (tier dev)", "compute (ResourceQuota)"}, id="the-same-name"),
        pytest.param("native", {"compute", "native"}, id="another-name"),
    ],
)
def test_two_quotas_of_one_name_say_whose_they_are(
    tiergate: Program, cluster: FakeCluster, other: str, expected: set[str]
) -> None:
    body = {"metadata": {}, "spec": {"hard": {"pods": "3"}}, "status": {"hard": {"pods": "3"}, "used": {"pods": "0"}}}
    cluster.put(f"/api/v1/namespaces/dev/resourcequotas/{other}", body)
    lines = [line for line in tiergate("usage").out.splitlines() if " pods " in line]
    assert {line.partition(" pods ")[0].strip() for line in lines} == expected


def test_namespaces_and_tiers_are_chosen(tiergate: Program, cluster: FakeCluster) -> None:
    cluster.put("/api/v1/namespaces/dev2", {"metadata": {"labels": {"tiergate.io/tier": "dev"}}})
    assert [line[1] for line in table(tiergate) if line[0] == "namespace"] == ["dev", "dev2"]
    assert [line[1] for line in table(tiergate, "-n", "dev2") if line[0] == "namespace"] == ["dev2"]
    assert table(tiergate, "--tier", "other") == []
    cluster.put("/apis/tiergate.io/v1alpha1/tiers/empty", {"metadata": {}, "spec": {}})
    assert [line[1] for line in table(tiergate) if line[0] == "tier"] == ["dev:", "empty:"]
    assert [line[1] for line in table(tiergate, "-n", "dev2") if line[0] == "tier"] == ["dev:"]
    ran = tiergate("usage", "-n", "free", "-n", "none")
    assert (ran.code, ran.err.count("is in no tier")) == (0, 2)


def test_a_cluster_that_does_not_answer_has_an_exit_code(tiergate: Program, cluster: FakeCluster) -> None:
    cluster.away = True
    ran = tiergate("usage")
    assert (ran.code, ran.out, ran.err) == (4, "", "tiergate usage: no answer in time\n")


async def test_colours_and_letters_are_for_terminals_that_have_them(cluster: FakeCluster) -> None:
    cluster.quota({"pods": "20", "limits.cpu": "3900m"})
    rendered = render(await usage.read(Api(cluster)), TableStyle(colour=True, unicode=False))
    lines = {line.split()[1]: line for line in rendered if line.startswith("    ")}
    assert f"\033[32m{'.' * 20}" in lines["requests.cpu"]
    assert "\033[31m  really 0" in lines["pods"]


def test_what_is_no_terminal_gets_no_colours(tiergate: Program, cluster: FakeCluster) -> None:
    cluster.quota({"pods": "20", "limits.cpu": "3900m"})
    assert "\033" not in tiergate("usage").out
