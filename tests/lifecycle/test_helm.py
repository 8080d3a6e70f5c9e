"""A pre-delete hook acts while Helm uninstalls the release, and at no other time: to other tools it is any Job."""

from __future__ import annotations

import pytest

from tests.lifecycle.fake import FakeApi, Object
from tiergate.cli.main import main
from tiergate.cluster.api import Api
from tiergate.cluster.client import Client
from tiergate.cluster.errors import ApiError
from tiergate.cluster.resource import CONFIG_MAPS, JOBS, SECRETS, Resource
from tiergate.lifecycle.helm import JOB, REVISIONS, not_uninstalling

RELEASE = "webhook-system"
JOB_PATH = JOBS.object(JOB, namespace=RELEASE)
STATUS = {"manager": "kube-controller-manager", "subresource": "status"}


def a_job(*managers: str) -> Object:
    return {"metadata": {"managedFields": [*({"manager": name} for name in managers), STATUS]}}


def a_record(revision: int, status: str, kind: Resource = SECRETS, release: str = "tiergate") -> dict[str, Object]:
    path = kind.object(f"sh.helm.release.v1.{release}.v{revision}", namespace=RELEASE)
    return {path: {"metadata": {"labels": {"status": status}}}}


def a_cluster(*managers: str, records: dict[str, Object]) -> FakeApi:
    return FakeApi({JOB_PATH: a_job(*managers), **records})


async def why_not(api: FakeApi, revision: int = 3) -> str:
    return await not_uninstalling(Api(api), namespace=RELEASE, release="tiergate", revision=revision)


@pytest.mark.parametrize("manager", ["helm", "Helm", "helm3", "helm-controller", "terraform-provider-helm_v3.1"])
@pytest.mark.parametrize("kind", [SECRETS, CONFIG_MAPS], ids=["secrets", "configmaps"])
@pytest.mark.parametrize("revision", [3, 3 + REVISIONS - 1], ids=["as-rendered", "after-rollbacks"])
async def test_it_acts_while_helm_uninstalls(manager: str, kind: Resource, revision: int) -> None:
    records = {**a_record(2, "superseded"), **a_record(revision, "uninstalling", kind)}
    assert await why_not(a_cluster(manager, records=records)) == ""


@pytest.mark.parametrize(
    "manager",
    ["kubectl-client-side-apply", "kubectl", "argocd-controller", "kustomize-controller", "pulumi-kubernetes"],
)
async def test_a_job_of_another_tool_changes_nothing(manager: str) -> None:
    """Also while a release is being uninstalled, or its uninstallation once failed."""
    api = a_cluster(manager, records=a_record(3, "uninstalling"))
    assert await why_not(api) == f"the Job {JOB} was not made by Helm ({manager})"


@pytest.mark.parametrize(
    "records",
    [
        pytest.param({}, id="no-release"),
        pytest.param(a_record(3, "deployed"), id="deployed"),
        pytest.param(a_record(3, "pending-install"), id="being-installed"),
        pytest.param(a_record(3, "uninstalling", release="other"), id="another-release"),
        pytest.param(a_record(2, "uninstalling"), id="an-earlier-revision"),
    ],
)
async def test_helm_that_does_something_else_changes_nothing(records: dict[str, Object]) -> None:
    why = await why_not(a_cluster("helm", records=records))
    assert why.startswith("Helm is not uninstalling the release tiergate: none of its revisions 3 to 22 has the status")


async def test_without_its_job_it_changes_nothing() -> None:
    assert "was not made by Helm (no manager is named)" in await why_not(FakeApi(a_record(3, "uninstalling")))


async def test_what_cannot_be_known_is_no_leave() -> None:
    api = a_cluster("helm", records={})
    api.refuse[f"GET {JOB_PATH}"] = ApiError(403, "Forbidden", "no")
    with pytest.raises(ApiError):
        await why_not(api)


class _Connected(FakeApi):
    async def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("words", "managers"),
    [(["--helm-release=tiergate", "--helm-revision=3"], ["kubectl"]), (["--helm-release=tiergate"], ["helm"])],
    ids=["another-tool", "nothing-uninstalled"],
)
def test_the_command_says_so_and_succeeds(
    words: list[str], managers: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Job that failed would be tried again, and stop a tool that waits for it."""
    api = _Connected({JOB_PATH: a_job(*managers)})

    async def connect(**_: object) -> _Connected:
        return api

    monkeypatch.setattr(Client, "connect", connect)
    assert main(["uninstall", f"--namespace={RELEASE}", "--service-account-dir=x", *words]) == 0
    assert capsys.readouterr().out.startswith("nothing was changed: ")
    assert api.writes == []
