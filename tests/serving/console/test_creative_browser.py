"""The picture in a real browser: hidden until asked for, by key and by box, as each person prefers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adverdict.serving.console.parts import Parts
from tests.serving.console.browser import chromium, missing, running
from tests.serving.console.test_creative import decided, fetched, parts, uri

__all__ = ["parts"]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

FILTER = "getComputedStyle(document.querySelector('.shot img')).filter"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def opened(browser: Any, address: str, path: str, **options: Any) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 800}, **options).new_page()
    page.goto(f"{address}/console/login")
    page.click("button.go")
    page.goto(f"{address}/console/{path}")
    return page


def test_a_picture_is_blurred_and_grey_until_its_key_or_its_box_asks_for_it(browser: Any, parts: Parts) -> None:
    decided(parts, creative_uri=uri(parts))
    fetched(parts)
    with running(parts) as address:
        page = opened(browser, address, "review")
        assert "blur(" in page.evaluate(FILTER)
        assert "grayscale(1)" in page.evaluate(FILTER)
        page.keyboard.press("v")
        assert page.evaluate(FILTER) == "none"
        page.keyboard.press("v")
        assert "blur(" in page.evaluate(FILTER)
        page.check("[data-see]")
        assert page.evaluate(FILTER) == "none"
        page.uncheck("[data-see]")
        page.keyboard.down("v")
        page.wait_for_timeout(600)
        assert page.evaluate(FILTER) == "none"
        page.keyboard.up("v")
        assert "blur(" in page.evaluate(FILTER), "held down it shows for so long"
        page.keyboard.press("n")
        page.keyboard.type("very vivid")
        assert "blur(" in page.evaluate(FILTER), "a letter of a reason is no key"


def test_what_somebody_prefers_stays_with_them(browser: Any, parts: Parts) -> None:
    decision = decided(parts, creative_uri=uri(parts))
    fetched(parts)
    with running(parts) as address:
        page = opened(browser, address, "review")
        page.click("[data-showing] summary")
        page.uncheck('[data-prefer="blur"]')
        assert page.evaluate(FILTER) == "grayscale(1)"
        page.goto(f"{address}/console/decisions/{decision}")
        assert page.evaluate(FILTER) == "grayscale(1)"
        assert "blur(" in opened(browser, address, "review").evaluate(FILTER), "another browser knows nothing of it"


def test_without_scripts_the_picture_is_hidden_and_the_box_shows_it(browser: Any, parts: Parts) -> None:
    decided(parts, creative_uri=uri(parts))
    fetched(parts)
    with running(parts) as address:
        page = opened(browser, address, "review", java_script_enabled=False)
        box = page.locator("[data-see]")
        assert box.is_visible()
        hidden = page.locator(".pictures").screenshot()
        box.check()
        assert page.locator(".pictures").screenshot() != hidden


def test_a_picture_that_arrives_is_put_in_its_place_and_nothing_else_changes(browser: Any, parts: Parts) -> None:
    decided(parts, creative_uri=uri(parts))
    with running(parts) as address:
        page = opened(browser, address, "review")
        assert page.locator("figure[data-waiting]").count() == 1
        page.fill("input[name=reason]", "half written")
        fetched(parts)
        page.wait_for_selector(".shot img", timeout=10_000)
        assert page.input_value("input[name=reason]") == "half written"
        assert "blur(" in page.evaluate(FILTER)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_with_a_picture_is_readable_to_everybody(browser: Any, parts: Parts, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    decided(parts, creative_uri=uri(parts))
    fetched(parts)
    with running(parts) as address:
        page = opened(browser, address, "review", color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
        page.keyboard.press("c")
        assert page.is_checked("input[name=verdict][value=unseen]")
