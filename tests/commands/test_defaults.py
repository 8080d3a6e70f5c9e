"""``tiergate defaults``: what comes out is what the cluster would store, and the text of the input otherwise."""

from __future__ import annotations

import io
import json
import sys
from typing import Any, Final

import pytest
import yaml

from tests.check.running import AROUND, Folder, deployment, pod
from tests.commands.running import Program
from tests.golden.test_golden import CASES, names, request_of

DEV: Final = ("--tiers", "around/tiers.yaml", "--tier", "dev", "-n", "dev")
SET: Final = {"limits": {"cpu": "250m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}}


def read(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in names() if name.startswith("mutate-")])
def test_a_pod_is_what_the_patch_of_the_recorded_review_makes_of_it(
    tiergate: Program, folder: Folder, name: str
) -> None:
    case, request = CASES / name, request_of(name)
    tier = yaml.safe_load((case / "tier.yaml").read_text())["metadata"]["name"]
    folder.write({"object.yaml": yaml.safe_dump(request["object"], sort_keys=False)})
    ran = tiergate("defaults", "--tiers", str(case / "tier.yaml"), "--tier", tier, "-n", "dev", "object.yaml")
    recorded = json.loads((case / "response.json").read_text())
    assert read(ran.out) == [recorded.get("object", request["object"])]


def test_a_pod_gets_its_defaults_and_nothing_else_changes(tiergate: Program, folder: Folder) -> None:
    text = f"# mine\n{pod(resources='{}')}# end\n---\nkind: ConfigMap\n---\na: [\n"
    folder.write({"a.yaml": text})
    ran = tiergate("defaults", *DEV, "a.yaml")
    assert ran.code == 3
    assert ran.err.startswith("unreadable  a.yaml:")
    first, *rest = ran.out.split("\n---\n")
    assert rest == ["kind: ConfigMap", "a: [\n"]
    assert (first.startswith("# mine\n"), first.endswith("# end")) == (True, True)
    (made,) = read(first)
    assert made["spec"]["containers"][0]["resources"] == SET
    assert made["metadata"]["annotations"]["tiergate.io/defaults"].startswith("tiergate set: ")


def test_a_template_is_stored_as_it_is_and_shows_what_its_pods_get_on_request(
    tiergate: Program, folder: Folder
) -> None:
    folder.write({"a.yaml": deployment()})
    ran = tiergate("defaults", *AROUND, "a.yaml")
    assert (ran.code, ran.out) == (0, deployment())
    assert "1 template is stored as written" in ran.err
    (made,) = read(tiergate("defaults", *AROUND, "--templates", "a.yaml").out)
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "500m", "memory": "256Mi"}
    assert "annotations" not in made["spec"]["template"].get("metadata", {})


@pytest.mark.usefixtures("folder")
def test_objects_of_a_list_and_standard_input(tiergate: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [yaml.safe_load(pod("one")), {"kind": "x"}, yaml.safe_load(pod("two"))]
    raw = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    made = json.loads(tiergate("defaults", *DEV, "-").out)
    assert [one.get("spec", {}).get("containers", [{}])[0].get("resources") for one in made["items"]] == [
        SET,
        None,
        SET,
    ]


def test_files_are_told_apart(tiergate: Program, folder: Folder) -> None:
    folder.write({"m/a.yaml": "kind: a\n", "m/b.yaml": "kind: b"})
    assert tiergate("defaults", *DEV, "m").out == "---\n# Source: m/a.yaml\nkind: a\n---\n# Source: m/b.yaml\nkind: b\n"


def test_what_would_be_refused_or_is_not_known_is_said(tiergate: Program, folder: Folder) -> None:
    folder.write({"a.yaml": pod(resources="{limits: {memory: 1Gi}}"), "b.yaml": pod("two", namespace="other")})
    ran = tiergate("defaults", *AROUND, "a.yaml")
    assert (ran.code, ran.err.startswith("refused  a.yaml: pod one: ")) == (1, True)
    ran = tiergate("defaults", *AROUND, "b.yaml")
    assert (ran.code, ran.out) == (0, pod("two", namespace="other"))
    assert ran.err.startswith("unproved  b.yaml: pod two: the tier of namespace other is not known")


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
def test_a_tier_in_audit_sets_nothing(tiergate: Program, folder: Folder, mode: str) -> None:
    tier = yaml.safe_load((folder.path / "around/tiers.yaml").read_text())
    tier["spec"]["enforcement"] = mode
    folder.write({"around/tiers.yaml": yaml.safe_dump(tier), "a.yaml": pod()})
    (made,) = read(tiergate("defaults", *DEV, "a.yaml").out)
    assert made["spec"]["containers"][0]["resources"] == (SET if mode == "Warn" else {})
