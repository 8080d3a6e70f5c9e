"""What the members of a team may do: as the server says, and as it acts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.controlplane.cluster import Cluster
from tests.teams import rights
from tests.teams.matrix import EXPERIMENTATION, GOVERNED, OBSERVABILITY, PIPELINE, SERVING
from tests.teams.rights import READ, WRITE, Person

pytestmark = pytest.mark.cluster

ROLE: Final = "tiergate-tenant"
STRANGER: Final = Person("somebody")
MEMBERS: Final = {name: Person(f"member-of-{name}", f"team-{name}") for name in GOVERNED}
BASIC: Final = {
    ("authentication.k8s.io", "selfsubjectreviews", "create"),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "create"),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "create"),
}
"""What everybody may who has logged in: ask about themselves."""
ELSEWHERE: Final = ("default", "kube-system", "tiergate-system", "prod")


def test_the_role_is_edit_but_for_writing_network_policies(teams: Cluster) -> None:
    """The list of docs/teams.md, compared with the server's own ClusterRole `edit`, grant by grant."""
    rights.skip_unless_the_release_is_ours(teams)
    edit, tenant = rights.role(teams, "edit"), rights.role(teams, ROLE)
    # A group that no supported release serves: rules for it grant nothing.
    legacy = {grant for grant in edit if grant[0] == "extensions"}
    policies = {("networking.k8s.io", "networkpolicies", verb) for verb in WRITE}
    # Ours, aggregated by way of `view`: a RoleBinding would grant nothing of it.
    tiers = {("tiergate.io", "tiers", verb) for verb in READ}
    assert edit - tenant == legacy | policies | tiers
    assert tenant - edit == frozenset()


def test_the_role_is_not_aggregated(teams: Cluster) -> None:
    """Nobody widens it by putting a label on another role, nor another role with it."""
    item = teams.kubectl(f"get clusterrole {ROLE} -o json").json
    assert "aggregationRule" not in item
    assert not [label for label in item["metadata"]["labels"] if label.startswith("rbac.authorization.k8s.io/")]


@pytest.mark.parametrize("team", GOVERNED)
def test_a_member_has_the_role_at_home_and_nothing_anywhere_else(teams: Cluster, team: str) -> None:
    """By the server's own account of its rules, which names everything that RBAC grants; besides, its own tier."""
    tenant, tier = rights.role(teams, ROLE), ("tiergate.io", f"tiers:{team}", "get")
    for namespace in (*GOVERNED, *ELSEWHERE):
        basic = rights.rules_of(teams, STRANGER, namespace)
        own = tenant if namespace == team else frozenset()
        assert rights.rules_of(teams, MEMBERS[team], namespace) == basic | own | {tier}


@pytest.mark.parametrize(
    "team", [PIPELINE, *(pytest.param(team, marks=pytest.mark.long) for team in (SERVING, EXPERIMENTATION))]
)
def test_every_verb_of_every_resource_is_asked_for(teams: Cluster, team: str) -> None:
    """Exactly the role at home; nothing in any other governed namespace; outside of namespaces what everybody may."""
    tenant, member = rights.role(teams, ROLE), MEMBERS[team]
    with teams.raw_api() as raw_api:
        offered = rights.resources(raw_api)
        assert len(offered) > 100
        namespaced = [each for each in offered if each.namespaced]
        names = {(each.group, each.name) for each in namespaced}
        # Rights to namespaces are asked for with the namespace, though it is in none.
        at_home = [*namespaced, *(each for each in offered if each.name.partition("/")[0] == "namespaces")]
        found = rights.allowed(raw_api, member, team, at_home)
        assert found == {grant for grant in tenant if grant[:2] in names or grant[1].startswith("namespaces")}
        for other in set(GOVERNED) - {team}:
            assert rights.allowed(raw_api, member, other, at_home) == frozenset()
        outside = [each for each in offered if not each.namespaced]
        assert rights.allowed(raw_api, member, "", outside) == BASIC


FORBIDDEN_AT_HOME: Final = (
    "delete networkpolicy tiergate-tenant",
    "delete networkpolicy --all",
    "label networkpolicy tiergate-tenant a=b",
    "create quota more --hard=pods=1000",
    "delete resourcequota --all",
    'patch resourcequota tier -p \'{"spec":{"hard":{"pods":"1000"}}}\'',
    'patch resourcequota tier --subresource=status -p \'{"status":{"used":{"pods":"0"}}}\'',
    "label namespace HOME tiergate.io/tier-",
    "label namespace HOME pod-security.kubernetes.io/enforce=privileged --overwrite",
    'patch namespace HOME --subresource=status -p \'{"metadata":{"labels":{"tiergate.io/tier":"prod"}}}\'',
    "delete namespace HOME",
    "create rolebinding mine --clusterrole=edit --user=member-of-HOME",
    "create role mine --verb=delete --resource=networkpolicies",
    "delete rolebinding tiergate-tenant",
    "create clusterrolebinding mine --clusterrole=edit --user=member-of-HOME",
    'patch tier HOME --type=merge -p \'{"spec":{"enforcement":"Audit"}}\'',
    "get tiers",
    "get nodes",
    "get pods --all-namespaces",
)
FORBIDDEN_ELSEWHERE: Final = (
    "get pods",
    "get secrets",
    "get events",
    "get networkpolicy",
    "get resourcequota",
    "create configmap mine",
    "create token default",
    "create serviceaccount mine",
    "delete pod --all",
    "delete deployment --all",
    "exec any -- true",
    "port-forward pod/any 8000",
    "run mine --image=registry.example/any:1.0",
)


