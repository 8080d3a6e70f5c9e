"""Capture the golden reviews from a real API server: ``python -m tests.golden.capture [CASE...]``.

It starts a control plane, registers a recording webhook under the rules of our chart, does what `operations` lists,
and writes what the API server asked as ``cases/<case>/request.json``, made `stable`. The mutating endpoint answers with
our defaults under the tier of the case, so that the validating endpoint sees what it would see; everything else is
allowed.

A new case needs its ``tier.yaml`` and ``usage.yaml`` first; afterwards ``pytest tests/golden --update-golden`` writes
the answer. Review the diff.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from tests.builders import Json
from tests.chart.helm import Helm
from tests.cluster.webhook import Webhook, serving
from tests.controlplane import binaries, plane
from tests.controlplane.cluster import NAMESPACE, Cluster, Say, until
from tests.golden import rules
from tests.golden.objects import INJECTED, Operation, namespace, pod
from tests.golden.operations import CAPTURED, OPERATIONS
from tests.golden.stable import stable
from tests.server.admission_fakes import FakeState, answer
from tiergate.core.tier import Tier
from tiergate.wire.tier import read_tier

CASES: Final = Path(__file__).parent / "cases"
SETUP: Final = Path(__file__).with_name("setup.yaml")
SERVICE: Final = "recorder"
INJECT: Final = "/inject"


class CaptureFailed(AssertionError):
    """The server did not ask what the list of operations says."""


@dataclass
class Recorder:
    """The recording webhook: keeps the reviews of every endpoint, in the order of arrival."""

    tier: Tier
    reviews: list[tuple[str, Json]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: bytes) -> bytes:
        """Answer a review of an endpoint, or inject a sidecar as the other webhook does."""
        review = json.loads(body)
        if path == INJECT:
            return _allowed(review, [{"op": "add", "path": "/spec/containers/-", "value": SIDECAR}])
        with self._lock:
            self.reviews.append((path.removeprefix("/"), review))
        if path != "/mutate":
            return _allowed(review)
        facts = FakeState(
            tiers={self.tier.name: self.tier}, namespaces={review["request"]["namespace"]: self.tier.name}
        )
        return asyncio.run(answer("mutate", body, facts)).body

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self.reviews.clear()


SIDECAR: Final = {"name": "injected", "image": "registry.example.com/mesh:2.1.0"}


def _allowed(review: Json, patch: list[Json] | None = None) -> bytes:
    response: Json = {"uid": review["request"]["uid"], "allowed": True}
    if patch:
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()


def tier_of(case: str) -> Tier:
    """Return the tier of a case."""
    file = CASES / case / "tier.yaml"
    if not file.exists():
        msg = f"{file.relative_to(plane.REPOSITORY)}: a new case needs its tier.yaml and usage.yaml first"
        raise CaptureFailed(msg)
    return read_tier(json.dumps(yaml.safe_load(file.read_text())).encode())


def capture(cluster: Cluster, folder: Path, *, wanted: Callable[[str], bool], say: Say) -> list[Json]:
    """Write ``<case>/request.json`` for every wanted case below the folder; return the chart's entries.

    All operations are done, for some build on others. Raises CaptureFailed if the server asks too much or too little.
    """
    entries = rules.entries_of(Helm(cluster.programs["helm"]).render(namespace=NAMESPACE).objects)
    recorder = Recorder(tier_of("mutate-bare-pod"))
    with serving(cluster, SERVICE, recorder.answer) as webhook, _registered(cluster, webhook, entries):
        _set_up(cluster, recorder)
        for operation in OPERATIONS:
            say(operation.what)
            for case, review in _done(cluster, recorder, operation):
                if wanted(case):
                    file = folder / case / "request.json"
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(json.dumps(stable(review), indent=2, ensure_ascii=False) + "\n")
    return entries


@contextmanager
def _registered(cluster: Cluster, webhook: Webhook, entries: Sequence[Json]) -> Iterator[None]:
    """Register the entries of the chart and the injector, which comes after them."""
    configurations = [
        _configuration(
            kind,
            "tiergate",
            [_entry(each, webhook.client_config(each["path"])) for each in entries if each["configuration"] == kind],
        )
        for kind in rules.CONFIGURATIONS
    ]
    injector = _configuration(
        "MutatingWebhookConfiguration",
        "zz-injector",
        [
            {
                "name": "inject.example.com",
                "clientConfig": webhook.client_config(INJECT),
                "objectSelector": {"matchLabels": INJECTED},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    )
    cluster.kubectl("apply -f charts/tiergate/crds")
    until(lambda: cluster.run("kubectl get tiers").code == 0, "the API server knows tiers")
    cluster.apply(*configurations, injector)
    try:
        yield
    finally:
        cluster.kubectl("delete mutatingwebhookconfiguration,validatingwebhookconfiguration --all")


def _configuration(kind: str, name: str, entries: list[Json]) -> Json:
    version = "admissionregistration.k8s.io/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "webhooks": entries}


def _entry(entry: Json, client_config: Json) -> Json:
    """Return an entry that calls us; it fails closed, so that nothing passes unrecorded."""
    own = {key: value for key, value in entry.items() if key not in {"configuration", "path"}}
    asked_again = {"reinvocationPolicy": "IfNeeded"} if entry["configuration"] == rules.CONFIGURATIONS[0] else {}
    return (
        own
        | asked_again
        | {
            "clientConfig": client_config,
            "failurePolicy": "Fail",
            "sideEffects": "NoneOnDryRun",
            "admissionReviewVersions": ["v1"],
        }
    )


def _set_up(cluster: Cluster, recorder: Recorder) -> None:
    """Make what the operations need, and wait until every endpoint and the injector are asked."""
    cluster.apply(namespace("dev", "dev"), *yaml.safe_load_all(SETUP.read_text()))
    cluster.kubectl("wait --for=create serviceaccount/default configmap/kube-root-ca.crt -n dev --timeout=60s")
    probe = json.dumps(pod("probe", {"name": "probe", "image": "probe"}, metadata={"labels": INJECTED}))

    def asked() -> bool:
        recorder.forget()
        cluster.kubectl("create --dry-run=server -f -", stdin=probe)
        cluster.kubectl("label namespace kube-public tiergate.io/tier=probe --dry-run=server")
        return [endpoint for endpoint, _ in recorder.reviews] == ["mutate", "mutate", "validate", "namespaces"]

    until(asked, "the API server asks the recorder", seconds=60)


def _done(cluster: Cluster, recorder: Recorder, operation: Operation) -> Iterator[tuple[str, Json]]:
    """Do an operation; yield each case of it with its review."""
    recorder.tier = tier_of(next((case for case in operation.reviews if case), "mutate-bare-pod"))
    if operation.prepare:
        operation.prepare(cluster)
    recorder.forget()
    operation.act(cluster)
    until(lambda: len(recorder.reviews) >= len(operation.reviews), f"all is asked about {operation.what}")
    endpoints = [case.partition("-")[0] for case in operation.reviews]
    asked = [endpoint for endpoint, _ in recorder.reviews]
    if len(asked) != len(endpoints) or any(
        case and case != endpoint for case, endpoint in zip(endpoints, asked, strict=True)
    ):
        msg = f"{operation.what}: expected {list(operation.reviews)}, the server asked at {asked}"
        raise CaptureFailed(msg)
    for case, (_, review) in zip(operation.reviews, recorder.reviews, strict=True):
        if case:
            yield case, review


def main(arguments: Sequence[str]) -> int:
    """Capture the named cases, or all."""

    def say(text: str) -> None:
        print(text, flush=True)

    if unknown := sorted(set(arguments) - set(CAPTURED)):
        say(f"no operation of tests/golden/operations.py gives {', '.join(unknown)}")
        return 2
    programs = binaries.ensure(say)
    with plane.running(programs, namespace=NAMESPACE, say=say) as running:
        paths = {name: programs[name] for name in ("kubectl", "helm")}
        cluster = Cluster(running.kubeconfig, paths, running.folder, (), running)
        entries = capture(cluster, CASES, wanted=lambda case: not arguments or case in arguments, say=say)
    rules.FILE.write_text(rules.write(entries))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
