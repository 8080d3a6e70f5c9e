"""ServiceMonitor, alerts and dashboard: off unless asked for, and over nothing but what the webhook exposes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.chart.helm import CHART, NAMESPACE, Helm, Object, RefusedError, Rendered
from tiergate.cluster.client import WATCH_SILENCE
from tiergate.core.quantity import Quantity
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.metrics.rows import TierCondition, UsageRow

ALL_ON = {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboard")}
OPERATE = CHART.parents[1] / "docs" / "operate.md"


ELSEWHERE = {
    "kube_deployment_status_replicas_available": {"namespace", "deployment"},
    "apiserver_admission_webhook_rejection_count": {"error_type", "name", "operation", "rejection_code", "type"},
    "apiserver_admission_webhook_fail_open_count": {"name", "type"},
}
"""Series of kube-state-metrics and of the API server, with their labels."""


def exposed() -> dict[str, set[str]]:
    """Return the labels of every series that the webhook can expose, and of those from elsewhere, by name."""
    recorder = PrometheusRecorder()
    recorder.review(endpoint="validate", kind="pods", tier="dev", outcome="allowed", rule="", seconds=0.1)
    recorder.error(endpoint="validate", reason="internal")
    recorder.cache_age("tiers", 1)
    recorder.cache_faults("tiers", 0)
    recorder.quotas_unchecked("pods", 1)
    recorder.task_failed("index pods")
    recorder.controller_silence(1)
    recorder.certificate_expiry(1)
    recorder.certificate_trust(trusted=True, authority_expiry=1)
    recorder.clock_offset(0)
    recorder.bytes_in_flight(0)
    recorder.usage((UsageRow("dev", "dev", "tier", "pods", Quantity.parse("1"), Quantity.parse("2")),))
    recorder.tier_conditions((TierCondition("dev", "Ready", "QuotasInForce", holds=True),))
    families = text_string_to_metric_families(recorder.exposition().decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples} | ELSEWHERE


def alerts() -> list[Object]:
    groups = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[tuple[str, str]]:
    """Return (title of the panel, query) with Grafana's variables replaced by what they may stand for."""
    dashboard = json.loads((CHART / "files" / "dashboard.json").read_text())
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", "5m").replace("$tier", "dev"))
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


QUERIES = [(rule["alert"], rule["expr"]) for rule in alerts()] + panels()


def walk(node: Any) -> Iterator[Any]:  # noqa: ANN401 - the parser's nodes have no type in common
    """Yield a node of a parsed query and all below it."""
    yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        if (child := getattr(node, name, None)) is not None:
            yield from walk(child)
    for argument in getattr(node, "args", None) or ():
        yield from walk(argument)


def selectors(query: str) -> list[promql.VectorSelector]:
    return [node for node in walk(promql.parse(query)) if isinstance(node, promql.VectorSelector)]


@pytest.mark.parametrize(("where", "query"), QUERIES, ids=[name for name, _ in QUERIES])
def test_a_query_parses_and_names_series_and_labels_that_exist(where: str, query: str) -> None:
    """An alert over a misspelt series never fires, and nobody notices."""
    known, found = exposed(), selectors(query)
    assert found, where
    for selector in found:
        assert selector.name in known
        assert {matcher.name for matcher in selector.matchers.matchers} <= known[selector.name]
    common = set.intersection(*(known[selector.name] for selector in found if selector.name))
    grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", query) for label in labels.split(",")}
    assert grouped <= common


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_speaks_of_labels_its_query_keeps(rule: Object) -> None:
    kept = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in labels.split(",")}
    said = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", said)) <= kept - {"le"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert re.fullmatch(r"[1-9][0-9]*[mh]", rule["for"])
    assert set(rule["annotations"]) == {"summary", "description"}


def test_a_silent_api_server_is_told_of_before_the_caches_list_again() -> None:
    (rule,) = [rule for rule in alerts() if rule["alert"] == "TiergateCacheStale"]
    assert rule["expr"].endswith("> 90")
    assert WATCH_SILENCE > 90


