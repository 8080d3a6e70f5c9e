"""Who may read which Tier: what the chart binds for which values, and what the API server makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from tests.chart.helm import Helm, Rendered
from tests.controlplane.cluster import Cluster, until
from tests.teams import rights
from tests.teams.matrix import PIPELINE, SERVING
from tests.teams.rights import READ, Person

VIEWER: Final = "tiergate-tier-viewer"
TO_VIEW: Final = "rbac.authorization.k8s.io/aggregate-to-view"
NOBODY: Final[dict[str, set[str]]] = {}
TWO_TEAMS: Final[Mapping[str, Any]] = {"n1": ["red"], "n2": ["blue"]}


def values(namespaces: Mapping[str, list[str] | None], **tenants: str) -> dict[str, Any]:
    """Return values with the tier ``shared`` and these namespaces of it, each with its groups."""
    found = {
        name: {"tier": "shared"} | ({} if groups is None else {"groups": groups}) for name, groups in namespaces.items()
    }
    return {"tiers": {"shared": {"spec": {}}, "unused": {"spec": {}}}, "namespaces": found, "tenants": tenants}


def readers(rendered: Rendered) -> dict[str, set[str]]:
    """Return by tier the groups that may read it; the rule and its binding say `get` of that tier and nothing else."""
    found = {}
    for binding in rendered.of("ClusterRoleBinding"):
        name = binding["metadata"]["name"]
        tier = name.removeprefix("tiergate-tier-reader-")
        if tier != name:
            assert binding["roleRef"]["name"] == name
            assert rights.grants(rendered.one("ClusterRole", name)["rules"]) == {
                ("tiergate.io", f"tiers:{tier}", "get")
            }
            assert {subject["kind"] for subject in binding["subjects"]} == {"Group"}
            found[tier] = {subject["name"] for subject in binding["subjects"]}
    return found


@pytest.mark.helm
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(values({"n1": ["red"]}), {"shared": {"red"}}, id="one-team-one-namespace"),
        pytest.param(values({"n1": ["red"], "n2": ["red"]}), {"shared": {"red"}}, id="one-team-two-namespaces"),
        pytest.param(values({"n1": ["red", "ops"], "n2": ["ops"]}), {"shared": {"ops"}}, id="who-has-all-of-it"),
        pytest.param(values(TWO_TEAMS), NOBODY, id="two-teams-in-one-tier"),
        pytest.param(values({"n1": ["red"], "n2": None}), NOBODY, id="a-namespace-of-nobody"),
        pytest.param(values({"n1": []}), NOBODY, id="no-group"),
        pytest.param(values({}), NOBODY, id="no-namespace"),
        pytest.param(values(TWO_TEAMS, readTiers="Shared"), {"shared": {"red", "blue"}}, id="shared-by-choice"),
        pytest.param(values({"n1": ["red"]}, readTiers="None"), NOBODY, id="switched-off"),
    ],
)
def test_a_group_reads_the_tier_whose_namespaces_are_all_its_own(
    helm: Helm, values: dict[str, Any], expected: dict[str, set[str]]
) -> None:
    """The status of a tier tells of all of its namespaces, so whoever has only some of them needs the switch."""
    assert readers(helm.render(values)) == expected


@pytest.mark.helm
def test_reading_tiers_is_part_of_view_unless_switched_off(helm: Helm) -> None:
    assert helm.render().one("ClusterRole", VIEWER)["metadata"]["labels"][TO_VIEW] == "true"
    kept_apart = helm.render({"rbac": {"aggregateToView": False}}).one("ClusterRole", VIEWER)
    assert TO_VIEW not in kept_apart["metadata"]["labels"]


MEMBER: Final = Person(f"member-of-{PIPELINE}", f"team-{PIPELINE}")
FORBIDDEN: Final = (
    f"get tier {SERVING}",
    f"describe tier {SERVING}",
    "get tiers",
    f"get tier {PIPELINE} --watch-only --request-timeout=5s",
    f"delete tier {PIPELINE}",
    f"label tier {PIPELINE} a=b",
    f'patch tier {PIPELINE} --type=merge -p \'{{"spec":{{"enforcement":"Audit"}}}}\'',
    f'patch tier {PIPELINE} --subresource=status --type=merge -p \'{{"status":{{"mode":"Audit"}}}}\'',
)


@pytest.mark.cluster
def test_a_member_reads_its_own_tier(teams: Cluster) -> None:
    """In the table, as it is stored, and described; and it may say so."""
    assert f"{PIPELINE}  " in teams.kubectl(f"get tier {PIPELINE} {MEMBER.flags}").out
    stored = teams.kubectl(f"get tier {PIPELINE} -o json {MEMBER.flags}").json
    assert stored["spec"]["quotas"][0]["hard"]["requests.cpu"] == "36"
    described = teams.kubectl(f"describe tier {PIPELINE} {MEMBER.flags}").out
    assert "requests.cpu:" in described
    assert "QuotasInForce" in described
    assert teams.kubectl(f"auth can-i get tier/{PIPELINE} {MEMBER.flags}").out.strip() == "yes"
    assert teams.run(f"kubectl auth can-i get tier/{SERVING} {MEMBER.flags}").out.strip() == "no"


@pytest.mark.cluster
@pytest.mark.parametrize("line", FORBIDDEN)
def test_a_member_reads_no_other_tier_and_changes_none(teams: Cluster, line: str) -> None:
    result = teams.run(f"kubectl {line} {MEMBER.flags}")
    assert result.code != 0, result.text
    assert f'forbidden: User "{MEMBER.name}" cannot' in result.err, result.text


@pytest.mark.cluster
def test_a_member_is_told_of_no_other_namespace(teams: Cluster) -> None:
    """In whatever `get` gives, fields of others than the tier included."""
    stored = teams.kubectl(f"get tier {PIPELINE} -o json --show-managed-fields {MEMBER.flags}").out
    others = set(teams.kubectl("get namespaces -o name").out.split()) - {f"namespace/{PIPELINE}"}
    named = {name for name in (one.removeprefix("namespace/") for one in others) if f" {name}" in stored}
    assert named == set()


@pytest.fixture
def watchers(teams: Cluster) -> Iterator[Mapping[str, Person]]:
    """One who has `view` in the whole cluster, and one who has it in one namespace."""
    made = {"everywhere": Person("view-everywhere"), "here": Person("view-here")}
    group = "rbac.authorization.k8s.io/v1"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User"}
    items: list[dict[str, Any]] = [
        {"apiVersion": group, "kind": kind, "metadata": {"name": person.name}, "roleRef": role}
        | {"subjects": [{**subject, "name": person.name}]}
        for kind, person in (("ClusterRoleBinding", made["everywhere"]), ("RoleBinding", made["here"]))
    ]
    items[1]["metadata"]["namespace"] = PIPELINE
    teams.apply(*items)
    yield made
    teams.kubectl("delete -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


@pytest.mark.cluster
def test_who_has_view_everywhere_reads_all_tiers_and_who_has_it_here_none(
    teams: Cluster, watchers: Mapping[str, Person]
) -> None:
    """The role is aggregated, and a Tier is in no namespace."""
    assert {("tiergate.io", "tiers", verb) for verb in READ} < rights.role(teams, "view")
    everywhere, here = watchers["everywhere"], watchers["here"]
    until(lambda: teams.run(f"kubectl get tiers {everywhere.flags}").code == 0, "the binding is in force")
    assert PIPELINE in teams.kubectl(f"describe tiers {everywhere.flags}").out
    assert teams.run(f"kubectl label tier {PIPELINE} a=b {everywhere.flags}").code != 0
    until(lambda: teams.run(f"kubectl get pods -n {PIPELINE} {here.flags}").code == 0, "the binding is in force")
    for line in ("get tiers", f"get tier {PIPELINE}"):
        assert "forbidden" in teams.run(f"kubectl {line} -n {PIPELINE} {here.flags}").err
