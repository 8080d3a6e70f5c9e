"""The steps of a review that rules are about: which requests are judged, and what an answer may hold."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

STEPS: Final = (
    *steps(
        "tiergate.admission.question",
        ("A-25 R-8", "a resize is not judged", '(POD, "CREATE"), (RESIZE, "UPDATE"), ', '(POD, "CREATE"), '),
        ("R-8 R-44", "a growing claim is not judged", ', (CLAIM, "UPDATE")})', "})"),
        (
            "R-8 L-3",
            "a plain update of a pod is judged",
            '"validate": frozenset({(POD, "CREATE"), ',
            '"validate": frozenset({(POD, "CREATE"), (POD, "UPDATE"), ',
        ),
        (
            "A-11 R-50",
            "the stored object is not read",
            '    if request.operation != "UPDATE" or request.oldObject is None:\n',
            "    if True:\n",
        ),
        (
            "A-11",
            "an update without a stored object is judged",
            '    if request.operation == "UPDATE" and request.oldObject is None:\n',
            "    if False:\n",
        ),
        (
            "A-21",
            "a generated name is not the prefix",
            "name=request.name or subject.name,",
            'name=request.name or "",',
        ),
    ),
    *steps(
        "tiergate.admission.answer",
        (
            "A-41 A-47",
            "a patch comes without its type",
            'response.patchType, response.patch = "JSONPatch", _patch(decision.patch)',
            "response.patch = _patch(decision.patch)",
        ),
        (
            "A-42",
            "a patch is not base64",
            "return base64.b64encode(_encode(operations)).decode()",
            "return _encode(operations).decode()",
        ),
        ("A-52 A-53", "a denial has another code", "    code: int = 403\n", "    code: int = 422\n"),
        ("A-53", "a denial has the reason Invalid", '    reason: str = "Forbidden"\n', '    reason: str = "Invalid"\n'),
        (
            "A-54",
            "a warning has several lines",
            'clean = "".join(char if char.isprintable() else " " for char in text[: most + 1])',
            "clean = text[: most + 1]",
        ),
        (
            "A-54",
            "a warning has any length",
            "    return _cut(text, MAX_WARNING)\n",
            "    return _cut(text, 10 * MAX_WARNING)\n",
        ),
        (
            "A-54",
            "warnings have any length together",
            "_bounded(lines, MAX_WARNINGS)",
            "_bounded(lines, 10 * MAX_WARNINGS)",
        ),
    ),
)
