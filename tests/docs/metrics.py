"""docs/metrics.md: every metric of the webhook, from what its recorder exposes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.values import ROOT
from tiergate.core.quantity import Quantity
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.metrics.rows import TierCondition, UsageRow

PAGE: Final[Path] = ROOT / "docs" / "metrics.md"
PREFIX: Final = "tiergate_"

LABELS: Final = {
    "endpoint": "`mutate`, `validate`, `workloads`, `namespaces` or `tiers`: the path that the API server called",
    "tier": "the name of a tier; empty if there is none",
    "kind": "the resource under review, for example `pods` or `deployments/scale`; empty if it could not be read",
    "outcome": "of a review: see [the review log](operate.md#the-review-log). Of an Event: `written`; `repeated` "
    "within ten minutes, or within ten seconds if its text has changed; `absent`, because the workload does not exist "
    "or has another uid; `dropped`, because there were too many; `failed`, see the log of the replica",
    "rule": "the id of the first rule that was broken ([refusals](operate.md#refusals)); empty if none was",
    "reason": "of an error: see [the review log](operate.md#the-review-log). Of a condition: see "
    "[conditions](operate.md#conditions-of-a-tier)",
    "namespace": "a governed namespace",
    "quota": "the name of the ResourceQuota: `tier` holds all quotas without scopes, `tier-...` one set of scopes",
    "resource": "the resource name in the quota, for example `requests.cpu`; of `tiergate_quotas_unchecked_total`: "
    "`pods` or `persistentvolumeclaims`",
    "condition": "`Ready` or `Enforcing`",
    "cache": "the plural of a watched resource; `index pods` and `index persistentvolumeclaims` exist while a tier is "
    "in mode Warn or Audit",
    "task": "the name of the background task, as in the log line `task failed`",
    "le": "the upper bound of a bucket of the histogram, in seconds",
}
"""What each label holds."""

_INTRODUCTION: Final = """\
# Metrics

Written by `make docs` from what the webhook exposes. Each replica of the webhook serves these metrics at `/metrics` on
its own port, over TLS, and reports for itself: sum or take the maximum over replicas. The controller serves no metrics;
the webhook reports what it does (`tiergate_tier_condition`, `tiergate_controller_silence_seconds`).

`/metrics` requires a bearer token whose user may `get` that path. For the Prometheus Operator the chart creates an
account with that right and a Secret with its token; `monitoring.serviceMonitor.account` permits it to a further
account ([monitoring](install.md#monitoring)). By hand:

```
kubectl -n tiergate-system port-forward deploy/tiergate-webhook 9443 &
curl -k -H "Authorization: Bearer $(kubectl create token ACCOUNT -n NAMESPACE)" https://127.0.0.1:9443/metrics
```

[The alerts](operate.md#alerts) of the chart are built on these metrics. Beside them there are the usual `process_*`
metrics for CPU, memory, file descriptors and start time.
"""


def families() -> list[Metric]:
    """Return what the webhook exposes once everything has happened, sorted by name; without ``process_*``."""
    recorder = PrometheusRecorder()
    recorder.review(endpoint="validate", kind="pods", tier="dev", outcome="denied", rule="limit-max", seconds=0.001)
    recorder.error(endpoint="validate", reason="internal")
    recorder.cache_age("tiers", 0)
    recorder.cache_faults("tiers", 0)
    recorder.task_failed("index")
    recorder.quotas_unchecked("pods", 1)
    recorder.event("written")
    two = Quantity.parse("2")
    recorder.usage((UsageRow("dev", "dev", "tier", "pods", two, two),))
    recorder.tier_conditions((TierCondition("dev", "Ready", "QuotasInForce", holds=True),))
    found = text_string_to_metric_families(recorder.exposition().decode())
    return sorted((one for one in found if one.name.startswith(PREFIX)), key=lambda family: family.name)


def labels(family: Metric) -> set[str]:
    """Return the labels of a metric."""
    return {label for sample in family.samples for label in sample.labels}


def written() -> str:
    """Return the whole page."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    yield "| metric | type | labels | meaning |\n|---|---|---|---|"
    for family in families():
        name = family.name + ("_total" if family.type == "counter" else "")
        names = [f"`{label}`" for label in LABELS if label in labels(family)]
        yield f"| `{name}` | {family.type} | {', '.join(names)} | {family.documentation} |"
    yield "\n## Labels\n\n| label | value |\n|---|---|"
    yield from (f"| `{label}` | {says} |" for label, says in LABELS.items())
    yield ""