def test_that_no_replica_is_ready_is_told_from_outside() -> None:
    """By series that the webhook does not have to expose: then nobody could scrape it."""
    series = {rule["alert"]: {one.name for one in selectors(rule["expr"])} for rule in alerts()}
    assert series["TiergateNoReplicaReady"] == {"kube_deployment_status_replicas_available"}
    assert series["TiergateNotAnswering"] <= ELSEWHERE.keys()


def test_every_alert_has_its_section_in_the_runbook() -> None:
    """docs/operate.md has a heading with the name of each alert, which is where its `runbook_url` points."""
    headings = re.findall(r"^#+ +`?(\w+)`? *$", OPERATE.read_text(), re.MULTILINE)
    assert {rule["alert"] for rule in alerts()} <= set(headings)


def test_the_names_of_alerts_are_known_to_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    rule = schema["properties"]["monitoring"]["properties"]["prometheusRule"]
    assert rule["properties"]["disabled"]["items"]["enum"] == [rule["alert"] for rule in alerts()]


def rendered(helm: Helm, **changes: Any) -> Rendered:  # noqa: ANN401 - values of the chart
    monitoring = {name: {**on, **changes.pop(name, {})} for name, on in ALL_ON.items()}
    return helm.render({"monitoring": monitoring, **changes})


@pytest.mark.helm
def test_nothing_is_there_unless_asked_for(helm: Helm) -> None:
    """A cluster without the operator does not know these kinds."""
    assert "monitoring.coreos.com" not in helm.render().text
    assert "grafana" not in helm.render().text


