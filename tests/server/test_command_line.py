"""The command line says what is wrong with it, and what is missing."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.server.pairs import a_pair
from tiergate.cli.exit_codes import Exit
from tiergate.cli.main import main, parser

SERVE = ["serve", "--tls-dir=/tls", "--namespace=tiergate-system"]


def test_a_pod_needs_to_say_little() -> None:
    options = parser().parse_args(SERVE)
    assert (options.listen_address, options.port, options.usage_port) == ("127.0.0.1", 9443, 9444)
    assert options.service_account_dir == "/var/run/secrets/kubernetes.io/serviceaccount"
    assert options.kubeconfig is None
    assert not options.no_metrics_auth


def test_a_usage_port_of_zero_is_none() -> None:
    assert parser().parse_args([*SERVE, "--usage-port=0"]).usage_port is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "COMMAND", id="no-command"),
        pytest.param(["fly"], "invalid choice", id="unknown-command"),
        pytest.param(["serve", "--namespace=n"], "--tls-dir", id="no-certificates"),
        pytest.param(["serve", "--tls-dir=/tls"], "--namespace", id="no-namespace"),
        pytest.param([*SERVE, "--port=65536"], "not a port", id="port-too-high"),
        pytest.param([*SERVE, "--port=http"], "--port", id="port-is-a-word"),
        pytest.param([*SERVE, "--listen-address=localhost"], "--listen-address", id="address-is-a-name"),
        pytest.param([*SERVE, "--log-level=loud"], "invalid choice", id="log-level"),
        pytest.param([*SERVE, "--kubeconfig=k", "--service-account-dir=d"], "not allowed with", id="two-sources"),
        pytest.param(["controller"], "--namespace", id="controller-without-namespace"),
    ],
)
def test_a_wrong_command_line_is_exit_2(capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == Exit.USAGE
    assert says in capsys.readouterr().err


WITHOUT = """
import sys
import tomllib

class Missing:
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


def without(package: str, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program, as if the package were not installed."""
    command = [sys.executable, "-c", WITHOUT + program, package, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


MAIN = """
from tiergate.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
CONTROLLER = ["controller", "--namespace=n"]
VERIFY = ["verify"]
KUBECONFIG = "--kubeconfig=/none"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "arguments", "extras"),
    [
        pytest.param("gunicorn", SERVE, "server", id="serve"),
        pytest.param("gunicorn", CONTROLLER, "server", id="controller"),
        pytest.param("aiohttp", VERIFY, "live", id="verify"),
        pytest.param("kubernetes", [*SERVE, KUBECONFIG], "server,live", id="serve-with-kubeconfig"),
        pytest.param("kubernetes", [*CONTROLLER, KUBECONFIG], "server,live", id="controller-with-kubeconfig"),
        pytest.param("kubernetes", [*VERIFY, KUBECONFIG], "live", id="verify-with-kubeconfig"),
        pytest.param("kubernetes", ["uninstall", "--namespace=n", KUBECONFIG], "live", id="uninstall-with-kubeconfig"),
        pytest.param("kubernetes", ["crds", KUBECONFIG, "f.yaml"], "live", id="crds-with-kubeconfig"),
    ],
)
def test_a_missing_extra_is_named(package: str, arguments: list[str], extras: str) -> None:
    ended = without(package, MAIN, *arguments)
    assert ended.returncode == Exit.USAGE
    says = f"tiergate {arguments[0]} needs the package {package}: pip install 'tiergate[{extras}]'\n"
    assert ended.stderr == says


IN_A_POD = """
import asyncio
import tiergate.cli.controller, tiergate.cli.lifecycle, tiergate.cli.preflight, tiergate.cli.serve
import tiergate.controller.service, tiergate.server.service
from tiergate.cluster.client import Client

async def connect(folder):
    client = await Client.connect(service_account_dir=folder)
    await client.close()

asyncio.run(connect(sys.argv[2]))
assert "kubernetes" not in sys.modules
print("connected")
"""


@pytest.mark.slow
def test_a_pod_does_without_the_kubernetes_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not in the image: every command starts, and a client is made of a service account."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_bytes(a_pair().certificate)
    ended = without("kubernetes", IN_A_POD, str(tmp_path))
    assert ended.stdout == "connected\n", ended.stderr


def test_the_release_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    version = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert capsys.readouterr().out == f"tiergate {version}\n"
