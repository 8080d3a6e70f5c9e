"""The pages without a browser: what each answers, to whom, and that nothing from outside becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

import msgspec
import pytest
from flask.testing import FlaskClient

from tests.pages import samples
from tiergate.metrics.prometheus import CONTENT_TYPE
from tiergate.pages.application import create_app
from tiergate.pages.as_json import ROWS as ROWS_OF_JSON
from tiergate.pages.hosts import is_local
from tiergate.pages.shown import Shown
from tiergate.pages.tables import ROWS
from tiergate.pages.views import MOST_BOUNDS

PATHS: Final = ("/", "/usage", "/namespaces", "/refusals", "/workloads", "/usage.json", "/nowhere")


def a_client(shown: Shown | None = None) -> FlaskClient:
    found = samples.a_cluster() if shown is None else shown
    app = create_app(shown=lambda: found, metrics=lambda: b"m 1\n", metrics_type=CONTENT_TYPE, now=lambda: samples.NOW)
    return app.test_client()


def text(client: FlaskClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)


class Elements(HTMLParser):
    """The elements of a page, the attributes that run something, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.rows = 0
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href" and tag == "a"]
        self.rows += tag == "tr"

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(("tier", "caption"), [("dev", "Totals of 2 namespaces"), ("prod", "Totals of 1 namespace")])
def test_the_totals_of_a_tier_say_of_how_many_namespaces(tier: str, caption: str) -> None:
    assert f"<caption>{caption}</caption>" in text(a_client(), f"/tiers/{tier}")


def test_the_overview_has_totals_room_refusals_and_what_waits() -> None:
    page = Elements(text(a_client(), "/")).text
    for words in (
        "10 of 40",  # pods of both namespaces of dev
        "3900Mi of 4Gi",
        "95% used, 196Mi left",
        "limit-max",
        "set limits.memory to 512Mi or less",
        "8 of 10 pods fit",
        "2026-03-02 09:30:04 UTC",
        "1 s ago; all caches heard from the API server at most 4 s ago",
        "tiergate-webhook-6c9f7d9b5-x2x7p",
    ):
        assert words in page


def test_a_namespace_and_a_tier_have_pages_of_their_own() -> None:
    client = a_client()
    namespace, tier = text(client, "/namespaces/sandbox"), text(client, "/tiers/dev")
    assert "pod notebook" in namespace
    assert "Deployment agent-worker" not in namespace
    assert "/namespaces/agents-dev" in tier
    assert "/namespaces/agents-prod" not in tier
    for path in ("/namespaces/gone", "/tiers/gone", "/nowhere", "/namespaces/%2e%2e", "/static/page.css"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("shown", "path", "words"),
    [
        (Shown(samples.NOW), "/", "Not all caches are filled yet."),
        (Shown(samples.NOW), "/", "There is no tier. Create one"),
        (Shown(samples.NOW), "/namespaces", "No namespace is in a tier. Put one into a tier"),
        (Shown(samples.NOW), "/refusals", "This replica has refused nothing"),
        (Shown(samples.NOW), "/workloads", "This replica knows of no workload that waits."),
        (Shown(samples.NOW, heard=90.0, stale=True), "/", "This replica has lost touch with the API server."),
    ],
)
def test_what_is_empty_or_late_says_so(shown: Shown, path: str, words: str) -> None:
    assert words in Elements(text(a_client(shown), path)).text


def test_nothing_from_outside_becomes_markup() -> None:
    client = a_client(samples.a_hostile_cluster())
    for path in (*PATHS, f"/namespaces?find={samples.HOSTILE}&sort={samples.HOSTILE}&refresh={samples.HOSTILE}"):
        page = text(client, path)
        found = Elements("" if path == "/usage.json" else page)
        assert not found.names & {"img", "script"}
        assert not {name for name in found.attributes if name.startswith("on")}
        assert "49" not in found.text


def test_every_answer_is_private_to_this_machine() -> None:
    client = a_client()
    for path in PATHS:
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in headers.keys() if name.lower().startswith("access-control")]  # noqa: SIM118


LOCAL: Final = ["localhost", "localhost:9444", "LocalHost.:1", "127.0.0.1", "127.64.0.9:80", "[::1]", "[::1]:9444"]
OTHERS: Final = [
    *("", "tiergate.example", "localhost.example:9444", "127.0.0.1.nip.io", "localhost@evil", "10.0.0.1", "127.1"),
    *("[::]", "::1", "[::1", "[::1]x", "127.0.0.1:x", "127.0.0.1:80:80"),
]