@pytest.mark.helm
def test_the_webhook_is_scraped_over_tls_with_a_token(helm: Helm) -> None:
    found = rendered(helm)
    spec = found.one("ServiceMonitor", "tiergate-webhook")["spec"]
    service = found.one("Service", "tiergate-webhook")
    (endpoint,) = spec["endpoints"]
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert spec["namespaceSelector"] == {"matchNames": [NAMESPACE]}
    assert (endpoint["port"], endpoint["path"], endpoint["scheme"]) == ("webhook", "/metrics", "https")
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    # Not a file of Prometheus' own pod: an operator that others share refuses that.
    assert endpoint["authorization"] == {
        "type": "Bearer",
        "credentials": {"name": "tiergate-metrics", "key": "token"},
    }
    secret = found.one("Secret", "tiergate-metrics")
    assert secret["type"] == "kubernetes.io/service-account-token"
    assert secret["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "tiergate-metrics"}
    assert found.one("ServiceAccount", "tiergate-metrics")["metadata"]["namespace"] == NAMESPACE
    assert endpoint["tlsConfig"] == {
        "serverName": f"tiergate-webhook.{NAMESPACE}.svc",
        "ca": {"secret": {"name": "tiergate-webhook-tls", "key": "ca.crt"}},
    }
    assert endpoint["honorLabels"] is True


@pytest.mark.helm
def test_the_token_can_come_from_a_secret_or_be_left_out(helm: Helm) -> None:
    found = rendered(helm, serviceMonitor={"tokenSecret": {"name": "scraper"}})
    (endpoint,) = found.one("ServiceMonitor", "tiergate-webhook")["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "scraper", "key": "token"}
    assert "tiergate-metrics" not in found.text
    opened = rendered(helm, webhook={"metrics": {"auth": False}}, serviceMonitor={"account": {"name": "prometheus"}})
    (endpoint,) = opened.one("ServiceMonitor", "tiergate-webhook")["spec"]["endpoints"]
    assert "authorization" not in endpoint
    assert "tiergate-metrics" not in opened.text


@pytest.mark.helm
def test_what_a_servicemonitor_can_say_can_be_said(helm: Helm) -> None:
    endpoint = {
        "interval": "1m",
        "scrapeTimeout": "10s",
        "honorLabels": False,
        "relabelings": [{"action": "labeldrop", "regex": "pod"}],
        "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}],
    }
    monitor = {"jobLabel": "app.kubernetes.io/name", "targetLabels": ["app.kubernetes.io/version"]}
    found = rendered(helm, serviceMonitor={**endpoint, **monitor, "annotations": {"a": "b"}})
    item = found.one("ServiceMonitor", "tiergate-webhook")
    assert item["metadata"]["annotations"] == {"a": "b"}
    assert item["spec"].items() >= monitor.items()
    assert item["spec"]["endpoints"][0].items() >= endpoint.items()


@pytest.mark.helm
def test_the_scrapers_accounts_may_read_metrics_and_nothing_else(helm: Helm) -> None:
    found = rendered(helm, serviceMonitor={"account": {"name": "prometheus", "namespace": "observability"}})
    role = found.one("ClusterRole", "tiergate-metrics-reader")
    assert role["rules"] == [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    binding = found.one("ClusterRoleBinding", "tiergate-metrics-reader")
    assert binding["roleRef"]["name"] == "tiergate-metrics-reader"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "prometheus", "namespace": "observability"},
        {"kind": "ServiceAccount", "name": "tiergate-metrics", "namespace": NAMESPACE},
    ]


@pytest.mark.helm
def test_each_alert_points_to_its_section(helm: Helm) -> None:
    found = rendered(
        helm, prometheusRule={"runbookURL": "https://docs.example/operate", "alertLabels": {"team": "platform"}}
    )
    groups = found.one("PrometheusRule", "tiergate")["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [rule["alert"] for rule in rules] == [rule["alert"] for rule in alerts()]
    for rule in rules:
        assert rule["annotations"]["runbook_url"] == f"https://docs.example/operate#{rule['alert'].lower()}"
        assert rule["labels"]["team"] == "platform"
    assert [rule["expr"] for rule in rules] == [rule["expr"] for rule in alerts()]


@pytest.mark.helm
def test_the_dashboard_leads_to_the_runbook(helm: Helm) -> None:
    """The page itself, and from a rule that refused to what is said of each."""
    found = rendered(helm, prometheusRule={"enabled": False, "runbookURL": "https://docs.example/operate"})
    text = found.one("ConfigMap", "tiergate-dashboard")["data"]["tiergate.json"]
    assert re.findall(r'"url": "(.*)"', text) == [
        "https://docs.example/operate",
        "https://docs.example/operate#refusals",
    ]
    assert "\n## Refusals\n" in OPERATE.read_text()


@pytest.mark.helm
def test_alerts_can_be_left_out_by_name(helm: Helm) -> None:
    found = rendered(helm, prometheusRule={"disabled": ["TiergateQuotaNearlyFull", "TiergateQuotaExceeded"]})
    groups = found.one("PrometheusRule", "tiergate")["spec"]["groups"]
    assert "tiergate-usage" not in {group["name"] for group in groups}
    with pytest.raises(RefusedError, match="/monitoring/prometheusRule/disabled/0"):
        rendered(helm, prometheusRule={"disabled": ["TiergateQuotaNearlyFul"]})


@pytest.mark.helm
def test_they_can_live_where_they_are_looked_for(helm: Helm) -> None:
    """With labels and a namespace of the monitoring's choice; ours win over a clash."""
    there = {"namespace": "monitoring", "labels": {"release": "stack", "app.kubernetes.io/name": "theirs"}}
    found = rendered(helm, serviceMonitor=there, prometheusRule=there, dashboard=there)
    for kind, name in (
        ("ServiceMonitor", "tiergate-webhook"),
        ("PrometheusRule", "tiergate"),
        ("ConfigMap", "tiergate-dashboard"),
    ):
        metadata = found.one(kind, name)["metadata"]
        assert metadata["namespace"] == "monitoring"
        assert metadata["labels"].items() >= {"release": "stack", "app.kubernetes.io/name": "tiergate"}.items()
    (endpoint,) = found.one("ServiceMonitor", "tiergate-webhook")["spec"]["endpoints"]
    assert endpoint["tlsConfig"]["insecureSkipVerify"] is True


@pytest.mark.helm
def test_the_dashboard_is_the_file_in_the_chart(helm: Helm) -> None:
    found = rendered(helm).one("ConfigMap", "tiergate-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    there, file = (
        json.loads(found["data"]["tiergate.json"]),
        json.loads((CHART / "files" / "dashboard.json").read_text()),
    )
    panels_of = there["panels"]
    assert [panel["targets"] for panel in panels_of] == [panel["targets"] for panel in file["panels"]]
    assert len({panel["id"] for panel in panels_of}) == len(panels_of)
