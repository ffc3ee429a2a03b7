"""The console in a real browser: by keyboard, readable to everybody, in light and dark, on a desk and on a phone."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.ledger.store import Ledger, now
from adverdict.rescoring.diff.page import write_page as write_diff
from adverdict.training.pages.report import write_report
from tests.rescoring.differences import difference
from tests.serving.console.browser import SHOTS, chromium, missing, reached, running
from tests.serving.console.filled import World, fill
from tests.training.test_report import report_data, scored

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TASKS = 6


@pytest.fixture(scope="module")
def busy(packaged: PolicyBook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four hundred decisions up to this moment, most of them read."""
    folder = tmp_path_factory.mktemp("busy")
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    yield fill(ledger, packaged, folder, 400, answered=0.93, now=now(), clock=now, registry="http://127.0.0.1:5000", resolve=_challenger)
    ledger.close()


@pytest.fixture(scope="module")
def address(busy: World) -> Iterator[str]:
    with running(busy.parts) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def _challenger(name: str) -> str:
    return "models:/adverdict/4"


def pages(busy: World) -> dict[str, str]:
    return {
        "review": "review",
        "today": "today",
        "queues": "queues",
        "decisions": "decisions",
        "decisions-filtered": "decisions?verdict=reject&market=SE",
        "decision": f"decisions/{busy.first_rejected}",
        "letter": f"decisions/{busy.first_rejected}/letter",
        "advertiser": f"decisions/{busy.first_rejected}/advertiser",
        "policy-elsewhere": "policies?policy=kids_unsuitable&market=DE",
        "day": "review/day",
        "health": "health",
        "emerging": "emerging",
        "rollouts": "rollouts",
        "launches": "launches",
        "brakes": "brakes",
        "nothing": "no-such-page",
        "policy": "policies?policy=deceptive&market=SE&approve_below=0.03&reject_at=0.7",
        "models": "models",
        "quality": "quality",
        "changes": "changes",
        "workforce": "workforce",
    }


def opened(browser: Any, address: str, size: dict[str, int] = DESK, scheme: str = "light") -> Any:
    """A page that has logged in on this machine."""
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    page.wrong = []
    page.on("console", lambda message: page.wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(f"{address}/console")
    page.get_by_role("button", name="Continue on this machine").click()
    page.wait_for_url("**/console/today")
    page.goto(f"{address}/console/review")
    return page


def shots(otherwise: Path) -> Path:
    """Where screenshots are kept: ADVERDICT_SHOTS names a folder of one's own."""
    folder = Path(SHOTS or otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "size"), [("desktop", DESK), ("phone", PHONE)])
def test_each_page_is_accessible_fits_its_width_and_breaks_no_rule_of_its_own(
    browser: Any, address: str, busy: World, scheme: str, width: str, size: dict[str, int], tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    folder = shots(tmp_path)
    page = opened(browser, address, size, scheme)
    found = {}
    for name, path in pages(busy).items():
        page.goto(f"{address}/console/{path}", wait_until="networkidle")
        while page.locator("[data-counting]").count():
            page.reload()
        page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=name != "review")
        serious = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
        found[name] = [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in serious]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than a {width}"
    page.context.close()
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert [one for one in page.wrong if "404" not in one] == []  # the page that is not there says so


def test_thresholds_moved_by_hand_are_in_the_address(browser: Any, address: str) -> None:
    page = opened(browser, address)
    page.goto(f"{address}/console/policies?policy=deceptive&market=SE", wait_until="networkidle")
    page.locator("#approve_below").fill("0.031")
    reached(page, "[data-moved*='approve_below=0.031']")
    assert "approve_below=0.031" in page.url
    assert page.locator("#rule-lines").is_visible()
    assert "Approve below" not in (page.locator("[data-said]").text_content() or "")
    assert "0.031" in (page.locator("[data-said]").text_content() or "")
    page.locator("input[name=never]").check()
    reached(page, "[data-moved*='reject_at=1']")
    assert page.wrong == []
    page.context.close()


