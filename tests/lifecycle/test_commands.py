from __future__ import annotations

from pathlib import Path

import pytest

from tiergate.cli import lifecycle
from tiergate.cli.main import main
from tiergate.cluster.client import Client
from tiergate.cluster.errors import ApiError, ConfigError, Unreachable
from tiergate.lifecycle.crds import NotRaised
from tiergate.lifecycle.uninstall import NotUninstalled

COMMANDS = [["crds", "FILE"], ["uninstall", "--namespace=webhook-system"], ["verify", "--governed=dev"]]


class Connected:
    closed = False

    async def close(self) -> None:
        Connected.closed = True


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_outside_of_a_pod_it_says_what_is_missing(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main([*command, f"--service-account-dir={tmp_path}"]) == 4
    assert capsys.readouterr().err.startswith(f"tiergate {command[0]}: ")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        *((command, 2, "this is not a pod; give --kubeconfig FILE") for command in COMMANDS[:2]),
        *(
            (command, 4, "kubeconfig /nowhere/config: no such file")
            for command in (["verify"], ["certs", "status"], ["certs", "rotate"])
        ),
    ],
)
def test_people_s_commands_find_the_cluster_as_kubectl_does_and_hooks_are_told(
    command: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", "/nowhere/config")
    assert main(command) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotRaised("why"), 1),
        (NotUninstalled("why"), 1),
        (ApiError(403, "Forbidden", "why"), 1),
        (Unreachable("why"), 4),
        (ConfigError("why"), 4),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise error

    async def connect(**_: object) -> Connected:
        return Connected()

    monkeypatch.setattr(Client, "connect", connect)
    monkeypatch.setattr(lifecycle, "uninstall", fails)
    assert main(["uninstall", "--namespace=webhook-system", "--service-account-dir=x"]) == code
    assert "why" in capsys.readouterr().err
    assert Connected.closed


@pytest.mark.parametrize(("proved", "code"), [(True, 0), (False, 1)])
def test_the_verdict_is_the_exit_code(proved: bool, code: int, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    asked: dict[str, object] = {}

    async def verify(_client: object, **named: object) -> bool:
        asked.update(named)
        return proved

    async def connect(**_: object) -> Connected:
        return Connected()

    monkeypatch.setattr(Client, "connect", connect)
    monkeypatch.setattr(lifecycle, "verify", verify)
    words = ["--governed=dev", "--governed=prod", "--image=a:b", "--patience=7", "--service-account-dir=x"]
    assert main(["verify", *words]) == code
    assert (asked["namespaces"], asked["image"], asked["patience"]) == (["dev", "prod"], "a:b", 7.0)
