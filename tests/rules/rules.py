"""Kubernetes' rules about pods, resizes, claims, LimitRange items and ResourceQuotas, and ours beside them.

An id is how tests, comments and docs/differences.md name a rule. Each is either implemented, which means that a test
carries the mark `rule` with its id, or left out for a reason.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

Area: TypeAlias = Literal[
    "Quantities", "Defaulting and validation of pods", "LimitRanger", "ResourceQuota", "Admission", "Workloads", "Ours"
]


class Rule(msgspec.Struct, frozen=True):
    """One rule: what it says in a line, and why it is not implemented, where that is so."""

    id: str
    says: str
    left_out: str = ""

    @property
    def area(self) -> Area:
        """The part of the table it stands in."""
        return _AREAS.get(self.id.partition("-")[0], "Ours")


_AREAS: Final[dict[str, Area]] = {
    "Q": "Quantities",
    "D": "Defaulting and validation of pods",
    "L": "LimitRanger",
    "R": "ResourceQuota",
    "A": "Admission",
    "X": "Admission",
    "W": "Workloads",
}

_SERVER: Final = "done by the API server before or after us; nothing to implement"
_ADVICE: Final = "a statement about other rules"
_CONTROLLER: Final = "the quota controller's own bookkeeping; we read its result"
_CONTROLLER_RETRIES: Final = "a controller tries again what is refused; a forecast does not depend on it"
_NOT_OURS: Final = "other objects are left to native quota"

RULES: Final = (
    Rule("Q-1", "scan order: sign, digits, point, digits, suffix, end"),
    Rule("Q-2", "the suffixes, and the format each is remembered in"),
    Rule("Q-3", "the empty or blank text is a format error"),
    Rule("Q-4", "a missing mantissa is zero where the pair form applies, else a numeric error"),
    Rule("Q-5", "the three errors and their words"),
    Rule("Q-6", "exponents are truncated to 32 bits; beyond a bound we refuse"),
    Rule("Q-7", "which texts take the pair form"),
    Rule("Q-8", "amounts are rounded away from zero to nano"),
    Rule("Q-9", "binary amounts are capped at 2^63-1, others are not"),
    Rule("Q-10", "binary amounts between 0 and 1 are remembered as decimal"),
    Rule("Q-11", "rounding to milli is not the parser's, but of API defaulting"),
    Rule("Q-12", "zero prints as 0"),
    Rule("Q-13", "canonical decimal and exponent text"),
    Rule("Q-14", "canonical binary text"),
    Rule(
        "Q-15",
        "an input's spelling may be kept",
        "we compare by value and print canonically; the server keeps spellings",
    ),
    Rule("Q-16", "a JSON number is a quantity"),
    Rule("Q-17", "a JSON number is read from its text"),
    Rule("Q-18", "null is a present zero"),
    Rule("Q-19", "blanks around the text are trimmed"),
    Rule("Q-20", "built-in objects carry quantities as strings", _SERVER),
    Rule("Q-20a", "YAML scalars are resolved before they are quantities, where YAML is read: in manifests"),
    Rule("Q-21", "64-bit projections, their rounding and overflow"),
    Rule("Q-22", "comparison is exact, across formats"),
    Rule("Q-23", "sums and differences are exact"),
    Rule("Q-24", "a sum has the left operand's format, unless it is zero"),
    Rule("Q-24a", "the rules above were compared with the reference", "done by tests/quantity_oracle"),
    Rule("Q-25", "a quantity is an integer of nano-units", "how it is built, see ADR 1"),
    Rule("D-0", "defaulting is part of decoding", _SERVER),
    Rule("D-1", "typed amounts are rounded up to milli"),
    Rule("D-2", "copying comes before rounding", "the two commute: rounding a copy gives a copy"),
    Rule("D-3", "a limit without a request becomes the request"),
    Rule("D-4", "templates are not completed, so we complete them ourselves"),
    Rule("D-5", "pod-level hugepages limits come from the containers"),
    Rule("D-5a", "when the pod level is completed depends on the release"),
    Rule("D-6", "up to 1.36 pod-level requests come from the containers where there is a pod-level limit"),
    Rule("D-6a", "from 1.37 where there is any pod-level value"),
    Rule("D-7", "a pod-level limit without a request becomes the request"),
    Rule("D-7a", "from 1.37 a limit that every container has becomes the pod-level limit"),
    Rule("D-8", "what containers may ask beside pod-level values"),
    Rule("D-9", "pod-level resources under container defaults"),
    Rule("D-10", "which names are extended resources"),
    Rule("D-11", "amounts are not negative, extended ones whole"),
    Rule("D-12", "a request is at most its limit"),
    Rule("D-13", "hugepages and extended resources: request equals limit"),
    Rule("D-14", "hugepages need cpu or memory and whole pages"),
    Rule("D-15", "ephemeral containers have no resources", "they are not read at all, tests/wire/test_pod.py"),
    Rule("D-16", "API validation runs between mutating and validating admission"),
    Rule("D-17", "the QoS class"),
    Rule("L-1", "the defaults an item derives from max, default and min"),
    Rule("L-2", "what an item may not say"),
    Rule("L-3", "which requests LimitRanger handles"),
    Rule("L-4", "objects being deleted are left alone; ours may not grow"),
    Rule("L-5", "there are no exemptions", "a tier has exemptions of its own, docs/differences.md"),
    Rule("L-6", "LimitRanges come from a cache", "tiers come from ours; a stale one is read live"),
    Rule("L-7", "several LimitRanges are asked in no fixed order"),
    Rule("L-10", "missing limits and requests get the defaults"),
    Rule("L-11", "limits and requests are filled independently"),
    Rule("L-12", "the annotation that names what was set", "ours is another one: defaults-annotation"),
    Rule("L-12a", "a client's own annotation proves nothing", "we never read native's"),
    Rule("L-13", "the annotation is replaced by each run", "ours is continued: A-31"),
    Rule("L-13a", "after an injection it names the injected container", "ours is continued: A-31"),
    Rule("L-14", "which messages can be seen on a create", _ADVICE),
    Rule("L-20", "what each type of item is judged on"),
    Rule("L-21", "min"),
    Rule("L-22", "max"),
    Rule("L-23", "maxLimitRequestRatio"),
    Rule("L-24", "claims: min and max of the storage request"),
    Rule("L-25", "names that are not in the item are not judged", "follows from walking the item's names"),
    Rule("L-26", "the sentences"),
    Rule("L-27", "an update of a claim is judged, changed or not; ours where it changed"),
    Rule("L-28", "a resize is judged in full; ours where it changes"),
    Rule("L-29", "a resize gets missing defaults", "ours does not touch a resize, docs/differences.md"),
    Rule("L-30", "pod totals: sums, init steps, sidecars"),
    Rule("L-31", "pod-level cpu and memory replace pod totals"),
    Rule("L-32", "pod totals are without overhead and status"),
    Rule("L-40", "legacy comparison by projections"),
    Rule("L-41", "where it differs from exact comparison"),
    Rule("L-42", "large amounts are compared in whole units"),
    Rule("L-50", "traps to tell users about", _ADVICE),
    Rule("R-1", "status.hard and status.used are what counts"),
    Rule("R-2", "the names a quota may have"),
    Rule("R-3", "bounds are not negative, counts whole"),
    Rule("R-4", "which scopes go with which names"),
    Rule("R-5", "operators and values of a scopeSelector"),
    Rule("R-6", "objects that are never counted", _NOT_OURS),
    Rule("R-7", "count/<resource>"),
    Rule("R-8", "which requests are handled"),
    Rule("R-9", "which quotas have a word in a request"),
    Rule("R-20", "count/pods"),
    Rule("R-21", "pods that are over, or stuck in their deletion, count as objects only"),
    Rule("R-22", "the names each resource is charged under"),
    Rule("R-23", "values that every container must have"),
    Rule(
        "R-23a", "also on a resize", "R-23's rule does not ask which request it is, tests/core/test_quota_required.py"
    ),
    Rule("R-24", "the scopes of pods"),
    Rule("R-30", "container aggregation"),
    Rule("R-31", "pod-level values replace it, overhead is added"),
    Rule("R-32", "up to 1.36 a resize in progress counts the largest of each container"),
    Rule("R-33", "from 1.37 the largest of the aggregates"),
    Rule("R-34", "pod-level status is not read"),
    Rule("R-35", "a resize up is charged at admission, down by the controller", _CONTROLLER),
    Rule("R-40", "claims are counted, also for their class"),
    Rule("R-41", "storage in whole bytes, at least what is allocated"),
    Rule("R-42", "where the class name comes from"),
    Rule("R-43", "the scope VolumeAttributesClass"),
    Rule("R-44", "a claim is charged its increase"),
    Rule("R-44a", "a reduction is released at once", _CONTROLLER),
    Rule(
        "R-45",
        "status updates of claims are charged and never refused",
        "our webhook does not match them, and reads what they allocated (R-41)",
    ),
    Rule("R-46", "services", _NOT_OURS),
    Rule("R-47", "names of device classes, which claims of devices are charged under too"),
    Rule("R-48", "secrets, config maps and others", _NOT_OURS),
    Rule("R-50", "the decision"),
    Rule("R-51", "what an excess is reported as"),
    Rule("R-52", "cpu and requests.cpu are both reported", "follows from R-51, tests/core/test_quota_exceeded.py"),
    Rule("R-53", "failed creations stay charged for a while", _CONTROLLER),
    Rule("R-54", "quota evaluation may time out", _SERVER),
    Rule("R-55", "limitedResources of the admission configuration", "a file of the API server that no client can read"),
    Rule("R-56", "requests of a namespace are evaluated in batches", _SERVER),
    Rule("R-57", "conflicts are tried again", _SERVER),
    Rule("R-58", "several quota objects are no hard bound"),
    Rule("R-59", "several API servers race through compare-and-swap", _SERVER),
    Rule("R-59a", "a dry run is judged and not charged", "we charge nothing; every review is judged alike"),
    Rule("R-60", "when usage is computed anew", _CONTROLLER),
    Rule("R-60a", "what the controller does not notice", _CONTROLLER),
    Rule("R-61", "names that nothing measures have no used entry"),
    Rule("R-61a", "counts of new custom resources refuse at first", _NOT_OURS),
    Rule("R-62", "what can be counted", _NOT_OURS),
    Rule(
        "R-63", "quota writes pass webhooks", "our webhook never matches resourcequotas, tests/chart/test_webhooks.py"
    ),
    Rule("R-70", "traps to tell users about", _ADVICE),
    Rule("A-11", "an update shows the new and the stored object"),
    Rule("A-21", "a generated name is absent in the mutating pass"),
    Rule("A-25", "a resize is a subresource of its own"),
    Rule("A-27", "what a resize may change", _SERVER),
    Rule("A-31", "a webhook may be asked again after another's change"),
    Rule("A-33", "a patch is decoded and completed again"),
    Rule("A-41", "a patch and its type come together"),
    Rule("A-42", "a patch is base64"),
    Rule("A-44", "a patch that does not apply is an error whatever the failurePolicy"),
    Rule("A-47", "an empty patch changes nothing"),
    Rule("A-52", "the code and reason of a denial reach the user"),
    Rule("A-53", "kubectl shows a denial best as 403 Forbidden"),
    Rule("A-54", "what a warning may hold"),
    Rule("A-55", "what an audit annotation may hold"),
    Rule("X-1", "parents, members and escapes of a JSON patch"),
    Rule("W-1", "how a Deployment rounds maxSurge and maxUnavailable"),
    Rule("W-1a", "a change of replicas with the template: the peak"),
    Rule("W-1b", "Recreate waits until the old pods are gone"),
    Rule("W-1c", "without room for the surge a rollout with maxUnavailable 0 is stuck"),
    Rule("W-1d", "for a moment there may be one pod more", _CONTROLLER_RETRIES),
    Rule("W-2", "what a workload that is judged itself has made is not judged again"),
    Rule("W-3", "a StatefulSet never surges, and its claims stay"),
    Rule("W-4", "how many pods a Job runs at once"),
    Rule("W-5", "how many Jobs a CronJob runs at once"),
    Rule("W-6", "creation comes in bursts", _CONTROLLER_RETRIES),
    Rule("W-7", "PodTemplates create nothing", _NOT_OURS),
    Rule("W-8", "a DaemonSet's pods and its maxSurge follow the nodes"),
    Rule("limit-zero", "a limit of 0 of what the tier bounds in any way is refused"),
    Rule("terminating", "what is being deleted is judged where it grows; nothing that deletion needs is judged"),
    Rule("lifted-limit", "a default limit below the request is lifted to it"),
    Rule("lowered-limit", "a default limit above maxLimitRequestRatio x the request is lowered to it"),
    Rule("pod-level-suppression", "pod-level values suppress defaults on their side"),
    Rule("pod-level-max", "a pod-level limit stands for a container's missing one under a max"),
    Rule("pod-level-min", "a pod-level value stands for the containers' missing ones under a min"),
    Rule("valid-defaults-only", "no default is set that the API would refuse"),
    Rule("unchanged", "a value that an update does not change is not judged again"),
    Rule("defaults-annotation", "the annotation that names what was set"),
    Rule("audit-defaults", "in mode Audit defaults are only named, and a new pod is judged as if it had them"),
    Rule("modes", "modes Warn and Audit tell of what Enforce would refuse, and refuse nothing"),
    Rule("counted-usage", "for them usage is what the namespace's pods and claims add up to"),
    Rule("quota-pending", "a quota of the tier that is not in force yet refuses"),
    Rule("smaller-bound", "of several quotas of one scope set the smaller bound is in force"),
    Rule("negative-limit", "a limit of a tier is not negative"),
    Rule("claim-defaults", "a claim item has no defaults: nobody would set them"),
    Rule("native-limit-range", "a tier that asks for it has its limits as a LimitRange, too, in mode Enforce"),
    Rule("quota-name", "quotas of a tier have different names"),
    Rule("unreachable-default", "a default fits every quota of the tier that counts all pods"),
)
