"""The steps of modes Warn and Audit: what is judged, what is told, and how."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

STEPS: Final = (
    *steps(
        "tiergate.core.mode",
        ("modes", "there is no mode Warn", '("Enforce", "Warn", "Audit")', '("Enforce", "Audit")'),
        ("modes", "there is no mode Audit", '("Enforce", "Warn", "Audit")', '("Enforce", "Warn")'),
    ),
    *steps(
        "tiergate.core.decision",
        (
            "modes",
            "every mode refuses",
            'return not self.violations or self.mode != "Enforce"',
            "return not self.violations",
        ),
        ("modes", "no mode refuses", 'return not self.violations or self.mode != "Enforce"', "return True"),
    ),
    *steps(
        "tiergate.core.desired",
        (
            "modes",
            "native quota refuses in every mode",
            'return desired_quotas(tier) if tier.mode == "Enforce" else ()',
            "return desired_quotas(tier)",
        ),
        (
            "native-limit-range",
            "every tier asks for a LimitRange",
            "    if not tier.native_limit_range or tier",
            "    if tier",
        ),
        (
            "native-limit-range modes",
            "a LimitRange refuses in every mode",
            'if not tier.native_limit_range or tier.mode != "Enforce":',
            "if not tier.native_limit_range:",
        ),
        (
            "native-limit-range",
            "no LimitRange is wanted",
            "return tuple(sorted(tier.limits, key",
            "return () and tuple(sorted(tier.limits, key",
        ),
    ),
    *steps(
        "tiergate.core.evaluate",
        (
            "audit-defaults",
            "in mode Audit defaults are not named",
            'Decision(mode="Audit", defaults=limitrange.described(additions))',
            'Decision(mode="Audit")',
        ),
        (
            "audit-defaults",
            "in mode Audit a pod is judged without defaults",
            'if tier.mode == "Audit" and old is None and isinstance(subject, Pod):',
            "if False:",
        ),
        (
            "modes",
            "in mode Warn a pod is judged with defaults once more",
            'if tier.mode == "Audit" and old is None and isinstance(subject, Pod):',
            "if old is None and isinstance(subject, Pod):",
        ),
        ("L-4", "in mode Audit a resize gets defaults", "and old is None and isinstance(", "and isinstance("),
        (
            "audit-defaults R-24",
            "in mode Audit a pod has the QoS class of one without defaults",
            'msgspec.structs.replace(subject, qos_class="")',
            "subject",
        ),
        (
            "audit-defaults D-5a",
            "in mode Audit pod-level values are completed as the newest release does",
            "tier, minor=minor)\n    found",
            "tier, minor=NEWEST)\n    found",
        ),
        (
            "modes R-21",
            "what is told does not look at the time",
            "now=now, minor=minor).violations",
            "minor=minor).violations",
        ),
        (
            "modes R-32",
            "what is told does not look at the release",
            "now=now, minor=minor).violations",
            "now=now).violations",
        ),
        ("modes", "a quota that is not there is told of", 'if one.rule != "quota-pending")', ")"),
        (
            "modes",
            "what was left out is not said",
            "mode=tier.mode, unchecked=unchecked) if broken or unchecked else ALLOW",
            "mode=tier.mode) if broken else ALLOW",
        ),
        (
            "modes",
            "what would be refused is refused",
            "Decision(broken, mode=tier.mode, unchecked=unchecked)",
            "Decision(broken, unchecked=unchecked)",
        ),
    ),
    *steps(
        "tiergate.admission.answer",
        ("modes", "nothing is told", "        _report(response, question, decision, tier=tier)\n", "        pass\n"),
        (
            "modes",
            "quotas that were left out are not said",
            "        told.append(unchecked_sentence(tier))\n",
            "        pass\n",
        ),
        ("A-55", "audit annotations do not name the rules", '"rules": ",".join(rules), ', ""),
        ("audit-defaults", "audit annotations do not name the defaults", ', "defaults": _cut(', ', "": _cut('),
        ("modes A-54", "mode Audit warns", '    if mode == "Warn":\n', "    if True:\n"),
        ("modes A-55", "mode Warn annotates", '    if mode == "Warn":\n', "    if False:\n"),
        ("A-54", "warnings and annotations have several lines", "[one_line(text) for text in told]", "list(told)"),
        (
            "A-55",
            "an annotation of violations has any length",
            "_bounded(lines, MAX_ANNOTATION)",
            "_bounded(lines, 10 * MAX_ANNOTATION)",
        ),
        (
            "A-55",
            "an annotation of defaults has any length",
            "_cut(decision.defaults, MAX_ANNOTATION)",
            "_cut(decision.defaults, 10 * MAX_ANNOTATION)",
        ),
        (
            "A-55",
            "empty annotations are written",
            "for key, text in annotations.items() if text}",
            "for key, text in annotations.items()}",
        ),
        ("A-54", "equal lines are said again", "distinct = list(dict.fromkeys(lines))", "distinct = lines"),
        ("A-54", "there is no room for how many more", "most - MAX_WARNING  #", "most  #"),
        ("A-54", "lines that are left out are not counted", '*([f"and {left} more"] if left else [])', ""),
        (
            "A-55",
            "an exemption is not audited",
            '        response.auditAnnotations = {"exempt": decision.exempt}\n',
            "        pass\n",
        ),
        (
            "modes",
            "only the first value that cannot be read is told of",
            "    faults = error.malformed.every()\n    told",
            "    faults = error.malformed.every()[:1]\n    told",
        ),
        ("modes", "what cannot be read is refused", "allowed=True)\n    faults", "allowed=False)\n    faults"),
        ("A-55", "what cannot be read has no rule", 'further={"rules": "malformed"}', "further={}"),
    ),
    *steps(
        "tiergate.admission.messages",
        ("A-54", "a long warning keeps the way out", "    if len(told) <= COMFORTABLE:\n", "    if True:\n"),
        ("A-54", "a short warning loses the way out", "    if len(told) <= COMFORTABLE:\n", "    if False:\n"),
    ),
    *steps(
        "tiergate.server.admit",
        (
            "modes",
            "every mode is enforced",
            '        if tier.mode != "Enforce":\n            return self._reported',
            "        if False:\n            return self._reported",
        ),
        (
            "modes",
            "quotas of ours that are on their way out are judged",
            "for one in self._facts.quotas(asked.namespace) if not one.managed)",
            "for one in self._facts.quotas(asked.namespace))",
        ),
        ("modes", "quotas of others are not told of", "quotas = foreign + (used or ())", "quotas = used or ()"),
        ("modes", "usage is not told of", "quotas = foreign + (used or ())", "quotas = foreign"),
        ("modes", "usage that is not known is not said", "unchecked=used is None,", "unchecked=False,"),
        (
            "modes R-32",
            "what is told is judged by the newest release",
            "            minor=self._facts.minor(),\n        )\n",
            "        )\n",
        ),
        (
            "modes R-21",
            "what is told is judged at no time",
            "            now=self._wall_clock(),\n            minor",
            "            minor",
        ),
        (
            "modes",
            "what cannot be read is refused in every mode",
            'if tier is not None and tier.mode != "Enforce":',
            "if False:",
        ),
        (
            "modes",
            "the log calls what was told allowed",
            "_REPORTED[decision.mode] if decision.violations or decision.defaults else",
            "_REPORTED[decision.mode] if False else",
        ),
    ),
)
