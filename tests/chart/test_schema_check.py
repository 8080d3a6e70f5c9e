"""Every object that the chart can render is one that Kubernetes knows, field by field."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, VALUES_FILES, Helm, Rendered
from tests.chart.schemas import FOREIGN, NEWEST, OLDEST, faults
from tests.chart.switches import VARIANTS, defaults, everything, paths, turned

pytestmark = pytest.mark.helm

MINORS = pytest.mark.parametrize("minor", [OLDEST, NEWEST])
FILES = [pytest.param(files, id=name) for name, files in VALUES_FILES.items()]
SWITCHES = [
    pytest.param(turned(path, to=not was), id=".".join(path))
    for was in (False, True)
    for path in paths(defaults(), switched_on=was)
]


def all_faults(rendered: Rendered, minor: str) -> list[str]:
    known = [item for item in rendered.everything if item["kind"] not in FOREIGN]
    assert known
    return [fault for item in known for fault in faults(item, minor)]


@MINORS
@pytest.mark.parametrize("files", FILES)
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_every_object_passes(helm: Helm, files: tuple[Path, ...], values: dict[str, Any], minor: str) -> None:
    """From every values file, with each combination of switches."""
    assert all_faults(helm.render(values, *files, kubernetes=f"{minor}.0"), minor) == []


@pytest.mark.parametrize("values", SWITCHES)
def test_every_switch_alone_passes(helm: Helm, values: dict[str, Any]) -> None:
    assert all_faults(helm.render(values, *VALUES_FILES["both"], kubernetes=f"{NEWEST}.0"), NEWEST) == []


@MINORS
def test_our_definitions_pass(minor: str) -> None:
    for path in sorted((CHART / "crds").glob("*.yaml")):
        for item in yaml.safe_load_all(path.read_text()):
            assert faults(item, minor) == []


@MINORS
def test_the_check_refuses_what_nobody_knows(helm: Helm, minor: str) -> None:
    """An unknown field at the top of each object, and in the spec of each that has one, is found."""
    for item in helm.render(everything(), *VALUES_FILES["both"]).everything:
        if item["kind"] in FOREIGN:
            continue
        for part in (item, item.get("spec")):
            if isinstance(part, dict):
                part["unheardOf"] = 1
                found = faults(copy.deepcopy(item), minor)
                del part["unheardOf"]
                assert any("unheardOf" in fault for fault in found), item["kind"]


SCRAPING = {"monitoring": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}}


def test_what_the_prometheus_operator_reads_has_its_shape(helm: Helm) -> None:
    """Its CRDs are not here: what they require is there, and every name is one of theirs."""
    rendered = helm.render(SCRAPING)
    (monitor,) = rendered.of("ServiceMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"].keys() <= {"selector", "endpoints", "namespaceSelector", "jobLabel", "targetLabels"}
    (endpoint,) = monitor["spec"]["endpoints"]
    known = {"port", "path", "scheme", "interval", "tlsConfig", "authorization", "bearerTokenFile", "honorLabels"}
    assert endpoint.keys() <= known | {"relabelings", "metricRelabelings", "scrapeTimeout", "bearerTokenSecret"}
    (rule,) = rendered.of("PrometheusRule")
    assert rule["apiVersion"] == "monitoring.coreos.com/v1"
    for group in rule["spec"]["groups"]:
        assert group.keys() <= {"name", "rules", "interval", "labels", "limit"}
        for each in group["rules"]:
            assert each.keys() <= {"alert", "record", "expr", "for", "labels", "annotations", "keep_firing_for"}
            assert each["expr"]
            assert ("alert" in each) != ("record" in each)
