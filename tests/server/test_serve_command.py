"""``tiergate serve`` as it is deployed, against a small API server."""

import contextlib
import json
import ssl
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.server.fake_api import NAMESPACES, QUOTAS, TIERS, FakeApi, Object, a_namespace, a_quota, a_review, a_tier
from tests.server.pairs import a_pair, mount, trusting, write
from tests.server.running import JSON, Reply, Server, a_free_port, wait_for

pytestmark = pytest.mark.process

SMALL = {"limits": {"cpu": "250m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}}


class Running(NamedTuple):
    """The server, its API server, and how to trust it."""

    server: Server
    api: FakeApi
    context: ssl.SSLContext
    usage_port: int

    def review(self, endpoint: str, review: Object) -> Object:
        """Send one review and return the response in it."""
        reply = self.post(endpoint, json.dumps(review).encode())
        assert reply.status == 200, reply
        response: Object = json.loads(reply.body)["response"]
        return response

    def post(self, endpoint: str, body: bytes) -> Reply:
        """Send bytes to an endpoint."""
        return self.server.send("POST", f"/{endpoint}", self.context, body=body, headers=JSON)


@contextlib.contextmanager
def a_pod(folder: Path, api: FakeApi, *arguments: str) -> Iterator[tuple[Server, ssl.SSLContext, int]]:
    """Start the command with its mounts and environment; it may not be ready yet."""
    pair, ours = a_pair("webhook"), a_pair("api")
    files = write(folder / "api", ours)
    account = folder / "account"
    account.mkdir()
    (account / "token").write_text("token")
    (account / "ca.crt").write_bytes(ours.certificate)
    with api.running((files / "tls.crt", files / "tls.key")):
        port, usage_port = a_free_port(), a_free_port()
        command = [
            str(Path(sys.executable).with_name("tiergate")),
            "serve",
            "--listen-address=127.0.0.1",
            f"--port={port}",
            f"--usage-port={usage_port}",
            f"--tls-dir={mount(folder / 'tls', pair, version='1')}",
            f"--service-account-dir={account}",
            "--namespace=tiergate-system",
            *arguments,
        ]
        env = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
        server = Server(command, port=port, folder=folder, env=env)
        try:
            yield server, trusting(pair), usage_port
        finally:
            server.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One ready server for the tests that do not change what is governed."""
    api = FakeApi()
    with a_pod(tmp_path_factory.mktemp("serve"), api) as (server, context, usage_port):
        for path, item in ((TIERS, a_tier()), (NAMESPACES, a_namespace()), (QUOTAS, a_quota())):
            api.put(path, item)
        server.wait_ready(context)
        yield Running(server, api, context, usage_port)


def test_a_pod_gets_defaults(running: Running) -> None:
    response = running.review("mutate", a_review(uid="defaults"))
    assert (response["uid"], response["allowed"], response["patchType"]) == ("defaults", True, "JSONPatch")


def test_a_pod_over_the_limits_is_denied(running: Running) -> None:
    review = a_review(resources={**SMALL, "limits": {"cpu": "1", "memory": "256Mi"}})
    response = running.review("validate", review)
    assert not response["allowed"]
    assert [cause["reason"] for cause in response["status"]["details"]["causes"]] == ["limit-max"]


def test_usage_is_read_again_before_a_refusal(running: Running) -> None:
    """What the watch says last is used for the verdict, and full is full."""
    running.api.put(NAMESPACES, a_namespace("full"))
    running.api.put(QUOTAS, a_quota("full", used="1950m"))
    review = a_review(namespace="full", resources=SMALL)
    wait_for(lambda: not running.review("validate", review)["allowed"], "the refusal")
    running.api.put(QUOTAS, a_quota("full", used="1"))
    wait_for(lambda: bool(running.review("validate", review)["allowed"]), "room again")


def test_each_review_is_one_line(running: Running) -> None:
    running.review("validate", a_review(uid="logged", resources=SMALL))

    def lines() -> list[dict[str, Any]]:
        return [line for line in running.server.lines() if line["uid"] == "logged"]

    wait_for(lambda: bool(lines()), "the line")
    (line,) = lines()
    told = {key: line[key] for key in ("endpoint", "namespace", "name", "tier", "outcome", "rules", "dryRun", "status")}
    assert told == {
        "endpoint": "validate",
        "namespace": "dev",
        "name": "agent",
        "tier": "dev",
        "outcome": "allowed",
        "rules": [],
        "dryRun": False,
        "status": 200,
    }
    assert line["milliseconds"] > 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not-json"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"{}", id="no-request"),
        pytest.param(b"\xff\xfe", id="not-utf-8"),
        pytest.param(b'{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}', id="beta"),
        pytest.param(b"[" * 15_000, id="deep"),
    ],
)
def test_what_is_no_review_is_a_400(running: Running, body: bytes) -> None:
    reply = running.post("validate", body)
    assert reply.status == 400
    assert b"Traceback" not in reply.body
    assert running.server.process.poll() is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no-token"),
        pytest.param({"Authorization": "Bearer unknown"}, 401, id="unknown-token"),
        pytest.param({"Authorization": "Bearer may-not"}, 403, id="not-permitted"),
        pytest.param({"Authorization": "Bearer may-scrape"}, 200, id="permitted"),
    ],
)
def test_metrics_are_for_whom_the_api_server_permits(running: Running, headers: dict[str, str], status: int) -> None:
    assert running.server.get("/metrics", running.context, headers=headers).status == status


def test_the_api_server_is_asked_once_a_minute_for_each_scraper(running: Running) -> None:
    scraper = {"Authorization": "Bearer may-scrape"}
    running.server.get("/metrics", running.context, headers=scraper)
    asked = len([path for path in running.api.requests if "reviews" in path])
    running.server.get("/metrics", running.context, headers=scraper)
    assert len([path for path in running.api.requests if "reviews" in path]) == asked


def test_a_crowd_with_made_up_tokens_does_not_hide_the_metrics(running: Running) -> None:
    """All of one address, which is also the scraper's."""

    def read(token: str) -> int:
        return running.server.get("/metrics", running.context, headers={"Authorization": f"Bearer {token}"}).status

    assert read("may-scrape") == 200
    with ThreadPoolExecutor(50) as pool:
        made_up = [pool.submit(read, f"made-up-{number}") for number in range(100)]
        assert [read("may-scrape") for _ in range(10)] == [200] * 10
        assert {one.result() for one in made_up} <= {401, 503}


def test_metrics_count_decisions_and_tell_of_caches_and_certificate(running: Running) -> None:
    running.review("mutate", a_review())
    scraper = {"Authorization": "Bearer may-scrape"}
    text = running.server.get("/metrics", running.context, headers=scraper).body.decode()
    for series in (
        'tiergate_decisions_total{endpoint="mutate",kind="pods",outcome="patched",rule="",tier="dev"}',
        'tiergate_review_seconds_count{endpoint="mutate"}',
        'tiergate_cache_age_seconds{cache="resourcequotas"}',
        "tiergate_certificate_expiry_timestamp_seconds 1.",
        "tiergate_body_bytes_in_flight 0.0",
    ):
        assert series in text


def test_the_usage_page_is_on_its_own_port(running: Running) -> None:
    def shows_the_quota() -> bool:
        reply = running.server.get("/usage.json", running.context, port=running.usage_port)
        return any(row["namespace"] == "dev" and row["hard"] == "2" for row in json.loads(reply.body)["usage"])

    wait_for(shows_the_quota, "the quota of dev")
    assert running.server.get("/usage", running.context).status == 404
    assert running.server.get("/metrics", running.context, port=running.usage_port).status == 404
    reply = running.server.send("POST", "/validate", running.context, port=running.usage_port, body=b"{}", headers=JSON)
    assert reply.status == 405
    stranger = {"Host": f"elsewhere.example:{running.usage_port}"}
    assert running.server.get("/usage", running.context, port=running.usage_port, headers=stranger).status == 421
    reply = running.server.send("HEAD", "/usage", running.context, port=running.usage_port)
    assert (reply.status, reply.body, reply.headers["x-frame-options"]) == (200, b"", "DENY")


def test_the_usage_page_shows_what_was_refused(running: Running) -> None:
    running.api.put(NAMESPACES, a_namespace("shown"))
    running.api.put(QUOTAS, a_quota("shown"))
    review = a_review(namespace="shown", resources={**SMALL, "limits": {"cpu": "1", "memory": "256Mi"}})

    def shown() -> bool:
        running.review("validate", review)
        page = running.server.get("/namespaces/shown", running.context, port=running.usage_port)
        return b"limit-max" in page.body

    wait_for(shown, "the refusal on the page")


def test_ready_once_every_cache_was_filled_and_then_for_good(tmp_path: Path) -> None:
    """Also when the API server goes away: else all replicas would leave at once."""
    api = FakeApi()
    api.listing_allowed = False
    with a_pod(tmp_path, api, "--no-metrics-auth") as (server, context, _):
        wait_for(lambda: "list or watch failed" in server.log(), "the first list")
        reply = server.get("/readyz", context)
        assert (reply.status, reply.body) == (503, b"never synced: tiers, namespaces, resourcequotas\n")
        assert server.get("/livez", context).status == 200
        assert server.get("/metrics", context).status == 200
        wait_for(lambda: '"message":"not ready"' in server.log(), "the reason in the log")
        api.listing_allowed = True
        server.wait_ready(context)
        wait_for(lambda: '"message":"ready again"' in server.log(), "and that it is over")
        api.listing_allowed = False
        api.cut_watches()
        wait_for(lambda: server.log().count("list or watch failed") > 6, "more failures")
        assert server.get("/readyz", context).status == 200


def test_without_usage_there_is_no_verdict(tmp_path: Path) -> None:
    """An API server that is away makes a 500, so that failurePolicy decides; logged with the uid, counted, no text."""
    api = FakeApi()
    with a_pod(tmp_path, api, "--no-metrics-auth") as (server, context, _):
        api.put(TIERS, a_tier())
        server.wait_ready(context)
        api.broken = True
        reply = server.send(
            "POST",
            "/validate",
            context,
            body=json.dumps(a_review(uid="lost", namespace="unknown")).encode(),
            headers=JSON,
        )
        said = b"what the verdict needs could not be read from the API server: try again\n"
        assert (reply.status, reply.body) == (500, said)
        assert '"uid":"lost"' in server.log()
        assert 'outcome="error"' in server.get("/metrics", context).body.decode()


def test_no_way_to_an_api_server_ends_the_process(tmp_path: Path) -> None:
    folder = write(tmp_path / "tls", a_pair())
    command = [
        str(Path(sys.executable).with_name("tiergate")),
        "serve",
        f"--port={a_free_port()}",
        "--usage-port=0",
        f"--tls-dir={folder}",
        f"--service-account-dir={tmp_path}",
        "--namespace=n",
    ]
    server = Server(command, port=1, folder=tmp_path, env={"KUBERNETES_SERVICE_HOST": ""})
    try:
        assert server.process.wait(20) != 0
        assert "this is not a pod" in server.log()
    finally:
        server.stop()
