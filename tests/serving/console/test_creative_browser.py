"""The picture in a real browser: hidden until asked for, by key and by box, as each person prefers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from adverdict.scoring.tiers import Grader
from adverdict.serving.console.parts import Parts
from tests.serving.console.browser import chromium, missing, reached, running
from tests.serving.console.test_creative import decided, fetched, parts, tiers, uri

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


LAYOUTS = {
    "French": {"c": "c", "v": "v", "t": "t", "x": "x", "z": "z"},
    "Russian": {"c": "с", "v": "м", "t": "е", "x": "ч", "z": "я"},
    "Arabic": {"c": "ؤ", "v": "ر", "t": "ف", "x": "ء", "z": "ئ"},
    "Greek": {"c": "ψ", "v": "ω", "t": "τ", "x": "χ", "z": "ζ"},
    "Japanese input method": dict.fromkeys("cvtxz", "Process"),
}
"""What the keyboard writes for each of our keys."""
PLACES = {("French", "z"): "KeyW"}
"""Where a key lies, if not where an English keyboard has it."""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_key_of_the_page_is_found_on_every_layout(browser: Any, parts: Parts, layout: str) -> None:
    """Cannot see it, see the picture, its tier, bad but no policy fits, and undo."""
    for number in (1, 2):
        decided(parts, number, creative_uri=uri(parts))
    fetched(parts)
    model, rules = tiers()
    with running(replace(parts, grader=Grader(model, rules))) as address:
        page = opened(browser, address, "review")

        def press(letter: str) -> None:
            told = {"key": LAYOUTS[layout][letter], "code": PLACES.get((layout, letter), f"Key{letter.upper()}")}
            for kind in ("keydown", "keyup"):
                page.evaluate(
                    "([kind, told]) => document.body.dispatchEvent(new KeyboardEvent(kind, {...told, bubbles: true}))", [kind, told]
                )

        reached(page, "[data-ahead]")
        task = page.evaluate("document.documentElement.dataset.ready")
        assert page.evaluate(FILTER) != "none"
        press("v")
        assert page.evaluate(FILTER) == "none"
        press("c")
        assert page.is_checked("input[name=verdict][value=unseen]")
        press("t")
        assert page.evaluate("document.querySelector('select[name=tier]').selectedIndex") == 1
        press("x")
        assert page.is_checked("input[name=unfit]")
        page.keyboard.press("Enter")
        reached(page, f"[data-held={task}]")
        press("z")
        reached(page, f"[data-ready={task}]")
        assert page.is_checked("input[name=verdict][value=unseen]"), "what was chosen is there again"
        page.context.close()
