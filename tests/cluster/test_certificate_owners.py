"""Another CA from another owner under load: cert-manager's way to replace a Secret, and changes of the mode."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chart.helm import ENVIRONMENTS
from tests.cluster.handshakes import Handshakes, nobody_refused
from tests.cluster.releases import Release
from tests.cluster.test_external_certificate import EXISTING, keep, signed_by
from tests.controlplane.cluster import NAMESPACE, Cluster, until
from tiergate_certs.issue import Pair, issue_authority

pytestmark = [pytest.mark.cluster, pytest.mark.long]

THREE = ("--set", "webhook.replicas=3")
OWN: dict[str, Any] = {"certificates": {"mode": "controller"}}


def an_authority() -> Pair:
    now = datetime.now(UTC)
    return issue_authority(not_before=now - timedelta(hours=1), not_after=now + timedelta(days=1))


def replace_at_once(cluster: Cluster) -> Pair:
    """Replace the existing Secret as cert-manager does: another CA and its leaf in one write, without the former CA."""
    authority = an_authority()
    keep(cluster, signed_by(authority), trusted=authority.certificate)
    return authority


@pytest.fixture(scope="module")
def release(bare_cluster: Cluster) -> Iterator[Release]:
    """A release that serves an external certificate."""
    release = Release(bare_cluster, (ENVIRONMENTS,))
    bare_cluster.kubectl(f"create namespace {NAMESPACE}")
    replace_at_once(bare_cluster)
    release.install(EXISTING, *THREE)
    release.until_in_force()
    yield release
    release.remove_all()


def serving(seen: Handshakes, count: int) -> Callable[[], bool]:
    """Return what says whether leaves of so many CAs were served by now."""
    return lambda: len(seen.issuers) == count


def bundles(release: Release) -> set[int]:
    """Return how many CAs the entries trust."""
    return {base64.b64decode(one).count(b"BEGIN") for one in release.bundles()}


def test_an_existing_secret_replaced_at_once_loses_no_call(release: Release) -> None:
    cluster = release.cluster
    with nobody_refused(cluster) as seen:
        for count in (2, 3):
            replace_at_once(cluster)
            until(serving(seen, count), "the new certificate is served", seconds=40)
            assert min(bundles(release)) >= count


def test_changes_of_the_mode_lose_no_call(release: Release) -> None:
    """From an existing Secret to our own CA, and to an existing Secret of another CA."""
    cluster = release.cluster
    with nobody_refused(cluster):
        release.upgrade(OWN, *THREE)
        release.until_in_force()
    replace_at_once(cluster)
    with nobody_refused(cluster):
        release.upgrade(EXISTING, *THREE)
        release.until_in_force()
