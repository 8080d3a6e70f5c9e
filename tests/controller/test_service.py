"""What the runner sees of the controller."""

import pytest

from tiergate.cli.exit_codes import Exit
from tiergate.cli.main import main
from tiergate.cluster.errors import ConfigError
from tiergate.controller.options import ControllerOptions
from tiergate.controller.service import ControllerService
from tiergate.process.service import Message


def a_service(kubeconfig: str | None = None) -> ControllerService:
    return ControllerService(
        ControllerOptions(
            kubeconfig=kubeconfig,
            service_account_dir=None,
            namespace="tiergate-system",
            service="tiergate-webhook",
            host="here",
        )
    )


def test_it_is_not_ready_before_it_has_listed_anything() -> None:
    """Readiness is that every cache was listed."""
    assert a_service().ready() == (False, "not started")


async def test_without_an_api_server_it_does_not_start() -> None:
    """A missing source is an error at the start, not a controller that does nothing."""
    with pytest.raises(ConfigError):
        await a_service().start()


async def test_there_is_nothing_but_probes() -> None:
    """Whatever is asked for is not found."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    await a_service().http({"type": "http"}, receive, send)
    assert [message.get("status") for message in sent] == [404, None]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        pytest.param(["--lease-duration=10"], "the lease duration (10 s) must be longer", id="lease-too-short"),
        pytest.param(["--retry-period=5"], "more than twice the retry period (5 s)", id="no-second-try"),
        pytest.param(["--retry-period=0"], "at least 1 s", id="no-pause"),
    ],
)
def test_durations_that_would_let_two_lead_do_not_start(
    flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever sets them reads which value must be how large; no port is opened."""
    assert main(["controller", "--namespace=tiergate-system", *flags]) == Exit.USAGE
    assert says in capsys.readouterr().err
