"""The command line says what is wrong with it, and what is missing."""

import subprocess
import sys

import pytest

from tiergate.cli.exit_codes import Exit
from tiergate.cli.main import _parser, main

SERVE = ["serve", "--tls-dir=/tls", "--namespace=tiergate-system"]


def test_a_pod_needs_to_say_little() -> None:
    options = _parser().parse_args(SERVE)
    assert (options.listen_address, options.port, options.usage_port) == ("127.0.0.1", 9443, 9444)
    assert options.service_account_dir == "/var/run/secrets/kubernetes.io/serviceaccount"
    assert options.kubeconfig is None
    assert not options.no_metrics_auth


def test_a_usage_port_of_zero_is_none() -> None:
    assert _parser().parse_args([*SERVE, "--usage-port=0"]).usage_port is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "COMMAND", id="no-command"),
        pytest.param(["fly"], "invalid choice", id="unknown-command"),
        pytest.param(["serve", "--namespace=n"], "--tls-dir", id="no-certificates"),
        pytest.param(["serve", "--tls-dir=/tls"], "--namespace", id="no-namespace"),
        pytest.param([*SERVE, "--port=65536"], "no port", id="port-too-high"),
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


WITHOUT_GUNICORN = """
import sys

class Missing:
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "gunicorn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from tiergate.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "arguments", [pytest.param(SERVE, id="serve"), pytest.param(["controller", "--namespace=n"], id="controller")]
)
def test_a_missing_extra_is_named(arguments: list[str]) -> None:
    command = [sys.executable, "-c", WITHOUT_GUNICORN, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == Exit.USAGE
    assert ended.stderr == f"tiergate {arguments[0]} needs the package gunicorn: pip install 'tiergate[server]'\n"