@pytest.mark.parametrize("line", FORBIDDEN_AT_HOME)
def test_what_bounds_a_team_is_not_the_teams_to_change(teams: Cluster, line: str) -> None:
    """Tried for real by a member, in the member's own namespace."""
    words = line.replace("HOME", PIPELINE)
    _is_forbidden(teams, f"{words} -n {PIPELINE}" if "--all-namespaces" not in words else words, MEMBERS[PIPELINE])


@pytest.mark.parametrize("line", FORBIDDEN_ELSEWHERE)
@pytest.mark.parametrize("namespace", [SERVING, OBSERVABILITY])
def test_another_teams_namespace_is_closed(teams: Cluster, namespace: str, line: str) -> None:
    words, dashes, command = line.partition(" -- ")
    _is_forbidden(teams, f"{words} -n {namespace}{dashes}{command}", MEMBERS[PIPELINE])


def _is_forbidden(cluster: Cluster, line: str, person: Person) -> None:
    words, dashes, command = line.partition(" -- ")
    result = cluster.run(f"kubectl {words} {person.flags}{dashes}{command}")
    assert result.code != 0, result.text
    assert re.search(rf'forbidden: User "{person.name}" cannot', result.err), result.text


OPEN_POLICY: Final[Mapping[str, Any]] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "open"},
    "spec": {"podSelector": {}, "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress", "Egress"]},
}
LIMIT_RANGE: Final[Mapping[str, Any]] = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "mine"},
    "spec": {"limits": [{"type": "Container", "max": {"cpu": "64"}}]},
}
SLICE: Final[Mapping[str, Any]] = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "mine", "labels": {"kubernetes.io/service-name": "mine"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["192.0.2.9"]}],
}


@pytest.mark.parametrize("item", [OPEN_POLICY, LIMIT_RANGE, SLICE], ids=lambda each: str(each["kind"]))
def test_no_object_opens_the_namespace(teams: Cluster, item: Mapping[str, Any]) -> None:
    """Neither a policy that lets everything in, nor other defaults, nor endpoints in another's network."""
    flags = MEMBERS[PIPELINE].flags
    result = teams.run(f"kubectl create -n {PIPELINE} {flags} --validate=false -f -", stdin=json.dumps(item))
    assert result.code != 0
    assert "(Forbidden)" in result.err, result.text


def test_a_member_works_at_home(teams: Cluster) -> None:
    """Everyday work goes through, and what bounds it can be read."""
    home = f"-n {EXPERIMENTATION} {MEMBERS[EXPERIMENTATION].flags}"
    reads = ("networkpolicy tiergate-tenant", "resourcequota", "limitrange", f"namespace {EXPERIMENTATION}", "events")
    for what in reads:
        teams.kubectl(f"get {what} {home}")
    image = "--image=registry.example/any:1.0"
    teams.kubectl(f"create deployment everyday {image} --replicas=0 {home}")
    teams.kubectl(f"set env deployment/everyday A=b {home}")
    teams.kubectl(f"create configmap everyday --from-literal=a=b {home}")
    teams.kubectl(f"create job everyday {image} {home}")
    teams.kubectl(f"delete deployment/everyday configmap/everyday job/everyday {home} --timeout=30s")


def test_a_pod_on_the_nodes_network_is_refused(teams: Cluster) -> None:
    """It would go past every NetworkPolicy; Pod Security says no before anybody else is asked."""
    spec = {"hostNetwork": True, "containers": [{"name": "main", "image": "registry.example/any:1.0"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "host"}, "spec": spec}
    result = teams.run(f"kubectl create -n {PIPELINE} {MEMBERS[PIPELINE].flags} -f -", stdin=json.dumps(pod))
    assert result.code != 0
    assert 'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)' in result.err


def test_a_grant_of_some_names_only_is_not_one_of_all() -> None:
    rule: dict[str, list[str]] = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    assert rights.grants([rule]) == {("", "pods", "get")}
    assert rights.grants([{**rule, "resourceNames": ["a", "b"]}]) == {("", "pods:a", "get"), ("", "pods:b", "get")}
