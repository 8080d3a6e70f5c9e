"""The image as it is handed over: who runs in it, what is in it, and what is not."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker

from tests.image import archive, building, sbom
from tests.image.building import REPOSITORY, Built
from tests.image.conftest import REVISION, SOURCE
from tests.image.inside import Inside

pytestmark = pytest.mark.image

MEGABYTE = 1_000_000
UNCHECKED_HASH = 1  # the flags of bytecode that is never compared with its source: PEP 552
DATA_FOLDERS = re.compile(r"/(test|tests|idlelib|lib2to3|turtledemo)/")


def test_it_runs_as_nobody_without_a_shell(built: Built) -> None:
    assert built.image.settings["User"] == "65532:65532"
    assert built.image.settings["Entrypoint"] == ["tiergate"]
    assert not built.image.settings.get("Cmd")


def test_labels_say_what_it_is(built: Built) -> None:
    labels = built.image.settings["Labels"]
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.source"] == SOURCE
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.title"] == "tiergate"
    assert labels["org.opencontainers.image.revision"] == REVISION


def test_it_is_small(built: Built) -> None:
    size = archive.compressed_size(built.file)
    print(f"{size / MEGABYTE:.1f} MB compressed")
    assert size < 80 * MEGABYTE


def test_neither_compiler_nor_installer_is_in_it(root: Path) -> None:
    folders = ("usr/bin", "usr/local/bin", "usr/sbin", "opt/tiergate/bin")
    programs = {path.name for folder in folders for path in (root / folder).iterdir()}
    unwanted = re.compile(r"(.*-)?(gcc|g\+\+|cc|c\+\+|clang|ld|as|make|rustc|go|pip|uv)(-?[\d.]+)?")
    assert {name for name in programs if unwanted.fullmatch(name)} == set()
    installers = [path for path in root.rglob("pip/__main__.py") if "ensurepip" not in path.parts]
    assert installers == []


def test_a_library_that_pods_never_import_is_not_in_it(root: Path) -> None:
    """The kubernetes client reads kubeconfigs (extra `live`); it and its tree are 126 MB."""
    assert list(root.glob("opt/tiergate/lib/python*/site-packages/aiohttp"))
    assert not list(root.glob("opt/tiergate/lib/python*/site-packages/kubernetes*"))


def test_what_the_build_was_told_stays_out(built: Built, root: Path) -> None:
    assert not (root / "etc/pip.conf").exists()
    assert not (root / "run/secrets").exists()
    assert not (root / "src").exists()
    assert "PIP_" not in json.dumps(built.image.config)


def test_bytecode_is_compiled_and_independent_of_time_stamps(root: Path) -> None:
    sources = [path for path in (root / "opt/tiergate/lib").rglob("*.py") if not DATA_FOLDERS.search(str(path))]
    assert len(sources) > 500
    (tag,) = {path.name.split(".")[-2] for path in (root / "opt/tiergate/lib").rglob("tiergate/**/*.pyc")}
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        # A template for code is no code, and does not compile.
        if compiled.exists() or "{{" not in source.read_text(errors="replace"):
            assert compiled.read_bytes()[4] == UNCHECKED_HASH, source
    assert list(root.glob(f"usr/**/asyncio/__pycache__/base_events.{tag}.pyc")), "the standard library has bytecode"


def test_nobody_may_write_but_in_tmp(root: Path) -> None:
    """What is mounted over the root file system may differ; the image itself leaves no door open."""
    if os.geteuid() != 0:
        pytest.skip("only root unpacks files with their owners")
    found = []
    for folder, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(folder, name)
            status = path.lstat()
            if not path.is_symlink() and (status.st_mode & 0o002 or 65532 in {status.st_uid, status.st_gid}):
                found.append(f"/{path.relative_to(root)}")
    assert {path for path in found if not path.startswith("/dev/")} <= {"/tmp", "/var/tmp", "/run/lock"}  # noqa: S108


def pinned(text: str, *, python: str) -> dict[str, str]:
    """Return what a requirements file pins for Linux and a minor version of Python: version by name."""
    environment = {"python_full_version": f"{python}.0", "python_version": python}
    found = re.findall(r"^([\w.-]+)==([^\s;]+)(?: ; ([^\\\n]+))?", text, re.MULTILINE)
    return {
        sbom.normalized(name): version
        for name, version, marker in found
        if not marker or Marker(marker).evaluate({**environment, "sys_platform": "linux"})
    }


def test_the_bill_of_materials_lists_what_is_pinned_with_version_and_licence(bill: Path) -> None:
    document = json.loads(bill.read_text())
    components = sbom.distributions(document)
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    removed = re.search(r"uninstall --quiet --yes (hatchling.*?) \\", dockerfile)
    assert removed is not None, "the Dockerfile removes the build backend"
    python = re.search(r"/python:(3\.\d+)", dockerfile)
    assert python is not None, "the Dockerfile names a minor version of Python"
    expected = pinned((REPOSITORY / "requirements/server.txt").read_text(), python=python[1])
    expected = {name: version for name, version in expected.items() if name not in removed[1].split()}
    own = components.pop("tiergate")
    assert {name: item["version"] for name, item in components.items()} == expected
    unlicensed = [name for name, item in [*components.items(), ("tiergate", own)] if not item.get("licenses")]
    assert unlicensed == []
    assert document["bomFormat"] == "CycloneDX"
    packages = [item for item in document["components"] if item.get("purl", "").startswith("pkg:deb/")]
    assert "libc6" in {item["name"] for item in packages}


def test_the_same_image_has_the_same_bill(built: Built, bill: Path) -> None:
    first = bill.read_bytes()
    assert sbom.write(built.file).read_bytes() == first


@pytest.mark.long
def test_a_second_build_of_the_same_tree_makes_the_same_layers(
    built: Built, base: str, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the cache: every file of every layer, byte for byte, its time included.

    The digest of the whole holds for two builds without a cache only: one with it names its layers in the history.
    """
    if built.builder.name == "docker":
        pytest.skip("docker's own exporter keeps the times of files; podman and buildah set them")
    monkeypatch.setenv("SOURCE", SOURCE)
    monkeypatch.setenv("REVISION", REVISION)
    again = building.build(built.name, builder=built.builder, base=base, folder=tmp_path, context=tree, cached=False)
    assert again.image.config["rootfs"] == built.image.config["rootfs"]
    assert again.image.settings == built.image.settings


