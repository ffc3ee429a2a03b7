"""An ad in the reviewers' language: marked as a machine's, never of a golden task, and nothing stops when the machine does."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.settings import Settings
from adverdict.review.tasks.draws import Draws, draws_of
from adverdict.serving.console.translating import LEFT_OUT, Translation, left_out, nobody, translating, translator_of
from tests.serving.console.conftest import Visitor, log_in
from tests.serving.console.filled import World

DRAWS = Draws(b"a ledger's own secret", datetime(2026, 1, 1, tzinfo=UTC))
AD = Ad.model_validate(
    {
        "ad_id": "a",
        "advertiser_id": "b",
        "market": "SE",
        "submitted_at": "2026-01-02T00:00:00Z",
        "language": "sv",
        "title": "Spara nu",
        "body": "42",
    }
)


class Shouting:
    """Translates by shouting, and says how often it was asked."""

    asked = 0

    def translate(self, texts: Sequence[str], source: str | None, target: str) -> Sequence[str]:
        self.asked += 1
        return [text.upper() for text in texts]


class Failing:
    def translate(self, texts: Sequence[str], source: str | None, target: str) -> Sequence[str]:
        raise TimeoutError("it does not answer")


def test_what_changes_is_shown_by_part_and_asked_for_once() -> None:
    machine = Shouting()
    translate = translating(machine, "shouting", "en")
    assert translate(AD) == translate(AD) == Translation("en", "shouting", (("Title", "SPARA NU"),))
    assert machine.asked == 1


@pytest.mark.parametrize(
    "ad", [AD.model_copy(update={"language": "en-GB"}), AD.model_copy(update={"title": "42"})], ids=["their language", "nothing changed"]
)
def test_what_needs_no_translation_has_none(ad: Ad) -> None:
    assert translating(Shouting(), "shouting", "en")(ad) is None
    assert nobody(AD) is None


def test_a_machine_that_fails_leaves_the_ad_as_it_is_and_says_so_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert translating(Failing(), "failing", "en")(AD) is None
    assert "the translator failing failed" in caplog.text


def test_golden_tasks_have_none_and_among_all_without_one_most_are_not_golden() -> None:
    ids = [f"task-{number}" for number in range(3000)]
    others = sum(left_out(DRAWS, "review", one) for one in ids) / len(ids)
    assert all(left_out(DRAWS, "golden", one) for one in ids[:50])
    assert others == pytest.approx(LEFT_OUT, abs=0.03)
    golden = Settings().review_golden_share
    assert others / (others + golden) > 0.7


def test_the_review_page_marks_it_as_a_machines(world: World, visit: Visitor) -> None:
    client = log_in(visit(replace(world.parts, translate=lambda ad: Translation("sv", "glossary", (("Title", "<b>Hej</b>"),)))))
    text = client.get("/console/review").text
    task = text.split('data-task="')[1].split('"')[0]
    with world.parts.ledger.look() as connection:
        draws = draws_of(connection)
    if left_out(draws, world.parts.queue.task(task).kind, task):  # golden, or one of those by chance
        assert "by a machine" not in text
        return
    assert "In sv, by a machine (glossary)" in text
    assert "Nobody has checked it" in text
    assert "&lt;b&gt;Hej&lt;/b&gt;" in text


def test_a_translator_nobody_offers_is_refused_with_those_there_are(example: object) -> None:
    with pytest.raises(InvalidSettings, match="ADVERDICT_TRANSLATOR = 'babel'"):
        translator_of(Settings(translator="babel"))
    translated = translator_of(Settings(translator="glossary"))(AD)
    assert translated == Translation("en", "glossary", (("Title", "save now"),))
