"""What `helm install` says at its end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS, Helm
from tiergate.core.release import NEWEST

pytestmark = pytest.mark.helm

COPY = "files/notes.txt"
SHOWN = (
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: notes},"
    f' data: {{text: {{{{ tpl (.Files.Get "{COPY}") . | toJson }}}}}}}}'
)


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the chart with its notes where `helm template` shows them: it leaves them out otherwise."""
    copied = tmp_path_factory.mktemp("notes") / "tiergate"
    shutil.copytree(CHART, copied)
    shutil.copy(copied / "templates" / "NOTES.txt", copied / COPY)
    return copied


def notes(helm: Helm, chart: Path, *files: Path, kubernetes: str = f"1.{NEWEST}.2", **values: Any) -> str:  # noqa: ANN401
    rendered = helm.render({"extraObjects": [SHOWN], **values}, *files, chart=chart, kubernetes=kubernetes)
    return str(rendered.one("ConfigMap", "notes")["data"]["text"])


@pytest.mark.parametrize(
    ("kubernetes", "is_newer"),
    [(f"1.{NEWEST}.2", False), ("1.34.0", False), (f"1.{NEWEST + 1}.0-gke.3", True), ("2.0.0", True)],
)
def test_a_cluster_newer_than_the_tested_ones_is_told_of(
    helm: Helm, chart: Path, kubernetes: str, *, is_newer: bool
) -> None:
    """It is no reason to refuse: the chart and the code name the same release."""
    tested = yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]["tiergate.io/newest-tested-kubernetes"]
    assert tested == f"1.{NEWEST}"
    assert ("was tested up to" in notes(helm, chart, kubernetes=kubernetes)) is is_newer


def test_without_tiers_it_proposes_an_upgrade_that_works_in_a_checkout(helm: Helm, chart: Path) -> None:
    """It knows the values only: tiers may come from elsewhere. Values are given again, as docs/install.md asks."""
    said = notes(helm, chart)
    assert "There are no tiers in these values" in said
    (line,) = [line.split() for line in said.splitlines() if "environments.yaml" in line]
    root = CHART.parents[1]
    assert (root / line[3], root / line[-1]) == (CHART, ENVIRONMENTS)
    assert line.count("--values") == 2
    assert "--reuse-values" not in said
    assert "--untar" in said
    assert "in these values" not in notes(helm, chart, ENVIRONMENTS)


def test_a_namespace_is_labelled_after_the_webhook_answers(helm: Helm, chart: Path) -> None:
    """Its guard fails closed: a label that is set earlier is refused."""
    said = notes(helm, chart)
    (deployment,) = [
        one["metadata"]["name"] for one in helm.render({}).of("Deployment") if "webhook" in one["metadata"]["name"]
    ]
    assert said.index(f"kubectl rollout status deployment/{deployment} ") < said.index("kubectl label namespace")
