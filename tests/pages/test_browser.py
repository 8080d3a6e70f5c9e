"""The pages in a real browser: by keyboard, for a screen reader, on a phone, in the dark, and with hostile names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.pages import samples
from tests.pages.chromium import browser_or_skip
from tests.pages.serving import served

pytestmark = pytest.mark.slow

WIDE: Final = 1280
PHONE: Final = 320
PATHS: Final = ("/", "/namespaces", "/namespaces/agents-dev", "/tiers/dev", "/refusals", "/workloads", "/nowhere")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the module."""
    with browser_or_skip() as running:
        yield running


@pytest.fixture(scope="module")
def small() -> Iterator[str]:
    """The pages of three tiers."""
    with served(samples.a_cluster()) as url:
        yield url


@pytest.fixture(scope="module")
def large() -> Iterator[str]:
    """The pages of 3,000 namespaces."""
    with served(samples.a_large_cluster()) as url:
        yield url


def open_page(browser: Browser, url: str, *, width: int = WIDE, dark: bool = False, bypass_csp: bool = False) -> Page:
    """Open a page without scripts."""
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        java_script_enabled=bypass_csp,
        bypass_csp=bypass_csp,
    )
    page = context.new_page()
    page.goto(url)
    return page


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so; it must be seen that it has it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focus = page.locator(":focus")
        if focus.count() and (focus.inner_text().strip(" ▲▼") or focus.get_attribute("id")) == name:
            assert focus.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
            return
    pytest.fail(f"Tab never comes to {name}")


def first_row(page: Page) -> str:
    return page.locator("tbody th").first.inner_text()


def test_a_table_is_sorted_filtered_and_turned_by_the_keyboard_alone(browser: Browser, large: str) -> None:
    page = open_page(browser, f"{large}/namespaces")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    assert page.locator(":focus").bounding_box()["x"] >= 0  # type: ignore[index]  # it is seen now
    assert (first_row(page), page.locator("th[aria-sort]").inner_text()) == ("team-0020", "Tightest bound ▼")
    for first, sort in (("team-0000", "ascending"), ("team-2999", "descending")):
        tab_to(page, "Namespace")
        page.keyboard.press("Enter")
        page.wait_for_url("**sort=*namespace*" if sort == "ascending" else "**sort=-namespace*")
        assert first_row(page) == first
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == sort
    tab_to(page, "Next")
    page.keyboard.press("Enter")
    page.wait_for_url("**page=2*")
    assert first_row(page) == "team-2949"
    assert "Page 2 of 60: 51 to 100 of 3,000 namespaces" in page.locator("nav.pages").first.inner_text()
    tab_to(page, "find")
    page.keyboard.type("team-1234")
    page.keyboard.press("Enter")
    page.wait_for_url("**find=team-1234*")
    assert (page.locator("tbody tr").count(), first_row(page)) == (1, "team-1234")


def accessible(page: Page) -> list[tuple[str, str, str]]:
    """Return (role, name, value) of what a screen reader is told of."""
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    seen = [node for node in nodes if not node["ignored"]]
    return [tuple(str(node.get(part, {}).get("value", "")) for part in ("role", "name", "value")) for node in seen]  # type: ignore[misc]  # three of them


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_a_screen_reader_finds_tables_names_and_landmarks(browser: Browser, small: str, width: int) -> None:
    """Also where each row is a card: the table stays one."""
    found = accessible(open_page(browser, f"{small}/", width=width))
    roles = Counter(role for role, *_ in found)
    assert roles["table"] == 4
    assert roles["row"] == 3 + 4 + 2 + 3 + (4 if width == WIDE else 1)  # on a phone only what sorts is left of headers
    assert roles["rowheader"] == 3 + 4 + 2 + 3
    assert roles["cell"] + roles["gridcell"] == 3 * 6 + 4 * 3 + 2 * 5 + 3 * 5
    assert roles["main"] == roles["banner"] == roles["contentinfo"] == 1
    names = {(role, name) for role, name, _ in found}
    assert {
        ("navigation", "Pages"),
        ("navigation", "Refresh"),
        ("heading", "Usage of the tiers"),
        ("link", "Skip to the content"),
        ("rowheader", "Deployment agent-api"),
    } <= names
    assert ("meter", "limits.cpu used of namespace agents-dev", "100") in found
    if width == WIDE:
        assert {("table", "Totals of the tiers"), ("columnheader", "Tier"), ("columnheader", "State")} <= names


@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (WIDE, True), (PHONE, True)])
def test_axe_finds_nothing(browser: Browser, small: str, width: int, dark: bool) -> None:  # noqa: FBT001
    """Contrast, names, structure, target size: by WCAG 2.2 AA and best practices."""
    page = open_page(browser, small, width=width, dark=dark, bypass_csp=True)
    for path in PATHS:
        page.goto(f"{small}{path}")
        found = Axe().run(page).response["violations"]
        assert [(path, one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize("of", ["small", "large", "hostile"])
def test_a_phone_shows_all_without_scrolling_sideways(browser: Browser, small: str, large: str, of: str) -> None:
    with served(samples.a_hostile_cluster()) as hostile:
        url = {"small": small, "large": large, "hostile": hostile}[of]
        page = open_page(browser, f"{url}/", width=PHONE)
        for path in PATHS:
            page.goto(f"{url}{path}")
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE, path
        page.context.close()


def test_the_longest_names_stay_in_their_tables(browser: Browser) -> None:
    with served(samples.a_hostile_cluster()) as url:
        page = open_page(browser, url)
        for path in ("/", "/namespaces", "/refusals", "/workloads"):
            page.goto(f"{url}{path}")
            outer = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
            assert page.evaluate(outer) == 0, path
        page.context.close()


def test_in_the_dark_the_page_is_dark(browser: Browser, small: str) -> None:
    def brightness(*, dark: bool, of: str) -> int:
        page = open_page(browser, small, dark=dark)
        color = page.evaluate(f"getComputedStyle(document.body).{of}")
        return sum(int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(","))

    assert brightness(dark=True, of="backgroundColor") < 100 < 600 < brightness(dark=True, of="color")
    assert brightness(dark=False, of="color") < 100 < 600 < brightness(dark=False, of="backgroundColor")


def test_hostile_names_are_text_and_nothing_else_is_loaded(browser: Browser) -> None:
    with served(samples.a_hostile_cluster()) as url:
        page = browser.new_context().new_page()
        loaded, said = [], []
        page.on("request", lambda request: loaded.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        for path in ("/", "/namespaces", "/refusals", "/workloads", "/usage.json"):
            page.goto(f"{url}{path}")
            assert page.locator("img, script, iframe").count() == 0
            assert page.title() != "1"
        page.goto(f"{url}/namespaces")
        page.locator("tbody th a").click()
        page.wait_for_url("**/namespaces/**")
        assert page.locator("h1").inner_text() == f"Namespace {samples.HOSTILE}"
        page.context.close()
    assert all(one.startswith(url) for one in loaded)
    assert said == []
