"""Values about teams: what is created, and what is refused before anything is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.chart.helm import TEAMS, Helm, RefusedError
from tests.controlplane.cluster import Cluster
from tests.teams.matrix import GOVERNED, OBSERVABILITY, PIPELINE, SERVING
from tests.teams.rights import skip_unless_the_release_is_ours

pytestmark = pytest.mark.helm

EGRESS = "namespaces.data-pipeline.networkPolicy.egress[0].to[0].ipBlock"
MALFORMED = (
    *("10.0.0.0/33", "10.0.0.256/8", "10.0.0/8", "010.0.0.0/8", "10.0.0.0/08"),
    *("fd00::/129", "fd00:::1/64", "1::2::3/64", "1:2:3/64", "::ffff:0:0/96"),
)
BEYOND = ("10.1.2.3/8", "10.0.0.1/31", "255.255.255.255/1")
GOOD = (
    *("0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "172.16.0.0/12", "203.0.113.255/32"),
    *("fd00::/8", "::1/128", "2001:db8:1:2::/64", "2001:db8:1:2:3:4:5:6/128", "::/1"),
)
RULE: Any = {"from": [{"podSelector": {}}]}


def policies(**fields: object) -> dict[str, Any]:
    return {"tenants": {"networkPolicies": fields}}


def observability(**fields: object) -> dict[str, Any]:
    return policies(observability=fields)


def dns(**fields: object) -> dict[str, Any]:
    return policies(dns=fields)


def namespace(name: str = PIPELINE, **fields: object) -> dict[str, Any]:
    return {"namespaces": {name: fields}}


def own(**fields: object) -> dict[str, Any]:
    return namespace(networkPolicy=fields)


def block(**fields: object) -> dict[str, Any]:
    return own(egress=[{"to": [{"ipBlock": fields}]}])


SCHEMA = [
    pytest.param({"tenants": {"policies": {}}}, "policies", id="misspelt-part"),
    pytest.param(policies(enable=True), "enable", id="misspelt-switch"),
    pytest.param(policies(enabled="yes"), "/tenants/networkPolicies/enabled", id="switch-as-text"),
    pytest.param(policies(privateCIDRs=[]), "/privateCIDRs", id="no-private-addresses-at-all"),
    pytest.param(policies(privateCIDRs=["10.0.0.0"]), "/privateCIDRs/0", id="address-without-prefix"),
    pytest.param(policies(privateCIDRs=["internal"]), "/privateCIDRs/0", id="no-address"),
    pytest.param(observability(namespace="Observability"), "/observability/namespace", id="namespace-upper-case"),
    pytest.param(observability(ports=[]), "/observability/ports", id="no-port-would-mean-every-port"),
    pytest.param(observability(ports=[0]), "/observability/ports/0", id="port-zero"),
    pytest.param(observability(ports=[65536]), "/observability/ports/0", id="port-over-65535"),
    pytest.param(observability(ports=["4317"]), "/observability/ports/0", id="number-as-text"),
    pytest.param(observability(ports=["a-very-long-port-name"]), "/observability/ports/0", id="name-over-15"),
    pytest.param(observability(scrapePorts=["-metrics"]), "/observability/scrapePorts/0", id="name-with-a-dash-first"),
    pytest.param(observability(scrapePorts=9090), "/observability/scrapePorts", id="port-without-list"),
    pytest.param(dns(ports=[]), "/dns/ports", id="dns-without-port"),
    pytest.param(dns(podLabels={"k8s-app": None}), "/dns/podLabels", id="dns-of-any-pod"),
    pytest.param(dns(cidrs=["169.254.20.10"]), "/dns/cidrs/0", id="dns-address-without-prefix"),
    pytest.param(namespace(groups="team-a"), "/groups", id="group-without-list"),
    pytest.param(namespace(groups=[""]), "/groups/0", id="empty-group"),
    pytest.param(namespace(groups=[" team-a"]), "/groups/0", id="blank-before-group"),
    pytest.param(namespace(groups=["a", "a"]), "/groups", id="group-twice"),
    pytest.param(namespace(groups=[{"name": "a"}]), "/groups/0", id="group-as-object"),
    pytest.param(namespace("new", groups=["a"]), "tier", id="namespace-without-tier"),
    pytest.param(namespace(group=["a"]), "group", id="misspelt-groups"),
    pytest.param(own(internet="true"), "/networkPolicy/internet", id="internet-as-text"),
    pytest.param(own(internets=True), "internets", id="misspelt-internet"),
    pytest.param(own(ingress=RULE), "/networkPolicy/ingress", id="rule-without-list"),
    pytest.param(own(egress=[RULE]), "from", id="from-in-egress"),
    pytest.param(own(ingress=[{"from": [{}]}]), "/ingress/0/from/0", id="empty-peer"),
    pytest.param(own(ingress=[{"from": [{"podSelecter": {}}]}]), "podSelecter", id="misspelt-selector"),
    pytest.param(own(ingress=[{"ports": [{"port": 70000}]}]), "/ports/0/port", id="port-of-a-rule"),
    pytest.param(own(ingress=[{"ports": [{"protocol": "tcp"}]}]), "/ports/0/protocol", id="protocol-lower-case"),
    pytest.param(block(), "cidr", id="block-without-cidr"),
    pytest.param(block(cidr="10.0.0.0/8", excpet=[]), "excpet", id="misspelt-except"),
]


@pytest.mark.parametrize(("values", "named"), SCHEMA)
def test_schema_refuses_and_names_the_place(helm: Helm, values: Mapping[str, Any], named: str) -> None:
    """On top of the ready values, which stay right in everything else."""
    with pytest.raises(RefusedError, match="don't meet the specifications of the schema") as refused:
        helm.render(values, TEAMS)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param(
            namespace(groups=["system:authenticated"]),
            'namespaces.data-pipeline.groups: "system:authenticated" is not a team',
            id="everybody-as-a-team",
        ),
        pytest.param(
            namespace("observability", networkPolicy={"internet": False}),
            "namespaces.observability.networkPolicy: the observability namespace reaches everything",
            id="switch-without-effect",
        ),
        pytest.param(
            namespace("observability", networkPolicy={"egress": [{"to": [{"podSelector": {}}]}]}),
            "internet and egress would change nothing",
            id="rules-without-effect",
        ),
        pytest.param(
            policies(privateCIDRs=["10.0.0.0/8", "0.0.0.0/0"]),
            "tenants.networkPolicies.privateCIDRs[1]: 0.0.0.0/0 leaves no internet",
            id="everything-is-private",
        ),
        pytest.param(
            namespace("new", tier="training"),
            'namespaces.new.tier: there is no tier "training" in tiers (there is: data-pipeline, experimentation,',
            id="unknown-tier",
        ),
    ],
)
def test_chart_refuses_with_a_sentence(helm: Helm, values: Mapping[str, Any], sentence: str) -> None:
    """What a schema cannot say: path, value, and what to do."""
    with pytest.raises(RefusedError) as refused:
        helm.render(values, TEAMS)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("values", "path", "cidr"),
    [
        *((policies(privateCIDRs=[cidr]), "tenants.networkPolicies.privateCIDRs[0]", cidr) for cidr in MALFORMED),
        (dns(cidrs=["10.0.0.0/33"]), "tenants.networkPolicies.dns.cidrs[0]", "10.0.0.0/33"),
        (block(cidr="10.0.0.0/33"), f"{EGRESS}.cidr", "10.0.0.0/33"),
        (block(cidr="10.0.0.0/8", **{"except": ["10.0.0.0/33"]}), f"{EGRESS}.except[0]", "10.0.0.0/33"),
    ],
)
def test_what_is_no_block_is_named_with_its_place(helm: Helm, values: Mapping[str, Any], path: str, cidr: str) -> None:
    """The API server would refuse it too, after half of the release is created."""
    with pytest.raises(RefusedError) as refused:
        helm.render(values, TEAMS)
    assert f'{path}: "{cidr}" is not a block of addresses, such as 10.0.0.0/8 or fd00::/8' in str(refused.value)


@pytest.mark.parametrize("cidr", BEYOND)
def test_bits_beyond_the_prefix_are_refused(helm: Helm, cidr: str) -> None:
    """The API server of 1.37 does it, and a release would then be half there."""
    sentence = f'privateCIDRs[0]: "{cidr}" has bits set beyond its prefix; write the first address of the block'
    with pytest.raises(RefusedError) as refused:
        helm.render(policies(privateCIDRs=[cidr]), TEAMS)
    assert sentence in str(refused.value)


@pytest.mark.cluster
def test_the_api_server_judges_blocks_the_same(teams: Cluster) -> None:
    """What the chart lets through is stored, what it refuses would not be. Older releases are less strict."""
    blocks = {f"tried-{number}": cidr for number, cidr in enumerate((*GOOD, *MALFORMED, *BEYOND))}
    policies = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": cidr}}]}]},
        }
        for name, cidr in blocks.items()
    ]
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": policies})
    created = teams.run("kubectl create --dry-run=server -o name -f -", stdin=items).out.split()
    taken = {blocks[line.rpartition("/")[2]] for line in created}
    assert taken >= set(GOOD)
    skip_unless_the_release_is_ours(teams)
    assert taken == set(GOOD)


@pytest.mark.cluster
def test_the_api_server_takes_every_kind_of_rule(teams: Cluster, helm: Helm) -> None:
    """All options at once, as a dry run over what is there."""
    metrics = {"protocol": "UDP", "port": 8000, "endPort": 8010}
    expression = {"key": "team", "operator": "In", "values": ["a", "b"]}
    peers = [
        {"namespaceSelector": {"matchExpressions": [expression]}, "podSelector": {"matchLabels": {"app": "x"}}},
        {"ipBlock": {"cidr": "198.51.100.0/24", "except": ["198.51.100.0/28"]}},
    ]
    values = policies(
        observability={"namespace": OBSERVABILITY, "ports": [4317, "push"], "scrapePorts": ["metrics", 9090]},
        dns={"cidrs": ["169.254.20.10/32", "fd00::a/128"], "ports": [53, 5353]},
    )
    rule = {"ports": [metrics]}
    values |= own(internet=True, ingress=[{"from": peers, **rule}], egress=[{"to": peers, **rule}])
    found = list(helm.render(values, TEAMS).of("NetworkPolicy"))
    assert len(found) == len(GOVERNED)
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": found})
    teams.kubectl("apply --dry-run=server --validate=strict -f -", stdin=items)


def test_blocks_of_addresses_are_taken(helm: Helm) -> None:
    assert helm.render(policies(privateCIDRs=list(GOOD)), TEAMS).objects


def test_each_team_is_bound_to_the_role_in_its_own_namespace_only(helm: Helm) -> None:
    bindings = [
        each for each in helm.render(None, TEAMS).of("RoleBinding") if each["metadata"]["namespace"] in GOVERNED
    ]
    assert len(bindings) == len(GOVERNED)
    for binding in bindings:
        group = f"team-{binding['metadata']['namespace']}"
        assert binding["roleRef"] == {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "tiergate-tenant",
        }
        assert binding["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}]


def test_several_groups_and_none(helm: Helm) -> None:
    """Names of groups are the identity provider's: any text but blanks around it."""
    groups = ["oidc:team a/b", "CN=ops,OU=x"]
    rendered = helm.render({"namespaces": {PIPELINE: {"groups": groups}, SERVING: {"groups": []}}}, TEAMS)
    found = {each["metadata"]["namespace"]: each["subjects"] for each in rendered.of("RoleBinding")}
    assert [subject["name"] for subject in found[PIPELINE]] == groups
    assert found[SERVING] == []  # were it left out, it would stay as it was: what is in namespaces is kept


def test_a_namespace_whose_values_name_no_groups_gets_no_binding(helm: Helm) -> None:
    values = {"namespaces": {"another": {"tier": "experimentation"}}}
    names = [each["metadata"]["namespace"] for each in helm.render(values, TEAMS).of("RoleBinding")]
    assert PIPELINE in names
    assert "another" not in names


def test_namespaces_of_another_tool_get_what_belongs_in_them(helm: Helm) -> None:
    """createNamespaces: false leaves the Namespace object alone, and nothing else."""
    rendered = helm.render({"createNamespaces": False}, TEAMS)
    assert not rendered.names("Namespace")
    for kind in ("RoleBinding", "NetworkPolicy"):
        assert {each["metadata"]["namespace"] for each in rendered.of(kind)} >= set(GOVERNED)


def test_what_is_laid_down_for_teams_outlives_the_release(helm: Helm) -> None:
    """And the role with it, which the bindings refer to."""
    laid_down = [item for item in helm.render(None, TEAMS).objects if item["metadata"]["name"] == "tiergate-tenant"]
    assert len(laid_down) == 1 + 2 * len(GOVERNED)
    assert all(item["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for item in laid_down)
