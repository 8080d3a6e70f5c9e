"""What the repository pins in two places is the same in both."""

from __future__ import annotations

import re

from tests.image.building import REPOSITORY


def pins(name: str) -> dict[str, str]:
    """Return the versions of a requirements file by name."""
    text = (REPOSITORY / "requirements" / name).read_text()
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


def test_the_image_and_the_tests_have_the_same_versions() -> None:
    server, dev = pins("server.txt"), pins("dev.txt")
    assert {"gunicorn", "aiohttp"} < server.keys()
    assert {name: dev.get(name) for name in server} == server


def test_the_image_does_not_have_the_kubernetes_library() -> None:
    assert "kubernetes" in pins("dev.txt")
    assert "kubernetes" not in pins("server.txt")


def test_dependabot_watches_the_base_of_the_image() -> None:
    """It does not read the `ARG` of the Dockerfile, so it reads a file of its own."""
    watched = re.findall(r"^FROM (.*)$", (REPOSITORY / ".github/base/Dockerfile").read_text(), re.MULTILINE)
    used = re.findall(r"^ARG BASE=(.*)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert watched == used
    assert len(used) == 1
