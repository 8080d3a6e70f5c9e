"""What each builder is told, and how one is found; nothing is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.image import builders, building
from tests.image.builders import Builder, Job, Name, NoBuilderError

CONTEXT = Path("/tree")


def a_job(**changes: object) -> Job:
    return Job(**{"image": "tiergate:dev", "context": CONTEXT, "epoch": 1_700_000_000, **changes})  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("name", ["podman", "buildah"])
def test_files_get_the_time_of_the_job(name: Name) -> None:
    command = Builder(name).build(a_job())
    assert command[:2] == (name, "build")
    assert "--timestamp=1700000000" in command
    assert "--isolation=chroot" in command
    assert "--tag=docker.io/library/tiergate:dev" in command
    assert command[-1] == "/tree"


def test_docker_gives_the_time_to_the_image() -> None:
    command = Builder("docker").build(a_job())
    assert "--build-arg=SOURCE_DATE_EPOCH=1700000000" in command
    assert "--tag=tiergate:dev" in command
    assert not [word for word in command if word.startswith(("--timestamp", "--isolation", "--layers"))]


@pytest.mark.parametrize("name", builders.WORKS)
def test_base_labels_and_secrets_are_passed(name: Name) -> None:
    job = a_job(base="base:1", labels={"b": "2", "a": "1"}, secrets={"ca.crt": Path("/ca.pem")}, cached=False)
    command = Builder(name).build(job)
    assert "--build-arg=BASE=base:1" in command
    assert [word for word in command if word.startswith("--label")] == ["--label=a=1", "--label=b=2"]
    assert "--secret=id=ca.crt,src=/ca.pem" in command
    assert "--no-cache" in command


@pytest.mark.parametrize("name", builders.WORKS)
def test_what_is_not_asked_for_is_not_said(name: Name) -> None:
    command = Builder(name).build(a_job())
    unwanted = ("--label", "--secret", "--no-cache", "--build-arg=BASE")
    assert not [word for word in command if word.startswith(unwanted)]


def test_a_name_with_a_registry_stays_as_it_is() -> None:
    assert Builder("buildah").full_name("registry.example/tiergate:1") == "registry.example/tiergate:1"


@pytest.mark.parametrize("name", builders.WORKS)
def test_an_archive_is_one_that_docker_loads(name: Name) -> None:
    command = Builder(name).save("tiergate:dev", Path("/out.tar"))
    assert any("/out.tar" in word for word in command)
    assert name == "docker" or any("docker-archive" in word for word in command)


def found_among(*names: str, broken: dict[str, str], wanted: str | None = None) -> Builder:
    return builders.find(
        wanted,
        path_of=lambda name: f"/usr/bin/{name}" if name in names else None,
        answer=lambda command: broken.get(command[0]),
    )


def test_docker_without_an_engine_is_passed_over() -> None:
    assert found_among("docker", "buildah", broken={"docker": "no engine"}).name == "buildah"
    assert found_among("docker", "podman", "buildah", broken={}).name == "docker"
    assert found_among("podman", "buildah", broken={}).name == "podman"


def test_the_wanted_builder_is_taken() -> None:
    assert found_among("docker", "podman", "buildah", broken={}, wanted="buildah").name == "buildah"
    with pytest.raises(NoBuilderError, match=r"podman: not in PATH\)"):
        found_among("docker", broken={}, wanted="podman")
    with pytest.raises(NoBuilderError, match="BUILDER=kaniko is not known: docker, podman or buildah"):
        found_among("docker", broken={}, wanted="kaniko")


def test_no_builder_is_explained() -> None:
    with pytest.raises(NoBuilderError) as caught:
        found_among("docker", broken={"docker": "Cannot connect to the Docker daemon"})
    assert str(caught.value) == (
        "No image can be built here (docker: Cannot connect to the Docker daemon; podman: not in PATH; "
        "buildah: not in PATH). Install docker, podman or buildah."
    )


def test_a_failing_command_shows_the_end_of_its_output() -> None:
    with pytest.raises(builders.BuildFailedError, match=r"ended with 3:\nthe reason$"):
        builders.run(("sh", "-c", "echo the reason; exit 3"))


def test_pip_in_the_build_installs_from_where_pip_here_does() -> None:
    listed = (
        ":env:.cert='/env.pem'\n"
        ":env:.disable-pip-version-check='1'\n"
        "global.cert='/file.pem'\n"
        "global.find-links='/wheels'\n"
        "global.index-url='https://index.example/simple'\n"
        "install.trusted-host='one.example\\ntwo.example'\n"
    )
    assert building.pip_settings(listed) == {
        "cert": "/env.pem",
        "index-url": "https://index.example/simple",
        "trusted-host": "one.example two.example",
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://git.example/team/tiergate.git", "https://git.example/team/tiergate"),
        ("https://user:secret@git.example/team/tiergate.git?x=1", "https://git.example/team/tiergate"),
        ("git@git.example:team/tiergate.git", ""),
        ("/somewhere/tiergate", ""),
        ("", ""),
    ],
)
def test_the_source_label_has_no_credentials(url: str, shown: str) -> None:
    assert building.without_credentials(url) == shown


def test_labels_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    given = building.labels({"VERSION": "9.9.9", "REVISION": "abc", "SOURCE": "https://git.example/x"})
    assert given == {
        "org.opencontainers.image.version": "9.9.9",
        "org.opencontainers.image.revision": "abc",
        "org.opencontainers.image.source": "https://git.example/x",
    }
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "42")
    assert building.epoch() == 42
