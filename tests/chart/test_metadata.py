"""Chart.yaml: what Artifact Hub and registries show, and where alerts send people."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, Helm
from tests.chart.publishing import WORKFLOW as WORKFLOW_FILE
from tests.chart.publishing import published
from tests.chart.schemas import faults
from tests.chart.test_monitoring import ALL_ON
from tests.docs import readme, values
from tests.docs.values import ROOT

METADATA: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text())
ANNOTATIONS: dict[str, str] = METADATA["annotations"]
WORKFLOW = WORKFLOW_FILE.read_text()


def test_it_says_where_it_comes_from_and_who_keeps_it() -> None:
    assert METADATA["sources"] == [METADATA["home"]]
    assert [one["name"] for one in METADATA["maintainers"]]
    head, _, icon = METADATA["icon"].partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(icon, validate=True).startswith(b"<svg ")
    assert ANNOTATIONS["artifacthub.io/license"] in (ROOT / "pyproject.toml").read_text()


def test_the_release_workflow_finds_every_address_of_the_repository() -> None:
    """It writes that of the repository it runs in: one that it passes over would send people elsewhere."""
    assert f"s|{METADATA['home']}|$SOURCE|" in WORKFLOW
    for file in ("Chart.yaml", "README.md"):
        text = (CHART / file).read_text()
        assert [url for url in re.findall(r"https://[^\s)]+", text) if not url.startswith(METADATA["home"])] == []
        assert re.search(rf"sed .*{re.escape(file)}", WORKFLOW)


def test_the_release_workflow_finds_the_repository_of_the_image() -> None:
    """In the values and in their copy for templates, once each."""
    assert r"s|^  repository: tiergate$|  repository: $REGISTRY/tiergate|" in WORKFLOW
    for file in ("values.yaml", "files/sections.yaml"):
        assert re.findall(r"^  repository: .*$", (CHART / file).read_text(), re.MULTILINE) == ["  repository: tiergate"]


@pytest.mark.helm
def test_the_published_chart_says_what_it_installs(helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its README, which a registry shows, has the defaults of its own values and the address that it is pushed to."""
    chart = published(helm.path, tmp_path, "registry.example/platform")
    for module in (readme, values):
        monkeypatch.setattr(module, "CHART", chart)
    text = (chart / "README.md").read_text()
    assert text == readme.written().replace("oci://REGISTRY/", "oci://registry.example/platform/")
    assert "`registry.example/platform/tiergate`" in text
    assert "`oci://registry.example/platform/charts/tiergate`" in text


def test_what_artifact_hub_shows_of_the_crd_is_the_crd() -> None:
    definition = yaml.safe_load((CHART / "crds" / "tiers.yaml").read_text())
    (shown,) = yaml.safe_load(ANNOTATIONS["artifacthub.io/crds"])
    names = (shown["name"], shown["kind"], shown["version"])
    spec = definition["spec"]
    assert names == (definition["metadata"]["name"], spec["names"]["kind"], spec["versions"][0]["name"])
    (example,) = yaml.safe_load(ANNOTATIONS["artifacthub.io/crdsExamples"])
    assert faults(example, "") == []


@pytest.mark.helm
def test_alerts_point_to_a_page_that_a_browser_can_open(helm: Helm) -> None:
    """The runbook as it was at this version, in the repository, unless another page is named."""
    found = helm.render({"monitoring": ALL_ON}).one("PrometheusRule", "tiergate")
    urls = [rule["annotations"]["runbook_url"] for group in found["spec"]["groups"] for rule in group["rules"]]
    page = f"{METADATA['home']}/blob/v{METADATA['appVersion']}/"
    assert urls
    for url in urls:
        assert url.startswith(page)
        assert (ROOT / url.removeprefix(page).partition("#")[0]).is_file()
