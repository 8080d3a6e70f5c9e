"""The template of a workload: the pod that it becomes, and what decides where that runs and which claims it brings."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.placement import MOST_TERMS, NodeRequirement, NodeTerm, Placement, Toleration
from tiergate.core.podspec import Pod
from tiergate.wire.claim import WireClaim, to_claim
from tiergate.wire.decode import Decoder
from tiergate.wire.malformed import Excess, Malformed
from tiergate.wire.pod import Affinity, PodSpec, WirePod, to_pod
from tiergate.wire.types import Name

MAX_CLAIMS: Final = 250
"""Claims of one pod that are judged."""


class WireNodeRequirement(msgspec.Struct):
    """An entry of ``matchExpressions`` or ``matchFields``."""

    key: Name = ""
    operator: Name = ""
    values: list[Name] | None = None


class WireNodeTerm(msgspec.Struct):
    """An entry of ``nodeSelectorTerms``."""

    matchExpressions: list[WireNodeRequirement] | None = None
    matchFields: list[WireNodeRequirement] | None = None


class NodeSelector(msgspec.Struct):
    """``requiredDuringSchedulingIgnoredDuringExecution`` of a node affinity."""

    nodeSelectorTerms: list[WireNodeTerm] | None = None


class NodeAffinity(msgspec.Struct):
    """``nodeAffinity``."""

    requiredDuringSchedulingIgnoredDuringExecution: NodeSelector | None = None


class TemplateAffinity(Affinity):
    """``affinity`` of a template."""

    nodeAffinity: NodeAffinity | None = None


class WireToleration(msgspec.Struct):
    """An entry of ``tolerations``."""

    key: Name | None = None
    operator: Name | None = None
    value: Name | None = None
    effect: Name | None = None


class EphemeralVolume(msgspec.Struct):
    """``ephemeral`` of a volume."""

    volumeClaimTemplate: WireClaim | None = None


class Volume(msgspec.Struct):
    """An entry of ``volumes``."""

    ephemeral: EphemeralVolume | None = None


class TemplateSpec(PodSpec):
    """``spec`` of a template: of a pod, and what only whoever makes pods has to know."""

    affinity: TemplateAffinity | None = None
    runtimeClassName: Name | None = None
    nodeName: Name | None = None
    nodeSelector: dict[Name, Name] | None = None
    tolerations: list[WireToleration] | None = None
    hostNetwork: bool | None = None
    volumes: list[Volume] | None = None


class WireTemplate(WirePod):
    """A PodTemplateSpec, as far as we read it."""

    spec: TemplateSpec | None = None


class Template(msgspec.Struct, frozen=True):
    """What a workload's template says.

    ``written`` are its bytes, ``wire`` is what was read of them.
    """

    written: bytes
    wire: WireTemplate
    pod: Pod
    claims: tuple[Claim, ...] = ()

    @property
    def runtime_class(self) -> str:
        """The RuntimeClass, whose overhead the pods get; "" for none."""
        return (self.wire.spec and self.wire.spec.runtimeClassName) or ""

    @property
    def placement(self) -> Placement | None:
        """Where the pods of a DaemonSet may run; None where it says too much to keep, so that nobody counts nodes."""
        return _placement(self.wire.spec or TemplateSpec())


_DECODER: Final = Decoder(WireTemplate)


def read_template(raw: bytes, pointer: str, *, old: Template | None = None) -> Template:
    """Return a template that stands at the pointer; raise Malformed.

    It has the pod and the claims of the stored one where these say the same of what is read, as after a new image:
    whoever works something out of one has then worked it out of both.
    """
    if old is not None and raw == old.written:
        return old
    return _DECODER.read(raw, partial(_to_template, raw), _strictly, pointer, old)


def _strictly(raw: bytes, pointer: str, old: Template | None) -> Template:
    try:
        return _to_template(raw, _DECODER.strict(raw, pointer), pointer, old)
    except Malformed:
        raise
    except ValueError as error:
        reason = str(error)
    raise Malformed(pointer, reason)


def _to_template(raw: bytes, wire: WireTemplate, pointer: str, old: Template | None) -> Template:
    if old is not None and wire == old.wire:
        return Template(raw, old.wire, old.pod, old.claims)
    pod = to_pod(wire, pointer=pointer)
    return Template(raw, wire, pod, _claims(wire.spec or TemplateSpec(), pointer))


def _claims(spec: TemplateSpec, pointer: str) -> tuple[Claim, ...]:
    """Return the claims of generic ephemeral volumes."""
    if not spec.volumes:
        return ()
    claims = [
        to_claim(
            volume.ephemeral.volumeClaimTemplate,
            pointer=f"{pointer}/spec/volumes/{index}/ephemeral/volumeClaimTemplate",
        )
        for index, volume in enumerate(spec.volumes)
        if volume.ephemeral is not None and volume.ephemeral.volumeClaimTemplate is not None
    ]
    count_claims(len(claims), f"{pointer}/spec/volumes")
    return tuple(claims)


def count_claims(count: int, pointer: str) -> None:
    """Raise Excess for more claims of a pod than are judged."""
    if count > MAX_CLAIMS:
        raise Excess(pointer, f"{count} claims, and at most {MAX_CLAIMS} are judged")


def _placement(spec: TemplateSpec) -> Placement | None:
    affinity = spec.affinity.nodeAffinity if spec.affinity else None
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity else None
    if _size(spec, required) > MOST_TERMS:
        return None
    terms = None if required is None else tuple(_term(one) for one in required.nodeSelectorTerms or ())
    tolerations = tuple(
        Toleration(one.key or "", one.operator or "Equal", one.value or "", one.effect or "")
        for one in spec.tolerations or ()
    )
    return Placement(spec.nodeName or "", spec.nodeSelector or {}, terms, tolerations, spec.hostNetwork is True)


def _size(spec: TemplateSpec, required: NodeSelector | None) -> int:
    """Return how many labels, tolerations, terms, expressions and values there are."""
    terms = (required.nodeSelectorTerms if required else None) or []
    wanted = [one for term in terms for part in (term.matchExpressions, term.matchFields) for one in part or ()]
    values = sum(len(one.values or ()) for one in wanted)
    return len(spec.nodeSelector or ()) + len(spec.tolerations or ()) + len(terms) + len(wanted) + values


def _term(wire: WireNodeTerm) -> NodeTerm:
    return NodeTerm(_requirements(wire.matchExpressions), _requirements(wire.matchFields))


def _requirements(wires: list[WireNodeRequirement] | None) -> tuple[NodeRequirement, ...]:
    return tuple(NodeRequirement(one.key, one.operator, tuple(one.values or ())) for one in wires or ())
