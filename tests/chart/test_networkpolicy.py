"""The NetworkPolicies behind their switch."""

import pytest

from tests.chart.helm import Helm

pytestmark = pytest.mark.helm

PEER = {"namespaceSelector": {"matchLabels": {"team": "observability"}}}


def test_there_are_none_unless_asked_for(helm: Helm) -> None:
    """A policy that does not know the API server's address would cut the cluster off from its webhook."""
    assert not helm.render().names("NetworkPolicy")


def test_only_the_api_server_the_controller_and_scrapers_reach_the_webhook(helm: Helm) -> None:
    """One port, from the API server's addresses, our controller and the given peers; out to the API server only."""
    policy = {"enabled": True, "apiServerCIDRs": ["192.0.2.0/28"], "apiServerPorts": [6443], "metricsFrom": [PEER]}
    rendered = helm.render({"networkPolicy": policy})
    spec = rendered.one("NetworkPolicy", "tiergate-webhook")["spec"]
    server = {"ipBlock": {"cidr": "192.0.2.0/28"}}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    asks = {"podSelector": rendered.one("Deployment", "tiergate-controller")["spec"]["selector"]}
    assert spec["ingress"] == [{"from": [server, asks, PEER], "ports": [{"protocol": "TCP", "port": 9443}]}]
    assert spec["egress"] == [{"to": [server], "ports": [{"protocol": "TCP", "port": 6443}]}]
    assert spec["podSelector"] == rendered.one("Deployment", "tiergate-webhook")["spec"]["selector"]


def test_nobody_reaches_the_controller(helm: Helm) -> None:
    """The controller serves probes only, and those come from the node."""
    rendered = helm.render({"networkPolicy": {"enabled": True, "apiServerCIDRs": ["192.0.2.0/28"]}})
    spec = rendered.one("NetworkPolicy", "tiergate-controller")["spec"]
    assert spec["ingress"] == []
    asked = {"podSelector": rendered.one("Deployment", "tiergate-webhook")["spec"]["selector"]}
    assert spec["egress"][1:] == [{"to": [asked], "ports": [{"protocol": "TCP", "port": 9443}]}]
    assert spec["podSelector"] == rendered.one("Deployment", "tiergate-controller")["spec"]["selector"]
