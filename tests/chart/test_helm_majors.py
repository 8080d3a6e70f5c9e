"""Helm 3 and Helm 4 say the same of the chart, and say it twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart.helm import RELEASE, VALUES_FILES, Helm, Object
from tests.chart.switches import VARIANTS, everything

pytestmark = pytest.mark.helm

FILES = [pytest.param(files, id=name) for name, files in VALUES_FILES.items()]
LARGE = {"tiers": {"dev": {"spec": {"quotas": [{"name": "a", "hard": {"memory": 1073741824, "pods": 1000000}}]}}}}


def keyed(objects: tuple[Object, ...]) -> dict[tuple[str, str, str], Object]:
    """Return objects by kind, namespace and name, which no two of them share."""
    found = {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in objects}
    assert len(found) == len(objects)
    return found


@pytest.mark.parametrize("files", FILES)
def test_lint_is_clean_with_warnings_as_errors(any_helm: Helm, files: tuple[Path, ...]) -> None:
    """The chart and its ready values files give a linter nothing to say."""
    report = any_helm.lint(*files)
    assert "0 chart(s) failed" in report
    assert "[WARNING]" not in report
    assert "[ERROR]" not in report


@pytest.mark.parametrize("files", FILES)
def test_rendering_twice_is_identical(any_helm: Helm, files: tuple[Path, ...]) -> None:
    """Nothing random and nothing read from a cluster: a GitOps tool never sees drift."""
    texts = {Helm(any_helm.path).render(everything(), *files).text for _ in range(2)}
    assert len(texts) == 1


@pytest.mark.parametrize("files", FILES)
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_both_majors_render_the_same_objects(
    helm: Helm, helm3: Helm, files: tuple[Path, ...], values: dict[str, object]
) -> None:
    """Order and layout may differ, the objects may not."""
    assert keyed(helm.render(values, *files).everything) == keyed(helm3.render(values, *files).everything)


def test_large_numbers_stay_whole(any_helm: Helm) -> None:
    """Helm reads numbers as floating point: one without quotes must not become 1.073741824e+09."""
    spec = any_helm.render(LARGE).one("Tier", "dev")["spec"]
    assert spec["quotas"][0]["hard"] == {"memory": 1073741824, "pods": 1000000}
    assert isinstance(spec["quotas"][0]["hard"]["memory"], int)


@pytest.mark.parametrize("files", FILES)
def test_the_name_of_the_release_is_in_no_name(any_helm: Helm, files: tuple[Path, ...]) -> None:
    """A second release collides on ownership instead of competing."""
    rendered = any_helm.render(everything(), *files)
    assert not [item for item in rendered.everything if RELEASE in item["metadata"]["name"]]
