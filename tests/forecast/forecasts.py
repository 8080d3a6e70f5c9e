"""What the webhook forecasts: by the rules in its log, and by the number of pods that a sentence says."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from tests.controlplane.cluster import NAMESPACE
from tests.differential.api import Api
from tests.forecast.workloads import NAME

Fate = Literal["never", "some", "stalls", "all", "unchecked", "unasked"]
FATES: Final[dict[str, Fate]] = {
    "workload-never-runs": "never",
    "workload-does-not-fit": "some",
    "workload-rollout-stalls": "stalls",
    "workload-unchecked": "unchecked",
}
"""What each rule forecasts; of several the first one here."""
_FIT: Final = re.compile(r"\b(\d+) of \d+ pods fit")
"""No field of an answer holds the number."""
_PODS: Final = f"/api/v1/namespaces/{NAMESPACE}/pods"
_WEBHOOK: Final = "labelSelector=app.kubernetes.io/component=webhook"

Asked = tuple[str, str]
"""Namespace and operation: in each case there is one creation and one update at most."""


class Answer(msgspec.Struct, frozen=True):
    """What the API server answered: whether the webhook refused, why, and everything that was said."""

    denied: bool
    rules: tuple[str, ...]
    """Those of the refusal's causes; of what is only warned of the log tells."""
    words: tuple[str, ...]


class Forecast(msgspec.Struct, frozen=True):
    """No pod runs, ``pods`` of them do, the rollout stalls, or (nothing is said) all is well."""

    fate: Fate
    pods: int = 0
    denied: bool = False
    words: tuple[str, ...] = ()


class _Line(msgspec.Struct):
    """A line of the webhook's log."""

    message: str = ""
    endpoint: str = ""
    operation: str = ""
    namespace: str = ""
    name: str = ""
    status: int = 0
    rules: tuple[str, ...] = ()


def forecast(answer: Answer, logged: tuple[str, ...] | None) -> Forecast:
    """Return what an answer forecasts; ``logged`` are the rules of the review, None: there was no review."""
    rules = {*answer.rules, *(logged or ())}
    if logged is None and not answer.denied:
        return Forecast("unasked", words=answer.words)
    fate: Fate = next((fate for rule, fate in FATES.items() if rule in rules), "all")
    pods = min((int(number) for number in _FIT.findall(" ".join(answer.words))), default=0)
    return Forecast(fate, pods, answer.denied, answer.words)


async def logged(api: Api) -> dict[Asked, tuple[str, ...]]:
    """Return the rules of every review of a workload of a case, by what was asked."""
    found: dict[Asked, tuple[str, ...]] = {}
    decode = msgspec.json.Decoder(_Line).decode
    for pod in (await api.call("GET", f"{_PODS}?{_WEBHOOK}"))["items"]:
        _, text = await api.ask("GET", f"{_PODS}/{pod['metadata']['name']}/log")
        for line in text.splitlines():
            if b'"workloads"' in line:
                review = decode(line)
                if review.message == "review" and review.name == NAME and review.status == 200:
                    found[review.namespace, review.operation] = review.rules
    return found
