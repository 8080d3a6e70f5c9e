"""Names, labels and annotations at their bounds; a real API server is asked about all of them in tests/cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tiergate.core.naming import DNS_LABEL, DNS_SUBDOMAIN, NAMES, key_fault, label_fault

JOB = NAMES["batch", "Job"]
CRON_JOB = NAMES["batch", "CronJob"]
CONTROLLER = NAMES["", "ReplicationController"]
LABEL = "a DNS label: a-z, 0-9 and -, with a letter or digit at both ends"
SUBDOMAIN = "a DNS subdomain: a-z, 0-9, - and ., with a letter or digit at both ends and beside each dot"
VALUE = "the value of a label: letters, digits, -, _ and ., with a letter or digit at both ends, or nothing"
KEY = (
    "an optional prefix and a slash, and then at most 63 letters, digits, -, _ and ., "
    "with a letter or digit at both ends"
)
SIXTY = "a" * 60


@pytest.mark.parametrize(
    ("fault", "text", "said"),
    [
        (DNS_LABEL.fault, "a" * 63, ""),
        (DNS_LABEL.fault, "a" * 64, f'"{SIXTY}..." has 64 characters, at most 63 are allowed'),
        (DNS_LABEL.fault, "a.b", f'"a.b" is not {LABEL}'),
        (DNS_SUBDOMAIN.fault, "a-0.b", ""),
        (DNS_SUBDOMAIN.fault, "a" * 253, ""),
        (DNS_SUBDOMAIN.fault, "a" * 254, f'"{SIXTY}..." has 254 characters, at most 253 are allowed'),
        (DNS_SUBDOMAIN.fault, "a..b", f'"a..b" is not {SUBDOMAIN}'),
        (JOB.fault, "a" * 63, ""),
        (JOB.fault, "a" * 64, f'"{SIXTY}..." has 64 characters, at most 63 are allowed'),
        (CRON_JOB.fault, "a" * 52, ""),
        (CRON_JOB.fault, "a" * 53, f'"{"a" * 53}" has 53 characters, at most 52 are allowed'),
        (label_fault, "", ""),
        (label_fault, "A_b.c-1", ""),
        (label_fault, "a" * 63, ""),
        (label_fault, "a" * 64, f'"{SIXTY}..." has 64 characters, at most 63 are allowed'),
        (label_fault, "a-", f'"a-" is not {VALUE}'),
        (key_fault, "A_b", ""),
        (key_fault, "a.b/C", ""),
        (key_fault, "a" * 63, ""),
        (key_fault, "a" * 64, f'the key "{SIXTY}..." is not {KEY}'),
        (key_fault, "a/", f'the key "a/" is not {KEY}'),
        (key_fault, "A/b", f'the prefix of the key: "A" is not {SUBDOMAIN}'),
        (key_fault, "/b", f'the prefix of the key: "" is not {SUBDOMAIN}'),
        (key_fault, "a/b/c", f'the prefix of the key: "a/b" is not {SUBDOMAIN}'),
    ],
)
def test_a_text_is_refused_with_its_bound(fault: Callable[[str], str], text: str, said: str) -> None:
    assert fault(text) == said


@pytest.mark.parametrize(
    ("fault", "text", "said"),
    [
        (DNS_SUBDOMAIN.prefix_fault, "a-", ""),
        (DNS_SUBDOMAIN.prefix_fault, "a", ""),
        (DNS_SUBDOMAIN.prefix_fault, "-", f'a name generated from it: "-00000" is not {SUBDOMAIN}'),
        (DNS_SUBDOMAIN.prefix_fault, "A-", f'a name generated from it: "A-00000" is not {SUBDOMAIN}'),
        (DNS_SUBDOMAIN.prefix_fault, "a.", f'"a." is not {SUBDOMAIN}'),
        (DNS_SUBDOMAIN.prefix_fault, "a.b-", ""),
        (DNS_SUBDOMAIN.prefix_fault, "a" * 253, ""),
        (DNS_SUBDOMAIN.prefix_fault, "a" * 254, f'"{SIXTY}..." has 254 characters, at most 253 are allowed'),
        (DNS_LABEL.prefix_fault, "a" * 63, ""),
        (DNS_LABEL.prefix_fault, "a" * 64, f'"{SIXTY}..." has 64 characters, at most 63 are allowed'),
        (JOB.prefix_fault, "a" * 200, ""),
        (CRON_JOB.prefix_fault, "a" * 47, ""),
        (
            CRON_JOB.prefix_fault,
            "a" * 48,
            f'a name generated from it: "{"a" * 48}00000" has 53 characters, at most 52 are allowed',
        ),
        (CONTROLLER.prefix_fault, "a.", ""),
        (CONTROLLER.prefix_fault, "a" * 300, ""),
        (CONTROLLER.prefix_fault, "A", f'a name generated from it: "A00000" is not {SUBDOMAIN}'),
    ],
)
def test_a_prefix_is_refused_where_no_name_can_be_generated(fault: Callable[[str], str], text: str, said: str) -> None:
    assert fault(text) == said
