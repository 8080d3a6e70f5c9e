"""The command: exit codes, outputs, bad input, and what it costs to start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import jsonschema
import pytest
import yaml

from tests.check.running import AROUND, KNOWN, NAMESPACE, TIERS, Folder, deployment, pod
from tiergate.cli.check import exit_code
from tiergate.cli.entry import main
from tiergate.manifests.files import MAX_BYTES

ROOT: Final = Path(__file__).parents[2]
SCHEMA: Final = json.loads((ROOT / "docs/check.schema.json").read_text())
HEAVY: Final = (
    "flask",
    "kubernetes",
    "cryptography",
    "aiohttp",
    "gunicorn",
    "uvicorn",
    "prometheus_client",
    "asyncio",
    "shutil",
)
FAULTY: Final = TIERS.replace("cpu: 10m", "cpu: 900m").replace("memory: 32Mi", "memory: 1Zi")


def test_the_worst_decides_the_exit_code(folder: Folder) -> None:
    folder.write({"ok.yaml": pod(), "bad.yaml": pod(resources="{limits: {memory: 1Gi}}"), "broken.yaml": "a: [\n"})
    assert folder.check(*KNOWN, "ok.yaml").code == 0
    assert folder.check(*KNOWN, "ok.yaml", "bad.yaml").code == 1
    ran = folder.check(*KNOWN, "ok.yaml", "bad.yaml", "broken.yaml")
    assert ran.code == 3
    assert "limits.memory is 1Gi" in ran.out
    assert folder.check(*KNOWN, "--fail-on", "never", "broken.yaml").code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="no-path"),
        pytest.param(("--rollout", "all", "x"), id="no-such-rollout"),
        pytest.param(("--kubernetes-version", "1.12", "x"), id="old-release"),
        pytest.param(("--kubernetes-version", "two", "x"), id="no-release"),
        pytest.param(("-o", "html", "x"), id="no-such-format"),
        pytest.param(("--output-file", "y", "x"), id="file-of-no-output"),
    ],
)
def test_wrong_usage_is_told(folder: Folder, arguments: tuple[str, ...]) -> None:
    ran = folder.check(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("usage: tiergate check")


def test_help_has_an_example_and_the_exit_codes(folder: Folder) -> None:
    ran = folder.check("--help")
    assert ran.code == 0
    assert "helm template" in ran.out
    assert "exit codes:" in ran.out


@pytest.mark.parametrize(("columns", "widest"), [("90", 88), ("200", 198), ("", 78), ("wide", 78)])
def test_help_is_as_wide_as_the_terminal(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, columns: str, widest: int
) -> None:
    """Examples are left as they are."""
    monkeypatch.setenv("COLUMNS", columns)
    usage, _, _ = folder.check("--help").out.partition("\n\n")
    assert widest - 30 < max(map(len, usage.splitlines())) <= widest


def test_the_other_commands_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["preflight", "--help"])
    assert ended.value.code == 0
    assert "preflight" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("files", "arguments", "told"),
    [
        pytest.param({"x.yaml": "a: b: c\n"}, ("x.yaml",), "x.yaml:1:5: mapping values are not allowed", id="yaml"),
        pytest.param({}, ("missing.yaml",), "missing.yaml: No such file or directory", id="no-such-file"),
        pytest.param({"x.yaml": pod()}, ("--usage", "nope.yaml", "x.yaml"), "nope.yaml: No such file", id="usage"),
        pytest.param(
            {"t.yaml": FAULTY, "x.yaml": pod()}, ("--tiers", "t.yaml", "x.yaml"),
            't.yaml:9:22: /spec/limits/0/min/memory: "1Zi" is not a quantity', id="quantity-in-a-tier",
        ),
        pytest.param(
            {"t.yaml": FAULTY.replace("1Zi", "1Gi"), "x.yaml": pod()}, ("--tiers", "t.yaml", "x.yaml"),
            "/spec/limits/0/min/cpu", id="first-fault-of-a-tier",
        ),
        pytest.param(
            {"t.yaml": FAULTY.replace("1Zi", "1Gi"), "x.yaml": pod()}, ("--tiers", "t.yaml", "x.yaml"),
            "/spec/limits/0/min/memory", id="second-fault-of-a-tier",
        ),
        pytest.param(
            {"t.yaml": "a: 1\n", "x.yaml": pod()}, ("--tiers", "t.yaml", "x.yaml"),
            "t.yaml:1:1: neither an object of Kubernetes nor values", id="no-tiers",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line_with_its_place(
    folder: Folder, files: dict[str, str], arguments: tuple[str, ...], told: str
) -> None:
    folder.write(files)
    ran = folder.check(*arguments)
    assert ran.code == 3
    assert any(line.startswith("unreadable") and told in line for line in ran.out.splitlines()), ran.out
    assert ran.err == ""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("kind: Tier", "kind: tier", '/kind: no kind "tier" in version "tiergate.io/v1alpha1", only Tier in'),
        ("tiergate.io/v1alpha1", "tiergate.io/v1", '/apiVersion: no kind "Tier" in version "tiergate.io/v1", only'),
    ],
    ids=["kind", "version"],
)
def test_a_tier_of_an_option_that_the_server_would_not_take_is_told(
    folder: Folder, right: str, wrong: str, said: str
) -> None:
    folder.write({"around/tiers.yaml": TIERS.replace(right, wrong), "a.yaml": pod()})
    ran = folder.check(*KNOWN, "a.yaml")
    assert (ran.code, said in ran.out) == (3, True), ran.out


def test_the_good_documents_are_judged_beside_broken_ones(folder: Folder) -> None:
    broken = ["a: [", "a: 1\na: 2\n", "a: \0\n", "&a [*a]", pod(resources="{limits: {memory: 1Gi}}"), "[" * 3000]
    folder.write({"x.yaml": "\n---\n".join(broken) + "\n---\n" + pod()})
    ran = folder.check(*KNOWN, "x.yaml")
    assert ran.code == 3
    assert ran.last == "2 objects, 1 file: 1 pass, 1 fail, 0 warning, 0 unproved; 5 unreadable"


def test_a_file_that_is_too_large_is_refused_without_being_held(folder: Folder) -> None:
    with (folder.path / "x.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    ran = folder.check(*KNOWN, "x.yaml")
    assert (ran.code, "x.yaml: more than 256 MiB" in ran.out) == (3, True)


def test_the_report_in_json_follows_its_schema(folder: Folder) -> None:
    folder.write(
        {
            "a.yaml": pod(resources="{limits: {memory: 1Gi}}", annotations="check.tiergate.io/ignore-limit-max: known"),
            "b.yaml": deployment(replicas=9, cpu="400m"),
            "c.yaml": "a: [",
            "d.yaml": "kind: x\n",
            "e.yaml": pod("e", namespace="x"),
        }
    )
    ran = folder.check(*AROUND, "-o", "json", "a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml", "nope.yaml")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(ran.report, SCHEMA)
    assert ran.report["version"] == 1
    assert ran.report["objects"][0]["ignored"] == {"limit-max": "known"}
    assert [one["path"] for one in ran.report["unread"]] == ["c.yaml", "nope.yaml"]


def test_the_schema_names_every_field() -> None:
    for name in ("finding", "object", "namespace", "quota", "unread"):
        shape = SCHEMA["$defs"][name]
        assert set(shape["required"]) == set(shape["properties"]), name
        assert all("description" in field for field in shape["properties"].values()), name


def test_an_output_may_go_to_a_file_beside_another(folder: Folder) -> None:
    folder.write({"a.yaml": pod()})
    ran = folder.check(*KNOWN, "-o", "json", "--output-file", "out.json", "-o", "text", "a.yaml")
    assert ran.last == "1 object, 1 file: 1 pass, 0 fail, 0 warning, 0 unproved"
    assert json.loads((folder.path / "out.json").read_text())["summary"]["pass"] == 1


def test_a_file_that_cannot_be_written_is_told(folder: Folder) -> None:
    folder.write({"a.yaml": pod()})
    ran = folder.check(*KNOWN, "-o", "json", "--output-file", "no/such/folder", "a.yaml")
    assert (ran.code, ran.err) == (2, "tiergate check: no/such/folder: No such file or directory\n")


@pytest.mark.parametrize(
    ("named", "linked"),
    [
        pytest.param("out.json", "out.json", id="the-file"),
        pytest.param("reports/out.json", "reports", id="a-folder"),
        pytest.param("{here}/reports/out.json", "reports", id="a-folder-of-an-absolute-path"),
        pytest.param("{here}/out.json", "out.json", id="the-file-of-an-absolute-path"),
    ],
)
def test_an_output_does_not_follow_a_link_of_the_checkout(folder: Folder, named: str, linked: str) -> None:
    folder.write({"checkout/a.yaml": pod(), "outside/out.json": "kept"})
    os.chdir(folder.path / "checkout")
    Path(linked).symlink_to(folder.path / "outside" / ("out.json" if linked == "out.json" else ""))
    around = ("--tiers", "../around/tiers.yaml", "--namespaces", "../around/namespaces.yaml", "--usage", "none")
    ran = folder.check(*around, "-o", "json", "--output-file", named.format(here=folder.path / "checkout"), "a.yaml")
    assert ran.code == 2
    assert "is a link, and what it leads to is not overwritten" in ran.err
    assert (folder.path / "outside/out.json").read_text() == "kept"


def test_an_output_may_go_to_a_device_and_below_a_link_outside(folder: Folder) -> None:
    """``/dev/stdout`` is a link of the system, and so may be a folder for temporary files."""
    folder.write({"checkout/a.yaml": pod(), "real/x": ""})
    (folder.path / "short").symlink_to(folder.path / "real")
    os.chdir(folder.path / "checkout")
    for file in ("/dev/stdout", f"{folder.path}/short/out.json"):
        assert folder.check("-o", "json", "--output-file", file, "a.yaml").code in (0, 1)
    assert (folder.path / "real/out.json").exists()


def test_files_may_be_left_out(folder: Folder) -> None:
    folder.write({"m/a.yaml": pod(), "m/values.yaml": "a: [\n"})
    assert folder.check(*KNOWN, "m").code == 3
    assert folder.check(*KNOWN, "--ignore", "values.yaml", "m").code == 0


def started(folder: Folder, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Python that finds nothing but what the base installation brings."""
    home = folder.path / "packages"
    home.mkdir(exist_ok=True)
    for package in ("msgspec", "yaml", "tiergate"):
        found = Path(sys.modules[package].__file__ or "").parent
        (home / package).symlink_to(found, target_is_directory=True)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(home)}
    return subprocess.run(
        [sys.executable, "-S", "-c", program, *arguments], env=environment, capture_output=True, text=True
    )