def test_a_letter_is_copied_as_text(browser: Any, address: str, busy: World) -> None:
    page = opened(browser, address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.goto(f"{address}/console/decisions/{busy.first_rejected}")
    page.get_by_role("button", name="Copy text").click()
    page.get_by_text("Copied.").wait_for()
    assert busy.first_rejected in page.evaluate("navigator.clipboard.readText()")
    page.context.close()


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_reports_are_accessible_begin_with_what_matters_and_scroll_sideways_nowhere(
    browser: Any, size: dict[str, int], tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    write_report(tmp_path / "training", report_data(scored(models=("ngram", "blend"))))
    write_diff(tmp_path / "diff.html", difference())
    page = browser.new_context(viewport=size).new_page()
    for path in (tmp_path / "training" / "report.html", tmp_path / "diff.html"):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollHeight") < 5 * size["height"], path.name
        for _ in ("folded", "opened"):
            assert [one["id"] for one in Axe().run(page).response["violations"]] == [], path.name
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path.name
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.context.close()


def test_the_login_is_accessible(browser: Any, address: str, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_context(viewport=DESK).new_page()
    page.goto(f"{address}/console/login")
    page.screenshot(path=shots(tmp_path) / "login-light-desktop.png")
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    page.context.close()


def test_a_normal_ad_is_reviewed_on_one_screen(browser: Any, address: str) -> None:
    page = opened(browser, address)
    reached(page, "[data-ready]")
    assert page.evaluate("document.documentElement.scrollHeight") <= DESK["height"]
    page.context.close()


def test_several_tasks_are_reviewed_by_keyboard_alone(
    browser: Any, address: str, busy: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = opened(browser, address)
    before = busy.parts.ledger.end()[0]
    answered, times = [], []
    for number in range(TASKS):
        reached(page, "[data-ready]:not([data-ready=none])")
        reached(page, "[data-ahead]")
        task = page.evaluate("document.documentElement.dataset.ready")
        began = page.evaluate("performance.getEntriesByName('ready').at(-1).startTime")
        if number % 2:
            page.keyboard.press("1")
            page.keyboard.press("s")
            page.keyboard.press("n")
            page.keyboard.type("not as shown")
            page.keyboard.press("Escape")
            page.screenshot(path=shots(tmp_path) / "review-rejecting-light-desktop.png")
        else:
            page.keyboard.press("a")
        page.keyboard.press("Enter")
        reached(page, f"[data-ready]:not([data-ready={task}])")
        times.append(page.evaluate("performance.getEntriesByName('ready').at(-1).startTime") - began)
        answered.append(task)
    page.context.close()
    with capsys.disabled():
        sys.stdout.write(
            f"\npage ready to next page ready, {TASKS} tasks by keyboard: median {median(times):.0f} ms, slowest {max(times):.0f} ms\n"
        )
    assert len(set(answered)) == TASKS
    given = {entry.body.task_id for entry in busy.parts.ledger.read(before, kinds=("answer",)) if entry.body is not None}  # type: ignore[union-attr]
    assert given == set(answered)
    assert page.wrong == []


def test_an_answer_is_undone_before_it_is_sent_and_sent_once_its_reader_goes_on(browser: Any, address: str, busy: World) -> None:
    page = opened(browser, address)
    reached(page, "[data-ready]:not([data-ready=none])")
    reached(page, "[data-ahead]")
    task = page.evaluate("document.documentElement.dataset.ready")
    before = busy.parts.ledger.end()[0]
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    reached(page, f"[data-held={task}]")
    page.keyboard.press("z")
    reached(page, f"[data-ready={task}]")
    assert busy.parts.ledger.end()[0] == before
    assert page.locator("input[name=verdict][value=approve]").is_checked()
    reached(page, "[data-ahead]")
    page.keyboard.press("Enter")
    reached(page, f"[data-held={task}]")
    page.keyboard.press("a")
    reached(page, f"[data-ready]:not([data-ready={task}])")
    assert busy.parts.ledger.end()[0] > before
    assert page.wrong == []
    page.context.close()


@pytest.mark.parametrize(("key", "code"), [("a", "KeyQ"), ("ф", "KeyA"), ("ش", "KeyA"), ("α", "KeyA"), ("Process", "KeyA")])
def test_a_letter_is_a_key_on_every_layout_by_what_it_writes_or_else_by_where_it_lies(
    browser: Any, address: str, key: str, code: str
) -> None:
    """French, Russian, Arabic and Greek keyboards, and a Japanese input method."""
    page = opened(browser, address)
    reached(page, "[data-ready]:not([data-ready=none])")
    page.evaluate("([key, code]) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, code, bubbles: true}))", [key, code])
    assert page.locator("input[name=verdict][value=approve]").is_checked()
    page.context.close()


def settled(busy: World) -> None:
    """Pages that were closed send the answers that they held: wait until none comes any more."""
    before = None
    while before != busy.parts.ledger.end()[0]:
        before = busy.parts.ledger.end()[0]
        time.sleep(1.0)


def test_a_lost_lease_is_said_and_the_answer_does_not_count(browser: Any, address: str, busy: World) -> None:
    settled(busy)
    page = opened(browser, address)
    reached(page, "[data-ready]:not([data-ready=none])")
    task = page.evaluate("document.documentElement.dataset.ready")
    token = int(page.locator("input[name=token]").input_value())
    busy.parts.queue.release(task, "local", token)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.get_by_text("was not recorded").wait_for()
    assert busy.parts.queue.task(task).state != "done"  # open, leased to somebody else or, of a golden task that was given back, withdrawn
    page.context.close()


def test_moved_thresholds_are_counted_while_they_move(browser: Any, address: str) -> None:
    page = opened(browser, address)
    page.goto(f"{address}/console/policies?policy=deceptive&market=SE")
    before = page.locator(".compare").inner_text()
    page.locator("input[data-for=approve_below]").focus()
    for _ in range(8):
        page.keyboard.press("PageUp")
    reached(page, "[data-moved]")
    assert page.locator(".compare").inner_text() != before
    assert page.wrong == []
    page.context.close()


def test_without_scripts_a_task_is_answered_by_a_plain_form(browser: Any, address: str, busy: World) -> None:
    page = browser.new_context(viewport=DESK, java_script_enabled=False).new_page()
    page.goto(f"{address}/console")
    page.get_by_role("button", name="Continue on this machine").click()
    page.goto(f"{address}/console/review")
    before = busy.parts.ledger.end()[0]
    page.get_by_role("radio", name=re.compile("Approve|Overturn")).check(force=True)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/console/review")
    assert busy.parts.ledger.end()[0] > before
    page.context.close()
