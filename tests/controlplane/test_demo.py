"""What the demo says at its end."""

from __future__ import annotations

from tests.controlplane.demo import usage_pages

LOG = """\
--- 2026-11-29T11:37:46Z tiergate serve --listen-address=127.65.4.13 --port=57135 --usage-port=39597
{"time":"2026-11-29T11:37:48Z","message":"Listening at: https://127.65.4.13:57135,https://127.65.4.13:39597 (25276)"}
{"time":"2026-11-29T11:37:48Z","message":"review","detail":"Listening at: https://127.0.0.1:1"}
"""


def test_the_usage_page_is_the_second_address_that_a_replica_listens_at() -> None:
    assert usage_pages(LOG * 2) == ["https://127.65.4.13:39597"] * 2