@pytest.mark.parametrize(("host", "local"), [*((one, True) for one in LOCAL), *((one, False) for one in OTHERS)])
def test_a_page_is_opened_by_a_name_of_this_machine(host: str, local: bool) -> None:  # noqa: FBT001
    """A script of a page whose name is pointed to 127.0.0.1 sends that name."""
    assert is_local(host) is local
    if host:
        assert a_client().get("/", headers={"Host": host}).status_code == (200 if local else 421)
        assert a_client().get("/metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("", "team-0020"),  # the tightest
        ("sort=namespace", "team-0000"),
        ("sort=-namespace", "team-2999"),
        ("sort=pods", "team-0020"),
        ("sort=nonsense", "team-0020"),
        ("sort=namespace&page=2", "team-0050"),
        ("sort=namespace&page=60", "team-2950"),
        ("sort=namespace&page=999999", "team-2950"),
        ("sort=namespace&page=-1", "team-0000"),
        ("sort=namespace&page=" + "9" * 300, "team-0000"),
        ("sort=namespace&tier=tier-3", "team-0900"),
        ("sort=namespace&find=99", "team-0099"),
    ],
)
def test_3000_namespaces_are_sorted_filtered_and_cut_into_pages(query: str, first: str) -> None:
    page = text(a_client(samples.a_large_cluster()), f"/namespaces?{query}")
    assert page.index(f'<a href="/namespaces/{first}">') < page.index("</table>")
    assert page.split('<th role="rowheader"')[1].split("</th>")[0].endswith(f">{first}</a>")
    assert Elements(page).rows <= ROWS + 1
    assert len(page) < 60_000


def test_many_quotas_of_a_tenant_fill_no_page() -> None:
    hard = {f"count/things{number}.example.com": "1" for number in range(5000)}
    many = samples.a_namespace("team", hard=hard)
    foreign = tuple(msgspec.structs.replace(row, quota=f"own-{at}", of_tier=False) for at, row in enumerate(many.rows))
    shown = Shown(samples.NOW, heard=1.0, namespaces=(msgspec.structs.replace(many, rows=foreign),))
    client = a_client(shown)
    page = text(client, "/namespaces/team")
    assert Elements(page).rows == MOST_BOUNDS + 1
    assert "4,900 more" in page
    assert 'href="/usage.json?namespace=team"' in page
    assert "No quota is in force" in text(client, "/tiers/dev")
    assert client.get("/usage.json").get_json()["tiers"][0]["total"] == []


@pytest.mark.parametrize("path", ["/%5Cevil.example", "/%09/evil.example", "/%0A/evil.example", "/a%3Fb"])
def test_no_link_leads_elsewhere_than_to_these_pages(path: str) -> None:
    """Whatever path somebody was made to open: browsers drop TAB and LF, and read a backslash as a slash."""
    links = Elements(text(a_client(), path)).links
    assert len(links) > 5
    assert [
        link for link in links if not re.fullmatch(r"#content|(/[\w.%-]*)+(\?[^#]*)?", link) or link.startswith("//")
    ] == []


def test_links_keep_what_was_chosen() -> None:
    page = text(a_client(samples.a_large_cluster()), "/namespaces?sort=-pods&refresh=on&tier=tier-3&page=2&other=x")
    assert 'href="/namespaces?refresh=on&amp;sort=-pods&amp;tier=tier-3&amp;page=3"' in page
    assert 'href="/refusals?refresh=on"' in page
    assert '<meta http-equiv="refresh" content="10">' in page
    assert "other" not in page
    assert 'http-equiv="refresh"' not in text(a_client(), "/")


@pytest.mark.parametrize(("path", "headers"), [("/usage.json", {}), ("/usage", {"Accept": "application/json"})])
def test_usage_as_json(path: str, headers: dict[str, str]) -> None:
    found = a_client().get(path, headers=headers).get_json()
    assert found["taken"] == "2026-03-02T09:30:04+00:00"
    assert found["usage"][0] == {
        "tier": "dev",
        "namespace": "agents-dev",
        "quota": "tier",
        "resource": "limits.cpu",
        "used": "4",
        "hard": "4",
    }
    assert found["next"] is None
    assert found["tiers"][0]["total"][0] == {"quota": "tier", "resource": "limits.cpu", "used": "4500m", "hard": "8"}
    assert found["refusals"][1]["problems"][0]["wouldPass"] == "set limits.memory to 512Mi or less"


def test_json_comes_in_parts() -> None:
    client = a_client(samples.a_large_cluster())
    path, seen = "/usage.json?tier=tier-9", []
    while path:
        found = client.get(path).get_json()
        assert len(found["usage"]) <= ROWS_OF_JSON
        seen += found["usage"]
        assert [one["tier"] for one in found["tiers"]] == ["tier-9"]
        path = found["next"]
    assert len(seen) == 300 * 5
    assert {row["tier"] for row in seen} == {"tier-9"}