def test_it_needs_the_base_installation_alone_and_loads_nothing_heavy(folder: Folder) -> None:
    folder.write({"a.yaml": pod(resources="{limits: {memory: 1Gi}}")})
    program = (
        "import sys\nfrom tiergate.cli.entry import main\ncode = main()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\nsys.exit(code)\n"
    )
    ran = started(folder, program, "check", *KNOWN, "a.yaml")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (1, "[]"), ran.stderr


def test_a_build_of_yaml_without_its_c_parser_is_told(folder: Folder) -> None:
    program = "import sys\nsys.modules['yaml._yaml'] = None\nfrom tiergate.cli.entry import main\nsys.exit(main())\n"
    ran = started(folder, program, "check", "x.yaml")
    assert (ran.returncode, ran.stderr) == (
        2, "tiergate check needs PyYAML with libyaml, as its wheels on PyPI are built\n",
    )  # fmt: skip


def test_the_list_of_commands_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "what the cluster would say of manifests" in capsys.readouterr().out


@pytest.mark.slow
def test_whoever_reads_the_output_may_stop(folder: Folder) -> None:
    folder.write({"a.yaml": "---\n".join(pod(f"p{n}", resources="{limits: {memory: 1Gi}}") for n in range(500))})
    command = [sys.executable, "-c", "import sys; from tiergate.cli.entry import main; sys.exit(main())"]
    with subprocess.Popen(
        [*command, "check", *KNOWN, "a.yaml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"")


def test_the_worst_outcome_is_known_without_output() -> None:
    from tiergate.check.result import ObjectResult, Report

    unproved = Report(objects=(ObjectResult(path="x", kind="pod", name="x", unproved="why"),))
    assert exit_code(unproved, fail_on="error", strict=False) == 0
    assert exit_code(unproved, fail_on="never", strict=True) == 1


def test_the_tiers_of_the_chart_are_taken_as_they_are(folder: Folder) -> None:
    folder.write({"a.yaml": pod()})
    for values in ("environments", "teams"):
        file = ROOT / f"charts/tiergate/values/{values}.yaml"
        namespace = next(iter(yaml.safe_load(file.read_text())["namespaces"]))
        ran = folder.check("--tiers", str(file), "--usage", "none", "-n", namespace, "a.yaml")
        assert ran.code == 0, ran.out


def test_a_namespace_may_be_named_by_an_option_alone(folder: Folder) -> None:
    folder.write({"ns.yaml": NAMESPACE, "a.yaml": pod()})
    ran = folder.check("--tiers", "around/tiers.yaml", "--namespaces", "ns.yaml", "--usage", "none", "a.yaml")
    assert ran.last == "1 object, 1 file: 1 pass, 0 fail, 0 warning, 0 unproved"
