"""The steps of usage that is computed from a namespace's objects, for tiers without native quota."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

STEPS: Final = (
    *steps(
        "tiergate.core.tally",
        ("R-21", "grace never runs out", "if self.over_at is None or now <= self.over_at:", "if True:"),
        ("R-21", "the last moment of grace does not count", "now <= self.over_at", "now < self.over_at"),
        (
            "R-21",
            "a pod past its grace is not even an object",
            'for name, quantity in charged.items() if name == "count/pods"}',
            "for name, quantity in charged.items() if False}",
        ),
        (
            "R-32",
            "earlier releases count as later ones",
            "charged = self.charge if minor >= MAX_OF_SUMS else self.earlier",
            "charged = self.charge",
        ),
        (
            "R-33",
            "later releases count as earlier ones",
            "charged = self.charge if minor >= MAX_OF_SUMS else self.earlier",
            "charged = self.earlier",
        ),
        (
            "R-32",
            "what earlier releases count is not looked at",
            "charged, earlier = charge(subject), charge(subject, minor=MAX_OF_SUMS - 1)",
            "charged = earlier = charge(subject)",
        ),
        (
            "R-32",
            "pods that later releases count alike are equal",
            "_amounts(charged), _amounts(earlier), *_traits",
            "_amounts(charged), *_traits",
        ),
        (
            "R-33",
            "pods that earlier releases count alike are equal",
            "_amounts(charged), _amounts(earlier), *_traits",
            "_amounts(earlier), *_traits",
        ),
        ("R-21", "pods are equal whenever their grace ends", "key = (over_at, ", "key = (None, "),
        ("R-24 R-43", "pods are equal whatever scopes they are in", ", *_traits(shape))", ")"),
        (
            "Q-24",
            "amounts of other formats are equal",
            "(name, quantity.nano, quantity.format)",
            "(name, quantity.nano)",
        ),
        (
            "R-21",
            "grace has no length",
            "return subject.deleted_at + subject.grace_seconds",
            "return subject.deleted_at",
        ),
        (
            "R-43",
            "the attributes class of a claim is forgotten",
            "return Claim(attributes_classes=subject.attributes_classes)",
            "return Claim()",
        ),
        (
            "counted-usage",
            "pods with different deadlines are not equal",
            "None if deadline is None else max(-1, min(deadline, 0))",
            "deadline",
        ),
        ("R-24", "a negative deadline is a deadline", "max(-1, min(deadline, 0))", "0"),
        ("R-24", "a deadline is forgotten", "None if deadline is None else max(-1, min(deadline, 0))", "None"),
        ("R-24", "the QoS class is forgotten", "        qos_class=qos_class(subject),\n", ""),
        ("R-24", "the priority class is forgotten", "        priority_class=subject.priority_class,\n", ""),
        (
            "R-24",
            "affinity across namespaces is forgotten",
            "        cross_namespace_affinity=subject.cross_namespace_affinity,\n",
            "",
        ),
        ("counted-usage", "what an object was stays counted", "self._count(namespace, before, by=-1)", "pass"),
        ("counted-usage", "an object is not counted", "self._count(namespace, footprint, by=1)", "pass"),
        ("counted-usage", "an object is forgotten", "self._of[key] = footprint", "pass"),
        ("counted-usage", "one of equal objects is counted", "+ by", "* 0 + max(by, 0)"),
        ("counted-usage", "footprints nobody has any more stay", "        if number:\n", "        if True:\n"),
        (
            "counted-usage",
            "namespaces are one",
            'namespace = key.partition("/")[0]',
            'namespace = "dev"',
        ),
        ("R-24 R-43", "scopes select nothing", "if matches(footprint.shape, quota):", "if True:"),
        ("counted-usage", "equal objects count once", "quantity.nano * number", "quantity.nano"),
        (
            "R-20 R-22",
            "pods are not measured",
            "(*measured_by(Pod, quota), *measured_by(Claim, quota))",
            "measured_by(Claim, quota)",
        ),
        (
            "R-40",
            "claims are not measured",
            "(*measured_by(Pod, quota), *measured_by(Claim, quota))",
            "measured_by(Pod, quota)",
        ),
        ("Q-24", "a zero decides the format", "if name in nanos and quantity.nano:", "if name in nanos:"),
        (
            "Q-24",
            "the last amount decides the format",
            "formats.setdefault(name, quantity.format)",
            "formats[name] = quantity.format",
        ),
        (
            "counted-usage",
            "quotas without a name of the kind are shown",
            "for one in desired_quotas(tier) if measured_by(kind, one))",
            "for one in desired_quotas(tier))",
        ),
        (
            "counted-usage",
            "names of another kind are shown",
            "{name: desired.hard[name] for name in measured_by(kind, desired)}",
            "desired.hard",
        ),
        ("R-24", "what is shown has no scopes", "        scopes=desired.scopes,\n", ""),
        ("R-24", "what is shown has no selector", "        scope_selector=desired.scope_selector,\n", ""),
        ("counted-usage", "what is shown is somebody else's", "        managed=True,\n", ""),
        (
            "R-32",
            "what is shown is counted as later releases do",
            "used(one, counts.items(), now=now, minor=minor)",
            "used(one, counts.items(), now=now, minor=99)",
        ),
        (
            "R-21",
            "what is shown is counted at no time",
            "used(one, counts.items(), now=now, minor=minor)",
            "used(one, counts.items(), now=0, minor=minor)",
        ),
        (
            "counted-usage",
            "tiers in mode Enforce have their objects counted",
            'for tier in tiers if tier.mode != "Enforce" for one',
            "for tier in tiers for one",
        ),
        (
            "counted-usage",
            "kinds that no quota counts are counted",
            "for kind in kinds if any(measured_by(kind, one) for one in quotas))",
            "for kind in kinds if quotas)",
        ),
        ("counted-usage", "names that are counted are said not to be", "sorted(names - counted)", "sorted(names)"),
    ),
    *steps(
        "tiergate.cluster.usage_index",
        (
            "R-32",
            "the index does not ask which release it is",
            "minor=self._minor())",
            "minor=37)",
        ),
        (
            "counted-usage",
            "an index that has lost touch is relied on",
            " and self._clock() <= cache.trusted_until",
            "",
        ),
        (
            "R-20 R-21",
            "pods that say the same but for their end are alike",
            "encode((wire.spec, wire.status, metadata.deletionTimestamp, metadata.deletionGracePeriodSeconds))",
            "encode((wire.spec,))",
        ),
    ),
)
