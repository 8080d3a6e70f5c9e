"""Tiers that cannot be in force are named before anything is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS, TEAMS, Helm
from tests.chart.test_crd_live import ACCEPTED, REFUSED, Spec
from tiergate.cli.main import main
from tiergate.lifecycle.preflight import NotReadable, check

REACHABLE = {"limits": [{"type": "Container", "default": {"memory": "4Gi"}}]}


def written(folder: Path, tiers: object) -> Path:
    path = folder / "values.json"
    path.write_text(json.dumps({"tiers": tiers}))
    return path


def found(folder: Path, **specs: Spec) -> tuple[str, ...]:
    return check(written(folder, {name: {"spec": spec} for name, spec in specs.items()}))


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        pytest.param(
            REACHABLE | {"quotas": [{"name": "compute", "hard": {"limits.memory": "2Gi"}}]},
            'tiers.dev.spec.limits[0].default.memory: 4Gi never fits quota "compute": limits.memory is 2Gi',
            id="default-over-quota",
        ),
        pytest.param(
            {"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]},
            "tiers.dev.spec.limits[0].min.cpu: min value 2 is greater than max value 1",
            id="min-over-max",
        ),
        pytest.param(
            {"quotas": [{"name": "gpu", "hard": {"nvidia.com/gpu": "8"}}]},
            'tiers.dev.spec.quotas[0].hard["nvidia.com/gpu"]: never measured under this name',
            id="extended-resource-without-requests",
        ),
        pytest.param(
            {"quotas": [{"name": "count", "hard": {"pods": "1500m"}}]},
            "tiers.dev.spec.quotas[0].hard.pods: 1500m is not a whole number",
            id="one-and-a-half-pods",
        ),
    ],
)
def test_a_fault_is_named_by_its_place_in_the_values(tmp_path: Path, spec: Spec, line: str) -> None:
    (said,) = [each for each in found(tmp_path, dev=spec) if each.startswith(line)]
    assert said


def test_all_faults_of_all_tiers_come_at_once(tmp_path: Path) -> None:
    """In the order of the tiers' names, whatever the order in the file."""
    bad = {"quotas": [{"name": "a", "hard": {"hats": "1", "scarves": "1"}}]}
    said = found(tmp_path, prod=bad, dev=bad)
    assert [line.partition(":")[0] for line in said] == [
        f"tiers.{tier}.spec.quotas[0].hard.{name}" for tier in ("dev", "prod") for name in ("hats", "scarves")
    ]


@pytest.mark.parametrize("file", [ENVIRONMENTS, TEAMS], ids=["environments", "teams"])
def test_the_ready_values_have_no_fault(file: Path) -> None:
    assert check(file) == ()


def test_a_field_that_a_tier_does_not_have_is_a_fault(tmp_path: Path) -> None:
    assert check(written(tmp_path, {"dev": {"spc": {}}})) == ("tiers.dev.spc: no such field",)


def test_a_tier_that_an_overlay_drops_is_none(tmp_path: Path) -> None:
    """The chart creates none of it, and none at all where the section is empty."""
    assert check(written(tmp_path, None)) == ()
    assert check(written(tmp_path, {"dev": None, "prod": {"spec": {"enforcement": None, "limits": None}}})) == ()


def values_schema_refuses(spec: Spec) -> bool:
    schema = json.loads((CHART / "values.schema.json").read_text())
    validator = jsonschema.Draft7Validator({"definitions": schema["definitions"], "$ref": "#/definitions/tierSpec"})
    return not validator.is_valid(spec)


@pytest.mark.parametrize("case", [pytest.param(*case.values[:1], id=case.id) for case in REFUSED])
def test_what_the_api_server_would_refuse_is_refused_before(tmp_path: Path, case: Spec) -> None:
    """By the schema of the values or by the preflight: never in the middle of an installation."""
    assert values_schema_refuses(case) or found(tmp_path, dev=case)


@pytest.mark.parametrize("case", [pytest.param(*case.values[:1], id=case.id) for case in ACCEPTED])
def test_what_the_api_server_would_take_is_refused_for_a_reason_only(tmp_path: Path, case: Spec) -> None:
    """The schema lets it pass; the preflight may know more than the API server does."""
    assert not values_schema_refuses(case)
    assert not [line for line in found(tmp_path, dev=case) if "malformed" in line]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "dev: {}", '{"tiers": {"dev": 1}}', "{", "tiers: {}\n---\ntiers: {}\n", "tiers: {a: {}, a: {}}"],
    ids=["empty", "list", "no-tiers", "tier-is-a-number", "cut-off", "two-documents", "duplicate-key"],
)
def test_another_file_is_refused_as_such(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "values.json"
    path.write_text(content)
    with pytest.raises(NotReadable, match=r"values\.json"):
        check(path)
    assert main(["preflight", str(path)]) == 3
    assert "values.json" in capsys.readouterr().err


def test_tier_objects_are_told_which_command_reads_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tiers.yaml"
    path.write_text(
        "---\n".join(["apiVersion: tiergate.io/v1alpha1\nkind: Tier\nmetadata: {name: dev}\nspec: {}\n"] * 2)
    )
    assert main(["preflight", str(path)]) == 3
    assert f"`tiergate check {path}` checks Tier objects" in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preflight", str(tmp_path / "none.json")]) == 3
    assert "none.json" in capsys.readouterr().err


def test_the_exit_code_says_whether_there_was_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = {"dev": {"spec": {"enforcement": "enforce"}}}
    assert main(["preflight", str(written(tmp_path, {"dev": {"spec": {}}}))]) == 0
    assert capsys.readouterr().out == ""
    assert main(["preflight", str(written(tmp_path, bad))]) == 1
    assert capsys.readouterr().out.startswith("tiers.dev.spec.enforcement: ")


@pytest.mark.helm
def test_the_chart_asks_before_anything_is_laid_down(helm: Helm) -> None:
    """A hook of install and upgrade, before every other one, that gets the tiers as they are in the values."""
    rendered = helm.render_environments()
    job, tiers = (rendered.hook(kind, "tiergate-preflight") for kind in ("Job", "ConfigMap"))
    hooks: dict[str, Any] = {
        item["metadata"]["name"]: item["metadata"]["annotations"] for item in rendered.hooks if item["kind"] == "Job"
    }
    mine = hooks.pop("tiergate-preflight")
    assert mine["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert mine["helm.sh/hook-output-log-policy"] == "hook-failed"
    assert all(int(mine["helm.sh/hook-weight"]) < int(other["helm.sh/hook-weight"]) for other in hooks.values())
    assert int(tiers["metadata"]["annotations"]["helm.sh/hook-weight"]) < int(mine["helm.sh/hook-weight"])
    assert json.loads(tiers["data"]["values.json"]) == {"tiers": yaml.safe_load(ENVIRONMENTS.read_text())["tiers"]}
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (volume,) = [each for each in job["spec"]["template"]["spec"]["volumes"] if "configMap" in each]
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == volume["name"]]
    assert container["args"] == ["preflight", f"{mount['mountPath']}/values.json"]
    assert volume["configMap"]["name"] == "tiergate-preflight"


@pytest.mark.helm
def test_without_tiers_nothing_is_asked(helm: Helm) -> None:
    assert "tiergate-preflight" not in helm.render().text