def test_every_command_explains_itself(within: Inside) -> None:
    overview = within.run("--help")
    assert overview.stdout.startswith("usage: tiergate"), overview.stderr
    commands = re.findall(r"^    (\w+)", overview.stdout, re.MULTILINE)
    assert {"serve", "controller"} <= set(commands)
    for command in commands:
        done = within.run(command, "--help")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"usage: tiergate {command}")


def test_the_root_cannot_be_written(within: Inside) -> None:
    """The premise of the test of `serve`: it could not write if it wanted to, and there is no shell."""
    script = (
        "import os, pathlib\n"
        "print(os.getuid(), os.getgid(), os.getgroups())\n"
        "for place in ('/', '/opt/tiergate', '/etc', '/var/tmp', '/dev', '/mnt', '/tmp', '/dev/shm'):\n"
        "    try:\n"
        "        pathlib.Path(place, 'file').write_text('x'); print(place, 'written')\n"
        "    except OSError as error: print(place, error.strerror)\n"
        "try: os.execv('/bin/sh', ['sh'])\n"
        "except OSError as error: print('/bin/sh', error.strerror)\n"
    )
    done = within.run("-c", script, entrypoint=["python"])
    read_only = ("/", "/opt/tiergate", "/etc", "/var/tmp", "/dev", "/mnt")  # noqa: S108 - nothing is written there
    assert done.stdout.splitlines() == [
        "65532 65532 []",
        *(f"{place} Read-only file system" for place in read_only),
        *(f"{place} written" for place in ("/tmp", "/dev/shm")),  # noqa: S108 - memory of the namespace's own
        "/bin/sh Permission denied",
    ], done.stderr
