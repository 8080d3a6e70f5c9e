"""The log line of each review: written with those of its turn of the loop, and never in the way of an answer."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tiergate.core.request import Endpoint
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.process.bodies import MAX_BODY_BYTES, TooLarge
from tiergate.process.service import Message
from tiergate.server.admission import AdmissionFailed, Answer, Record
from tiergate.server.endpoints.reading import OutOfTimeError, UnreadError
from tiergate.server.large_reviews import CannotReadError
from tiergate.server.log_allowance import LINES, MOST_PEERS, LogAllowance
from tiergate.server.pacing import Pacing
from tiergate.server.routes import Reviewer, Routes

SCOPE = {
    "path": "/validate",
    "query_string": b"timeout=5s",
    "method": "POST",
    "headers": [(b"content-type", b"application/json")],
}


class Namer:
    """Allows everything; the body is the uid."""

    async def answer(self, endpoint: Endpoint, body: bytes, **_: object) -> Answer:
        """Answer with the body."""
        return Answer(200, body, Record(endpoint, uid=body.decode()))


class Output:
    """Standard output that may be gone for a while."""

    def __init__(self) -> None:
        self.gone = False
        self.writes: list[bytes] = []

    def write(self, lines: bytes) -> None:
        """Take the lines."""
        if self.gone:
            raise BrokenPipeError
        self.writes.append(lines)

    def uids(self) -> list[list[str]]:
        """Return the uids of each write."""
        return [[json.loads(line)["uid"] for line in lines.splitlines()] for lines in self.writes]


class Client:
    """Sends bodies through the routes; ``answers`` are the bodies that came back."""

    def __init__(self, output: Output, reviewer: Reviewer) -> None:
        self.recorder = PrometheusRecorder()
        self.answers: list[bytes] = []
        self._routes = Routes(reviewer, self.recorder, write=output.write)

    @property
    def held(self) -> int:
        """Return the bytes of bodies that are held."""
        return self._routes.bytes_in_flight

    def post(self, uid: str, *, seconds: float = 0.0, length: int = 0) -> Coroutine[Any, Any, None]:
        """Return what sends one review, in so many seconds; its headers may tell a length."""

        async def receive() -> Message:
            await asyncio.sleep(seconds)
            return {"type": "http.request", "body": uid.encode(), "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                self.answers.append(message["body"])

        said = [(b"content-length", b"%d" % length)] if length else []
        return self._routes.http({**SCOPE, "headers": [*SCOPE["headers"], *said]}, receive, send)


async def running(
    story: Callable[[Client], Coroutine[Any, Any, None]], output: Output, reviewer: Reviewer | None = None
) -> Client:
    client = Client(output, reviewer or Namer())
    await story(client)
    await asyncio.sleep(0)
    return client


async def test_the_lines_of_one_turn_are_written_together_and_each_is_whole() -> None:
    async def story(client: Client) -> None:
        await asyncio.gather(client.post("a"), client.post("b"))
        await asyncio.sleep(0)
        await client.post("c")

    output = Output()
    await running(story, output)
    assert output.uids() == [["a", "b"], ["c"]]
    assert all(lines.endswith(b"}\n") for lines in output.writes)


async def test_without_a_reader_reviews_are_answered_and_the_loss_is_counted() -> None:
    async def story(client: Client) -> None:
        output.gone = True
        await client.post("a")
        await asyncio.sleep(0)
        output.gone = False
        await client.post("b")

    output = Output()
    client = await running(story, output)
    assert (client.answers, output.uids()) == ([b"a", b"b"], [["b"]])
    assert b'tiergate_errors_total{endpoint="",reason="log"} 1.0' in client.recorder.exposition()


def test_whoever_floods_has_lines_for_some_and_the_rest_is_counted() -> None:
    """And takes none of the others'."""
    now = 1.0
    allowance = LogAllowance(clock=lambda: now)
    assert [allowance.may_log("flood") for _ in range(LINES + 3)].count(True) == LINES
    assert allowance.may_log("the API server")
    assert (allowance.take_left_out(), allowance.take_left_out()) == (3, 0)
    assert [allowance.may_log(f"peer-{number}") for number in range(MOST_PEERS)].count(True) == MOST_PEERS - 2
    now = 2.0
    assert allowance.may_log("flood")


class Fails:
    """Raises what it was given."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def answer(self, endpoint: Endpoint, body: bytes, **_: object) -> Answer:
        """Fail."""
        raise AdmissionFailed(Record(endpoint, uid=body.decode())) from self._error


@pytest.mark.parametrize(
    ("error", "traced"),
    [
        (UnreadError("48 others wait"), False),
        (OutOfTimeError("late"), False),
        (CannotReadError("busy"), False),
        (ValueError("x"), True),
    ],
)
async def test_only_a_fault_of_ours_is_traced(
    error: Exception, *, traced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Forged reviews that are refused for load cost a short line each."""
    output = Output()

    async def story(client: Client) -> None:
        await client.post("a")

    await running(story, output, Fails(error))
    (failed,) = [one for one in caplog.records if one.message == "review failed"]
    assert (failed.exc_info is not None) == traced


async def test_what_a_body_took_to_come_is_no_time_for_its_answer() -> None:
    """The API server waits for both together."""
    left: list[float] = []

    class Waits:
        async def answer(self, endpoint: Endpoint, body: bytes, *, timeout: float, peer: str) -> Answer:  # noqa: ASYNC109
            left.append(timeout)
            return Answer(200, body, Record(endpoint, detail=peer))

    await running(lambda client: client.post("a", seconds=0.05), Output(), Waits())
    assert 0 < left[0] <= 5 - 0.05


async def test_an_answer_that_is_held_back_comes_later_and_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Pacing, "wait", lambda *_, **__: 0.02)
    client = Client(Output(), Namer())
    answering = asyncio.create_task(client.post("a"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert (client.answers, client.held) == ([], 0)
    await answering
    assert (client.answers, client.held) == ([b"a"], 0)


async def test_a_refusal_comes_later_by_the_bytes_that_are_discarded_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets it at once sends the same body again at once."""
    asked: list[tuple[str, int]] = []

    def wait(_: Pacing, _peer: str, namespace: str, *, size: int) -> float:
        asked.append((namespace, size))
        return 0.02

    monkeypatch.setattr(Pacing, "wait", wait)
    client = Client(Output(), Namer())
    refused = asyncio.create_task(client.post("a", length=MAX_BODY_BYTES + 1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert (client.answers, asked) == ([], [("", MAX_BODY_BYTES + 1)])
    await refused
    assert client.answers == [TooLarge.text]


@pytest.mark.parametrize(("status", "whose"), [(200, "made-up"), (400, ""), (500, "")])
async def test_what_gets_no_verdict_is_paced_as_of_no_namespace(
    monkeypatch: pytest.MonkeyPatch, status: int, whose: str
) -> None:
    """Whoever makes up a namespace for each review gets no verdicts, and would have all of the loop's time."""
    asked: list[str] = []

    def wait(_: Pacing, _peer: str, namespace: str, *, size: int, held: float) -> float:
        assert (size, held) == (1, 0.0)
        asked.append(namespace)
        return 0.0

    class Says:
        async def answer(self, endpoint: Endpoint, body: bytes, **_: object) -> Answer:
            record = Record(endpoint, namespace="made-up")
            if status == 500:
                raise AdmissionFailed(record)
            return Answer(status, body, record)

    monkeypatch.setattr(Pacing, "wait", wait)
    client = Client(Output(), Says())
    await client.post("a")
    assert asked == [whose]
