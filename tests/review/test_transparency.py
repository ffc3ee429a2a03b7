"""A period's report counts each measure once, says for which article, and gives error rates their denominators."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from adverdict.domain.errors import InvalidSettings
from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from adverdict.review.reasons.statement import StatementOfReasons
from adverdict.review.reasons.transparency import TITLES, Figure, TransparencyReport, transparency
from tests.golden import Golden
from tests.ledger.made import erase_rows
from tests.review.story import Story, an_ad, minutes

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT


def value(report: TransparencyReport, measure: str, market: str | None = None, policy: str | None = None) -> float | None:
    found = [one for one in report.figures if (one.measure, one.market, one.policy) == (measure, market, policy)]
    assert len(found) <= 1
    return found[0].value if found else None


def a_month(story: Story) -> None:
    """Every kind of thing that happens to a decision."""
    for number in range(1, 5):
        made = story.decide(an_ad(number, market="SE" if number < 4 else "US"), APPROVE, audit=(0.5, number < 3))
        if number < 3:
            story.answer(
                made, "reject" if number == 1 else "approve", ["gambling"] if number == 1 else [], kind="audit", seconds=20 * number
            )
        if number == 1:
            story.resolve(made, REJECT, "audit", ["gambling"])
    twice = story.decide(an_ad(10), REJECT, stopped_by=["deceptive", "gambling"])
    story.decide(twice.ad, REJECT, first=False)
    held = story.decide(an_ad(11), REVIEW, known=False)
    story.decide(held.ad, REJECT, first=False)
    story.rule(twice, story.appeal(twice, at=minutes(300)), "overturned", at=minutes(420))
    reviewed = story.decide(an_ad(12, market="US"), REVIEW)
    story.answer(reviewed, "reject", ["gambling"], reviewer="sam", seconds=None)
    story.resolve(reviewed, REJECT, violated=["gambling"])
    upheld = story.decide(an_ad(13), REJECT)
    story.rule(upheld, story.appeal(upheld, at=minutes(600)), "upheld", at=minutes(960))
    story.appeal(story.decide(an_ad(14), REJECT))
    unknown = story.decide(an_ad(15), REVIEW, known=False)
    story.resolve(unknown, REJECT, violated=["deceptive"])


COUNTED = {
    ("decided: approved", None, None): 4,
    ("decided: approved", "US", None): 1,
    ("decided: left to people", None, None): 3,
    ("decided: rejected", "SE", None): 3,
    ("decided again", None, None): 2,
    ("rejected, fully automated", None, None): 4,  # a repeated rejection is none, the first one after a review is
    ("rejected, fully automated", "SE", "gambling"): 1,
    ("rejected, fully automated", "SE", "deceptive"): 4,
    ("rejected, fully automated", None, "deceptive"): 4,
    ("rejected, partially automated", "US", "gambling"): 1,
    ("rejected, not automated", None, None): 2,
    ("settled by people: audit, reject", "SE", None): 1,
    ("settled by people: appeal, approve", "SE", None): 1,
    ("appeals received", None, None): 3,
    ("decisions overturned on appeal", None, None): 1,
    ("decisions upheld on appeal", "SE", None): 1,
    ("median hours from appeal to ruling", None, None): 4,
    ("statements of reasons", None, None): 6,
    ("statements of reasons", "US", None): None,
    ("answers by reviewers", None, None): 3,
    ("reviewers who answered", None, None): 2,
    ("median seconds of handling", None, None): 30,
}
"""Of a month: measure, market and policy."""


def test_each_measure_is_counted_once(ledger: Ledger) -> None:
    a_month(Story(ledger))
    report = transparency(ledger)
    assert {asked: value(report, *asked) for asked in COUNTED} == COUNTED


def test_error_rates_come_with_intervals_and_denominators(ledger: Ledger) -> None:
    a_month(Story(ledger))
    [found] = [one for one in transparency(ledger).figures if one.article == "15(1)(e)" and one.policy == "gambling"]
    assert (found.of, found.read) == (4, 2)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_only_what_was_recorded_in_the_period_counts(ledger: Ledger) -> None:
    story = Story(ledger)
    early = story.decide(an_ad(1), REJECT, at=minutes(10))
    story.rule(early, story.appeal(early, at=minutes(20)), "upheld", at=minutes(80))
    story.decide(an_ad(2), REJECT, at=minutes(90))
    found = transparency(ledger, minutes(30), minutes(90))
    assert value(found, "rejected, fully automated") is None
    assert value(found, "appeals received") is None
    assert value(found, "median hours from appeal to ruling") == 1  # appealed before the period, ruled in it
    with pytest.raises(InvalidSettings):
        transparency(ledger, minutes(1), minutes(1))


def test_what_was_erased_is_counted_as_erased(ledger: Ledger) -> None:
    story = Story(ledger)
    for number in range(3):
        story.decide(an_ad(number), APPROVE)
    erase_rows(ledger, 1, 2)
    found = transparency(ledger)
    assert (value(found, "erasures"), value(found, "contents erased"), value(found, "decided: approved")) == (1, 2, 1)


def test_machines_get_the_same_figures_in_json_and_csv(ledger: Ledger) -> None:
    a_month(Story(ledger))
    report = transparency(ledger, since=minutes(0))
    told = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert told["since"] == "2026-03-01T09:00:00+00:00"
    assert [Figure(**one) for one in told["figures"]] == list(report.figures)
    rows = list(csv.DictReader(io.StringIO(report.to_csv(), newline="")))
    assert [float(row["value"]) for row in rows] == [one.value for one in report.figures]
    assert {row["article"] for row in rows} >= {"15(1)(c)", "15(1)(d)", "15(1)(e)", "24(5)"}


def test_a_person_reads_it_by_article(ledger: Ledger, golden: Golden) -> None:
    a_month(Story(ledger))
    nothing = transparency(ledger, since=minutes(10_000))
    golden.check("transparency.txt", transparency(ledger, since=minutes(0), until=minutes(9_000)).to_text() + "\n" + nothing.to_text())


DOCS = (Path(__file__).parents[2] / "docs" / "transparency.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("article", TITLES)
def test_every_article_is_documented(article: str) -> None:
    assert f"| {article} |" in DOCS


@pytest.mark.parametrize("field", sorted(set(StatementOfReasons.model_fields) - {"decision_id", "puid", "content_type_other"}))
def test_every_field_of_a_statement_is_documented(field: str) -> None:
    assert f"`{field}`" in DOCS
