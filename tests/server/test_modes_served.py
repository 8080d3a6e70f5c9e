"""A tier in mode Warn at the running command: the index is opened and closed, and everything is counted."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.server.fake_api import NAMESPACES, PODS, TIERS, FakeApi, Object, a_namespace, a_review, a_tier
from tests.server.running import JSON, Server, wait_for
from tests.server.test_serve_command import a_pod

pytestmark = pytest.mark.process

UNCHECKED = 'quotas of tier "dev" were not checked: the usage in the namespace is not known'
FULL = 'would violate tier "dev": quota "compute": pods asks 1, used 2 of 2, over by 1; free 1 in dev'


def a_tier_in_mode(mode: str) -> Object:
    tier = a_tier()
    tier["spec"] = {"enforcement": mode, "quotas": [{"name": "compute", "hard": {"pods": "2"}}]}
    return tier


def a_stored_pod(name: str) -> Object:
    spec = a_review()["request"]["object"]["spec"]
    return {"metadata": {"name": name, "namespace": "dev", "uid": name}, "spec": spec, "status": {"phase": "Running"}}


class Running(NamedTuple):
    """The server, its API server, and how to trust it."""

    server: Server
    api: FakeApi
    context: ssl.SSLContext

    def warnings(self) -> list[str]:
        """Ask for one more pod, which must be allowed, and return the warnings."""
        body = json.dumps(a_review()).encode()
        reply = self.server.send("POST", "/validate", self.context, body=body, headers=JSON)
        response = json.loads(reply.body)["response"]
        assert response["allowed"] is True
        found: list[str] = response.get("warnings", [])
        return found

    def metric(self, line: str) -> float:
        """Return the value of one line of the metrics; -1 where there is none."""
        text = self.server.get("/metrics", self.context).body.decode()
        return next((float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(line)), -1.0)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A ready server whose API server has two pods in a namespace of a tier in mode Warn, and forbids to list them."""
    api = FakeApi()
    api.forbidden.add(PODS)
    with a_pod(tmp_path, api, "--no-metrics-auth") as (server, context, _):
        api.put(TIERS, a_tier_in_mode("Warn"))
        api.put(NAMESPACES, a_namespace())
        for name in ("a", "b"):
            api.put(PODS, a_stored_pod(name))
        server.wait_ready(context)
        yield Running(server, api, context)


def test_where_pods_may_not_be_listed_quotas_are_unchecked_and_nothing_is_tried(tmp_path: Path) -> None:
    """It is ready, warns of it, and never asks the API server for what it may not have."""
    api = FakeApi()
    with a_pod(tmp_path, api, "--no-metrics-auth", "--no-usage-index") as (server, context, _):
        api.put(TIERS, a_tier_in_mode("Warn"))
        api.put(NAMESPACES, a_namespace())
        server.wait_ready(context)
        running = Running(server, api, context)
        wait_for(lambda: running.warnings() == [UNCHECKED], "the tier is known")
        wait_for(lambda: running.metric('tiergate_quotas_unchecked_total{resource="pods"}') > 0, "it is counted")
        assert server.get("/readyz", context).status == 200
        assert not [path for path in api.requests if PODS in path]


def test_an_index_that_is_empty_says_so_and_one_that_is_filled_counts(running: Running) -> None:
    """Ready all the while; the log, the warning and the metrics tell the two apart; in Enforce the index is closed."""
    age = 'tiergate_cache_age_seconds{cache="index pods"}'
    wait_for(lambda: running.warnings() == [UNCHECKED], "the tier is known, and nothing of its usage")
    logged = "quotas not checked"  # a line follows its answer
    wait_for(lambda: any(logged in line.get("detail", "") for line in running.server.lines()), "it is logged")
    wait_for(lambda: running.metric('tiergate_quotas_unchecked_total{resource="pods"}') > 0, "it is counted")
    assert running.metric(age) == float("inf")

    running.api.forbidden.clear()
    wait_for(lambda: running.warnings() == [FULL], "the index is filled")
    warned = (
        'tiergate_decisions_total{endpoint="validate",kind="pods",outcome="warned",rule="quota-exceeded",tier="dev"}'
    )
    wait_for(lambda: running.metric(warned) > 0, "the warning is counted")
    used = 'tiergate_quota_used{namespace="dev",quota="tier",resource="pods",tier="dev"}'
    wait_for(lambda: running.metric(used) == 2, "the usage is shown")
    assert 0 < running.metric(age) < 60

    running.api.put(TIERS, a_tier_in_mode("Enforce"))
    wait_for(lambda: running.metric(age) == 0, "the index is closed")
